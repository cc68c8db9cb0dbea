//! The queue of exceptions: what a person should look at, the most urgent first, with whose it is and what depends on
//! it; and one of them with everything that was done about it.

pub mod all;
pub mod deed;
pub mod one;
pub mod routes;

use chrono::DateTime;
use serde::Serialize;

use super::params::Query;
use super::render::Page;
use super::status::{self, Badge};
use super::time::{Clock, Due, Time};
use super::words;
use super::workflows::{Chip, Facet, FacetCount, FacetValue, Tab};
use crate::domain::{Catalogue, Place};
use crate::store::rows::ExceptionRow;
use crate::store::{CurrencySum, ExceptionFilter, ExceptionSort, Muting};

pub const PER_PAGE: usize = 50;

/// Parameters of the address that narrow the list: name, and its word.
pub const FACETS: [(&str, &str); 9] = [
    ("state", "State"),
    ("kind", "Kind"),
    ("severity", "Severity"),
    ("owner", "Owner"),
    ("team", "Team"),
    ("system", "Whose turn"),
    ("customer", "Customer"),
    ("warehouse", "Warehouse"),
    ("carrier", "Carrier"),
];

/// All that the page understands.
pub const KNOWN: [&str; 17] = [
    "state",
    "kind",
    "severity",
    "owner",
    "team",
    "system",
    "customer",
    "warehouse",
    "carrier",
    "reason",
    "muted",
    "q",
    "from",
    "sort",
    "after",
    "done",
    "as_of",
];

/// States of what is not closed.
pub const OPEN: [&str; 4] = ["open", "acknowledged", "snoozed", "waived"];
const STATES: [&str; 5] = ["open", "acknowledged", "snoozed", "waived", "closed"];
const SORTS: [(&str, &str); 4] =
    [("urgent", "Most urgent"), ("since", "Longest open"), ("new", "Newest"), ("amount", "Most money")];
const MAX_FACET_VALUES: usize = 8;

pub struct Found<'a> {
    pub tenant: &'a str,
    pub query: &'a Query,
    pub rows: &'a [ExceptionRow],
    pub sums: &'a [CurrencySum],
    pub facets: &'a [FacetCount],
    pub states: &'a [String],
    pub muting: &'a Muting,
    /// Exceptions that silent sources explain, whatever the filter.
    pub muted: u64,
    pub catalogue: &'a Catalogue,
    pub any: bool,
    pub next: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Exceptions {
    pub path: String,
    pub act_path: String,
    pub search: String,
    pub kept: Vec<(String, String)>,
    pub tabs: Vec<Tab>,
    pub chips: Vec<Chip>,
    pub facets: Vec<Facet>,
    pub sorts: Vec<Tab>,
    pub rows: Vec<Row>,
    pub total: String,
    pub stake: String,
    pub muted: String,
    pub muted_path: String,
    pub reasons: Vec<(String, String)>,
    pub next: String,
    pub first: String,
    /// Where all that match can be acted on, and how many they are.
    pub all_path: String,
    pub all_count: String,
    /// What was just done, and to how many.
    pub done: String,
    pub empty: &'static str,
}

impl Page for Exceptions {
    const TEMPLATE: &'static str = "exceptions.html";
}

/// One exception in the list.
#[derive(Debug, Serialize)]
pub struct Row {
    pub id: String,
    pub href: String,
    pub badge: Badge,
    pub title: String,
    pub detail: String,
    /// The workflow, or what it is about.
    pub key: String,
    pub key_href: String,
    pub customer: String,
    pub state: Badge,
    pub owner: String,
    pub team: String,
    pub since: Time,
    pub due: Option<Due>,
    pub due_word: &'static str,
    pub amount: String,
    pub orders: u32,
    pub occurrence: u32,
    pub muted_by: String,
}

