//! What a job is to do, frozen: which failed records, the oldest first, and which of those asked for are left out and
//! why. Later nothing is asked by filter again; the job acts on what is listed here.

use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};

use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use super::job::{MOST_ITEMS, Options, Through};
use crate::domain::Money;
use crate::store::replays::WHOLE;
use crate::store::rows::FailureRow;
use crate::store::{Cursor, FailureFilter, Store, StoreError};

/// What somebody wants to replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Payloads, or single records of them.
    pub payloads: Vec<(u64, Option<u32>)>,
    /// Failures of a cause, or by any filter of the failures page.
    pub filter: Option<FailureFilter>,
    /// In words, for the list of jobs.
    pub words: String,
}

/// One record that is to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    pub payload: u64,
    pub record: u32,
    pub object_type: String,
    pub object_id: String,
    pub event_id: String,
    pub fingerprint: u64,
    pub received_ms: i64,
}

/// One that was asked for and does not go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    pub payload: u64,
    pub record: u32,
    /// `healed`, `taken`, `elsewhere`, `in_replay`, `rules_not_kept`, `unknown`
    pub why: String,
    /// The replay that has it, or had it.
    pub replay: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    pub chosen: Vec<Chosen>,
    pub excluded: Vec<Excluded>,
    pub value: Vec<Money>,
    /// More matched than one job takes.
    pub more: bool,
}

const PAGE: u64 = 20_000;

impl Selection {
    pub fn oldest_ms(&self) -> i64 {
        self.chosen.iter().map(|chosen| chosen.received_ms).min().unwrap_or(0)
    }
}

/// Reads what matches now and judges each.
pub async fn select(store: &Store, tenant: &str, wanted: &Wanted, through: &Through) -> Result<Selection, StoreError> {
    let (failures, unknown, more) = candidates(store, tenant, wanted).await?;
    let payloads: Vec<u64> =
        failures.iter().map(|failure| failure.payload).collect::<HashSet<_>>().into_iter().collect();
    let healed = store.healed(tenant, &payloads).await?;
    let taken = match through {
        Through::Pipeline => taken(store, tenant, &failures).await?,
        Through::Target(_) => HashSet::new(),
    };
    let mut selection = Selection { excluded: unknown, more, ..Selection::default() };
    let mut seen: HashSet<(u64, u32)> = HashSet::new();
    for failure in failures {
        let key = (failure.payload, failure.index);
        if !seen.insert(key) {
            continue;
        }
        let mended = healed.iter().find(|h| h.payload == key.0 && (h.record == key.1 || h.record == WHOLE));
        let object = ObjectRef::new(&failure.object_type, &failure.object_id);
        let why = if mended.is_some() {
            "healed"
        } else if *through == Through::Pipeline
            && failure.event_type.starts_with("message.")
            && failure.stage == "deliver"
        {
            "elsewhere"
        } else if taken.contains(&(object, failure.event_id.clone())) {
            "taken"
        } else {
            ""
        };
        if why.is_empty() {
            selection.chosen.push(Chosen {
                payload: failure.payload,
                record: failure.index,
                object_type: failure.object_type,
                object_id: failure.object_id,
                event_id: failure.event_id,
                fingerprint: failure.fingerprint,
                received_ms: failure.received_ms,
            });
        } else {
            let replay = mended.map(|healed| healed.replay.clone()).unwrap_or_default();
            selection.excluded.push(Excluded { payload: key.0, record: key.1, why: why.to_owned(), replay });
        }
    }
    selection.chosen.sort_by_key(|chosen| (chosen.payload, chosen.record));
    selection.value = value(store, tenant, &selection.chosen).await?;
    Ok(selection)
}

