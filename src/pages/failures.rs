//! What failed, by cause: what, where in the payload, since when, how many, and what hangs on it. One group has its own
//! page in `failures/group`; a single record is shown by `payload`.

mod cause;
pub mod chart;
mod effect;
pub mod group;
mod mend;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::desk::{Desk, FAILURES_BACK_MS, MAX_GROUPS};
use super::mask;
use super::params::{Query, qualifiers};
use super::problem::Trouble;
use super::render::Page;
use super::routes::{acted, told};
use super::status::{self, Badge};
use super::time::{Clock, Time};
use super::visit::{Label, Visit};
use super::words;
use crate::domain::failures::{GroupAct, GroupStanding, GroupState, group_name, standing};
use crate::store::rows::FailureRow;
use crate::store::{Cursor, FailureFilter, FailureGroup};

pub use self::cause::{advice, headline, place, stage, title};
pub use self::effect::{Effect, effect};

pub const PER_PAGE: usize = 50;
/// Groups on one page.
const SHOWN: usize = 100;
const KNOWN: [&str; 10] = ["q", "source", "stage", "code", "type", "from", "to", "after", "state", "by"];
pub const SPARK_W: f64 = 72.0;
pub const SPARK_H: f64 = 20.0;

pub fn configure(cfg: &mut web::ServiceConfig) {
    type Shared = web::Data<Desk>;
    cfg.route("/failures", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, show)))
        .route(
            "/failures/{group}",
            web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, group::show)),
        )
        .route(
            "/failures/{group}/mend",
            web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, mend::show)),
        )
        .route(
            "/failures/{group}/act",
            web::post()
                .to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, group::act)),
        );
}

#[derive(Debug, Serialize)]
pub struct Failures {
    pub states: Vec<Choice>,
    pub orders: Vec<Choice>,
    pub sections: Vec<Section>,
    pub more: u64,
    pub rows: Vec<Row>,
    pub total: String,
    pub as_of: Option<Time>,
    pub next: String,
    pub first: String,
    pub filtered: bool,
    /// Something failed, only not in the state asked for.
    pub elsewhere: bool,
    pub path: String,
    pub search: String,
    pub spark_width: f64,
    pub spark_height: f64,
}

impl Page for Failures {
    const TEMPLATE: &'static str = "failures.html";
}

/// A tab: another state, another order.
#[derive(Debug, Serialize)]
pub struct Choice {
    pub title: String,
    pub href: String,
    pub count: String,
    pub chosen: bool,
}

/// Groups that have something in common; one without a title when nobody asked.
#[derive(Debug, Serialize)]
pub struct Section {
    pub title: String,
    pub count: String,
    pub groups: Vec<GroupRow>,
}

#[derive(Debug, Serialize)]
pub struct GroupRow {
    pub key: String,
    pub title: String,
    pub href: String,
    pub stage: String,
    pub place: String,
    pub pointer: String,
    pub source: String,
    pub event: String,
    /// Records that wait to be mended.
    pub count: String,
    /// `400 of 482 mended`; empty where none is.
    pub mended: String,
    pub records: String,
    pub last_hour: u64,
    pub last_hour_text: String,
    pub hours: Vec<Bar>,
    pub hours_text: String,
    pub effect: Effect,
    pub state: Badge,
    pub returned: bool,
    pub owner: String,
    pub first: Time,
    pub last: Time,
    pub example: String,
    pub example_href: String,
}

#[derive(Debug, Serialize)]
pub struct Bar {
    pub x: f64,
    pub y: f64,
    pub height: f64,
    /// The running hour.
    pub open: bool,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub key: String,
    pub payload: String,
    pub href: String,
    pub at: Time,
    pub title: String,
    pub pointer: String,
    /// The same without positions and wrapping, short enough for a cell.
    pub place: String,
    pub found: String,
    pub source: String,
    pub event: String,
    pub object: Option<words::Ref>,
}

/// A group with how it stands.
pub struct Standing<'a> {
    pub group: &'a FailureGroup,
    pub standing: GroupStanding,
}

/// How each group stands by what people did with it.
pub fn stand<'a>(groups: &'a [FailureGroup], acts: &[GroupAct], now_ms: i64) -> Vec<Standing<'a>> {
    let moment = |ms: i64| DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default();
    let of = |group: &FailureGroup| {
        let own = acts.iter().filter(|act| act.group == group.group_id);
        standing(own, moment(group.last_ms), moment(now_ms))
    };
    groups.iter().map(|group| Standing { group, standing: of(group) }).collect()
}

/// Does somebody still have to do something about it? Not where replays have mended all of it.
pub fn is_active(one: &Standing<'_>) -> bool {
    matches!(one.standing.state, GroupState::Open | GroupState::Acknowledged) && one.group.left() > 0
}

pub struct Found<'a> {
    pub tenant: &'a str,
    pub groups: &'a [Standing<'a>],
    pub rows: &'a [FailureRow],
    pub next: Option<String>,
    pub paged: bool,
    pub filtered: bool,
    pub search: String,
    pub query: &'a Query,
}

