//! The one thread that turns the journal into state: takes records in order, folds them, stores, publishes, and moves
//! the checkpoint. When the store is away it waits and tries again; the doors go on.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use tokio::runtime::Handle;
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

use super::Settings;
use super::batch::{Facts, Filling};
use super::checkpoint::Checkpoint;
use super::intake::Gate;
use super::memory;
use super::raised::Gone;
use super::state::{Cause, Changes, Memory, Objects, State, Touched};
use crate::domain::Shelf;
use crate::domain::dependency::{CALLS_AS_USUAL, ENOUGH_CALLS, NOT_CALLED};
use crate::domain::failures::parse_group;
use crate::live::{Change, EventLine, Freshness, Hub};
use crate::store::rows::{Batch, ExceptionRow};
use crate::store::{Store, StoreError};

pub struct Pipeline {
    pub gate: Arc<Gate>,
    pub store: Store,
    pub hub: Hub,
    pub shelf: Arc<Shelf>,
    pub outlook: Arc<super::Outlook>,
    pub settings: Settings,
    pub checkpoint: Checkpoint,
    pub status: Arc<super::Status>,
    /// Told of tenants whose groups of failures are to be computed anew.
    pub stale: Arc<super::Stale>,
    /// What was found above workflows.
    pub observed: Arc<super::Observed>,
    pub shutdown: CancellationToken,
}

/// Workflows that are derived anew at a time when their clocks run out together.
const CLOCKS_A_TICK: usize = 10_000;
/// Workflows that are judged anew at a time, beside what comes in.
const DOUBTS_A_TURN: usize = 1_000;
/// Parts of what is open that are taken in at a time, beside what comes in.
const PARTS_A_TURN: usize = 20;

/// What is left to do beside what comes in.
struct Chores {
    /// What is open and comes into memory; None when all of it did.
    memory: Option<Receiver<Memory>>,
    /// Workflows that are to be judged anew, by tenant, and why.
    doubts: Vec<(String, Vec<ObjectRef>)>,
    cause: Cause,
}

impl Pipeline {
    /// Runs until the shutdown token is cancelled and everything journalled before is stored (if the store answers).
    /// Blocks its thread.
    pub fn run(mut self, runtime: &Handle) {
        let _inside = runtime.enter();
        let Some(mut state) = self.load(runtime) else { return };
        self.status.loaded.store(true, Ordering::Release);
        let after = Duration::from_millis(self.settings.memory_after_ms);
        let memory = Some(memory::read(self.store.clone(), after));
        let mut chores = Chores { memory, doubts: Vec::new(), cause: Cause::Doubt };
        let mut durable = self.gate.journal.durable();
        loop {
            let next = self.checkpoint.position().next;
            let closing = self.shutdown.is_cancelled();
            let behind = *durable.borrow_and_update() > next;
            if !behind && closing {
                break;
            }
            if behind {
                if !closing {
                    self.gather(runtime, next);
                }
                if !self.step(runtime, &mut state) {
                    break;
                }
            } else if chores.doubts.is_empty() {
                let wake = state.next_wake().map_or(Duration::from_secs(1), |at| until(at).min(Duration::from_secs(1)));
                let came = runtime.block_on(async {
                    tokio::select! {
                        _ = durable.changed() => None,
                        part = next_part(&mut chores.memory) => part,
                        () = tokio::time::sleep(wake) => None,
                        () = self.shutdown.cancelled() => None,
                    }
                });
                if let Some(part) = came {
                    chores.remember(&mut state, part);
                }
            }
            if state.take_book(self.shelf.book()) {
                self.status.remembered.store(false, Ordering::Release);
                chores.cause = Cause::Rules;
                chores.doubts = state.all_roots();
            }
            self.tick(runtime, &mut state);
            self.do_chores(runtime, &mut state, &mut chores);
            self.report(&state);
        }
        self.report(&state);
    }

