//! One job on its way: which item goes next and when, what its outcome means, and when the job is at its end. Outcomes
//! are stored some at a time; what was not stored when the process died is sent again under the same key.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use milepost_ingest::ObjectRef;
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};

use super::bodies::Bodies;
use super::dispatch::{Came, Work};
use super::effects;
use super::job::{self, Job, Through, item, lane, ramp_limit, version};
use super::jobs::Replays;
use super::schedule::Schedule;
use super::target::Target;
use crate::pipeline::By;
use crate::store::StoreError;
use crate::store::replays::{HealedRow, ReplayItemRow};

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

pub struct Run {
    replays: Arc<Replays>,
    job: Arc<Job>,
    work: Arc<Work>,
    /// Positions that may go now, in order.
    ready: VecDeque<usize>,
    /// Positions that go again at a time.
    later: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Of each object, what waits behind the one that is its turn.
    behind: HashMap<ObjectRef, VecDeque<usize>>,
    under_way: JoinSet<(usize, Came)>,
    changed: HashSet<usize>,
    flushing: Option<JoinHandle<Result<(), StoreError>>>,
    flushed: Vec<usize>,
    flush_at: Instant,
    looking: Option<JoinHandle<Result<Vec<u32>, StoreError>>>,
    look_at: Instant,
    time_out_at: Instant,
    /// When the next may go, at a set rate.
    slot: Option<Instant>,
    dirty_row: bool,
}

impl Run {
    pub async fn of(replays: Arc<Replays>, job: Arc<Job>) -> Self {
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
            payloads = items.iter().filter(|i| goes(i)).map(|i| i.payload).collect();
            for (at, item) in items.iter().enumerate() {
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
            ready,
            later,
            behind,
            under_way: JoinSet::new(),
            changed: HashSet::new(),
            flushing: None,
            flushed: Vec::new(),
            flush_at: now,
            looking: None,
            look_at: now,
            time_out_at: now,
            slot: None,
            dirty_row: true,
        }
    }

