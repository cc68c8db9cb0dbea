//! Facts as bytes. An open order has some twenty facts, most with few fields: packed they take a tenth of what they
//! take as values, and they are unpacked only when something is derived from them.
//! These bytes never leave the process, so the format may change with every version.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use crate::domain::Money;
use crate::domain::fact::{Alias, Bill, Detail, Fact, Head, LineFact};
use crate::domain::units::Conversion;

/// Words that are kept once and named by number; beyond so many (a sender that makes up units) they are spelled out.
const MAX_WORDS: usize = 1 << 16;
/// Longer ones are no words.
const MAX_WORD_BYTES: usize = 64;

/// The words that most facts share: types, sources, systems, units, currencies.
#[derive(Debug, Default)]
pub struct Words {
    list: Vec<Arc<str>>,
    numbers: FxHashMap<Arc<str>, u32>,
}

impl Words {
    pub fn number(&mut self, word: &str) -> Option<u32> {
        if let Some(number) = self.numbers.get(word) {
            return Some(*number);
        }
        if self.list.len() >= MAX_WORDS || word.len() > MAX_WORD_BYTES {
            return None;
        }
        let number = u32::try_from(self.list.len()).ok()?;
        let word: Arc<str> = word.into();
        self.list.push(Arc::clone(&word));
        self.numbers.insert(word, number);
        Some(number)
    }

    pub fn word(&self, number: u32) -> Option<&Arc<str>> {
        self.list.get(number as usize)
    }
}

/// What is told of a packed fact without unpacking it.
pub struct Glimpse<'b> {
    pub hash: u32,
    /// It came under another name than that of its slot.
    pub moved: bool,
    pub body: &'b [u8],
}

/// The records of a row of packed facts.
pub fn glimpses(mut bytes: &[u8]) -> impl Iterator<Item = Glimpse<'_>> {
    std::iter::from_fn(move || {
        let mut unpack = Unpack { bytes, words: None };
        let length = unpack.number()?;
        let (record, rest) = unpack.bytes.split_at_checked(usize::try_from(length).ok()?)?;
        bytes = rest;
        let (hash, body) = record.split_at_checked(4)?;
        let (moved, body) = body.split_first()?;
        Some(Glimpse { hash: u32::from_le_bytes(hash.try_into().ok()?), moved: *moved == 1, body })
    })
}

/// A hash of what makes a fact the same: its source and id.
pub fn identity(fact: &Fact) -> u32 {
    use std::hash::{Hash, Hasher};
    let mut hasher = rustc_hash::FxHasher::default();
    (&*fact.source, &*fact.id).hash(&mut hasher);
    let hash = hasher.finish();
    (hash >> 32) as u32 ^ hash as u32
}

/// Adds a fact to a row of packed ones. `room` is used for the record meanwhile.
pub fn push(bytes: &mut Vec<u8>, room: &mut Vec<u8>, words: &mut Words, fact: &Fact, moved: bool) {
    room.clear();
    let mut pack = Pack { out: room, words };
    pack.fact(fact);
    let mut length = Vec::with_capacity(3);
    write_number(&mut length, room.len() as u128 + 5);
    let more = length.len() + 5 + room.len();
    if bytes.capacity() - bytes.len() < more {
        // Most objects have few facts and stay small; those that grow, grow by a quarter.
        bytes.reserve_exact(more + bytes.len() / 4);
    }
    bytes.extend_from_slice(&length);
    bytes.extend_from_slice(&identity(fact).to_le_bytes());
    bytes.push(moved.into());
    bytes.extend_from_slice(room);
}

/// Reads a record. Its links are left out unless asked for: a transport may name hundreds.
pub fn read(body: &[u8], words: &Words, with_refs: bool) -> Option<Fact> {
    let mut facts = Vec::with_capacity(1);
    read_into(body, words, with_refs, &mut facts);
    facts.pop()
}

