//! Rules about money: prices, taxes, charges, currencies, minimum amounts and cut-offs.

use milepost_ingest::ObjectRef;

use super::{Answer, Case, Finding, blocks, evidence, finding, met, waits};
use crate::domain::Outcome;
use crate::domain::fact::Fact;
use crate::domain::readiness::rules::{Charges, Price, Tax};
use crate::domain::readiness::{currency, written};
use crate::domain::tree::Node;

pub(super) fn price_missing(case: &Case) -> Answer {
    if !case.unit.remaining.is_open {
        return Answer::Met(None, Vec::new());
    }
    let missing: Vec<&str> = case
        .books
        .lines
        .iter()
        .enumerate()
        .filter(|(p, l)| case.books.billable[*p] && l.price.is_none() && !case.unit.parts[*p].remaining.is_zero())
        .map(|(_, l)| &*l.line)
        .collect();
    let detail = if missing.is_empty() {
        "What it is worth is not known".to_owned()
    } else {
        format!("No price for line {}", missing.join(", "))
    };
    blocks(detail, case.tree.root().facts.first().map(|f| f.occurred_at))
}

/// The latest word of a price or tax check on anything that the unit is made of, its invoice to be included.
fn last_check<'c>(case: &'c Case, kind: &str) -> Option<(&'c ObjectRef, &'c Fact)> {
    let invoices = case.tree.of_kind("invoice").filter(|i| !i.withdrawn() && case.concerns(i));
    let all = case.nodes().chain(invoices);
    let said = all.filter_map(|n| Some((&n.object, n.last(kind)?)));
    said.max_by_key(|(_, f)| f.order())
}

pub(super) fn price_rejected(case: &Case) -> Answer {
    let said = last_check(case, "price.validated");
    if let Some((object, fact)) = said {
        let verdict = fact.detail.verdict.as_deref().unwrap_or("approved");
        if matches!(verdict, "rejected" | "failed" | "mismatch" | "invalid") {
            let why = fact.detail.reason.as_deref().map_or_else(String::new, |r| format!(": {r}"));
            let evidence = vec![evidence(object, fact)];
            let finding =
                finding(Outcome::Blocks, format!("The price check was {verdict}{why}"), Some(fact.occurred_at));
            return Answer::Found(vec![Finding { evidence, ..finding }]);
        }
        return met(object, Some(fact));
    }
    if case.books.policy.price == Price::Validated {
        return blocks("The prices have not been validated", case.unit.delivered_at);
    }
    Answer::Unasked
}

pub(super) fn tax_missing(case: &Case) -> Answer {
    if case.books.policy.tax == Tax::Ignored {
        return Answer::Unasked;
    }
    match last_check(case, "tax.determined") {
        Some((object, fact)) => met(object, Some(fact)),
        None => blocks("The tax has not been determined", case.unit.delivered_at),
    }
}

pub(super) fn mixed_currencies(case: &Case) -> Answer {
    let purse = &case.unit.value;
    let several: Vec<String> = purse
        .sums
        .iter()
        .filter(|(_, value)| !value.is_zero())
        .map(|(currency, value)| format!("{} {currency}", written(*value, currency)))
        .collect();
    if several.len() < 2 {
        return Answer::Met(None, Vec::new());
    }
    blocks(format!("Amounts in several currencies, which are never added: {}", several.join(", ")), None)
}

pub(super) fn amount_precision(case: &Case) -> Answer {
    let wrong: Vec<String> = [&case.unit.value, &case.unit.billed]
        .into_iter()
        .flat_map(|purse| &purse.sums)
        .filter_map(|(currency, value)| currency::fault(*value, currency))
        .collect();
    match wrong.first() {
        Some(first) => blocks(first.clone(), None),
        None => Answer::Met(None, Vec::new()),
    }
}

pub(super) fn amount_too_large(case: &Case) -> Answer {
    let large = [&case.unit.value, &case.unit.billed, &case.unit.remaining].iter().any(|p| p.is_too_large);
    if large { blocks("The amount has more than 28 digits", None) } else { Answer::Met(None, Vec::new()) }
}

pub(super) fn charges_open(case: &Case) -> Answer {
    if case.books.policy.charges == Charges::Ignored {
        return Answer::Unasked;
    }
    let approved = case.books.policy.charges == Charges::Approved;
    let is_final = |c: &Node| {
        let words: &[&str] =
            if approved { &["charge.approved"] } else { &["charge.final", "charge.approved", "charge.captured"] };
        words.iter().any(|w| c.has(w))
    };
    let mine = |c: &&Node| {
        let loads = || case.unit.shipments.iter().flat_map(|s| s.linked()).any(|o| o.kind == "load" && c.is_linked(&o));
        case.concerns(c) || loads()
    };
    let charges: Vec<&Node> = case.tree.of_kind("charge").filter(mine).filter(|c| !c.facts.is_empty()).collect();
    let findings = charges.iter().filter(|c| !is_final(c)).filter_map(|c| {
        let last = c.facts.last()?;
        let outcome = if case.unit.delivered_at.is_some() { Outcome::Blocks } else { Outcome::Waits };
        let word = if approved { "approved" } else { "final" };
        let detail = format!("Charge {} is not {word}", c.object.id);
        let since = case.unit.delivered_at.or(Some(last.occurred_at));
        Some(Finding { evidence: vec![evidence(&c.object, last)], ..finding(outcome, detail, since) })
    });
    let findings: Vec<Finding> = findings.collect();
    if !findings.is_empty() {
        return Answer::Found(findings);
    }
    let last = charges.iter().filter_map(|c| Some((&c.object, c.facts.last()?))).max_by_key(|(_, f)| f.order());
    match last {
        Some((object, fact)) => met(object, Some(fact)),
        None => Answer::Unasked,
    }
}

pub(super) fn below_minimum(case: &Case) -> Answer {
    let Some(amount) = case.unit.remaining.single(case.books.currency.as_deref()) else { return Answer::Unasked };
    let Some(least) = case.books.policy.minimum.iter().find(|m| m.currency == amount.currency) else {
        return Answer::Unasked;
    };
    if amount.value >= least.value {
        return Answer::Met(None, Vec::new());
    }
    waits(format!("{amount} is below the minimum of {least}"), None)
}

/// What was complete before a cut-off goes into that run.
pub(super) fn before_cut_off(case: &Case) -> Answer {
    let Some(cut_off) = &case.books.policy.cut_off else { return Answer::Unasked };
    let complete = [case.unit.shipped_at, case.unit.delivered_at, case.unit.proof.map(|p| p.occurred_at)];
    let Some(run) = complete.into_iter().flatten().max().and_then(|at| cut_off.after(at)) else {
        return Answer::Unasked;
    };
    if case.as_of >= run {
        return Answer::Met(Some(run), Vec::new());
    }
    let detail = format!("Goes into the run of {} ({})", run.format("%Y-%m-%d %H:%M UTC"), cut_off.text);
    Answer::Found(vec![Finding { until: Some(run), ..finding(Outcome::Waits, detail, None) }])
}