    /// Gives a batch the time to fill, unless enough is there already.
    fn gather(&self, runtime: &Handle, next: u64) {
        let pause = Duration::from_millis(self.settings.flush_ms);
        let started = Instant::now();
        while started.elapsed() < pause
            && self.gate.behind_bytes.load(Ordering::Relaxed) < self.settings.flush_bytes
            && !self.gate.hurry.load(Ordering::Acquire)
            && !self.shutdown.is_cancelled()
            && *self.gate.journal.durable().borrow() < next + self.settings.flush_records
        {
            runtime.block_on(tokio::time::sleep(Duration::from_millis(20).min(pause)));
        }
    }

    /// One batch. False when the shutdown came while the store was away.
    fn step(&mut self, runtime: &Handle, state: &mut State) -> bool {
        self.gate.hurry.store(false, Ordering::Release);
        let position = self.checkpoint.position();
        let (filling, end) = self.fill(position.next, position.planned);
        if end == position.next {
            return true;
        }
        if position.planned.is_none()
            && let Err(error) = self.checkpoint.plan(end)
        {
            tracing::error!(%error, "the checkpoint cannot be written; trying again");
            runtime.block_on(tokio::time::sleep(Duration::from_secs(1)));
            return !self.shutdown.is_cancelled();
        }
        let (bytes, received_ms) = (filling.bytes, filling.received_ms);
        let (rows, facts) = filling.finish(position.next, end);
        let Some(touched) = self.fold(runtime, state, facts) else { return false };
        let now = Utc::now();
        let mut snapshots =
            Batch { token: format!("{}-{end}-{}", position.next, now.timestamp_micros()), ..Batch::default() };
        for (tenant, touched) in &touched {
            let Some(changes) = self.refresh(runtime, state, tenant, touched, now) else { return false };
            self.lay_in(runtime, tenant, changes, &mut snapshots);
        }
        if !self.write(runtime, &rows) || !self.write(runtime, &snapshots) {
            return false;
        }
        self.publish(&rows, &snapshots);
        while let Err(error) = self.checkpoint.advance(end) {
            tracing::error!(%error, "the checkpoint cannot be moved; trying again");
            runtime.block_on(tokio::time::sleep(Duration::from_secs(1)));
            if self.shutdown.is_cancelled() {
                return false;
            }
        }
        self.gate.stored.send_replace(end);
        state.evict(self.settings.resident_objects);
        self.gate.behind_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.status.stored_ms.store(received_ms, Ordering::Relaxed);
        self.status.stored_events.fetch_add(rows.events.len() as u64, Ordering::Relaxed);
        if let Err(error) = self.gate.journal.release(end) {
            tracing::warn!(%error, "old journal segments could not be removed");
        }
        true
    }

    /// Records from `first` on, up to the limits of a batch, or exactly up to `planned`.
    fn fill(&self, first: u64, planned: Option<u64>) -> (Filling, u64) {
        let mut filling = Filling::default();
        let mut next = first;
        let durable = *self.gate.journal.durable().borrow();
        let end = planned.unwrap_or(durable).min(durable);
        while next < end && (planned.is_some() || self.has_room(&filling)) {
            if let Some(read) = self.gate.recent.take(next) {
                filling.add(next, read);
                next += 1;
                continue;
            }
            match self.gate.journal.read(next, 4 << 20) {
                Ok(records) if records.is_empty() => next = end,
                Ok(records) => {
                    for (offset, bytes) in records.into_iter().take_while(|(o, _)| *o < end) {
                        if planned.is_none() && !self.has_room(&filling) {
                            break;
                        }
                        // A gap is damage that the journal has reported.
                        next = offset + 1;
                        if let Some(read) = self.gate.reread(bytes) {
                            filling.add(offset, read);
                        }
                    }
                }
                Err(error) => {
                    tracing::error!(%error, next, "the journal cannot be read");
                    break;
                }
            }
        }
        (filling, next)
    }

