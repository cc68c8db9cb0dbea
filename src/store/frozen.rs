//! Lists as they stood at a moment, for those whose tables keep the latest snapshot only: whole copies that somebody had
//! made, asked with the same queries. Readiness, reconciliation and failures need none, their tables forget nothing.

use clickhouse::Row;
use clickhouse::query::Query;
use futures_util::{Stream, StreamExt as _};
use serde::Deserialize;

use super::rows::{ExceptionRow, SlaRow, WorkflowRow};
use super::{Store, StoreError};

/// Copies are kept for so long, in days.
pub const FROZEN_DAYS: i64 = 400;
const DAY_MS: i64 = 86_400_000;
const MAX_FREEZES: u64 = 200;

macro_rules! write {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/write/", $name, ".sql"))
    };
}

/// A list that can be set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freezable {
    Workflows,
    Exceptions,
    Slas,
}

#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct Freeze {
    /// Name of the table.
    pub list: String,
    pub frozen_ms: i64,
    pub person: String,
    pub rows: u64,
}

impl Freezable {
    pub fn table(self) -> &'static str {
        match self {
            Self::Workflows => "workflows",
            Self::Exceptions => "exceptions",
            Self::Slas => "slas",
        }
    }

    fn statements(self) -> (&'static str, &'static str) {
        match self {
            Self::Workflows => (write!("freeze_workflows"), write!("thaw_workflows")),
            Self::Exceptions => (write!("freeze_exceptions"), write!("thaw_exceptions")),
            Self::Slas => (write!("freeze_slas"), write!("thaw_slas")),
        }
    }
}

impl Store {
    /// The same store, whose lists tell how things stood at a moment that was frozen; None is now.
    #[must_use]
    pub fn as_of(&self, frozen_ms: Option<i64>) -> Self {
        Self { frozen_ms, ..self.clone() }
    }

    /// Sets a list aside. Cut off in between, nothing is noted, and the same again makes it whole.
    pub async fn freeze(&self, tenant: &str, what: Freezable, at_ms: i64, person: &str) -> Result<(), StoreError> {
        let (freeze, thaw) = what.statements();
        self.writer.query_raw(thaw).param("before_ms", at_ms - FROZEN_DAYS * DAY_MS).execute().await?;
        self.writer.query_raw(freeze).param("tenant", tenant).param("at_ms", at_ms).execute().await?;
        let note = self.writer.query_raw(write!("note_freeze")).param("tenant", tenant).param("list", what.table());
        let note =
            note.param("at_ms", at_ms).param("person", person).param("frozen", format!("{}_frozen", what.table()));
        Ok(note.execute().await?)
    }

    /// The newest first.
    pub async fn freezes(&self, tenant: &str) -> Result<Vec<Freeze>, StoreError> {
        let since_ms = chrono::Utc::now().timestamp_millis() - FROZEN_DAYS * DAY_MS;
        let query = self.reader.query_raw(read!("freezes")).param("tenant", tenant).param("since_ms", since_ms);
        Ok(query.param("limit", MAX_FREEZES).fetch_all().await?)
    }

    /// Whose rows a list reads, and where.
    pub(super) fn of_list(&self, query: Query, what: Freezable, tenant: &str) -> Query {
        match self.frozen_ms {
            None => query.param(what.table(), what.table()).param("tenant", tenant),
            Some(ms) => {
                query.param(what.table(), format!("{}_frozen", what.table())).param("tenant", format!("{tenant}@{ms}"))
            }
        }
    }

    /// Rows of a copy are their tenant's.
    pub(super) fn owned<T: Owned>(&self, mut rows: Vec<T>, tenant: &str) -> Vec<T> {
        if self.frozen_ms.is_some() {
            rows.iter_mut().for_each(|row| tenant.clone_into(row.tenant()));
        }
        rows
    }

    pub(super) fn owned_stream<T, S>(&self, rows: S, tenant: &str) -> impl Stream<Item = S::Item> + Send + use<T, S>
    where
        T: Owned + Send + 'static,
        S: Stream<Item = Result<Vec<T>, StoreError>> + Send + 'static,
    {
        let (store, tenant) = (self.clone(), tenant.to_owned());
        rows.map(move |chunk| Ok(store.owned(chunk?, &tenant)))
    }
}

pub(super) trait Owned {
    fn tenant(&mut self) -> &mut String;
}

impl Owned for WorkflowRow {
    fn tenant(&mut self) -> &mut String {
        &mut self.tenant
    }
}

impl Owned for ExceptionRow {
    fn tenant(&mut self) -> &mut String {
        &mut self.tenant
    }
}

impl Owned for SlaRow {
    fn tenant(&mut self) -> &mut String {
        &mut self.tenant
    }
}
