//! The bell: looks again and again at what changed, plans, keeps what is to be said, and only then says it. What was kept
//! and not yet said is said after a restart, under the same id.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::notice::{Notice, Sum};
use super::plan::{Alert, Item, Order, State, plan};
use super::post::{Outcome, Post};
use super::rosters::Rosters;
use super::routes::Routes;
use crate::domain::{Catalogue, Shelf};
use crate::live::{Change, Hub};
use crate::store::rows::{AlertRow, Batch, DeliveryRow, ExceptionRow};
use crate::store::{Muting, Store, StoreError};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Receivers that are spoken to at the same time.
const AT_ONCE: usize = 8;
/// Waits after the first attempt, the second, …; after the last the delivery has failed.
const WAITS_S: [i64; 8] = [5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000];

/// Where the bell finds its routes; they may change while it runs.
#[derive(Debug, Default)]
pub struct Board(ArcSwap<Rosters>);

impl Board {
    pub fn put(&self, rosters: Rosters) {
        self.0.store(Arc::new(rosters));
    }

    pub fn rosters(&self) -> Arc<Rosters> {
        self.0.load_full()
    }
}

pub struct Bell {
    pub store: Store,
    pub hub: Hub,
    pub shelf: Arc<Shelf>,
    pub board: Arc<Board>,
    /// Address of the pages, for links.
    pub base: String,
    pub shutdown: CancellationToken,
}

/// What is known between two looks.
#[derive(Default)]
struct Memory {
    /// Loaded what is open, and who was told.
    ready: bool,
    version: u64,
    rows: HashMap<(String, String), ExceptionRow>,
    /// By tenant and key.
    alerts: BTreeMap<String, BTreeMap<String, Alert>>,
}

impl Bell {
    pub async fn run(self) {
        let post = match Post::new() {
            Ok(post) => post,
            Err(error) => {
                tracing::error!(%error, "no alert can be sent: the certificates of this machine cannot be read");
                return;
            }
        };
        let mut memory = Memory::default();
        let mut away = false;
        while tokio::time::timeout(LOOK_EVERY, self.shutdown.cancelled()).await.is_err() {
            let rosters = self.board.rosters();
            if rosters.is_silent() && !memory.ready {
                continue;
            }
            match self.look(&post, &rosters, &mut memory).await {
                Ok(()) => away = false,
                Err(error) if !away => {
                    away = true;
                    tracing::warn!(%error, "alerts wait for the store");
                }
                Err(_) => {}
            }
        }
    }

    async fn look(&self, post: &Post, rosters: &Rosters, memory: &mut Memory) -> Result<(), StoreError> {
        if !memory.ready {
            for alert in self.store.all_alerts().await?.into_iter().filter_map(alert) {
                memory.alerts.entry(alert.tenant.clone()).or_default().insert(alert.key.clone(), alert);
            }
            memory.ready = true;
        }
        for row in self.store.exceptions_since(memory.version).await? {
            memory.version = memory.version.max(row.version);
            let key = (row.tenant.clone(), row.id.clone());
            if row.closed || row.state == "waived" {
                memory.rows.remove(&key);
            } else {
                memory.rows.insert(key, row);
            }
        }
        let now = Utc::now();
        let items = self.items(memory);
        let (mut changed, mut orders) = (Vec::new(), Vec::new());
        for tenant in items.keys().chain(memory.alerts.keys()).cloned().collect::<BTreeSet<String>>() {
            let items = items.get(&tenant).map_or(&[][..], Vec::as_slice);
            let alerts = memory.alerts.entry(tenant.clone()).or_default();
            let (mut anew, mut told) = plan(rosters.of(&tenant), items, alerts, &self.base, now);
            changed.append(&mut anew);
            orders.append(&mut told);
        }
        if !changed.is_empty() {
            let version = u64::try_from(now.timestamp_micros()).unwrap_or(0);
            let batch = Batch {
                token: format!("alerts-{version}"),
                alerts: changed.iter().map(|alert| alert_row(alert, version)).collect(),
                deliveries: orders.iter().filter_map(|order| delivery(rosters, order, now, version)).collect(),
                ..Batch::default()
            };
            self.store.write(&batch).await?;
            let tenants: BTreeSet<String> = changed.iter().map(|alert| alert.tenant.clone()).collect();
            for alert in changed {
                memory.alerts.entry(alert.tenant.clone()).or_default().insert(alert.key.clone(), alert);
            }
            self.tell(tenants);
        }
        self.deliver(post, rosters, now).await
    }

    /// Open exceptions that no silent source explains, by tenant.
    fn items(&self, memory: &Memory) -> BTreeMap<String, Vec<Item>> {
        let mut mutings: HashMap<&str, Muting> = HashMap::new();
        for row in memory.rows.values().filter(|row| row.kind == "source_silent") {
            let muting = mutings.entry(&row.tenant).or_default();
            if row.blocking {
                muting.systems.push(row.system.clone());
            }
            muting.sources.push(row.object_id.clone());
        }
        let book = self.shelf.book();
        let open = |row: &&ExceptionRow| mutings.get(row.tenant.as_str()).is_none_or(|m| m.of(row).is_none());
        let mut items: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for row in memory.rows.values().filter(open) {
            items.entry(row.tenant.clone()).or_default().push(item(row, &book.of(&row.tenant).exceptions));
        }
        items
    }

