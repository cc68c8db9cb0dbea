//! CSV: one row an event, its data as JSON in one cell. A cell that a spreadsheet would take for a formula gets an
//! apostrophe in front, which an import takes away again.

use csv::StringRecord;
use serde_json::{Map, Value, json};

use super::Writer;
use super::json::{received, time};
use crate::store::rows::EventRow;

const HEAD: [&str; 12] = [
    "time",
    "type",
    "object_type",
    "object_id",
    "refs",
    "source",
    "system",
    "id",
    "schema_version",
    "received_at",
    "trace",
    "data",
];

pub struct Table;

impl Writer for Table {
    fn head(&mut self, out: &mut Vec<u8>) {
        row(&HEAD.map(str::to_owned), out);
    }

    fn event(&mut self, event: &EventRow, out: &mut Vec<u8>) {
        let trace =
            if event.trace_id.is_empty() { String::new() } else { format!("{}-{}", event.trace_id, event.span_id) };
        let cells = [
            time(event),
            event.event_type.clone(),
            event.object_type.clone(),
            event.object_id.clone(),
            // Ids may hold blanks, so one link a line.
            event.refs.join("\n"),
            event.source.clone(),
            event.system.clone(),
            event.event_id.clone(),
            event.schema_version.to_string(),
            received(event),
            trace,
            event.data.clone(),
        ];
        row(&cells, out);
    }
}

/// RFC 4180, each row ended by CR LF.
fn row(cells: &[String], out: &mut Vec<u8>) {
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        let safe = if is_formula(cell) { "'" } else { "" };
        if cell.contains(['"', ',', '\n', '\r']) {
            out.push(b'"');
            out.extend_from_slice(safe.as_bytes());
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(safe.as_bytes());
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// What spreadsheets calculate, and what already begins with an apostrophe, so that taking one away is always right.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\'', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}'])
}

/// The columns of a file that this wrote.
pub struct Columns([usize; HEAD.len()]);

impl Columns {
    pub fn find(head: &StringRecord) -> Option<Self> {
        let mut places = [0; HEAD.len()];
        for (place, name) in places.iter_mut().zip(HEAD) {
            *place = head.iter().position(|h| h.trim() == name)?;
        }
        Some(Self(places))
    }

    /// The event of a row as JSON; `Err` names the column at fault, from 1.
    pub fn event(&self, row: &StringRecord) -> Result<Vec<u8>, (u64, String)> {
        let cell = |name: &str| {
            let place = HEAD.iter().position(|h| *h == name).map_or(0, |at| self.0[at]);
            let text = row.get(place).unwrap_or_default();
            (place as u64 + 1, text.strip_prefix('\'').unwrap_or(text))
        };
        let text = |name: &str| cell(name).1;
        let (place, data) = cell("data");
        let data: Map<String, Value> = match data {
            "" => Map::new(),
            data => {
                serde_json::from_str(data).map_err(|e| (place, format!("Column `data`: it is no JSON object: {e}.")))?
            }
        };
        let mut refs: Map<String, Value> = Map::new();
        for link in text("refs").split('\n').map(str::trim).filter(|l| !l.is_empty()) {
            let Some((kind, id)) = link.split_once('/') else {
                return Err((cell("refs").0, format!("Column `refs`: `{link}` is no link; expected type/id.")));
            };
            if let Value::Array(ids) = refs.entry(kind).or_insert_with(|| json!([])) {
                ids.push(id.into());
            }
        }
        let mut event = Map::new();
        for (field, name) in
            [("id", "id"), ("type", "type"), ("source", "source"), ("system", "system"), ("time", "time")]
        {
            if !text(name).is_empty() {
                event.insert(field.to_owned(), text(name).into());
            }
        }
        event.insert("object".to_owned(), json!({"type": text("object_type"), "id": text("object_id")}));
        if !text("schema_version").is_empty() {
            event.insert("schema_version".to_owned(), text("schema_version").into());
        }
        if let Some((trace_id, span_id)) = text("trace").split_once('-') {
            event.insert("trace".to_owned(), json!({"trace_id": trace_id, "span_id": span_id}));
        }
        event.insert("refs".to_owned(), Value::Object(refs));
        event.insert("data".to_owned(), Value::Object(data));
        Ok(Value::Object(event).to_string().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn cells_are_quoted_and_harmless_in_a_spreadsheet_and_come_back() {
        let event = EventRow {
            object_id: "=HYPERLINK(\"x\")".into(),
            source: "@SUM".into(),
            event_id: "'-1".into(),
            refs: vec!["order/a, b".into(), "load/-2".into()],
            data: r#"{"customer":"A \"B\"\nC"}"#.into(),
            event_type: "order.created".into(),
            object_type: "order".into(),
            ..EventRow::default()
        };
        let mut out = Vec::new();
        Table.head(&mut out);
        Table.event(&event, &mut out);
        let text = String::from_utf8(out.clone()).unwrap();
        assert!(text.contains("\"'=HYPERLINK(\"\"x\"\")\""), "{text}");
        assert!(text.contains(",'@SUM,"), "{text}");

        let mut rows = csv::Reader::from_reader(out.as_slice());
        let columns = Columns::find(&rows.headers().unwrap().clone()).unwrap();
        let row = rows.records().next().unwrap().unwrap();
        let back: Value = serde_json::from_slice(&columns.event(&row).unwrap()).unwrap();
        assert_eq!(back["object"]["id"], "=HYPERLINK(\"x\")");
        assert_eq!((&back["source"], &back["id"]), (&"@SUM".into(), &"'-1".into()));
        assert_eq!(back["refs"], json!({"order": ["a, b"], "load": ["-2"]}));
        assert_eq!(back["data"], json!({"customer": "A \"B\"\nC"}));
    }
}
