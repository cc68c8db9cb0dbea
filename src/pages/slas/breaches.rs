//! Clocks as a list: what runs out next with its countdown, what is broken, what ended late, was withdrawn or waived.

use chrono::DateTime;
use serde::Serialize;

use super::super::params::Query;
use super::super::render::Page;
use super::super::status::{self, Badge};
use super::super::time::{Clock, Due, Time};
use super::super::words;
use super::super::workflows::{Chip, Tab};
use super::policy_path;
use crate::domain::Verdict;
use crate::store::rows::SlaRow;
use crate::store::{RUNNING, SlaFilter, VerdictCount};

pub const PER_PAGE: usize = 50;
pub const KNOWN: [&str; 14] = [
    "state",
    "policy",
    "definition",
    "kind",
    "system",
    "customer",
    "warehouse",
    "carrier",
    "cause",
    "q",
    "from",
    "to",
    "after",
    "as_of",
];
const FILTERS: [(&str, &str); 10] = [
    ("policy", "Policy"),
    ("definition", "Workflow"),
    ("kind", "Kind"),
    ("system", "Whose turn"),
    ("customer", "Customer"),
    ("warehouse", "Warehouse"),
    ("carrier", "Carrier"),
    ("cause", "Cause"),
    ("from", "Due from"),
    ("to", "Due before"),
];
/// Word of the address, title, verdicts, and whether what is newest comes first.
const STATES: [(&str, &str, &[&str], bool); 8] = [
    ("breached", "Breached now", &["breached"], false),
    ("at_risk", "At risk", &["at_risk"], false),
    ("running", "Due next", &["open", "at_risk"], false),
    ("late", "Ended late", &["met_late"], true),
    ("missed", "All that ran out", &["breached", "met_late"], true),
    ("withdrawn", "Withdrawn", &["withdrawn"], true),
    ("waived", "Waived", &["waived"], true),
    ("all", "All", &["open", "at_risk", "breached", "met", "met_late", "withdrawn", "waived", "cancelled"], false),
];

#[derive(Debug, Serialize)]
pub struct Breaches {
    pub tabs: Vec<Tab>,
    pub chips: Vec<Chip>,
    pub kept: Vec<(String, String)>,
    pub path: String,
    pub waive: String,
    pub search: String,
    pub rows: Vec<Row>,
    pub total: String,
    pub next: String,
    pub first: String,
    pub empty: &'static str,
    pub policies: String,
}

impl Page for Breaches {
    const TEMPLATE: &'static str = "slas/breaches.html";
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub key: String,
    pub badge: Badge,
    pub due_at: Time,
    /// What is left, or how long it has been over: of clocks that are not ended.
    pub due: Option<Due>,
    /// A state stops it since then.
    pub standing: Option<Time>,
    pub root: words::Ref,
    /// What it runs for, when that is not the root.
    pub object: Option<words::Ref>,
    pub policy: String,
    pub policy_href: String,
    pub why: String,
    pub customer: String,
    pub amount: String,
    pub system: String,
    pub tone: &'static str,
    pub cause: String,
    pub known: String,
    pub forecast: Option<Time>,
    pub waived: String,
    pub open: bool,
    pub root_type: String,
    pub root_id: String,
    pub policy_key: String,
    pub object_name: String,
}

/// What the address asks for. Complaints name the parameter.
pub fn filter(query: &Query) -> (SlaFilter, Vec<String>) {
    let mut complaints = Vec::new();
    let one = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let mut moment = |name: &str| query.moment(name, &mut complaints).unwrap_or(0);
    let (from_ms, to_ms) = (moment("from"), moment("to"));
    let wanted = query.get("state").unwrap_or(STATES[0].0);
    let found = STATES.iter().find(|(key, ..)| *key == wanted).unwrap_or_else(|| {
        let known: Vec<&str> = STATES.iter().map(|(key, ..)| *key).collect();
        complaints.push(format!("state: expected any of {}.", known.join(", ")));
        &STATES[0]
    });
    let (_, _, verdicts, newest) = found;
    let filter = SlaFilter {
        verdict: verdicts.iter().map(|v| (*v).to_owned()).collect(),
        policy: one("policy"),
        definition: one("definition"),
        kind: one("kind"),
        system: one("system"),
        customer: one("customer"),
        warehouse: one("warehouse"),
        carrier: one("carrier"),
        cause: one("cause"),
        text: one("q"),
        from_ms,
        to_ms,
        newest: *newest,
        ..SlaFilter::default()
    };
    (filter, complaints)
}

