//! A fact: what one event means for state. Built once from a stored event; corrections are laid over it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use milepost_ingest::{ACTING_SYSTEM, Event, ObjectRef};
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::Money;
use super::units::Conversion;

/// One stored event with what the door added to it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub event: Event,
    pub received_at: DateTime<Utc>,
    /// Journal offset of its payload.
    pub payload: u64,
}

/// An event as state sees it. Ordered by business time, then source, then id: a total order.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    pub occurred_at: DateTime<Utc>,
    pub source: Arc<str>,
    pub id: Box<str>,
    pub kind: Arc<str>,
    pub system: Arc<str>,
    pub received_at: DateTime<Utc>,
    pub refs: Box<[ObjectRef]>,
    pub detail: Detail,
}

/// The typed fields of an event's data that state is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detail {
    pub lines: Option<Box<[LineFact]>>,
    pub amount: Option<Money>,
    /// What mostly the root's first event says; apart, since few facts have any of it.
    pub head: Option<Box<Head>>,
    pub warehouse: Option<Box<str>>,
    pub carrier: Option<Box<str>>,
    pub lane: Option<Box<str>>,
    /// `approved` or `held` of a credit check, and the like.
    pub verdict: Option<Box<str>>,
    pub reason: Option<Box<str>>,
    pub eta: Option<DateTime<Utc>>,
    /// What mostly documents about money say.
    pub bill: Option<Box<Bill>>,
    /// Of an item: how its units convert.
    pub units: Option<Box<[Conversion]>>,
    /// Of event.voided and event.corrected: the id of the event that they name.
    pub names: Option<Box<str>>,
    /// Of event.corrected: the right fields.
    pub replace: Option<Box<Map<String, Value>>>,
    /// Of an act: all that it says.
    pub act: Option<Box<Map<String, Value>>>,
    /// Of object.aliased: the other number.
    pub alias: Option<Box<Alias>>,
    /// Whose numbers the event uses, where that is neither its customer nor its carrier.
    pub partner: Option<Box<str>>,
}

/// Another number of an object: in a system or of a kind (`wms`, `bol`, `sscc`, `customer_po`), of a partner or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    pub system: Box<str>,
    pub partner: Option<Box<str>>,
    pub id: Box<str>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    pub customer: Option<Box<str>>,
    pub promised_ship: Option<DateTime<Utc>>,
    pub promised_delivery: Option<DateTime<Utc>>,
    pub priority: Option<Box<str>>,
    pub billing_policy: Option<Box<str>>,
    pub pod_required: Option<bool>,
}

/// What a document about money says beside its amount and lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bill {
    /// The number on the paper.
    pub number: Option<Box<str>>,
    pub tax: Option<Money>,
    /// `freight`, `handling`, … of a charge.
    pub kind: Option<Box<str>>,
    /// Why billing is to stop; empty when it may go on.
    pub block: Option<Box<str>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineFact {
    pub order: Option<Box<str>>,
    pub line: Option<Box<str>>,
    pub sku: Option<Box<str>>,
    pub quantity: Decimal,
    pub unit: Option<Box<str>>,
    pub price: Option<Money>,
    /// What the whole line comes to, without tax.
    pub amount: Option<Money>,
    pub shipment: Option<Box<str>>,
    /// The line of the kit that this one is a component of.
    pub parent: Option<Box<str>>,
    pub lot: Option<Box<str>>,
    pub serials: Box<[Box<str>]>,
    /// How its unit converts, where the sender says so.
    pub units: Box<[Conversion]>,
}

impl Fact {
    /// Times are cut to milliseconds, as the store keeps them: state is the same before and after a restart.
    pub fn of(event: &Event, received_at: DateTime<Utc>) -> Self {
        let cut = |time: DateTime<Utc>| DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time);
        Self {
            occurred_at: cut(event.occurred_at.to_utc()),
            source: event.source.as_str().into(),
            id: event.id.as_str().into(),
            kind: event.kind.as_str().into(),
            system: event.system.as_str().into(),
            received_at: cut(received_at),
            refs: event.refs.clone().into(),
            detail: if event.system == ACTING_SYSTEM { Detail::of_act(&event.data) } else { Detail::of(&event.data) },
        }
    }

    /// Position in the canonical order of facts.
    pub fn order(&self) -> (DateTime<Utc>, &str, &str) {
        (self.occurred_at, &self.source, &self.id)
    }

    /// The state that the event leaves its object in: `shipped` of `shipment.shipped`.
    pub fn verb(&self) -> &str {
        match &*self.kind {
            "pick.completed" => "picked",
            "pack.completed" => "packed",
            kind => kind.split_once('.').map_or(kind, |(_, verb)| verb),
        }
    }

    /// What a person, a key or a rule of ours did, in contrast to what a system reports.
    pub fn is_act(&self) -> bool {
        &*self.system == ACTING_SYSTEM
    }

    /// Whether it names somebody as the one whose numbers it uses.
    pub fn names_partner(&self, partner: &str) -> bool {
        let detail = &self.detail;
        let customer = detail.head.as_ref().and_then(|h| h.customer.as_deref());
        let named = [detail.partner.as_deref(), customer, detail.carrier.as_deref()];
        named.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(partner))
    }

    /// Says something about another event, not about the object.
    pub fn is_amendment(&self) -> bool {
        matches!(&*self.kind, "event.voided" | "event.corrected")
    }

    fn correct(&mut self, replace: &Map<String, Value>) {
        let time = replace.get("time").or_else(|| replace.get("occurred_at"));
        if let Some(time) = time.and_then(instant) {
            self.occurred_at = time;
        }
        if let Some(refs) = replace.get("refs").and_then(refs) {
            self.refs = refs;
        }
        self.detail.lay(replace);
        if let Some(Value::Object(data)) = replace.get("data") {
            self.detail.lay(data);
        }
    }
}

