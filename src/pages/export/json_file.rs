//! JSON: one object with the head and the items. Money and other decimals are texts, times are UTC.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::cell::Cell;
use super::{Column, Head, Record, Writer, amount};
use crate::pages::time::Clock;

pub struct JsonFile {
    columns: Vec<Column>,
    folder: PathBuf,
    rows: BufWriter<File>,
    empty: bool,
}

impl JsonFile {
    pub fn new(columns: Vec<Column>, folder: &Path) -> io::Result<Self> {
        let rows = BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(folder)?);
        Ok(Self { columns, folder: folder.to_owned(), rows, empty: true })
    }
}

impl Writer for JsonFile {
    fn row(&mut self, record: &Record) -> io::Result<()> {
        let value = |cell: &Cell| match cell {
            Cell::Text(text) => Value::from(text.as_str()),
            Cell::Number(number) if number.is_integer() => {
                i64::try_from(*number).map_or_else(|_| number.to_string().into(), Value::from)
            }
            Cell::Number(number) => number.normalize().to_string().into(),
            Cell::Amount(value) => amount(*value).into(),
            Cell::Time(ms) => Clock::iso(*ms).into(),
            Cell::Empty => Value::Null,
        };
        self.rows.write_all(if self.empty { b"\n" } else { b",\n" })?;
        self.empty = false;
        let item: Map<String, Value> =
            self.columns.iter().zip(record).map(|(column, cell)| (column.key.to_owned(), value(cell))).collect();
        serde_json::to_writer(&mut self.rows, &item).map_err(io::Error::from)
    }

    fn finish(self: Box<Self>, head: &Head) -> io::Result<File> {
        let mut rows = self.rows.into_inner()?;
        rows.rewind()?;
        let totals: Map<String, Value> = head
            .sums
            .totals
            .iter()
            .map(|(currency, total)| (currency.clone(), total.map_or(Value::Null, |total| amount(total).into())))
            .collect();
        let head = json!({
            "list": head.list, "tenant": head.tenant, "filter": head.filter, "as_of": Clock::iso(head.as_of_ms),
            "time_zone": head.clock.zone_name, "taken_by": head.person, "rows": head.sums.rows, "totals": totals,
            "cut": head.sums.cut,
        });
        let mut file = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
        write!(file, "{{\"head\":{head},\n\"items\":[")?;
        let mut file = file.into_inner()?;
        io::copy(&mut rows, &mut file)?;
        file.write_all(b"\n]}\n")?;
        file.rewind()?;
        Ok(file)
    }
}
