//! CSV as RFC 4180 has it: the head, an empty line, the names of the columns, the rows. UTF-8 with a mark, so that
//! spreadsheets do not guess. `head=no` leaves the rows and their names only.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use csv::{Terminator, Writer as Csv, WriterBuilder};

use super::cell::{Cell, is_risky};
use super::{Column, Head, Record, Writer};
use crate::pages::time::Clock;

pub struct CsvFile {
    columns: Vec<Column>,
    clock: Clock,
    folder: PathBuf,
    plain: bool,
    rows: Csv<BufWriter<File>>,
    /// Taken again for every cell.
    safe: String,
}

impl CsvFile {
    pub fn new(columns: Vec<Column>, clock: Clock, folder: &Path, plain: bool) -> io::Result<Self> {
        let rows = csv(BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(folder)?));
        Ok(Self { columns, clock, folder: folder.to_owned(), plain, rows, safe: String::new() })
    }
}

fn csv<W: io::Write>(to: W) -> Csv<W> {
    WriterBuilder::new().terminator(Terminator::CRLF).flexible(true).from_writer(to)
}

fn field<W: io::Write>(to: &mut Csv<W>, text: &str, safe: &mut String) -> Result<(), csv::Error> {
    if !is_risky(text) {
        return to.write_field(text);
    }
    safe.clear();
    safe.push('\'');
    safe.push_str(text);
    to.write_field(&*safe)
}

impl Writer for CsvFile {
    fn row(&mut self, record: &Record) -> io::Result<()> {
        for cell in record {
            match cell {
                Cell::Text(text) => field(&mut self.rows, text, &mut self.safe),
                other => self.rows.write_field(other.text(&self.clock)),
            }
            .map_err(io::Error::other)?;
        }
        self.rows.write_record(None::<&[u8]>).map_err(io::Error::other)
    }

    fn finish(self: Box<Self>, head: &Head) -> io::Result<File> {
        let mut rows = self.rows.into_inner().map_err(|error| error.into_error())?.into_inner()?;
        rows.rewind()?;
        let mut file = tempfile::tempfile_in(&self.folder)?;
        if !self.plain {
            file.write_all("\u{feff}".as_bytes())?;
        }
        let mut top = csv(BufWriter::new(file));
        if !self.plain {
            let mut safe = String::new();
            for (name, value) in head.lines() {
                field(&mut top, &name, &mut safe).map_err(io::Error::other)?;
                field(&mut top, &value, &mut safe).map_err(io::Error::other)?;
                top.write_record(None::<&[u8]>).map_err(io::Error::other)?;
            }
            let mut inner = top.into_inner().map_err(|error| error.into_error())?;
            inner.write_all(b"\r\n")?;
            top = csv(inner);
        }
        let name = |column: &Column| if self.plain { column.key } else { column.title };
        top.write_record(self.columns.iter().map(name)).map_err(io::Error::other)?;
        let mut file = top.into_inner().map_err(|error| error.into_error())?.into_inner()?;
        io::copy(&mut rows, &mut file)?;
        file.rewind()?;
        Ok(file)
    }
}
