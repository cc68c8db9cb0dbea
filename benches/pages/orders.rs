//! What comes in: orders that are all open, one in ten of them late, two in ten delivered; and records that are refused.

use std::ops::Range;

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};

const CURRENCIES: [&str; 4] = ["EUR", "USD", "GBP", "SEK"];
const WAREHOUSES: [&str; 6] = ["HAM-1", "ROT-2", "LYO-1", "MAD-3", "GDN-1", "CHI-4"];
const CARRIERS: [&str; 5] = ["Nordland Freight", "Baltic Road", "Iberia Cargo", "Rhine Lines", "Great Lakes"];

/// The events of these orders, as one body.
pub fn orders(numbers: Range<u64>) -> String {
    let now = Utc::now();
    Value::from(numbers.flat_map(|n| order(n, now, None)).collect::<Vec<Value>>()).to_string()
}

/// The same, none of them late, but promised to be shipped within the second after a moment.
pub fn due(numbers: Range<u64>, at: DateTime<Utc>) -> String {
    let now = Utc::now();
    let due = |n: u64| at + Duration::milliseconds((n % 1_000) as i64);
    let numbers = numbers.filter(|n| !n.is_multiple_of(10));
    Value::from(numbers.flat_map(|n| order(n, now, Some(due(n)))).collect::<Vec<Value>>()).to_string()
}

fn order(n: u64, now: DateTime<Utc>, due: Option<DateTime<Utc>>) -> Vec<Value> {
    let id = format!("SO-{n:012}");
    let pick = |from: &[&'static str], salt: u64| from[usize::try_from(n / salt % from.len() as u64).unwrap()];
    let (warehouse, carrier) = (pick(&WAREHOUSES, 3), pick(&CARRIERS, 7));
    let late = n.is_multiple_of(10);
    let delivered = due.is_none() && (n % 10 == 3 || n % 10 == 7);
    let created = if late { now - Duration::days(4) - Duration::minutes((n % 1_000) as i64) } else { now };
    let promise = now + Duration::days(20) + Duration::minutes((n * 7_919 % 40_000) as i64);
    let promise = time(due.unwrap_or(promise));
    let line = json!({"line": "10", "sku": format!("SKU-{}", n % 900), "quantity": "5", "unit": "EA"});
    let mut events = vec![event(
        "order.created",
        "erp/main",
        &id,
        &id,
        created,
        json!({
            "customer": format!("Customer {}", n * 31 % 500), "priority": "standard", "billing_policy": "complete",
            "pod_required": n.is_multiple_of(2), "warehouse": warehouse, "promised_ship": promise, "lines": [line],
            "amount": {"value": format!("{}.50", 20 + n * 37 % 9_000), "currency": pick(&CURRENCIES, 1)},
        }),
    )];
    if late {
        return events;
    }
    events.push(event("order.released", "erp/main", &id, &id, now, json!({"warehouse": warehouse})));
    let moved = json!({"lines": [{"order": id, "line": "10", "sku": format!("SKU-{}", n % 900), "quantity": "5", "unit": "EA"}], "warehouse": warehouse, "carrier": carrier});
    events.push(event("inventory.allocated", "wms/east-2", &id, &id, now, moved.clone()));
    if delivered {
        let shipment = format!("SH-{n:012}");
        for (kind, source) in
            [("shipment.created", "wms/east-2"), ("shipment.shipped", "wms/east-2"), ("shipment.delivered", "tms/main")]
        {
            events.push(event(kind, source, &shipment, &id, now, moved.clone()));
        }
    }
    events
}

fn event(kind: &str, source: &str, object: &str, order: &str, at: DateTime<Utc>, data: Value) -> Value {
    let object_type = if object == order { "order" } else { "shipment" };
    let refs = if object == order { json!({}) } else { json!({"order": [order]}) };
    json!({
        "id": format!("{kind}-{object}"), "type": kind, "source": source, "time": time(at),
        "object": {"type": object_type, "id": object}, "refs": refs, "data": data,
    })
}

/// Records of five sources that break their contract in four ways: twenty groups.
pub fn refused(numbers: Range<u64>) -> String {
    let now = Utc::now();
    let one = |n: u64| {
        let mut data =
            json!({"customer": "Customer 1", "lines": [{"line": "10", "sku": "A", "quantity": "5", "unit": "EA"}]});
        match n / 5 % 4 {
            0 => data["amount"] = json!({"value": "12,50", "currency": "EUR"}),
            1 => data["pod_required"] = json!("maybe"),
            2 => data["promised_ship"] = json!("next week"),
            _ => data["lines"] = json!("none"),
        }
        let id = format!("SO-{:012}", n * 10 + 1);
        json!({
            "id": format!("refused-{n}"), "type": "order.created", "source": format!("shop/{}", n % 5), "time": time(now),
            "object": {"type": "order", "id": id}, "data": data,
        })
    };
    Value::from(numbers.map(one).collect::<Vec<Value>>()).to_string()
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
