//! Keeps outcomes in the store, some at a time, and closes a job when it ends or the server stops.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use milepost_ingest::ObjectRef;
use serde_json::json;
use tokio::task::JoinError;

use super::{FLUSH_EVERY, Run};
use crate::domain::failures::{GROUP, group_name};
use crate::pipeline::By;
use crate::replay::job::{self, item, version};
use crate::replay::jobs::Replays;
use crate::store::StoreError;
use crate::store::replays::{HealedRow, ReplayItemRow};

impl Run {
    /// Stores what changed, beside everything else.
    pub(super) fn flush(&mut self) {
        if self.flushing.is_some() || (self.changed.is_empty() && !self.dirty_row) || Instant::now() < self.flush_at {
            return;
        }
        self.flush_at = Instant::now() + FLUSH_EVERY;
        let (items, healed) = self.take_changed();
        let row = self.job.stamp();
        self.dirty_row = false;
        let store = self.replays.store.clone();
        self.flushing = Some(tokio::spawn(async move {
            store.write_replay_items(&items).await?;
            store.write_healed(&healed).await?;
            store.write_replay(&row).await
        }));
    }

    /// After the way broke off: what items came to may not be in the store yet, and nobody knows any more of which.
    pub(in crate::replay) fn keep_again(&mut self) {
        let items = self.job.items.lock();
        let begun = |item: &ReplayItemRow| item.state != item::WAITING;
        self.changed.extend(items.rows().iter().enumerate().filter(|(_, item)| begun(item)).map(|(at, _)| at));
    }

    fn take_changed(&mut self) -> (Vec<ReplayItemRow>, Vec<HealedRow>) {
        self.flushed = self.changed.drain().collect();
        self.flushed.sort_unstable();
        let version = version();
        let mut items = self.job.items.lock();
        let mut rows = Vec::with_capacity(self.flushed.len());
        let mut healed = Vec::new();
        for at in &self.flushed {
            items.change(*at, |item| item.version = version);
            let Some(item) = items.get(*at) else { continue };
            rows.push(item.clone());
            healed.extend(healed_of(item));
        }
        (rows, healed)
    }

    pub(super) fn flushed(&mut self, done: Result<Result<(), StoreError>, JoinError>) {
        self.flushing = None;
        let flushed = std::mem::take(&mut self.flushed);
        match done {
            Ok(Ok(())) => {
                let items = self.job.items.lock();
                if flushed.iter().filter_map(|at| items.get(*at)).any(|item| item.state == item::PROVEN) {
                    self.replays.healed(&self.work.tenant);
                }
                drop(items);
                self.replays.published(&self.job);
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "outcomes of a replay could not be stored; trying again");
                self.changed.extend(flushed);
                self.dirty_row = true;
                self.flush_at = Instant::now() + Duration::from_secs(1);
            }
            Err(error) => {
                tracing::error!(%error, "outcomes of a replay could not be stored");
                self.changed.extend(flushed);
                self.dirty_row = true;
            }
        }
    }

    /// Waits for what is under way and keeps what it came to; what is not stored goes again after the next start.
    pub(super) async fn close(mut self) {
        let until = Instant::now() + Duration::from_secs(3);
        while let Ok(Some(done)) =
            tokio::time::timeout(until.saturating_duration_since(Instant::now()), self.under_way.join_next_with_id())
                .await
        {
            self.absorb(done);
        }
        if let Some(flushing) = self.flushing.take() {
            let done = flushing.await;
            self.flushed(done);
        }
        if !self.changed.is_empty() || self.dirty_row {
            let (items, healed) = self.take_changed();
            let store = &self.replays.store;
            let row = self.job.stamp();
            let kept = async {
                store.write_replay_items(&items).await?;
                store.write_healed(&healed).await?;
                store.write_replay(&row).await
            };
            if let Err(error) = kept.await {
                tracing::warn!(%error, "the last outcomes of a replay are not stored; their items go again");
            }
        }
        if job::is_over(&self.job.state()) {
            self.replays.retire(&self.job);
            self.replays.look_after(self.job.items.lock().rows());
            let mended: HashSet<u64> = {
                let items = self.job.items.lock();
                let proven = items.rows().iter().filter(|item| item.state == item::PROVEN && item.fingerprint != 0);
                proven.map(|item| item.fingerprint).collect()
            };
            self.replays.healed(&self.work.tenant);
            self.replays.resolve_groups(&self.work.tenant, &self.work.replay, mended).await;
        }
        self.replays.published(&self.job);
    }
}

/// The record that a proven item has mended.
pub fn healed_of(item: &ReplayItemRow) -> Option<HealedRow> {
    (item.state == item::PROVEN && item.body.is_empty()).then(|| HealedRow {
        tenant: item.tenant.clone(),
        payload: item.payload,
        record: item.record,
        fingerprint: item.fingerprint,
        replay: item.replay.clone(),
        healed_ms: item.settled_ms,
    })
}

impl Replays {
    /// A group of which nothing is left is resolved, and opens again by itself when it fails again.
    pub(in crate::replay) async fn resolve_groups(&self, tenant: &str, replay: &str, mended: HashSet<u64>) {
        let mended: Vec<u64> = mended.into_iter().collect();
        let groups = match self.store.mended_groups(tenant, &mended).await {
            Ok(groups) => groups,
            Err(error) => {
                tracing::warn!(%error, "which groups a replay has mended could not be read");
                return;
            }
        };
        let by = By { tenant: tenant.to_owned(), source: "rule/replay".to_owned(), key_id: String::new() };
        for (group, count) in groups {
            let reason = match count {
                1 => format!("Replay {replay} mended the one record of it"),
                count => format!("Replays mended all {count} records of it, the last by {replay}"),
            };
            let object = ObjectRef::new(GROUP, group_name(group));
            let data = [("reason", json!(reason)), ("replay", json!(replay))];
            self.note_on(&by, "failure_group.resolved", object, data).await;
        }
    }
}
