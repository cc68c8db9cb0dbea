//! The built-in rules, one function each, by what they are about. A rule says that it is met, that it is not asked, or what stands in the way
//! with evidence: an answer, never a guess.

mod goods;
mod money;
mod stops;

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;

use self::goods::{
    not_delivered, not_fully_shipped, not_shipped, nothing_to_bill, over_shipped, partial_hold, pod_missing,
    quantity_mismatch, quantity_unclear, return_open,
};
use self::money::{
    amount_precision, amount_too_large, before_cut_off, below_minimum, charges_open, mixed_currencies, price_missing,
    price_rejected, tax_missing,
};
use self::stops::{
    billing_block, credit_hold, customer_blocked, failed_event, manual_hold, open_exception, premature_invoice,
    status_conflict, wrong_invoice,
};
use super::books::{Books, Unit};
use super::rules::Rules;
use crate::domain::fact::Fact;
use crate::domain::tree::{Node, Tree};
use crate::domain::{Discrepancy, Exception, Outcome, Witness};

/// Everything that a rule may look at.
pub struct Case<'c, 't> {
    pub tree: &'t Tree<'t>,
    pub books: &'c Books<'t>,
    pub unit: &'c Unit<'t>,
    pub rules: &'c Rules,
    pub exceptions: &'c [Exception],
    pub discrepancies: &'c [Discrepancy],
    pub as_of: DateTime<Utc>,
}

/// One thing that a rule found.
#[derive(Debug)]
pub struct Finding {
    pub outcome: Outcome,
    pub detail: String,
    pub since: Option<DateTime<Utc>>,
    /// Whose turn it is, where the rule's usual owner is not it.
    pub system: Option<String>,
    pub evidence: Vec<Witness>,
    /// When time alone lifts it.
    pub until: Option<DateTime<Utc>>,
}

#[derive(Debug)]
pub enum Answer {
    /// The rule is not for this unit.
    Unasked,
    Met(Option<DateTime<Utc>>, Vec<Witness>),
    Found(Vec<Finding>),
}

pub struct BuiltIn {
    pub key: &'static str,
    pub group: &'static str,
    pub title: &'static str,
    /// Whose turn it is.
    pub system: &'static str,
    pub next_step: &'static str,
    /// A person may set it aside by marking the unit ready.
    pub may_be_waived: bool,
    pub rule: fn(&Case) -> Answer,
}

macro_rules! built_in {
    ($($key:literal $group:literal $title:literal $system:literal $waive:literal $next:literal => $rule:expr;)*) => {
        [$(BuiltIn { key: $key, group: $group, title: $title, system: $system, next_step: $next, may_be_waived: $waive, rule: $rule }),*]
    };
}

pub const BUILT_IN: [BuiltIn; 28] = built_in! {
    "not_shipped" "goods" "Shipped" "wms" false "Ship it, or cancel what will not be shipped" => not_shipped;
    "not_fully_shipped" "goods" "Shipped in full" "wms" true "Ship or cancel the open lines, or bill per shipment" => not_fully_shipped;
    "partial_hold" "goods" "Partial shipment decided" "billing" true "Decide whether the part is billed: mark it ready" => partial_hold;
    "not_delivered" "goods" "Delivered" "tms" true "Wait for the carrier's delivery report" => not_delivered;
    "pod_missing" "goods" "Proof of delivery" "tms" true "Ask the carrier for the proof of delivery" => pod_missing;
    "quantity_mismatch" "goods" "Delivered as shipped" "tms" true "Clear with the carrier what was delivered" => quantity_mismatch;
    "quantity_unclear" "goods" "Quantities can be counted" "erp" false "Tell the item's units, or correct the report" => quantity_unclear;
    "over_shipped" "goods" "Not more than ordered" "erp" true "Have the order changed, or take the goods back" => over_shipped;
    "nothing_to_bill" "goods" "Something to bill" "billing" false "Nothing: what left was billed already or came back" => nothing_to_bill;
    "return_open" "disputes" "No open return" "finance" true "Settle the return" => return_open;
    "price_missing" "money" "Price known" "erp" false "Enter the price of the line in the order" => price_missing;
    "price_rejected" "money" "Price validated" "billing" true "Clear the price with sales" => price_rejected;
    "mixed_currencies" "money" "One currency" "erp" false "Split the order by currency" => mixed_currencies;
    "amount_precision" "money" "Amounts fit the currency" "erp" false "Correct the amount in the order" => amount_precision;
    "amount_too_large" "money" "Amount can be kept exactly" "erp" false "Correct the amount in the order" => amount_too_large;
    "tax_missing" "money" "Tax determined" "billing" true "Determine the tax" => tax_missing;
    "charges_open" "money" "Charges final" "tms" true "Ask the carrier for the final charge" => charges_open;
    "below_minimum" "money" "Minimum amount" "billing" true "Bill it with more" => below_minimum;
    "before_cut_off" "money" "Cut-off" "billing" true "Wait for the next run" => before_cut_off;
    "customer_blocked" "customer" "Customer may be billed" "finance" false "Lift the customer's block in readiness.toml" => customer_blocked;
    "credit_hold" "customer" "No credit hold" "erp" true "Release the credit hold" => credit_hold;
    "billing_block" "customer" "No billing block" "erp" true "Lift the billing block of the order" => billing_block;
    "status_conflict" "systems" "Systems agree" "wms" true "Confirm the shipment in the warehouse" => status_conflict;
    "failed_event" "systems" "No failed message" "middleware" true "Mend and replay the message" => failed_event;
    "open_exception" "systems" "No blocking exception" "billing" true "Clear the exception" => open_exception;
    "manual_hold" "decisions" "No hold by a person" "billing" false "Ask who set the hold" => manual_hold;
    "premature_invoice" "invoice" "Not billed too early" "billing" false "Cancel the invoice, or complete what is missing" => premature_invoice;
    "wrong_invoice" "invoice" "Billed right" "billing" false "Correct the invoice" => wrong_invoice;
};

