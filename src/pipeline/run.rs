//! The one thread that turns the journal into state: takes records in order, folds them, stores, publishes, and moves
//! the checkpoint. When the store is away it waits and tries again; the doors go on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::Settings;
use super::batch::{Facts, Filling};
use super::checkpoint::Checkpoint;
use super::intake::Gate;
use super::raised::Gone;
use super::state::{Changes, Objects, State, Touched};
use crate::domain::{Fact, Shelf};
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

impl Pipeline {
    /// Runs until the shutdown token is cancelled and everything journalled before is stored (if the store answers).
    /// Blocks its thread.
    pub fn run(mut self, runtime: &Handle) {
        let _inside = runtime.enter();
        let Some(mut state) = self.load(runtime) else { return };
        self.status.loaded.store(true, Ordering::Release);
        state.wake_all(Utc::now());
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
            } else {
                let wake = state.next_wake().map_or(Duration::from_secs(1), |at| until(at).min(Duration::from_secs(1)));
                runtime.block_on(async {
                    tokio::select! {
                        _ = durable.changed() => {}
                        () = tokio::time::sleep(wake) => {}
                        () = self.shutdown.cancelled() => {}
                    }
                });
            }
            if state.take_book(self.shelf.book()) && !self.judge_all(runtime, &mut state) {
                break;
            }
            self.tick(runtime, &mut state);
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
            let changes = state.refresh(tenant, touched, now);
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
        let mut needed: BTreeMap<Arc<str>, Objects> = BTreeMap::new();
        for (tenant, touched) in &touched {
            let all = touched.spoken.iter().chain(&touched.named).cloned();
            needed.entry(Arc::clone(tenant)).or_default().extend(all);
        }
        for (tenant, object) in besides(&facts) {
            needed.entry(tenant).or_default().insert(object);
        }
        for (tenant, objects) in &needed {
            self.bring_back(runtime, state, tenant, objects)?;
        }
        for (tenant, object, fact) in facts {
            state.add(&tenant, &object, fact);
        }
        Some(touched)
    }

    /// Reads objects that live in the store only, with everything that their workflows are made of.
    fn bring_back(&self, runtime: &Handle, state: &mut State, tenant: &str, objects: &Objects) -> Option<()> {
        let mut wanted = state.missing(tenant, objects.iter().cloned());
        while !wanted.is_empty() {
            let rows = self.retry(runtime, "read objects", || self.store.objects(tenant, &wanted))?;
            let events = self.retry(runtime, "read events", || self.store.events_of(tenant, &wanted))?;
            for row in events {
                if let Some(entry) = row.into_entry() {
                    state.add_entry(tenant, &entry);
                }
            }
            for row in self.retry(runtime, "read clocks", || self.store.stored_slas(tenant, &wanted))? {
                state.recall(row);
            }
            let mut near: BTreeSet<ObjectRef> = BTreeSet::new();
            for row in &rows {
                near.extend(row.links.iter().chain(&row.workflows).filter_map(|o| ObjectRef::parse(o)));
                // What is known under its other numbers: the alias is told apart by what stands before the colon.
                let numbers = row.aliases.iter().flat_map(|a| [Some(a.as_str()), a.split_once(':').map(|(_, id)| id)]);
                near.extend(numbers.flatten().map(|id| ObjectRef::new(&*row.object_type, id)));
                state.resident(tenant, &ObjectRef::new(&*row.object_type, &*row.object_id));
            }
            // Known to be in the store, but no row came: do not ask again.
            for object in &wanted {
                state.resident(tenant, object);
            }
            wanted = state.missing(tenant, near.into_iter());
        }
        Some(())
    }

    fn tick(&self, runtime: &Handle, state: &mut State) {
        let now = Utc::now();
        let observed = self.observed.take().into_iter();
        let mut changes: Vec<(String, Changes)> = observed
            .map(|(tenant, found)| {
                let changes = state.watch(&tenant, found, now);
                (tenant, changes)
            })
            .collect();
        if state.next_wake().is_some_and(|at| at <= now) {
            changes.extend(state.tick(now, CLOCKS_A_TICK));
        }
        // In one go: a second batch of the same moment would bear the same token, and be taken for a repetition.
        self.store_snapshots(runtime, changes, now);
    }

    fn store_snapshots(&self, runtime: &Handle, changes: Vec<(String, Changes)>, now: DateTime<Utc>) -> bool {
        let mut snapshots = Batch { token: format!("clock-{}", now.timestamp_micros()), ..Batch::default() };
        for (tenant, changes) in changes {
            self.lay_in(runtime, &tenant, changes, &mut snapshots);
        }
        if snapshots.exceptions.is_empty() && snapshots.workflows.is_empty() && snapshots.objects.is_empty() {
            return true;
        }
        let written = self.write(runtime, &snapshots);
        if written {
            self.publish(&Batch::default(), &snapshots);
        }
        written
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
                let spoke = self.first_word(runtime, tenant, &row);
                let gone = spoke.map_or_else(|| gone.clone(), |spoke| Gone { id: row.id.clone(), ..spoke });
                snapshots.exceptions.push(gone.close(row, version));
            }
        }
    }

    /// The event by which a silent source was heard again.
    fn first_word(&self, runtime: &Handle, tenant: &str, row: &ExceptionRow) -> Option<Gone> {
        if row.kind != "source_silent" {
            return None;
        }
        let source = row.object_id.as_str();
        let word = self.retry(runtime, "read events", || self.store.first_word(tenant, source, row.since_ms))??;
        let by = format!("{source} {}", word.event_id);
        Some(Gone { id: String::new(), at_ms: word.received_ms, by, kind: word.event_type })
    }

    /// By other rules, a part at a time. False when the shutdown came while the store was away.
    fn judge_all(&self, runtime: &Handle, state: &mut State) -> bool {
        for (tenant, roots) in state.all_roots() {
            for roots in roots.chunks(CLOCKS_A_TICK) {
                let now = Utc::now();
                let changes = state.judge(&tenant, roots, now);
                if !self.store_snapshots(runtime, vec![(tenant.clone(), changes)], now) {
                    return false;
                }
            }
        }
        true
    }

    /// Writes until it is written. False when the shutdown came first.
    fn write(&self, runtime: &Handle, batch: &Batch) -> bool {
        self.retry(runtime, "store a batch", || self.store.write(batch)).is_some()
    }

    fn retry<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
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

    /// Loads what is open: the ids taken before, the events of open objects, and which objects are in the store only.
    fn load(&mut self, runtime: &Handle) -> Option<State> {
        self.retry(runtime, "migrate", || self.store.migrate())?;
        let version = self.retry(runtime, "read the newest version", || self.store.max_version())?;
        let mut state = State::new(self.shelf.book(), version).with_outlook(Arc::clone(&self.outlook));
        let ids = self.retry(runtime, "read recent ids", || self.store.recent_ids(self.settings.dedup_ids as u64))?;
        self.gate.remember(
            ids.into_iter().map(|row| (super::seen::key(&row.tenant, &row.source, &row.event_id), row.content)),
        );
        // What lists hold is read at the same time.
        let lists = self.store.clone();
        let mut lists = Some(runtime.spawn(async move { lists.keep_open().await }));
        while let Err(error) = runtime.block_on(read_open(&self.store, &mut state)) {
            tracing::warn!(%error, "open events could not be read; trying again");
            self.retry(runtime, "answer", || self.store.ping())?;
        }
        let [workflows, exceptions, clocks, items, held] = self.retry(runtime, "read what lists hold", || {
            let (begun, store) = (lists.take(), self.store.clone());
            async move {
                match begun {
                    Some(begun) => match begun.await {
                        Ok(read) => read,
                        Err(_) => store.keep_open().await,
                    },
                    None => store.keep_open().await,
                }
            }
        })?;
        tracing::info!(objects = state.objects(), workflows, exceptions, clocks, items, held, "loaded what is open");
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

/// Reads the events of everything open into state, and notes what else there is. Doing it again adds nothing.
async fn read_open(store: &Store, state: &mut State) -> Result<(), StoreError> {
    for (tenant, object) in store.closed_objects().await? {
        if let Some(object) = ObjectRef::parse(&object) {
            state.note_stored(&tenant, &object);
        }
    }
    let mut clocks = store.open_slas()?;
    while let Some(row) = clocks.next().await? {
        state.recall(row);
    }
    for known in store.exception_marks().await? {
        state.note_exception(&known.tenant, &known.id, ObjectRef::parse(&known.root).as_ref(), known.mark);
    }
    for known in store.ledger_marks().await? {
        state.note_ledger(known);
    }
    let (sender, mut chunks) = tokio::sync::mpsc::channel(CHUNKS);
    let reader = tokio::spawn(read_facts(store.clone(), sender));
    while let Some(chunk) = chunks.recv().await {
        for (tenant, object, fact) in chunk {
            state.add(&tenant, &object, fact);
        }
    }
    reader.await.unwrap_or_else(|error| Err(StoreError::Away(clickhouse::error::Error::Custom(error.to_string()))))
}

/// Facts that are handed over at once, and how many such chunks may wait.
const CHUNK: usize = 2_000;
const CHUNKS: usize = 8;

/// Reads and decodes on another thread than the one that takes facts in: there are millions.
async fn read_facts(store: Store, sender: tokio::sync::mpsc::Sender<Facts>) -> Result<(), StoreError> {
    let mut rows = store.open_events()?;
    let mut tenant: Arc<str> = "".into();
    let mut chunk = Facts::with_capacity(CHUNK);
    while let Some(row) = rows.next().await? {
        if *tenant != *row.tenant {
            tenant = row.tenant.as_str().into();
        }
        if let Some(entry) = row.into_entry() {
            let fact = Fact::of(&entry.event, entry.received_at);
            chunk.push((Arc::clone(&tenant), entry.event.object, fact));
        }
        if chunk.len() >= CHUNK {
            let full = std::mem::replace(&mut chunk, Facts::with_capacity(CHUNK));
            if sender.send(full).await.is_err() {
                return Ok(());
            }
        }
    }
    // Nobody listens any more only where the reading was given up.
    let _ = sender.send(chunk).await;
    Ok(())
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
