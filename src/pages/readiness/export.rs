//! Readiness and reconciliation as files: exactly what is filtered, as of a moment, with filter, reader, zone and totals
//! in the head. Texts cannot become formulas. CSV streams, so that memory stays flat however long it is.

use bytes::Bytes;
use rust_xlsxwriter::{Format, Workbook, XlsxError};
use rust_decimal::Decimal;
use tokio::sync::mpsc;

use super::{kind, reason, state_word};
use crate::pages::time::Clock;
use crate::store::rows::{ReadinessRow, ReconciliationRow};
use crate::store::{Cursor, ReadinessFilter, ReconciliationFilter, Store, StoreError, Sum};

/// Rows of one workbook; more are for CSV.
pub const MAX_SHEET_ROWS: u64 = 200_000;
/// Bytes that are put together before they are sent.
const PIECE: usize = 64 << 10;
const AHEAD: usize = 4;
/// Discrepancies read at a time.
const STRIDE: u64 = 5_000;

pub const COLUMNS: [&str; 17] = [
    "state", "object_type", "object", "order", "customer", "carrier", "warehouse", "amount", "currency", "billed", "remaining",
    "delivered_at", "proof_at", "invoiced_at", "reasons", "waits_for", "next_step",
];
const COMPARED: [&str; 16] = [
    "kind", "state", "object_type", "object", "workflow", "line", "detail", "expected", "found", "unit", "value", "currency",
    "since", "waits_for", "customer", "carrier",
];

/// Who asks for what, for the head of the file.
pub struct Head {
    pub tenant: String,
    /// The filter as the address has it.
    pub filter: String,
    pub as_of: String,
    pub reader: String,
    pub clock: Clock,
    pub sums: Vec<Sum>,
}

impl Head {
    /// Name and value of each line.
    fn lines(&self, of: &str) -> Vec<[String; 2]> {
        let pair = |name: &str, value: String| [name.to_owned(), value];
        let mut lines = vec![
            pair("tenant", self.tenant.clone()),
            pair("filter", if self.filter.is_empty() { "none".into() } else { self.filter.clone() }),
            pair("as of", self.as_of.clone()),
            pair("zone", self.clock.zone_name.clone()),
            pair("user", self.reader.clone()),
        ];
        let sums: Vec<&Sum> = self.sums.iter().filter(|s| s.name == of).collect();
        lines.push(pair("rows", sums.iter().map(|s| s.count).sum::<u64>().to_string()));
        let mut totals: std::collections::BTreeMap<&str, i128> = std::collections::BTreeMap::new();
        for sum in sums.iter().filter(|s| !s.currency.is_empty()) {
            *totals.entry(&sum.currency).or_default() += sum.total;
        }
        lines.extend(totals.into_iter().map(|(currency, total)| pair("total", format!("{} {currency}", decimal(Some(total))))));
        let unknown: u64 = sums.iter().map(|s| s.unknown).sum();
        if unknown > 0 {
            lines.push(pair("without a known amount", unknown.to_string()));
        }
        lines
    }
}

fn decimal(millionths: Option<i128>) -> String {
    let value = millionths.and_then(|m| Decimal::try_from_i128_with_scale(m, 6).ok());
    value.map_or_else(String::new, |v| v.normalize().to_string())
}

fn moment(clock: &Clock, at: Option<i64>) -> String {
    at.map_or_else(String::new, |at| clock.full(at))
}

fn cells(clock: &Clock, row: &ReadinessRow) -> [String; 17] {
    [
        state_word(&row.state),
        row.object_type.clone(),
        row.object_id.clone(),
        row.root_id.clone(),
        row.customer.clone(),
        row.carrier.clone(),
        row.warehouse.clone(),
        decimal(row.amount),
        row.currency.clone(),
        decimal(row.billed),
        decimal(row.remaining),
        moment(clock, row.delivered_ms),
        moment(clock, row.proof_ms),
        moment(clock, row.invoiced_ms),
        row.reasons.iter().map(|code| reason(code)).collect::<Vec<_>>().join("; "),
        row.system.clone(),
        row.next_step.clone(),
    ]
}

/// Columns of `cells` that are figures.
const FIGURES: [usize; 3] = [7, 9, 10];

fn compared_cells(clock: &Clock, row: &ReconciliationRow) -> [String; 16] {
    [
        kind(&row.kind),
        row.state.clone(),
        row.object_type.clone(),
        row.object_id.clone(),
        row.root_id.clone(),
        row.line.clone(),
        row.detail.clone(),
        row.expected.clone(),
        row.found.clone(),
        row.unit.clone(),
        decimal(row.value),
        row.currency.clone(),
        moment(clock, Some(row.since_ms)),
        row.system.clone(),
        row.customer.clone(),
        row.carrier.clone(),
    ]
}

const COMPARED_FIGURES: [usize; 3] = [7, 8, 10];