/// Reads a record onto the end of a list: a fact is large, and is not moved about.
pub fn read_into(body: &[u8], words: &Words, with_refs: bool, facts: &mut Vec<Fact>) {
    let before = facts.len();
    if (Unpack { bytes: body, words: Some(words) }).fact(with_refs, facts).is_none() {
        facts.truncate(before);
    }
}

/// When a record was received, where it names an object; without reading the rest.
pub fn naming(body: &[u8], words: &Words, kind: &str, id: &str) -> Option<DateTime<Utc>> {
    let mut unpack = Unpack { bytes: body, words: Some(words) };
    let received_ms = unpack.signed()? + unpack.signed()?;
    for _word in ["source", "kind", "system"] {
        unpack.word()?;
    }
    unpack.text()?;
    let mut named = unpack.refs()?;
    while !named.bytes.is_empty() {
        let is_kind = named.word()? == kind;
        if named.text()? == id && is_kind {
            return DateTime::from_timestamp_millis(received_ms);
        }
    }
    None
}

/// Whether a record is of the fact with this source and id, without reading the rest.
pub fn is_of(body: &[u8], words: &Words, source: &str, id: &str) -> bool {
    let mut unpack = Unpack { bytes: body, words: Some(words) };
    let mut same = || {
        let (_occurred, _received) = (unpack.signed()?, unpack.signed()?);
        let same_source = unpack.word()? == source;
        let (_kind, _system) = (unpack.word()?, unpack.word()?);
        Some(same_source && unpack.text()? == id)
    };
    same().unwrap_or(false)
}

fn write_number(out: &mut Vec<u8>, mut number: u128) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

struct Pack<'p> {
    out: &'p mut Vec<u8>,
    words: &'p mut Words,
}

const LINES: u16 = 1;
const AMOUNT: u16 = 1 << 1;
const HEAD: u16 = 1 << 2;
const WAREHOUSE: u16 = 1 << 3;
const CARRIER: u16 = 1 << 4;
const VERDICT: u16 = 1 << 5;
const REASON: u16 = 1 << 6;
const ETA: u16 = 1 << 7;
const UNITS: u16 = 1 << 8;
const NAMES: u16 = 1 << 9;
const REPLACE: u16 = 1 << 10;
const ACT: u16 = 1 << 11;
const ALIAS: u16 = 1 << 12;
const PARTNER: u16 = 1 << 13;
const LANE: u16 = 1 << 14;
const BILL: u16 = 1 << 15;

