//! What happens to orders in the landscape: a pure function of seed, number and time. The same plot tells the same events with
//! the same ids. Sending them is for `senders`, their form for `wire`.

mod billing;
mod distort;
mod erp;
mod stock;
mod tms;
mod wms;

pub use distort::rfc3339;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, Offset, TimeDelta, TimeZone, Timelike, Utc};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::troubles::{Mix, Trouble};
use super::world::{Carrier, Customer, Item, Warehouse};

/// Orders are told in chapters, because those of one chapter may share loads.
pub const CHAPTER: u64 = 4;

/// All that decides what is told.
#[derive(Clone, Debug)]
pub struct Plot {
    pub seed: u64,
    /// Number of the first order; it shows in every id.
    pub first: u64,
    pub mix: Mix,
    pub pace: Pace,
}

/// How fast things happen.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// 1 is life; at 600 two days pass in five minutes.
    pub speed: f64,
    /// Warehouses and offices sleep at night. Only sensible at the speed of life.
    pub office_hours: bool,
}

impl Pace {
    pub const LIFE: Self = Self { speed: 1.0, office_hours: true };

    pub fn fast(speed: f64) -> Self {
        Self { speed, office_hours: false }
    }

    /// A time of that many minutes of life, by chance between both.
    pub fn minutes(&self, dice: &mut Dice, low: u64, high: u64) -> TimeDelta {
        self.of_life(dice.between(low * 60_000, high * 60_000))
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "weeks in ms fit a double exactly"
    )]
    pub fn of_life(&self, ms: u64) -> TimeDelta {
        TimeDelta::milliseconds((ms as f64 / self.speed) as i64)
    }

    /// The same time, or where it is night, the next morning.
    fn awake(&self, at: DateTime<Utc>, offset_minutes: i32) -> DateTime<Utc> {
        let local = at + TimeDelta::minutes(offset_minutes.into());
        let hour = local.hour();
        if !self.office_hours || (6..22).contains(&hour) {
            return at;
        }
        let until_six = (6 + 24 - i64::from(hour)) % 24;
        at + TimeDelta::hours(until_six) - TimeDelta::minutes(local.minute().into())
    }
}

/// The system that speaks, and so the door that it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Voice {
    /// JSON events.
    Erp,
    /// OTLP logs.
    Wms,
    /// CloudEvents batches.
    Tms,
    /// OTLP spans.
    Billing,
    /// NDJSON files.
    Finance,
    /// OTLP spans, errors among them.
    Middleware,
}

/// One thing that one system says.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// When it is sent; usually a moment after it happened.
    pub sent_at: DateTime<Utc>,
    /// Business time, in the clock of the place.
    pub at: DateTime<FixedOffset>,
    pub voice: Voice,
    pub source: &'static str,
    pub object: ObjectRef,
    pub trace: Trace,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Event(Told),
    /// A technical step on the way, told as a span only.
    Hop {
        name: String,
        error: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub id: String,
    pub kind: &'static str,
    pub refs: Vec<ObjectRef>,
    pub data: Map<String, Value>,
    pub spoilt: Option<Spoilt>,
    /// The span that tells it ends in error.
    pub error: Option<String>,
}

/// How a wrong payload is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoilt {
    /// A quantity or an amount is a word.
    WordForNumber,
    /// The object has no id.
    NoObject,
    /// The time is in a local form without offset.
    BadTime,
    /// A type that nobody knows.
    UnknownType,
    /// The body ends in the middle.
    CutOff,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    /// Zeros for the first of a trace.
    pub parent: [u8; 8],
    pub took_ms: u32,
}

/// A sales order as the ERP means it.
#[derive(Clone, Debug)]
pub struct Order {
    pub number: u64,
    pub id: String,
    pub customer: &'static Customer,
    pub warehouse: &'static Warehouse,
    pub carrier: &'static Carrier,
    pub priority: &'static str,
    pub lines: Vec<Line>,
    pub created: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub id: String,
    pub item: &'static Item,
    pub quantity: Decimal,
}

