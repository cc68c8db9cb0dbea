//! Whom to tell what, now: a pure function of the open exceptions, the routes, what was told before, and the time.
//! One alert per cause and route; who was told is told of changes and of the end, and nobody twice of the same.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::notice::{self, Action, Notice, Sum, Weight};
use super::routes::{GroupBy, Narrowed, Route, Routes};

/// Receivers that update in place hear of changes at most so often.
const UPDATES: TimeDelta = TimeDelta::seconds(30);

/// An open exception as routes look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    pub tenant: String,
    pub id: String,
    pub kind: String,
    /// The kind in business words.
    pub title: String,
    pub severity: String,
    pub system: String,
    /// `type/id`
    pub object: String,
    /// The workflow's root, `order/SO-1`; empty for what stands above workflows.
    pub root: String,
    pub customer: String,
    pub warehouse: String,
    pub carrier: String,
    pub team: String,
    pub detail: String,
    pub since_ms: i64,
    /// When it was first known.
    pub opened_ms: i64,
    /// `open`, `acknowledged`, `snoozed`
    pub state: String,
    pub orders: u64,
    pub money: Vec<Sum>,
    pub runbook: String,
}

/// One cause on one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub key: String,
    pub tenant: String,
    pub route: String,
    pub title: String,
    pub severity: String,
    pub state: State,
    /// How often it has begun anew.
    pub round: u32,
    pub opened_ms: i64,
    pub changed_ms: i64,
    pub exceptions: u64,
    pub told: Vec<Told>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Others of the same cause may still join, or it is a quiet hour.
    Waiting,
    Firing,
    /// All of it is in somebody's hands.
    Acknowledged,
    Resolved,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Firing, Self::Acknowledged, Self::Resolved];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Firing => "firing",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// The last word to one receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub receiver: String,
    pub at_ms: i64,
    pub seq: u32,
    pub action: Action,
    /// Of what it was told, so that the same is not told again.
    pub digest: u64,
    pub escalated: bool,
}

/// A notice for a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub receiver: String,
    pub notice: Notice,
}

/// What changes: alerts to be kept anew, and what is to be said. `base` is the address of our pages.
pub fn plan(
    routes: &Routes,
    items: &[Item],
    alerts: &BTreeMap<String, Alert>,
    base: &str,
    now: DateTime<Utc>,
) -> (Vec<Alert>, Vec<Order>) {
    let (mut changed, mut orders) = (Vec::new(), Vec::new());
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for route in &routes.routes {
        for (key, members) in groups(routes, route, items, alerts, now) {
            let known = alerts.get(&key);
            let mut next = Next { routes, route, members, base, now, orders: &mut orders };
            let alert = next.step(key.clone(), known);
            seen.insert(key);
            if known != Some(&alert) {
                changed.push(alert);
            }
        }
    }
    for alert in alerts.values().filter(|a| a.state != State::Resolved && !seen.contains(&a.key)) {
        if let Some(alert) = end(routes, alert, base, now, &mut orders) {
            changed.push(alert);
        }
    }
    (changed, orders)
}

/// The open exceptions of a route by cause.
fn groups<'i>(
    routes: &Routes,
    route: &Route,
    items: &'i [Item],
    alerts: &BTreeMap<String, Alert>,
    now: DateTime<Utc>,
) -> BTreeMap<String, Vec<&'i Item>> {
    let mut groups: BTreeMap<String, Vec<&Item>> = BTreeMap::new();
    for item in items.iter().filter(|i| route.narrowed.takes(i)) {
        let key = key_of(route, item);
        let told = alerts.get(&key).is_some_and(|a| a.state != State::Resolved && !a.told.is_empty());
        let window = routes.maintenance.iter().any(|m| m.from <= now && now < m.to && m.narrowed.takes(item));
        // Nothing new is told in a window; what was told before it goes on.
        if !window || told {
            groups.entry(key).or_default().push(item);
        }
    }
    groups
}

fn key_of(route: &Route, item: &Item) -> String {
    let mut hash = Sha256::new();
    for part in [&item.tenant, &route.key].into_iter().chain(route.group_by.iter().map(|by| by.value(item))) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(&hash.finalize()[..10])
}

impl GroupBy {
    fn value(self, item: &Item) -> &String {
        match self {
            Self::Kind => &item.kind,
            Self::System => &item.system,
            Self::Customer => &item.customer,
            Self::Warehouse => &item.warehouse,
            Self::Carrier => &item.carrier,
            Self::Object => &item.object,
        }
    }
}