/// What is chosen, in words.
pub fn filter_words(query: &Query) -> Vec<String> {
    let state = query.get("state").unwrap_or(STATES[0].0);
    let state = STATES.iter().find(|(key, ..)| *key == state).map_or(state, |(_, title, ..)| *title);
    let rest = FILTERS.iter().chain(&[("q", "Text")]);
    let rest = rest.filter_map(|(name, title)| Some(format!("{title}: {}", query.get(name)?)));
    std::iter::once(format!("State: {state}")).chain(rest).collect()
}

pub struct Found<'a> {
    pub tenant: &'a str,
    pub query: &'a Query,
    pub rows: &'a [SlaRow],
    pub counts: &'a [VerdictCount],
    pub next: Option<String>,
    pub paged: bool,
}

pub fn breaches(clock: &Clock, found: &Found<'_>) -> Breaches {
    let Found { tenant, query, counts, .. } = *found;
    let path = words::tenant_path(tenant, "slas/breaches");
    let state = query.get("state").unwrap_or("breached");
    let count = |verdicts: &[&str]| -> u64 {
        counts.iter().filter(|c| verdicts.contains(&c.verdict.as_str())).map(|c| c.count).sum()
    };
    let link = |query: &Query| format!("{path}{}", query.text());
    let base = query.without(&["after"]);
    // What is ended is history: it is counted where it is asked for.
    // A sum is told when all of it was counted, and not the running part of it alone.
    let told = |key: &str, verdicts: &[&str]| key == state || verdicts.iter().all(|verdict| RUNNING.contains(verdict));
    let tabs = STATES.iter().map(|(key, title, verdicts, _)| Tab {
        title: match told(key, verdicts) {
            true => format!("{title} {}", words::count(count(verdicts))),
            false => (*title).to_owned(),
        },
        href: link(&base.with("state", key)),
        active: *key == state,
    });
    let chips = FILTERS.iter().filter_map(|(name, title)| {
        let value = query.get(name)?;
        let value = match *name {
            "cause" => self::cause(value),
            "from" | "to" => clock.short(DateTime::parse_from_rfc3339(value).ok()?.timestamp_millis()),
            _ => value.to_owned(),
        };
        Some(Chip { name: (*title).to_owned(), value, href: link(&base.without(&[name])) })
    });
    let total = STATES.iter().find(|(key, ..)| *key == state).map_or(0, |(_, _, verdicts, _)| count(verdicts));
    let chips: Vec<Chip> = chips.collect();
    Breaches {
        tabs: tabs.collect(),
        empty: match (found.rows.is_empty(), chips.is_empty() && query.get("q").is_none(), state) {
            (false, ..) => "",
            (true, false, _) => "no-match",
            (true, true, "breached" | "at_risk") => "good",
            (true, true, _) => "nothing",
        },
        chips,
        kept: base.without(&["q"]).pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        waive: words::tenant_path(tenant, "slas/waive"),
        search: query.get("q").unwrap_or_default().to_owned(),
        rows: found.rows.iter().map(|row| self::row(tenant, clock, row)).collect(),
        total: words::plural(total, "clock", "clocks"),
        next: found.next.as_ref().map(|cursor| link(&base.with("after", cursor))).unwrap_or_default(),
        first: if found.paged { link(&base) } else { String::new() },
        policies: words::tenant_path(tenant, "slas"),
        path,
    }
}

