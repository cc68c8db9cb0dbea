//! Can it be invoiced? Per order, or per shipment where these are billed one by one: not due, blocked, ready, invoiced,
//! posted, paid or wrong, with every rule's answer and its evidence. When in doubt the answer is no, with the reason.

mod books;
mod checks;
mod currency;
mod cutoff;
mod exact;
pub(super) mod language;
mod rules;
#[cfg(test)]
pub mod tests;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

pub use books::{Books, Document, Purse, Said, Unit, left_at, product};
pub use checks::evidence;
pub use currency::{fault as currency_fault, places as currency_places, written};
pub use language::VARIABLES;
pub use rules::{Billing, FILE, Rules};

use self::checks::{Answer, BUILT_IN, Case, Finding, text_of, who};
pub(super) use self::exact::{Exact, LineValue};
use self::language::Figures;
use super::tree::Tree;
use super::{Billable, BillableLine, Check, Discrepancy, Exception, Money, Outcome, Readiness, ReadinessState};

/// Groups of rules in the order in which they are shown.
pub const GROUPS: [(&str, &str); 9] = [
    ("goods", "Goods"),
    ("disputes", "Returns and disputes"),
    ("money", "Price, tax and charges"),
    ("customer", "Customer"),
    ("systems", "Systems"),
    ("own", "Rules of your own"),
    ("decisions", "Decisions"),
    ("invoice", "Invoice"),
    ("waived", "Set aside"),
];

/// Keys and titles of the built-in rules.
pub fn built_in() -> impl Iterator<Item = (&'static str, &'static str, &'static str, &'static str)> {
    BUILT_IN.iter().map(|b| (b.key, b.title, b.system, b.next_step))
}

pub fn readiness(
    tree: &Tree,
    books: &Books,
    rules: &Rules,
    exceptions: &[Exception],
    discrepancies: &[Discrepancy],
    as_of: DateTime<Utc>,
) -> Readiness {
    let mut wakes_at: Option<DateTime<Utc>> = None;
    let units: Vec<Billable> = books
        .units
        .iter()
        .map(|unit| {
            let case = Case { tree, books, unit, rules, exceptions, discrepancies, as_of };
            let (billable, until) = billable(&case);
            wakes_at = [wakes_at, until].into_iter().flatten().min();
            billable
        })
        .collect();
    // What can be acted on first speaks for the whole.
    let leading = units.iter().min_by_key(|u| match u.state {
        ReadinessState::Wrong => 0,
        ReadinessState::Ready => 1,
        ReadinessState::Blocked => 2,
        ReadinessState::NotDue => 3,
        ReadinessState::Invoiced => 4,
        ReadinessState::Posted => 5,
        ReadinessState::Paid => 6,
    });
    let state = leading.map_or(ReadinessState::NotDue, |u| u.state);
    let since = units.iter().filter(|u| u.state == state).filter_map(|u| u.since).min();
    let mut reasons: Vec<Check> = Vec::new();
    for reason in units.iter().flat_map(|u| &u.reasons) {
        if !reasons.iter().any(|r| r.code == reason.code && r.detail == reason.detail) {
            reasons.push(reason.clone());
        }
    }
    if matches!(state, ReadinessState::Invoiced | ReadinessState::Posted | ReadinessState::Paid) {
        reasons.clear();
    }
    let (policy, proof_required) = (books.billing.as_str().to_owned(), books.proof_required);
    Readiness { state, reasons, since, policy, units, proof_required, wakes_at }
}

