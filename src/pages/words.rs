//! Words, numbers and addresses as people read them: system names, event titles, money, durations, links.
//! Nothing here knows a page; escaping is done once, by the templates.

use std::fmt::Write as _;

use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::domain::{Money, currency_places};

/// `erp` → `ERP`, `billing` → `Billing`.
pub fn system(key: &str) -> String {
    match key {
        "erp" | "wms" | "tms" | "edi" | "oms" | "mes" | "crm" => key.to_uppercase(),
        "" => "unknown system".into(),
        other => capital(&other.replace('_', " ")),
    }
}

/// `person/anna` → `anna`, `key/1f2e` → `Key 1f2e`, `rule/assign` → `Rule assign`.
pub fn actor(source: &str) -> String {
    match source.split_once('/') {
        Some(("person", name)) => name.to_owned(),
        Some((kind, name)) => format!("{} {name}", capital(kind)),
        None => source.to_owned(),
    }
}

/// Lanes stand in the order in which work flows.
pub fn system_rank(key: &str) -> u8 {
    match key {
        "erp" => 0,
        "oms" => 1,
        "wms" => 2,
        "tms" => 3,
        "carrier" => 4,
        "customs" => 5,
        "billing" => 6,
        "finance" => 7,
        _ => 8,
    }
}

/// Name of the lane colour.
pub fn lane(key: &str) -> &'static str {
    match key {
        "erp" | "oms" => "erp",
        "wms" => "wms",
        "tms" | "carrier" => "tms",
        "billing" | "finance" => "bill",
        _ => "partner",
    }
}

/// `shipment.short_shipped` → `Shipment short shipped`.
pub fn event_title(kind: &str) -> String {
    capital(&kind.replace(['.', '_'], " "))
}

/// `shipment.short_shipped` → `short shipped`.
pub fn event_verb(kind: &str) -> String {
    kind.rsplit_once('.').map_or(kind, |(_, verb)| verb).replace('_', " ")
}

/// `goods_receipt` → `Goods receipt`, `at_risk` → `At risk`.
pub fn title(key: &str) -> String {
    match key {
        "proof_of_delivery" | "pod" => "Proof of delivery".into(),
        "sla_breached" => "SLA breached".into(),
        "sla_at_risk" => "SLA at risk".into(),
        other => capital(&other.replace(['_', '-'], " ")),
    }
}

pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// `3412` → `3,412`.
pub fn count(n: u64) -> String {
    group(&n.to_string())
}

fn group(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let mut out = String::from(sign);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `5.000` → `5`, `1234.5` → `1,234.5`.
pub fn quantity(value: Decimal) -> String {
    let text = value.normalize().to_string();
    match text.split_once('.') {
        Some((whole, part)) => format!("{}.{part}", group(whole)),
        None => group(&text),
    }
}

/// With so many decimals; more stay.
fn amount(value: Decimal, places: u32) -> String {
    let value = value.normalize();
    let places = value.scale().max(places);
    let text = format!("{value:.0$}", places as usize);
    match text.split_once('.') {
        Some((whole, part)) => format!("{}.{part}", group(whole)),
        None => group(&text),
    }
}

/// `12480` → `12,480.00 EUR`, `12,480 JPY`: as many decimals as the currency has.
pub fn money(money: &Money) -> String {
    format!("{} {}", amount(money.value, currency_places(&money.currency)), money.currency)
}

/// Money as the store keeps it, scaled by 10^6.
pub fn stored_money(value: Option<i128>, currency: &str) -> Option<String> {
    let value = Decimal::try_from_i128_with_scale(value?, 6).ok()?;
    Some(money(&Money { value, currency: currency.to_owned() }))
}

/// A length of time: `1 d 4 h`, `3 h 10 m`, `12 m 05 s`, `8 s`, `40 ms`.
pub fn duration(ms: i64) -> String {
    let ms = ms.abs();
    let seconds = ms / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) if seconds == 0 => format!("{ms} ms"),
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} m {:02} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes:02} m"),
        _ => format!("{days} d {hours} h"),
    }
}

/// The same, rounded for a glance: `1 d`, `3 h`, `12 m`, `8 s`.
pub fn about(ms: i64) -> String {
    let seconds = ms.abs() / 1000;
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} m", seconds / 60),
        3600..=86_399 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

