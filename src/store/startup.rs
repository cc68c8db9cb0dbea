//! What the pipeline asks when it starts: what is open, what was taken last, where versions go on.
//! Answers may be large, so they come in pieces, without the time limit of pages.

use clickhouse::{Row, RowOwned, RowRead};
use serde::Deserialize;

use super::rows::{EventRow, ObjectRow};
use super::{Store, StoreError};

/// Rows handed over at a time.
const PIECE: usize = 5_000;

/// An id taken before, and what it stood for.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct RecentId {
    pub tenant: String,
    pub source: String,
    pub event_id: String,
    /// As `EventRow::content` computes it.
    pub content: u64,
}

impl Store {
    /// Every object, of all tenants, that is held or belongs to a workflow that is not closed. Returns how many.
    pub async fn open_objects(&self, take: impl FnMut(Vec<ObjectRow>)) -> Result<u64, StoreError> {
        self.in_pieces(read!("open_objects"), take).await
    }

    /// Every event of such objects, those of one object together and in the order in which they happened. Returns how many.
    pub async fn events_of_open(&self, take: impl FnMut(Vec<EventRow>)) -> Result<u64, StoreError> {
        self.in_pieces(read!("events_of_open"), take).await
    }

    /// Tenant and `type/id` of every object that is not open. Returns how many.
    pub async fn closed_objects(&self, take: impl FnMut(Vec<(String, String)>)) -> Result<u64, StoreError> {
        self.in_pieces(read!("closed_objects"), take).await
    }

    /// Of all tenants, received since then, the newest first.
    pub async fn recent_ids(&self, since_ms: i64, limit: u64) -> Result<Vec<RecentId>, StoreError> {
        let query = self.writer.query_raw(read!("recent_ids"));
        Ok(query.param("since_ms", since_ms).param("limit", limit).fetch_all().await?)
    }

    /// The highest version that any snapshot has; 0 when there is none.
    pub async fn max_version(&self) -> Result<u64, StoreError> {
        Ok(self.writer.query_raw(read!("max_version")).fetch_one().await?)
    }

    async fn in_pieces<R: RowOwned + RowRead>(
        &self,
        sql: &str,
        mut take: impl FnMut(Vec<R>),
    ) -> Result<u64, StoreError> {
        let mut cursor = self.writer.query_raw(sql).fetch::<R>()?;
        let mut piece = Vec::with_capacity(PIECE);
        let mut rows = 0;
        while let Some(row) = cursor.next().await? {
            rows += 1;
            piece.push(row);
            if piece.len() == PIECE {
                take(std::mem::replace(&mut piece, Vec::with_capacity(PIECE)));
            }
        }
        if !piece.is_empty() {
            take(piece);
        }
        Ok(rows)
    }
}
