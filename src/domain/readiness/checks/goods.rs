//! Rules about goods and disputes: what left, arrived, was proved and came back.

use super::{Answer, Case, Finding, blocks, evidence, finding, found, met, waits};
use crate::domain::readiness::books::left_at;
use crate::domain::readiness::rules::{After, Billing};
use crate::domain::{Outcome, Step};

pub(super) fn not_shipped(case: &Case) -> Answer {
    let Some(at) = case.unit.shipped_at else {
        return waits("Nothing of it has left yet", None);
    };
    let left = case.unit.shipments.iter().filter(|s| left_at(s).is_some());
    let facts = left
        .filter_map(|s| Some(evidence(&s.object, s.last("shipment.shipped").or(s.last("shipment.short_shipped"))?)));
    Answer::Met(Some(at), facts.collect())
}

pub(super) fn not_fully_shipped(case: &Case) -> Answer {
    if case.books.billing == Billing::PerShipment || !case.has_begun() {
        return Answer::Unasked;
    }
    if case.unit.is_shipped {
        return Answer::Met(case.unit.shipped_at, Vec::new());
    }
    let open: Vec<String> = case
        .books
        .lines
        .iter()
        .filter(|l| l.shipped < l.target() && l.parent.is_none())
        .map(|l| format!("line {}: {} of {}", l.line, l.shipped.normalize(), l.target().normalize()))
        .collect();
    let detail = if open.is_empty() {
        "A part has not left yet".to_owned()
    } else {
        format!("Not all has left: {}", open.join(", "))
    };
    // While the first part is on the road nothing could be billed anyway.
    match case.unit.delivered_at {
        Some(at) => blocks(detail, Some(at)),
        None => waits(detail, case.unit.shipped_at),
    }
}

pub(super) fn partial_hold(case: &Case) -> Answer {
    if case.books.billing != Billing::Hold || !case.has_begun() || case.unit.is_shipped {
        return Answer::Unasked;
    }
    blocks("A part has left; whether it is billed is to be decided", case.unit.shipped_at)
}

pub(super) fn not_delivered(case: &Case) -> Answer {
    if case.books.policy.after == After::Shipped || !case.has_begun() {
        return Answer::Unasked;
    }
    match case.unit.delivered_at {
        Some(at) => {
            let facts =
                case.unit.shipments.iter().filter_map(|s| Some(evidence(&s.object, s.last("shipment.delivered")?)));
            Answer::Met(Some(at), facts.collect())
        }
        None => waits("On its way, not delivered yet", case.unit.shipped_at),
    }
}

pub(super) fn pod_missing(case: &Case) -> Answer {
    if !case.books.proof_required || !case.has_begun() {
        return Answer::Unasked;
    }
    if let Some(proof) = case.unit.proof {
        return met(&case.unit.object, Some(proof));
    }
    let missing: Vec<&str> = case
        .unit
        .shipments
        .iter()
        .filter(|s| left_at(s).is_some() && !s.has("delivery.pod_received"))
        .map(|s| &*s.object.id)
        .collect();
    let detail = format!(
        "Proof of delivery is missing for {}",
        if missing.is_empty() { "the order".to_owned() } else { missing.join(", ") }
    );
    match case.unit.delivered_at {
        Some(at) => blocks(detail, Some(at)),
        None => waits(detail, case.unit.shipped_at),
    }
}

pub(super) fn quantity_mismatch(case: &Case) -> Answer {
    let mut findings = Vec::new();
    for shipment in &case.unit.shipments {
        let Some(delivered) = shipment.last("shipment.delivered").filter(|f| f.detail.lines.is_some()) else {
            continue;
        };
        let shipped = crate::domain::lines::shipment_lines(shipment).map_or(&[][..], |(_, lines)| lines);
        for said in delivered.detail.lines.iter().flatten() {
            let same =
                |l: &&crate::domain::fact::LineFact| l.line == said.line && (l.line.is_some() || l.sku == said.sku);
            let Some(left) = shipped.iter().find(same) else { continue };
            if !case.rules.tolerance.allows_quantity(left.quantity, said.quantity) {
                let line = said.line.as_deref().or(said.sku.as_deref()).unwrap_or_default();
                let detail = format!(
                    "{}: line {line}, {} shipped, {} delivered",
                    shipment.object.id,
                    left.quantity.normalize(),
                    said.quantity.normalize()
                );
                let evidence = vec![evidence(&shipment.object, delivered)];
                findings.push(Finding { evidence, ..finding(Outcome::Blocks, detail, Some(delivered.occurred_at)) });
            }
        }
    }
    found(findings)
}

/// A quantity in a unit that cannot be converted is in no sum, so no sum can be trusted.
pub(super) fn quantity_unclear(case: &Case) -> Answer {
    let steps = [Step::Ordered, Step::Cancelled, Step::Shipped, Step::Returned, Step::Invoiced, Step::Credited];
    let findings = case.books.lines.iter().flat_map(|line| {
        let open = line.evidence.iter().filter(|e| e.counted.is_none() && steps.contains(&e.step));
        open.map(move |e| {
            let detail = format!(
                "Line {}: {} {} of {} cannot be counted in {}",
                line.line,
                e.quantity.normalize(),
                e.unit,
                e.object,
                line.unit
            );
            finding(Outcome::Blocks, detail, Some(e.at))
        })
    });
    found(findings.collect())
}

pub(super) fn over_shipped(case: &Case) -> Answer {
    let over = |l: &&&crate::domain::Line| {
        l.shipped - l.returned > l.target() && !case.rules.tolerance.allows_quantity(l.target(), l.shipped - l.returned)
    };
    let findings = case
        .books
        .lines
        .iter()
        .enumerate()
        .filter(|(position, _)| !case.unit.parts[*position].shipped.is_zero())
        .map(|(_, line)| line)
        .filter(|l| over(l))
        .map(|l| {
            let detail =
                format!("Line {}: {} shipped, {} wanted", l.line, l.shipped.normalize(), l.target().normalize());
            finding(Outcome::Blocks, detail, case.unit.shipped_at)
        });
    found(findings.collect())
}

pub(super) fn nothing_to_bill(case: &Case) -> Answer {
    if case.has_rest() || case.is_billed() {
        return Answer::Met(None, Vec::new());
    }
    let back = case.unit.parts.iter().any(|p| !p.returned.is_zero());
    waits(if back { "All of it came back before it was billed" } else { "Nothing of it is to be billed" }, None)
}

pub(super) fn return_open(case: &Case) -> Answer {
    let open = case
        .tree
        .of_kind("return")
        .filter(|r| case.concerns(r) && !r.has("return.settled"))
        .filter(|r| !case.books.credits.iter().any(|c| c.node.is_linked(&r.object)));
    let findings = open.filter_map(|r| {
        let first = r.facts.first()?;
        let detail = format!("Return {} is not settled", r.object.id);
        let evidence = vec![evidence(&r.object, r.facts.last()?)];
        Some(Finding { evidence, ..finding(Outcome::Blocks, detail, Some(first.occurred_at)) })
    });
    found(findings.collect())
}