/// One unit, and when time alone changes it.
fn billable(case: &Case) -> (Billable, Option<DateTime<Utc>>) {
    let (books, unit) = (case.books, case.unit);
    let mut checks: Vec<Check> = Vec::new();
    let mut until: Option<DateTime<Utc>> = None;
    for rule in &BUILT_IN {
        let changed = case.rules.changed.iter().find(|c| c.key == rule.key);
        if changed.is_some_and(|c| c.off) {
            continue;
        }
        let words = Words {
            code: rule.key,
            group: rule.group,
            title: changed.and_then(|c| c.title.as_deref()).unwrap_or(rule.title),
            system: changed.and_then(|c| c.system.as_deref()).unwrap_or(rule.system),
            next_step: changed.and_then(|c| c.next_step.as_deref()).unwrap_or(rule.next_step),
        };
        let answer = (rule.rule)(case);
        if let Answer::Found(found) = &answer {
            until = found.iter().filter_map(|f| f.until).chain(until).min();
        }
        words.tell(answer, &mut checks);
    }
    own_rules(case, &mut checks);
    for check in checks.iter_mut().filter(|c| c.outcome.stands_in_the_way() && c.evidence.is_empty()) {
        check.evidence = case.last_heard();
    }
    waive(case, &mut checks);

    let has = |outcome: Outcome| checks.iter().any(|c| c.outcome == outcome);
    let documents: Vec<_> = unit.documents.iter().map(|d| &books.documents[*d]).collect();
    let is_billed = !documents.is_empty() && !case.has_rest();
    let all = |at: fn(&books::Document) -> Option<DateTime<Utc>>| -> Option<DateTime<Utc>> {
        let times: Option<Vec<_>> = documents.iter().map(|d| at(d)).collect();
        times.and_then(|t| t.into_iter().max())
    };
    let (invoiced_at, posted_at, paid_at) =
        (all(|d| Some(d.issued.occurred_at)), all(|d| d.posted_at), all(|d| d.paid_at));
    let state = match () {
        () if has(Outcome::Wrong) => ReadinessState::Wrong,
        () if is_billed && paid_at.is_some() => ReadinessState::Paid,
        () if is_billed && posted_at.is_some() => ReadinessState::Posted,
        () if is_billed => ReadinessState::Invoiced,
        () if !case.has_rest() => ReadinessState::NotDue,
        () if unit.shipped_at.is_none() => ReadinessState::NotDue,
        () if has(Outcome::Blocks) || has(Outcome::Failed) => ReadinessState::Blocked,
        () if has(Outcome::Waits) => ReadinessState::NotDue,
        () => ReadinessState::Ready,
    };
    let settled = matches!(state, ReadinessState::Invoiced | ReadinessState::Posted | ReadinessState::Paid);
    let reasons: Vec<Check> = match state {
        _ if settled => Vec::new(),
        ReadinessState::Wrong => checks.iter().filter(|c| c.outcome == Outcome::Wrong).cloned().collect(),
        _ => checks.iter().filter(|c| c.outcome.stands_in_the_way()).cloned().collect(),
    };
    let currency = books.currency.as_deref();
    let (billed, remaining) = (unit.billed.single(currency), unit.remaining.single(currency));
    let amount = match state {
        _ if settled => billed.clone(),
        ReadinessState::Wrong => billed.clone(),
        _ => remaining.clone(),
    };
    let complete_at = [unit.shipped_at, unit.delivered_at, unit.proof.map(|p| p.occurred_at)];
    let since = match state {
        ReadinessState::Paid => paid_at,
        ReadinessState::Posted => posted_at,
        ReadinessState::Invoiced => invoiced_at,
        ReadinessState::Ready => complete_at.into_iter().flatten().max(),
        ReadinessState::Wrong | ReadinessState::Blocked => reasons.iter().filter_map(|r| r.since).min(),
        ReadinessState::NotDue => unit.shipped_at,
    };
    // A hard stop speaks before a wait.
    let first = reasons.iter().min_by_key(|r| (r.outcome == Outcome::Waits, r.since.is_none(), r.since));
    let site = |of: fn(&super::fact::Detail) -> Option<Box<str>>| {
        let shipments = unit.shipments.iter().find_map(|s| s.latest(|f| of(&f.detail)));
        let loads = || {
            let near = |l: &&super::tree::Node| unit.shipments.iter().any(|s| s.is_with(l));
            case.tree.of_kind("load").filter(near).find_map(|l| l.latest(|f| of(&f.detail)))
        };
        shipments.or_else(loads).or_else(|| case.tree.root().latest(|f| of(&f.detail))).map(String::from)
    };
    let billable = Billable {
        object: unit.object.clone(),
        is_rest: unit.is_rest,
        state,
        since,
        system: match state {
            ReadinessState::Ready => "billing".to_owned(),
            _ => first.map_or_else(String::new, |r| r.system.clone()),
        },
        next_step: match state {
            ReadinessState::Ready => "Make the invoice".to_owned(),
            _ => first.map_or_else(String::new, |r| r.next_step.clone()),
        },
        reasons,
        amount,
        value: unit.value.single(currency),
        billed,
        remaining,
        shipped_at: unit.shipped_at,
        delivered_at: unit.delivered_at,
        proof_at: unit.proof.map(|p| p.occurred_at),
        invoiced_at,
        posted_at,
        paid_at,
        documents: documents.iter().map(|d| d.node.object.clone()).collect(),
        warehouse: site(|d| d.warehouse.clone()),
        carrier: site(|d| d.carrier.clone()),
        lines: lines_of(books, unit),
        checks,
    };
    (billable, until)
}