pub fn evidence(object: &ObjectRef, fact: &Fact) -> Witness {
    Witness {
        object: object.clone(),
        kind: fact.kind.to_string(),
        source: fact.source.to_string(),
        id: fact.id.to_string(),
        at: fact.occurred_at,
    }
}

fn finding(outcome: Outcome, detail: String, since: Option<DateTime<Utc>>) -> Finding {
    Finding { outcome, detail, since, system: None, evidence: Vec::new(), until: None }
}

fn blocks(detail: impl Into<String>, since: Option<DateTime<Utc>>) -> Answer {
    Answer::Found(vec![finding(Outcome::Blocks, detail.into(), since)])
}

fn waits(detail: impl Into<String>, since: Option<DateTime<Utc>>) -> Answer {
    Answer::Found(vec![finding(Outcome::Waits, detail.into(), since)])
}

fn met(object: &ObjectRef, fact: Option<&Fact>) -> Answer {
    let evidence: Vec<Witness> = fact.iter().map(|f| evidence(object, f)).collect();
    Answer::Met(fact.map(|f| f.occurred_at), evidence)
}

fn found(findings: Vec<Finding>) -> Answer {
    if findings.is_empty() { Answer::Met(None, Vec::new()) } else { Answer::Found(findings) }
}

impl Case<'_, '_> {
    /// Something of it has left.
    fn has_begun(&self) -> bool {
        self.unit.shipped_at.is_some()
    }

    /// What is missing has no event of its own: the last that was heard of the goods shows it, or the order.
    pub fn last_heard(&self) -> Vec<Witness> {
        let of = |kind: &str| -> Vec<Witness> {
            self.unit.shipments.iter().filter_map(|s| Some(evidence(&s.object, s.last(kind)?))).collect()
        };
        let goods = ["shipment.delivered", "shipment.shipped", "shipment.short_shipped"].into_iter().map(of);
        goods.into_iter().find(|found| !found.is_empty()).unwrap_or_else(|| {
            let root = self.tree.nodes.iter().filter(|n| n.depth == 0);
            root.filter_map(|n| Some(evidence(&n.object, n.last("order.created").or(n.facts.last())?))).collect()
        })
    }

    fn is_billed(&self) -> bool {
        !self.unit.documents.is_empty()
    }

    pub fn has_rest(&self) -> bool {
        let by_lines = self.unit.parts.iter().any(|p| !p.remaining.is_zero());
        by_lines || (self.books.lines.is_empty() && !self.is_billed())
    }

    /// The unit's shipments, their loads, and the order.
    fn nodes(&self) -> impl Iterator<Item = &Node<'_>> {
        let of_unit = |n: &&Node| {
            n.object == self.unit.object
                || self.unit.shipments.iter().any(|s| s.object == n.object || (n.object.kind == "load" && s.is_with(n)))
        };
        self.tree.nodes.iter().filter(move |n| n.depth == 0 || of_unit(n))
    }

    fn concerns(&self, node: &Node) -> bool {
        let near = |n: &Node| node.object == n.object || node.is_with(n);
        if self.unit.object.kind == "order" && !self.unit.is_rest {
            return true;
        }
        let shipments: Vec<&Node> = self.tree.of_kind("shipment").filter(|s| near(s)).collect();
        // What names no shipment concerns the whole order.
        if shipments.is_empty() {
            true
        } else {
            shipments.iter().any(|s| self.unit.shipments.iter().any(|u| u.object == s.object))
        }
    }
}

/// Who did it: the last part of `person/NAME`.
pub fn who(act: &Fact) -> String {
    act.source.split_once('/').map_or_else(|| act.source.to_string(), |(_, name)| name.to_owned())
}

pub fn text_of(act: &Fact, field: &str) -> Option<String> {
    act.detail.act.as_ref()?.get(field)?.as_str().map(str::to_owned)
}

/// Sum of one figure over all parts.
pub fn total(unit: &Unit, of: impl Fn(&super::books::Part) -> Decimal) -> Decimal {
    unit.parts.iter().map(of).sum()
}