impl Pack<'_> {
    fn fact(&mut self, fact: &Fact) {
        let occurred_ms = fact.occurred_at.timestamp_millis();
        self.signed(occurred_ms);
        self.signed(fact.received_at.timestamp_millis() - occurred_ms);
        self.word(&fact.source);
        self.word(&fact.kind);
        self.word(&fact.system);
        self.text(&fact.id);
        self.refs(&fact.refs);
        self.detail(&fact.detail);
    }

    /// With their length first, so that they can be passed over at once: a transport may name hundreds.
    fn refs(&mut self, refs: &[ObjectRef]) {
        let begun = self.out.len();
        for object in refs {
            self.word(&object.kind);
            self.text(&object.id);
        }
        let named = self.out.split_off(begun);
        self.number(named.len() as u128);
        self.out.extend_from_slice(&named);
    }

    fn detail(&mut self, detail: &Detail) {
        // Named one by one, so that a new field cannot be forgotten here.
        let Detail {
            lines: _,
            amount: _,
            head: _,
            warehouse: _,
            carrier: _,
            lane: _,
            verdict: _,
            reason: _,
            eta: _,
            bill: _,
            units: _,
            names: _,
            replace: _,
            act: _,
            alias: _,
            partner: _,
        } = detail;
        let has = |there: bool, flag: u16| if there { flag } else { 0 };
        let flags = has(detail.lines.is_some(), LINES)
            | has(detail.amount.is_some(), AMOUNT)
            | has(detail.head.is_some(), HEAD)
            | has(detail.warehouse.is_some(), WAREHOUSE)
            | has(detail.carrier.is_some(), CARRIER)
            | has(detail.verdict.is_some(), VERDICT)
            | has(detail.reason.is_some(), REASON)
            | has(detail.eta.is_some(), ETA)
            | has(detail.units.is_some(), UNITS)
            | has(detail.names.is_some(), NAMES)
            | has(detail.replace.is_some(), REPLACE)
            | has(detail.act.is_some(), ACT)
            | has(detail.alias.is_some(), ALIAS)
            | has(detail.partner.is_some(), PARTNER)
            | has(detail.lane.is_some(), LANE)
            | has(detail.bill.is_some(), BILL);
        self.number(flags.into());
        if let Some(lines) = &detail.lines {
            self.number(lines.len() as u128);
            lines.iter().for_each(|line| self.line(line));
        }
        detail.amount.iter().for_each(|money| self.money(money));
        detail.head.iter().for_each(|head| self.head(head));
        detail.warehouse.iter().for_each(|text| self.word(text));
        detail.carrier.iter().for_each(|text| self.word(text));
        detail.verdict.iter().for_each(|text| self.word(text));
        detail.reason.iter().for_each(|text| self.text(text));
        detail.eta.iter().for_each(|time| self.time(time));
        detail.units.iter().for_each(|units| self.units(units));
        detail.names.iter().for_each(|text| self.text(text));
        detail.replace.iter().for_each(|map| self.json(map));
        detail.act.iter().for_each(|map| self.json(map));
        if let Some(alias) = &detail.alias {
            self.word(&alias.system);
            self.maybe(alias.partner.as_deref(), |p, text| p.text(text));
            self.text(&alias.id);
        }
        detail.partner.iter().for_each(|text| self.text(text));
        detail.lane.iter().for_each(|text| self.word(text));
        if let Some(bill) = &detail.bill {
            self.maybe(bill.number.as_deref(), |p, text| p.text(text));
            self.maybe(bill.tax.as_ref(), |p, money| p.money(money));
            self.maybe(bill.kind.as_deref(), |p, text| p.word(text));
            self.maybe(bill.block.as_deref(), |p, text| p.text(text));
        }
    }

    fn line(&mut self, line: &LineFact) {
        self.maybe(line.order.as_deref(), |p, text| p.text(text));
        self.maybe(line.line.as_deref(), |p, text| p.text(text));
        self.maybe(line.sku.as_deref(), |p, text| p.text(text));
        self.decimal(line.quantity);
        self.maybe(line.unit.as_deref(), |p, text| p.word(text));
        self.maybe(line.price.as_ref(), |p, money| p.money(money));
        self.maybe(line.amount.as_ref(), |p, money| p.money(money));
        self.maybe(line.shipment.as_deref(), |p, text| p.text(text));
        self.maybe(line.parent.as_deref(), |p, text| p.text(text));
        self.maybe(line.lot.as_deref(), |p, text| p.text(text));
        self.number(line.serials.len() as u128);
        line.serials.iter().for_each(|serial| self.text(serial));
        self.units(&line.units);
    }

    fn units(&mut self, units: &[Conversion]) {
        self.number(units.len() as u128);
        for conversion in units {
            self.word(&conversion.unit);
            self.decimal(conversion.quantity);
            self.word(&conversion.of);
        }
    }

    fn head(&mut self, head: &Head) {
        self.maybe(head.customer.as_deref(), |p, text| p.text(text));
        self.maybe(head.promised_ship.as_ref(), |p, time| p.time(time));
        self.maybe(head.promised_delivery.as_ref(), |p, time| p.time(time));
        self.maybe(head.priority.as_deref(), |p, text| p.word(text));
        self.maybe(head.billing_policy.as_deref(), |p, text| p.word(text));
        self.out.push(head.pod_required.map_or(0, |yes| 1 + u8::from(yes)));
    }

    fn maybe<T: ?Sized>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.out.push(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn money(&mut self, money: &Money) {
        self.decimal(money.value);
        self.word(&money.currency);
    }

    fn decimal(&mut self, value: Decimal) {
        self.out.push(value.scale() as u8 | if value.is_sign_negative() { 0x80 } else { 0 });
        self.number(value.mantissa().unsigned_abs());
    }

    fn time(&mut self, time: &DateTime<Utc>) {
        self.signed(time.timestamp_millis());
        // What a sender says of later may be finer than what we stamp.
        self.number(u128::from(time.timestamp_subsec_nanos() % 1_000_000));
    }

    fn json(&mut self, map: &Map<String, Value>) {
        self.text(&serde_json::to_string(map).unwrap_or_default());
    }

    fn word(&mut self, word: &str) {
        match self.words.number(word) {
            Some(number) => self.number(u128::from(number) + 1),
            None => {
                self.out.push(0);
                self.text(word);
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u128);
        self.out.extend_from_slice(text.as_bytes());
    }

    fn signed(&mut self, number: i64) {
        self.number(u128::from(((number << 1) ^ (number >> 63)) as u64));
    }

    fn number(&mut self, number: u128) {
        write_number(self.out, number);
    }
}

struct Unpack<'b> {
    bytes: &'b [u8],
    words: Option<&'b Words>,
}