pub fn bytes(n: usize) -> String {
    match n {
        0..=1023 => format!("{n} B"),
        1024..=1_048_575 => format!("{:.1} KiB", n as f64 / 1024.0),
        _ => format!("{:.1} MiB", n as f64 / 1_048_576.0),
    }
}

pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// Cut at `max` characters, with an ellipsis; the whole goes into a title.
pub fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// One path segment or query value.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Undoes `encode`. Escapes that are none stay; what is no UTF-8 becomes the replacement character.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `/t/acme` and what follows.
pub fn tenant_path(tenant: &str, rest: &str) -> String {
    format!("/t/{}/{rest}", encode(tenant))
}

pub fn workflow_path(tenant: &str, kind: &str, id: &str) -> String {
    tenant_path(tenant, &format!("w/{}/{}", encode(kind), encode(id)))
}

pub fn object_path(tenant: &str, kind: &str, id: &str) -> String {
    tenant_path(tenant, &format!("o/{}/{}", encode(kind), encode(id)))
}

/// Where what an exception is about can be seen: not everything is a business object.
pub fn subject_path(tenant: &str, kind: &str, id: &str) -> String {
    match kind {
        "source" | "dependency" => tenant_path(tenant, &format!("integrations/{kind}/{}", encode(id))),
        "failure_group" => tenant_path(tenant, &format!("failures/{}", encode(id))),
        "replay" => tenant_path(tenant, &format!("replays/{}", encode(id))),
        "held" => tenant_path(tenant, "held"),
        _ => object_path(tenant, kind, id),
    }
}

/// Payload ids are the journal offset in hex, with the record's place behind a dot.
pub fn payload_id(payload: u64, index: Option<u32>) -> String {
    index.map_or_else(|| format!("{payload:x}"), |index| format!("{payload:x}.{index}"))
}

pub fn parse_payload_id(text: &str) -> Option<(u64, Option<u32>)> {
    let (hex, index) = match text.split_once('.') {
        Some((hex, index)) => (hex, Some(index.parse().ok()?)),
        None => (text, None),
    };
    let plain = (1..=16).contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    plain.then(|| u64::from_str_radix(hex, 16).ok()).flatten().map(|payload| (payload, index))
}

/// An object as a link.
#[derive(Clone, Debug, Serialize)]
pub struct Ref {
    /// `Shipment`
    pub kind: String,
    pub id: String,
    pub href: String,
}

impl Ref {
    pub fn object(tenant: &str, object: &ObjectRef) -> Self {
        Self { kind: title(&object.kind), id: object.id.clone(), href: object_path(tenant, &object.kind, &object.id) }
    }

    /// From `type/id` as the store keeps it.
    pub fn stored(tenant: &str, text: &str) -> Self {
        match ObjectRef::parse(text) {
            Some(object) => Self::object(tenant, &object),
            None => Self { kind: title(text), id: String::new(), href: String::new() },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn numbers_are_grouped_and_money_keeps_its_places() {
        assert_eq!(count(1_234_567), "1,234,567");
        let of =
            |value: &str, currency: &str| money(&Money { value: value.parse().unwrap(), currency: currency.into() });
        assert_eq!(of("12480", "EUR"), "12,480.00 EUR");
        assert_eq!(of("-0.125", "EUR"), "-0.125 EUR");
        // By hand from ISO 4217; cents of a yen are a fault that must be seen.
        assert_eq!([of("1200.0", "JPY"), of("1200.5", "JPY")], ["1,200 JPY", "1,200.5 JPY"]);
        assert_eq!([of("1.5", "KWD"), of("1.5", "XXQ")], ["1.500 KWD", "1.50 XXQ"]);
        assert_eq!(quantity("5.000".parse().unwrap()), "5");
        assert_eq!(stored_money(Some(96_000_000), "EUR").unwrap(), "96.00 EUR");
    }

    #[test]
    fn payload_ids_are_read_back_and_nothing_else_is() {
        assert_eq!(parse_payload_id(&payload_id(255, Some(3))), Some((255, Some(3))));
        assert_eq!(parse_payload_id("ff"), Some((255, None)));
        for wrong in ["", "FF", "0x1", "1.x", "fffffffffffffffff", "../1", "1.-1"] {
            assert_eq!(parse_payload_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_hostile_id_stays_one_path_segment() {
        assert_eq!(workflow_path("acme", "order", "a/../?#%"), "/t/acme/w/order/a%2F..%2F%3F%23%25");
    }
}
