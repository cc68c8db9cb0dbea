//! Texts with columns in them (`"order/{Order}"`) and trees of such texts: how a row becomes a JSON value.

use chrono::DateTime;
use csv::StringRecord;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::map::Csv;

/// Names of columns that a map uses, and where they stand in the file at hand.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    names: Vec<String>,
    places: Vec<usize>,
}

impl Columns {
    /// The number under which a column is known here.
    pub fn need(&mut self, name: &str) -> usize {
        match self.names.iter().position(|n| n == name) {
            Some(known) => known,
            None => {
                self.names.push(name.to_owned());
                self.names.len() - 1
            }
        }
    }

    /// Finds the columns in a file's head; complains of those that are not there.
    pub fn find(&mut self, head: &StringRecord) -> Result<(), String> {
        self.places = Vec::with_capacity(self.names.len());
        for name in &self.names {
            let Some(place) = head.iter().position(|h| h.trim() == name) else {
                let near = head
                    .iter()
                    .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)))
                    .unwrap_or_default();
                return Err(format!("the file has no column `{name}`; did you mean `{near}`?"));
            };
            self.places.push(place);
        }
        Ok(())
    }

    pub fn cell<'r>(&self, row: &'r StringRecord, column: usize) -> &'r str {
        row.get(self.places[column]).unwrap_or_default().trim()
    }

    fn place(&self, column: usize) -> (u64, &str) {
        (self.places[column] as u64 + 1, &self.names[column])
    }

    pub fn number_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }
}

/// Why a row does not say what the map wants of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellFlaw {
    /// From 1; 0 when it is about no column.
    pub column: u64,
    pub detail: String,
}

/// A row being read by a map.
pub struct Row<'r> {
    pub cells: &'r StringRecord,
    pub columns: &'r Columns,
    pub csv: &'r Csv,
}

impl Row<'_> {
    fn says(&self, column: usize) -> Option<&str> {
        let cell = self.columns.cell(self.cells, column);
        (!self.csv.missing.iter().any(|m| m == cell)).then_some(cell)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Plain(String),
    Column(usize),
}

/// A text with columns in it. `{{` stands for a brace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(Vec<Part>);

impl Text {
    pub fn parse(text: &str, columns: &mut Columns) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if c == '{' {
                let Some((name, after)) = rest[1..].split_once('}') else {
                    return Err(format!("`{text}` has no `}}`"));
                };
                if !plain.is_empty() {
                    parts.push(Part::Plain(std::mem::take(&mut plain)));
                }
                parts.push(Part::Column(columns.need(name.trim())));
                rest = after;
            } else {
                plain.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Plain(plain));
        }
        Ok(Self(parts))
    }

    /// None when one of its columns says nothing.
    pub fn of(&self, row: &Row) -> Option<String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Plain(plain) => text.push_str(plain),
                Part::Column(column) => text.push_str(row.says(*column)?),
            }
        }
        (!text.is_empty()).then_some(text)
    }

    /// The first column in it, for complaints.
    fn flaw(&self, row: &Row, detail: impl FnOnce(&str) -> String) -> CellFlaw {
        let column = self.0.iter().find_map(|p| if let Part::Column(c) = p { Some(*c) } else { None });
        let (column, name) = column.map_or((0, ""), |c| row.columns.place(c));
        CellFlaw { column, detail: detail(&if name.is_empty() { String::new() } else { format!("Column `{name}`: ") }) }
    }

    pub fn missing(&self, row: &Row, what: &str) -> CellFlaw {
        self.flaw(row, |column| format!("{column}the row says nothing for the event's {what}."))
    }

    /// A time with offset.
    pub fn time(&self, row: &Row) -> Result<Option<String>, CellFlaw> {
        let Some(text) = self.of(row) else { return Ok(None) };
        match moment(&text, row.csv) {
            Some(time) => Ok(Some(time)),
            None => {
                let csv = row.csv;
                let how = match (csv.time.is_empty(), csv.zone.is_empty()) {
                    (true, true) => "a time with offset, such as 2026-11-22T10:00:00+01:00".to_owned(),
                    (true, false) => format!("a time such as 2026-11-22T10:00:00, taken as {}", csv.zone),
                    (false, _) => format!("a time written `{}`", csv.time),
                };
                Err(self.flaw(row, |column| format!("{column}`{text}` is no time here; expected {how}.")))
            }
        }
    }

    fn number(&self, row: &Row) -> Result<Option<String>, CellFlaw> {
        let Some(text) = self.of(row) else { return Ok(None) };
        let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '\'').collect();
        let plain = match row.csv.decimal {
            ',' => plain.replace('.', "").replace(',', "."),
            _ => plain.replace(',', ""),
        };
        match Decimal::from_str_exact(&plain) {
            Ok(number) => Ok(Some(number.to_string())),
            Err(_) => Err(self.flaw(row, |column| {
                format!("{column}`{text}` is no number with `{}` before its decimals.", row.csv.decimal)
            })),
        }
    }
}

