//! One job on its way: which item goes next and when, and when the job is at its end. What an attempt came to, the proof
//! of its effect and the keeping of both have files of their own; what was not stored when the process died is sent again
//! under the same key.

mod keep;
mod outcome;
mod own;
mod proof;

pub use keep::healed_of;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use milepost_ingest::ObjectRef;
use tokio::task::{Id, JoinError, JoinHandle, JoinSet};

use super::bodies::Bodies;
use super::dispatch::{Came, Work};
use super::items::Items;
use super::job::{self, Job, Through, item, lane, ramp_limit};
use super::jobs::Replays;
use super::target::Target;
use crate::store::StoreError;
use crate::store::replays::ReplayItemRow;

/// Under way at the same time through the pipeline; its journal gathers them into one sync.
const PIPELINE_AT_ONCE: usize = 128;
const FLUSH_EVERY: Duration = Duration::from_millis(250);
/// Outcomes that may wait for the store before nothing more is sent.
const MOST_UNSTORED: usize = 4_000;
const LOOK_EVERY: Duration = Duration::from_millis(300);
const LOOK_FOR_ANSWERS_EVERY: Duration = Duration::from_secs(1);
/// How long an event may take to be applied.
const APPLIED_WITHIN_MS: i64 = 5 * 60_000;
/// Outcomes before a share of failures means something.
const ENOUGH: usize = 5;
const IDLE: Duration = Duration::from_millis(500);

/// How an attempt for an item is made.
pub type Attempts = Arc<dyn Fn(Arc<Work>, ReplayItemRow) -> Pin<Box<dyn Future<Output = Came> + Send>> + Send + Sync>;

/// The way that attempts are made when nobody watches what a broken one does.
pub fn attempts() -> Attempts {
    Arc::new(|work, item| Box::pin(async move { work.attempt(&item).await }))
}

pub struct Run {
    replays: Arc<Replays>,
    job: Arc<Job>,
    work: Arc<Work>,
    attempts: Attempts,
    /// Positions that may go now, in order.
    ready: VecDeque<usize>,
    /// Positions that go again at a time.
    later: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Of each object, what waits behind the one that is its turn.
    behind: HashMap<ObjectRef, VecDeque<usize>>,
    under_way: JoinSet<Came>,
    /// Which item a task under way is of: a task that breaks off cannot say it itself.
    tasks: HashMap<Id, usize>,
    changed: HashSet<usize>,
    flushing: Option<JoinHandle<Result<(), StoreError>>>,
    flushed: Vec<usize>,
    flush_at: Instant,
    looking: Option<JoinHandle<Result<Vec<u32>, StoreError>>>,
    look_at: Instant,
    /// Where the last look left off.
    looked_to: (i64, usize),
    late_to: usize,
    time_out_at: Instant,
    /// When the next may go, at a set rate.
    slot: Option<Instant>,
    dirty_row: bool,
}

