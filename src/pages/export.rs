//! Lists as files: exactly what is filtered, as CSV, XLSX or JSON, with a head that says whose, what, when and how much.
//! A list says its columns and gives its rows as a stream; all else is here. CSV goes out as it comes (`flow`); what is
//! kept or cannot flow goes through a file on disk while it is counted and added up. Memory stays flat either way.

mod cell;
mod csv_file;
mod flow;
pub mod jobs;
mod json_file;
mod lists;
mod serve;
#[cfg(test)]
mod tests;
mod xlsx_file;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;

use super::params::Query;
use super::time::Clock;
use crate::domain::Shelf;
use crate::store::{Freezable, Store, StoreError};

pub use cell::{Cell, amount};
pub use lists::{LISTS, list};
pub use serve::{FileAnswer, configure, file, file_name, folder, links, list_at, moment};

/// Rows that are kept to be shown beside a file.
const FIRST: usize = 20;

/// No file has more rows; a spreadsheet holds hardly more.
pub const MAX_ROWS: u64 = 1_000_000;

/// A list that can be taken along. `key` is the file's name.
pub struct List {
    pub key: &'static str,
    /// The address of its page below the tenant.
    pub page: &'static str,
    pub title: &'static str,
    /// The parameters that choose rows, their order included. Others are refused: a file shows what was asked for.
    pub known: &'static [&'static str],
    /// What the query chooses, in the reader's words: `Status: Breached`.
    pub words: fn(&Query) -> Vec<String>,
    pub open: fn(Asked) -> BoxFuture<'static, Result<Table, Fault>>,
    /// How many rows it has.
    pub count: fn(Asked) -> BoxFuture<'static, Result<u64, Fault>>,
    /// The same with what they add up to, before the first of them is read.
    pub sums: fn(Asked) -> BoxFuture<'static, Result<Sums, Fault>>,
    /// What its totals are called.
    pub total: &'static str,
    /// How it can be told as of a moment.
    pub past: Past,
}

/// What a list knows of earlier moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// Nothing: it tells how things stand.
    None,
    /// Every one: its tables forget nothing.
    Kept,
    /// Those that somebody froze.
    Frozen(Freezable),
}

/// Who wants which rows of whom.
#[derive(Clone)]
pub struct Asked {
    pub store: Store,
    pub shelf: Arc<Shelf>,
    pub tenant: String,
    pub query: Query,
    pub clock: Clock,
    /// `anna`, `Key 1f2e`; empty when nobody said a name.
    pub person: String,
}

/// Columns, and rows with a cell for each.
pub struct Table {
    pub columns: Vec<Column>,
    /// Which columns hold an amount and its currency: what is added up per currency.
    pub money: Option<(usize, usize)>,
    /// Amounts are differences: too much is not set off against too little.
    pub differences: bool,
    pub rows: BoxStream<'static, Result<Vec<Record>, StoreError>>,
}

pub type Record = Vec<Cell>;

#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name for programs.
    pub key: &'static str,
    /// Its name for people.
    pub title: &'static str,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Amount,
    Time,
}

pub const fn column(key: &'static str, title: &'static str, kind: Kind) -> Column {
    Column { key, title, kind }
}

impl Table {
    /// A table of rows that come in chunks, each made a record.
    pub fn new<T: 'static>(
        columns: &[Column],
        rows: impl Stream<Item = Result<Vec<T>, StoreError>> + Send + 'static,
        record: impl Fn(T) -> Record + Send + 'static,
    ) -> Self {
        let place = |key: &str| columns.iter().position(|column| column.key == key);
        Self {
            columns: columns.to_vec(),
            money: place("amount").zip(place("currency")),
            differences: false,
            rows: rows.map(move |chunk| Ok(chunk?.into_iter().map(&record).collect())).boxed(),
        }
    }
}

