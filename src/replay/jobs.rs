//! All jobs of all tenants: started, told what to do, found again after a restart. The same selection is one job however
//! often it is asked for; what it is made of is frozen by `draft`.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Weak};
use std::time::Instant;

use chrono::Utc;
use milepost_ingest::ObjectRef;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::active::Active;
use super::asked::Asking;
use super::breaker::{Breaker, Way};
use super::courier::{Courier, Told};
use super::error::ReplayError;
use super::job::{self, Job, Options, Through, item};
use super::late::Late;
use super::run::{Attempts, Run, attempts};
use super::target::Target;
use super::targets::Targets;
use crate::domain::Shelf;
use crate::live::{Change, Hub};
use crate::pipeline::{Act, Acts, By, Gate, Stale};
use crate::store::replays::{ReplayItemRow, ReplayRow};
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
    pub(super) asking: Asking,
    breakers: Mutex<HashMap<String, Breaker>>,
    pub(super) active: Mutex<Active>,
    me: Weak<Self>,
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
            asking: Asking::default(),
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
            active.claim(&row, job.items.lock().rows());
            active.jobs.insert((row.tenant.clone(), row.id.clone()), Arc::clone(job));
        }
        Ok(jobs)
    }

    /// Sends the job on its way.
    pub(super) fn launch(&self, job: Arc<Job>) {
        self.launch_with(job, attempts());
    }

    /// Should the way break off by a fault of ours, the job goes on where it was; again and again it stands still, so that
    /// somebody looks.
    pub(super) fn launch_with(&self, job: Arc<Job>, attempts: Attempts) {
        let Some(me) = self.me.upgrade() else { return };
        tokio::spawn(async move {
            for breaks in 1.. {
                let (replays, its) = (Arc::clone(&me), Arc::clone(&job));
                let attempts = Arc::clone(&attempts);
                let way = tokio::spawn(async move {
                    let mut run = Run::of(replays, its, attempts).await;
                    if breaks > 1 {
                        run.keep_again();
                    }
                    run.finish().await;
                });
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
            active.claim(&row, items.rows());
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

    pub(super) fn same(&self, tenant: &str, identity: u64) -> Option<Arc<Job>> {
        self.active.lock().same(tenant, identity).cloned()
    }

    /// The job has come to its end, and its payloads are free.
    pub(super) fn retire(&self, job: &Job) {
        let row = job.row.lock();
        self.active.lock().retire(&row);
    }

    pub(super) fn weak(&self) -> &Weak<Self> {
        &self.me
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