    /// Makes every delivery that is due. To one receiver and about one alert in order: the next waits for the one before.
    async fn deliver(&self, post: &Post, rosters: &Rosters, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut first: BTreeSet<(String, String)> = BTreeSet::new();
        let mut due = Vec::new();
        for row in self.store.waiting_deliveries().await? {
            if first.insert((row.receiver.clone(), row.alert.clone())) && row.next_ms <= now.timestamp_millis() {
                due.push(row);
            }
        }
        let tried: Vec<DeliveryRow> = futures_util::stream::iter(due)
            .map(|row| attempt(post, rosters.of(&row.tenant), row))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        if tried.is_empty() {
            return Ok(());
        }
        let tenants = tried.iter().map(|row| row.tenant.clone()).collect();
        let token = format!("deliveries-{}", Utc::now().timestamp_micros());
        self.store.write(&Batch { token, deliveries: tried, ..Batch::default() }).await?;
        self.tell(tenants);
        Ok(())
    }

    fn tell(&self, tenants: BTreeSet<String>) {
        for tenant in tenants {
            self.hub.publish(Change { tenant, topics: vec!["alerts".to_owned()], ..Change::default() });
        }
    }
}

async fn attempt(post: &Post, routes: &Routes, mut row: DeliveryRow) -> DeliveryRow {
    let receiver = routes.receiver(&row.receiver);
    let notice = serde_json::from_str::<Notice>(&row.notice).ok();
    let outcome = match (receiver, notice) {
        (Some(receiver), Some(notice)) => post.deliver(receiver, routes.smtp.as_ref(), &notice).await,
        (None, _) => Outcome::Never("alerts.toml has no such receiver any more".to_owned()),
        (_, None) => Outcome::Never("the notice cannot be read".to_owned()),
    };
    let now = Utc::now();
    row.attempts += 1;
    row.tried_ms = now.timestamp_millis();
    row.version = u64::try_from(now.timestamp_micros()).unwrap_or(0).max(row.version + 1);
    let wait = WAITS_S.get(row.attempts as usize - 1);
    (row.state, row.answer) = match (outcome, wait) {
        (Outcome::Taken(said), _) => ("sent".to_owned(), said),
        (Outcome::Later(said), Some(wait)) => {
            row.next_ms = (now + TimeDelta::seconds(*wait)).timestamp_millis();
            ("waiting".to_owned(), said)
        }
        (Outcome::Later(said) | Outcome::Never(said), _) => {
            tracing::warn!(receiver = row.receiver, id = row.id, "an alert could not be delivered");
            ("failed".to_owned(), said)
        }
    };
    row
}

fn item(row: &ExceptionRow, catalogue: &Catalogue) -> Item {
    let kind = catalogue.get(&row.kind);
    let money = |text: &String| {
        let (value, currency) = text.split_once(' ')?;
        Some(Sum { value: value.parse().ok()?, currency: currency.to_owned() })
    };
    let root = if row.root_type.is_empty() { String::new() } else { format!("{}/{}", row.root_type, row.root_id) };
    Item {
        tenant: row.tenant.clone(),
        id: row.id.clone(),
        title: kind.map_or_else(|| row.kind.replace('_', " "), |kind| kind.title.clone()),
        kind: row.kind.clone(),
        severity: row.severity.clone(),
        system: row.system.clone(),
        object: format!("{}/{}", row.object_type, row.object_id),
        root,
        customer: row.customer.clone(),
        warehouse: row.warehouse.clone(),
        carrier: row.carrier.clone(),
        team: row.team.clone(),
        detail: row.detail.clone(),
        since_ms: row.since_ms,
        opened_ms: row.known_ms,
        state: row.state.clone(),
        orders: u64::from(row.orders),
        money: row.money.iter().filter_map(money).collect(),
        runbook: kind.map(|kind| kind.runbook.clone()).unwrap_or_default(),
    }
}

fn alert(row: AlertRow) -> Option<Alert> {
    Some(Alert {
        state: State::ALL.into_iter().find(|state| state.as_str() == row.state)?,
        told: serde_json::from_str(&row.told).ok()?,
        key: row.key,
        tenant: row.tenant,
        route: row.route,
        title: row.title,
        severity: row.severity,
        round: row.round,
        opened_ms: row.opened_ms,
        changed_ms: row.changed_ms,
        exceptions: row.exceptions,
    })
}

fn alert_row(alert: &Alert, version: u64) -> AlertRow {
    AlertRow {
        tenant: alert.tenant.clone(),
        key: alert.key.clone(),
        route: alert.route.clone(),
        title: alert.title.clone(),
        severity: alert.severity.clone(),
        state: alert.state.as_str().to_owned(),
        round: alert.round,
        opened_ms: alert.opened_ms,
        changed_ms: alert.changed_ms,
        exceptions: alert.exceptions,
        told: serde_json::to_string(&alert.told).unwrap_or_default(),
        version,
    }
}

fn delivery(rosters: &Rosters, order: &Order, now: DateTime<Utc>, version: u64) -> Option<DeliveryRow> {
    let receiver = rosters.of(&order.notice.tenant).receiver(&order.receiver)?;
    Some(DeliveryRow {
        tenant: order.notice.tenant.clone(),
        id: order.notice.id.clone(),
        alert: order.notice.alert.clone(),
        receiver: receiver.key.clone(),
        channel: receiver.how.word().to_owned(),
        action: order.notice.action.as_str().to_owned(),
        subject: order.notice.subject(),
        state: "waiting".to_owned(),
        attempts: 0,
        created_ms: now.timestamp_millis(),
        tried_ms: 0,
        next_ms: now.timestamp_millis(),
        answer: String::new(),
        notice: serde_json::to_string(&order.notice).ok()?,
        version,
    })
}
