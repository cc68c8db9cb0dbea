//! Can it be invoiced? Not due, blocked (by which rules), ready, invoiced, posted, paid, or wrong.

use super::lines::Lines;
use super::milestones::full_at;
use super::tree::Tree;
use super::{Exception, Milestone, Reached, Readiness, ReadinessReason, ReadinessState};

pub fn readiness(
    tree: &Tree,
    lines: &Lines,
    milestones: &[Milestone],
    exceptions: &[Exception],
    pod_required: bool,
) -> Readiness {
    let milestone = |key: &str| milestones.iter().find(|m| m.key == key);
    let reached = |key: &str| milestone(key).is_some_and(|m| m.reached == Reached::Full);
    let at = |key: &str| milestone(key).and_then(full_at);
    let settled = |state, key: &str| Readiness { state, reasons: Vec::new(), since: at(key) };

    let wrong: Vec<ReadinessReason> = exceptions
        .iter()
        .filter(|e| matches!(e.kind.as_str(), "over_invoiced" | "premature_invoice"))
        .map(reason_of)
        .collect();
    if !wrong.is_empty() {
        return Readiness { state: ReadinessState::Wrong, reasons: wrong, since: exceptions.first().map(|e| e.since) };
    }
    for (key, state) in
        [("paid", ReadinessState::Paid), ("posted", ReadinessState::Posted), ("invoiced", ReadinessState::Invoiced)]
    {
        if reached(key) {
            return settled(state, key);
        }
    }
    let per_shipment =
        tree.root().latest(|f| f.detail.head.as_ref()?.billing_policy.clone()).is_some_and(|p| &*p == "per_shipment");
    let shipped = milestone("shipped");
    let due = shipped.is_some_and(|m| m.reached == Reached::Full || (per_shipment && m.reached == Reached::Part));
    let begun = shipped.is_some_and(|m| m.reached != Reached::No && m.reached != Reached::Skipped);
    if !begun {
        return Readiness { state: ReadinessState::NotDue, reasons: Vec::new(), since: None };
    }

    let mut reasons = Vec::new();
    let mut add = |code: &str, detail: &str, system: &str| {
        reasons.push(ReadinessReason { code: code.to_owned(), detail: detail.to_owned(), system: system.to_owned() });
    };
    if !due {
        let open: Vec<&str> = lines.iter().filter(|l| l.shipped < l.target()).map(|l| l.line.as_str()).collect();
        add("not_fully_shipped", &format!("Not every line has shipped: {}", open.join(", ")), "wms");
    }
    if !reached("delivered") {
        add("not_delivered", "Not delivered yet", "tms");
    }
    if pod_required && !reached("pod") {
        add("pod_missing", "Proof of delivery is missing", "tms");
    }
    if tree.of_kind("charge").any(|c| !c.has("charge.final") && !c.has("charge.approved") && !c.has("charge.captured"))
    {
        add("charges_open", "A freight charge is only estimated", "tms");
    }
    if tree
        .of_kind("return")
        .any(|r| !r.has("return.settled") && !tree.of_kind("credit_note").any(|c| c.is_linked(&r.object)))
    {
        add("return_open", "A return is not settled", "finance");
    }
    reasons.extend(exceptions.iter().filter(|e| e.blocking).map(reason_of));
    let state = if reasons.is_empty() { ReadinessState::Ready } else { ReadinessState::Blocked };
    let since = if pod_required { at("pod").or_else(|| at("delivered")) } else { at("delivered") };
    Readiness { state, reasons, since: since.or_else(|| shipped.and_then(|m| m.at)) }
}

fn reason_of(exception: &Exception) -> ReadinessReason {
    let (code, detail, system) = (exception.kind.clone(), exception.detail.clone(), exception.system.clone());
    ReadinessReason { code, detail, system }
}
