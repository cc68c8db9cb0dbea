//! Rules about who or what says stop: customers, systems, people, and invoices that are wrong already.

use chrono::DateTime;
use milepost_ingest::ObjectRef;

use super::{Answer, Case, Finding, blocks, evidence, finding, found, text_of, who};
use crate::domain::fact::Fact;
use crate::domain::{Discrepancy, Exception, Outcome};

pub(super) fn customer_blocked(case: &Case) -> Answer {
    match &case.books.policy.block {
        Some(why) => blocks(format!("Nothing is billed to this customer: {why}"), None),
        None => Answer::Met(None, Vec::new()),
    }
}

pub(super) fn of_exceptions(case: &Case, is_it: impl Fn(&Exception) -> bool) -> Vec<Finding> {
    let own = |e: &&Exception| {
        let node = case.tree.nodes.iter().find(|n| n.object == e.object);
        is_it(e) && node.is_none_or(|n| case.concerns(n))
    };
    let of = |e: &Exception| {
        let events = case.tree.nodes.iter().filter(|n| n.object == e.object).flat_map(|n| n.facts.iter());
        let cause = events.filter(|f| f.occurred_at == e.since).map(|f| evidence(&e.object, f));
        Finding {
            system: Some(e.system.clone()),
            evidence: cause.collect(),
            ..finding(Outcome::Blocks, e.detail.clone(), Some(e.since))
        }
    };
    case.exceptions.iter().filter(own).map(of).collect()
}

pub(super) fn credit_hold(case: &Case) -> Answer {
    found(of_exceptions(case, |e| e.kind == "credit_hold"))
}

pub(super) fn billing_block(case: &Case) -> Answer {
    let said = case.nodes().filter_map(|n| {
        let fact = n.facts.iter().rev().find(|f| f.detail.bill.as_ref().is_some_and(|b| b.block.is_some()))?;
        let why = fact.detail.bill.as_ref()?.block.as_deref().filter(|b| !b.is_empty())?;
        let detail = format!("Billing block on {}: {why}", n.object);
        let evidence = vec![evidence(&n.object, fact)];
        Some(Finding { evidence, ..finding(Outcome::Blocks, detail, Some(fact.occurred_at)) })
    });
    found(said.collect())
}

pub(super) fn status_conflict(case: &Case) -> Answer {
    found(of_exceptions(case, |e| e.kind == "status_conflict"))
}

const FAILED: [&str; 3] = ["message_failed", "dead_lettered", "held_too_long"];

pub(super) fn failed_event(case: &Case) -> Answer {
    found(of_exceptions(case, |e| FAILED.contains(&&*e.kind)))
}

/// Rules of their own speak for these.
const TOLD_ELSEWHERE: [&str; 9] = [
    "credit_hold",
    "status_conflict",
    "premature_invoice",
    "over_invoiced",
    "under_invoiced",
    "duplicate_invoice",
    "message_failed",
    "dead_lettered",
    "held_too_long",
];

pub(super) fn open_exception(case: &Case) -> Answer {
    found(of_exceptions(case, |e| e.blocking && !TOLD_ELSEWHERE.contains(&&*e.kind)))
}

/// The latest of `readiness.held` and `readiness.released` on the unit or its order counts.
pub(super) fn manual_hold(case: &Case) -> Answer {
    let mut findings = Vec::new();
    for node in case.nodes().filter(|n| n.object == case.unit.object || n.depth == 0) {
        let decided = |f: &&Fact| matches!(&*f.kind, "readiness.held" | "readiness.released");
        let Some(last) = node.acts.iter().rev().find(decided).filter(|f| &*f.kind == "readiness.held") else {
            continue;
        };
        let until = text_of(last, "until").and_then(|t| DateTime::parse_from_rfc3339(&t).ok()).map(|t| t.to_utc());
        if until.is_some_and(|until| case.as_of >= until) {
            continue;
        }
        let why = text_of(last, "reason").unwrap_or_else(|| "no reason given".to_owned());
        let end = until
            .map_or_else(|| "until it is released".to_owned(), |u| format!("until {}", u.format("%Y-%m-%d %H:%M UTC")));
        let detail = format!("Held by {}: {why} ({end})", who(last));
        let evidence = vec![evidence(&node.object, last)];
        findings.push(Finding { evidence, until, ..finding(Outcome::Blocks, detail, Some(last.occurred_at)) });
    }
    found(findings)
}

pub(super) fn of_discrepancies(case: &Case, kinds: &[&str]) -> Vec<Finding> {
    let documents: Vec<&ObjectRef> =
        case.unit.documents.iter().map(|d| &case.books.documents[*d].node.object).collect();
    let own = |d: &&Discrepancy| {
        kinds.contains(&&*d.kind) && (documents.contains(&&d.object) || d.object == case.unit.object)
    };
    let of = |d: &Discrepancy| Finding {
        system: Some(d.system.clone()),
        evidence: d.evidence.clone(),
        ..finding(Outcome::Wrong, d.detail.clone(), Some(d.since))
    };
    case.discrepancies.iter().filter(own).map(of).collect()
}

pub(super) fn premature_invoice(case: &Case) -> Answer {
    if !case.is_billed() {
        return Answer::Unasked;
    }
    found(of_discrepancies(case, &["premature_invoice", "billed_not_shipped"]))
}

pub(super) fn wrong_invoice(case: &Case) -> Answer {
    if !case.is_billed() {
        return Answer::Unasked;
    }
    found(of_discrepancies(case, &["over_invoiced", "under_invoiced", "duplicate_invoice"]))
}
