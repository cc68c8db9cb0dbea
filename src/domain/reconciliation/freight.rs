//! Freight of one load: what it was to cost, what it cost in the end, what was accrued, and the carrier's bill.

use rust_decimal::Decimal;

use super::discrepancy;
use crate::domain::fact::Fact;
use crate::domain::readiness::{Purse, Rules, evidence, written};
use crate::domain::tree::{Node, Tree};
use crate::domain::{Discrepancy, Money, Witness};

const FINAL: [&str; 3] = ["charge.approved", "charge.final", "charge.captured"];

/// One sum with the events that it is made of.
#[derive(Default)]
struct Sum {
    purse: Purse,
    evidence: Vec<Witness>,
}

impl Sum {
    fn add(&mut self, node: &Node, fact: &Fact) {
        if let Some(amount) = &fact.detail.amount {
            self.purse.add(amount);
            self.evidence.push(evidence(&node.object, fact));
        }
    }

    fn money(&self) -> Option<Money> {
        if self.evidence.is_empty() { None } else { self.purse.single(None) }
    }
}

pub fn discrepancies(tree: &Tree, rules: &Rules, found: &mut Vec<Discrepancy>) {
    let load = tree.root();
    let carrier = load.latest(|f| f.detail.carrier.clone());
    let tolerance = rules.freight_of(carrier.as_deref().unwrap_or_default());
    let (mut estimated, mut known, mut accrued, mut billed) =
        (Sum::default(), Sum::default(), Sum::default(), Sum::default());
    let mut is_final = true;
    for charge in tree.of_kind("charge") {
        let last = FINAL.iter().find_map(|kind| charge.last(kind));
        let estimate = charge.last("charge.estimated");
        if let Some(estimate) = estimate {
            estimated.add(charge, estimate);
        }
        match last.or(estimate) {
            Some(fact) => known.add(charge, fact),
            None => continue,
        }
        is_final &= last.is_some();
        if let (Some(before), Some(after)) = (estimate, last) {
            changed(rules, carrier.as_deref(), charge, before, after, found);
        }
    }
    for accrual in tree.of_kind("accrual").filter(|a| !a.withdrawn()) {
        if let Some(fact) = accrual.last("accrual.created") {
            accrued.add(accrual, fact);
        }
    }
    let mut invoices: Vec<(&Node, &Fact)> =
        tree.of_kind("freight_invoice").filter_map(|i| Some((i, i.last("freight_invoice.received")?))).collect();
    invoices.sort_by(|a, b| a.1.order().cmp(&b.1.order()));
    duplicates(&invoices, found);
    invoices.iter().for_each(|(node, fact)| billed.add(node, fact));

    let delivered = load.last("load.delivered");
    if accrued.evidence.is_empty()
        && rules.accrues_freight
        && let (Some(delivered), Some(known)) = (delivered, known.money())
        && billed.evidence.is_empty()
    {
        let detail = "Delivered, and the freight is not accrued".to_owned();
        let of = discrepancy("accrual_missing", &load.object, "finance", delivered.occurred_at, detail);
        found.push(of.worth(Some(known)).shown_by([evidence(&load.object, delivered)]));
    }
    let figures = [("estimate", &estimated), ("final", &known), ("accrued", &accrued), ("billed", &billed)];
    let figures: Vec<(String, Money)> = figures
        .into_iter()
        .filter(|(name, _)| *name != "final" || is_final)
        .filter_map(|(name, sum)| Some((name.to_owned(), sum.money()?)))
        .collect();
    let expected = known.money().or_else(|| accrued.money());
    let last_bill = invoices.last().map(|(_, fact)| *fact);
    let Some(since) = last_bill.or(delivered).map(|f| f.occurred_at) else { return };
    let all = billed.evidence.iter().chain(&known.evidence).chain(&accrued.evidence).cloned();
    let mut row =
        Discrepancy { figures, ..discrepancy("freight", &load.object, "tms", since, String::new()).shown_by(all) };
    match (expected, billed.money()) {
        (Some(expected), Some(billed)) if expected.currency != billed.currency => {
            row.detail = format!("Expected in {}, billed in {}", expected.currency, billed.currency);
            row.value = Some(billed);
            row.system = "finance".to_owned();
        }
        (Some(expected), Some(billed)) => {
            let off = billed.value - expected.value;
            row.matched = tolerance.allows(expected.value, billed.value, &billed.currency);
            row.detail = match () {
                () if row.matched => "The bill is as expected".to_owned(),
                () if off > Decimal::ZERO => {
                    format!("Billed {} {} too much", written(off, &billed.currency), billed.currency)
                }
                () => format!("Billed {} {} too little", written(-off, &billed.currency), billed.currency),
            };
            row.system = "finance".to_owned();
            row = row.figures(expected.value, billed.value, &billed.currency);
            row.value = Some(Money { value: off, currency: billed.currency });
        }
        (Some(expected), None) if !billed.evidence.is_empty() => {
            row.detail = "Billed in several currencies".to_owned();
            row.value = Some(expected);
        }
        (Some(expected), None) => {
            row.detail = "Delivered, and the carrier has not billed it".to_owned();
            row = Discrepancy {
                expected: Some(expected.value),
                unit: expected.currency.clone(),
                value: Some(expected),
                ..row
            };
        }
        (None, Some(billed)) => {
            row.detail = "Billed, and no charge was known".to_owned();
            row = Discrepancy { found: Some(billed.value), unit: billed.currency.clone(), value: Some(billed), ..row };
        }
        (None, None) => return,
    }
    if let (Some(accrual), Some(billed)) = (accrued.money(), billed.money())
        && accrual.currency == billed.currency
        && !tolerance.allows(accrual.value, billed.value, &billed.currency)
    {
        let detail = format!("Accrued {}, billed {billed}", written(accrual.value, &accrual.currency));
        let value = Money { value: billed.value - accrual.value, currency: billed.currency.clone() };
        found.push(
            discrepancy("accrual_mismatch", &load.object, "finance", since, detail)
                .figures(accrual.value, billed.value, &billed.currency)
                .worth(Some(value))
                .shown_by(accrued.evidence.iter().cloned()),
        );
    }
    found.push(row);
}

