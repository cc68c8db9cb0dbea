//! One group of failures: what went wrong, what hangs on it, since when, which values, an example opened beside, what
//! people did with it, and why these failures stand together.

use actix_web::{HttpRequest, HttpResponse};
use chrono::{Duration, Utc};
use milepost_ingest::ObjectRef;
use serde::Serialize;
use serde_json::{Map, Value};

use super::chart::{self, Change, Chart};
use super::{GroupRow, PER_PAGE, Row, Standing, advice, group_path, group_row, headline, row};
use crate::domain::failures::{GROUP, GroupAct, GroupState, Rules, SPLIT_BY, group_name, parse_group};
use crate::pages::act::Submission;
use crate::pages::desk::{Desk, MAX_GROUPS};
use crate::pages::params::Query;
use crate::pages::payload::{self, Excerpt};
use crate::pages::problem::Trouble;
use crate::pages::render::Page;
use crate::pages::routes::part;
use crate::pages::time::{Clock, Time};
use crate::pages::visit::{Label, Visit};
use crate::pages::{mask, words};
use crate::store::rows::FailureRow;
use crate::store::{BadValue, Cursor, FailureFilter, FailureGroup, StoreError};

const VALUES: u64 = 20;
/// Groups offered for merging.
const OFFERED: usize = 50;
const MAX_TEXT: usize = 2_000;
/// The histogram goes back so far at most.
const BACK_MS: i64 = 30 * 86_400_000;

#[derive(Debug, Serialize)]
pub struct Group {
    pub group: GroupRow,
    pub expected: String,
    pub detail: String,
    pub code: String,
    pub target: String,
    pub step: String,
    pub advice: &'static str,
    /// Red only while somebody has to do something about it.
    pub tone: &'static str,
    pub tone_glyph: &'static str,
    pub standing: StandingWords,
    pub chart: Chart,
    pub values: Vec<BadValueRow>,
    pub example: Option<Excerpt>,
    pub why: Vec<(&'static str, String)>,
    pub rules: Vec<RuleRow>,
    pub others: Vec<(String, String)>,
    pub split_by: Vec<(&'static str, &'static str)>,
    pub acts: Vec<ActRow>,
    pub rows: Vec<Row>,
    pub next: String,
    pub first: String,
    pub act_path: String,
    pub mend_path: String,
    pub replay_path: String,
    pub recent: bool,
    /// Whoever came by a group that is now part of this one.
    pub merged_from: String,
}

impl Page for Group {
    const TEMPLATE: &'static str = "failure.html";
}

#[derive(Debug, Serialize)]
pub struct StandingWords {
    pub state: &'static str,
    pub since: Option<Time>,
    pub by: String,
    pub reason: String,
    pub owner: String,
    pub runbook: String,
    pub until: Option<Time>,
}

#[derive(Debug, Serialize)]
pub struct BadValueRow {
    pub text: String,
    pub count: String,
    pub width: f64,
    /// The value itself, for splitting; empty when it is masked or too long.
    pub value: String,
    pub href: String,
}

/// A rule that made this group what it is, and how to take it back.
#[derive(Debug, Serialize)]
pub struct RuleRow {
    pub text: String,
    pub href: String,
    /// `unmerged` or `rejoined`, on which group, by which field and value.
    pub undo: &'static str,
    pub group: String,
    pub by: String,
    pub value: String,
}

#[derive(Debug, Serialize)]
pub struct ActRow {
    pub key: String,
    pub by: String,
    pub what: String,
    pub text: String,
    pub at: Time,
}

pub struct Facts<'a> {
    pub tenant: &'a str,
    pub one: Standing<'a>,
    pub all: &'a [FailureGroup],
    pub acts: &'a [GroupAct],
    pub rules: &'a Rules,
    pub values: &'a [BadValue],
    pub times: &'a [(i64, u64)],
    pub from_ms: i64,
    pub slot_ms: i64,
    pub changes: &'a [Change],
    pub rows: &'a [FailureRow],
    pub example: Option<Excerpt>,
    pub next: Option<String>,
    pub paged: bool,
    pub query: &'a Query,
    pub asked_for: u64,
}