/// The facts that hold after voids and corrections, in canonical order of their corrected times.
/// `facts` stand in canonical order; amendments may stand before what they amend. Who acts amends acts, and systems
/// amend what systems said.
pub fn effective(facts: Vec<Fact>) -> Vec<Fact> {
    if !facts.iter().any(Fact::is_amendment) {
        return facts;
    }
    let mut voids: Vec<(bool, &str)> = Vec::new();
    for fact in facts.iter().rev().filter(|f| &*f.kind == "event.voided") {
        // A void may itself be voided, by a later one.
        let is_void = voids.iter().any(|(act, named)| *act == fact.is_act() && **named == *fact.id);
        if let (Some(named), false) = (fact.detail.names.as_deref(), is_void) {
            voids.push((fact.is_act(), named));
        }
    }
    let voided = |fact: &Fact| voids.iter().any(|(act, named)| *act == fact.is_act() && **named == *fact.id);
    let corrections: Vec<&Fact> = facts.iter().filter(|f| &*f.kind == "event.corrected" && !voided(f)).collect();

    let holds = |fact: &&Fact| !fact.is_amendment() && !voided(fact);
    let mut result: Vec<Fact> = facts.iter().filter(holds).cloned().collect();
    for correction in corrections {
        let (Some(named), Some(replace)) = (correction.detail.names.as_deref(), &correction.detail.replace) else {
            continue;
        };
        for fact in result.iter_mut().filter(|f| &*f.id == named && f.is_act() == correction.is_act()) {
            fact.correct(replace);
        }
    }
    result.sort_by(|a, b| a.order().cmp(&b.order()));
    result
}

impl Detail {
    /// An act is kept whole: what it means is for those who look for it.
    fn of_act(data: &Map<String, Value>) -> Self {
        let alias = alias(data);
        Self { names: text(data, "event"), act: Some(Box::new(data.clone())), alias, ..Self::default() }
    }

    pub fn of(data: &Map<String, Value>) -> Self {
        let mut detail = Self::default();
        detail.lay(data);
        detail.names = text(data, "event");
        detail.partner = text(data, "partner");
        detail.replace = match data.get("replace") {
            Some(Value::Object(fields)) => Some(Box::new(fields.clone())),
            _ => None,
        };
        detail
    }

    /// Takes over the fields that `data` has, leaves the others.
    fn lay(&mut self, data: &Map<String, Value>) {
        fn set<T>(slot: &mut Option<T>, value: Option<T>) {
            if value.is_some() {
                *slot = value;
            }
        }
        if let Some(Value::Array(lines)) = data.get("lines") {
            self.lines = Some(lines.iter().filter_map(LineFact::of).collect());
        } else if let Some(line) = data.get("line").filter(|l| l.is_string())
            && let Some(line) = LineFact::of(&Value::Object(
                [("line".to_owned(), line.clone())]
                    .into_iter()
                    .chain(
                        ["quantity", "sku", "unit", "order", "lot", "serials", "units"]
                            .iter()
                            .filter_map(|k| Some(((*k).to_owned(), data.get(*k)?.clone()))),
                    )
                    .collect(),
            ))
        {
            self.lines = Some([line].into());
        }
        set(&mut self.amount, data.get("amount").and_then(money));
        let mut head = self.head.take().map(|h| *h).unwrap_or_default();
        set(&mut head.customer, text(data, "customer").or_else(|| nested(data, "customer")));
        set(&mut head.promised_ship, data.get("promised_ship").and_then(instant));
        set(&mut head.promised_delivery, data.get("promised_delivery").and_then(instant));
        set(&mut head.priority, text(data, "priority"));
        set(&mut head.billing_policy, text(data, "billing_policy"));
        set(&mut head.pod_required, data.get("pod_required").and_then(Value::as_bool));
        self.head = (head != Head::default()).then(|| Box::new(head));
        let mut bill = self.bill.take().map(|b| *b).unwrap_or_default();
        set(&mut bill.number, text(data, "number"));
        set(&mut bill.tax, data.get("tax").and_then(money));
        set(&mut bill.kind, text(data, "kind"));
        set(&mut bill.block, data.get("billing_block").and_then(block));
        self.bill = (bill != Bill::default()).then(|| Box::new(bill));
        set(&mut self.warehouse, text(data, "warehouse"));
        set(&mut self.carrier, text(data, "carrier"));
        set(&mut self.lane, text(data, "lane"));
        set(&mut self.verdict, text(data, "verdict").or_else(|| text(data, "result")));
        set(&mut self.reason, text(data, "reason").or_else(|| text(data, "code")).or_else(|| text(data, "detail")));
        set(&mut self.eta, data.get("eta").and_then(instant));
        set(&mut self.alias, alias(data));
        let units = conversions(data, text(data, "unit").as_deref());
        set(&mut self.units, (!units.is_empty()).then_some(units));
    }
}