    fn has_room(&self, filling: &Filling) -> bool {
        filling.len() < self.settings.flush_rows && filling.bytes < self.settings.flush_bytes
    }

    /// Adds facts to state, reading back first what is in the store only. Gives the objects that they touch. None when
    /// the shutdown came meanwhile.
    fn fold(&self, runtime: &Handle, state: &mut State, facts: Facts) -> Option<BTreeMap<Arc<str>, Touched>> {
        let mut touched: BTreeMap<Arc<str>, Touched> = BTreeMap::new();
        for (tenant, object, fact) in &facts {
            let touched = touched.entry(Arc::clone(tenant)).or_default();
            if !touched.spoken.contains(object) {
                touched.spoken.insert(object.clone());
            }
            for object in fact.refs.iter().filter(|o| !touched.named.contains(o)).collect::<Vec<_>>() {
                touched.named.insert(object.clone());
            }
        }
        let mut beside: BTreeMap<Arc<str>, Objects> = BTreeMap::new();
        for (tenant, object) in besides(&facts) {
            beside.entry(tenant).or_default().insert(object);
        }
        for (tenant, touched) in &touched {
            self.bring_back(runtime, state, tenant, &touched.spoken, &touched.named)?;
            self.read_back(runtime, state, tenant, beside.remove(tenant).unwrap_or_default().into_iter())?;
        }
        for (tenant, object, fact) in facts {
            state.add(&tenant, &object, fact);
        }
        Some(touched)
    }

    /// What a batch changes. None when the shutdown came meanwhile.
    fn refresh(
        &self,
        runtime: &Handle,
        state: &mut State,
        tenant: &str,
        touched: &Touched,
        now: DateTime<Utc>,
    ) -> Option<Changes> {
        let mut reach = state.reach(tenant, touched);
        loop {
            let missing = state.missing_of(tenant, &reach);
            if missing.is_empty() {
                return Some(state.refresh(tenant, reach, now));
            }
            self.bring_back(runtime, state, tenant, &Objects::default(), &missing)?;
            state.widen(tenant, &mut reach);
        }
    }

    fn tick(&self, runtime: &Handle, state: &mut State) {
        let now = Utc::now();
        let mut changes: Vec<(String, Changes)> = Vec::new();
        for (tenant, found) in self.observed.take() {
            // What people did about these may be in the store only.
            let objects = found.iter().map(|watched| watched.exception.object.clone());
            let Some(_) = self.read_back(runtime, state, &tenant, objects) else { return };
            let changed = state.watch(&tenant, found, now);
            changes.push((tenant, changed));
        }
        for (tenant, roots) in state.due(now, CLOCKS_A_TICK) {
            let Some(()) = self.make_whole(runtime, state, &tenant, roots.iter().cloned().collect()) else { return };
            let changed = state.judge(&tenant, &roots, now, Cause::Due);
            changes.push((tenant, changed));
        }
        // In one go: a second batch of the same moment would bear the same token, and be taken for a repetition.
        self.store_snapshots(runtime, changes, ("clock", now));
    }

    /// Goes on with what is left to do, a little at a time.
    fn do_chores(&self, runtime: &Handle, state: &mut State, chores: &mut Chores) {
        for _ in 0..PARTS_A_TURN {
            let Some(part) = chores.memory.as_mut().and_then(|parts| parts.try_recv().ok()) else { break };
            chores.remember(state, part);
        }
        if let Some((tenant, roots)) = chores.doubts.last_mut() {
            let now = Utc::now();
            let roots = roots.split_off(roots.len().saturating_sub(DOUBTS_A_TURN));
            let changes = vec![(tenant.clone(), state.judge(tenant, &roots, now, chores.cause))];
            self.store_snapshots(runtime, changes, ("judged", now));
            chores.doubts.retain(|(_, roots)| !roots.is_empty());
        }
        if chores.doubts.is_empty() && chores.memory.is_none() && !self.status.remembered.load(Ordering::Relaxed) {
            chores.cause = Cause::Doubt;
            self.status.remembered.store(true, Ordering::Release);
            tracing::info!(objects = state.objects(), "everything open is in memory and judged anew");
        }
    }