impl Table {
    /// The columns that hold differences and their currency.
    pub fn of_differences(self, amount: &str, currency: &str) -> Self {
        let place = |key: &str| self.columns.iter().position(|column| column.key == key);
        Self { money: place(amount).zip(place(currency)), differences: true, ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Xlsx,
    Json,
}

impl Format {
    pub fn parse(ending: &str) -> Option<Self> {
        [Self::Csv, Self::Xlsx, Self::Json].into_iter().find(|format| format.ending() == ending)
    }

    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Json => "json",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Json => "application/json",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The question cannot be answered as it was put.
    #[error("{0}")]
    Bad(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the file cannot be written: {0}")]
    File(#[from] io::Error),
}

/// What stands in front of the rows.
#[derive(Clone, Debug)]
pub struct Head {
    pub list: &'static str,
    pub total: &'static str,
    pub tenant: String,
    pub filter: Vec<String>,
    pub as_of_ms: i64,
    pub clock: Clock,
    pub person: String,
    pub sums: Sums,
}

/// What was counted and added up while the rows went by. Money is scaled by 10^6; one total per currency, never across.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub rows: u64,
    pub totals: BTreeMap<String, Option<i128>>,
    /// There were more rows than a file may have.
    pub cut: bool,
}

impl Sums {
    fn add(&mut self, record: &Record, money: Option<(usize, usize)>, differences: bool) {
        self.rows += 1;
        let Some((amount, currency)) = money else { return };
        if let (Some(Cell::Amount(value)), Some(Cell::Text(currency))) = (record.get(amount), record.get(currency)) {
            if !self.totals.contains_key(currency) {
                self.totals.insert(currency.clone(), Some(0));
            }
            let value = if differences { value.checked_abs() } else { Some(*value) };
            if let Some(total) = self.totals.get_mut(currency) {
                // A sum beyond what can be told exactly is not told.
                *total = total.zip(value).and_then(|(sum, value)| sum.checked_add(value));
            }
        }
    }

    /// Counted beforehand, by the database. A currency of nothing is none.
    pub fn told(rows: u64, totals: impl IntoIterator<Item = (String, i128)>) -> Self {
        let totals = totals.into_iter().filter(|(currency, total)| !currency.is_empty() && *total != 0);
        Self { rows, totals: totals.map(|(currency, total)| (currency, Some(total))).collect(), cut: rows > MAX_ROWS }
    }

    /// Do two countings of the same rows agree?
    fn ties_with(&self, other: &Self) -> bool {
        let money = |sums: &Self| {
            let all = sums.totals.iter().filter(|(_, total)| **total != Some(0));
            all.map(|(currency, total)| (currency.clone(), *total)).collect::<BTreeMap<_, _>>()
        };
        self.rows == other.rows && money(self) == money(other)
    }
}

impl Head {
    fn new(list: &List, asked: &Asked) -> Self {
        Self {
            list: list.title,
            total: list.total,
            tenant: asked.tenant.clone(),
            filter: (list.words)(&asked.query),
            as_of_ms: asked.clock.now_ms,
            clock: asked.clock.clone(),
            person: asked.person.clone(),
            sums: Sums::default(),
        }
    }

    /// The head as lines of a name and what it says.
    pub fn lines(&self) -> Vec<(String, String)> {
        let mut lines = vec![
            ("Milepost".to_owned(), self.list.to_owned()),
            ("Tenant".to_owned(), self.tenant.clone()),
            ("Filter".to_owned(), if self.filter.is_empty() { "none".into() } else { self.filter.join("; ") }),
            ("As of".to_owned(), self.clock.full(self.as_of_ms)),
            ("Time zone".to_owned(), self.clock.zone_name.clone()),
            ("Taken by".to_owned(), if self.person.is_empty() { "not named".into() } else { self.person.clone() }),
            ("Rows".to_owned(), self.sums.rows.to_string()),
        ];
        for (currency, total) in &self.sums.totals {
            let total = total.map_or_else(|| "too large to add up".to_owned(), cell::amount);
            let currency = if currency.is_empty() { "without currency" } else { currency };
            lines.push((format!("{} {currency}", self.total), total));
        }
        if self.sums.cut {
            lines.push(("Attention".to_owned(), format!("There are more rows; a file ends after {MAX_ROWS}.")));
        }
        lines
    }
}

/// A written file and what it says of itself.
pub struct Written {
    /// Read from where it stands.
    pub file: File,
    pub bytes: u64,
    pub head: Head,
    pub columns: Vec<Column>,
    pub money: Option<(usize, usize)>,
    /// The first rows, to be shown.
    pub first: Vec<Record>,
}

/// Writes one kind of file: first the rows as they come, then the head in front of them.
trait Writer: Send {
    fn row(&mut self, record: &Record) -> io::Result<()>;
    /// The finished file, at its beginning.
    fn finish(self: Box<Self>, head: &Head) -> io::Result<File>;
}

/// Writes what is asked for into a file in the folder that has no name there and goes away when it is let go.
pub async fn write(
    list: &'static List,
    format: Format,
    plain: bool,
    asked: Asked,
    folder: &Path,
    progress: Arc<AtomicU64>,
) -> Result<Written, Fault> {
    let mut head = Head::new(list, &asked);
    let Table { columns, money, differences, mut rows } = (list.open)(asked).await?;
    let shown = columns.clone();
    let mut writer: Box<dyn Writer> = match format {
        Format::Csv => Box::new(csv_file::CsvFile::new(columns, head.clock.clone(), folder, plain)?),
        Format::Json => Box::new(json_file::JsonFile::new(columns, folder)?),
        Format::Xlsx => Box::new(xlsx_file::XlsxFile::new(columns, head.clock.clone(), folder)?),
    };
    let (sender, mut chunks) = mpsc::channel::<Vec<Record>>(4);
    // Writing and packing is work for a thread of its own; the queue in front of it is short.
    let writing = tokio::task::spawn_blocking(move || {
        let mut first: Vec<Record> = Vec::new();
        while let Some(chunk) = chunks.blocking_recv() {
            for record in &chunk {
                if head.sums.rows == MAX_ROWS {
                    head.sums.cut = true;
                    break;
                }
                head.sums.add(record, money, differences);
                writer.row(record)?;
                if first.len() < FIRST {
                    first.push(record.clone());
                }
            }
            progress.store(head.sums.rows, Ordering::Relaxed);
        }
        let file = writer.finish(&head)?;
        Ok::<_, io::Error>(Written { bytes: file.metadata()?.len(), file, head, columns: shown, money, first })
    });
    let mut trouble = None;
    while let Some(chunk) = rows.next().await {
        match chunk {
            Ok(chunk) => {
                if sender.send(chunk).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                trouble = Some(error);
                break;
            }
        }
    }
    drop(sender);
    let written = writing.await.map_err(io::Error::other)?;
    match trouble {
        Some(error) => Err(error.into()),
        None => Ok(written?),
    }
}
