//! Stories of alerts: told once, followed up rarely, escalated when nobody takes it, over when it is over.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;

const FILE: &str = r#"
[smtp]
server = "127.0.0.1"
from = "milepost@example.com"

[[receivers]]
key = "mail"
kind = "email"
to = ["ops@example.com"]

[[receivers]]
key = "hook"
kind = "webhook"
url = "http://127.0.0.1/hook"
secret_file = "secret"
internal = true

[[receivers]]
key = "pager"
kind = "pagerduty"
routing_key_file = "key"

[[quiet]]
key = "nights"
zone = "UTC"
from = "20:00"
to = "06:00"
except = ["critical"]

[[maintenance]]
key = "upgrade"
from = "2026-11-22T14:00:00Z"
to = "2026-11-22T15:00:00Z"
systems = ["wms"]

[[routes]]
key = "late"
kinds = ["sla_breached"]
to = ["mail", "hook"]
wait = "10s"
update_every = "1h"
quiet = "nights"
escalate = [{ after = "30m", to = ["pager"] }]
"#;

fn routes() -> Routes {
    Routes::parse("alerts.toml", FILE).unwrap()
}

fn item(id: &str, system: &str, opened: DateTime<Utc>) -> Item {
    Item {
        tenant: "acme".into(),
        id: id.into(),
        kind: "sla_breached".into(),
        title: "SLA breached".into(),
        severity: "warning".into(),
        system: system.into(),
        object: format!("order/{id}"),
        root: format!("order/{id}"),
        customer: "Acme".into(),
        detail: "Order release: due 10:30".into(),
        since_ms: opened.timestamp_millis(),
        opened_ms: opened.timestamp_millis(),
        state: "open".into(),
        orders: 1,
        money: vec![Sum { value: "100".parse().unwrap(), currency: "EUR".into() }],
        ..Item::default()
    }
}

/// A little world: what is open, what was told.
struct World {
    routes: Routes,
    items: Vec<Item>,
    alerts: BTreeMap<String, Alert>,
    now: DateTime<Utc>,
}

impl World {
    fn at(time: &str) -> Self {
        Self { routes: routes(), items: Vec::new(), alerts: BTreeMap::new(), now: time.parse().unwrap() }
    }

    fn open(&mut self, id: &str, system: &str) {
        self.items.push(item(id, system, self.now));
    }

    /// `receiver action` of everything that is said after so long.
    fn after(&mut self, wait: TimeDelta) -> Vec<String> {
        self.now += wait;
        let (changed, orders) = plan(&self.routes, &self.items, &self.alerts, "http://mp", self.now);
        self.alerts.extend(changed.into_iter().map(|alert| (alert.key.clone(), alert)));
        let again = plan(&self.routes, &self.items, &self.alerts, "http://mp", self.now);
        assert_eq!(again, (vec![], vec![]), "what was told is not told again");
        orders.iter().map(|o| format!("{} {}", o.receiver, o.notice.action.as_str())).collect()
    }
}

#[test]
fn one_cause_is_one_alert_and_a_message_is_followed_up_rarely() {
    let mut world = World::at("2026-11-22T10:00:00Z");
    world.open("SO-1", "erp");
    assert_eq!(world.after(TimeDelta::seconds(5)), [""; 0], "others may still join");
    world.open("SO-2", "erp");
    assert_eq!(world.after(TimeDelta::seconds(10)), ["mail trigger", "hook trigger"]);
    assert_eq!(world.alerts.len(), 1);
    world.open("SO-3", "erp");
    assert_eq!(world.after(TimeDelta::seconds(1)), [""; 0]);
    assert_eq!(world.after(TimeDelta::minutes(1)), ["hook update"], "a tool is kept up to date");
    world.items.iter_mut().for_each(|i| i.state = "acknowledged".into());
    assert_eq!(world.after(TimeDelta::hours(2)), ["hook acknowledge"], "what is in somebody's hands is not escalated");
    world.items.clear();
    assert_eq!(world.after(TimeDelta::seconds(1)), ["mail resolve", "hook resolve"]);
    world.open("SO-4", "erp");
    world.after(TimeDelta::seconds(1));
    assert_eq!(world.after(TimeDelta::seconds(10)), ["mail trigger", "hook trigger"], "a new round");
}