/// A rule's names while its answer is told.
struct Words<'w> {
    code: &'w str,
    group: &'w str,
    title: &'w str,
    system: &'w str,
    next_step: &'w str,
}

impl Words<'_> {
    fn check(&self, outcome: Outcome, detail: String, since: Option<DateTime<Utc>>) -> Check {
        Check {
            code: self.code.to_owned(),
            group: self.group.to_owned(),
            title: self.title.to_owned(),
            outcome,
            detail,
            since,
            system: self.system.to_owned(),
            next_step: if outcome == Outcome::Met { String::new() } else { self.next_step.to_owned() },
            evidence: Vec::new(),
        }
    }

    fn tell(&self, answer: Answer, checks: &mut Vec<Check>) {
        match answer {
            Answer::Unasked => {}
            Answer::Met(since, evidence) => {
                checks.push(Check { evidence, ..self.check(Outcome::Met, String::new(), since) });
            }
            Answer::Found(findings) => checks.extend(findings.into_iter().map(|found: Finding| Check {
                evidence: found.evidence,
                system: found.system.unwrap_or_else(|| self.system.to_owned()),
                ..self.check(found.outcome, found.detail, found.since)
            })),
        }
    }
}

fn own_rules(case: &Case, checks: &mut Vec<Check>) {
    if case.rules.own.is_empty() {
        return;
    }
    let figures = figures(case);
    for rule in &case.rules.own {
        let words = Words {
            code: &rule.key,
            group: "own",
            title: &rule.title,
            system: &rule.system,
            next_step: &rule.next_step,
        };
        let failed =
            |error: String| words.check(Outcome::Failed, format!("The rule cannot be answered: {error}"), None);
        match rule.applies.as_ref().map_or(Ok(true), |q| q.ask(&figures)) {
            Ok(false) => continue,
            Ok(true) => {}
            Err(error) => {
                checks.push(failed(error));
                continue;
            }
        }
        checks.push(match rule.passes.ask(&figures) {
            Ok(true) => words.check(Outcome::Met, String::new(), None),
            Ok(false) => {
                let outcome = if rule.blocks { Outcome::Blocks } else { Outcome::Waits };
                words.check(outcome, rule.detail.clone(), case.unit.delivered_at.or(case.unit.shipped_at))
            }
            Err(error) => failed(error),
        });
    }
}

/// What a person marked ready: the reasons that stood then are set aside, later ones are not.
fn waive(case: &Case, checks: &mut [Check]) {
    let node = case.unit.node;
    let decided = |f: &&super::fact::Fact| matches!(&*f.kind, "readiness.marked_ready" | "readiness.unmarked");
    let Some(mark) = node.acts.iter().rev().find(decided).filter(|f| &*f.kind == "readiness.marked_ready") else {
        return;
    };
    let codes = text_of(mark, "codes").unwrap_or_default();
    let named: Vec<&str> = codes.split(',').map(str::trim).collect();
    let by = who(mark);
    let why = text_of(mark, "reason").unwrap_or_else(|| "no reason given".to_owned());
    for check in checks.iter_mut().filter(|c| c.outcome.stands_in_the_way()) {
        let may = BUILT_IN.iter().find(|b| b.key == check.code).is_none_or(|b| b.may_be_waived);
        if may && named.contains(&&*check.code) {
            check.outcome = Outcome::Waived;
            check.detail = format!("{} (set aside by {by}: {why})", check.detail);
            check.evidence.push(evidence(&node.object, mark));
        }
    }
}

