//! Bodies of payloads for a job, read some at a time ahead of use, and let go when their last record has gone.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use milepost_ingest::Form;
use tokio::sync::Mutex;

use super::records::Records;
use crate::store::rows::PayloadRow;
use crate::store::{Store, StoreError};

/// Payloads read at once, unless they are large.
const AHEAD: usize = 400;
const AHEAD_BYTES: u64 = 32 << 20;

pub struct Bodies {
    store: Store,
    tenant: String,
    kept: Mutex<Kept>,
}

struct Kept {
    /// Payloads in the order in which they will be asked for, each once.
    order: Vec<u64>,
    place: HashMap<u64, usize>,
    /// How many records of each are still to go.
    left: HashMap<u64, usize>,
    loaded: HashMap<u64, Arc<Loaded>>,
}

pub struct Loaded {
    /// Without its body.
    pub row: PayloadRow,
    pub form: Form,
    pub body: Bytes,
    pub records: Records,
}

impl Bodies {
    /// For the payloads of items in the order in which they go.
    pub fn new(store: Store, tenant: &str, payloads: impl Iterator<Item = u64>) -> Self {
        let mut kept = Kept { order: Vec::new(), place: HashMap::new(), left: HashMap::new(), loaded: HashMap::new() };
        for payload in payloads {
            *kept.left.entry(payload).or_default() += 1;
            if let std::collections::hash_map::Entry::Vacant(slot) = kept.place.entry(payload) {
                slot.insert(kept.order.len());
                kept.order.push(payload);
            }
        }
        Self { store, tenant: tenant.to_owned(), kept: Mutex::new(kept) }
    }

    /// The payload; None when it is kept no more.
    pub async fn get(&self, payload: u64) -> Result<Option<Arc<Loaded>>, StoreError> {
        let mut kept = self.kept.lock().await;
        if !kept.loaded.contains_key(&payload) {
            let next = self.next(&kept, payload).await?;
            for row in self.store.payloads(&self.tenant, &next).await? {
                if let Some(loaded) = load(row) {
                    kept.loaded.insert(loaded.row.payload, Arc::new(loaded));
                }
            }
        }
        let found = kept.loaded.get(&payload).cloned();
        let left = kept.left.entry(payload).or_default();
        *left = left.saturating_sub(1);
        if *left == 0 {
            kept.loaded.remove(&payload);
        }
        Ok(found)
    }

    /// This one, and those behind it that fit.
    async fn next(&self, kept: &Kept, payload: u64) -> Result<Vec<u64>, StoreError> {
        let from = kept.place.get(&payload).copied().unwrap_or(kept.order.len());
        let behind = kept.order[from.min(kept.order.len())..].iter().copied();
        let mut wanted: Vec<u64> = behind.filter(|p| !kept.loaded.contains_key(p)).take(AHEAD).collect();
        if wanted.first() != Some(&payload) {
            wanted.insert(0, payload);
        }
        let sizes: HashMap<u64, u64> = self.store.payload_sizes(&self.tenant, &wanted).await?.into_iter().collect();
        let mut bytes = 0;
        let mut fits = |payload: &u64| {
            bytes += sizes.get(payload).copied().unwrap_or(0);
            bytes <= AHEAD_BYTES
        };
        let count = wanted.iter().take_while(|p| fits(p)).count();
        wanted.truncate(count.max(1));
        Ok(wanted)
    }
}

fn load(mut row: PayloadRow) -> Option<Loaded> {
    let form = Form::parse(&row.form)?;
    let body = Bytes::from(std::mem::take(&mut row.body));
    Some(Loaded { form, records: Records::of(form, &body), row, body })
}
