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
use crate::store::{FailureFilter, FailureGroup, GroupEffect, GroupFacts, Store, StoreError};

/// Groups of one tenant that are kept; the latest ones.
const MAX_GROUPS: u64 = 10_000;
/// What time alone changes (the last hour, what workflows are worth and how they stand) is looked at so often.
const ANEW: Duration = Duration::from_secs(60);
/// Between two computations at least so long, and so many times what the last one took: failures in floods must not keep
/// the store busy with counting them.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_TIMES: u32 = 8;
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// What hangs on groups is looked at again after this, or when there is a new group: it costs more than counting.
const EFFECTS_ANEW: Duration = Duration::from_secs(20);

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
    /// When what hangs on them was looked at, by tenant.
    weighed: HashMap<String, Instant>,
}

impl Groups {
    pub fn new(store: Store, hub: Hub, stale: Arc<Stale>, shutdown: CancellationToken) -> Self {
        Self { store, hub, stale, shutdown, known: HashMap::new(), weighed: HashMap::new() }
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
            let pause = (started.elapsed() * PAUSE_TIMES).clamp(PAUSE, LONGEST_PAUSE);
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
    async fn compute(&mut self, tenant: &str) -> Result<usize, StoreError> {
        let as_of = Utc::now();
        let rules: Rules = self.store.failure_rules(tenant).await?;
        let facts = self.store.failure_group_facts(tenant, &rules, as_of, MAX_GROUPS).await?;
        let before = self.store.failure_groups(tenant, &FailureFilter::default(), MAX_GROUPS).await?;
        if facts.is_empty() && before.is_empty() {
            return Ok(0);
        }
        let places: Vec<(u64, u32)> = facts.iter().map(|facts| (facts.example_payload, facts.example_index)).collect();
        let examples = self.store.failures_at(tenant, &places).await?;
        let mut examples: HashMap<(u64, u32), _> =
            examples.into_iter().map(|row| ((row.payload, row.index), row)).collect();
        let mut effects = self.effects(tenant, &rules, &facts, &before).await?;
        let as_of_ms = as_of.timestamp_millis();
        let version = u64::try_from(as_of.timestamp_micros()).unwrap_or(0);
        let count = facts.len();
        let mut rows: Vec<FailureGroupRow> = Vec::with_capacity(count);
        for facts in facts {
            let effect = effects.remove(&facts.group_id).unwrap_or_default();
            // Gone since it was counted: the retention took it, and the next time there is another.
            let Some(example) = examples.remove(&(facts.example_payload, facts.example_index)) else { continue };
            rows.push(FailureGroupRow {
                tenant: tenant.to_owned(),
                group_id: facts.group_id,
                fingerprints: facts.fingerprints,
                stage: example.stage,
                code: example.code,
                pointer: example.pointer,
                expected: example.expected,
                found: example.found,
                detail: example.detail,
                step: example.step,
                target: example.target,
                source: example.source,
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
                mended: facts.mended,
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

    /// What hangs on each group, as it was a moment ago where that is good enough.
    async fn effects(
        &mut self,
        tenant: &str,
        rules: &Rules,
        facts: &[GroupFacts],
        before: &[FailureGroup],
    ) -> Result<HashMap<u64, GroupEffect>, StoreError> {
        let known = |facts: &GroupFacts| before.iter().any(|group| group.group_id == facts.group_id);
        let fresh = self.weighed.get(tenant).is_some_and(|at| at.elapsed() < EFFECTS_ANEW);
        if fresh && facts.iter().all(known) {
            let kept = |group: &FailureGroup| GroupEffect {
                group_id: group.group_id,
                orders: group.orders,
                workflows: group.workflows,
                customers: group.customers,
                breached: group.breached,
                at_risk: group.at_risk,
                money: group.money.clone(),
            };
            return Ok(before.iter().map(|group| (group.group_id, kept(group))).collect());
        }
        let effects = self.store.failure_group_effects(tenant, rules).await?;
        self.weighed.insert(tenant.to_owned(), Instant::now());
        Ok(effects.into_iter().map(|effect| (effect.group_id, effect)).collect())
    }
}