impl Run {
    pub async fn of(replays: Arc<Replays>, job: Arc<Job>, attempts: Attempts) -> Self {
        let (tenant, id) = {
            let row = job.row.lock();
            (row.tenant.clone(), row.id.clone())
        };
        let edit = match job.options.edit.as_str() {
            "" => None,
            edit => loop {
                match replays.store.payload_edit(&tenant, edit).await {
                    Ok(found) => break found,
                    Err(error) if error.is_passing() && !replays.stop.is_cancelled() => {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    Err(_) => break None,
                }
            },
        };
        let (mut ready, mut later, mut behind) = (VecDeque::new(), BinaryHeap::new(), HashMap::new());
        let payloads: Vec<u64>;
        {
            let items = job.items.lock();
            let now_ms = Utc::now().timestamp_millis();
            let mut busy: HashSet<ObjectRef> = HashSet::new();
            let goes = |item: &ReplayItemRow| matches!(item.state.as_str(), item::WAITING | item::RETRYING);
            payloads = items.rows().iter().filter(|i| goes(i)).map(|i| i.payload).collect();
            for (at, item) in items.rows().iter().enumerate() {
                let lane = lane(item);
                if !goes(item) {
                    if item.state == item::FAILED {
                        busy.extend(lane);
                    }
                    continue;
                }
                match lane {
                    Some(object) if !busy.insert(object.clone()) => {
                        behind.entry(object).or_insert_with(VecDeque::new).push_back(at);
                    }
                    _ if item.next_ms > now_ms => {
                        let wait = Duration::from_millis(u64::try_from(item.next_ms - now_ms).unwrap_or(0));
                        later.push(Reverse((Instant::now() + wait, at)));
                    }
                    _ => ready.push_back(at),
                }
            }
        }
        let bodies = Bodies::new(replays.store.clone(), &tenant, payloads.into_iter());
        let work = Work {
            replays: Arc::clone(&replays),
            tenant,
            replay: id,
            through: job.through.clone(),
            options: job.options.clone(),
            edit,
            bodies,
        };
        let now = Instant::now();
        Self {
            replays,
            job,
            work: Arc::new(work),
            attempts,
            ready,
            later,
            behind,
            under_way: JoinSet::new(),
            tasks: HashMap::new(),
            changed: HashSet::new(),
            flushing: None,
            flushed: Vec::new(),
            flush_at: now,
            looking: None,
            look_at: now,
            looked_to: (0, 0),
            late_to: 0,
            time_out_at: now,
            slot: None,
            dirty_row: true,
        }
    }

    pub async fn finish(mut self) {
        while !self.replays.stop.is_cancelled() {
            match self.job.state().as_str() {
                job::SCHEDULED => self.begin_when_due(),
                job::CANCELLED => self.cancel_rest(),
                job::RUNNING | job::SETTLING => self.send_due(),
                _ => {}
            }
            self.look();
            self.time_out();
            self.flush();
            if self.is_at_end() {
                break;
            }
            let wake = self.wake();
            tokio::select! {
                Some(done) = self.under_way.join_next_with_id() => self.absorb_all(done),
                done = finished(&mut self.flushing) => self.flushed(done),
                done = finished(&mut self.looking) => self.looked(done),
                () = self.job.nudge.notified() => {}
                () = self.replays.stop.cancelled() => {}
                () = tokio::time::sleep(wake) => {}
            }
        }
        self.close().await;
    }

    fn begin_when_due(&mut self) {
        let mut row = self.job.row.lock();
        if row.starts_ms <= Utc::now().timestamp_millis() {
            job::RUNNING.clone_into(&mut row.state);
            self.dirty_row = true;
        }
    }

    /// Sends what may go now.
    fn send_due(&mut self) {
        let now = Instant::now();
        while let Some(Reverse((at, _))) = self.later.peek()
            && *at <= now
        {
            if let Some(Reverse((_, at))) = self.later.pop() {
                self.ready.push_front(at);
            }
        }
        let mut room = usize::MAX;
        if self.job.options.ramp {
            let (count, begun, settled) = self.progress();
            room = ramp_limit(count, true, settled).saturating_sub(begun);
        }
        while let Some(next) = self.ready.front()
            && self.under_way.len() < self.at_once()
            && self.changed.len() + self.flushed.len() < MOST_UNSTORED
        {
            if let Some(slot) = self.slot
                && self.job.options.rate > 0
                && slot > Instant::now()
            {
                break;
            }
            // What goes again had its room when it went first.
            let first = is_new(&self.job.items.lock(), *next);
            if first && room == 0 {
                break;
            }
            let Some(at) = self.ready.pop_front() else { break };
            self.pace();
            room -= usize::from(first);
            let Some(item) = self.job.items.lock().get(at).cloned() else { continue };
            let task = self.under_way.spawn((self.attempts)(Arc::clone(&self.work), item));
            self.tasks.insert(task.id(), at);
        }
    }

    /// Slots stand at even distances, so that a late one does not slow the rate; a long pause is not caught up with.
    fn pace(&mut self) {
        if self.job.options.rate == 0 {
            return;
        }
        let gap = Duration::from_secs(1) / self.job.options.rate;
        let now = Instant::now();
        let from =
            self.slot.filter(|slot| now.saturating_duration_since(*slot) < Duration::from_secs(1)).unwrap_or(now);
        self.slot = Some(from + gap);
    }

    /// All items, those that went out at least once, and those that have come to an end.
    fn progress(&self) -> (usize, usize, usize) {
        let items = self.job.items.lock();
        let settled = items.len() - items.open();
        let first = self.tasks.values().filter(|at| is_new(&items, **at)).count();
        (items.len(), settled + items.count(&[item::RETRYING]) + first, settled)
    }

    fn target(&self) -> Option<Arc<Target>> {
        match &self.job.through {
            Through::Pipeline => None,
            Through::Target(key) => self.replays.targets.get(&self.work.tenant, key),
        }
    }

    fn at_once(&self) -> usize {
        let most = match &self.job.through {
            Through::Pipeline => PIPELINE_AT_ONCE,
            Through::Target(_) => self.target().map_or(1, |target| target.at_once),
        };
        if self.job.options.at_once == 0 { most } else { most.min(self.job.options.at_once) }
    }

    /// What waits behind a failed one does not go, and says so.
    fn skip_behind(&mut self) {
        let now_ms = Utc::now().timestamp_millis();
        let mut items = self.job.items.lock();
        for (_, followers) in self.behind.drain() {
            for at in followers {
                items.change(at, |item| {
                    item.state = item::SKIPPED.to_owned();
                    item.code = "predecessor_failed".to_owned();
                    item.detail = "One before it about the same object failed".to_owned();
                    item.settled_ms = now_ms;
                });
                self.changed.insert(at);
            }
        }
    }

    fn cancel_rest(&mut self) {
        self.ready.clear();
        self.later.clear();
        self.behind.clear();
        if !self.under_way.is_empty() {
            return;
        }
        let now_ms = Utc::now().timestamp_millis();
        let mut items = self.job.items.lock();
        if items.open() == 0 {
            return;
        }
        let open = |item: &ReplayItemRow| matches!(item.state.as_str(), item::WAITING | item::RETRYING);
        let places: Vec<usize> = items.rows().iter().enumerate().filter(|(_, i)| open(i)).map(|(at, _)| at).collect();
        for at in places {
            items.change(at, |item| {
                item.state = item::CANCELLED.to_owned();
                item.settled_ms = now_ms;
            });
            self.changed.insert(at);
        }
    }

    /// True when nothing is left to do and everything is stored.
    fn is_at_end(&mut self) -> bool {
        if !self.under_way.is_empty() || !self.ready.is_empty() || !self.later.is_empty() {
            return false;
        }
        let state = self.job.state();
        if matches!(state.as_str(), job::PAUSED | job::STOPPED | job::SCHEDULED) {
            return false;
        }
        self.skip_behind();
        let awaited = self.job.items.lock().awaits_effects();
        {
            let mut row = self.job.row.lock();
            // Said only when every outcome is stored: who hears it may ask the store.
            let stored = self.changed.is_empty() && self.flushing.is_none();
            if !awaited && stored && row.finished_ms == 0 {
                row.finished_ms = Utc::now().timestamp_millis();
                if row.state != job::CANCELLED {
                    job::FINISHED.clone_into(&mut row.state);
                }
                self.dirty_row = true;
            } else if row.state == job::RUNNING {
                job::SETTLING.clone_into(&mut row.state);
                self.dirty_row = true;
            }
        }
        !awaited
            && self.changed.is_empty()
            && !self.dirty_row
            && self.flushing.is_none()
            && job::is_over(&self.job.state())
    }

    fn wake(&self) -> Duration {
        let now = Instant::now();
        let mut wake = IDLE;
        let mut by = |at: Instant| wake = wake.min(at.saturating_duration_since(now));
        if !self.changed.is_empty() || self.dirty_row {
            by(self.flush_at);
        }
        if let Some(Reverse((at, _))) = self.later.peek() {
            by(*at);
        }
        if self.looking.is_none() {
            by(self.look_at);
        }
        if let Some(slot) = self.slot.filter(|_| !self.ready.is_empty()) {
            by(slot);
        }
        wake.max(Duration::from_millis(1))
    }
}

/// Nothing was tried for it yet, or what is under way is the first.
fn is_new(items: &Items, at: usize) -> bool {
    items.get(at).is_some_and(|item| item.state == item::WAITING)
}

#[cfg(test)]
mod tests;

/// Resolves when the work is done; never when there is none.
async fn finished<T>(work: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}