/// Failures that match, and what was named but is not there.
async fn candidates(
    store: &Store,
    tenant: &str,
    wanted: &Wanted,
) -> Result<(Vec<FailureRow>, Vec<Excluded>, bool), StoreError> {
    let (mut failures, mut unknown) = (Vec::new(), Vec::new());
    if let Some(mut filter) = wanted.filter.clone() {
        if let Some(group) = filter.group {
            // One that was merged into another is meant as the one that it is part of.
            filter.group = Some(store.failure_rules(tenant).await?.home(group));
        }
        let mut cursor = Cursor::start();
        loop {
            let page = store.failures(tenant, &filter, &cursor, PAGE).await?;
            let last = page.len() < PAGE as usize;
            if let Some(row) = page.last() {
                cursor = Cursor::after_failure(row);
            }
            failures.extend(page);
            if last || failures.len() > MOST_ITEMS {
                break;
            }
        }
    }
    if !wanted.payloads.is_empty() {
        let ids: Vec<u64> = wanted.payloads.iter().map(|(id, _)| *id).collect::<HashSet<_>>().into_iter().collect();
        let found = store.failures_of_payloads(tenant, &ids, MOST_ITEMS as u64 + 1).await?;
        let known: HashSet<u64> = store.payload_sizes(tenant, &ids).await?.into_iter().map(|(id, _)| id).collect();
        for (id, index) in &wanted.payloads {
            let own = found.iter().filter(|f| f.payload == *id && index.is_none_or(|index| f.index == index));
            let before = failures.len();
            failures.extend(own.cloned());
            if failures.len() > before {
                continue;
            }
            let record = index.unwrap_or(WHOLE);
            if known.contains(id) {
                // Nothing of it failed here; it may still be wanted elsewhere.
                failures.push(FailureRow {
                    tenant: tenant.to_owned(),
                    payload: *id,
                    index: record,
                    ..FailureRow::default()
                });
            } else {
                let (why, replay) = ("unknown".to_owned(), String::new());
                unknown.push(Excluded { payload: *id, record, why, replay });
            }
        }
    }
    let more = failures.len() > MOST_ITEMS;
    failures.truncate(MOST_ITEMS);
    Ok((failures, unknown, more))
}

/// Events that came in after all, by whatever way.
async fn taken(
    store: &Store,
    tenant: &str,
    failures: &[FailureRow],
) -> Result<HashSet<(ObjectRef, String)>, StoreError> {
    let named = |f: &&FailureRow| !f.event_id.is_empty() && !f.object_id.is_empty() && f.stage != "deliver";
    let events: Vec<(ObjectRef, String)> = failures
        .iter()
        .filter(named)
        .map(|f| (ObjectRef::new(&f.object_type, &f.object_id), f.event_id.clone()))
        .collect();
    Ok(store.events_taken(tenant, &events).await?.into_iter().collect())
}

/// What the workflows are worth that the records belong to, each workflow once, each currency for itself.
pub(super) async fn value(store: &Store, tenant: &str, chosen: &[Chosen]) -> Result<Vec<Money>, StoreError> {
    let objects: HashSet<ObjectRef> = chosen
        .iter()
        .filter(|chosen| !chosen.object_id.is_empty())
        .map(|chosen| ObjectRef::new(&chosen.object_type, &chosen.object_id))
        .collect();
    let objects: Vec<ObjectRef> = objects.into_iter().collect();
    let mut roots: HashSet<ObjectRef> = objects.iter().cloned().collect();
    for some in objects.chunks(crate::store::replays::AT_ONCE) {
        let rows = store.objects(tenant, some).await?;
        roots.extend(rows.iter().flat_map(|row| &row.workflows).filter_map(|name| ObjectRef::parse(name)));
    }
    let roots: Vec<ObjectRef> = roots.into_iter().collect();
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    for row in store.workflow_values(tenant, &roots).await? {
        if !row.currency.is_empty()
            && let Ok(amount) = Decimal::try_from_i128_with_scale(row.amount, 6)
        {
            *sums.entry(row.currency).or_default() += amount;
        }
    }
    Ok(sums.into_iter().map(|(currency, sum)| Money { value: sum.normalize(), currency }).collect())
}

/// Two jobs with the same are one: what goes, through what, and changed how.
pub fn identity(tenant: &str, chosen: &[Chosen], through: &Through, options: &Options) -> u64 {
    let mut hasher = XxHash64::with_seed(0);
    (tenant, through.to_string(), &options.edit, options.of).hash(&mut hasher);
    serde_json::to_string(&options.steps).unwrap_or_default().hash(&mut hasher);
    for chosen in chosen {
        (chosen.payload, chosen.record).hash(&mut hasher);
    }
    hasher.finish()
}
