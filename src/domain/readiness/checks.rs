//! The built-in rules, one function each. A rule says that it is met, that it is not asked, or what stands in the way
//! with evidence: an answer, never a guess.

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;

use super::books::{Books, Unit, left_at};
use super::currency;
use super::rules::{After, Billing, Charges, Price, Rules, Tax};
use crate::domain::fact::Fact;
use crate::domain::tree::{Node, Tree};
use crate::domain::{Discrepancy, Exception, Outcome, Step, Witness};

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
                || self
                    .unit
                    .shipments
                    .iter()
                    .any(|s| s.object == n.object || (n.object.kind == "load" && s.is_linked(&n.object)))
        };
        self.tree.nodes.iter().filter(move |n| n.depth == 0 || of_unit(n))
    }

    fn concerns(&self, node: &Node) -> bool {
        let near = |n: &Node| node.object == n.object || node.is_linked(&n.object);
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

fn not_shipped(case: &Case) -> Answer {
    let Some(at) = case.unit.shipped_at else {
        return waits("Nothing of it has left yet", None);
    };
    let left = case.unit.shipments.iter().filter(|s| left_at(s).is_some());
    let facts = left
        .filter_map(|s| Some(evidence(&s.object, s.last("shipment.shipped").or(s.last("shipment.short_shipped"))?)));
    Answer::Met(Some(at), facts.collect())
}

fn not_fully_shipped(case: &Case) -> Answer {
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

fn partial_hold(case: &Case) -> Answer {
    if case.books.billing != Billing::Hold || !case.has_begun() || case.unit.is_shipped {
        return Answer::Unasked;
    }
    blocks("A part has left; whether it is billed is to be decided", case.unit.shipped_at)
}

fn not_delivered(case: &Case) -> Answer {
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

fn pod_missing(case: &Case) -> Answer {
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

fn quantity_mismatch(case: &Case) -> Answer {
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
fn quantity_unclear(case: &Case) -> Answer {
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

fn over_shipped(case: &Case) -> Answer {
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

fn nothing_to_bill(case: &Case) -> Answer {
    if case.has_rest() || case.is_billed() {
        return Answer::Met(None, Vec::new());
    }
    let back = case.unit.parts.iter().any(|p| !p.returned.is_zero());
    waits(if back { "All of it came back before it was billed" } else { "Nothing of it is to be billed" }, None)
}

fn return_open(case: &Case) -> Answer {
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

fn price_missing(case: &Case) -> Answer {
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

fn price_rejected(case: &Case) -> Answer {
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

fn tax_missing(case: &Case) -> Answer {
    if case.books.policy.tax == Tax::Ignored {
        return Answer::Unasked;
    }
    match last_check(case, "tax.determined") {
        Some((object, fact)) => met(object, Some(fact)),
        None => blocks("The tax has not been determined", case.unit.delivered_at),
    }
}

fn mixed_currencies(case: &Case) -> Answer {
    let purse = &case.unit.value;
    let several: Vec<String> = purse
        .sums
        .iter()
        .filter(|(_, value)| !value.is_zero())
        .map(|(currency, value)| format!("{} {currency}", value.normalize()))
        .collect();
    if several.len() < 2 {
        return Answer::Met(None, Vec::new());
    }
    blocks(format!("Amounts in several currencies, which are never added: {}", several.join(", ")), None)
}

fn amount_precision(case: &Case) -> Answer {
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

fn amount_too_large(case: &Case) -> Answer {
    let large = [&case.unit.value, &case.unit.billed, &case.unit.remaining].iter().any(|p| p.is_too_large);
    if large { blocks("The amount has more than 28 digits", None) } else { Answer::Met(None, Vec::new()) }
}

fn charges_open(case: &Case) -> Answer {
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

fn below_minimum(case: &Case) -> Answer {
    let Some(amount) = case.unit.remaining.single(case.books.currency.as_deref()) else { return Answer::Unasked };
    let Some(least) = case.books.policy.minimum.iter().find(|m| m.currency == amount.currency) else {
        return Answer::Unasked;
    };
    if amount.value >= least.value {
        return Answer::Met(None, Vec::new());
    }
    let (value, currency) = (amount.value.normalize(), &amount.currency);
    waits(format!("{value} {currency} is below the minimum of {} {currency}", least.value.normalize()), None)
}

/// What was complete before a cut-off goes into that run.
fn before_cut_off(case: &Case) -> Answer {
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

fn customer_blocked(case: &Case) -> Answer {
    match &case.books.policy.block {
        Some(why) => blocks(format!("Nothing is billed to this customer: {why}"), None),
        None => Answer::Met(None, Vec::new()),
    }
}

fn of_exceptions(case: &Case, is_it: impl Fn(&Exception) -> bool) -> Vec<Finding> {
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

fn credit_hold(case: &Case) -> Answer {
    found(of_exceptions(case, |e| e.kind == "credit_hold"))
}

fn billing_block(case: &Case) -> Answer {
    let said = case.nodes().filter_map(|n| {
        let fact = n.facts.iter().rev().find(|f| f.detail.bill.as_ref().is_some_and(|b| b.block.is_some()))?;
        let why = fact.detail.bill.as_ref()?.block.as_deref().filter(|b| !b.is_empty())?;
        let detail = format!("Billing block on {}: {why}", n.object);
        let evidence = vec![evidence(&n.object, fact)];
        Some(Finding { evidence, ..finding(Outcome::Blocks, detail, Some(fact.occurred_at)) })
    });
    found(said.collect())
}

fn status_conflict(case: &Case) -> Answer {
    found(of_exceptions(case, |e| e.kind == "status_conflict"))
}

const FAILED: [&str; 3] = ["message_failed", "dead_lettered", "held_too_long"];

fn failed_event(case: &Case) -> Answer {
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

fn open_exception(case: &Case) -> Answer {
    found(of_exceptions(case, |e| e.blocking && !TOLD_ELSEWHERE.contains(&&*e.kind)))
}

/// The latest of `readiness.held` and `readiness.released` on the unit or its order counts.
fn manual_hold(case: &Case) -> Answer {
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

fn of_discrepancies(case: &Case, kinds: &[&str]) -> Vec<Finding> {
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

fn premature_invoice(case: &Case) -> Answer {
    if !case.is_billed() {
        return Answer::Unasked;
    }
    found(of_discrepancies(case, &["premature_invoice", "billed_not_shipped"]))
}

fn wrong_invoice(case: &Case) -> Answer {
    if !case.is_billed() {
        return Answer::Unasked;
    }
    found(of_discrepancies(case, &["over_invoiced", "under_invoiced", "duplicate_invoice"]))
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