fn lines_of(books: &Books, unit: &Unit) -> Vec<BillableLine> {
    let told = |position: &usize| {
        let part = &unit.parts[*position];
        [part.wanted, part.shipped, part.returned, part.invoiced, part.credited].iter().any(|q| !q.is_zero())
            || !unit.is_rest && unit.object.kind == "order"
    };
    (0..books.lines.len())
        .filter(told)
        .map(|position| {
            let (line, part) = (books.lines[position], &unit.parts[position]);
            let worth = line.price.as_ref().and_then(|price| {
                let value = product(price.value, part.remaining)?;
                Some(Money { value, currency: price.currency.clone() })
            });
            BillableLine {
                line: line.line.clone(),
                sku: line.sku.clone(),
                unit: line.unit.clone(),
                price: line.price.clone(),
                wanted: part.wanted,
                shipped: part.shipped,
                returned: part.returned,
                invoiced: part.invoiced,
                credited: part.credited,
                remaining: part.remaining,
                remaining_amount: if books.billable[position] { worth } else { None },
            }
        })
        .collect()
}

fn figures(case: &Case) -> Figures {
    let (books, unit, root) = (case.books, case.unit, case.tree.root());
    let text = |of: fn(&super::fact::Detail) -> Option<Box<str>>| {
        let all = unit.shipments.iter().copied().chain([root]);
        all.into_iter().find_map(|n| n.latest(|f| of(&f.detail))).map(String::from).unwrap_or_default()
    };
    let head = |of: fn(&super::fact::Head) -> Option<Box<str>>| {
        root.latest(|f| of(f.detail.head.as_ref()?)).map(String::from).unwrap_or_default()
    };
    let shipment = if unit.object.kind == "shipment" { unit.object.id.clone() } else { String::new() };
    let amount = |purse: &Purse| purse.single(books.currency.as_deref()).map_or(Decimal::ZERO, |m| m.value);
    let mut events: Vec<String> = case.tree.facts().map(|f| f.kind.to_string()).collect();
    events.sort();
    events.dedup();
    let exact = |name: &'static str, value: Decimal| (name, Exact(value));
    let line = |(position, line): (usize, &&super::Line)| LineValue {
        texts: [("line", line.line.clone()), ("sku", line.sku.clone()), ("unit", line.unit.clone())].into(),
        figures: [
            exact("ordered", line.ordered),
            exact("cancelled", line.cancelled),
            exact("shipped", unit.parts[position].shipped),
            exact("delivered", line.delivered),
            exact("returned", unit.parts[position].returned),
            exact("invoiced", unit.parts[position].invoiced),
            exact("credited", unit.parts[position].credited),
            exact("price", line.price.as_ref().map_or(Decimal::ZERO, |p| p.value)),
        ]
        .into(),
    };
    Figures {
        texts: vec![
            ("unit", unit.object.kind.clone()),
            ("order", root.object.id.clone()),
            ("shipment", shipment),
            ("customer", head(|h| h.customer.clone())),
            ("carrier", text(|d| d.carrier.clone())),
            ("warehouse", text(|d| d.warehouse.clone())),
            ("priority", head(|h| h.priority.clone())),
            ("policy", books.billing.as_str().to_owned()),
            ("currency", books.currency.clone().unwrap_or_default()),
        ],
        amounts: vec![
            ("value", amount(&unit.value)),
            ("billed", amount(&unit.billed)),
            ("remaining", amount(&unit.remaining)),
            ("ordered", books.lines.iter().map(|l| l.ordered).sum()),
            ("shipped", checks::total(unit, |p| p.shipped)),
            ("delivered", books.lines.iter().map(|l| l.delivered).sum()),
            ("returned", checks::total(unit, |p| p.returned)),
        ],
        flags: vec![
            ("proof_required", books.proof_required),
            ("is_shipped", unit.is_shipped),
            ("is_delivered", unit.delivered_at.is_some()),
            ("has_proof", unit.proof.is_some()),
        ],
        times: vec![
            ("shipped_at", unit.shipped_at),
            ("delivered_at", unit.delivered_at),
            ("proof_at", unit.proof.map(|p| p.occurred_at)),
            ("now", Some(case.as_of)),
        ],
        lists: vec![("events", events), ("exceptions", case.exceptions.iter().map(|e| e.kind.clone()).collect())],
        lines: books.lines.iter().enumerate().map(line).collect(),
    }
}