/// One field of CSV. A text that a spreadsheet would take for a formula gets an apostrophe in front.
fn field(out: &mut Vec<u8>, text: &str, is_figure: bool) {
    let is_formula = !is_figure && text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let needs_quotes = is_formula || text.contains(['"', ',', ';', '\n', '\r']);
    if needs_quotes {
        out.push(b'"');
    }
    if is_formula {
        out.push(b'\'');
    }
    if text.contains('"') {
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    if needs_quotes {
        out.push(b'"');
    }
}

fn record<'c>(out: &mut Vec<u8>, cells: impl IntoIterator<Item = &'c str>, figures: &[usize]) {
    for (nth, cell) in cells.into_iter().enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        field(out, cell, figures.contains(&nth));
    }
    out.extend_from_slice(b"\r\n");
}

fn head(out: &mut Vec<u8>, head: &Head, of: &str, columns: &[&str]) {
    for [name, value] in head.lines(of) {
        record(out, [name.as_str(), value.as_str()], &[]);
    }
    out.extend_from_slice(b"\r\n");
    record(out, columns.iter().copied(), &[]);
}

type Pieces = mpsc::Receiver<Result<Bytes, StoreError>>;

pub fn readiness_csv(store: Store, filter: ReadinessFilter, about: Head) -> Pieces {
    let (send, pieces) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut out = Vec::with_capacity(PIECE * 2);
        head(&mut out, &about, "all", &COLUMNS);
        let told = async {
            let mut rows = store.readiness_stream(&about.tenant, &filter)?;
            while let Some(row) = rows.next().await? {
                let cells = cells(&about.clock, &row);
                record(&mut out, cells.iter().map(String::as_str), &FIGURES);
                if out.len() >= PIECE && send.send(Ok(std::mem::take(&mut out).into())).await.is_err() {
                    // The reader has gone.
                    return Ok(());
                }
            }
            Ok::<_, StoreError>(())
        };
        let last = told.await.map(|()| Bytes::from(out));
        let _ = send.send(last).await;
    });
    pieces
}

pub fn reconciliation_csv(store: Store, filter: ReconciliationFilter, about: Head) -> Pieces {
    let (send, pieces) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut out = Vec::with_capacity(PIECE * 2);
        head(&mut out, &about, "kind", &COMPARED);
        let mut cursor = Cursor::start();
        loop {
            let rows = match store.reconciliation(&about.tenant, &filter, &cursor, STRIDE).await {
                Ok(rows) => rows,
                Err(error) => return drop(send.send(Err(error)).await),
            };
            for row in &rows {
                let cells = compared_cells(&about.clock, row);
                record(&mut out, cells.iter().map(String::as_str), &COMPARED_FIGURES);
            }
            if send.send(Ok(std::mem::take(&mut out).into())).await.is_err() {
                return;
            }
            match rows.last().filter(|_| rows.len() as u64 == STRIDE) {
                Some(last) => cursor = Cursor::after_discrepancy(last),
                None => return,
            }
        }
    });
    pieces
}

/// A workbook. Figures are numbers where a spreadsheet keeps them exactly, else text.
pub fn readiness_xlsx(rows: &[ReadinessRow], about: &Head) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet_with_constant_memory();
    let bold = Format::new().set_bold();
    let mut at = 0_u32;
    for [name, value] in about.lines("all") {
        sheet.write_string_with_format(at, 0, &name, &bold)?;
        sheet.write_string(at, 1, &value)?;
        at += 1;
    }
    at += 1;
    for (column, title) in (0_u16..).zip(COLUMNS) {
        sheet.write_string_with_format(at, column, title, &bold)?;
    }
    for row in rows {
        at += 1;
        for (column, cell) in (0_u16..).zip(cells(&about.clock, row)) {
            let digits = cell.bytes().filter(u8::is_ascii_digit).count();
            match cell.parse::<f64>() {
                Ok(number) if FIGURES.contains(&usize::from(column)) && digits <= 15 => {
                    sheet.write_number(at, column, number)?;
                }
                _ => {
                    sheet.write_string(at, column, &cell)?;
                }
            }
        }
    }
    book.save_to_buffer()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn no_text_becomes_a_formula_and_every_text_comes_back() {
        let mut out = Vec::new();
        record(&mut out, ["=1+1", "-5.00", "a,\"b\"", "+49", "@x", "plain"], &[1]);
        assert_eq!(String::from_utf8(out).unwrap(), "\"'=1+1\",-5.00,\"a,\"\"b\"\"\",\"'+49\",\"'@x\",plain\r\n");
    }

    #[test]
    fn the_head_tells_each_currency_apart() {
        let sum = |currency: &str, total, unknown| Sum {
            name: "all".into(),
            value: String::new(),
            currency: currency.into(),
            count: 2,
            total,
            unknown,
        };
        let head = Head {
            tenant: "acme".into(),
            filter: "?state=ready".into(),
            as_of: "now".into(),
            reader: "Rosa".into(),
            clock: Clock::utc(0),
            sums: vec![sum("EUR", 12_500_000, 0), sum("JPY", 7_000_000, 0), sum("", 0, 2)],
        };
        let lines: Vec<String> = head.lines("all").iter().map(|[name, value]| format!("{name}={value}")).collect();
        assert_eq!(lines[5..], ["rows=6", "total=12.5 EUR", "total=7 JPY", "without a known amount=2"]);
    }
}