    fn store_snapshots(&self, runtime: &Handle, changes: Vec<(String, Changes)>, why: (&str, DateTime<Utc>)) {
        let token = format!("{}-{}", why.0, why.1.timestamp_micros());
        let mut snapshots = Batch { token, ..Batch::default() };
        for (tenant, changes) in changes {
            self.lay_in(runtime, &tenant, changes, &mut snapshots);
        }
        if snapshots.has_nothing_derived() {
            return;
        }
        if self.write(runtime, &snapshots) {
            self.publish(&Batch::default(), &snapshots);
        }
    }

    /// Adds what changed of one tenant to a batch.
    fn lay_in(&self, runtime: &Handle, tenant: &str, changes: Changes, snapshots: &mut Batch) {
        self.close(runtime, tenant, changes.gone, snapshots);
        snapshots.objects.extend(changes.objects);
        snapshots.workflows.extend(changes.workflows);
        snapshots.slas.extend(changes.slas);
        snapshots.paths.extend(changes.paths);
        snapshots.exceptions.extend(changes.exceptions);
        snapshots.readiness.extend(changes.readiness);
        snapshots.reconciliation.extend(changes.reconciliation);
    }

    /// Ends exceptions that no rule tells of any more. Their rows are in the store only.
    fn close(&self, runtime: &Handle, tenant: &str, gone: Vec<Gone>, snapshots: &mut Batch) {
        if gone.is_empty() {
            return;
        }
        let ids: Vec<String> = gone.iter().map(|g| g.id.clone()).collect();
        let version = u64::try_from(Utc::now().timestamp_micros()).unwrap_or(0);
        let rows = self.retry(runtime, "read exceptions", || self.store.exceptions_named(tenant, &ids));
        for row in rows.unwrap_or_default() {
            let version = version.max(row.version + 1);
            if let Some(gone) = gone.iter().find(|g| g.id == row.id).filter(|_| !row.closed) {
                let gone = self.ended(runtime, tenant, &row).unwrap_or_else(|| gone.clone());
                snapshots.exceptions.push(gone.close(row, version));
            }
        }
    }

    /// What ended an exception of which only the store can tell: the event by which a silent source was heard again or
    /// a refused one was understood, and how it stands with the calls of a dependency.
    fn ended(&self, runtime: &Handle, tenant: &str, row: &ExceptionRow) -> Option<Gone> {
        let source = row.object_id.as_str();
        let word = match row.kind.as_str() {
            "source_silent" => {
                self.retry(runtime, "read events", || self.store.first_word(tenant, source, row.since_ms))??
            }
            "contract_violation" => {
                let group = parse_group(&row.object_id)?;
                self.retry(runtime, "read events", || self.store.first_good(tenant, group))??
            }
            "dependency_degraded" => {
                let at_ms = Utc::now().timestamp_millis();
                let ask = || self.store.dependency_bands(tenant, ENOUGH_CALLS, at_ms);
                let bands = self.retry(runtime, "read calls", ask)?;
                let called = bands.iter().any(|b| b.dependency == row.object_id && b.hour_calls >= ENOUGH_CALLS);
                let kind = if called { CALLS_AS_USUAL } else { NOT_CALLED };
                return Some(Gone { id: row.id.clone(), at_ms, by: String::new(), kind: kind.to_owned() });
            }
            _ => return None,
        };
        let by = format!("{} {}", word.source, word.event_id);
        Some(Gone { id: row.id.clone(), at_ms: word.received_ms, by, kind: word.event_type })
    }

