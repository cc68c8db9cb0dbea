//! All jobs of all tenants: made, started, told what to do, found again after a restart. A payload is in one running
//! job at most, and the same selection is one job however often it is asked for.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Weak};
use std::time::Instant;

use chrono::Utc;
use milepost_ingest::ObjectRef;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::breaker::{Breaker, Way};
use super::courier::{Courier, Told};
use super::edit::{self, EditError};
use super::job::{self, Job, MOST_RATE, Of, Options, Through, item, version};
use super::late::Late;
use super::run::Run;
use super::select::{self, Chosen, Excluded, Selection, Wanted};
use super::target::Target;
use super::targets::Targets;
use crate::domain::Shelf;
use crate::live::{Change, Hub};
use crate::pipeline::{Act, Acts, By, Gate, NotKept, Pressure, Ruling, Stale};
use crate::store::replays::{ReplayItemRow, ReplayRow, WHOLE};
use crate::store::{Store, StoreError};

pub struct Replays {
    pub store: Store,
    pub gate: Arc<Gate>,
    pub shelf: Arc<Shelf>,
    pub targets: Arc<Targets>,
    pub hub: Hub,
    pub(super) courier: Courier,
    pub(super) stop: CancellationToken,
    /// Groups of failures that are to be counted anew.
    stale: Arc<Stale>,
    pub(super) late: Mutex<Late>,
    breakers: Mutex<HashMap<String, Breaker>>,
    active: Mutex<Active>,
    me: Weak<Self>,
}

#[derive(Default)]
struct Active {
    /// By tenant and id.
    jobs: BTreeMap<(String, String), Arc<Job>>,
    /// Which job has a record: tenant, payload, record.
    claims: HashMap<(String, u64, u32), String>,
}

impl Active {
    /// The job that goes on with this selection.
    fn same(&self, tenant: &str, selection: u64) -> Option<&Arc<Job>> {
        self.jobs.values().find(|job| {
            let row = job.row.lock();
            row.tenant == tenant && row.selection == selection && !is_at_end(&row)
        })
    }

    /// Which job that goes on has this record.
    fn claimed(&self, tenant: &str, payload: u64, record: u32) -> Option<&String> {
        let id = self.claims.get(&(tenant.to_owned(), payload, record))?;
        let job = self.jobs.get(&(tenant.to_owned(), id.clone()));
        // One that has said that it is at its end lets go of them in a moment.
        (!job.is_some_and(|job| is_at_end(&job.row.lock()))).then_some(id)
    }
}

fn is_at_end(row: &ReplayRow) -> bool {
    job::is_over(&row.state) && row.finished_ms > 0
}

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("there is no replay {0}")]
    Unknown(String),
    #[error("there is no payload {0}")]
    NoPayload(String),
    #[error("there is no edit {0}")]
    NoEdit(String),
    #[error("there is no target `{0}`")]
    NoTarget(String),
    #[error("there is no workflow {0}")]
    NoWorkflow(String),
    #[error("there is no action `{0}`")]
    NoAction(String),
    #[error("the action `{0}` is not offered now: its condition does not hold")]
    NotOffered(String),
    #[error("the action `{0}` is offered for several objects; say for which")]
    WhichObject(String),
    #[error("nothing is left to replay: everything that was selected is healed, elsewhere or in another replay")]
    Nothing,
    #[error("the contracts and mapping of then are wanted: {0}")]
    NotKept(#[from] NotKept),
    #[error("contracts and mapping of then are a choice for our own pipeline; a target reads by its own")]
    OfTarget,
    #[error("a reason is needed")]
    NoReason,
    #[error("the rate goes up to {MOST_RATE} per second")]
    Rate,
    #[error("more than {most} records match; narrow the selection", most = super::job::MOST_ITEMS)]
    TooMany,
    #[error("the replay is {0}; that cannot be done now")]
    State(String),
    #[error("{confirmed} were confirmed, {count} are selected")]
    Count { confirmed: u32, count: u32 },
    #[error("the record has been healed by replay {0}; it cannot be edited any more")]
    Healed(String),
    #[error("an edit goes with the one payload that it was made for")]
    EditAlone,
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Pressure(#[from] Pressure),
}

/// What became of asking for a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Started {
    pub row: ReplayRow,
    /// It was there already.
    pub again: bool,
}