/// A shipment on its way.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub id: String,
    /// Position of its order in the chapter.
    pub of: usize,
    /// Positions of the order's lines, with what really left.
    pub lines: Vec<(usize, Decimal)>,
    pub created: DateTime<Utc>,
    pub shipped: DateTime<Utc>,
    /// Set by the TMS.
    pub delivered: Option<DateTime<Utc>>,
    pub proven: Option<DateTime<Utc>>,
    pub charged: Option<DateTime<Utc>>,
}

/// Tells all that happens to the orders of one chapter, which begin at `starts`. In order of sending.
pub fn chapter(plot: &Plot, number: u64, starts: &[DateTime<Utc>]) -> Vec<Said> {
    let mut teller = Teller { plot, number, said: Vec::new(), spans: BTreeMap::new() };
    let orders = erp::orders(&teller, starts);
    let mut parcels = Vec::new();
    let mut early_invoices = Vec::new();
    for (position, order) in orders.iter().enumerate() {
        let Some(released) = erp::release(&mut teller, order) else { continue };
        early_invoices.push((position, billing::premature(&mut teller, order, released)));
        parcels.extend(wms::ship(&mut teller, order, position, released));
    }
    tms::carry(&mut teller, &orders, &mut parcels);
    for (position, early) in early_invoices {
        let own: Vec<&Parcel> = parcels.iter().filter(|p| p.of == position).collect();
        billing::bill(&mut teller, &orders[position], &own, early);
    }
    if let Some(begun) = starts.first() {
        stock::stock(&mut teller, *begun);
    }
    let mut said = teller.said;
    distort::distort(plot, number, &mut said);
    said.sort_by_key(|s| s.sent_at);
    said
}

/// Takes down what is said.
struct Teller<'p> {
    plot: &'p Plot,
    number: u64,
    said: Vec<Said>,
    /// The last span of each trace, the parent of the next.
    spans: BTreeMap<[u8; 16], [u8; 8]>,
}

/// Who says it and where he stands.
#[derive(Clone, Copy)]
struct Speaker {
    voice: Voice,
    source: &'static str,
    offset_minutes: i32,
}

impl Speaker {
    const fn head_office(voice: Voice, source: &'static str) -> Self {
        Self { voice, source, offset_minutes: 60 }
    }

    fn warehouse(warehouse: &Warehouse) -> Self {
        Self { voice: Voice::Wms, source: warehouse.source, offset_minutes: warehouse.offset_minutes }
    }
}

/// `order/SO-1` and the like, from what a system knows.
fn object(kind: &str, id: &str) -> ObjectRef {
    ObjectRef::new(kind, id)
}