impl<'b> Unpack<'b> {
    fn fact(&mut self, with_refs: bool, facts: &mut Vec<Fact>) -> Option<()> {
        let occurred_ms = self.signed()?;
        let received_ms = occurred_ms + self.signed()?;
        let (source, kind, system) = (self.shared()?, self.shared()?, self.shared()?);
        facts.push(Fact {
            occurred_at: DateTime::from_timestamp_millis(occurred_ms)?,
            received_at: DateTime::from_timestamp_millis(received_ms)?,
            source,
            id: self.boxed()?,
            kind,
            system,
            refs: Box::default(),
            detail: Detail::default(),
        });
        let fact = facts.last_mut()?;
        let mut named = self.refs()?;
        if with_refs {
            let mut refs = Vec::new();
            while !named.bytes.is_empty() {
                let kind = named.word()?.to_owned();
                refs.push(ObjectRef { kind, id: named.text()?.to_owned() });
            }
            fact.refs = refs.into();
        }
        self.detail(&mut fact.detail)
    }

    /// The objects that a fact names, still packed.
    fn refs(&mut self) -> Option<Self> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(Self { bytes, words: self.words })
    }

    fn detail(&mut self, detail: &mut Detail) -> Option<()> {
        let flags = self.number()? as u16;
        if flags & LINES != 0 {
            let (count, mut lines) = self.list()?;
            for _ in 0..count {
                lines.push(self.line()?);
            }
            detail.lines = Some(lines.into());
        }
        if flags & AMOUNT != 0 {
            detail.amount = Some(self.money()?);
        }
        if flags & HEAD != 0 {
            detail.head = Some(Box::new(self.head()?));
        }
        for (flag, slot) in
            [(WAREHOUSE, &mut detail.warehouse), (CARRIER, &mut detail.carrier), (VERDICT, &mut detail.verdict)]
        {
            if flags & flag != 0 {
                *slot = Some(self.word()?.into());
            }
        }
        if flags & REASON != 0 {
            detail.reason = Some(self.boxed()?);
        }
        if flags & ETA != 0 {
            detail.eta = Some(self.time()?);
        }
        if flags & UNITS != 0 {
            detail.units = Some(self.units()?);
        }
        if flags & NAMES != 0 {
            detail.names = Some(self.boxed()?);
        }
        if flags & REPLACE != 0 {
            detail.replace = Some(Box::new(self.json()?));
        }
        if flags & ACT != 0 {
            detail.act = Some(Box::new(self.json()?));
        }
        if flags & ALIAS != 0 {
            let system = self.word()?.into();
            let partner = self.maybe(Self::boxed)?;
            detail.alias = Some(Box::new(Alias { system, partner, id: self.boxed()? }));
        }
        if flags & PARTNER != 0 {
            detail.partner = Some(self.boxed()?);
        }
        if flags & LANE != 0 {
            detail.lane = Some(self.word()?.into());
        }
        if flags & BILL != 0 {
            detail.bill = Some(Box::new(Bill {
                number: self.maybe(Self::boxed)?,
                tax: self.maybe(Self::money)?,
                kind: self.maybe(|u| Some(u.word()?.into()))?,
                block: self.maybe(Self::boxed)?,
            }));
        }
        Some(())
    }

    fn line(&mut self) -> Option<LineFact> {
        Some(LineFact {
            order: self.maybe(Self::boxed)?,
            line: self.maybe(Self::boxed)?,
            sku: self.maybe(Self::boxed)?,
            quantity: self.decimal()?,
            unit: self.maybe(|u| Some(u.word()?.into()))?,
            price: self.maybe(Self::money)?,
            amount: self.maybe(Self::money)?,
            shipment: self.maybe(Self::boxed)?,
            parent: self.maybe(Self::boxed)?,
            lot: self.maybe(Self::boxed)?,
            serials: {
                let (count, mut serials) = self.list()?;
                for _ in 0..count {
                    serials.push(self.boxed()?);
                }
                serials.into()
            },
            units: self.units()?,
        })
    }

    fn units(&mut self) -> Option<Box<[Conversion]>> {
        let (count, mut units) = self.list()?;
        for _ in 0..count {
            let unit = self.word()?.into();
            let quantity = self.decimal()?;
            units.push(Conversion { unit, quantity, of: self.word()?.into() });
        }
        Some(units.into())
    }

    fn head(&mut self) -> Option<Head> {
        Some(Head {
            customer: self.maybe(Self::boxed)?,
            promised_ship: self.maybe(Self::time)?,
            promised_delivery: self.maybe(Self::time)?,
            priority: self.maybe(|u| Some(u.word()?.into()))?,
            billing_policy: self.maybe(|u| Some(u.word()?.into()))?,
            pod_required: match self.byte()? {
                0 => None,
                yes => Some(yes == 2),
            },
        })
    }

    /// How many follow, and room for them.
    fn list<T>(&mut self) -> Option<(usize, Vec<T>)> {
        let count = usize::try_from(self.number()?).ok()?;
        // Each takes a byte at least.
        (count <= self.bytes.len()).then(|| (count, Vec::with_capacity(count)))
    }

    /// None when the bytes end; Some(None) when there is nothing by design.
    fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            _ => read(self).map(Some),
        }
    }

    fn money(&mut self) -> Option<Money> {
        Some(Money { value: self.decimal()?, currency: self.word()?.to_owned() })
    }

    fn decimal(&mut self) -> Option<Decimal> {
        let first = self.byte()?;
        let mantissa = i128::try_from(self.wide_number()?).ok()?;
        let mut value = Decimal::try_from_i128_with_scale(mantissa, u32::from(first & 0x7f)).ok()?;
        value.set_sign_negative(first & 0x80 != 0);
        Some(value)
    }

    fn time(&mut self) -> Option<DateTime<Utc>> {
        let ms = self.signed()?;
        let rest = i64::try_from(self.number()?).ok()?;
        DateTime::from_timestamp_millis(ms)?.checked_add_signed(chrono::TimeDelta::nanoseconds(rest))
    }

    fn json(&mut self) -> Option<Map<String, Value>> {
        serde_json::from_str(self.text()?).ok()
    }

    fn word(&mut self) -> Option<&'b str> {
        match self.number()? {
            0 => self.text(),
            number => self.words?.word(u32::try_from(number - 1).ok()?).map(|word| &**word),
        }
    }

    fn shared(&mut self) -> Option<Arc<str>> {
        match self.number()? {
            0 => Some(self.text()?.into()),
            number => self.words?.word(u32::try_from(number - 1).ok()?).cloned(),
        }
    }

    fn boxed(&mut self) -> Option<Box<str>> {
        self.text().map(Into::into)
    }

    fn text(&mut self) -> Option<&'b str> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        std::str::from_utf8(text).ok()
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// The digits of a decimal may need more.
    fn wide_number(&mut self) -> Option<u128> {
        let mut number = 0_u128;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            number |= u128::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}
