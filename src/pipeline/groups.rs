//! Keeps the snapshots of failure groups: after failures came or people acted on a group, what the lists show is computed
//! anew from the failures and the workflows themselves. So nothing is counted twice, whatever was repeated on the way.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::failures::Rules;
use crate::live::{Change, Hub};
use crate::store::rows::{Batch, FailureGroupRow};
use crate::store::{FailureFilter, Store, StoreError};

/// Groups of one tenant that are kept; the latest ones.
const MAX_GROUPS: u64 = 10_000;
/// What time alone changes (the last hour, what workflows are worth and how they stand) is looked at so often.
const ANEW: Duration = Duration::from_secs(60);
/// Between two computations at least so long, and so many times what the last one took: failures in floods must not keep
/// the store busy with counting them.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_TIMES: u32 = 8;

/// Tenants whose groups have changed.
#[derive(Default)]
pub struct Stale {
    tenants: Mutex<BTreeSet<String>>,
    woken: Notify,
}

impl Stale {
    pub fn mark(&self, tenant: &str) {
        let mut tenants = self.tenants.lock();
        if !tenants.contains(tenant) {
            tenants.insert(tenant.to_owned());
            self.woken.notify_one();
        }
    }

    fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.tenants.lock())
    }
}

pub struct Groups {
    store: Store,
    hub: Hub,
    stale: Arc<Stale>,
    shutdown: CancellationToken,
    /// When each tenant with groups was computed last.
    known: HashMap<String, Instant>,
}

impl Groups {
    pub fn new(store: Store, hub: Hub, stale: Arc<Stale>, shutdown: CancellationToken) -> Self {
        Self { store, hub, stale, shutdown, known: HashMap::new() }
    }

    /// Runs until the shutdown.
    pub async fn run(mut self) {
        let mut begun = false;
        while !self.shutdown.is_cancelled() {
            if !begun {
                // What failed before the start is looked at once.
                match self.store.tenants().await {
                    Ok(tenants) => {
                        tenants.iter().for_each(|tenant| self.stale.mark(tenant));
                        begun = true;
                    }
                    Err(error) => tracing::debug!(%error, "tenants could not be read; trying again"),
                }
            }
            let started = Instant::now();
            for tenant in self.due() {
                if self.shutdown.is_cancelled() {
                    return;
                }
                match self.compute(&tenant).await {
                    Ok(groups) if groups > 0 => drop(self.known.insert(tenant, Instant::now())),
                    Ok(_) => drop(self.known.remove(&tenant)),
                    Err(error) => {
                        tracing::debug!(%error, "groups of failures could not be computed; trying again");
                        self.stale.mark(&tenant);
                    }
                }
            }
            let pause = (started.elapsed() * PAUSE_TIMES).max(PAUSE);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.shutdown.cancelled() => return,
            }
            tokio::select! {
                () = self.stale.woken.notified() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = self.shutdown.cancelled() => return,
            }
        }
    }

    fn due(&self) -> BTreeSet<String> {
        let mut due = self.stale.take();
        due.extend(self.known.iter().filter(|(_, at)| at.elapsed() >= ANEW).map(|(tenant, _)| tenant.clone()));
        due
    }

    /// Writes new snapshots of one tenant's groups; gives their number.
    async fn compute(&self, tenant: &str) -> Result<usize, StoreError> {
        let as_of = Utc::now();
        let rules: Rules = self.store.failure_rules(tenant).await?;
        let facts = self.store.failure_group_facts(tenant, &rules, as_of, MAX_GROUPS).await?;
        let before = self.store.failure_groups(tenant, &FailureFilter::default(), MAX_GROUPS).await?;
        if facts.is_empty() && before.is_empty() {
            return Ok(0);
        }
        let effects = self.store.failure_group_effects(tenant, &rules).await?;
        let mut effects: HashMap<u64, _> = effects.into_iter().map(|effect| (effect.group_id, effect)).collect();
        let as_of_ms = as_of.timestamp_millis();
        let version = u64::try_from(as_of.timestamp_micros()).unwrap_or(0);
        let count = facts.len();
        let mut rows: Vec<FailureGroupRow> = Vec::with_capacity(count);
        for facts in facts {
            let effect = effects.remove(&facts.group_id).unwrap_or_default();
            rows.push(FailureGroupRow {
                tenant: tenant.to_owned(),
                group_id: facts.group_id,
                fingerprints: facts.fingerprints,
                stage: facts.stage,
                code: facts.code,
                pointer: facts.pointer,
                expected: facts.expected,
                found: facts.found,
                detail: facts.detail,
                step: facts.step,
                target: facts.target,
                source: facts.source,
                sources: facts.sources,
                event_types: facts.event_types,
                count: facts.count,
                last_hour: facts.last_hour,
                hours: facts.hours,
                objects: facts.objects,
                orders: effect.orders,
                workflows: effect.workflows,
                customers: effect.customers,
                breached: effect.breached,
                at_risk: effect.at_risk,
                money: effect.money,
                example_payload: facts.example_payload,
                example_index: facts.example_index,
                first_ms: facts.first_ms,
                last_ms: facts.last_ms,
                as_of_ms,
                version,
            });
        }
        // A group that was merged into another, or whose failures are all gone, is written once more as empty.
        let gone = before.iter().filter(|group| rows.iter().all(|row| row.group_id != group.group_id));
        let gone: Vec<FailureGroupRow> = gone
            .map(|group| FailureGroupRow {
                tenant: tenant.to_owned(),
                group_id: group.group_id,
                as_of_ms,
                version,
                ..FailureGroupRow::default()
            })
            .collect();
        rows.extend(gone);
        let token = format!("groups-{tenant}-{version}");
        self.store.write(&Batch { token, failure_groups: rows, ..Batch::default() }).await?;
        self.hub.publish(Change {
            tenant: tenant.to_owned(),
            topics: vec!["failures".to_owned()],
            ..Change::default()
        });
        Ok(count)
    }
}