pub fn failures(clock: &Clock, found: &Found<'_>) -> Failures {
    let path = words::tenant_path(found.tenant, "failures");
    let (next, first) = paging(&path, found.query, found.next.as_deref(), found.paged);
    let wanted = found.query.get("state").unwrap_or("active");
    let fits = |one: &Standing<'_>, state: &str| match state {
        "active" => is_active(one),
        "all" => true,
        state => one.standing.state.as_str() == state,
    };
    let shown: Vec<&Standing<'_>> = found.groups.iter().filter(|one| fits(one, wanted)).collect();
    let tab = |title: &str, state: &str| Choice {
        title: title.into(),
        href: format!(
            "{path}{}",
            found.query.without(&["after"]).with("state", if state == "active" { "" } else { state }).text()
        ),
        count: words::count(found.groups.iter().filter(|one| fits(one, state)).count() as u64),
        chosen: wanted == state,
    };
    let by = found.query.get("by").unwrap_or_default();
    let order = |title: &str, key: &str| Choice {
        title: title.into(),
        href: format!("{path}{}", found.query.without(&["after"]).with("by", key).text()),
        count: String::new(),
        chosen: by == key,
    };
    Failures {
        states: vec![
            tab("To do", "active"),
            tab("Open", "open"),
            tab("Acknowledged", "acknowledged"),
            tab("Resolved", "resolved"),
            tab("Ignored", "ignored"),
            tab("All", "all"),
        ],
        orders: vec![
            order("cause", ""),
            order("source", "source"),
            order("stage", "stage"),
            order("field", "field"),
            order("target", "target"),
            order("event type", "type"),
        ],
        total: format!(
            "{} in {}",
            words::plural(shown.iter().map(|one| one.group.left()).sum(), "record", "records"),
            words::plural(shown.len() as u64, "group", "groups")
        ),
        as_of: found.groups.iter().map(|one| one.group.as_of_ms).max().map(|ms| clock.time(ms)),
        more: shown.len().saturating_sub(SHOWN) as u64,
        elsewhere: shown.is_empty() && !found.groups.is_empty(),
        sections: sections(found.tenant, clock, &shown, by),
        rows: found.rows.iter().map(|failure| row(found.tenant, clock, failure)).collect(),
        next,
        first,
        filtered: found.filtered,
        search: found.search.clone(),
        path,
        spark_width: SPARK_W,
        spark_height: SPARK_H,
    }
}

