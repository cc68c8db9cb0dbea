//! Rows as they come: for lists too long to hold. The database sends while the reader takes, nothing is gathered.

use clickhouse::query::{Query, RowCursor};
use clickhouse::{RowOwned, RowRead};
use futures_util::Stream;
use futures_util::stream::try_unfold;

use super::StoreError;

/// A file of a million rows is written while its query runs; pages have a shorter limit.
const LIMIT_SECONDS: &str = "900";
/// Rows handed over at once.
const CHUNK: usize = 512;

/// The rows of a query in chunks. Nothing is asked before the first chunk is wanted.
pub(super) fn rows<T>(query: Query) -> impl Stream<Item = Result<Vec<T>, StoreError>> + Send + 'static
where
    T: RowOwned + RowRead + Send,
{
    enum State<T> {
        Asked(Query),
        Reading(RowCursor<T>),
    }
    let query = query.with_setting("max_execution_time", LIMIT_SECONDS);
    try_unfold(State::Asked(query), |state| async move {
        let mut cursor = match state {
            State::Asked(query) => query.fetch::<T>()?,
            State::Reading(cursor) => cursor,
        };
        let mut chunk = Vec::with_capacity(CHUNK);
        while chunk.len() < CHUNK {
            match cursor.next().await? {
                Some(row) => chunk.push(row),
                None => break,
            }
        }
        Ok::<_, StoreError>((!chunk.is_empty()).then_some((chunk, State::Reading(cursor))))
    })
}
