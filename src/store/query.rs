//! How a statement is asked: bound parameters, rows by name.

use clickhouse::{Row, RowOwned, RowRead, query::Query};
use milepost_ingest::ObjectRef;

use super::{Store, StoreError};

impl Store {
    /// A statement by its text, which names its parameters as `{name:Type}`.
    pub(super) fn ask(&self, sql: &'static str) -> Query {
        self.reader.query_raw(sql)
    }
}

/// All rows of an answer.
pub(super) async fn all<T: Row + RowOwned + RowRead>(query: Query) -> Result<Vec<T>, StoreError> {
    Ok(query.fetch_all::<T>().await?)
}

/// Types and ids of objects, as two parameters of the same length.
pub(super) fn split(objects: &[ObjectRef]) -> (Vec<&str>, Vec<&str>) {
    objects.iter().map(|o| (o.kind.as_str(), o.id.as_str())).unzip()
}