impl LineFact {
    fn of(value: &Value) -> Option<Self> {
        let data = value.as_object()?;
        Some(Self {
            order: text(data, "order"),
            line: text(data, "line"),
            sku: text(data, "sku"),
            quantity: data.get("quantity").and_then(decimal).unwrap_or_default(),
            unit: text(data, "unit"),
            price: data.get("price").and_then(money),
            amount: data.get("amount").and_then(money),
            shipment: text(data, "shipment"),
            parent: text(data, "parent"),
            lot: text(data, "lot"),
            serials: match data.get("serials") {
                Some(Value::Array(serials)) => serials.iter().filter_map(Value::as_str).map(Into::into).collect(),
                _ => Box::default(),
            },
            units: conversions(data, text(data, "unit").as_deref()),
        })
    }
}

fn alias(data: &Map<String, Value>) -> Option<Box<Alias>> {
    let said = data.get("alias")?.as_object()?;
    let (system, id) = (text(said, "system")?, text(said, "id")?);
    Some(Box::new(Alias { system, partner: text(said, "partner").or_else(|| text(data, "partner")), id }))
}

/// `{"order": ["SO-2"], "load": "L-7"}`
fn refs(value: &Value) -> Option<Box<[ObjectRef]>> {
    let mut found = Vec::new();
    for (kind, ids) in value.as_object()? {
        let ids = match ids {
            Value::Array(ids) => ids.as_slice(),
            one => std::slice::from_ref(one),
        };
        found.extend(ids.iter().filter_map(Value::as_str).map(|id| ObjectRef::new(kind.as_str(), id)));
    }
    found.sort();
    found.dedup();
    Some(found.into())
}

/// `"units": [{"unit": "CS", "quantity": "12", "of": "EA"}]`; without `of` it is the unit that stands beside it.
fn conversions(data: &Map<String, Value>, beside: Option<&str>) -> Box<[Conversion]> {
    let Some(Value::Array(said)) = data.get("units") else { return Box::default() };
    let one = |value: &Value| {
        let fields = value.as_object()?;
        let quantity = decimal(fields.get("quantity")?)?;
        let of = text(fields, "of").or_else(|| beside.map(Into::into))?;
        Some(Conversion { unit: text(fields, "unit")?, quantity, of })
    };
    said.iter().filter_map(one).collect()
}

/// Strings, and numbers as they were written.
fn text(data: &Map<String, Value>, key: &str) -> Option<Box<str>> {
    match data.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// `true`, or the reason; `false` and an empty reason lift it.
fn block(value: &Value) -> Option<Box<str>> {
    match value {
        Value::Bool(true) => Some("no reason given".into()),
        Value::Bool(false) => Some("".into()),
        Value::String(text) => Some(text.as_str().into()),
        _ => None,
    }
}

/// `{"customer": {"name": …}}`, the other common spelling.
fn nested(data: &Map<String, Value>, key: &str) -> Option<Box<str>> {
    let inner = data.get(key)?.as_object()?;
    text(inner, "name").or_else(|| text(inner, "id"))
}

fn instant(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|t| t.to_utc())
}

/// Reads `"12.50"`, `12.50` and `1.25e1` exactly; None for what does not fit a decimal.
pub fn decimal(value: &Value) -> Option<Decimal> {
    let read = |text: &str| Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok();
    match value {
        Value::String(text) => read(text),
        Value::Number(number) => read(&number.to_string()),
        _ => None,
    }
}

fn money(value: &Value) -> Option<Money> {
    let object = value.as_object()?;
    Some(Money { value: decimal(object.get("value")?)?, currency: object.get("currency")?.as_str()?.to_owned() })
}