pub fn row(tenant: &str, clock: &Clock, row: &SlaRow) -> Row {
    let verdict = Verdict::ALL.into_iter().find(|v| v.as_str() == row.verdict).unwrap_or(Verdict::Open);
    let (root, object) = ((&row.root_type, &row.root_id), (&row.object_type, &row.object_id));
    let object = (root != object).then(|| words::Ref::stored(tenant, &format!("{}/{}", object.0, object.1)));
    Row {
        key: format!("{}/{}/{}/{}/{}", row.root_type, row.root_id, row.policy, row.object_type, row.object_id),
        badge: status::verdict(verdict),
        due_at: clock.time(row.due_ms),
        due: row.open.then(|| clock.due(row.due_ms, Some(row.warn_ms))),
        standing: row.paused_since_ms.filter(|_| row.open).map(|ms| clock.time(ms)),
        root: words::Ref {
            kind: words::title(&row.root_type),
            id: row.root_id.clone(),
            href: words::workflow_path(tenant, &row.root_type, &row.root_id),
        },
        object,
        policy: row.title.clone(),
        policy_href: policy_path(tenant, &row.definition, &row.policy),
        why: row.why.clone(),
        customer: row.customer.clone(),
        amount: words::stored_money(row.amount, &row.currency).unwrap_or_default(),
        system: words::system(&row.system),
        tone: words::lane(&row.system),
        // What was kept in time has nothing to explain.
        cause: if is_late(row) { cause(&row.cause) } else { String::new() },
        known: known(clock, row),
        forecast: row.forecast_ms.filter(|_| row.open && row.verdict != "breached").map(|ms| clock.time(ms)),
        waived: if row.waived_by.is_empty() {
            String::new()
        } else {
            format!("{}: {}", row.waived_by.trim_start_matches("person/"), row.waived_reason)
        },
        open: row.open,
        root_type: row.root_type.clone(),
        root_id: row.root_id.clone(),
        policy_key: row.policy.clone(),
        object_name: format!("{}/{}", row.object_type, row.object_id),
    }
}

/// `step/released` → `Waited for released`, `credit_hold` → `Credit hold`.
pub fn cause(key: &str) -> String {
    match key.split_once('/') {
        Some(("step", step)) => format!("Waited for {}", step.replace('_', " ")),
        Some(("system", system)) => format!("{} said nothing", words::system(system)),
        _ if key.is_empty() => "not known".into(),
        _ if key == "missing_pod" => "Proof of delivery missing".into(),
        _ => words::title(key),
    }
}

fn is_late(row: &SlaRow) -> bool {
    !row.cause.is_empty() || matches!(row.verdict.as_str(), "breached" | "met_late")
}

/// How the verdict now and the one that was known first stand to each other.
pub fn known(clock: &Clock, row: &SlaRow) -> String {
    let late = if row.detected_late { ", detected late" } else { "" };
    match (row.verdict.as_str(), row.first_verdict.as_str()) {
        ("withdrawn", _) => "breached as first known; a late event proved it met".into(),
        ("breached", _) => row.detected_ms.map_or_else(String::new, |ms| format!("seen {}{late}", clock.short(ms))),
        ("met_late", "") => "known when it was over".into(),
        ("met_late", _) => {
            format!("ended {} late{late}", words::about(row.ended_ms.unwrap_or(row.due_ms) - row.due_ms))
        }
        (_, "breached") => "was breached as first known".into(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clock_that_is_not_ended_counts_down() {
        let clock = Clock::utc(10_000);
        let of = |verdict: &str, open: bool| {
            row("acme", &clock, &SlaRow { verdict: verdict.into(), open, due_ms: 4_000, ..SlaRow::default() })
        };
        assert_eq!(of("breached", true).due.map(|due| (due.ms, due.tone)), Some((4_000, "crit")));
        assert!(of("met", false).due.is_none(), "what was kept in time is not overdue");
        assert_eq!(of("met", false).due_at.iso, Clock::iso(4_000));
    }
}
