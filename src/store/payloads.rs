//! Payloads to the letter.

use super::rows::PayloadRow;
use super::{Store, StoreError};

impl Store {
    pub async fn payload(&self, tenant: &str, payload: u64) -> Result<Option<PayloadRow>, StoreError> {
        let query = self.reader.query_raw(read!("payload")).param("tenant", tenant);
        Ok(query.param("payload", payload).fetch_optional().await?)
    }
}