pub fn row(tenant: &str, clock: &Clock, catalogue: &Catalogue, muting: &Muting, row: &ExceptionRow) -> Row {
    let (key, key_href) = subject(tenant, row);
    // Somebody must take it first; then it must be cured.
    let unseen = row.acknowledge_by_ms.filter(|_| row.state == "open");
    let open = !row.closed && row.state != "waived";
    let due = unseen.or(row.resolve_by_ms).filter(|_| open);
    Row {
        id: row.id.clone(),
        href: words::tenant_path(tenant, &format!("exceptions/{}", row.id)),
        badge: status::severity(&row.severity),
        title: title(catalogue, &row.kind),
        detail: row.detail.clone(),
        key,
        key_href,
        customer: row.customer.clone(),
        state: status::case(&row.state),
        owner: row.owner.clone(),
        team: row.team.clone(),
        since: Time { text: clock.brief(row.since_ms), ..clock.time(row.since_ms) },
        due: due.map(|ms| Due { at: clock.brief(ms), ..clock.due(ms, Some(ms - 30 * 60_000)) }),
        due_word: if unseen.is_some() { "take by" } else { "cure by" },
        amount: words::stored_money(row.amount, &row.currency).filter(|_| !row.currency.is_empty()).unwrap_or_default(),
        orders: row.orders,
        occurrence: row.occurrence,
        muted_by: muting.of(row).unwrap_or_default().to_owned(),
    }
}

/// How the times to take and to cure an exception come about: `Fri 27 Nov 13:30 + 2 h in Berlin hours = …`.
pub fn reckoned(catalogue: &Catalogue, row: &ExceptionRow) -> (Option<String>, Option<String>) {
    let Some(kind) = catalogue.get(&row.kind) else { return (None, None) };
    let place = Place {
        kind: &row.kind,
        system: &row.system,
        customer: &row.customer,
        warehouse: &row.warehouse,
        carrier: &row.carrier,
    };
    let known = DateTime::from_timestamp_millis(row.known_ms).unwrap_or_default();
    // What was worked out when other rules were in force is not explained by these.
    let told = |time, by: Option<i64>| {
        let reckoning = kind.reckon(time, known, place)?;
        (Some(reckoning.due.timestamp_millis()) == by).then(|| reckoning.told())
    };
    (told(kind.acknowledge_by, row.acknowledge_by_ms), told(kind.resolve_by, row.resolve_by_ms))
}

/// The kind in business words.
pub fn title(catalogue: &Catalogue, kind: &str) -> String {
    catalogue.get(kind).map_or_else(|| words::title(kind), |known| known.title.clone())
}

fn subject(tenant: &str, row: &ExceptionRow) -> (String, String) {
    if !row.root_type.is_empty() {
        return (row.root_id.clone(), words::workflow_path(tenant, &row.root_type, &row.root_id));
    }
    (row.object_id.clone(), words::subject_path(tenant, &row.object_type, &row.object_id))
}

pub fn list(clock: &Clock, found: &Found<'_>) -> Exceptions {
    let path = words::tenant_path(found.tenant, "exceptions");
    let to = |query: &Query| format!("{path}{}", query.text());
    let base = found.query.without(&["after", "done"]);
    // A facet's own choice does not narrow its counts, so the chosen states add up to what is listed.
    let states = found.states;
    let of_state = found.facets.iter().filter(|count| count.name == "state" && states.contains(&count.value));
    let total: u64 = of_state.map(|count| count.count).sum();
    let stake: Vec<String> = found
        .sums
        .iter()
        .filter(|sum| !sum.currency.is_empty() && sum.amount != 0)
        .filter_map(|sum| words::stored_money(Some(sum.amount), &sum.currency))
        .collect();
    Exceptions {
        search: base.get("q").unwrap_or_default().to_owned(),
        kept: base.without(&["q"]).pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        tabs: tabs(&base, &to),
        chips: chips(found.catalogue, &base, &to),
        facets: facets(found.catalogue, &base, found.facets, &to),
        sorts: sorts(&base, &to),
        rows: found.rows.iter().map(|r| row(found.tenant, clock, found.catalogue, found.muting, r)).collect(),
        total: words::plural(total, "exception", "exceptions"),
        stake: stake.join(" + "),
        muted: if found.muted == 0 {
            String::new()
        } else {
            let sources = found.muting.sources.join(", ");
            format!("{} explained by silent {sources}", words::plural(found.muted, "clock is", "clocks are"))
        },
        muted_path: to(&base.with("muted", "yes")),
        reasons: found.catalogue.reasons.iter().map(|r| (r.key.clone(), r.title.clone())).collect(),
        next: found.next.as_ref().map(|cursor| to(&base.with("after", cursor))).unwrap_or_default(),
        first: found.query.get("after").map(|_| to(&base)).unwrap_or_default(),
        empty: match (found.rows.is_empty(), found.any) {
            (false, _) => "",
            (true, false) => "good",
            (true, true) => "no-match",
        },
        all_path: if total > found.rows.len() as u64 { format!("{path}/all{}", base.text()) } else { String::new() },
        all_count: words::count(total),
        done: done(found.query.get("done")),
        act_path: format!("{path}/act"),
        path,
    }
}

