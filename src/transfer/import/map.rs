//! The map of a file: what the columns of a CSV file mean, and what the names in an OCEL file are called here.
//! docs/import-export.md shows one. What does not make sense is refused with its place.

use std::collections::BTreeMap;

use anyhow::bail;
use serde::Deserialize;
use toml::Spanned;

use super::columns::{Columns, Text, Tree};

/// A map, read and checked; the columns of a CSV file are looked up when its head is known.
#[derive(Debug)]
pub struct Map {
    pub csv: Csv,
    pub events: Vec<EventMap>,
    pub ocel: Ocel,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Csv {
    /// One character; `\t` for a tab.
    pub delimiter: char,
    /// What stands before the decimals of a number: `.` or `,`.
    pub decimal: char,
    /// Zone of times that are written without an offset, for example Europe/Berlin.
    pub zone: String,
    /// How times are written, where they are not RFC 3339: `%d.%m.%Y %H:%M`.
    pub time: String,
    /// Cells that say nothing.
    pub missing: Vec<String>,
}

impl Default for Csv {
    fn default() -> Self {
        Self { delimiter: ',', decimal: '.', zone: String::new(), time: String::new(), missing: vec![String::new()] }
    }
}

/// Names of a foreign OCEL file. An empty name leaves it out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ocel {
    pub source: String,
    pub events: BTreeMap<String, String>,
    pub objects: BTreeMap<String, String>,
}

/// What one row says.
#[derive(Debug)]
pub struct EventMap {
    /// Columns that must hold one of these.
    pub when: Vec<(String, Vec<String>)>,
    pub id: Text,
    pub kind: Text,
    pub version: Option<u32>,
    pub source: Text,
    pub system: Text,
    pub time: Text,
    pub object: Text,
    pub refs: Vec<Text>,
    pub data: Tree,
    /// Of one line; rows that follow each other with the same event id are lines of one event.
    pub lines: Option<Tree>,
    pub columns: Columns,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    csv: Csv,
    #[serde(default, rename = "event")]
    events: Vec<Spanned<Entry>>,
    #[serde(default)]
    ocel: Ocel,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    when: BTreeMap<String, OneOrMany>,
    id: String,
    #[serde(rename = "type")]
    kind: String,
    schema_version: Option<u32>,
    #[serde(default)]
    source: String,
    #[serde(default)]
    system: String,
    time: String,
    object: String,
    #[serde(default)]
    refs: Vec<String>,
    #[serde(default)]
    data: toml::Table,
    lines: Option<toml::Table>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Map {
    pub fn parse(file: &str, text: &str) -> anyhow::Result<Self> {
        let place = |offset: usize| {
            let before = &text[..offset.min(text.len())];
            let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
            format!("{file}:{}:{column}", before.matches('\n').count() + 1)
        };
        let read: File = match toml::from_str(text) {
            Ok(read) => read,
            Err(error) => bail!("{}: {}", place(error.span().map_or(0, |s| s.start)), error.message().trim()),
        };
        if !matches!(read.csv.decimal, '.' | ',') {
            bail!("{file}: csv.decimal is `.` or `,`");
        }
        if !read.csv.delimiter.is_ascii() {
            bail!("{file}: csv.delimiter is one ASCII character");
        }
        if !read.csv.zone.is_empty()
            && let Err(error) = jiff::tz::TimeZone::get(&read.csv.zone)
        {
            bail!("{file}: csv.zone: {error}");
        }
        let mut events = Vec::new();
        for entry in read.events {
            let at = place(entry.span().start);
            let mut columns = Columns::default();
            match EventMap::read(entry.into_inner(), &mut columns) {
                Ok(event) => events.push(EventMap { columns, ..event }),
                Err(what) => bail!("{at}: {what}"),
            }
        }
        Ok(Self { csv: read.csv, events, ocel: read.ocel })
    }
}

impl EventMap {
    fn read(entry: Entry, columns: &mut Columns) -> Result<Self, String> {
        let mut text = |what: &str, of: &str| Text::parse(of, columns).map_err(|why| format!("{what}: {why}"));
        let id = text("id", &entry.id)?;
        let kind = text("type", &entry.kind)?;
        let (source, system) = (text("source", &entry.source)?, text("system", &entry.system)?);
        let (time, object) = (text("time", &entry.time)?, text("object", &entry.object)?);
        let refs: Vec<Text> = entry.refs.iter().map(|r| text("refs", r)).collect::<Result<_, _>>()?;
        let data = Tree::table(&entry.data, columns).map_err(|why| format!("data: {why}"))?;
        let lines = match &entry.lines {
            Some(lines) => Some(Tree::table(lines, columns).map_err(|why| format!("lines: {why}"))?),
            None => None,
        };
        let when = entry.when.into_iter().map(|(column, value)| {
            columns.need(&column);
            let values = match value {
                OneOrMany::One(value) => vec![value],
                OneOrMany::Many(values) => values,
            };
            (column, values)
        });
        Ok(Self {
            when: when.collect(),
            id,
            kind,
            version: entry.schema_version,
            source,
            system,
            time,
            object,
            refs,
            data,
            lines,
            columns: Columns::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Map;

    fn refused(text: &str) -> String {
        Map::parse("m.toml", text).expect_err("refused").to_string()
    }

    #[test]
    fn a_map_that_makes_no_sense_is_refused_with_its_place() {
        assert_eq!(
            refused("[csv]\ncolour = 1\n"),
            "m.toml:2:1: unknown field `colour`, expected one of `delimiter`, `decimal`, `zone`, `time`, `missing`"
        );
        assert_eq!(
            refused(
                "\n[[event]]\nid = \"{Order\"\ntype = \"order.created\"\ntime = \"{T}\"\nobject = \"order/{Order}\"\n"
            ),
            "m.toml:2:1: id: `{Order` has no `}`"
        );
        assert!(refused("[csv]\nzone = \"Mars/Olympus\"\n").starts_with("m.toml: csv.zone: "));
    }
}
