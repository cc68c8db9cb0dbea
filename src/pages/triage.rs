//! The first page of whoever is on call: is it us, the network or a partner; what fails most and what hangs on it; what was
//! replayed; what was changed. Four questions of the business are answered at once.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::desk::{Desk, MAX_GROUPS};
use super::failures::{GroupRow, Standing, group_row, is_active, stand};
use super::integrations::{self, DependencyRow, Found, Row};
use super::problem::Trouble;
use super::render::Page;
use super::routes::told;
use super::status::{self, Badge};
use super::time::{Clock, Time};
use super::visit::{Label, Visit};
use super::words;
use crate::store::replays::{ReplayRow, SilentReplay};
use crate::store::{
    CarrierSummary, DependencySummary, FailureFilter, HeldGroup, InvoiceFailures, Reach, SourceSummary, UsualHour,
};

/// Groups on this page.
const GROUPS: usize = 8;
const CHANGES: usize = 8;
/// Replays that are counted, and those that are shown.
const REPLAYS: u64 = 20;
const REPLAY_LINES: usize = 5;
/// Links to replays without effect.
const SILENT: usize = 10;
const DAY_MS: i64 = 86_400_000;

pub fn configure(cfg: &mut web::ServiceConfig) {
    type Shared = web::Data<Desk>;
    cfg.route("/triage", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, show)));
}

#[derive(Debug, Serialize)]
pub struct Triage {
    pub sources: Vec<Row>,
    pub dependencies: Vec<DependencyRow>,
    pub bars_width: f64,
    pub bars_height: f64,
    pub sick: String,
    pub answers: Vec<Answer>,
    pub groups: Vec<GroupRow>,
    pub groups_more: String,
    pub groups_href: String,
    pub replays: Vec<ReplayLine>,
    pub held: Vec<(String, String)>,
    pub held_href: String,
    pub changes: Vec<(Time, String)>,
    pub integrations_href: String,
    pub spark_width: f64,
    pub spark_height: f64,
}

impl Page for Triage {
    const TEMPLATE: &'static str = "triage.html";
}

/// A question of the business with its answer.
#[derive(Debug, Serialize)]
pub struct Answer {
    pub question: &'static str,
    pub badge: Badge,
    pub text: String,
    pub href: String,
    pub links: Vec<(String, String)>,
}

pub struct Facts<'a> {
    pub tenant: &'a str,
    pub sources: &'a [SourceSummary],
    pub usual: &'a [UsualHour],
    pub carriers: &'a [CarrierSummary],
    pub dependencies: &'a [DependencySummary],
    pub groups: &'a [Standing<'a>],
    pub held: &'a [HeldGroup],
    pub changes: &'a [super::failures::chart::Change],
    pub reach: &'a Reach,
    pub invoices: &'a InvoiceFailures,
    /// The latest first.
    pub replays: &'a [ReplayRow],
    /// Replays with items that belong to no workflow and show no effect.
    pub silent: &'a [SilentReplay],
}

/// A replay in a line.
#[derive(Debug, Serialize)]
pub struct ReplayLine {
    pub key: String,
    pub href: String,
    pub badge: Badge,
    pub what: String,
    pub counts: String,
    pub by: String,
    pub at: Time,
}

