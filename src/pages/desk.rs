//! What all pages share: the store, the definitions, the hub, the keys, and short memories that keep many viewers cheap.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::export::jobs::Jobs;
use super::failures::chart::Change;
use super::failures::{is_active, stand};
use super::frame::Counts;
use super::insights;
use super::integrations;
use super::tallies::Tallies;
use super::time::Clock;
use super::views::badges::Badges;
use crate::access::Keys;
use crate::domain::views::View;
use crate::domain::{Definitions, Shelf, Workflow, forecast};
use crate::live::Hub;
use crate::pipeline::{Acts, Outlook};
use crate::replay::Replays;
use crate::store::{ClockCount, Days, Facet, FailureFilter, Store, StoreError, Whose, WorkflowFilter};

/// A rendering is shown again for so long, and no longer than until something is published.
const KEPT: Duration = Duration::from_millis(2000);
const MAX_KEPT: usize = 512;
/// The list of tenants is asked for again after this.
const TENANTS: Duration = Duration::from_secs(3);
/// Failures of so long ago count on the board and in the rail.
pub const FAILURES_BACK_MS: i64 = 7 * 86_400_000;
pub const MAX_GROUPS: u64 = 1000;
const MAX_CHANGES: u64 = 12;

pub struct Desk {
    pub store: Store,
    pub shelf: Arc<Shelf>,
    pub hub: Hub,
    pub keys: Arc<Keys>,
    /// Where people's acts go; None where there is no pipeline.
    pub acts: Option<Arc<dyn Acts>>,
    /// What is to be expected by history.
    pub outlook: Arc<Outlook>,
    /// Where replays run; None where there is no pipeline.
    pub replays: Option<Arc<Replays>>,
    pub started_at: DateTime<Utc>,
    /// Names besides addresses and `localhost` under which pages answer (a reverse proxy's).
    pub hosts: Vec<String>,
    /// For the commands that the first-run page shows.
    pub data_dir: String,
    renderings: Memory<String, Bytes>,
    counts: Memory<String, Counts>,
    tenants: Mutex<Option<(Instant, Vec<String>)>>,
    views: Memory<String, Arc<Vec<View>>>,
    clocks: Tallies<(String, i64, Whose), Vec<ClockCount>>,
    choices: Tallies<String, Vec<Facet>>,
    pub(super) insights: insights::Kept,
    pub badges: Badges,
    pub jobs: Jobs,
}

impl Desk {
    pub fn new(store: Store, shelf: Arc<Shelf>, hub: Hub, keys: Arc<Keys>) -> Self {
        Self {
            store,
            shelf,
            hub,
            keys,
            acts: None,
            outlook: Arc::default(),
            replays: None,
            started_at: Utc::now(),
            hosts: Vec::new(),
            data_dir: "data".into(),
            renderings: Memory::default(),
            counts: Memory::default(),
            tenants: Mutex::default(),
            views: Memory::default(),
            clocks: Tallies::default(),
            choices: Tallies::default(),
            insights: Tallies::default(),
            badges: Badges::default(),
            jobs: Jobs::default(),
        }
    }

    #[must_use]
    pub fn with_acts(mut self, acts: Arc<dyn Acts>) -> Self {
        self.acts = Some(acts);
        self
    }

    #[must_use]
    pub fn with_outlook(mut self, outlook: Arc<Outlook>) -> Self {
        self.outlook = outlook;
        self
    }

    /// What history adds to a workflow that was put together from stored events: forecasts, unless it is of the past.
    pub fn expect(&self, tenant: &str, mut workflow: Workflow) -> Workflow {
        if let Some(expected) = self.outlook.of(tenant) {
            forecast(&mut workflow, &expected.forecasts);
        }
        workflow
    }

    #[must_use]
    pub fn with_replays(mut self, replays: Arc<Replays>) -> Self {
        self.replays = Some(replays);
        self
    }

    #[must_use]
    pub fn with_hosts(mut self, hosts: Vec<String>) -> Self {
        self.hosts = hosts;
        self
    }

    #[must_use]
    pub fn with_data_dir(mut self, data_dir: impl Into<String>) -> Self {
        self.data_dir = data_dir.into();
        self.jobs = Jobs::open(&self.data_dir, Utc::now().timestamp_millis());
        self
    }

    /// The rules that hold for a tenant now.
    pub fn definitions(&self, tenant: &str) -> Arc<Definitions> {
        self.shelf.of(tenant)
    }

    /// What readers are to know about rules that cannot be used.
    pub fn fault(&self) -> Option<String> {
        let fault = self.shelf.fault()?;
        let first = fault.lines().next().unwrap_or_default();
        Some(format!("The definitions on disk cannot be used, the last good ones stay in force: {first}"))
    }

    /// Tenants that have data. While the store is away, the last that were known.
    pub async fn tenants_with_data(&self) -> Result<Vec<String>, StoreError> {
        if let Some((asked, names)) = &*self.tenants.lock()
            && asked.elapsed() < TENANTS
        {
            return Ok(names.clone());
        }
        match self.store.tenants().await {
            Ok(names) => {
                *self.tenants.lock() = Some((Instant::now(), names.clone()));
                Ok(names)
            }
            Err(error) => match &*self.tenants.lock() {
                Some((_, names)) => Ok(names.clone()),
                None => Err(error),
            },
        }
    }

