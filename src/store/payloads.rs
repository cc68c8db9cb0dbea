//! Payloads to the letter.

use clickhouse::Row;
use serde::Deserialize;

use super::query::all;
use super::rows::{EventRow, PayloadRow};
use super::{Store, StoreError};

/// `PayloadRow` as the database gives it.
#[derive(Row, Deserialize)]
struct Found {
    tenant: String,
    payload: u64,
    received_ms: i64,
    form: String,
    source: String,
    key_id: String,
    headers: Vec<(String, String)>,
    #[serde(with = "serde_bytes")]
    body: Vec<u8>,
    events: u32,
    refused: u32,
}

impl Store {
    pub async fn payload(&self, tenant: &str, payload: u64) -> Result<Option<PayloadRow>, StoreError> {
        let query = self.ask(include_str!("../../queries/read/payload.sql"));
        let found = query.param("tenant", tenant).param("payload", payload).fetch_optional::<Found>().await?;
        Ok(found.map(|f| PayloadRow {
            tenant: f.tenant,
            payload: f.payload,
            received_ms: f.received_ms,
            form: f.form,
            source: f.source,
            key_id: f.key_id,
            headers: f.headers,
            body: f.body,
            events: f.events,
            refused: f.refused,
        }))
    }

    pub async fn payload_events(&self, tenant: &str, payload: u64) -> Result<Vec<EventRow>, StoreError> {
        let query = self.ask(include_str!("../../queries/read/payload_events.sql"));
        all(query.param("tenant", tenant).param("payload", payload)).await
    }
}