pub fn group(clock: &Clock, facts: Facts<'_>) -> Group {
    let Facts { tenant, acts, rules, .. } = facts;
    let group = facts.one.group;
    let id = group.group_id;
    let path = group_path(tenant, id);
    let (next, first) = super::paging(&path, facts.query, facts.next.as_deref(), facts.paged);
    let standing = &facts.one.standing;
    let moment = |at: Option<chrono::DateTime<Utc>>| at.map(|at| clock.time(at.timestamp_millis()));
    let most = facts.values.first().map_or(1, |value| value.count.max(1)) as f64;
    let value = |value: &BadValue| {
        let shown = mask::value(&group.pointer, &value.found);
        BadValueRow {
            value: if shown == value.found { value.found.clone() } else { String::new() },
            text: if value.found.is_empty() { "nothing".into() } else { shown },
            count: words::count(value.count),
            width: (value.count as f64 / most * 120.0).round().max(2.0),
            href: format!("{path}?found={}", words::encode(&value.found)),
        }
    };
    let named =
        |group: u64| facts.all.iter().find(|one| one.group_id == group).map_or_else(|| group_name(group), headline);
    let mut rows: Vec<RuleRow> = Vec::new();
    for (from, _) in rules.merges.iter().filter(|(_, into)| *into == id) {
        rows.push(RuleRow {
            text: format!("Merged in: group {}", group_name(*from)),
            href: String::new(),
            undo: "unmerged",
            group: group_name(*from),
            by: String::new(),
            value: String::new(),
        });
    }
    for split in rules.splits.iter().filter(|split| split.from == id || split.into == id) {
        let away = split.from == id;
        let what =
            format!("{} is “{}”", split_words(&split.by), words::cut(&mask::value(&group.pointer, &split.value), 60));
        rows.push(RuleRow {
            text: if away {
                format!("Split off: where {what}")
            } else {
                format!("Split from {}: where {what}", named(split.from))
            },
            href: group_path(tenant, rules.home(if away { split.into } else { split.from })),
            undo: "rejoined",
            group: group_name(split.from),
            by: split.by.clone(),
            value: split.value.clone(),
        });
    }
    let own = acts.iter().filter(|act| act.group == id);
    let (tone, tone_glyph) = match (standing.state, group.left()) {
        (_, 0) | (GroupState::Resolved, _) => ("ok", "ok"),
        (GroupState::Ignored, _) => ("idle", "idle"),
        _ => ("crit", "fail"),
    };
    Group {
        tone,
        tone_glyph,
        expected: group.expected.clone(),
        detail: mask::text(&group.detail),
        code: group.code.clone(),
        target: group.target.clone(),
        step: mask::text(&group.step),
        advice: advice(&group.stage, &group.code),
        standing: StandingWords {
            state: standing.state.as_str(),
            since: moment(standing.since),
            by: words::actor(&standing.by),
            reason: standing.reason.clone(),
            owner: standing.owner.clone(),
            runbook: standing.runbook.clone(),
            until: moment(standing.until),
        },
        chart: chart::chart(clock, facts.from_ms, facts.slot_ms, facts.times, facts.changes),
        values: facts.values.iter().map(value).collect(),
        example: facts.example,
        why: why(group),
        rules: rows,
        others: facts
            .all
            .iter()
            .filter(|other| other.group_id != id)
            .take(OFFERED)
            .map(|other| (group_name(other.group_id), format!("{} · {}", headline(other), other.source)))
            .collect(),
        split_by: SPLIT_BY.iter().map(|by| (*by, split_words(by))).collect(),
        acts: own.rev().map(|act| act_row(clock, act)).collect(),
        rows: facts.rows.iter().take(PER_PAGE).map(|failure| row(tenant, clock, failure)).collect(),
        next,
        first,
        act_path: format!("{path}/act"),
        mend_path: format!("{path}/mend"),
        replay_path: words::tenant_path(tenant, &format!("replays?group={}", group_name(id))),
        recent: clock.now_ms - group.last_ms < 3_600_000,
        merged_from: if facts.asked_for == id { String::new() } else { group_name(facts.asked_for) },
        group: group_row(tenant, clock, &facts.one),
    }
}

