//! One source, or one system that others call: its day in four pictures, what it sends, and what of it failed.

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::chart::{Chart, Day};
use super::{dependency_row, row, usual_words};
use crate::pages::desk::{Desk, MAX_GROUPS};
use crate::pages::failures::{GroupRow, group_row, is_active, stand};
use crate::pages::problem::Trouble;
use crate::pages::render::Page;
use crate::pages::routes::part;
use crate::pages::time::{Clock, Time};
use crate::pages::visit::{Label, Visit};
use crate::pages::words;
use crate::store::rows::ms_of;
use crate::store::{DependencySummary, FailureFilter, Slot, SourceSummary, UsualHour};

#[derive(Debug, Serialize)]
pub struct One {
    pub kind: &'static str,
    pub name: String,
    pub badge: crate::pages::status::Badge,
    pub why: String,
    pub last: Time,
    pub facts: Vec<(&'static str, String)>,
    pub charts: Vec<Chart>,
    pub contracts: Vec<String>,
    pub groups: Vec<GroupRow>,
    pub groups_href: String,
    pub changes: Vec<(String, String)>,
    pub back: String,
}

impl Page for One {
    const TEMPLATE: &'static str = "integration.html";
}

pub fn source(clock: &Clock, tenant: &str, found: &SourceSummary, usual: &[UsualHour], slots: &[Slot]) -> One {
    let shown = row(tenant, clock, found, usual);
    let day = Day::of(clock, slots);
    let share =
        |part: u64, all: u64| format!("{} ({:.1} %)", words::count(part), part as f64 * 100.0 / all.max(1) as f64);
    let mut facts = vec![
        ("Last heard", shown.last.ago.clone()),
        ("Usual pause", shown.usual.clone()),
        ("This hour", format!("{} events", words::count(found.hour_events))),
        ("Usual this hour", usual_words(usual, &found.source)),
        (
            "Lag",
            format!(
                "{} (50 in 100), {} (95 in 100)",
                words::duration(ms_of(found.hour_lag_p50)),
                words::duration(ms_of(found.hour_lag_p95))
            ),
        ),
        ("Late this hour", share(found.hour_late, found.hour_lagged)),
        ("Refused this hour", share(found.hour_refused, found.hour_records + found.hour_refused)),
        ("Repeats this hour", words::count(found.hour_duplicates)),
        ("Bytes in a day", words::bytes(usize::try_from(found.day_bytes).unwrap_or(usize::MAX))),
        ("Doors", found.forms.join(", ")),
    ];
    let untold = found.hour_events.saturating_sub(found.hour_lagged);
    if untold > 0 {
        let told = format!("{} of {}", words::count(found.hour_lagged), words::count(found.hour_events));
        facts.push(("Lag is told by", format!("{told} events of this hour; the others came as history")));
    }
    if found.hour_ahead > 0 {
        let ahead = format!(
            "{} events from the future, up to {}",
            words::count(found.hour_ahead),
            words::duration(found.hour_ahead_max_ms)
        );
        facts.push(("Clock", ahead));
    }
    One {
        kind: "Source",
        name: found.source.clone(),
        badge: shown.badge,
        why: shown.why,
        last: shown.last,
        facts,
        charts: vec![
            day.bars("Events", ("event", "events"), "run", true, |slot| slot.events),
            day.lengths("Received after it happened"),
            day.bars("Refused", ("record", "records"), "crit", false, |slot| slot.refused),
            day.bars("Late or repeated", ("event", "events"), "risk", false, |slot| slot.late + slot.duplicates),
        ],
        contracts: shown.contracts,
        groups: Vec::new(),
        groups_href: words::tenant_path(tenant, &format!("failures?source={}", words::encode(&found.source))),
        changes: Vec::new(),
        back: words::tenant_path(tenant, "integrations"),
    }
}

pub fn dependency(clock: &Clock, tenant: &str, found: &DependencySummary, slots: &[Slot]) -> One {
    let shown = dependency_row(tenant, clock, found);
    let day = Day::of(clock, slots);
    One {
        kind: "Dependency",
        name: found.dependency.clone(),
        badge: shown.badge,
        why: shown.why,
        last: shown.last,
        facts: vec![
            ("Called by", found.callers.join(", ")),
            ("Calls this hour", words::count(found.hour_calls)),
            ("Failed this hour", shown.errors),
            ("Took", shown.took),
            ("Slowest this hour", words::duration(found.hour_max_ms)),
            ("Calls in a day", words::count(found.day_calls)),
        ],
        charts: vec![
            day.bars("Calls", ("call", "calls"), "run", false, |slot| slot.events),
            day.lengths("How long calls took"),
            day.bars("Failed calls", ("call", "calls"), "crit", false, |slot| slot.refused),
        ],
        contracts: Vec::new(),
        groups: Vec::new(),
        groups_href: words::tenant_path(tenant, &format!("failures?q={}", words::encode(&found.dependency))),
        changes: Vec::new(),
        back: words::tenant_path(tenant, "integrations"),
    }
}

pub async fn show_source(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &["as_of"]).await?;
    let (tenant, now_ms) = (visit.tenant.as_str(), visit.clock.now_ms);
    let name = part(request, "name");
    let missing =
        || Trouble::NotFound { tenant: tenant.to_owned(), what: format!("A source “{name}” of the last day") };
    visit
        .show(desk, async {
            let of_source = FailureFilter { source: name.clone(), ..FailureFilter::default() };
            let (all, usual, slots, groups, acts, changes) = tokio::try_join!(
                desk.store.sources_as_of(tenant, now_ms),
                desk.store.source_usual(tenant, now_ms),
                desk.store.source_slots(tenant, &name, now_ms),
                desk.store.failure_groups(tenant, &of_source, MAX_GROUPS),
                desk.store.failure_group_acts(tenant),
                desk.changes(tenant, now_ms - 86_400_000),
            )?;
            let found = all.iter().find(|source| source.source == name).ok_or_else(missing)?;
            let mut page = source(&visit.clock, tenant, found, &usual, &slots);
            let standing = stand(&groups, &acts, now_ms);
            let active = standing.iter().filter(|one| is_active(one));
            page.groups = active.take(8).map(|one| group_row(tenant, &visit.clock, one)).collect();
            let own = changes.iter().filter(|change| change.what.starts_with(name.as_str()));
            page.changes = own.map(|change| (visit.clock.text(change.at_ms), change.what.clone())).collect();
            Ok((Label::new("integrations", name.clone(), "sources"), page))
        })
        .await
}

pub async fn show_dependency(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &["as_of"]).await?;
    let (tenant, now_ms) = (visit.tenant.as_str(), visit.clock.now_ms);
    let name = part(request, "name");
    let missing =
        || Trouble::NotFound { tenant: tenant.to_owned(), what: format!("A call to “{name}” in the last day") };
    visit
        .show(desk, async {
            let any = FailureFilter::default();
            let (all, slots, groups, acts) = tokio::try_join!(
                desk.store.dependencies(tenant, now_ms),
                desk.store.dependency_slots(tenant, &name, now_ms),
                desk.store.failure_groups(tenant, &any, MAX_GROUPS),
                desk.store.failure_group_acts(tenant),
            )?;
            let found = all.iter().find(|one| one.dependency == name).ok_or_else(missing)?;
            let mut page = dependency(&visit.clock, tenant, found, &slots);
            let standing = stand(&groups, &acts, now_ms);
            let own = standing.iter().filter(|one| one.group.target == name && is_active(one));
            page.groups = own.take(8).map(|one| group_row(tenant, &visit.clock, one)).collect();
            Ok((Label::new("integrations", name.clone(), "sources"), page))
        })
        .await
}
