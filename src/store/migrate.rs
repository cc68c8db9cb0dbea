//! Brings the database to the shape that this version wants, and each table to the time that its rows are kept.
//! Every step may be run twice, so a run that was cut off is simply run again. A line with nothing but a semicolon parts the
//! steps of one file.

use clickhouse::Row;
use rust_embed::Embed;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Store, StoreError};

#[derive(Embed)]
#[folder = "queries/migrations"]
struct Files;

#[derive(Embed)]
#[folder = "queries/retention"]
struct Retentions;

/// How many days each table keeps its rows; 0 is for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Accepted business events; workflows are derived from them.
    pub events: u32,
    /// Bodies to the letter, accepted and refused ones.
    pub payloads: u32,
    /// Refused records with their reasons.
    pub failures: u32,
    /// Snapshots of objects, counted from their last event; held ones stay.
    pub objects: u32,
    /// Snapshots of closed workflows, counted from their last change; open ones stay.
    pub workflows: u32,
    /// Closed exceptions, counted from their end; open ones stay.
    pub exceptions: u32,
    /// What was sent to whom, and how it went.
    pub deliveries: u32,
    /// Replays and actions with what each item came to, and which failures were mended.
    pub replays: u32,
    /// OTLP spans.
    pub spans: u32,
    /// OTLP log records that are no business events.
    pub logs: u32,
    /// OTLP metric points.
    pub points: u32,
    /// What each source sent in each minute.
    pub source_minutes: u32,
}

impl Default for Retention {
    /// What state is made of stays; what surrounds it goes.
    fn default() -> Self {
        Self {
            payloads: 180,
            failures: 400,
            deliveries: 180,
            replays: 400,
            spans: 30,
            logs: 30,
            points: 30,
            source_minutes: 90,
            ..Self::FOREVER
        }
    }
}

impl Retention {
    /// Nothing goes.
    pub const FOREVER: Self = Self {
        events: 0,
        payloads: 0,
        failures: 0,
        objects: 0,
        workflows: 0,
        exceptions: 0,
        deliveries: 0,
        replays: 0,
        spans: 0,
        logs: 0,
        points: 0,
        source_minutes: 0,
    };

    fn tables(&self) -> [(&'static str, u32); 16] {
        [
            ("events", self.events),
            ("payloads", self.payloads),
            ("failures", self.failures),
            ("objects", self.objects),
            ("workflows", self.workflows),
            ("exceptions", self.exceptions),
            ("deliveries", self.deliveries),
            ("replays", self.replays),
            ("replay_items", self.replays),
            ("healed", self.replays),
            // An edit is a payload.
            ("payload_edits", self.payloads),
            ("spans", self.spans),
            ("logs", self.logs),
            ("points", self.points),
            ("source_minutes", self.source_minutes),
            // What sources did and what was done to what they call belong together.
            ("dependency_minutes", self.source_minutes),
        ]
    }
}

/// What a run of `migrate` changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Migrated {
    /// Migrations run now, by file name; empty when the database was up to date.
    pub applied: Vec<String>,
    /// Tables whose time to live was altered.
    pub retained: Vec<String>,
}

impl std::fmt::Display for Migrated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.applied.as_slice() {
            [] => f.write_str("the database is up to date")?,
            applied => write!(f, "ran {}: {}", count(applied.len(), "migration"), applied.join(", "))?,
        }
        match self.retained.as_slice() {
            [] => Ok(()),
            retained => write!(f, "; changed the retention of {}", retained.join(", ")),
        }
    }
}

fn count(n: usize, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

#[derive(Row, Deserialize)]
struct Applied {
    name: String,
    hash: String,
}

macro_rules! setup {
    ($name:literal) => {
        include_str!(concat!("../../queries/setup/", $name, ".sql"))
    };
}

impl Store {
    pub async fn migrate(&self) -> Result<Migrated, StoreError> {
        self.create_database().await?;
        self.writer.query_raw(setup!("create_schema_migrations")).execute().await?;
        let known: Vec<Applied> = self.writer.query_raw(setup!("applied_migrations")).fetch_all().await?;
        let files: Vec<(String, String)> = statements::<Files>().collect();
        if let Some(newer) = known.iter().find(|applied| files.iter().all(|(name, _)| *name != applied.name)) {
            return Err(StoreError::Newer { name: newer.name.clone() });
        }
        let mut migrated = Migrated::default();
        for (name, statement) in files {
            let hash = hex::encode(Sha256::digest(statement.as_bytes()));
            match known.iter().find(|applied| applied.name == name) {
                Some(applied) if applied.hash == hash => continue,
                Some(_) => return Err(StoreError::Edited { name }),
                None => {}
            }
            for step in statement.split("\n;\n") {
                self.writer.query_raw(step).execute().await?;
            }
            self.writer
                .query_raw(setup!("record_migration"))
                .param("name", &name)
                .param("hash", hash)
                .execute()
                .await?;
            migrated.applied.push(name);
        }
        for (table, days) in self.retention.tables() {
            if self.retain(table, days).await? {
                migrated.retained.push(table.to_owned());
            }
        }
        Ok(migrated)
    }

    async fn create_database(&self) -> Result<(), StoreError> {
        let server = self.writer.clone().with_database("system");
        let found =
            server.query_raw(setup!("has_database")).param("database", &self.database).fetch_one::<u64>().await?;
        if found == 0 {
            server
                .query_raw(setup!("create_database"))
                .with_setting("param_database", &self.database)
                .execute()
                .await?;
        }
        Ok(())
    }

    /// Alters a table only where it stands otherwise: the statement rewrites what it touches.
    async fn retain(&self, table: &str, days: u32) -> Result<bool, StoreError> {
        let definition: String =
            self.writer.query_raw(setup!("table_definition")).param("table", table).fetch_one().await?;
        let now = definition
            .split_once("toIntervalDay(")
            .map(|(_, rest)| rest.trim_start_matches(|c: char| !c.is_ascii_digit()));
        let now = now.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
        let now: u32 = now.and_then(|days| days.parse().ok()).unwrap_or(0);
        if now == days {
            return Ok(false);
        }
        let file = if days == 0 { format!("remove/{table}.sql") } else { format!("{table}.sql") };
        let statements: Vec<_> = statements::<Retentions>().filter(|(name, _)| *name == file).collect();
        for (_, statement) in statements {
            self.writer.query_raw(&statement).param("days", days).execute().await?;
        }
        Ok(true)
    }
}

/// In the order of their names.
fn statements<E: Embed>() -> impl Iterator<Item = (String, String)> {
    let mut names: Vec<_> = E::iter().collect();
    names.sort();
    names.into_iter().filter_map(|name| {
        let text = String::from_utf8(E::get(&name)?.data.into_owned()).ok()?;
        Some((name.into_owned(), text))
    })
}