pub fn triage(clock: &Clock, facts: Facts<'_>) -> Triage {
    let tenant = facts.tenant;
    let path = |rest: &str| words::tenant_path(tenant, rest);
    let found = Found { sources: facts.sources, usual: facts.usual, carriers: &[], dependencies: &[] };
    let mut sources = integrations::rows(tenant, clock, found);
    // In the order in which work flows, so that a fault stands before what it causes.
    sources.sort_by_key(|row| (words::system_rank(&row.system.to_lowercase()), row.key.clone()));
    let dependencies = integrations::dependency_rows(tenant, clock, facts.dependencies);
    let sick: Vec<&str> = sources
        .iter()
        .filter(|row| row.badge.loud)
        .map(|row| row.key.as_str())
        .chain(dependencies.iter().filter(|row| row.badge.loud).map(|row| row.key.as_str()))
        .collect();
    let mut active: Vec<&Standing<'_>> = facts.groups.iter().filter(|one| is_active(one)).collect();
    // What fails now comes first, then what hangs on it, then how much there is.
    active.sort_by_key(|one| {
        let group = one.group;
        std::cmp::Reverse((group.last_hour > 0, group.breached + group.at_risk, group.last_hour, group.count))
    });
    let answers = vec![
        shipments(tenant, clock, facts.reach),
        invoices(tenant, facts.invoices, facts.groups),
        replayed(tenant, clock, facts.replays, facts.silent),
        carriers(tenant, facts.carriers),
    ];
    let held = |group: &HeldGroup| {
        let waits = format!(
            "{} waiting for {}",
            words::plural(group.objects, "object", "objects"),
            words::title(&group.waits_for).to_lowercase()
        );
        (waits, format!("oldest {}", clock.ago(group.oldest_ms)))
    };
    Triage {
        sick: match sick.as_slice() {
            [] if sources.is_empty() && dependencies.is_empty() => String::new(),
            [] => "Everybody around us is well, as far as is known.".into(),
            [one] => format!("{one} needs attention."),
            many => format!(
                "{} need attention: {}.",
                words::count(many.len() as u64),
                many.iter().take(6).copied().collect::<Vec<_>>().join(", ")
            ),
        },
        sources,
        dependencies,
        bars_width: 150.0,
        bars_height: 28.0,
        answers,
        groups_more: match active.len().saturating_sub(GROUPS) {
            0 => String::new(),
            more => format!("and {}", words::plural(more as u64, "more group", "more groups")),
        },
        groups: active.iter().take(GROUPS).map(|one| group_row(tenant, clock, one)).collect(),
        groups_href: path("failures"),
        replays: facts.replays.iter().take(REPLAY_LINES).map(|row| replay_line(tenant, clock, row)).collect(),
        held: facts.held.iter().take(5).map(held).collect(),
        held_href: path("held"),
        changes: facts
            .changes
            .iter()
            .rev()
            .take(CHANGES)
            .map(|change| (clock.time(change.at_ms), change.what.clone()))
            .collect(),
        integrations_href: path("integrations"),
        spark_width: super::failures::SPARK_W,
        spark_height: super::failures::SPARK_H,
    }
}

fn shipments(tenant: &str, clock: &Clock, reach: &Reach) -> Answer {
    let missing = reach.shipped.saturating_sub(reach.known + reach.fresh);
    let link = |id: &String| (id.clone(), words::object_path(tenant, "shipment", id));
    Answer {
        question: "Did shipment events reach finance?",
        badge: match (reach.shipped, missing) {
            (0, _) => status::UNKNOWN,
            (_, 0) => status::YES,
            _ => status::PART,
        },
        text: match (reach.shipped, missing) {
            (0, _) => "No shipment was shipped in the last 24 hours.".into(),
            (all, 0) if reach.fresh == 0 => {
                format!("All {} shipped in the last 24 hours are known to billing or finance.", words::count(all))
            }
            (all, 0) => format!(
                "{} of {} shipped in the last 24 hours are known to billing or finance; the others went within the last quarter of an hour.",
                words::count(reach.known),
                words::count(all)
            ),
            (all, missing) => format!(
                "{} of {} shipped in the last 24 hours are known to billing or finance. {} not yet, the oldest since {}:",
                words::count(reach.known),
                words::count(all),
                words::count(missing),
                reach.missing_since.first().map_or_else(String::new, |ms| clock.short(*ms)),
            ),
        },
        href: words::tenant_path(tenant, "workflows?stage=shipped"),
        links: reach.missing.iter().map(link).collect(),
    }
}

