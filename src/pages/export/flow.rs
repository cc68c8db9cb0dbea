//! CSV that goes out while its rows come in. Its figures are counted before the first row; where the list is of a fixed
//! moment they are those of the rows, or the answer breaks off and nobody takes it for whole. A list that lives may
//! change in between: then the foot says so, with the figures of the rows that are there.

use std::io;

use bytes::Bytes;
use futures_util::stream::{BoxStream, try_unfold};
use futures_util::{Stream, StreamExt as _};

use super::csv_file::Lines;
use super::{Asked, Fault, Head, List, MAX_ROWS, Record, Sums, Table, cell};
use crate::store::StoreError;

struct Flow {
    lines: Lines,
    rows: BoxStream<'static, Result<Vec<Record>, StoreError>>,
    money: Option<(usize, usize)>,
    differences: bool,
    /// What was counted beforehand; None when the file says nothing of it.
    told: Option<Sums>,
    /// The list is of a moment, so that counting again gives the same.
    fixed: bool,
    total: &'static str,
    seen: Sums,
    first: Option<Bytes>,
    ended: bool,
}

/// The whole file. The first rows are there before the answer begins, so that a question that fails is answered as such.
pub async fn flow(
    list: &'static List,
    plain: bool,
    asked: Asked,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>, Fault> {
    let fixed = asked.query.get("as_of").is_some();
    let mut head = Head::new(list, &asked);
    let told = if plain && !fixed { None } else { Some((list.sums)(asked.clone()).await?) };
    let Table { columns, money, differences, mut rows } = (list.open)(asked).await?;
    head.sums = told.clone().unwrap_or_default();
    let mut lines = Lines::new(columns, head.clock.clone(), plain);
    let mut top = lines.top(&head)?;
    let mut seen = Sums::default();
    if let Some(chunk) = rows.next().await {
        let records = taken(chunk?, &mut seen, money, differences);
        top.extend(lines.rows(&records)?);
    }
    let told = told.filter(|_| fixed || !plain);
    let first = Some(Bytes::from(top));
    let flow = Flow { lines, rows, money, differences, told, fixed, total: list.total, seen, first, ended: false };
    Ok(try_unfold(flow, |mut flow| async move { Ok(flow.next().await?.map(|bytes| (bytes, flow))) }))
}

/// The rows that a file still has room for, counted.
fn taken(mut records: Vec<Record>, seen: &mut Sums, money: Option<(usize, usize)>, differences: bool) -> Vec<Record> {
    let room = usize::try_from(MAX_ROWS - seen.rows).unwrap_or(usize::MAX);
    seen.cut |= records.len() > room;
    records.truncate(room);
    records.iter().for_each(|record| seen.add(record, money, differences));
    records
}

impl Flow {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.ended {
            return Ok(None);
        }
        if !self.seen.cut
            && let Some(chunk) = self.rows.next().await
        {
            let records = taken(chunk.map_err(io::Error::other)?, &mut self.seen, self.money, self.differences);
            return Ok(Some(self.lines.rows(&records)?.into()));
        }
        self.ended = true;
        self.end()
    }

    fn end(&mut self) -> io::Result<Option<Bytes>> {
        let Some(told) = &self.told else { return Ok(None) };
        let mut lines = Vec::new();
        let mut say = |name: &str, text: String| lines.push((name.to_owned(), text));
        if self.seen.cut {
            say("Attention", format!("There are more rows; a file ends after {MAX_ROWS}."));
        } else if self.seen.ties_with(told) {
            return Ok(None);
        } else if self.fixed {
            let text = format!("{} rows were counted and {} were read", told.rows, self.seen.rows);
            tracing::error!(text, "a file of a fixed moment does not tie; it is broken off");
            return Err(io::Error::other(text));
        } else {
            say("Attention", "The list changed while this file was written. These are the figures of its rows:".into());
        }
        say("Rows", self.seen.rows.to_string());
        for (currency, total) in &self.seen.totals {
            let total = total.map_or_else(|| "too large to add up".to_owned(), cell::amount);
            say(&format!("{} {currency}", self.total), total);
        }
        Ok(Some(self.lines.foot(&lines)?.into()))
    }
}