    /// Writes until it is written. False when the shutdown came first.
    fn write(&self, runtime: &Handle, batch: &Batch) -> bool {
        self.retry(runtime, "store a batch", || self.store.write(batch)).is_some()
    }

    pub(super) fn retry<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
        &self,
        runtime: &Handle,
        what: &str,
        mut once: impl FnMut() -> F,
    ) -> Option<T> {
        let mut wait_ms = 100;
        loop {
            match runtime.block_on(once()) {
                Ok(value) => {
                    self.status.store_up.store(true, Ordering::Relaxed);
                    return Some(value);
                }
                Err(error) => {
                    if self.status.store_up.swap(false, Ordering::Relaxed) {
                        tracing::warn!(%error, what, "the store does not answer; the journal keeps everything meanwhile");
                    }
                    self.beat();
                    runtime.block_on(async {
                        tokio::select! {
                            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
                            () = self.shutdown.cancelled() => {}
                        }
                    });
                    if self.shutdown.is_cancelled() {
                        return None;
                    }
                    wait_ms = (wait_ms * 2).min(2_000);
                }
            }
        }
    }

    /// Loads what must be known before anything is taken in: the ids taken before, which objects there are, and when time
    /// changes which workflow. What is open comes later; so do the lists, which the store answers meanwhile.
    fn load(&mut self, runtime: &Handle) -> Option<State> {
        self.retry(runtime, "migrate", || self.store.migrate())?;
        let version = self.retry(runtime, "read the newest version", || self.store.max_version())?;
        let mut state = State::new(self.shelf.book(), version).with_outlook(Arc::clone(&self.outlook));
        let ids = self.retry(runtime, "read recent ids", || self.store.recent_ids(self.settings.dedup_ids as u64))?;
        self.gate.remember(
            ids.into_iter().map(|row| (super::seen::key(&row.tenant, &row.source, &row.event_id), row.content)),
        );
        while let Err(error) = runtime.block_on(read_names(&self.store, &mut state)) {
            tracing::warn!(%error, "what there is could not be read; trying again");
            self.retry(runtime, "answer", || self.store.ping())?;
        }
        runtime.spawn(keep_open(self.store.clone()));
        tracing::info!(workflows = state.clocks(), "the clocks run");
        Some(state)
    }

    fn publish(&self, rows: &Batch, snapshots: &Batch) {
        let mut changes: BTreeMap<&str, Change> = BTreeMap::new();
        for row in &snapshots.workflows {
            let change = of(&mut changes, &row.tenant);
            change.topics.push("workflows".to_owned());
            change.topics.push(format!("w:{}/{}", row.root_type, row.root_id));
        }
        for row in &snapshots.slas {
            of(&mut changes, &row.tenant).topics.push("slas".to_owned());
        }
        for row in &snapshots.objects {
            let change = of(&mut changes, &row.tenant);
            change.topics.push("held".to_owned());
            change.topics.push(format!("o:{}/{}", row.object_type, row.object_id));
        }
        for row in &snapshots.exceptions {
            let change = of(&mut changes, &row.tenant);
            change.topics.push("exceptions".to_owned());
            change.topics.push(format!("x:{}", row.id));
        }
        for row in &snapshots.readiness {
            of(&mut changes, &row.tenant).topics.push("readiness".to_owned());
        }
        for row in &rows.failures {
            self.stale.mark(&row.tenant);
        }
        for row in &rows.source_minutes {
            of(&mut changes, &row.tenant).topics.push("sources".to_owned());
        }
        for row in &rows.events {
            if row.object_type == crate::domain::failures::GROUP {
                self.stale.mark(&row.tenant);
            }
            of(&mut changes, &row.tenant).events.push(EventLine {
                id: row.event_id.clone(),
                kind: row.event_type.clone(),
                source: row.source.clone(),
                system: row.system.clone(),
                object: format!("{}/{}", row.object_type, row.object_id),
                occurred_ms: row.occurred_ms,
                received_ms: row.received_ms,
            });
        }
        for (_, mut change) in changes {
            change.topics.sort();
            change.topics.dedup();
            self.hub.publish(change);
        }
    }

    fn report(&self, state: &State) {
        self.status.objects.store(state.objects() as u64, Ordering::Relaxed);
        self.status.clocks.store(state.clocks() as u64, Ordering::Relaxed);
        self.beat();
    }

    /// Tells the pages how fresh they are.
    fn beat(&self) {
        let next = self.checkpoint.position().next;
        let durable = *self.gate.journal.durable().borrow();
        self.status.behind_records.store(durable.saturating_sub(next), Ordering::Relaxed);
        let now_ms = Utc::now().timestamp_millis();
        if durable <= next {
            self.status.stored_ms.store(now_ms, Ordering::Relaxed);
        }
        let stored_ms = self.status.stored_ms.load(Ordering::Relaxed);
        self.hub.set_freshness(Freshness {
            received_ms: now_ms,
            stored_ms,
            lag_ms: (now_ms - stored_ms).max(0),
            store_up: self.status.store_up.load(Ordering::Relaxed),
        });
    }
}