impl Teller<'_> {
    fn dice(&self, topic: &str, number: u64) -> Dice {
        Dice::new(self.plot.seed, topic, number)
    }

    fn trouble(&self, trouble: Trouble, topic: &str, number: u64) -> bool {
        self.dice(topic, number).happens(self.plot.mix.share(trouble))
    }

    /// A later time, by chance.
    fn later(&self, from: DateTime<Utc>, dice: &mut Dice, low: u64, high: u64) -> DateTime<Utc> {
        from + self.plot.pace.minutes(dice, low, high)
    }

    /// Says that `kind` happened to `object`. `leg` names the trace that it belongs to, within that of the order or load `of`.
    #[expect(
        clippy::too_many_arguments,
        reason = "an event has that many parts, and the story reads best as one call each"
    )]
    fn tell(
        &mut self,
        speaker: Speaker,
        at: DateTime<Utc>,
        kind: &'static str,
        object: &ObjectRef,
        refs: &[ObjectRef],
        trace: (&str, &str),
        data: Value,
    ) -> &mut Told {
        let prefix = speaker.source.split_once('/').map_or(speaker.source, |(system, _)| system);
        let mut id = format!("{prefix}-{}-{}", object.id, kind.replace('.', "-"));
        let same = self.said.iter().filter(|s| matches!(&s.what, What::Event(e) if e.id.starts_with(&id))).count();
        if same > 0 {
            id = format!("{id}-{}", same + 1);
        }
        let Value::Object(data) = data else { unreachable!("event data is an object") };
        let told = Told { id: id.clone(), kind, refs: refs.to_vec(), data, spoilt: None, error: None };
        let trace = self.step(trace, &id);
        self.add(speaker, at, object, trace, What::Event(told));
        let Some(Said { what: What::Event(told), .. }) = self.said.last_mut() else { unreachable!("just said") };
        told
    }

    /// Says that a message took a technical step.
    fn hop(
        &mut self,
        speaker: Speaker,
        at: DateTime<Utc>,
        name: &str,
        object: &ObjectRef,
        trace: (&str, &str),
        error: Option<&str>,
    ) {
        let trace = self.step(trace, name);
        let what = What::Hop { name: name.to_owned(), error: error.map(str::to_owned) };
        self.add(speaker, at, object, trace, what);
    }

    fn add(&mut self, speaker: Speaker, at: DateTime<Utc>, object: &ObjectRef, trace: Trace, what: What) {
        let at = Utc.timestamp_millis_opt(at.timestamp_millis()).single().unwrap_or(at);
        let lag = self.dice("lag", self.number * 1000 + self.said.len() as u64).between(300, 9_000);
        let offset = FixedOffset::east_opt(speaker.offset_minutes * 60).unwrap_or_else(|| Utc.fix());
        let (voice, source, object) = (speaker.voice, speaker.source, object.clone());
        let sent_at = at + self.plot.pace.of_life(lag);
        self.said.push(Said { sent_at, at: at.with_timezone(&offset), voice, source, object, trace, what });
    }

    fn step(&mut self, (of, leg): (&str, &str), name: &str) -> Trace {
        let mut dice = self.dice(&format!("{of}/{leg}"), 0);
        let mut trace_id = [0; 16];
        trace_id[..8].copy_from_slice(&dice.number().to_be_bytes());
        trace_id[8..].copy_from_slice(&dice.number().to_be_bytes());
        let mut dice = self.dice(&format!("{of}/{leg}/{name}"), self.said.len() as u64);
        let span_id = dice.number().to_be_bytes();
        let took_ms = u32::try_from(dice.between(3, 900)).unwrap_or(3);
        let parent = self.spans.insert(trace_id, span_id).unwrap_or_default();
        Trace { trace_id, span_id, parent, took_ms }
    }
}

impl Order {
    fn object(&self) -> ObjectRef {
        object("order", &self.id)
    }

    /// Lines as the WMS says them.
    fn lines_json(&self, lines: &[(usize, Decimal)]) -> Value {
        let line = |(position, quantity): &(usize, Decimal)| {
            let line = &self.lines[*position];
            json!({"order": self.id, "line": line.id, "sku": line.item.sku, "quantity": quantity.to_string(), "unit": line.item.unit})
        };
        lines.iter().map(line).collect()
    }

    fn all_lines(&self) -> Vec<(usize, Decimal)> {
        self.lines.iter().map(|l| l.quantity).enumerate().collect()
    }

    /// Net price of these lines.
    fn worth(&self, lines: &[(usize, Decimal)]) -> Decimal {
        lines.iter().map(|(position, quantity)| self.lines[*position].price() * quantity).sum()
    }

    fn lane(&self) -> String {
        format!("{} - {}", self.warehouse.city, self.customer.city)
    }

    fn money(&self, value: Decimal) -> Value {
        json!({"value": format!("{value:.2}"), "currency": self.customer.currency})
    }
}

impl Line {
    fn price(&self) -> Decimal {
        Decimal::new(i64::try_from(self.item.price_cents).unwrap_or_default(), 2)
    }
}
