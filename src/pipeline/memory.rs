//! After a start: reads everything that is open into memory, in the background, while workflows that are spoken of or whose
//! time has come are read back one by one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender};

use super::state::Memory;
use crate::domain::Fact;
use crate::store::{Store, StoreError};

/// Rows that are handed over at once, and how many such parts may wait.
const PART: usize = 2_000;
const PARTS: usize = 8;
const PAUSE: Duration = Duration::from_secs(2);

/// What is open comes part by part, on the thread of whoever receives. After an error it comes again from the beginning;
/// ends when nobody receives any more.
pub fn read(store: Store, after: Duration) -> Receiver<Memory> {
    let (sender, parts) = tokio::sync::mpsc::channel(PARTS);
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        while let Err(error) = send_all(&store, &sender).await {
            if sender.is_closed() {
                return;
            }
            tracing::warn!(%error, "what is open could not be read; trying again");
            tokio::time::sleep(PAUSE).await;
        }
    });
    parts
}

async fn send_all(store: &Store, sender: &Sender<Memory>) -> Result<(), StoreError> {
    macro_rules! send {
        ($rows:expr, $part:path) => {{
            let mut rows = $rows;
            let mut part = Vec::with_capacity(PART);
            while let Some(row) = rows.next().await? {
                part.push(row);
                if part.len() >= PART {
                    hand_over(sender, $part(std::mem::replace(&mut part, Vec::with_capacity(PART)))).await?;
                }
            }
            hand_over(sender, $part(part)).await?;
        }};
    }
    send!(store.open_slas()?, Memory::Clocks);
    for marks in store.marks()? {
        send!(marks, Memory::Marks);
    }
    let mut rows = store.open_events()?;
    let mut tenant: Arc<str> = "".into();
    let mut part = Vec::with_capacity(PART);
    while let Some(row) = rows.next().await? {
        if part.len() >= PART || *tenant != *row.tenant {
            let full = std::mem::replace(&mut part, Vec::with_capacity(PART));
            hand_over(sender, Memory::Facts(Arc::clone(&tenant), full)).await?;
        }
        if *tenant != *row.tenant {
            tenant = row.tenant.as_str().into();
        }
        if let Some(entry) = row.into_entry() {
            let fact = Fact::of(&entry.event, entry.received_at);
            part.push((entry.event.object, fact));
        }
    }
    hand_over(sender, Memory::Facts(tenant, part)).await?;
    hand_over(sender, Memory::Whole).await
}

async fn hand_over(sender: &Sender<Memory>, part: Memory) -> Result<(), StoreError> {
    let gone = |_| StoreError::Away(clickhouse::error::Error::Custom("nobody listens".to_owned()));
    sender.send(part).await.map_err(gone)
}