impl Chores {
    fn remember(&mut self, state: &mut State, part: Memory) {
        let all = matches!(part, Memory::Whole);
        state.remember(part);
        if all {
            self.memory = None;
            self.doubts = state.all_roots();
        }
    }
}

/// Never, when all came.
async fn next_part(memory: &mut Option<Receiver<Memory>>) -> Option<Memory> {
    match memory {
        Some(parts) => parts.recv().await,
        None => std::future::pending().await,
    }
}

/// Reads which objects and workflows there are. Doing it again adds nothing.
async fn read_names(store: &Store, state: &mut State) -> Result<(), StoreError> {
    let mut names = store.stored_names()?;
    while let Some(found) = names.next().await? {
        state.note_stored(found);
    }
    let mut workflows = store.stored_workflows()?;
    while let Some(found) = workflows.next().await? {
        state.note_workflow(&found);
    }
    for known in store.exception_marks().await? {
        state.note_mark(known);
    }
    Ok(())
}

/// Has the store keep what lists are made of.
fn keep_open(store: Store) -> impl Future<Output = ()> + Send {
    let mut reading = store.keep_open();
    async move {
        loop {
            match reading.await {
                Ok([workflows, exceptions, clocks, items, held]) => {
                    tracing::info!(workflows, exceptions, clocks, items, held, "what is open is kept for lists");
                    return;
                }
                Err(error) => tracing::warn!(%error, "what is open could not be read for lists; trying again"),
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
            reading = store.keep_open();
        }
    }
}

/// What facts need besides the objects that they name: items whose master data may say how units convert, and what
/// was said about a number that turns out to be an object's.
fn besides(facts: &Facts) -> BTreeSet<(Arc<str>, ObjectRef)> {
    let mut items = BTreeSet::new();
    for (tenant, object, fact) in facts {
        let alias = fact.detail.alias.as_deref();
        items.extend(alias.map(|a| (Arc::clone(tenant), ObjectRef::new(object.kind.as_str(), &*a.id))));
        let with_unit = fact.detail.lines.iter().flatten().filter(|line| line.unit.is_some());
        items.extend(with_unit.filter_map(|l| Some((Arc::clone(tenant), ObjectRef::new("item", l.sku.as_deref()?)))));
    }
    items
}

fn of<'c, 'r>(changes: &'c mut BTreeMap<&'r str, Change>, tenant: &'r str) -> &'c mut Change {
    changes.entry(tenant).or_insert_with(|| Change { tenant: tenant.to_owned(), ..Change::default() })
}

fn until(at: DateTime<Utc>) -> Duration {
    (at - Utc::now()).to_std().unwrap_or(Duration::ZERO)
}