    pub async fn to_end(mut self) {
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
                Some(done) = self.under_way.join_next() => self.absorb_all(done),
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
            let (count, sent_out, settled) = self.progress();
            room = ramp_limit(count, true, settled).saturating_sub(sent_out);
        }
        while room > 0
            && !self.ready.is_empty()
            && self.under_way.len() < self.at_once()
            && self.changed.len() + self.flushed.len() < MOST_UNSTORED
        {
            if let Some(slot) = self.slot
                && self.job.options.rate > 0
                && slot > Instant::now()
            {
                break;
            }
            let Some(at) = self.ready.pop_front() else { break };
            self.pace();
            room -= 1;
            let item = self.job.items.lock()[at].clone();
            let work = Arc::clone(&self.work);
            self.under_way.spawn(async move { (at, work.attempt(&item).await) });
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

    /// All items, those that are under way or have an outcome, and those that have one.
    fn progress(&self) -> (usize, usize, usize) {
        let items = self.job.items.lock();
        let open = items.iter().filter(|i| matches!(i.state.as_str(), item::WAITING | item::RETRYING)).count();
        let settled = items.len() - open;
        (items.len(), settled + self.under_way.len(), settled)
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

    fn absorb_all(&mut self, first: Result<(usize, Came), tokio::task::JoinError>) {
        self.absorb(first);
        while let Some(done) = self.under_way.try_join_next() {
            self.absorb(done);
        }
    }

    fn absorb(&mut self, done: Result<(usize, Came), tokio::task::JoinError>) {
        let (at, came) = match done {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(%error, "an attempt ended in a fault; the item stays and goes again after a restart");
                return;
            }
        };
        let now_ms = Utc::now().timestamp_millis();
        let target = self.target();
        let mut stop = None;
        let mut freed = None;
        {
            let mut items = self.job.items.lock();
            let item = &mut items[at];
            match came {
                Came::Taken { status, via, trace_id, result, awaits } => {
                    item.attempts += 1;
                    item.state = item::SENT.to_owned();
                    (item.code, item.detail) = (String::new(), String::new());
                    (item.status, item.via, item.trace_id, item.result) = (u32::from(status), via, trace_id, result);
                    item.sent_ms = now_ms;
                    let within = target.as_ref().map(|target| target.effect.as_ref().map(|effect| effect.within));
                    item.due_ms = match within {
                        None => now_ms + APPLIED_WITHIN_MS,
                        Some(Some(within)) => now_ms + i64::try_from(within.as_millis()).unwrap_or(i64::MAX / 2),
                        // Nothing is awaited, so nothing is proven: that it was sent is all there is to say.
                        Some(None) => 0,
                    };
                    item.awaits = serde_json::to_string(&awaits).unwrap_or_default();
                    if item.object_id.is_empty()
                        && let Some((object, _)) = awaits.first()
                    {
                        (item.object_type, item.object_id) = (object.kind.clone(), object.id.clone());
                    }
                    freed = lane(item);
                    self.job.pace.lock().note(now_ms / 1_000);
                }
                Came::Later { no, asked, counts } => {
                    item.attempts += u32::from(counts);
                    (item.code, item.detail) = (no.code.to_owned(), no.detail);
                    item.status = u32::from(no.status);
                    let schedule = target.as_ref().map_or_else(Schedule::default, |target| target.schedule.clone());
                    let wait = if counts {
                        schedule.wait(item.attempts as usize, asked, rand::random())
                    } else {
                        Some(asked.unwrap_or(IDLE))
                    };
                    match wait {
                        Some(wait) => {
                            if counts {
                                item.state = item::RETRYING.to_owned();
                                item.next_ms = now_ms + i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2);
                            }
                            self.later.push(Reverse((Instant::now() + wait, at)));
                            if !counts {
                                // Nothing was tried, so nothing is to be kept.
                                return;
                            }
                        }
                        None => {
                            item.state = item::FAILED.to_owned();
                            item.settled_ms = now_ms;
                        }
                    }
                }
                Came::Never(no) | Came::Gone(no) => {
                    if no.code == "gone" {
                        stop = Some("The target answers 410: it wants nothing of this any more".to_owned());
                    }
                    item.attempts += 1;
                    item.state = item::FAILED.to_owned();
                    (item.code, item.detail) = (no.code.to_owned(), no.detail);
                    item.status = u32::from(no.status);
                    item.settled_ms = now_ms;
                    self.job.pace.lock().note(now_ms / 1_000);
                }
            }
        }
        self.changed.insert(at);
        if let Some(object) = freed
            && let Some(next) = self.behind.get_mut(&object).and_then(VecDeque::pop_front)
        {
            self.ready.push_back(next);
        }
        if let Some(why) = stop.or_else(|| self.too_many_failed()) {
            let mut row = self.job.row.lock();
            if row.state == job::RUNNING {
                job::STOPPED.clone_into(&mut row.state);
                row.note = why;
            }
        }
        self.dirty_row = true;
    }

    fn too_many_failed(&self) -> Option<String> {
        let most = self.job.options.stop_percent as usize;
        if most == 0 {
            return None;
        }
        let items = self.job.items.lock();
        let failed = items.iter().filter(|i| i.state == item::FAILED).count();
        let all = items.iter().filter(|i| !matches!(i.state.as_str(), item::WAITING | item::RETRYING)).count();
        (all >= ENOUGH.min(items.len()) && failed * 100 > most * all)
            .then(|| format!("{failed} of {all} failed, more than the {most} % that this replay allows"))
    }

