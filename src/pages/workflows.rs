//! The list of workflows: facets with counts, chips for what is chosen, one dense table, cursor paging.

use serde::Serialize;

use super::params::Query;
use super::render::Page;
use super::status::{self, Badge};
use super::time::{Clock, Due, Time};
use super::words;
use crate::store::CurrencyTotal;
use crate::store::rows::WorkflowRow;

pub const PER_PAGE: usize = 50;

/// Parameters of the address that narrow the list: name, and its word.
pub const FACETS: [(&str, &str); 9] = [
    ("status", "Status"),
    ("definition", "Process"),
    ("system", "Waiting for"),
    ("stage", "Stage"),
    ("exception", "Exception"),
    ("readiness", "Invoice"),
    ("customer", "Customer"),
    ("warehouse", "Warehouse"),
    ("carrier", "Carrier"),
];

/// All that the page understands.
pub const KNOWN: [&str; 16] = [
    "status",
    "definition",
    "system",
    "stage",
    "exception",
    "readiness",
    "customer",
    "warehouse",
    "carrier",
    "closed",
    "q",
    "from",
    "to",
    "sort",
    "after",
    "as_of",
];

const SORTS: [(&str, &str); 3] = [("due", "Due first"), ("updated", "Last changed"), ("created", "Newest")];
const MAX_FACET_VALUES: usize = 8;

/// One value of a facet and how many workflows have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetCount {
    pub name: String,
    pub value: String,
    pub count: u64,
}

pub struct Found<'a> {
    pub tenant: &'a str,
    pub query: &'a Query,
    pub rows: &'a [WorkflowRow],
    pub total: u64,
    /// What they are worth, all pages together.
    pub totals: &'a [CurrencyTotal],
    /// In the whole tenant, whatever the filter.
    pub any: bool,
    pub facets: &'a [FacetCount],
    pub next: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Workflows {
    pub path: String,
    pub search: String,
    pub kept: Vec<(String, String)>,
    pub tabs: Vec<Tab>,
    pub chips: Vec<Chip>,
    pub facets: Vec<Facet>,
    pub sorts: Vec<Tab>,
    pub rows: Vec<Row>,
    pub total: String,
    pub totals: Vec<String>,
    pub next: String,
    pub first: String,
    pub empty: &'static str,
}

impl Page for Workflows {
    const TEMPLATE: &'static str = "workflows.html";
}

#[derive(Debug, Serialize)]
pub struct Tab {
    pub title: String,
    pub href: String,
    pub active: bool,
}

#[derive(Debug, Serialize)]
pub struct Chip {
    pub name: String,
    pub value: String,
    pub href: String,
}

#[derive(Debug, Serialize)]
pub struct Facet {
    pub title: &'static str,
    pub values: Vec<FacetValue>,
    pub more: u64,
}

#[derive(Debug, Serialize)]
pub struct FacetValue {
    pub text: String,
    pub count: String,
    pub href: String,
    pub chosen: bool,
    pub badge: Option<Badge>,
}

/// One workflow in any table.
#[derive(Debug, Serialize)]
pub struct Row {
    pub key: String,
    pub id: String,
    pub kind: String,
    pub href: String,
    pub badge: Badge,
    pub customer: String,
    pub stage: String,
    pub number: u8,
    pub of: u8,
    pub next: String,
    pub waits_for: String,
    pub last: Time,
    pub last_title: String,
    pub last_system: String,
    pub due: Option<Due>,
    pub sla: String,
    pub amount: String,
    pub note: String,
    pub closed: bool,
    /// Who has taken what is wrong with it; on the board.
    pub owner: String,
}

pub fn row(tenant: &str, clock: &Clock, row: &WorkflowRow) -> Row {
    Row {
        key: format!("{}/{}", row.root_type, row.root_id),
        id: row.root_id.clone(),
        kind: words::title(&row.root_type),
        href: words::workflow_path(tenant, &row.root_type, &row.root_id),
        badge: status::workflow(&row.status),
        customer: row.customer.clone(),
        stage: if row.stage_title.is_empty() { "Not begun".into() } else { row.stage_title.clone() },
        number: row.stage_number,
        of: row.stage_count,
        // What stops it is more telling than what would come next.
        next: match row.blocked_code.as_str() {
            "" | "waiting" => row.next_title.clone(),
            code => words::title(code),
        },
        waits_for: if row.waiting_for.is_empty() { String::new() } else { words::system(&row.waiting_for) },
        last: Time { text: clock.brief(row.last_ms), ..clock.time(row.last_ms) },
        last_title: words::event_title(&row.last_type),
        last_system: words::system(&row.last_system),
        due: row.due_ms.filter(|_| !row.closed).map(|due| Due { at: clock.brief(due), ..clock.due(due, row.warn_ms) }),
        sla: row.sla.clone(),
        amount: words::stored_money(row.amount, &row.currency).unwrap_or_default(),
        note: row.blocked_what.clone(),
        closed: row.closed,
        owner: String::new(),
    }
}

