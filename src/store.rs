//! ClickHouse: rows in, rows out. Every statement is a file under queries/, and values are bound, never text.
//! Left to others: starting a server (`engine`), what the rows mean (`domain`), when to write and repeat (`pipeline`).

/// The text of a query under queries/read.
macro_rules! read {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/read/", $name, ".sql"))
    };
}

mod acts;
mod alerts;
mod board;
mod cursor;
mod entries;
mod exceptions;
mod export;
mod failures;
mod frozen;
mod held;
mod insights;
mod migrate;
mod native;
mod objects;
mod open;
mod payloads;
mod process;
mod readiness;
mod recall;
pub mod replays;
pub mod rows;
mod slas;
mod sources;
mod startup;
mod stream;
mod traces;
mod views;
mod workflows;
mod write;

use std::sync::Arc;
use std::time::Duration;

use clickhouse::{Client, Compression};

pub use alerts::{Again, DELIVERY};
pub use board::{BoardCount, ClockCount, Days, KindCount, ShiftCount, StageAge, StageCount, StatusCount, Whose};
pub use cursor::Cursor;
pub use exceptions::{CurrencySum, ExceptionFilter, ExceptionSort, Muting};
pub use export::{ExportFilter, ExportedObject};
pub use failures::{BadValue, FailureFilter, FailureGroup, GroupEffect, GroupFacts, Neighbour};
pub use frozen::{FROZEN_DAYS, Freezable, Freeze};
pub use held::HeldGroup;
pub use insights::{Cycle, CycleWeek, InsightFilter, PlaceFigures, RecoveryWeek, Stage, Unbilled, YieldWeek};
pub use migrate::{Migrated, Retention};
pub use objects::{ObjectCount, ObjectFilter};
pub use payloads::{ChangeRow, TakenAs};
pub use process::{LateCause, PastClock, PolicyDay, PolicyOpen, Remaining, SlowPlace, StageDuration, Trial, Variant};
pub use readiness::{ReadinessFilter, ReconciliationFilter, Sum};
pub use recall::Mark;
pub use slas::{RUNNING, SlaFilter, StoredSla, VerdictCount};
pub use sources::{
    CarrierSummary, DependencyBand, DependencySummary, FirstWord, InvoiceFailures, Reach, Slot, SourceSummary,
    UsualHour,
};
pub use startup::{RecentId, StoredName, StoredWorkflow};
pub use traces::Series;
pub use workflows::{CurrencyTotal, Facet, Sort, WorkflowFilter};

/// The database unless a setting names another.
pub const DATABASE: &str = "milepost";

/// A handle on the database; clones share its connections.
#[derive(Clone)]
pub struct Store {
    reader: Client,
    writer: Client,
    database: String,
    retention: Retention,
    /// Lists tell how things stood then; None is now.
    frozen_ms: Option<i64>,
    open: Arc<open::Open>,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Not reached, broken off, too slow, or overloaded: the same call may succeed later.
    #[error("ClickHouse cannot be reached: {0}")]
    Away(#[source] clickhouse::error::Error),
    /// It was reached and said no; repeating will not help.
    #[error("ClickHouse refused: {0}")]
    Refused(#[source] clickhouse::error::Error),
    #[error("migration {name} was edited after it had been run on this database")]
    Edited { name: String },
    #[error("this database was made by a newer milepost: it has migration {name}")]
    Newer { name: String },
}

impl StoreError {
    /// Is it worth calling again with the same arguments?
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away(_))
    }
}

impl From<clickhouse::error::Error> for StoreError {
    fn from(error: clickhouse::error::Error) -> Self {
        use clickhouse::error::Error as E;
        match &error {
            E::Network(_) | E::TimedOut | E::Decompression(_) | E::Custom(_) => Self::Away(error),
            E::BadResponse(text) if passes(text) => Self::Away(error),
            _ => Self::Refused(error),
        }
    }
}

/// ClickHouse says with a number what is wrong. These pass by themselves: timeouts, too many queries or parts, memory,
/// network, shutting down, read-only replicas, keeper.
fn passes(text: &str) -> bool {
    const PASSING: [u32; 16] = [159, 160, 164, 202, 203, 209, 210, 225, 236, 241, 242, 243, 252, 319, 394, 999];
    let code = text.split_once("Code: ").map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next());
    match code.flatten().and_then(|digits| digits.parse::<u32>().ok()) {
        Some(code) => PASSING.contains(&code),
        // An answer that is not ClickHouse's own: a proxy's 502, or half an answer.
        None => true,
    }
}

impl Store {
    pub fn new(url: &str, user: &str, password: &str, database: &str) -> Self {
        let client = Client::default()
            .with_url(url)
            .with_user(user)
            .with_password(password)
            .with_product_info("milepost", env!("CARGO_PKG_VERSION"));
        // On loopback compressing costs more than it saves.
        let compression = if on_loopback(url) { Compression::None } else { Compression::Lz4 };
        let client = client.with_compression(compression);
        let limit = READ_LIMIT.as_secs().to_string();
        let reader = client.clone().with_database(database).with_setting("max_execution_time", limit);
        Self {
            reader,
            writer: client.with_database(database),
            database: database.to_owned(),
            retention: Retention::default(),
            frozen_ms: None,
            open: Arc::default(),
        }
    }

    /// How long `migrate` is to let each table keep its rows.
    pub fn with_retention(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }

    pub fn database(&self) -> &str {
        &self.database
    }

    /// Does it answer us?
    pub async fn ping(&self) -> Result<(), StoreError> {
        let query = self.writer.clone().with_database("system").query_raw(include_str!("../queries/setup/ping.sql"));
        match tokio::time::timeout(PING_LIMIT, query.fetch_one::<u8>()).await {
            Ok(answer) => Ok(answer.map(drop)?),
            Err(_) => Err(StoreError::Away(clickhouse::error::Error::TimedOut)),
        }
    }
}

/// No page waits longer for a query.
const READ_LIMIT: Duration = Duration::from_secs(20);
const PING_LIMIT: Duration = Duration::from_secs(5);

fn on_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"].iter().any(|start| host.starts_with(start))
}