/// Failures of one group have these in common; nothing else counts.
fn why(group: &FailureGroup) -> Vec<(&'static str, String)> {
    let place = super::place(&group.pointer);
    let parts = [
        ("Source", group.source.clone()),
        ("Stage", super::stage(&group.stage).to_owned()),
        ("Code", group.code.clone()),
        (
            if place.is_empty() { "Target" } else { "Field" },
            if place.is_empty() { group.target.clone() } else { place },
        ),
        ("Step", mask::text(&group.step)),
    ];
    parts.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn split_words(by: &str) -> &'static str {
    match by {
        "found" => "the value found",
        "source" => "the source",
        "event_type" => "the event type",
        "object_type" => "the type of object",
        "target" => "the target",
        _ => "the contract version",
    }
}

fn act_row(clock: &Clock, act: &GroupAct) -> ActRow {
    let what = match act.verb() {
        "acknowledged" => "acknowledged it".to_owned(),
        "resolved" => "called it resolved".to_owned(),
        "ignored" => "ignores it".to_owned(),
        "reopened" => "opened it again".to_owned(),
        "assigned" => format!("gave it to {}", act.text("owner")),
        "runbook_set" => "wrote the runbook".to_owned(),
        "merged" => format!("merged it into {}", act.text("into")),
        "unmerged" => "took the merging back".to_owned(),
        "split" => format!("split off where {} is “{}”", split_words(act.text("by")), mask::text(act.text("value"))),
        "rejoined" => "took a split back".to_owned(),
        other => other.replace('_', " "),
    };
    ActRow {
        key: act.id.clone(),
        by: words::actor(&act.by),
        what,
        text: [act.text("reason"), act.text("runbook")]
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default()
            .to_owned(),
        at: clock.time(act.at.timestamp_millis()),
    }
}

/// A group by any id that it ever had, among all of its tenant, with what people did with them.
pub(super) struct Home {
    pub id: u64,
    pub all: Vec<FailureGroup>,
    pub acts: Vec<GroupAct>,
    pub rules: Rules,
}

impl Home {
    pub(super) async fn read(desk: &Desk, tenant: &str, asked_for: u64) -> Result<Self, StoreError> {
        let any = FailureFilter::default();
        let (acts, all) = tokio::try_join!(
            desk.store.failure_group_acts(tenant),
            desk.store.failure_groups(tenant, &any, MAX_GROUPS),
        )?;
        let rules = Rules::of(&acts);
        Ok(Self { id: rules.home(asked_for), all, acts, rules })
    }

    pub(super) fn found(&self) -> Option<&FailureGroup> {
        self.all.iter().find(|group| group.group_id == self.id)
    }
}

