//! Looks every few seconds at what no single event tells: which sources are silent, what is held too long, what is
//! refused, which replays belong to no workflow and show no effect. Says what it found to the pipeline, which gives it a state like any exception.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use milepost_ingest::ObjectRef;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::raised::Watched;
use crate::domain::Impact;
use crate::domain::dependency::{Called, ENOUGH_CALLS, degraded};
use crate::domain::failures::group_name;
use crate::domain::watch::{Heard, Refused, Unproven, Waiting, held_too_long, refused, silent, without_effect};
use crate::store::rows::ms_of;
use crate::store::{DependencyBand, FailureFilter, Store, StoreError};

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Groups of failures that are looked at for a tenant.
const MAX_GROUPS: u64 = 200;
/// Nothing older is heard of here: what was refused that long ago is not open.
const REFUSED_BACK: TimeDelta = TimeDelta::hours(2);
/// So long an effect may come late.
const SILENT_BACK: TimeDelta = TimeDelta::days(7);

/// What was found last, by tenant; taken by the pipeline.
#[derive(Default)]
pub struct Observed(Mutex<BTreeMap<String, Vec<Watched>>>);

impl Observed {
    pub fn take(&self) -> BTreeMap<String, Vec<Watched>> {
        std::mem::take(&mut *self.0.lock())
    }
}

pub struct Sentinel {
    pub store: Store,
    pub observed: Arc<Observed>,
    pub shutdown: CancellationToken,
}

impl Sentinel {
    pub async fn run(self) {
        let mut away = false;
        while tokio::time::timeout(LOOK_EVERY, self.shutdown.cancelled()).await.is_err() {
            match self.look(Utc::now()).await {
                Ok(()) => away = false,
                Err(error) if !away => {
                    away = true;
                    tracing::warn!(%error, "nobody looks after silent sources while the store is away");
                }
                Err(_) => {}
            }
        }
    }

    async fn look(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        for tenant in self.store.tenants().await? {
            let found = self.found(&tenant, now).await?;
            let counted = self.counted(&tenant, found).await?;
            self.observed.0.lock().insert(tenant, counted);
        }
        Ok(())
    }

    async fn found(&self, tenant: &str, now: DateTime<Utc>) -> Result<Vec<Watched>, StoreError> {
        let recent = FailureFilter { from_ms: (now - REFUSED_BACK).timestamp_millis(), ..FailureFilter::default() };
        let silent_since = (now - SILENT_BACK).timestamp_millis();
        let (bands, sources, held, groups, replays) = tokio::try_join!(
            self.store.dependency_bands(tenant, ENOUGH_CALLS, now.timestamp_millis()),
            self.store.sources(tenant),
            self.store.held_groups(tenant),
            self.store.failure_groups(tenant, &recent, MAX_GROUPS),
            self.store.silent_replays(tenant, silent_since),
        )?;
        let at = |ms: i64| DateTime::from_timestamp_millis(ms).unwrap_or_default();
        let heard: Vec<Heard> = sources
            .into_iter()
            .filter(|source| source.system != milepost_ingest::ACTING_SYSTEM)
            .map(|source| Heard {
                last_at: at(source.last_ms),
                usual: TimeDelta::milliseconds(source.usual_gap_ms),
                source: source.source,
                system: source.system,
            })
            .collect();
        let systems: HashMap<&str, &str> = heard.iter().map(|h| (h.source.as_str(), h.system.as_str())).collect();
        let many = |objects: u64| Impact { orders: u32::try_from(objects).unwrap_or(u32::MAX), ..Impact::default() };
        let mut found: Vec<Watched> = silent(&heard, now).into_iter().map(Watched::new).collect();
        found.extend(bands.iter().filter_map(|band| Some(Watched::new(degraded(&called(band), now)?))));
        for group in held {
            let (waits_for, objects) = (group.waits_for.as_str(), group.objects);
            let oldest = ObjectRef::new(&group.oldest_type, &group.oldest_id);
            let waiting = Waiting { waits_for, objects, oldest: oldest.clone(), since: at(group.oldest_ms) };
            if let Some(exception) = held_too_long(&waiting, now) {
                let waits = Some(oldest);
                found.push(Watched { impact: many(objects), waits, ..Watched::new(exception) });
            }
        }
        for group in groups.iter().filter(|group| matches!(group.stage.as_str(), "decode" | "validate" | "map")) {
            let id = group_name(group.group_id);
            let told = Refused {
                fingerprint: &id,
                source: &group.source,
                system: systems.get(group.source.as_str()).copied().unwrap_or_default(),
                cause: &group.detail,
                count: group.count,
                first_at: at(group.first_ms),
                last_at: at(group.last_ms),
            };
            if let Some(exception) = refused(&told, now) {
                found.push(Watched { impact: many(group.objects), ..Watched::new(exception) });
            }
        }
        for job in replays {
            let told = Unproven { replay: &job.replay, via: &job.via, count: job.count, since: at(job.since_ms) };
            found.push(Watched::new(without_effect(&told)));
        }
        Ok(found)
    }

    /// How often each has come: once more than the store has it closed.
    async fn counted(&self, tenant: &str, found: Vec<Watched>) -> Result<Vec<Watched>, StoreError> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = found.iter().map(|watched| watched.exception.id.clone()).collect();
        let known = self.store.exceptions_named(tenant, &ids).await?;
        let times = |id: &str| {
            let known = known.iter().find(|row| row.id == id);
            known.map_or(1, |row| row.occurrence + u32::from(row.closed))
        };
        let counted = found.into_iter().map(|mut watched| {
            let exception = &mut watched.exception;
            watched.occurrence = times(&exception.id);
            // Its figures change with every look; it is told as it was when it began.
            if exception.kind == "dependency_degraded"
                && let Some(open) = known.iter().find(|row| row.id == exception.id && !row.closed)
            {
                exception.since = DateTime::from_timestamp_millis(open.since_ms).unwrap_or(exception.since);
                exception.known_at = exception.since;
                exception.detail.clone_from(&open.detail);
            }
            watched
        });
        Ok(counted.collect())
    }
}

/// The last quarter of an hour; where too little was called in it, the last hour.
fn called(band: &DependencyBand) -> Called {
    let lately = band.quarter_calls >= ENOUGH_CALLS;
    let (calls, errors, p95) = match lately {
        true => (band.quarter_calls, band.quarter_errors, band.quarter_p95),
        false => (band.hour_calls, band.hour_errors, band.hour_p95),
    };
    let ms = |size: u64| ms_of(u8::try_from(size).unwrap_or(u8::MAX));
    Called {
        dependency: band.dependency.clone(),
        calls,
        errors,
        p95_ms: ms(p95),
        usual_hours: band.usual_hours,
        usual_errors_ppm: band.usual_errors_ppm,
        usual_p95_ms: ms(band.usual_p95),
    }
}