pub fn list(clock: &Clock, found: &Found<'_>) -> Workflows {
    let path = words::tenant_path(found.tenant, "workflows");
    let to = |query: &Query| format!("{path}{}", query.text());
    let base = found.query.without(&["after"]);
    Workflows {
        search: base.get("q").unwrap_or_default().to_owned(),
        kept: base.without(&["q"]).pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        tabs: tabs(&base, &to),
        chips: chips(&base, &to),
        facets: facets(&base, found.facets, &to),
        sorts: sorts(&base, &to),
        rows: found.rows.iter().map(|found_row| row(found.tenant, clock, found_row)).collect(),
        total: words::plural(found.total, "workflow", "workflows"),
        totals: found.totals.iter().filter_map(|sum| words::stored_money(Some(sum.total), &sum.currency)).collect(),
        next: found.next.as_ref().map(|cursor| to(&base.with("after", cursor))).unwrap_or_default(),
        first: found.query.get("after").map(|_| to(&base)).unwrap_or_default(),
        empty: match (found.rows.is_empty(), found.any) {
            (false, _) => "",
            (true, false) => "nothing",
            (true, true) => "no-match",
        },
        path,
    }
}

/// The questions asked most often, as addresses.
fn tabs(query: &Query, to: &dyn Fn(&Query) -> String) -> Vec<Tab> {
    let views: [(&str, &[(&str, &str)]); 6] = [
        ("All open", &[("closed", "no")]),
        ("Breached", &[("status", "breached")]),
        ("At risk", &[("status", "at_risk")]),
        ("Blocked", &[("status", "blocked")]),
        ("Ready to invoice", &[("readiness", "ready")]),
        ("Everything", &[]),
    ];
    let fixed = ["status", "closed", "readiness"];
    let same = |pairs: &[(&str, &str)]| {
        fixed.iter().all(|name| query.get(name) == pairs.iter().find(|(n, _)| n == name).map(|(_, v)| *v))
    };
    views
        .into_iter()
        .map(|(title, pairs)| {
            let bare = query.without(&fixed);
            let view = pairs.iter().fold(bare, |query, (name, value)| query.with(name, value));
            Tab { title: title.into(), href: to(&view), active: same(pairs) }
        })
        .collect()
}

/// What is chosen, in words: `Status: Breached`.
pub fn filter_words(query: &Query) -> Vec<String> {
    let chosen = chips(query, &|_| String::new());
    chosen.into_iter().map(|chip| format!("{}: {}", chip.name, chip.value)).collect()
}

fn chips(query: &Query, to: &dyn Fn(&Query) -> String) -> Vec<Chip> {
    let mut chips = Vec::new();
    for (name, title) in FACETS {
        for value in chosen(query, name) {
            let href = to(&switched(query, name, &value));
            chips.push(Chip { name: title.into(), value: facet_text(name, &value), href });
        }
    }
    let plain = [("q", "Text"), ("closed", "Closed"), ("from", "From"), ("to", "To")];
    chips.extend(plain.into_iter().filter_map(|(name, title)| {
        let value = query.get(name)?.to_owned();
        Some(Chip { name: title.into(), value, href: to(&query.without(&[name])) })
    }));
    chips
}

/// Several statuses may be chosen at once; of everything else one.
fn chosen(query: &Query, name: &str) -> Vec<String> {
    if name == "status" { query.list(name) } else { query.get(name).map(str::to_owned).into_iter().collect() }
}

fn switched(query: &Query, name: &str, value: &str) -> Query {
    match name {
        "status" => query.toggled(name, value),
        _ if query.get(name) == Some(value) => query.without(&[name]),
        _ => query.with(name, value),
    }
}

fn facet_text(name: &str, value: &str) -> String {
    match name {
        "status" => status::workflow(value).word.into(),
        "readiness" => status::readiness(value).word.into(),
        "system" => words::system(value),
        "customer" | "warehouse" | "carrier" => value.to_owned(),
        _ => words::title(value),
    }
}

fn facets(query: &Query, counts: &[FacetCount], to: &dyn Fn(&Query) -> String) -> Vec<Facet> {
    let facet = |(name, title): (&'static str, &'static str)| {
        let chosen = chosen(query, name);
        let mut values: Vec<&FacetCount> = counts.iter().filter(|c| c.name == name && !c.value.is_empty()).collect();
        let rank = |value: &str| {
            crate::domain::Status::ALL.iter().position(|status| name == "status" && status.as_str() == value)
        };
        values.sort_by(|a, b| {
            let place = |count: &FacetCount| rank(&count.value).unwrap_or(usize::MAX);
            place(a).cmp(&place(b)).then(b.count.cmp(&a.count)).then(a.value.cmp(&b.value))
        });
        let more = values.len().saturating_sub(MAX_FACET_VALUES) as u64;
        let value = |count: &FacetCount| FacetValue {
            text: facet_text(name, &count.value),
            count: words::count(count.count),
            href: to(&switched(query, name, &count.value)),
            chosen: chosen.contains(&count.value),
            badge: (name == "status").then(|| status::workflow(&count.value)),
        };
        let shown = values.iter().enumerate().filter(|(at, c)| *at < MAX_FACET_VALUES || chosen.contains(&c.value));
        Facet { title, values: shown.map(|(_, count)| value(count)).collect(), more }
    };
    FACETS.into_iter().map(facet).filter(|facet| !facet.values.is_empty()).collect()
}

fn sorts(query: &Query, to: &dyn Fn(&Query) -> String) -> Vec<Tab> {
    let now = query.get("sort").unwrap_or("due");
    let sort = |(key, title): (&str, &str)| Tab {
        title: title.into(),
        href: to(&query.with("sort", key)),
        active: key == now,
    };
    SORTS.into_iter().map(sort).collect()
}
