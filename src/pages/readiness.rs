//! Finance's worklist: what can be billed, what cannot and why, and how much of it there is, each currency apart; the
//! figures of one order; what does not match.

mod comparison;
pub mod decision;
pub mod export;
mod item;
pub mod routes;

use serde::Serialize;

use super::params::Query;
use super::render::Page;
use super::status::{self, Badge};
use super::time::{Clock, Time};
use super::words;
use super::workflows::{Chip, Tab};
use crate::domain::RECONCILIATION_KINDS;
use crate::store::rows::ReadinessRow;
use crate::store::{ReadinessFilter, ReconciliationFilter, Sum};

pub use comparison::{Compared, comparison};
pub use item::Item;

pub const PER_PAGE: usize = 50;
/// What the worklist, its files and the API are narrowed by; the same of what does not match.
pub const FILTERS: [&str; 9] = ["state", "reason", "age", "customer", "carrier", "system", "currency", "q", "as_of"];
pub const FILTERS_COMPARED: [&str; 6] = ["kind", "matched", "customer", "carrier", "q", "as_of"];
const STATES: [&str; 7] = ["ready", "blocked", "not_due", "wrong", "invoiced", "posted", "paid"];
/// What is not settled: the list opens on it.
const OPEN: [&str; 4] = ["ready", "blocked", "not_due", "wrong"];
const AGES: [&str; 6] = ["0-1", "2-3", "4-7", "8-14", "15-30", "31+"];

/// What the address narrows to, and what of it is not understood.
pub fn filter(query: &Query, as_of_ms: Option<i64>, now_ms: i64) -> (ReadinessFilter, Vec<String>) {
    let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let mut complaints = Vec::new();
    let mut state = query.list("state");
    let everything = state == ["all"];
    state.retain(|s| {
        let known = everything || STATES.contains(&s.as_str());
        if !known {
            complaints.push(format!("state: “{}” is none of {}, all.", words::cut(s, 40), STATES.join(", ")));
        }
        known
    });
    if everything {
        state.clear();
    } else if state.is_empty() {
        state = open();
    }
    let mut age = text("age");
    if !age.is_empty() && !AGES.contains(&age.as_str()) {
        complaints.push(format!("age: expected one of {}.", AGES.join(", ")));
        age.clear();
    }
    let filter = ReadinessFilter {
        state,
        reason: text("reason"),
        age,
        customer: text("customer"),
        carrier: text("carrier"),
        system: text("system"),
        currency: text("currency"),
        text: text("q"),
        as_of_ms: as_of_ms.unwrap_or(0),
        now_ms,
    };
    (filter, complaints)
}

impl ReadinessFilter {
    /// The same, of all that is open.
    fn of_open(&self) -> Self {
        Self { state: open(), ..self.clone() }
    }
}

fn open() -> Vec<String> {
    OPEN.map(str::to_owned).to_vec()
}

/// What a query chooses, in the reader's words.
pub fn filter_words(query: &Query) -> Vec<String> {
    let states = match query.list("state") {
        given if given == ["all"] => None,
        given if given.is_empty() => Some(open()),
        given => Some(given),
    };
    let states = states.map(|s| format!("State: {}", s.iter().map(|s| state_word(s)).collect::<Vec<_>>().join(", ")));
    let rest = query.pairs().filter(|(name, _)| !["state", "as_of"].contains(name));
    let said = |(name, value): (&str, &str)| match name {
        "reason" => format!("Reason: {}", reason(value)),
        "age" => format!("Age: {value} days"),
        "q" => format!("Text: {value}"),
        _ => format!("{}: {value}", words::title(name)),
    };
    states.into_iter().chain(rest.map(said)).collect()
}

pub fn compared(query: &Query, as_of_ms: Option<i64>) -> (ReconciliationFilter, Vec<String>) {
    let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let mut complaints = Vec::new();
    let mut kind = query.list("kind");
    kind.retain(|k| {
        let known = RECONCILIATION_KINDS.iter().any(|(name, _)| name == k);
        if !known {
            complaints.push(format!("kind: there is no kind “{}”.", words::cut(k, 40)));
        }
        known
    });
    let matched = query.get("matched") == Some("yes");
    (
        ReconciliationFilter {
            kind,
            matched,
            customer: text("customer"),
            carrier: text("carrier"),
            text: text("q"),
            as_of_ms: as_of_ms.unwrap_or(0),
        },
        complaints,
    )
}

