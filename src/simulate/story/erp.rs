//! The ERP takes orders, checks credit and releases them; the middleware hands them to the warehouse.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::world::{self, CUSTOMERS, ITEMS};
use super::{CHAPTER, Line, Order, Speaker, Teller, Trouble, Voice};

pub const SPEAKER: Speaker = Speaker::head_office(Voice::Erp, world::ERP);
const BUS: Speaker = Speaker::head_office(Voice::Middleware, world::MIDDLEWARE);

const HOLD_REASONS: [&str; 3] = ["credit limit exceeded", "invoice overdue for 30 days", "new customer, no limit yet"];
const FAULTS: [(&str, &str, &str); 3] = [
    ("transformation", "unit_unknown", "no mapping for unit PAL in partner profile"),
    ("delivery", "connection_refused", "the WMS gateway did not answer"),
    ("validation", "address_incomplete", "ship-to has no postal code"),
];

pub fn orders(teller: &Teller, starts: &[DateTime<Utc>]) -> Vec<Order> {
    let shared = teller.trouble(Trouble::ConsolidatedLoad, "consolidated", teller.number);
    let mut orders: Vec<Order> = Vec::new();
    for (position, created) in (0_u64..).zip(starts) {
        let number = teller.plot.first + teller.number * CHAPTER + position;
        let mut dice = teller.dice("order", number);
        let customer = dice.pick(&CUSTOMERS);
        let (warehouse, carrier) = (dice.pick(customer.warehouses()), dice.pick(customer.carriers()));
        let (warehouse, carrier) = match orders.first() {
            // Customers of one region ride together from the same dock.
            Some(first) if shared && first.customer.is_american() == customer.is_american() => {
                (first.warehouse, first.carrier)
            }
            _ => (warehouse, carrier),
        };
        let priority = if dice.happens(0.18) { "express" } else { "standard" };
        let mut lines: Vec<Line> = Vec::new();
        for step in 1..=dice.between(1, 5) {
            let item = dice.pick(&ITEMS);
            let (low, high) = item.quantity;
            let quantity = Decimal::from(dice.between(low, high));
            if lines.iter().all(|l| l.item.sku != item.sku) {
                lines.push(Line { id: (step * 10).to_string(), item, quantity });
            }
        }
        orders.push(Order {
            number,
            id: format!("SO-{number}"),
            customer,
            warehouse,
            carrier,
            priority,
            lines,
            created: *created,
        });
    }
    orders
}

/// From the order's creation to the moment the warehouse may begin; None where it never may.
pub fn release(teller: &mut Teller, order: &Order) -> Option<DateTime<Utc>> {
    let this = order.object();
    let trace = (order.id.as_str(), "release");
    let mut dice = teller.dice("release", order.number);
    let (ship, deliver) = promises(teller, order);
    let total = order.worth(&order.all_lines());
    let lines: Value = order
        .lines
        .iter()
        .map(|l| {
            json!({"line": l.id, "sku": l.item.sku, "quantity": l.quantity.to_string(), "unit": l.item.unit, "price": order.money(l.price())})
        })
        .collect();
    let data = json!({
        "customer": order.customer.name, "customer_id": order.customer.id, "lines": lines, "amount": order.money(total),
        "promised_ship": ship.to_rfc3339(), "promised_delivery": deliver.to_rfc3339(), "priority": order.priority,
        "billing_policy": order.customer.billing_policy, "pod_required": order.customer.pod_required,
        "ship_to": {"city": order.customer.city},
    });
    teller.tell(SPEAKER, order.created, "order.created", &this, &[], trace, data);

    let checked = teller.later(order.created, &mut dice, 1, 5);
    let held = teller.trouble(Trouble::CreditHold, "credit hold", order.number);
    let mut clear = checked;
    if held {
        let data = json!({"verdict": "held", "reason": dice.pick(&HOLD_REASONS)});
        teller.tell(SPEAKER, checked, "order.credit_checked", &this, &[], trace, data);
        if dice.happens(0.33) {
            return None;
        }
        clear = teller.later(checked, &mut dice, 40, 600);
        let data = json!({"reason": "released by credit control"});
        teller.tell(SPEAKER, clear, "order.credit_released", &this, &[], trace, data);
    } else {
        teller.tell(SPEAKER, checked, "order.credit_checked", &this, &[], trace, json!({"verdict": "approved"}));
    }

    if dice.happens(0.01) {
        let at = teller.later(clear, &mut dice, 5, 60);
        teller.tell(SPEAKER, at, "order.cancelled", &this, &[], trace, json!({"reason": "cancelled by customer"}));
        return None;
    }
    // One in ten waits for somebody to press the button.
    let released =
        if dice.happens(0.1) { teller.later(clear, &mut dice, 28, 120) } else { teller.later(clear, &mut dice, 3, 20) };
    teller.tell(SPEAKER, released, "order.released", &this, &[], trace, json!({"warehouse": order.warehouse.id}));
    hand_over(teller, order, released)
}

