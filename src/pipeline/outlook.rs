//! What is to be expected: forecasts of each tenant, made anew every few minutes from the paths of the last weeks, and
//! tried on the last days to tell how good they are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::Utc;
use tokio_util::sync::CancellationToken;

use crate::domain::{Accuracy, Alike, Curve, Forecasts, Shelf, Subject};
use crate::store::{Remaining, Store, StoreError};

const EVERY: Duration = Duration::from_secs(300);
/// The first time soon after the start, when the store has come up.
const FIRST: Duration = Duration::from_secs(15);
const DAY_MS: i64 = 86_400_000;
/// Forecasts are made from so many days, and tried on the last of them.
const LEARN_DAYS: i64 = 60;
const TRY_DAYS: i64 = 3;

/// What is expected now; shared by the pipeline and the pages.
#[derive(Default)]
pub struct Outlook(ArcSwap<BTreeMap<String, Arc<Expected>>>);

#[derive(Default)]
pub struct Expected {
    pub forecasts: Forecasts,
    /// By definition.
    pub accuracy: BTreeMap<String, Accuracy>,
}

impl Outlook {
    pub fn of(&self, tenant: &str) -> Option<Arc<Expected>> {
        self.0.load().get(tenant).cloned()
    }

    /// How good the forecasts of a definition are, in a sentence.
    pub fn said(&self, tenant: &str, definition: &str) -> String {
        let found = self.of(tenant);
        match found.as_ref().and_then(|e| e.accuracy.get(definition)).filter(|a| a.tried > 0) {
            None => "Forecasts: not enough history yet to make and to try them.".to_owned(),
            Some(a) => format!(
                "Forecasts, tried on the {} stages of the last {TRY_DAYS} days: {} % were done by the time forecast for {} %; the middle forecast was off by {} m in the middle.",
                a.tried,
                a.covered * 100 / a.tried,
                a.aim(),
                a.error_ms / 60_000,
            ),
        }
    }

    /// Makes forecasts again and again until the shutdown.
    pub async fn watch(self: Arc<Self>, store: Store, shelf: Arc<Shelf>, shutdown: CancellationToken) {
        let mut pause = FIRST;
        while tokio::time::timeout(pause, shutdown.cancelled()).await.is_err() {
            pause = EVERY;
            match self.make(&store, &shelf).await {
                Ok(()) => {}
                Err(error) if error.is_passing() => pause = FIRST,
                Err(error) => tracing::warn!(%error, "forecasts could not be made; the last ones stay"),
            }
        }
    }

    async fn make(&self, store: &Store, shelf: &Shelf) -> Result<(), StoreError> {
        let now_ms = Utc::now().timestamp_millis();
        let mut all = BTreeMap::new();
        for tenant in store.tenants().await? {
            let targets = targets(shelf, &tenant);
            if targets.is_empty() {
                continue;
            }
            let since = now_ms - LEARN_DAYS * DAY_MS;
            let forecasts = learnt(store.remaining(&tenant, &targets, since, now_ms).await?);
            let older = learnt(store.remaining(&tenant, &targets, since, now_ms - TRY_DAYS * DAY_MS).await?);
            let mut accuracy: BTreeMap<String, Accuracy> = BTreeMap::new();
            for trial in store.forecast_trials(&tenant, &targets, now_ms - TRY_DAYS * DAY_MS).await? {
                let alike = Alike { carrier: &trial.carrier, warehouse: &trial.warehouse, lane: &trial.lane };
                let at = chrono::DateTime::from_timestamp_millis(trial.from_ms).unwrap_or_default();
                let way = (trial.definition.as_str(), trial.from_step.as_str(), trial.to_step.as_str());
                if let Some((curve, _)) = older.curve(way, alike, at) {
                    accuracy.entry(trial.definition.clone()).or_default().take(curve, trial.took_ms);
                }
            }
            let accuracy = accuracy.into_iter().map(|(key, a)| (key, a.settle())).collect();
            all.insert(tenant, Arc::new(Expected { forecasts, accuracy }));
        }
        self.0.store(Arc::new(all));
        Ok(())
    }
}

/// Milestones that clocks wait for.
fn targets(shelf: &Shelf, tenant: &str) -> Vec<String> {
    let definitions = shelf.of(tenant);
    let ends = definitions.iter().flat_map(|definition| {
        definition.slas.iter().filter_map(|rule| match &rule.subject {
            Subject::Milestones { to, .. } => Some(definition.milestones[*to].key.clone()),
            Subject::Propagation { .. } | Subject::Silence { .. } => None,
        })
    });
    let mut targets: Vec<String> = ends.collect();
    targets.sort();
    targets.dedup();
    targets
}

fn learnt(rows: Vec<Remaining>) -> Forecasts {
    let mut forecasts = Forecasts::default();
    for row in rows {
        let curve = Curve { sample: row.count, twentieths: row.quantiles };
        forecasts.learn(&row.definition, &row.from_step, &row.to_step, &row.alike, curve);
    }
    forecasts
}