/// `482-acknowledge` → what was done, in words.
fn done(said: Option<&str>) -> String {
    let Some((count, deed)) = said.and_then(|said| said.split_once('-')) else { return String::new() };
    let Some(count) = count.parse::<u64>().ok() else { return String::new() };
    let what = match deed {
        "acknowledge" => "acknowledged",
        "take" | "assign" => "assigned",
        "snooze" => "put off",
        "waive" => "waived",
        "comment" => "commented on",
        "reopen" => "opened again",
        _ => return String::new(),
    };
    format!("{} {what}.", words::plural(count, "exception", "exceptions"))
}

/// What the address asks for. Complaints name the parameter.
pub fn filter(query: &Query) -> (ExceptionFilter, Vec<String>) {
    let mut complaints = Vec::new();
    let one = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let mut state = query.list("state");
    if state.iter().any(|state| !STATES.contains(&state.as_str())) {
        complaints.push(format!("state: expected any of {}.", STATES.join(", ")));
        state.retain(|state| STATES.contains(&state.as_str()));
    }
    if state.is_empty() {
        state = OPEN.map(str::to_owned).to_vec();
    }
    let severity = one("severity");
    if !["", "critical", "warning", "info"].contains(&severity.as_str()) {
        complaints.push("severity: expected critical, warning or info.".into());
    }
    let from_ms = query.moment("from", &mut complaints).unwrap_or(0);
    let muted = match query.get("muted") {
        None => Some(false),
        Some("any") => None,
        Some("yes") => Some(true),
        Some("no") => Some(false),
        Some(_) => {
            complaints.push("muted: expected yes, no or any.".into());
            Some(false)
        }
    };
    let sort = match ExceptionSort::ALL.into_iter().find(|sort| Some(sort.as_str()) == query.get("sort")) {
        Some(sort) => sort,
        None => {
            if query.get("sort").is_some() {
                complaints.push("sort: expected urgent, since, new or amount.".into());
            }
            ExceptionSort::Urgent
        }
    };
    let filter = ExceptionFilter {
        state,
        kind: query.list("kind"),
        severity,
        system: one("system"),
        owner: one("owner"),
        team: one("team"),
        reason: one("reason"),
        customer: one("customer"),
        warehouse: one("warehouse"),
        carrier: one("carrier"),
        text: one("q"),
        from_ms,
        muted,
        sort,
    };
    (filter, complaints)
}

/// The questions asked most often, as addresses.
fn tabs(query: &Query, to: &dyn Fn(&Query) -> String) -> Vec<Tab> {
    let views: [(&str, &[(&str, &str)]); 6] = [
        ("All", &[]),
        ("Nobody's", &[("state", "open"), ("owner", "nobody")]),
        ("Late", &[("kind", "sla_breached")]),
        ("Acknowledged", &[("state", "acknowledged")]),
        ("Put off", &[("state", "snoozed,waived")]),
        ("Closed", &[("state", "closed"), ("sort", "new")]),
    ];
    let fixed = ["state", "owner", "kind", "sort"];
    let same = |pairs: &[(&str, &str)]| {
        fixed.iter().all(|name| query.get(name) == pairs.iter().find(|(n, _)| n == name).map(|(_, v)| *v))
    };
    let tab = |(title, pairs): (&str, &[(&str, &str)])| {
        let view = pairs.iter().fold(query.without(&fixed), |query, (name, value)| query.with(name, value));
        Tab { title: title.into(), href: to(&view), active: same(pairs) }
    };
    views.into_iter().map(tab).collect()
}