impl Narrowed {
    pub fn takes(&self, item: &Item) -> bool {
        let one = |list: &[String], value: &str| list.is_empty() || list.iter().any(|known| known == value);
        one(&self.tenants, &item.tenant)
            && one(&self.kinds, &item.kind)
            && one(&self.severities, &item.severity)
            && one(&self.systems, &item.system)
            && one(&self.customers, &item.customer)
            && one(&self.warehouses, &item.warehouse)
            && one(&self.carriers, &item.carrier)
            && one(&self.teams, &item.team)
    }
}

fn worst<'i>(members: &[&'i Item]) -> &'i str {
    let rank = |severity: &str| match severity {
        "critical" => 0,
        "warning" => 1,
        _ => 2,
    };
    members.iter().map(|i| i.severity.as_str()).min_by_key(|s| rank(s)).unwrap_or("info")
}

fn title(route: &Route, members: &[&Item]) -> String {
    let Some(first) = members.first() else { return String::new() };
    let parts = route.group_by.iter().map(|by| match by {
        GroupBy::Kind => first.title.clone(),
        GroupBy::System => first.system.to_uppercase(),
        by => by.value(first).clone(),
    });
    let parts: Vec<String> = parts.filter(|p| !p.is_empty()).collect();
    if parts.is_empty() { route.key.clone() } else { parts.join(" · ") }
}

fn digest(members: &[&Item], acknowledged: bool) -> u64 {
    let mut names: Vec<&str> = members.iter().map(|i| i.id.as_str()).collect();
    names.sort_unstable();
    let hash = Sha256::digest(format!("{acknowledged} {}", names.join(" ")));
    u64::from_be_bytes(hash[..8].try_into().unwrap_or_default())
}

struct Next<'a, 'o> {
    routes: &'a Routes,
    route: &'a Route,
    members: Vec<&'a Item>,
    base: &'a str,
    now: DateTime<Utc>,
    orders: &'o mut Vec<Order>,
}

impl Next<'_, '_> {
    fn step(&mut self, key: String, known: Option<&Alert>) -> Alert {
        let now_ms = self.now.timestamp_millis();
        let severity = worst(&self.members).to_owned();
        let running = known.filter(|a| a.state != State::Resolved);
        let mut alert = Alert {
            key,
            tenant: self.members[0].tenant.clone(),
            route: self.route.key.clone(),
            title: title(self.route, &self.members),
            severity,
            exceptions: self.members.len() as u64,
            ..running.cloned().unwrap_or_else(|| Alert {
                key: String::new(),
                tenant: String::new(),
                route: String::new(),
                title: String::new(),
                severity: String::new(),
                state: State::Waiting,
                round: known.map_or(1, |a| a.round + 1),
                opened_ms: now_ms,
                changed_ms: now_ms,
                exceptions: 0,
                told: Vec::new(),
            })
        };
        let quiet = self.routes.quiet(&self.route.quiet).is_some_and(|q| q.holds(&alert.severity, self.now));
        let acknowledged = self.members.iter().all(|i| i.state != "open");
        let age = TimeDelta::milliseconds(now_ms - alert.opened_ms);
        if quiet || alert.state == State::Waiting && (age < self.route.wait || acknowledged) {
            return alert;
        }
        let digest = digest(&self.members, acknowledged);
        alert.state = if acknowledged { State::Acknowledged } else { State::Firing };
        for told in alert.told.clone() {
            self.follow_up(&mut alert, &told, digest, acknowledged);
        }
        let due = self.route.escalate.iter().filter(|step| !acknowledged && age >= step.after);
        let first = self.route.to.iter().map(|to| (to, false)).filter(|_| !acknowledged);
        let due = due.flat_map(|step| step.to.iter().map(|to| (to, true)));
        for (receiver, escalated) in first.chain(due).collect::<Vec<_>>() {
            let known = alert.told.iter().position(|t| t.receiver == *receiver);
            match known {
                None => self.tell(&mut alert, receiver, Action::Trigger, digest, escalated),
                // A step of the chain may call those again who have heard it before.
                Some(at) if escalated && !alert.told[at].escalated => {
                    self.tell(&mut alert, receiver, Action::Trigger, digest, true);
                }
                Some(_) => {}
            }
        }
        if running != Some(&alert) {
            alert.changed_ms = now_ms;
        }
        alert
    }