    /// What waits behind a failed one does not go, and says so.
    fn skip_behind(&mut self) {
        let now_ms = Utc::now().timestamp_millis();
        let mut items = self.job.items.lock();
        for (_, followers) in self.behind.drain() {
            for at in followers {
                let item = &mut items[at];
                item.state = item::SKIPPED.to_owned();
                item.code = "predecessor_failed".to_owned();
                item.detail = "One before it about the same object failed".to_owned();
                item.settled_ms = now_ms;
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
        for (at, item) in items.iter_mut().enumerate() {
            if matches!(item.state.as_str(), item::WAITING | item::RETRYING) {
                item.state = item::CANCELLED.to_owned();
                item.settled_ms = now_ms;
                self.changed.insert(at);
            }
        }
    }

    /// Looks whether effects have shown themselves, beside everything else.
    fn look(&mut self) {
        if self.looking.is_some() || Instant::now() < self.look_at {
            return;
        }
        let sent: Vec<ReplayItemRow> = {
            let items = self.job.items.lock();
            items.iter().filter(|i| i.state == item::SENT && i.due_ms > 0).take(effects::LOOK).cloned().collect()
        };
        self.look_at = Instant::now() + LOOK_EVERY;
        if sent.is_empty() {
            return;
        }
        let (store, tenant) = (self.replays.store.clone(), self.work.tenant.clone());
        if let Some(target) = self.target() {
            self.look_at = Instant::now() + LOOK_FOR_ANSWERS_EVERY;
            let Some(effect) = target.effect.clone() else { return };
            let definitions = self.replays.shelf.of(&tenant);
            self.looking = Some(tokio::spawn(async move {
                effects::answered(&store, &definitions, &tenant, &effect.awaited, &sent).await
            }));
        } else {
            self.looking = Some(tokio::spawn(async move { effects::applied(&store, &tenant, &sent).await }));
        }
    }

    fn looked(&mut self, done: Result<Result<Vec<u32>, StoreError>, tokio::task::JoinError>) {
        self.looking = None;
        let Ok(Ok(positions)) = done else { return };
        let now_ms = Utc::now().timestamp_millis();
        let mut items = self.job.items.lock();
        for position in positions {
            let at = position as usize;
            if let Some(item) = items.get_mut(at).filter(|item| item.state == item::SENT) {
                item.state = item::PROVEN.to_owned();
                item.settled_ms = now_ms;
                self.changed.insert(at);
            }
        }
        self.dirty_row = true;
    }

    /// What was sent and had no effect in time becomes an exception.
    fn time_out(&mut self) {
        if Instant::now() < self.time_out_at {
            return;
        }
        self.time_out_at = Instant::now() + IDLE;
        let now_ms = Utc::now().timestamp_millis();
        let mut silent = Vec::new();
        {
            let mut items = self.job.items.lock();
            for (at, item) in items.iter_mut().enumerate() {
                if item.state == item::SENT && item.due_ms > 0 && item.due_ms <= now_ms {
                    item.state = item::NO_EFFECT.to_owned();
                    item.code = "no_effect".to_owned();
                    item.detail = "It was sent, and nothing of what was awaited came".to_owned();
                    item.settled_ms = now_ms;
                    self.changed.insert(at);
                    silent.extend(lane(item).map(|object| (object, item.payload, item.via.clone())));
                }
            }
        }
        if silent.is_empty() {
            return;
        }
        let (replays, tenant, replay) = (Arc::clone(&self.replays), self.work.tenant.clone(), self.work.replay.clone());
        tokio::spawn(async move {
            let by = By { tenant, source: "rule/replay".to_owned(), key_id: String::new() };
            for (object, payload, via) in silent {
                let data = [("replay", json!(replay)), ("payload", json!(format!("{payload:x}"))), ("via", json!(via))];
                replays.note_on(&by, "replay.without_effect", object, data).await;
            }
        });
    }

    /// Stores what changed, beside everything else.
    fn flush(&mut self) {
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

    fn take_changed(&mut self) -> (Vec<ReplayItemRow>, Vec<HealedRow>) {
        self.flushed = self.changed.drain().collect();
        self.flushed.sort_unstable();
        let version = version();
        let mut items = self.job.items.lock();
        let mut rows = Vec::with_capacity(self.flushed.len());
        let mut healed = Vec::new();
        for at in &self.flushed {
            let item = &mut items[*at];
            item.version = version;
            rows.push(item.clone());
            if item.state == item::PROVEN && item.body.is_empty() {
                healed.push(HealedRow {
                    tenant: item.tenant.clone(),
                    payload: item.payload,
                    record: item.record,
                    fingerprint: item.fingerprint,
                    replay: item.replay.clone(),
                    healed_ms: item.settled_ms,
                });
            }
        }
        (rows, healed)
    }

    fn flushed(&mut self, done: Result<Result<(), StoreError>, tokio::task::JoinError>) {
        self.flushing = None;
        let flushed = std::mem::take(&mut self.flushed);
        match done {
            Ok(Ok(())) => self.replays.published(&self.work.tenant, &self.work.replay),
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
        let awaited = self.job.items.lock().iter().any(|i| i.state == item::SENT && i.due_ms > 0);
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

    /// Waits for what is under way and keeps what it came to; what is not stored goes again after the next start.
    async fn close(mut self) {
        let until = Instant::now() + Duration::from_secs(3);
        while let Ok(Some(done)) =
            tokio::time::timeout(until.saturating_duration_since(Instant::now()), self.under_way.join_next()).await
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
        }
        self.replays.published(&self.work.tenant, &self.work.replay);
    }
}

/// Resolves when the work is done; never when there is none.
async fn finished<T>(work: &mut Option<JoinHandle<T>>) -> Result<T, tokio::task::JoinError> {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}