pub async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let mut visit = Visit::new(desk, request, &["after", "found"]).await?;
    let after = crate::pages::routes::cursor(&mut visit);
    let tenant = visit.tenant.as_str();
    let missing = || Trouble::NotFound { tenant: tenant.to_owned(), what: "This group of failures".into() };
    let asked_for = parse_group(&part(request, "group")).ok_or_else(missing)?;
    visit
        .show(desk, async {
            let home = Home::read(desk, tenant, asked_for).await?;
            let found = home.found().ok_or_else(missing)?;
            let Home { id, all, acts, rules } = &home;
            let now_ms = visit.clock.now_ms;
            let from_ms = found.first_ms.max(now_ms - BACK_MS).min(now_ms - 3_600_000);
            let slot_ms = chart::slot_ms(now_ms - from_ms);
            let bad = visit.query.get("found").unwrap_or_default().to_owned();
            let filter = FailureFilter { group: Some(*id), found: bad, ..FailureFilter::default() };
            let (values, times, rows, changes, example) = tokio::try_join!(
                desk.store.failure_group_values(tenant, *id, rules, VALUES),
                desk.store.failure_group_times(tenant, *id, rules, from_ms, slot_ms),
                desk.store.failures(tenant, &filter, &after, PER_PAGE as u64 + 1),
                desk.changes(tenant, from_ms),
                payload::excerpt(desk, tenant, found.example_payload, found.example_index),
            )?;
            let last = rows.get(PER_PAGE - 1).filter(|_| rows.len() > PER_PAGE);
            let facts = Facts {
                tenant,
                one: super::stand(std::slice::from_ref(found), acts, now_ms).remove(0),
                all,
                acts,
                rules,
                values: &values,
                times: &times,
                from_ms,
                slot_ms,
                changes: &changes,
                rows: &rows,
                example,
                next: last.map(|row| Cursor::after_failure(row).to_string()),
                paged: !after.is_start(),
                query: &visit.query,
                asked_for,
            };
            Ok((Label::new("failures", headline(found), "failures"), group(&visit.clock, facts)))
        })
        .await
}

/// What may be done with a group. API and form ask here, so that both allow the same.
pub fn checked(
    group: u64,
    verb: &str,
    text: &dyn Fn(&str) -> Option<String>,
    now: chrono::DateTime<Utc>,
) -> Result<(ObjectRef, String, Map<String, Value>), &'static str> {
    let cut = |text: String| text.chars().take(MAX_TEXT).collect::<String>();
    let mut data = Map::new();
    let mut keep = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            data.insert(name.to_owned(), cut(value).into());
        }
    };
    keep("reason", text("reason"));
    match verb {
        "acknowledged" | "reopened" => {}
        "resolved" if text("reason").is_none() => return Err("Say what was done: resolving needs a reason."),
        "resolved" => {}
        "ignored" => {
            if text("reason").is_none() {
                return Err("Say why: ignoring needs a reason.");
            }
            let days: i64 = match text("days").as_deref() {
                None | Some("" | "0") => 0,
                Some(days) => {
                    days.parse().ok().filter(|days| (1..=90).contains(days)).ok_or("Ignore for 1 to 90 days.")?
                }
            };
            keep("until", (days > 0).then(|| (now + Duration::days(days)).to_rfc3339()));
        }
        "assigned" => {
            // Nobody's: the owner is taken away.
            data.insert("owner".into(), cut(text("owner").unwrap_or_default()).into());
        }
        "runbook_set" => {
            data.insert("runbook".into(), cut(text("runbook").unwrap_or_default()).into());
        }
        "merged" => {
            let into = text("into").as_deref().and_then(parse_group).ok_or("Choose the group to merge into.")?;
            if into == group {
                return Err("A group cannot be merged into itself.");
            }
            data.insert("into".into(), group_name(into).into());
        }
        "unmerged" => {}
        "split" | "rejoined" => {
            let (by, value) = (text("by").unwrap_or_default(), text("value").ok_or("Say which value stands apart.")?);
            if !SPLIT_BY.contains(&by.as_str()) {
                return Err("Choose the field by which to split.");
            }
            data.insert("by".into(), by.into());
            data.insert("value".into(), value.into());
        }
        _ => return Err("There is no such act."),
    }
    Ok((ObjectRef::new(GROUP, group_name(group)), format!("failure_group.{verb}"), data))
}

pub async fn act(desk: &Desk, request: &HttpRequest, form: Submission) -> Result<HttpResponse, Trouble> {
    // A rule is taken back on the group that it began with.
    let group = form.get("group").map_or_else(|| part(request, "group"), str::to_owned);
    let group = parse_group(&group).ok_or_else(|| form.bad("This group is not known."))?;
    let verb = form.need("verb", "Choose what to do.")?.to_owned();
    let text = |name: &str| form.get(name).map(str::to_owned);
    let (object, kind, data) = checked(group, &verb, &text, Utc::now()).map_err(|text| form.bad(text))?;
    form.done(desk, vec![form.act(0, &kind, object, data)]).await
}
