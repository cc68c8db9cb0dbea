//! CSV as RFC 4180 has it: the head, an empty line, the names of the columns, the rows. UTF-8 with a mark, so that
//! spreadsheets do not guess. `head=no` leaves the rows and their names only.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use csv::{Terminator, Writer as Csv, WriterBuilder};

use super::cell::{Cell, is_risky};
use super::{Column, Head, Record, Writer};
use crate::pages::time::Clock;

/// How rows and heads are written, wherever they go.
pub struct Lines {
    columns: Vec<Column>,
    clock: Clock,
    plain: bool,
    /// Taken again for every cell.
    safe: String,
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

impl Lines {
    pub fn new(columns: Vec<Column>, clock: Clock, plain: bool) -> Self {
        Self { columns, clock, plain, safe: String::new() }
    }

    fn row<W: io::Write>(&mut self, to: &mut Csv<W>, record: &Record) -> io::Result<()> {
        for cell in record {
            match cell {
                Cell::Text(text) => field(to, text, &mut self.safe),
                Cell::Empty => to.write_field(""),
                other => to.write_field(other.text(&self.clock)),
            }
            .map_err(io::Error::other)?;
        }
        to.write_record(None::<&[u8]>).map_err(io::Error::other)
    }

    /// What stands before the rows, the names of the columns included.
    pub fn top(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if !self.plain {
            bytes.extend_from_slice("\u{feff}".as_bytes());
            bytes.extend(self.pairs(&head.lines())?);
            bytes.extend_from_slice(b"\r\n");
        }
        let name = |column: &Column| if self.plain { column.key } else { column.title };
        let mut names = csv(bytes);
        names.write_record(self.columns.iter().map(name)).map_err(io::Error::other)?;
        names.into_inner().map_err(|error| error.into_error())
    }

    pub fn rows(&mut self, records: &[Record]) -> io::Result<Vec<u8>> {
        let mut to = csv(Vec::with_capacity(records.len() * 256));
        for record in records {
            self.row(&mut to, record)?;
        }
        to.into_inner().map_err(|error| error.into_error())
    }

    /// What stands behind the rows, where something is to be said there.
    pub fn foot(&mut self, lines: &[(String, String)]) -> io::Result<Vec<u8>> {
        let mut bytes = b"\r\n".to_vec();
        bytes.extend(self.pairs(lines)?);
        Ok(bytes)
    }

    fn pairs(&mut self, lines: &[(String, String)]) -> io::Result<Vec<u8>> {
        let mut to = csv(Vec::new());
        for (name, value) in lines {
            field(&mut to, name, &mut self.safe).map_err(io::Error::other)?;
            field(&mut to, value, &mut self.safe).map_err(io::Error::other)?;
            to.write_record(None::<&[u8]>).map_err(io::Error::other)?;
        }
        to.into_inner().map_err(|error| error.into_error())
    }
}

pub struct CsvFile {
    lines: Lines,
    folder: PathBuf,
    rows: Csv<BufWriter<File>>,
}

impl CsvFile {
    pub fn new(columns: Vec<Column>, clock: Clock, folder: &Path, plain: bool) -> io::Result<Self> {
        let rows = csv(BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(folder)?));
        Ok(Self { lines: Lines::new(columns, clock, plain), folder: folder.to_owned(), rows })
    }
}

impl Writer for CsvFile {
    fn row(&mut self, record: &Record) -> io::Result<()> {
        self.lines.row(&mut self.rows, record)
    }

    fn finish(mut self: Box<Self>, head: &Head) -> io::Result<File> {
        let mut rows = self.rows.into_inner().map_err(|error| error.into_error())?.into_inner()?;
        rows.rewind()?;
        let mut file = tempfile::tempfile_in(&self.folder)?;
        file.write_all(&self.lines.top(head)?)?;
        io::copy(&mut rows, &mut file)?;
        file.rewind()?;
        Ok(file)
    }
}