#[test]
fn a_chain_is_climbed_while_nobody_takes_it() {
    let mut world = World::at("2026-11-22T10:00:00Z");
    world.open("SO-1", "erp");
    world.after(TimeDelta::zero());
    world.after(TimeDelta::seconds(10));
    assert_eq!(world.after(TimeDelta::minutes(29)), [""; 0]);
    assert_eq!(world.after(TimeDelta::minutes(1)), ["pager trigger"]);
    world.items.clear();
    assert_eq!(world.after(TimeDelta::seconds(1)), ["mail resolve", "hook resolve", "pager resolve"]);
}

#[test]
fn quiet_hours_hold_messages_back_and_drop_what_is_over_by_morning() {
    let mut world = World::at("2026-11-22T21:00:00Z");
    world.open("SO-1", "erp");
    world.open("SO-2", "wms");
    world.after(TimeDelta::zero());
    assert_eq!(world.after(TimeDelta::hours(1)), [""; 0]);
    world.items.retain(|i| i.system == "erp");
    assert_eq!(world.after(TimeDelta::hours(1)), [""; 0], "nobody heard of the other, so nobody hears of its end");
    world.items[0].severity = "critical".into();
    let told = world.after(TimeDelta::minutes(1));
    assert_eq!(told, ["mail trigger", "hook trigger", "pager trigger"], "what is critical does not wait");
}

#[test]
fn in_a_maintenance_window_nothing_new_is_told_and_what_stays_is_told_after_it() {
    let mut world = World::at("2026-11-22T14:10:00Z");
    world.open("SO-1", "wms");
    world.after(TimeDelta::zero());
    assert_eq!(world.after(TimeDelta::minutes(40)), [""; 0]);
    world.after(TimeDelta::minutes(20));
    assert_eq!(world.after(TimeDelta::seconds(10)), ["mail trigger", "hook trigger"]);
}

#[test]
fn a_notice_adds_up_orders_and_money_and_never_two_currencies() {
    let mut world = World::at("2026-11-22T10:00:00Z");
    world.open("SO-1", "erp");
    world.open("SO-2", "erp");
    world.items[1].money[0].currency = "USD".into();
    // A second exception of the same order puts its money at stake once.
    let again = Item { id: "other".into(), ..world.items[0].clone() };
    world.items.push(again);
    world.after(TimeDelta::zero());
    world.now += TimeDelta::seconds(10);
    let (_, orders) = plan(&world.routes, &world.items, &world.alerts, "http://mp", world.now);
    let notice = &orders[0].notice;
    assert_eq!(notice.subject(), "Open: SLA breached · ERP (2 orders, 100.00 EUR + 100.00 USD at stake)");
    assert_eq!((notice.exceptions, notice.lines.len()), (3, 3));
    assert!(notice.text().contains("http://mp/t/acme/exceptions/SO-1"));
}

proptest! {
    /// Whatever comes and goes, and however often it is planned anew from what was kept: each receiver hears a trigger
    /// before anything else, nothing after the end but a trigger, and no id twice.
    #[test]
    fn told_in_order_and_once(steps in prop::collection::vec((0_usize..6, 0_usize..4, 0_i64..4000), 1..40)) {
        let mut world = World::at("2026-11-22T08:00:00Z");
        let mut ids = std::collections::BTreeSet::new();
        let mut last: BTreeMap<String, Action> = BTreeMap::new();
        for (what, which, seconds) in steps {
            let id = format!("SO-{which}");
            match what {
                0 | 1 if world.items.iter().any(|i| i.id == id) => {}
                0 | 1 => world.open(&id, ["erp", "wms"][which % 2]),
                2 => world.items.retain(|i| i.id != id),
                3 => world.items.iter_mut().filter(|i| i.id == id).for_each(|i| i.state = "acknowledged".into()),
                4 => world.items.iter_mut().filter(|i| i.id == id).for_each(|i| i.state = "open".into()),
                _ => {}
            }
            world.now += TimeDelta::seconds(seconds);
            let (changed, orders) = plan(&world.routes, &world.items, &world.alerts, "", world.now);
            let twice = plan(&world.routes, &world.items, &world.alerts, "", world.now);
            prop_assert_eq!(&(changed.clone(), orders.clone()), &twice);
            world.alerts.extend(changed.into_iter().map(|alert| (alert.key.clone(), alert)));
            for order in orders {
                prop_assert!(ids.insert(order.notice.id.clone()), "an id was used twice");
                let before = last.insert(format!("{} {}", order.receiver, order.notice.alert), order.notice.action);
                match (before, order.notice.action) {
                    (None, Action::Trigger) => {}
                    (None, other) => prop_assert!(false, "{other:?} first"),
                    (Some(Action::Resolve), _) => prop_assert!(false, "told after the end of its round"),
                    _ => {}
                }
            }
        }
    }
}