fn changed(
    rules: &Rules,
    carrier: Option<&str>,
    charge: &Node,
    before: &Fact,
    after: &Fact,
    found: &mut Vec<Discrepancy>,
) {
    let tolerance = rules.freight_of(carrier.unwrap_or_default());
    let (Some(was), Some(is)) = (&before.detail.amount, &after.detail.amount) else { return };
    let evidence = [evidence(&charge.object, before), evidence(&charge.object, after)];
    if was.currency != is.currency {
        let detail = format!("Estimated in {}, final in {}", was.currency, is.currency);
        let of = discrepancy("currency_mismatch", &charge.object, "tms", after.occurred_at, detail);
        found.push(of.worth(Some(is.clone())).shown_by(evidence));
    } else if !tolerance.allows(was.value, is.value, &is.currency) {
        let detail = format!("Estimated {}, final {is}", written(was.value, &was.currency));
        let value = Money { value: is.value - was.value, currency: is.currency.clone() };
        found.push(
            discrepancy("charge_changed", &charge.object, "tms", after.occurred_at, detail)
                .figures(was.value, is.value, &is.currency)
                .worth(Some(value))
                .shown_by(evidence),
        );
    }
}

fn duplicates(invoices: &[(&Node, &Fact)], found: &mut Vec<Discrepancy>) {
    let number = |f: &Fact| f.detail.bill.as_ref().and_then(|b| b.number.clone());
    for (at, (node, fact)) in invoices.iter().enumerate() {
        let twin = invoices[..at].iter().find(|(other, earlier)| {
            let same_number = number(earlier).is_some() && number(earlier) == number(fact);
            other.object != node.object
                && earlier.source == fact.source
                && (same_number || earlier.detail.amount == fact.detail.amount)
        });
        if let Some((other, earlier)) = twin {
            let detail = format!("{} bills what {} had billed", node.object.id, other.object.id);
            found.push(
                discrepancy("duplicate_freight_invoice", &node.object, "finance", fact.occurred_at, detail)
                    .worth(fact.detail.amount.clone())
                    .shown_by([evidence(&other.object, earlier), evidence(&node.object, fact)]),
            );
        }
    }
}