fn invoices(tenant: &str, found: &InvoiceFailures, groups: &[Standing<'_>]) -> Answer {
    // Each cause by the title of its group, which may hold several.
    let mut causes: Vec<(String, String)> = Vec::new();
    for cause in found.fingerprints.iter().filter_map(|name| name.parse::<u64>().ok()) {
        let of = groups.iter().find(|one| one.group.fingerprints.contains(&cause)).map(|one| one.group);
        let title = of.map_or_else(|| "the cause".to_owned(), super::failures::headline);
        let link = (title, super::failures::group_path(tenant, of.map_or(cause, |group| group.group_id)));
        if !causes.contains(&link) {
            causes.push(link);
        }
    }
    Answer {
        question: "Did invoice triggers fail?",
        badge: match (found.failed, found.triggered + found.issued) {
            (0, 0) => status::UNKNOWN,
            (0, _) => status::NO_FAILURE,
            _ => status::FAILED,
        },
        text: match (found.failed, found.triggered + found.issued) {
            (0, 0) => "Neither a trigger nor an invoice came in the last 24 hours.".into(),
            (0, _) => format!(
                "None in the last 24 hours: {} and {}.",
                words::plural(found.triggered, "trigger", "triggers"),
                words::plural(found.issued, "invoice issued", "invoices issued")
            ),
            (failed, _) => format!(
                "{} in the last 24 hours, on {}; {}, {}.",
                words::plural(failed, "failure", "failures"),
                words::plural(found.invoices, "invoice", "invoices"),
                words::plural(found.triggered, "trigger came", "triggers came"),
                words::plural(found.issued, "invoice was issued", "invoices were issued")
            ),
        },
        href: words::tenant_path(tenant, "failures?state=all"),
        links: causes,
    }
}

/// Whether a job is still at work.
fn is_running(row: &ReplayRow) -> bool {
    matches!(row.state.as_str(), "running" | "settling" | "scheduled" | "paused" | "stopped")
}

fn replay_line(tenant: &str, clock: &Clock, row: &ReplayRow) -> ReplayLine {
    ReplayLine {
        key: row.id.clone(),
        href: words::tenant_path(tenant, &format!("replays/{}", row.id)),
        badge: match (row.state.as_str(), row.failed, row.sent) {
            ("running" | "settling", _, _) => status::RUNNING,
            ("scheduled", _, _) => status::PLANNED,
            ("paused" | "stopped", _, _) => status::STANDING,
            ("cancelled", _, _) => status::workflow("cancelled"),
            (_, 0, 0) => status::PROVEN,
            (_, 0, _) => status::NO_EFFECT,
            _ => status::FAILED,
        },
        what: if row.words.is_empty() { row.reason.clone() } else { format!("{}: {}", row.words, row.reason) },
        counts: counts_of(std::slice::from_ref(row)),
        by: words::actor(&row.by),
        at: clock.time(if row.finished_ms > 0 { row.finished_ms } else { row.created_ms }),
    }
}

/// `480 of 482 proven, 2 failed`.
fn counts_of(rows: &[ReplayRow]) -> String {
    let sum = |of: fn(&ReplayRow) -> u32| rows.iter().map(|row| u64::from(of(row))).sum::<u64>();
    let mut out = format!("{} of {} proven", words::count(sum(|row| row.proven)), words::count(sum(|row| row.count)));
    for (count, word) in [
        (sum(|row| row.sent), "without effect yet"),
        (sum(|row| row.failed), "failed"),
        (sum(|row| row.skipped), "skipped"),
    ] {
        if count > 0 {
            out.push_str(&format!(", {} {word}", words::count(count)));
        }
    }
    out
}

/// Drafts are no replays yet.
fn replayed(tenant: &str, clock: &Clock, rows: &[ReplayRow], silent: &[SilentReplay]) -> Answer {
    let recent: Vec<ReplayRow> = rows
        .iter()
        .filter(|row| is_running(row) || clock.now_ms - row.finished_ms.max(row.created_ms) < DAY_MS)
        .cloned()
        .collect();
    let running = recent.iter().filter(|row| is_running(row)).count() as u64;
    let failed = recent.iter().any(|row| row.failed > 0);
    let unproven = recent.iter().any(|row| row.sent > 0);
    let partly = recent.iter().any(|row| row.proven < row.count);
    let unseen: u64 = silent.iter().map(|one| one.count).sum();
    let mut text = match (recent.len() as u64, running) {
        (0, _) => "Nothing was replayed in the last 24 hours.".into(),
        (jobs, 0) => format!("{}: {}.", words::plural(jobs, "replay", "replays"), counts_of(&recent)),
        (jobs, running) => {
            format!(
                "{}, {} under way: {}.",
                words::plural(jobs, "replay", "replays"),
                words::count(running),
                counts_of(&recent)
            )
        }
    };
    if unseen > 0 {
        text.push_str(&format!(
            " {} of no workflow {} sent and no effect is seen:",
            words::plural(unseen, "record", "records"),
            if unseen == 1 { "was" } else { "were" },
        ));
    }
    let link = |one: &SilentReplay| {
        (format!("replay {}", one.replay), words::tenant_path(tenant, &format!("replays/{}", one.replay)))
    };
    Answer {
        question: "Did the replay work?",
        badge: match (recent.is_empty() && unseen == 0, failed || unseen > 0, running > 0, unproven) {
            (true, ..) => status::UNKNOWN,
            (_, true, ..) => status::FAILED,
            (_, _, true, _) => status::RUNNING,
            (_, _, _, true) => status::NO_EFFECT,
            _ if partly => status::PART,
            _ => status::YES,
        },
        text,
        href: words::tenant_path(tenant, "replays"),
        links: silent.iter().take(SILENT).map(link).collect(),
    }
}

fn carriers(tenant: &str, found: &[CarrierSummary]) -> Answer {
    let late: Vec<&CarrierSummary> = found.iter().filter(|carrier| carrier.breached > 0).collect();
    let link = |carrier: &&CarrierSummary| {
        let title =
            format!("{} ({} of {})", carrier.carrier, words::count(carrier.breached), words::count(carrier.open));
        (
            title,
            words::tenant_path(
                tenant,
                &format!("workflows?status=breached&carrier={}", words::encode(&carrier.carrier)),
            ),
        )
    };
    Answer {
        question: "Is a carrier late?",
        badge: match (found.is_empty(), late.is_empty()) {
            (true, _) => status::UNKNOWN,
            (_, true) => status::ON_TIME,
            _ => status::LATE,
        },
        text: match (found.len(), late.len()) {
            (0, _) => "No open transport names its carrier.".into(),
            (_, 0) => format!(
                "None of {} has a breach among its open transports.",
                words::plural(found.len() as u64, "carrier", "carriers")
            ),
            (all, n) => format!(
                "{} of {} have breaches among their open transports:",
                words::count(n as u64),
                words::plural(all as u64, "carrier", "carriers")
            ),
        },
        href: words::tenant_path(tenant, "integrations"),
        links: late.iter().take(5).map(link).collect(),
    }
}

async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &[]).await?;
    let (tenant, now_ms) = (visit.tenant.as_str(), visit.clock.now_ms);
    visit
        .show(desk, async {
            let since = now_ms - DAY_MS;
            let recent = FailureFilter { from_ms: now_ms - 7 * DAY_MS, ..FailureFilter::default() };
            let (sources, usual, carriers, dependencies, groups) = tokio::try_join!(
                desk.store.sources_as_of(tenant, now_ms),
                desk.store.source_usual(tenant, now_ms),
                desk.store.carriers(tenant),
                desk.store.dependencies(tenant, now_ms),
                desk.store.failure_groups(tenant, &recent, MAX_GROUPS),
            )?;
            let week = now_ms - 7 * DAY_MS;
            let (acts, held, changes, reach, invoices, replays, silent) = tokio::try_join!(
                desk.store.failure_group_acts(tenant),
                desk.store.held_groups(tenant),
                desk.changes(tenant, since),
                desk.store.reach(tenant, since, now_ms),
                desk.store.invoice_failures(tenant, since),
                desk.store.replays(tenant, "", REPLAYS),
                desk.store.silent_replays(tenant, week),
            )?;
            let facts = Facts {
                tenant,
                sources: &sources,
                usual: &usual,
                carriers: &carriers,
                dependencies: &dependencies,
                groups: &stand(&groups, &acts, now_ms),
                held: &held,
                changes: &changes,
                reach: &reach,
                invoices: &invoices,
                replays: &replays,
                silent: &silent,
            };
            Ok((Label::new("triage", "Triage", "failures sources held replays"), triage(&visit.clock, facts)))
        })
        .await
}