fn chips(catalogue: &Catalogue, query: &Query, to: &dyn Fn(&Query) -> String) -> Vec<Chip> {
    let mut chips = Vec::new();
    for (name, title) in FACETS {
        for value in chosen(query, name) {
            let href = to(&switched(query, name, &value));
            chips.push(Chip { name: title.into(), value: text_of(catalogue, name, &value), href });
        }
    }
    let plain = [("q", "Text"), ("reason", "Reason"), ("from", "Since"), ("muted", "Explained")];
    chips.extend(plain.into_iter().filter_map(|(name, title)| {
        let value = query.get(name)?.to_owned();
        Some(Chip { name: title.into(), value, href: to(&query.without(&[name])) })
    }));
    chips
}

/// Several states and kinds may be chosen at once; of everything else one.
fn chosen(query: &Query, name: &str) -> Vec<String> {
    match name {
        "state" | "kind" => query.list(name),
        _ => query.get(name).map(str::to_owned).into_iter().collect(),
    }
}

fn switched(query: &Query, name: &str, value: &str) -> Query {
    match name {
        "state" | "kind" => query.toggled(name, value),
        _ if query.get(name) == Some(value) => query.without(&[name]),
        _ => query.with(name, value),
    }
}

fn text_of(catalogue: &Catalogue, name: &str, value: &str) -> String {
    match name {
        "state" => status::case(value).word.into(),
        "severity" => status::severity(value).word.into(),
        "kind" => title(catalogue, value),
        "system" => words::system(value),
        "owner" if value == "nobody" => "Nobody".into(),
        "owner" | "customer" | "warehouse" | "carrier" => value.to_owned(),
        _ => words::capital(value),
    }
}

fn facets(catalogue: &Catalogue, query: &Query, counts: &[FacetCount], to: &dyn Fn(&Query) -> String) -> Vec<Facet> {
    let facet = |(name, title): (&'static str, &'static str)| {
        let chosen = chosen(query, name);
        let mut values: Vec<&FacetCount> = counts.iter().filter(|c| c.name == name && !c.value.is_empty()).collect();
        let rank = |value: &str| match name {
            "state" => STATES.iter().position(|state| *state == value),
            "severity" => ["critical", "warning", "info"].iter().position(|severity| *severity == value),
            _ => None,
        };
        values.sort_by(|a, b| {
            let place = |count: &FacetCount| rank(&count.value).unwrap_or(usize::MAX);
            place(a).cmp(&place(b)).then(b.count.cmp(&a.count)).then(a.value.cmp(&b.value))
        });
        let limit = if name == "kind" { 2 * MAX_FACET_VALUES } else { MAX_FACET_VALUES };
        let value = |count: &FacetCount| FacetValue {
            text: text_of(catalogue, name, &count.value),
            count: words::count(count.count),
            href: to(&switched(query, name, &count.value)),
            chosen: chosen.contains(&count.value),
            badge: match name {
                "state" => Some(status::case(&count.value)),
                "severity" => Some(status::severity(&count.value)),
                _ => None,
            },
        };
        let shown = values.iter().enumerate().filter(|(at, c)| *at < limit || chosen.contains(&c.value));
        let more = values.len().saturating_sub(limit) as u64;
        Facet { title, values: shown.map(|(_, count)| value(count)).collect(), more }
    };
    FACETS.into_iter().map(facet).filter(|facet| !facet.values.is_empty()).collect()
}

fn sorts(query: &Query, to: &dyn Fn(&Query) -> String) -> Vec<Tab> {
    let now = query.get("sort").unwrap_or("urgent");
    let sort = |(key, title): (&str, &str)| Tab {
        title: title.into(),
        href: to(&query.with("sort", key)),
        active: key == now,
    };
    SORTS.into_iter().map(sort).collect()
}