/// The words of a reason; a rule of one's own goes by its key.
pub fn reason(code: &str) -> String {
    // The title of a rule says what it asks for; a reason says what is wrong.
    match code {
        "pod_missing" => "Proof of delivery missing".to_owned(),
        _ => words::title(code),
    }
}

pub fn kind(key: &str) -> String {
    RECONCILIATION_KINDS
        .iter()
        .find(|(name, _)| *name == key)
        .map_or_else(|| words::title(key), |(_, t)| (*t).to_owned())
}

pub fn state_word(state: &str) -> String {
    match state {
        "not_due" => "In progress".to_owned(),
        "blocked" => "Blocked".to_owned(),
        other => status::readiness(other).word.to_string(),
    }
}

/// Money and number of one state, in each currency.
#[derive(Debug, Serialize)]
pub struct Total {
    pub title: String,
    pub href: String,
    pub count: String,
    pub amounts: Vec<String>,
    pub unknown: String,
    pub tone: &'static str,
    pub chosen: bool,
}

#[derive(Debug, Serialize)]
pub struct Facet {
    pub title: &'static str,
    pub note: &'static str,
    pub values: Vec<FacetValue>,
}

#[derive(Debug, Serialize)]
pub struct FacetValue {
    pub text: String,
    pub href: String,
    pub count: String,
    /// In the currency of the most rows, where it has that.
    pub amount: String,
    /// How many more currencies it has, and the amounts in them.
    pub more: usize,
    pub others: String,
    /// Of a hundred, of the largest of its kind: by money in the currency of the most rows, by number without any.
    pub share: u64,
    pub chosen: bool,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub key: String,
    pub id: String,
    pub order: String,
    pub href: String,
    pub badge: Badge,
    pub word: String,
    pub customer: String,
    pub delivered: Option<Time>,
    pub amount: String,
    pub reasons: Vec<String>,
    pub system: String,
    pub next_step: String,
    pub is_rest: bool,
}

#[derive(Debug, Serialize)]
pub struct Worklist {
    pub path: String,
    pub search: String,
    pub kept: Vec<(String, String)>,
    pub tabs: Vec<Tab>,
    pub chips: Vec<Chip>,
    pub totals: Vec<Total>,
    pub facets: Vec<Facet>,
    pub rows: Vec<Row>,
    pub total: String,
    pub next: String,
    pub first: String,
    pub compare: String,
    pub empty: &'static str,
}

impl Page for Worklist {
    const TEMPLATE: &'static str = "readiness.html";
}

pub struct Found<'a> {
    pub tenant: &'a str,
    pub query: &'a Query,
    pub rows: &'a [ReadinessRow],
    /// Of the list as it is narrowed.
    pub sums: &'a [Sum],
    /// Of what is open of it: the same filter, whatever its states.
    pub open: &'a [Sum],
    /// In the whole tenant, whatever the filter.
    pub any: bool,
    pub next: Option<String>,
}

impl FacetValue {
    /// One line: its number, and its money in the currency that leads, the others told on demand.
    fn new<'s>(text: String, href: String, sums: impl Iterator<Item = &'s Sum>, leading: &str) -> Self {
        let mut sums: Vec<&Sum> = sums.collect();
        sums.sort_by_key(|sum| sum.currency != leading);
        let (count, _, mut amounts) = amounts(sums.into_iter());
        let others = if amounts.is_empty() { Vec::new() } else { amounts.split_off(1) };
        Self {
            text,
            href,
            count: words::count(count),
            amount: amounts.pop().unwrap_or_default(),
            more: others.len(),
            others: others.join(", "),
            share: 0,
            chosen: false,
        }
    }
}