fn moment(text: &str, csv: &Csv) -> Option<String> {
    if DateTime::parse_from_rfc3339(text).is_ok() {
        return Some(text.to_owned());
    }
    let local = if csv.time.is_empty() {
        text.parse::<jiff::civil::DateTime>().ok()?
    } else {
        let broken = jiff::fmt::strtime::parse(&csv.time, text).ok()?;
        if broken.offset().is_some() {
            return Some(broken.to_timestamp().ok()?.to_string());
        }
        broken.to_datetime().or_else(|_| broken.to_date().map(|d| d.at(0, 0, 0, 0))).ok()?
    };
    if csv.zone.is_empty() {
        return None;
    }
    let zoned = local.in_tz(&csv.zone).ok()?;
    Some(format!("{}{}", zoned.datetime(), offset(zoned.offset().seconds())))
}

fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A JSON value with columns in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    Text(Text),
    Number(Text),
    Time(Text),
    /// True for these texts, false for others.
    Flag(Text, Vec<String>),
    Plain(Value),
    List(Vec<Tree>),
    Table(Vec<(String, Tree)>),
}

impl Tree {
    pub fn table(table: &toml::Table, columns: &mut Columns) -> Result<Self, String> {
        let fields = table.iter().map(|(name, value)| Ok((name.clone(), Self::parse(value, columns)?)));
        Ok(Self::Table(fields.collect::<Result<_, String>>()?))
    }

    fn parse(value: &toml::Value, columns: &mut Columns) -> Result<Self, String> {
        Ok(match value {
            toml::Value::String(text) => Self::Text(Text::parse(text, columns)?),
            toml::Value::Boolean(flag) => Self::Plain(Value::Bool(*flag)),
            toml::Value::Integer(number) => Self::Plain(Value::from(*number)),
            toml::Value::Array(items) => {
                Self::List(items.iter().map(|i| Self::parse(i, columns)).collect::<Result<_, _>>()?)
            }
            toml::Value::Table(table) => {
                let text = |name: &str| table.get(name).and_then(toml::Value::as_str);
                match (table.len(), text("number"), text("time"), text("flag")) {
                    (1, Some(number), _, _) => Self::Number(Text::parse(number, columns)?),
                    (1, _, Some(time), _) => Self::Time(Text::parse(time, columns)?),
                    (2, _, _, Some(flag)) if table.contains_key("yes") => {
                        let yes =
                            table.get("yes").and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
                        let yes = yes.iter().filter_map(|y| y.as_str().map(str::to_owned)).collect();
                        Self::Flag(Text::parse(flag, columns)?, yes)
                    }
                    _ => Self::table(table, columns)?,
                }
            }
            other => return Err(format!("`{other}`: expected a text, a number, a list or a table")),
        })
    }