fn sections(tenant: &str, clock: &Clock, shown: &[&Standing<'_>], by: &str) -> Vec<Section> {
    let name = |group: &FailureGroup| match by {
        "source" => group.source.clone(),
        "stage" => stage(&group.stage).to_owned(),
        "field" => Some(place(&group.pointer)).filter(|p| !p.is_empty()).unwrap_or_else(|| "no field".into()),
        "target" => Some(group.target.clone()).filter(|t| !t.is_empty()).unwrap_or_else(|| "no target".into()),
        "type" => events(group),
        _ => String::new(),
    };
    let mut sections: Vec<(String, u64, Vec<GroupRow>)> = Vec::new();
    for one in shown.iter().take(SHOWN) {
        let title = name(one.group);
        let row = group_row(tenant, clock, one);
        match sections.iter_mut().find(|(known, _, _)| *known == title) {
            Some((_, count, rows)) => {
                *count += one.group.count;
                rows.push(row);
            }
            None => sections.push((title, one.group.count, vec![row])),
        }
    }
    sections.sort_by_key(|section| std::cmp::Reverse(section.1));
    let section = |(title, count, groups): (String, u64, Vec<GroupRow>)| Section {
        title,
        count: words::plural(count, "record", "records"),
        groups,
    };
    sections.into_iter().map(section).collect()
}

/// The same filter, further down or from the top.
pub fn paging(path: &str, query: &Query, next: Option<&str>, paged: bool) -> (String, String) {
    let to = |query: Query| format!("{path}{}", query.text());
    let further = next.map(|cursor| to(query.with("after", cursor))).unwrap_or_default();
    (further, if paged { to(query.without(&["after"])) } else { String::new() })
}

pub fn group_path(tenant: &str, group: u64) -> String {
    words::tenant_path(tenant, &format!("failures/{}", group_name(group)))
}

pub fn badge(standing: &GroupStanding) -> Badge {
    match (standing.state, standing.returned) {
        (GroupState::Open, true) => status::RETURNED,
        (GroupState::Open, false) => status::OPEN,
        (GroupState::Acknowledged, _) => status::ACKNOWLEDGED,
        (GroupState::Resolved, _) => status::RESOLVED,
        (GroupState::Ignored, _) => status::IGNORED,
    }
}

pub fn group_row(tenant: &str, clock: &Clock, one: &Standing<'_>) -> GroupRow {
    let group = one.group;
    let example = words::payload_id(group.example_payload, Some(group.example_index));
    GroupRow {
        key: group_name(group.group_id),
        title: headline(group),
        href: group_path(tenant, group.group_id),
        stage: stage(&group.stage).into(),
        place: place(&group.pointer),
        pointer: group.pointer.clone(),
        source: group.source.clone(),
        event: events(group),
        count: words::count(group.left()),
        mended: match group.mended {
            0 => String::new(),
            mended => format!("{} of {} mended", words::count(mended), words::count(group.count)),
        },
        records: words::plural(group.count, "record", "records"),
        last_hour: group.last_hour,
        last_hour_text: words::count(group.last_hour),
        hours: spark(&group.hours),
        hours_text: format!("{} in the last 24 hours", words::plural(group.hours.iter().sum(), "failure", "failures")),
        effect: effect(group),
        state: badge(&one.standing),
        returned: one.standing.returned,
        owner: one.standing.owner.clone(),
        first: clock.time(group.first_ms),
        last: clock.time(group.last_ms),
        example_href: words::tenant_path(tenant, &format!("payloads/{example}")),
        example,
    }
}

fn events(group: &FailureGroup) -> String {
    let known: Vec<&String> = group.event_types.iter().filter(|kind| !kind.is_empty()).collect();
    match known.as_slice() {
        [] => "no event type".into(),
        [one] => words::event_title(one),
        [one, rest @ ..] => format!("{} and {} more", words::event_title(one), rest.len()),
    }
}

fn spark(hours: &[u64]) -> Vec<Bar> {
    let most = hours.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = SPARK_W / 24.0;
    let round = |x: f64| (x * 10.0).round() / 10.0;
    let bar = |(at, n): (usize, &u64)| {
        let height = if *n == 0 { 0.0 } else { round((*n as f64 / most * SPARK_H).max(1.0)) };
        Bar { x: round(at as f64 * step), y: round(SPARK_H - height), height, open: at == 23 }
    };
    hours.iter().take(24).enumerate().map(bar).filter(|bar| bar.height > 0.0).collect()
}

pub fn row(tenant: &str, clock: &Clock, failure: &FailureRow) -> Row {
    let payload = words::payload_id(failure.payload, Some(failure.index));
    let object = format!("{}/{}", failure.object_type, failure.object_id);
    Row {
        key: payload.clone(),
        href: words::tenant_path(tenant, &format!("payloads/{payload}")),
        payload,
        at: clock.time(failure.received_ms),
        title: title(&failure.code, &failure.pointer),
        place: place(&failure.pointer),
        pointer: failure.pointer.clone(),
        found: mask::value(&failure.pointer, &failure.found),
        source: failure.source.clone(),
        event: failure.event_type.clone(),
        object: (!failure.object_id.is_empty()).then(|| words::Ref::stored(tenant, &object)),
    }
}

/// What a query asks for; without a beginning `back_ms` before now, 0 for all that is kept.
pub fn filter(query: &Query, from_ms: i64) -> (FailureFilter, Vec<String>) {
    let (named, text) = qualifiers(query.get("q").unwrap_or_default(), &["source", "stage", "code", "type", "found"]);
    let query = named.iter().fold(query.clone(), |query, (name, value)| query.with(name, value));
    let one = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let mut complaints = Vec::new();
    let mut moment = |name: &str, none: i64| query.moment(name, &mut complaints).unwrap_or(none);
    let filter = FailureFilter {
        group: None,
        stage: one("stage"),
        code: one("code"),
        source: one("source"),
        event_type: one("type"),
        found: one("found"),
        text,
        from_ms: moment("from", from_ms),
        to_ms: moment("to", 0),
    };
    (filter, complaints)
}

async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let mut visit = Visit::new(desk, request, &KNOWN).await?;
    let (filter, complaints) = filter(&visit.query, visit.clock.now_ms - FAILURES_BACK_MS);
    visit.notices.extend(complaints);
    if visit
        .query
        .get("state")
        .is_some_and(|state| !["active", "all"].contains(&state) && GroupState::parse(state).is_none())
    {
        visit.notices.push("state: there are open, acknowledged, resolved, ignored and all.".into());
    }
    let after = super::routes::cursor(&mut visit);
    let tenant = visit.tenant.as_str();
    visit
        .show(desk, async {
            let (groups, acts, mut rows) = tokio::try_join!(
                desk.store.failure_groups(tenant, &filter, MAX_GROUPS),
                desk.store.failure_group_acts(tenant),
                desk.store.failures(tenant, &filter, &after, PER_PAGE as u64 + 1),
            )?;
            let more = rows.len() > PER_PAGE;
            rows.truncate(PER_PAGE);
            let found = Found {
                tenant,
                groups: &stand(&groups, &acts, visit.clock.now_ms),
                rows: &rows,
                next: rows.last().filter(|_| more).map(|row| Cursor::after_failure(row).to_string()),
                paged: !after.is_start(),
                filtered: visit.query.without(&["after", "state", "by"]) != Query::default(),
                search: visit.query.get("q").unwrap_or_default().to_owned(),
                query: &visit.query,
            };
            Ok((Label::new("failures", "Failures", "failures"), failures(&visit.clock, &found)))
        })
        .await
}