/// The currency of the most rows; empty without any.
fn leading(sums: &[Sum]) -> &str {
    let all = sums.iter().filter(|s| s.name == "all" && !s.currency.is_empty());
    all.max_by_key(|s| s.count).map_or("", |s| s.currency.as_str())
}

fn amounts<'s>(sums: impl Iterator<Item = &'s Sum>) -> (u64, u64, Vec<String>) {
    let (mut count, mut unknown, mut texts) = (0, 0, Vec::new());
    for sum in sums {
        count += sum.count;
        unknown += sum.unknown;
        if !sum.currency.is_empty() {
            texts.extend(words::stored_money(Some(sum.total), &sum.currency));
        }
    }
    (count, unknown, texts)
}

/// How long the bar of a value is: money in the currency of the most rows, which is the only one that compares.
fn share(sums: &[Sum], name: &str, value: &str) -> u64 {
    let own = |s: &&Sum| s.name == name && !s.value.is_empty();
    let leading = leading(sums);
    let weight = |s: &Sum| match leading {
        "" => i128::from(s.count),
        _ if s.currency == leading => s.total.max(0),
        _ => 0,
    };
    let most = sums.iter().filter(own).map(weight).max().unwrap_or(0).max(1);
    let mine: i128 = sums.iter().filter(own).filter(|s| s.value == value).map(weight).sum();
    u64::try_from(mine * 100 / most).unwrap_or(0).min(100)
}

fn unknown_text(n: u64) -> String {
    if n == 0 { String::new() } else { words::plural(n, "amount is not known", "amounts are not known") }
}

pub fn list(clock: &Clock, found: &Found<'_>) -> Worklist {
    let path = words::tenant_path(found.tenant, "readiness");
    let base = found.query.without(&["after"]);
    let to = |query: &Query| format!("{path}{}", query.text());
    let total = |state: &'static str, tone: &'static str| {
        let (count, unknown, amounts) = amounts(found.open.iter().filter(|s| s.name == "state" && s.value == state));
        Total {
            title: if state == "ready" { "Ready to invoice".into() } else { state_word(state) },
            href: to(&if base.get("state") == Some(state) {
                base.without(&["state"])
            } else {
                base.with("state", state)
            }),
            count: words::count(count),
            amounts,
            unknown: unknown_text(unknown),
            tone,
            chosen: base.get("state") == Some(state),
        }
    };
    let facet = |name: &'static str, title: &'static str, note: &'static str| {
        let mut order: Vec<&str> = Vec::new();
        for sum in found.sums.iter().filter(|s| s.name == name && !s.value.is_empty()) {
            if !order.contains(&sum.value.as_str()) {
                order.push(&sum.value);
            }
        }
        if name == "age" {
            order.sort_by_key(|age| AGES.iter().position(|a| a == age));
        }
        order.truncate(12);
        let value = |value: &str| {
            let text = match name {
                "reason" => reason(value),
                "age" => format!("{value} days"),
                "system" => words::system(value),
                _ => value.to_owned(),
            };
            let chosen = base.get(name) == Some(value);
            let href = to(&if chosen { base.without(&[name]) } else { base.with(name, value) });
            let own = found.sums.iter().filter(|s| s.name == name && s.value == value);
            let share = share(found.sums, name, value);
            FacetValue { share, chosen, ..FacetValue::new(text, href, own, leading(found.sums)) }
        };
        Facet { title, note, values: order.into_iter().map(value).collect() }
    };
    let (count, unknown, sums) = amounts(found.sums.iter().filter(|s| s.name == "all"));
    let narrowing = ["state", "reason", "age", "customer", "carrier", "system", "currency", "q"];
    let chips: Vec<Chip> = narrowing
        .iter()
        .filter_map(|name| {
            let value = base.get(name)?;
            let text = match *name {
                "state" if value == "all" => return None,
                "state" => base.list("state").iter().map(|s| state_word(s)).collect::<Vec<_>>().join(", "),
                "reason" => reason(value),
                "system" => words::system(value),
                _ => value.to_owned(),
            };
            let title = if *name == "q" { "Text".to_owned() } else { words::title(name) };
            Some(Chip { name: title, value: text, href: to(&base.without(&[name])) })
        })
        .collect();
    let views: [(&str, &str); 7] = [
        ("Open", ""),
        ("Ready", "ready"),
        ("Blocked", "blocked"),
        ("In progress", "not_due"),
        ("Wrong", "wrong"),
        ("Billed", "invoiced,posted,paid"),
        ("Everything", "all"),
    ];
    let chosen = base.get("state").unwrap_or_default();
    let tabs = views.into_iter().map(|(title, states)| Tab {
        title: title.into(),
        href: to(&base.with("state", states)),
        active: chosen == states,
    });
    Worklist {
        search: base.get("q").unwrap_or_default().to_owned(),
        kept: base.without(&["q"]).pairs().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        tabs: tabs.collect(),
        totals: vec![total("ready", "ok"), total("blocked", "held"), total("not_due", "idle"), total("wrong", "crit")],
        facets: vec![
            facet("reason", "By reason", "Reasons overlap: an item counts in each of its own."),
            facet("age", "By age since delivery", ""),
            facet("customer", "By customer", ""),
            facet("system", "By owner", ""),
            facet("currency", "By currency", ""),
        ],
        rows: found.rows.iter().map(|r| row(found.tenant, clock, r)).collect(),
        total: format!(
            "{}{}{}",
            words::plural(count, "item", "items"),
            sums.iter().map(|s| format!(" · {s}")).collect::<String>(),
            if unknown > 0 { format!(" · {}", unknown_text(unknown)) } else { String::new() }
        ),
        next: found.next.as_ref().map(|cursor| to(&base.with("after", cursor))).unwrap_or_default(),
        first: found.query.get("after").map(|_| to(&base)).unwrap_or_default(),
        compare: words::tenant_path(found.tenant, "reconciliation"),
        empty: match (found.rows.is_empty(), found.any) {
            (false, _) => "",
            (true, false) => "nothing",
            (true, true) if chips.is_empty() => "settled",
            (true, true) => "no-match",
        },
        chips,
        path,
    }
}