    /// None when nothing in it is said.
    pub fn of(&self, row: &Row) -> Result<Option<Value>, CellFlaw> {
        Ok(match self {
            Self::Text(text) => text.of(row).map(Value::from),
            Self::Number(text) => text.number(row)?.map(Value::from),
            Self::Time(text) => text.time(row)?.map(Value::from),
            Self::Flag(text, yes) => text.of(row).map(|said| Value::Bool(yes.contains(&said))),
            Self::Plain(value) => Some(value.clone()),
            Self::List(items) => {
                let mut list = Vec::new();
                for item in items {
                    list.extend(item.of(row)?);
                }
                (!list.is_empty()).then_some(Value::Array(list))
            }
            Self::Table(fields) => {
                let mut table = Map::new();
                let mut said = fields.is_empty();
                for (name, field) in fields {
                    if let Some(value) = field.of(row)? {
                        // A constant beside columns that say nothing makes no value of its own.
                        said |= !field.is_constant();
                        table.insert(name.clone(), value);
                    }
                }
                said |= fields.iter().all(|(_, f)| f.is_constant());
                said.then_some(Value::Object(table))
            }
        })
    }

    fn is_constant(&self) -> bool {
        match self {
            Self::Text(text) => text.0.iter().all(|p| matches!(p, Part::Plain(_))),
            Self::Plain(_) => true,
            Self::Number(_) | Self::Time(_) | Self::Flag(..) => false,
            Self::List(items) => items.iter().all(Self::is_constant),
            Self::Table(fields) => fields.iter().all(|(_, f)| f.is_constant()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    fn read(csv: &Csv, tree: &str, head: &[&str], cells: &[&str]) -> Result<Option<Value>, CellFlaw> {
        let mut columns = Columns::default();
        let table: toml::Table = toml::from_str(tree).unwrap();
        let tree = Tree::table(&table, &mut columns).unwrap();
        columns.find(&StringRecord::from(head.to_vec())).unwrap();
        tree.of(&Row { cells: &StringRecord::from(cells.to_vec()), columns: &columns, csv })
    }

    #[test]
    fn cells_become_typed_values_and_empty_ones_nothing() {
        let csv = Csv { decimal: ',', zone: "Europe/Berlin".into(), time: "%d.%m.%Y %H:%M".into(), ..Csv::default() };
        let tree = "customer = '{Name} ({No})'\namount = { value = { number = '{Sum}' }, currency = 'EUR' }\n\
                    due = { time = '{Due}' }\npod = { flag = '{Pod}', yes = ['Y'] }\nnote = '{Note}'";
        let head = ["Name", "No", "Sum", "Due", "Pod", "Note"];
        assert_eq!(
            read(&csv, tree, &head, &["Müller", "7", "1.234,50", "22.11.2026 10:00", "Y", ""]),
            Ok(Some(json!({
                "customer": "Müller (7)", "amount": {"value": "1234.50", "currency": "EUR"},
                "due": "2026-11-22T10:00:00+01:00", "pod": true
            })))
        );
        assert_eq!(read(&csv, tree, &head, &["", "7", "", "", "", ""]), Ok(None));
    }

    #[test]
    fn a_cell_that_is_no_number_or_time_is_named_by_its_column() {
        let csv = Csv::default();
        let bad = read(&csv, "q = { number = '{Qty}' }", &["Id", "Qty"], &["1", "many"]).unwrap_err();
        assert_eq!(
            (bad.column, bad.detail.as_str()),
            (2, "Column `Qty`: `many` is no number with `.` before its decimals.")
        );
        let bad = read(&csv, "t = { time = '{At}' }", &["At"], &["2026-11-22 10:00"]).unwrap_err();
        assert!(bad.detail.contains("expected a time with offset"), "{}", bad.detail);
    }

    #[test]
    fn a_column_that_is_not_there_is_told_with_the_nearest() {
        let mut columns = Columns::default();
        columns.need("Order No");
        let error = columns.find(&StringRecord::from(vec!["Customer", "OrderNo"])).unwrap_err();
        assert_eq!(error, "the file has no column `Order No`; did you mean `OrderNo`?");
    }
}