    fn follow_up(&mut self, alert: &mut Alert, told: &Told, digest: u64, acknowledged: bool) {
        if told.digest == digest {
            return;
        }
        let Some(receiver) = self.routes.receiver(&told.receiver) else { return };
        let age = TimeDelta::milliseconds(self.now.timestamp_millis() - told.at_ms);
        let grown = self.members.iter().any(|i| i.opened_ms > told.at_ms);
        let turned = acknowledged != (told.action == Action::Acknowledge);
        match (receiver.how.updates(), turned) {
            (true, true) if acknowledged => {
                self.tell(alert, &told.receiver, Action::Acknowledge, digest, told.escalated);
            }
            (true, true) => self.tell(alert, &told.receiver, Action::Trigger, digest, told.escalated),
            (true, false) if age >= UPDATES => {
                self.tell(alert, &told.receiver, Action::Update, digest, told.escalated);
            }
            (false, _) if grown && !acknowledged && age >= self.route.update_every => {
                self.tell(alert, &told.receiver, Action::Update, digest, told.escalated);
            }
            _ => {}
        }
    }

    fn tell(&mut self, alert: &mut Alert, receiver: &str, action: Action, digest: u64, escalated: bool) {
        let (lines, more) = notice::lines(self.base, &self.members);
        let weight = Weight::of(&self.members);
        let mut notice = blank(alert, self.base, action, receiver);
        let since = self.members.iter().map(|i| i.since_ms).min().unwrap_or_default();
        notice.escalated = escalated && action == Action::Trigger;
        (notice.lines, notice.more, notice.since) = (lines, more, notice::time(since));
        (notice.orders, notice.customers, notice.money) = (weight.orders, weight.customers, weight.money);
        notice.runbook = self.members.iter().map(|i| i.runbook.clone()).find(|r| !r.is_empty()).unwrap_or_default();
        note(alert, receiver, action, digest, escalated, self.now);
        self.orders.push(Order { receiver: receiver.to_owned(), notice });
    }
}

/// Nothing is left of the cause: whoever heard of it hears that it is over.
fn end(routes: &Routes, alert: &Alert, base: &str, now: DateTime<Utc>, orders: &mut Vec<Order>) -> Option<Alert> {
    let mut over = alert.clone();
    let quiet = routes.routes.iter().find(|r| r.key == alert.route).and_then(|r| routes.quiet(&r.quiet));
    if !over.told.is_empty() && quiet.is_some_and(|q| q.holds(&alert.severity, now)) {
        return None;
    }
    over.state = State::Resolved;
    over.changed_ms = now.timestamp_millis();
    over.exceptions = 0;
    for told in alert.told.iter().filter(|t| routes.receiver(&t.receiver).is_some()) {
        let mut notice = blank(&over, base, Action::Resolve, &told.receiver);
        notice.since = notice::time(alert.opened_ms);
        note(&mut over, &told.receiver, Action::Resolve, 0, told.escalated, now);
        orders.push(Order { receiver: told.receiver.clone(), notice });
    }
    Some(over)
}

fn note(alert: &mut Alert, receiver: &str, action: Action, digest: u64, escalated: bool, now: DateTime<Utc>) {
    let at_ms = now.timestamp_millis();
    match alert.told.iter_mut().find(|t| t.receiver == receiver) {
        Some(told) => *told = Told { at_ms, seq: told.seq + 1, action, digest, escalated, ..told.clone() },
        None => alert.told.push(Told { receiver: receiver.to_owned(), at_ms, seq: 1, action, digest, escalated }),
    }
}

fn blank(alert: &Alert, base: &str, action: Action, receiver: &str) -> Notice {
    let seq = alert.told.iter().find(|t| t.receiver == receiver).map_or(0, |t| t.seq) + 1;
    // The same place in the same story has the same id, also when it is planned again after a crash.
    let id = Sha256::digest(format!("{} {} {receiver} {seq}", alert.key, alert.round));
    Notice {
        id: format!("msg_{}", hex::encode(&id[..12])),
        alert: format!("{}-{}", alert.key, alert.round),
        action,
        tenant: alert.tenant.clone(),
        route: alert.route.clone(),
        title: alert.title.clone(),
        severity: alert.severity.clone(),
        escalated: false,
        exceptions: alert.exceptions,
        orders: 0,
        customers: Vec::new(),
        money: Vec::new(),
        since: String::new(),
        lines: Vec::new(),
        more: 0,
        link: format!("{base}/t/{}/exceptions", notice::encode(&alert.tenant)),
        runbook: String::new(),
    }
}