fn row(tenant: &str, clock: &Clock, row: &ReadinessRow) -> Row {
    Row {
        key: format!("{}/{}", row.root_id, row.object_id),
        id: row.object_id.clone(),
        order: if row.object_type == "order" { String::new() } else { row.root_id.clone() },
        href: format!(
            "{}#{}",
            words::tenant_path(
                tenant,
                &format!("readiness/{}/{}", words::encode(&row.root_type), words::encode(&row.root_id))
            ),
            words::encode(&row.object_id)
        ),
        badge: status::readiness(&row.state),
        word: state_word(&row.state),
        customer: row.customer.clone(),
        delivered: row.delivered_ms.map(|at| clock.time(at)),
        amount: words::stored_money(row.amount, &row.currency).unwrap_or_else(|| "not known".into()),
        reasons: row.reasons.iter().map(|code| reason(code)).collect(),
        system: if row.system.is_empty() { String::new() } else { words::system(&row.system) },
        next_step: row.next_step.clone(),
        is_rest: row.is_rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_shows_the_money_that_all_have_first_and_says_how_much_more_there_is() {
        let sum = |name: &str, value: &str, currency: &str, count, units: i128| Sum {
            name: name.into(),
            value: value.into(),
            currency: currency.into(),
            count,
            total: units * 1_000_000,
            unknown: 0,
        };
        let sums = [
            sum("all", "", "USD", 2, 900),
            sum("all", "", "EUR", 5, 700),
            sum("reason", "pod_missing", "USD", 1, 800),
            sum("reason", "pod_missing", "EUR", 2, 30),
            sum("reason", "pod_missing", "", 3, 0),
        ];
        let own = sums.iter().filter(|s| s.name == "reason");
        let shown = FacetValue::new("Proof missing".into(), String::new(), own, leading(&sums));
        assert_eq!((&*shown.count, &*shown.amount, shown.more, &*shown.others), ("6", "30.00 EUR", 1, "800.00 USD"));
        assert_eq!(share(&sums, "reason", "pod_missing"), 100);
    }
}
