//! Effects that come after the time for them is over, also when their job has ended: the item is proven after all, its
//! record counts as mended, and the job says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::effects::{self, LOOK};
use super::job::{Options, Through, item, version};
use super::jobs::Replays;
use super::run::healed_of;
use crate::store::StoreError;
use crate::store::replays::{ReplayItemRow, ReplayRow};

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The longer one waits already, the seldomer it is looked for.
const SELDOM: Duration = Duration::from_secs(60);
const SELDOMER_BY: i64 = 60;
/// Nothing older is waited for.
const WAITED_FOR_MS: i64 = 7 * 86_400_000;
/// Items without effect that are remembered.
const MOST: u64 = 20_000;

/// Items of one ended job that have shown no effect.
struct Silent {
    items: Vec<ReplayItemRow>,
    look_at: Instant,
}

/// Tenant and id of a job.
type Name = (String, String);

#[derive(Default)]
pub struct Late(BTreeMap<Name, Silent>);

impl Late {
    fn add(&mut self, items: impl IntoIterator<Item = ReplayItemRow>) {
        for item in items.into_iter().filter(|item| item.state == item::NO_EFFECT) {
            let new = || Silent { items: Vec::new(), look_at: Instant::now() };
            self.0.entry((item.tenant.clone(), item.replay.clone())).or_insert_with(new).items.push(item);
        }
    }
}

impl Replays {
    /// A job has ended: what showed no effect is looked after further.
    pub(super) fn look_after(&self, items: &[ReplayItemRow]) {
        self.late.lock().add(items.iter().cloned());
    }

    /// Runs until the stop.
    pub async fn watch_late(self: Arc<Self>) {
        let since = Utc::now().timestamp_millis() - WAITED_FOR_MS;
        let mut known = false;
        while tokio::time::timeout(LOOK_EVERY, self.stop.cancelled()).await.is_err() {
            if !known {
                match self.store.silent_items(since, MOST).await {
                    Ok(items) => {
                        // Those of jobs that go on are looked after by these.
                        let ended = items.into_iter().filter(|item| self.job(&item.tenant, &item.replay).is_none());
                        self.late.lock().add(ended);
                        known = true;
                    }
                    Err(error) => tracing::debug!(%error, "what showed no effect could not be read; trying again"),
                }
            }
            for (name, items) in self.due() {
                if let Err(error) = self.look_late(&name.0, &name.1, items).await {
                    tracing::debug!(%error, "effects could not be looked for; trying again");
                }
            }
        }
    }

    /// What is to be looked at now.
    fn due(&self) -> Vec<(Name, Vec<ReplayItemRow>)> {
        let (now, now_ms) = (Instant::now(), Utc::now().timestamp_millis());
        let mut late = self.late.lock();
        late.0.values_mut().for_each(|one| one.items.retain(|item| now_ms - item.settled_ms < WAITED_FOR_MS));
        late.0.retain(|_, one| !one.items.is_empty());
        let mut due = Vec::new();
        for (name, one) in late.0.iter_mut().filter(|(_, one)| one.look_at <= now) {
            let waits_ms = one.items.iter().map(|item| now_ms - item.settled_ms).min().unwrap_or(0);
            let pause = Duration::from_millis(u64::try_from(waits_ms / SELDOMER_BY).unwrap_or(0));
            one.look_at = now + pause.clamp(LOOK_EVERY, SELDOM);
            due.push((name.clone(), one.items.clone()));
        }
        due
    }

    async fn look_late(&self, tenant: &str, id: &str, items: Vec<ReplayItemRow>) -> Result<(), StoreError> {
        let Some(row) = self.store.replay(tenant, id).await? else { return Ok(()) };
        let mut seen: Vec<u32> = Vec::new();
        for some in items.chunks(LOOK) {
            seen.extend(match Through::parse(&row.through) {
                Some(Through::Target(key)) => {
                    let Some(effect) = self.targets.get(tenant, &key).and_then(|target| target.effect.clone()) else {
                        return Ok(());
                    };
                    effects::answered(&self.store, &self.shelf.of(tenant), tenant, &effect.awaited, some).await?
                }
                _ => effects::applied(&self.store, tenant, some).await?,
            });
        }
        let now_ms = Utc::now().timestamp_millis();
        let mut proven: Vec<ReplayItemRow> = items.into_iter().filter(|item| seen.contains(&item.position)).collect();
        if proven.is_empty() {
            return Ok(());
        }
        let version = version();
        for item in &mut proven {
            effects::prove(item, now_ms);
            item.version = version;
        }
        let row = self.recounted(row, proven.len() as u64).await?;
        self.store.write_healed(&proven.iter().filter_map(healed_of).collect::<Vec<_>>()).await?;
        self.store.write_replay(&row).await?;
        // The last, so that after a crash before it all of this is done again.
        self.store.write_replay_items(&proven).await?;
        if let Some(one) = self.late.lock().0.get_mut(&(tenant.to_owned(), id.to_owned())) {
            one.items.retain(|item| !seen.contains(&item.position));
        }
        let causes = proven.iter().map(|item| item.fingerprint).filter(|cause| *cause != 0).collect();
        self.resolve_groups(tenant, id, causes).await;
        self.healed(tenant);
        let options: Options = serde_json::from_str(&row.options).unwrap_or_default();
        self.tell(tenant, id, &options.about);
        Ok(())
    }

    /// The row with what its items have come to, so many of them late.
    async fn recounted(&self, mut row: ReplayRow, late: u64) -> Result<ReplayRow, StoreError> {
        let outcomes = self.store.replay_outcomes(&row.tenant, &row.id).await?;
        let of = |states: &[&str]| -> u64 {
            outcomes.iter().filter(|o| states.contains(&o.state.as_str())).map(|o| o.count).sum()
        };
        let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        row.proven = count(of(&[item::PROVEN]) + late);
        row.failed = count(of(&[item::FAILED, item::NO_EFFECT]).saturating_sub(late));
        row.version = version();
        Ok(row)
    }
}