    /// These, and those that have a key.
    pub async fn tenants(&self) -> Vec<String> {
        let mut names: BTreeSet<String> = self.keys.tenants().into_iter().collect();
        names.extend(self.tenants_with_data().await.unwrap_or_default());
        names.into_iter().collect()
    }

    /// One rendering for all who ask for the same at the same time.
    pub async fn rendering<E, F>(&self, tenant: &str, key: String, make: F) -> Result<Bytes, E>
    where
        F: Future<Output = Result<Bytes, E>>,
    {
        self.renderings.get(key, self.hub.seq(tenant), make).await
    }

    /// The saved views of a tenant.
    pub async fn views(&self, tenant: &str) -> Result<Arc<Vec<View>>, StoreError> {
        let read = async { self.store.views(tenant).await.map(Arc::new) };
        self.views.get(tenant.to_owned(), self.hub.seq(tenant), read).await
    }

    /// Somebody did something with a view: what is remembered of them is old.
    pub fn forget_views(&self, tenant: &str) {
        self.views.0.lock().remove(tenant);
        self.renderings.0.lock().retain(|key, _| !key.starts_with(&format!("{tenant} ")));
    }

    /// How the clocks of some days stand. Old figures are shown while new ones are asked for, for asking may take long.
    pub async fn clocks(&self, tenant: &str, days: Days, whose: &Whose) -> Result<Arc<Vec<ClockCount>>, StoreError> {
        let (store, name, whose) = (self.store.clone(), tenant.to_owned(), whose.clone());
        let question = (name.clone(), days.today_ms, whose.clone());
        self.clocks.get(question, async move { store.board_clocks(&name, days, &whose).await }).await
    }

    /// Systems whose turn it is in open workflows, and their customers; old ones are shown like old figures.
    pub async fn choices(&self, tenant: &str) -> Result<Arc<Vec<Facet>>, StoreError> {
        let (store, name) = (self.store.clone(), tenant.to_owned());
        let open = WorkflowFilter { closed: Some(false), ..WorkflowFilter::default() };
        self.choices
            .get(name.clone(), async move {
                let mut facets = store.workflow_facets(&name, &open).await?;
                facets.retain(|facet| matches!(facet.name.as_str(), "system" | "customer") && !facet.value.is_empty());
                Ok(facets)
            })
            .await
    }

    pub async fn counts(&self, tenant: &str, now_ms: i64) -> Result<Counts, StoreError> {
        self.counts.get(tenant.to_owned(), self.hub.seq(tenant), Box::pin(self.count(tenant, now_ms))).await
    }

    /// Changes of the set-up since a moment, oldest first: marks on charts.
    pub async fn changes(&self, tenant: &str, since_ms: i64) -> Result<Vec<Change>, StoreError> {
        let rows = self.store.changes(tenant, since_ms, MAX_CHANGES).await?;
        Ok(rows.into_iter().rev().map(|row| Change { at_ms: row.at_ms, what: row.what }).collect())
    }

    async fn count(&self, tenant: &str, now_ms: i64) -> Result<Counts, StoreError> {
        let recent = FailureFilter { from_ms: now_ms - FAILURES_BACK_MS, ..FailureFilter::default() };
        let (statuses, held, groups, acts, found, open) = tokio::try_join!(
            self.store.status_counts(tenant),
            self.store.held_groups(tenant),
            self.store.failure_groups(tenant, &recent, MAX_GROUPS),
            self.store.failure_group_acts(tenant),
            self.store.sources(tenant),
            self.store.exception_open(tenant),
        )?;
        let clock = Clock::utc(now_ms);
        let of = |status: &str| statuses.iter().filter(|row| row.status == status).map(|row| row.count).sum();
        let silent =
            |found: &&crate::store::SourceSummary| integrations::health(&clock, found).0 == super::status::SILENT;
        Ok(Counts {
            breached: of("breached"),
            at_risk: of("at_risk"),
            exceptions: open,
            held: held.iter().map(|group| group.objects).sum(),
            failure_groups: stand(&groups, &acts, now_ms).iter().filter(|one| is_active(one)).count() as u64,
            silent_sources: found.iter().filter(silent).count() as u64,
        })
    }
}

/// Answers that hold until the next publication, and not for long.
struct Memory<K, V>(Mutex<HashMap<K, Kept<V>>>);

struct Kept<V> {
    seq: u64,
    since: Instant,
    value: Arc<OnceCell<V>>,
}

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: std::hash::Hash + Eq, V: Clone> Memory<K, V> {
    async fn get<E, F: Future<Output = Result<V, E>>>(&self, key: K, seq: u64, make: F) -> Result<V, E> {
        let cell = {
            let mut all = self.0.lock();
            if all.len() >= MAX_KEPT {
                all.retain(|_, kept| kept.since.elapsed() < KEPT);
            }
            if all.len() >= MAX_KEPT {
                all.clear();
            }
            let good = |kept: &&Kept<V>| kept.seq == seq && kept.since.elapsed() < KEPT;
            match all.get(&key).filter(good) {
                Some(kept) => kept.value.clone(),
                None => {
                    let value = Arc::new(OnceCell::new());
                    all.insert(key, Kept { seq, since: Instant::now(), value: value.clone() });
                    value
                }
            }
        };
        cell.get_or_try_init(|| make).await.cloned()
    }
}
