//! What the pipeline asks when it starts: what there is, what is open, what was taken last, where versions go on.
//! Answers may be large, so they stream, and without the time limit of pages.

use chrono::Utc;
use clickhouse::Row;
use clickhouse::query::RowCursor;
use serde::Deserialize;

use super::rows::EventRow;
use super::{Mark, Store, StoreError};

/// An id taken before, and what it stood for.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct RecentId {
    pub tenant: String,
    pub source: String,
    pub event_id: String,
    /// `EventRow::content` of its event.
    pub content: u64,
}

/// That there is an object of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct StoredName<'a> {
    pub tenant: &'a str,
    /// XXH3 of `type/id`.
    pub name: u64,
}

/// What the pipeline must know of a workflow before it is read back.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct StoredWorkflow {
    pub tenant: String,
    pub root_type: String,
    pub root_id: String,
    /// When time alone changes it next.
    pub wakes_ms: Option<i64>,
    pub mark: u64,
}

impl Store {
    /// Every event of every object, of all tenants, that is held or belongs to a workflow that is not closed: those of
    /// one object together and in the order in which they happened.
    pub fn open_events(&self) -> Result<RowCursor<EventRow>, StoreError> {
        Ok(self.writer.query_raw(read!("open_events")).fetch()?)
    }

    /// The name of every object that is described or named.
    pub fn stored_names(&self) -> Result<RowCursor<StoredName<'static>>, StoreError> {
        Ok(self.writer.query_raw(read!("stored_names")).fetch()?)
    }

    /// Every workflow that is open or that time changes.
    pub fn stored_workflows(&self) -> Result<RowCursor<StoredWorkflow>, StoreError> {
        Ok(self.writer.query_raw(read!("stored_workflows")).fetch()?)
    }

    /// Of exceptions that are not closed, of all tenants.
    pub async fn exception_marks(&self) -> Result<Vec<Mark>, StoreError> {
        Ok(self.writer.query_raw(read!("exception_marks")).fetch_all().await?)
    }

    /// Of items to bill, discrepancies, and exceptions that ended while their workflow goes on, of all tenants.
    pub fn marks(&self) -> Result<[RowCursor<Mark>; 3], StoreError> {
        Ok([
            self.writer.query_raw(read!("readiness_marks")).fetch()?,
            self.writer.query_raw(read!("reconciliation_marks")).fetch()?,
            self.writer.query_raw(read!("closed_marks")).fetch()?,
        ])
    }

    /// Of all tenants, received last, the newest first.
    pub async fn recent_ids(&self, limit: u64) -> Result<Vec<RecentId>, StoreError> {
        const BACK_DAYS: [i64; 3] = [1, 7, 1_000_000];
        let now = Utc::now().timestamp_millis();
        let mut ids = Vec::new();
        for days in BACK_DAYS {
            let since = (now - days * 86_400_000).max(0);
            let query = self.writer.query_raw(read!("recent_ids")).param("since_ms", since);
            ids = query.param("limit", limit).fetch_all().await?;
            if ids.len() as u64 >= limit {
                break;
            }
        }
        Ok(ids)
    }

    /// The highest version that any snapshot has; 0 when there is none.
    pub async fn max_version(&self) -> Result<u64, StoreError> {
        Ok(self.writer.query_raw(read!("max_version")).fetch_one().await?)
    }
}
