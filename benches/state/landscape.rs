//! The events of many orders: those of the demo's landscape from order to invoice, which nobody has paid yet.

use chrono::{DateTime, TimeDelta, Utc};
use milepost::domain::Fact;
use milepost::simulate::story::{CHAPTER, Pace, Plot, chapter};
use milepost::simulate::troubles::Mix;
use milepost::simulate::wire;
use milepost_ingest::{Context, Contracts, Form, Limits, Mapping, ObjectRef, read};
use serde_json::json;

pub type Told = (ObjectRef, Fact);

pub struct Landscape {
    orders: u64,
    begun: DateTime<Utc>,
}

/// Events of the live way that are taken and folded at once.
const BATCH: usize = 5_000;
/// Chapters that go on at the same time, so that the events of an order come between those of thousands of others.
const TOGETHER: u64 = 2_500;

/// What closes an order, and what belongs to other workflows than orders.
const ELSEWHERE: [&str; 9] = [
    "payment.",
    "invoice.posted",
    "goods.",
    "inventory.posted",
    "inventory.adjusted",
    "freight_invoice.",
    "accrual.",
    "message.",
    "customer.",
];

impl Landscape {
    pub fn new(orders: u64) -> Self {
        Self { orders, begun: Utc::now() - TimeDelta::days(3) }
    }

    /// Facts in the order of sending, received when they were sent, in batches as the pipeline takes them.
    pub fn batches(&self) -> impl Iterator<Item = Vec<Told>> {
        let plot = Plot { seed: 7, first: 100_000, mix: Mix::usual(), pace: Pace::LIFE };
        let chapters = self.orders / CHAPTER;
        (0..chapters).step_by(usize::try_from(TOGETHER).unwrap()).flat_map(move |first| {
            let starts: Vec<DateTime<Utc>> = (0..CHAPTER).map(|_| self.begun).collect();
            let mut said: Vec<_> = (first..chapters.min(first + TOGETHER))
                .flat_map(|number| chapter(&plot, number, &starts))
                .filter(|said| said.kind().is_some_and(|kind| !ELSEWHERE.iter().any(|other| kind.starts_with(other))))
                .collect();
            said.sort_by_key(|said| said.sent_at);
            let said: Vec<_> = said.iter().filter_map(|s| Some((s.sent_at, wire::event(s)?.to_string()))).collect();
            let one = |(sent_at, line): &(DateTime<Utc>, String)| facts(line.as_bytes(), *sent_at);
            let batches: Vec<Vec<Told>> = said.chunks(BATCH).map(|part| part.iter().flat_map(one).collect()).collect();
            batches
        })
    }
}

/// Orders that all hang on one load.
pub fn load_of(orders: u32) -> Vec<Told> {
    let time = (Utc::now() - TimeDelta::days(1)).to_rfc3339();
    let mut lines = String::new();
    for n in 0..orders {
        let (order, shipment) = (format!("SO-{n}"), format!("SH-{n}"));
        let rows = json!([{"line": "10", "sku": "A", "quantity": "4", "unit": "EA", "price": {"value": "2", "currency": "EUR"}}]);
        let shipped = json!([{"order": order, "line": "10", "sku": "A", "quantity": "4", "unit": "EA"}]);
        for (kind, object, refs, data) in [
            ("order.created", ("order", &order), json!({}), json!({"customer": "C-1", "lines": rows})),
            ("order.released", ("order", &order), json!({}), json!({})),
            ("inventory.allocated", ("order", &order), json!({}), json!({"lines": shipped})),
            ("shipment.created", ("shipment", &shipment), json!({"order": [order]}), json!({"lines": shipped})),
            ("shipment.shipped", ("shipment", &shipment), json!({"load": ["L-1"]}), json!({"lines": shipped})),
        ] {
            let object = json!({"type": object.0, "id": object.1});
            let event = json!({
                "id": format!("{kind}-{n}"), "type": kind, "schema_version": 1, "source": "bench/rig", "time": time,
                "object": object, "refs": refs, "data": data,
            });
            lines.push_str(&format!("{event}\n"));
        }
    }
    facts(lines.as_bytes(), Utc::now())
}

fn facts(lines: &[u8], received_at: DateTime<Utc>) -> Vec<Told> {
    let (mapping, limits) = (Mapping::none(), Limits::default());
    let ctx = Context { contracts: Contracts::shipped(), mapping: &mapping, limits: &limits, received_at, source: "k" };
    let reading = read(Form::Ndjson, &[], lines, &ctx).unwrap();
    reading.events.iter().map(|event| (event.object.clone(), Fact::of(event, received_at))).collect()
}
