//! What stands around every page: the rail with its counts, freshness, notices, the reader's choices.

use serde::Serialize;

use super::export;
use super::prefs::Prefs;
use super::time::{Clock, Time};
use super::views::Tabs;
use super::words;
use crate::live::Freshness;

/// Figures of the rail; the same questions as the pages behind them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub breached: u64,
    pub at_risk: u64,
    /// Exceptions that nobody has taken yet.
    pub exceptions: u64,
    pub held: u64,
    pub failure_groups: u64,
    pub silent_sources: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Frame {
    pub tenant: String,
    pub tenants: Vec<Choice>,
    pub title: String,
    pub page: &'static str,
    pub rail: Vec<Group>,
    pub home: String,
    pub search: String,
    pub search_path: String,
    pub theme: &'static str,
    pub themes: Vec<Choice>,
    pub zone: String,
    pub zones: Vec<Choice>,
    pub now: Time,
    pub fresh: Fresh,
    /// Topics of the live channel that concern this page, separated by blanks; empty when it does not move.
    pub watch: String,
    pub live_path: String,
    pub rail_path: String,
    /// Where the reader is: for forms that come back.
    pub here: String,
    pub notices: Vec<String>,
    /// Whether the reader has said a name to act under.
    pub person_known: bool,
    /// Marks the forms of this rendering, so that a second click is known as such.
    pub act_id: String,
    pub version: String,
    pub store_up: bool,
    /// The list on this page as files; none where there is no list.
    pub files: Vec<FileLink>,
    /// The saved views of that list.
    pub views: Option<Tabs>,
}

/// The same rows as a file.
#[derive(Clone, Debug, Serialize)]
pub struct FileLink {
    pub title: &'static str,
    pub href: String,
    pub note: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    pub value: String,
    pub text: String,
    pub chosen: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Group {
    pub title: &'static str,
    pub items: Vec<Item>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Item {
    pub key: &'static str,
    pub title: &'static str,
    pub href: String,
    /// The second key after `g`.
    pub letter: char,
    pub count: String,
    /// Says what is counted.
    pub hint: String,
    pub tone: &'static str,
    pub active: bool,
}

/// The chip before the script takes over.
#[derive(Clone, Debug, Serialize)]
pub struct Fresh {
    pub state: &'static str,
    pub text: String,
}

/// What a handler knows before the page is drawn.
pub struct Setting<'a> {
    pub tenant: &'a str,
    pub tenants: &'a [String],
    pub page: &'static str,
    pub title: String,
    pub watch: String,
    pub here: String,
    pub counts: Counts,
    pub freshness: Option<Freshness>,
    pub clock: &'a Clock,
    pub prefs: &'a Prefs,
    pub notices: Vec<String>,
    pub store_up: bool,
}

impl Frame {
    pub fn new(setting: Setting<'_>) -> Self {
        let Setting { tenant, clock, prefs, .. } = setting;
        let path = |rest: &str| words::tenant_path(tenant, rest);
        Self {
            tenant: tenant.to_owned(),
            tenants: setting
                .tenants
                .iter()
                .map(|name| Choice {
                    value: words::tenant_path(name, "board"),
                    text: name.clone(),
                    chosen: name == tenant,
                })
                .collect(),
            title: setting.title,
            page: setting.page,
            rail: rail(tenant, setting.page, setting.counts),
            home: path("board"),
            search: String::new(),
            search_path: path("search"),
            theme: prefs.theme.as_str(),
            themes: prefs.themes(),
            zone: clock.zone_name.clone(),
            zones: prefs.zones(&clock.zone_name),
            now: clock.time(clock.now_ms),
            fresh: fresh(clock, setting.freshness, setting.store_up),
            watch: setting.watch,
            live_path: path("live"),
            rail_path: path("rail"),
            here: setting.here.clone(),
            notices: setting.notices,
            person_known: prefs.person.is_some(),
            act_id: format!("{:032x}", rand::random::<u128>()),
            version: env!("CARGO_PKG_VERSION").into(),
            store_up: setting.store_up,
            views: None,
            files: if setting.page.is_empty() { Vec::new() } else { export::links(tenant, &setting.here) },
        }
    }
}

fn fresh(clock: &Clock, freshness: Option<Freshness>, store_up: bool) -> Fresh {
    let down = !store_up || freshness.is_some_and(|fresh| !fresh.store_up);
    let now = clock.text(clock.now_ms);
    if down {
        return Fresh { state: "stale", text: format!("Store not answering, {now}") };
    }
    // Without the script a page is as old as its loading, and says so.
    Fresh { state: "still", text: format!("As of {now}") }
}

fn rail(tenant: &str, page: &str, counts: Counts) -> Vec<Group> {
    let item =
        |key: &'static str, title: &'static str, letter: char, count: u64, hint: String, tone: &'static str| Item {
            key,
            title,
            href: words::tenant_path(tenant, key),
            letter,
            count: if count == 0 { String::new() } else { words::count(count) },
            hint: if count == 0 { String::new() } else { hint },
            tone: if count == 0 { "" } else { tone },
            active: key == page,
        };
    let late = counts.breached + counts.at_risk;
    let late_hint = format!("{} breached, {} at risk", words::count(counts.breached), words::count(counts.at_risk));
    let late_tone = if counts.breached > 0 { "crit" } else { "risk" };
    vec![
        Group {
            title: "Operate",
            items: vec![
                item("board", "Board", 'b', late, late_hint, late_tone),
                Item {
                    // What is closed is history: it is a step further.
                    href: words::tenant_path(tenant, "workflows?closed=no"),
                    ..item("workflows", "Workflows", 'w', 0, String::new(), "")
                },
                item(
                    "exceptions",
                    "Exceptions",
                    'e',
                    counts.exceptions,
                    words::plural(counts.exceptions, "exception is open", "exceptions are open"),
                    "held",
                ),
            ],
        },
        Group {
            title: "Resolve",
            items: vec![
                item("triage", "Triage", 'g', 0, String::new(), ""),
                item(
                    "failures",
                    "Failures",
                    'f',
                    counts.failure_groups,
                    words::plural(counts.failure_groups, "group of failed payloads", "groups of failed payloads"),
                    "crit",
                ),
                item("replays", "Replays", 'r', 0, String::new(), ""),
                item(
                    "held",
                    "Held",
                    'h',
                    counts.held,
                    words::plural(counts.held, "object waits", "objects wait"),
                    "held",
                ),
            ],
        },
        Group { title: "Bill", items: vec![item("readiness", "Invoice readiness", 'i', 0, String::new(), "")] },
        Group {
            title: "Know",
            items: vec![
                item("slas", "SLAs", 's', 0, String::new(), ""),
                item("process", "Process", 'p', 0, String::new(), ""),
                item("objects", "Objects", 'o', 0, String::new(), ""),
                item("definitions", "Definitions", 'd', 0, String::new(), ""),
                item("alerts", "Alerts", 'l', 0, String::new(), ""),
                item("insights", "Insights", 'k', 0, String::new(), ""),
                item(
                    "integrations",
                    "Integrations",
                    'n',
                    counts.silent_sources,
                    words::plural(counts.silent_sources, "source is silent", "sources are silent"),
                    "crit",
                ),
            ],
        },
    ]
}