/// A job that broke off so often stands still until somebody resumes it.
const MOST_BREAKS: u32 = 3;
/// Left-out records that are listed; the rest are counted.
const LISTED: usize = 1_000;

impl Replays {
    pub fn new(
        store: Store,
        gate: Arc<Gate>,
        shelf: Arc<Shelf>,
        targets: Arc<Targets>,
        hub: Hub,
        stale: Arc<Stale>,
        stop: CancellationToken,
    ) -> io::Result<Arc<Self>> {
        let courier = Courier::new()?;
        Ok(Arc::new_cyclic(|me| Self {
            store,
            gate,
            shelf,
            targets,
            hub,
            courier,
            stop,
            stale,
            late: Mutex::default(),
            breakers: Mutex::default(),
            active: Mutex::default(),
            me: me.clone(),
        }))
    }

    /// Goes on with what was going on before a restart. Asks until the store answers.
    pub async fn recover(self: Arc<Self>) {
        while !self.stop.is_cancelled() {
            match self.find_active().await {
                Ok(jobs) => {
                    for job in jobs {
                        self.launch(job);
                    }
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, "replays of before the start could not be read; trying again");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    }

    async fn find_active(&self) -> Result<Vec<Arc<Job>>, StoreError> {
        let mut jobs = Vec::new();
        for row in self.store.active_replays().await? {
            let items = self.store.replay_items(&row.tenant, &row.id, &[], 0, job::MOST_ITEMS as u64).await?;
            jobs.push(Arc::new(Job::new(row, items)));
        }
        let mut active = self.active.lock();
        for job in &jobs {
            let row = job.row.lock();
            claim(&mut active, &row, job.items.lock().rows());
            active.jobs.insert((row.tenant.clone(), row.id.clone()), Arc::clone(job));
        }
        Ok(jobs)
    }

    /// Sends the job on its way. Should that break off by a fault of ours, it goes on where it was; again and again it
    /// stands still, so that somebody looks.
    pub(super) fn launch(&self, job: Arc<Job>) {
        let Some(me) = self.me.upgrade() else { return };
        tokio::spawn(async move {
            for breaks in 1.. {
                let (replays, its) = (Arc::clone(&me), Arc::clone(&job));
                let way = tokio::spawn(async move { Run::of(replays, its).await.finish().await });
                let Err(error) = way.await else { return };
                let id = job.row.lock().id.clone();
                tracing::error!(%error, replay = id, breaks, "a replay broke off by a fault of ours; it goes on");
                if breaks >= MOST_BREAKS {
                    let mut row = job.row.lock();
                    job::STOPPED.clone_into(&mut row.state);
                    row.note = "It broke off again and again by a fault of Milepost".to_owned();
                }
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        });
    }

    /// Freezes a selection: from here on it does not change. Nothing is sent.
    pub async fn draft(
        &self,
        by: &By,
        wanted: &Wanted,
        through: &Through,
        options: &Options,
    ) -> Result<ReplayRow, ReplayError> {
        let tenant = by.tenant.as_str();
        self.check(tenant, through, options)?;
        let mut selection = self.select(tenant, wanted, through, options.of).await?;
        if selection.more {
            return Err(ReplayError::TooMany);
        }
        if !options.edit.is_empty() {
            let edit = self.store.payload_edit(tenant, &options.edit).await?;
            let edit = edit.ok_or_else(|| ReplayError::NoEdit(options.edit.clone()))?;
            let own = |chosen: &Chosen| {
                chosen.payload == edit.payload && (chosen.record == edit.record || edit.record == WHOLE)
            };
            if !selection.chosen.iter().all(own) {
                return Err(ReplayError::EditAlone);
            }
            // An edit of the whole goes once, for all of its records.
            if edit.record == WHOLE {
                selection.chosen.truncate(1);
                selection.chosen.iter_mut().for_each(|chosen| chosen.record = WHOLE);
            }
        }
        let made = Made { again_of: String::new(), words: wanted.words.clone(), kind: "replay" };
        self.make(by, selection, through, options, made).await
    }

    /// A new draft of what an ended job did not bring through.
    pub async fn rest_of(&self, by: &By, id: &str) -> Result<ReplayRow, ReplayError> {
        let old = self.row(&by.tenant, id).await?;
        if !job::is_over(&old.state) {
            return Err(ReplayError::State(old.state));
        }
        let most = job::MOST_ITEMS as u64;
        let items = self.store.replay_items(&by.tenant, id, &item::REST, 0, most).await?;
        let payloads = items.iter().map(|i| (i.payload, Some(i.record).filter(|record| *record != WHOLE)));
        let words = format!("The rest of replay {id}");
        let wanted = Wanted { payloads: payloads.collect(), filter: None, words: words.clone() };
        let through = Through::parse(&old.through).unwrap_or(Through::Pipeline);
        let options: Options = serde_json::from_str(&old.options).unwrap_or_default();
        let selection = self.select(&by.tenant, &wanted, &through, options.of).await?;
        let made = Made { again_of: id.to_owned(), words, kind: "replay" };
        self.make(by, selection, &through, &options, made).await
    }

    /// What matches now. What is to be read by rules of then that are not kept does not go; where none are, that is said.
    pub(super) async fn select(
        &self,
        tenant: &str,
        wanted: &Wanted,
        through: &Through,
        of: Of,
    ) -> Result<Selection, ReplayError> {
        let mut selection = select::select(&self.store, tenant, wanted, through).await?;
        if of == Of::Now || selection.chosen.is_empty() {
            return Ok(selection);
        }
        let payloads: Vec<u64> = selection.chosen.iter().map(|chosen| chosen.payload).collect();
        let versions: HashMap<u64, String> = self.store.payload_rules(tenant, &payloads).await?.into_iter().collect();
        let mut faults: HashMap<&str, Option<NotKept>> = HashMap::new();
        let mut chosen = Vec::with_capacity(selection.chosen.len());
        for one in std::mem::take(&mut selection.chosen) {
            let version = versions.get(&one.payload).map_or("", String::as_str);
            let fault = faults.entry(version).or_insert_with(|| self.ruling(of, version).err());
            if fault.is_none() {
                chosen.push(one);
                continue;
            }
            let (why, replay) = ("rules_not_kept".to_owned(), String::new());
            selection.excluded.push(Excluded { payload: one.payload, record: one.record, why, replay });
        }
        match faults.into_values().flatten().next() {
            Some(fault) if chosen.is_empty() => Err(fault.into()),
            None => Ok(Selection { chosen, ..selection }),
            // Fewer go, and they are worth less.
            Some(_) => {
                let value = select::value(&self.store, tenant, &chosen).await?;
                Ok(Selection { chosen, value, ..selection })
            }
        }
    }

    /// Contracts and mapping of now, or those of that version.
    pub(super) fn ruling(&self, of: Of, version: &str) -> Result<Arc<Ruling>, NotKept> {
        match of {
            Of::Now => Ok(self.gate.rules.now()),
            Of::Then => self.gate.rules.then(version),
        }
    }

    async fn make(
        &self,
        by: &By,
        mut selection: select::Selection,
        through: &Through,
        options: &Options,
        made: Made,
    ) -> Result<ReplayRow, ReplayError> {
        let tenant = by.tenant.as_str();
        let identity = select::identity(tenant, &selection.chosen, through, options);
        if let Some(same) = self.same(tenant, identity) {
            return Ok(same.stamp());
        }
        self.leave_claimed(tenant, &mut selection);
        if selection.chosen.is_empty() {
            return Err(ReplayError::Nothing);
        }
        let now_ms = Utc::now().timestamp_millis();
        let id = format!("{:012x}{:04x}", now_ms, rand::random::<u16>());
        let left_out = selection.excluded.len();
        selection.excluded.truncate(LISTED);
        let mut row = ReplayRow {
            tenant: tenant.to_owned(),
            id: id.clone(),
            kind: made.kind.to_owned(),
            state: job::DRAFT.to_owned(),
            through: through.to_string(),
            by: by.source.clone(),
            words: made.words,
            options: serde_json::to_string(options).unwrap_or_default(),
            selection: identity,
            count: u32::try_from(selection.chosen.len()).unwrap_or(u32::MAX),
            oldest_ms: selection.oldest_ms(),
            value: serde_json::to_string(&selection.value).unwrap_or_default(),
            excluded: json!({"count": left_out, "items": selection.excluded}).to_string(),
            created_ms: now_ms,
            again_of: made.again_of,
            version: version(),
            ..ReplayRow::default()
        };
        let items: Vec<ReplayItemRow> = (0_u32..)
            .zip(selection.chosen)
            .map(|(position, chosen)| item_of(&row, position, chosen, options))
            .collect();
        self.store.write_replay_items(&items).await?;
        row.version = version();
        self.store.write_replay(&row).await?;
        Ok(row)
    }

    /// Starts a draft. The number confirmed is the number that goes; asked twice, it is one job.
    pub async fn start(
        &self,
        by: &By,
        id: &str,
        reason: &str,
        confirmed: Option<u32>,
        options: Option<Options>,
        starts_ms: i64,
    ) -> Result<Started, ReplayError> {
        let tenant = by.tenant.as_str();
        if let Some(job) = self.job(tenant, id) {
            return Ok(Started { row: job.stamp(), again: true });
        }
        let mut row = self.row(tenant, id).await?;
        if row.state != job::DRAFT {
            return Ok(Started { row, again: true });
        }
        if reason.trim().is_empty() {
            return Err(ReplayError::NoReason);
        }
        let through = Through::parse(&row.through).unwrap_or(Through::Pipeline);
        if let Some(options) = options {
            self.check(tenant, &through, &options)?;
            row.options = serde_json::to_string(&options).unwrap_or_default();
        }
        if let Some(confirmed) = confirmed.filter(|confirmed| *confirmed != row.count) {
            return Err(ReplayError::Count { confirmed, count: row.count });
        }
        let items = self.store.replay_items(tenant, id, &[], 0, job::MOST_ITEMS as u64).await?;
        row.reason = reason.trim().to_owned();
        row.by = by.source.clone();
        row.starts_ms = starts_ms;
        row.state = if starts_ms > Utc::now().timestamp_millis() { job::SCHEDULED } else { job::RUNNING }.to_owned();
        row.started_ms = Utc::now().timestamp_millis();
        let job = Arc::new(Job::new(row, items));
        {
            let mut active = self.active.lock();
            let row = job.row.lock().clone();
            if let Some(same) = active.same(&row.tenant, row.selection) {
                return Ok(Started { row: same.stamp(), again: true });
            }
            // Between preview and confirmation another job may have taken some: then this one would lie about its number.
            let items = job.items.lock();
            let busy = items.rows().iter().filter(|i| i.body.is_empty());
            let busy = busy.into_iter().find_map(|i| active.claimed(&row.tenant, i.payload, i.record));
            if let Some(other) = busy {
                return Err(ReplayError::State(format!("no longer free: replay {other} has some of its payloads")));
            }
            claim(&mut active, &row, items.rows());
            drop(items);
            active.jobs.insert((row.tenant.clone(), row.id.clone()), Arc::clone(&job));
        }
        let stamped = job.stamp();
        if let Err(error) = self.store.write_replay(&stamped).await {
            self.retire(&job);
            return Err(error.into());
        }
        let data = [
            ("reason", json!(stamped.reason)),
            ("count", json!(stamped.count)),
            ("through", json!(stamped.through)),
            ("selection", json!(stamped.words)),
        ];
        self.note(by, "replay.started", &stamped.id, data).await;
        self.launch(job);
        Ok(Started { row: stamped, again: false })
    }

    pub async fn pause(&self, by: &By, id: &str) -> Result<ReplayRow, ReplayError> {
        self.turn(by, id, &[job::RUNNING, job::SCHEDULED, job::SETTLING], job::PAUSED).await
    }

    pub async fn resume(&self, by: &By, id: &str) -> Result<ReplayRow, ReplayError> {
        self.turn(by, id, &[job::PAUSED, job::STOPPED], job::RUNNING).await
    }

    /// What has not gone out stays; what is out is still looked after by its own proof.
    pub async fn cancel(&self, by: &By, id: &str) -> Result<ReplayRow, ReplayError> {
        let from = [job::RUNNING, job::SCHEDULED, job::SETTLING, job::PAUSED, job::STOPPED];
        self.turn(by, id, &from, job::CANCELLED).await
    }

    async fn turn(&self, by: &By, id: &str, from: &[&str], to: &str) -> Result<ReplayRow, ReplayError> {
        let Some(job) = self.job(&by.tenant, id) else {
            let row = self.row(&by.tenant, id).await?;
            return if row.state == to { Ok(row) } else { Err(ReplayError::State(row.state)) };
        };
        {
            let mut row = job.row.lock();
            if row.state == to {
                drop(row);
                return Ok(job.stamp());
            }
            if !from.contains(&row.state.as_str()) {
                return Err(ReplayError::State(row.state.clone()));
            }
            to.clone_into(&mut row.state);
            row.note = if to == job::PAUSED { format!("Paused by {}", by.source) } else { String::new() };
        }
        let stamped = job.stamp();
        self.store.write_replay(&stamped).await?;
        job.nudge.notify_one();
        let kind = match to {
            job::PAUSED => "replay.paused",
            job::CANCELLED => "replay.cancelled",
            _ => "replay.resumed",
        };
        self.note(by, kind, id, []).await;
        self.published(&job);
        Ok(stamped)
    }

    /// As it stands: from memory while it goes on, else from the store.
    pub async fn row(&self, tenant: &str, id: &str) -> Result<ReplayRow, ReplayError> {
        if let Some(job) = self.job(tenant, id) {
            return Ok(job.stamp());
        }
        self.store.replay(tenant, id).await?.ok_or_else(|| ReplayError::Unknown(id.to_owned()))
    }

    pub async fn items(
        &self,
        tenant: &str,
        id: &str,
        from: u32,
        limit: usize,
    ) -> Result<Vec<ReplayItemRow>, ReplayError> {
        if let Some(job) = self.job(tenant, id) {
            let items = job.items.lock();
            return Ok(items.rows().iter().skip(from as usize).take(limit).cloned().collect());
        }
        Ok(self.store.replay_items(tenant, id, &[], from, limit as u64).await?)
    }

    /// How many items came to what.
    pub async fn counts(&self, tenant: &str, id: &str) -> Result<BTreeMap<String, u64>, ReplayError> {
        let mut counts: BTreeMap<String, u64> = item::ALL.iter().map(|state| ((*state).to_owned(), 0)).collect();
        if let Some(job) = self.job(tenant, id) {
            counts.extend(job.items.lock().counts().map(|(state, count)| (state.to_owned(), count as u64)));
        } else {
            for outcome in self.store.replay_outcomes(tenant, id).await? {
                *counts.entry(outcome.state).or_default() += outcome.count;
            }
        }
        Ok(counts)
    }

    /// The newest first, with those that go on as they stand this moment.
    pub async fn list(&self, tenant: &str, after: &str, limit: u64) -> Result<Vec<ReplayRow>, ReplayError> {
        let mut rows = self.store.replays(tenant, after, limit).await?;
        for row in &mut rows {
            if let Some(job) = self.job(tenant, &row.id) {
                *row = job.stamp();
            }
        }
        Ok(rows)
    }

    pub fn job(&self, tenant: &str, id: &str) -> Option<Arc<Job>> {
        self.active.lock().jobs.get(&(tenant.to_owned(), id.to_owned())).cloned()
    }

    /// Puts a job among those that go on, unless the same one is there: that one is given.
    pub(super) fn enter(&self, job: &Arc<Job>) -> Option<Arc<Job>> {
        let mut active = self.active.lock();
        let row = job.row.lock().clone();
        if let Some(same) = active.same(&row.tenant, row.selection) {
            return Some(Arc::clone(same));
        }
        active.jobs.insert((row.tenant, row.id), Arc::clone(job));
        None
    }

    fn same(&self, tenant: &str, identity: u64) -> Option<Arc<Job>> {
        self.active.lock().same(tenant, identity).cloned()
    }

    /// What another job has under way is left to it.
    fn leave_claimed(&self, tenant: &str, selection: &mut select::Selection) {
        let active = self.active.lock();
        let (mut free, mut taken) = (Vec::new(), Vec::new());
        for chosen in std::mem::take(&mut selection.chosen) {
            let whole = active.claimed(tenant, chosen.payload, WHOLE);
            match whole.or_else(|| active.claimed(tenant, chosen.payload, chosen.record)) {
                None => free.push(chosen),
                Some(replay) => taken.push(Excluded {
                    payload: chosen.payload,
                    record: chosen.record,
                    why: "in_replay".to_owned(),
                    replay: replay.clone(),
                }),
            }
        }
        selection.chosen = free;
        selection.excluded.extend(taken);
    }

    /// The job has come to its end, and its payloads are free.
    pub(super) fn retire(&self, job: &Job) {
        let row = job.row.lock();
        let mut active = self.active.lock();
        active.claims.retain(|(tenant, _, _), id| *tenant != row.tenant || *id != row.id);
        active.jobs.remove(&(row.tenant.clone(), row.id.clone()));
    }

    pub(super) fn weak(&self) -> &Weak<Self> {
        &self.me
    }

    pub(super) fn check(&self, tenant: &str, through: &Through, options: &Options) -> Result<(), ReplayError> {
        if let Through::Target(key) = through
            && self.targets.get(tenant, key).is_none()
        {
            return Err(ReplayError::NoTarget(key.clone()));
        }
        if options.of == Of::Then && *through != Through::Pipeline {
            return Err(ReplayError::OfTarget);
        }
        if options.rate > MOST_RATE {
            return Err(ReplayError::Rate);
        }
        if !options.steps.is_empty() {
            edit::check(&options.steps)?;
        }
        Ok(())
    }

    /// Whether something may go to a target now.
    pub(super) fn way(&self, target: &Target) -> Way {
        let mut breakers = self.breakers.lock();
        let new = || Breaker::new(target.breaker_failures, target.breaker_pause);
        breakers.entry(target.id()).or_insert_with(new).way(Instant::now())
    }

    pub(super) fn learn(&self, target: &Target, told: &Told) {
        let mut breakers = self.breakers.lock();
        let new = || Breaker::new(target.breaker_failures, target.breaker_pause);
        let breaker = breakers.entry(target.id()).or_insert_with(new);
        match told {
            // A refusal shows that somebody is there; what was never sent shows nothing.
            Told::Taken { .. } => breaker.succeeded(),
            Told::Never(no) if no.status == 0 => breaker.withdrawn(),
            Told::Never(_) => breaker.succeeded(),
            Told::Later { .. } | Told::Gone(_) => breaker.failed(Instant::now()),
        }
    }

    pub(super) fn published(&self, job: &Job) {
        let (tenant, id) = {
            let row = job.row.lock();
            (row.tenant.clone(), row.id.clone())
        };
        self.tell(&tenant, &id, &job.options.about);
    }

    /// Pages that show the job, and the workflow that it is about, are to be looked at again.
    pub(super) fn tell(&self, tenant: &str, id: &str, about: &str) {
        let mut topics = vec!["replays".to_owned(), format!("replay:{id}")];
        if !about.is_empty() {
            topics.push(format!("w:{about}"));
        }
        self.hub.publish(Change { tenant: tenant.to_owned(), topics, ..Change::default() });
    }

    /// Records of failures have been mended.
    pub(super) fn healed(&self, tenant: &str) {
        self.stale.mark(tenant);
    }

    async fn note<const N: usize>(&self, by: &By, kind: &str, id: &str, data: [(&str, Value); N]) {
        self.note_on(by, kind, ObjectRef::new("replay", id), data).await;
    }

    /// The audit trail: an act that stays when the job is long gone.
    pub(super) async fn note_on<const N: usize>(
        &self,
        by: &By,
        kind: &str,
        object: ObjectRef,
        data: [(&str, Value); N],
    ) {
        self.note_all(by, vec![act_of(kind, object, data)]).await;
    }

    /// Many at once: each by itself would wait until it can be seen.
    pub(super) async fn note_all(&self, by: &By, acts: Vec<Act>) {
        if acts.is_empty() {
            return;
        }
        if let Err(error) = self.gate.act(by, acts).await {
            tracing::error!(%error, "acts about a replay could not be kept");
        }
    }
}

pub(super) fn act_of<const N: usize>(kind: &str, object: ObjectRef, data: [(&str, Value); N]) -> Act {
    let data: Map<String, Value> = data.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let id = format!("{:032x}", rand::random::<u128>());
    Act { id, kind: kind.to_owned(), object, refs: Vec::new(), data }
}

struct Made {
    again_of: String,
    words: String,
    kind: &'static str,
}

fn item_of(row: &ReplayRow, position: u32, chosen: Chosen, options: &Options) -> ReplayItemRow {
    ReplayItemRow {
        tenant: row.tenant.clone(),
        replay: row.id.clone(),
        position,
        payload: chosen.payload,
        record: chosen.record,
        object_type: chosen.object_type,
        object_id: chosen.object_id,
        event_id: chosen.event_id,
        fingerprint: chosen.fingerprint,
        edit: options.edit.clone(),
        state: item::WAITING.to_owned(),
        version: row.version,
        ..ReplayItemRow::default()
    }
}

fn claim(active: &mut Active, row: &ReplayRow, items: &[ReplayItemRow]) {
    for item in items.iter().filter(|item| item.body.is_empty()) {
        active.claims.insert((row.tenant.clone(), item.payload, item.record), row.id.clone());
    }
}