/// The middleware brings the release to the warehouse, or fails to.
fn hand_over(teller: &mut Teller, order: &Order, released: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let this = order.object();
    let trace = (order.id.as_str(), "release");
    let mut dice = teller.dice("hand over", order.number);
    let begun = teller.later(released, &mut dice, 0, 1);
    if !teller.trouble(Trouble::MessageFailed, "message failed", order.number) {
        teller.hop(BUS, begun, "map order to WMS format", &this, trace, None);
        teller.hop(BUS, begun + TimeDelta::milliseconds(40), "deliver order to WMS", &this, trace, None);
        return Some(begun);
    }
    let (stage, code, words) = dice.pick(&FAULTS);
    let fault = json!({"stage": stage, "code": code, "reason": words, "target": order.warehouse.source});
    teller.hop(BUS, begun, "deliver order to WMS", &this, trace, Some(words));
    teller.tell(BUS, begun, "message.failed", &this, &[], trace, fault.clone()).error = Some((*words).to_owned());
    let mut at = begun;
    for attempt in 2..=dice.between(2, 4) {
        at = teller.later(at, &mut dice, 10, 60);
        let data = json!({"stage": stage, "attempt": attempt, "target": order.warehouse.source});
        teller.tell(BUS, at, "message.retried", &this, &[], trace, data);
    }
    let end = teller.later(at, &mut dice, 1, 3);
    if dice.happens(0.2) {
        teller.tell(BUS, end, "message.dead_lettered", &this, &[], trace, fault).error = Some("given up".to_owned());
        return None;
    }
    let data = json!({"stage": stage, "target": order.warehouse.source});
    teller.tell(BUS, end, "message.delivered", &this, &[], trace, data);
    Some(end)
}

/// Cancels what was left short, so that the order can be completed.
pub fn cancel_rest(teller: &mut Teller, order: &Order, at: DateTime<Utc>, missing: &[(usize, Decimal)]) {
    let line = |(position, quantity): &(usize, Decimal)| {
        let line = &order.lines[*position];
        json!({"line": line.id, "quantity": quantity.to_string(), "unit": line.item.unit})
    };
    let lines: Value = missing.iter().map(line).collect();
    let data = json!({"lines": lines, "reason": "not available any more"});
    teller.tell(SPEAKER, at, "order.line_cancelled", &order.object(), &[], (&order.id, "ship"), data);
}

fn promises(teller: &Teller, order: &Order) -> (DateTime<Utc>, DateTime<Utc>) {
    let pace = teller.plot.pace;
    let hours = |h: u64| pace.of_life(h * 3_600_000);
    let ship = order.created + hours(if order.priority == "express" { 12 } else { 22 });
    let ship = if pace.office_hours { ship } else { ship.max(order.created + TimeDelta::seconds(1)) };
    (ship, ship + hours(order.customer.road_hours.1 + 8))
}
