//! Ordered against allocated, picked, shipped, delivered, invoiced: every line, every difference, and its money.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::domain::{self, Line, Money, Workflow};
use crate::pages::time::{Clock, Time};
use crate::pages::words;
use crate::store::rows::EventRow;

#[derive(Debug, Default, Serialize)]
pub struct Quantities {
    pub columns: Vec<Column>,
    pub lines: Vec<Row>,
    pub totals: Vec<Row>,
    /// What does not fit together, in sentences.
    pub findings: Vec<String>,
    /// What cannot be so.
    pub flaws: Vec<String>,
    pub agree: bool,
    pub behind: Vec<Behind>,
}

/// The events behind the numbers of one line.
#[derive(Debug, Serialize)]
pub struct Behind {
    pub line: String,
    pub sku: String,
    pub count: String,
    pub rows: Vec<Evidence>,
}

#[derive(Debug, Serialize)]
pub struct Evidence {
    pub key: String,
    pub step: String,
    pub said: String,
    pub counted: String,
    pub lot: String,
    pub serials: String,
    pub object: words::Ref,
    pub event: String,
    pub source: String,
    pub payload: String,
    pub at: Time,
}

#[derive(Debug, Serialize)]
pub struct Column {
    pub key: &'static str,
    pub title: &'static str,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub line: String,
    pub sku: String,
    pub unit: String,
    pub price: String,
    pub cells: Vec<Cell>,
    /// Value of what was shipped and not invoiced, or invoiced and not shipped.
    pub effect: String,
    pub effect_tone: &'static str,
}

#[derive(Clone, Debug, Default, Serialize, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    /// `−2` or `+1` against what was due at this step.
    pub difference: String,
    pub tone: &'static str,
    pub less: bool,
    /// What cannot be so about this number.
    pub flaw: String,
    /// Nothing has come that far yet.
    pub pending: bool,
}

struct Step {
    of: domain::Step,
    key: &'static str,
    title: &'static str,
    value: fn(&Line) -> Decimal,
    /// What this step should come to; `None` for steps that stand alone.
    due: Option<fn(&Line) -> Decimal>,
}

const STEPS: [Step; 10] = [
    Step { of: domain::Step::Ordered, key: "ordered", title: "Ordered", value: |l| l.ordered, due: None },
    Step { of: domain::Step::Cancelled, key: "cancelled", title: "Cancelled", value: |l| l.cancelled, due: None },
    Step {
        of: domain::Step::Allocated,
        key: "allocated",
        title: "Allocated",
        value: |l| l.allocated,
        due: Some(|l| l.ordered - l.cancelled),
    },
    Step {
        of: domain::Step::Picked,
        key: "picked",
        title: "Picked",
        value: |l| l.picked,
        due: Some(|l| l.ordered - l.cancelled),
    },
    Step { of: domain::Step::Packed, key: "packed", title: "Packed", value: |l| l.packed, due: Some(|l| l.picked) },
    Step {
        of: domain::Step::Shipped,
        key: "shipped",
        title: "Shipped",
        value: |l| l.shipped,
        due: Some(|l| l.ordered - l.cancelled),
    },
    Step {
        of: domain::Step::Delivered,
        key: "delivered",
        title: "Delivered",
        value: |l| l.delivered,
        due: Some(|l| l.shipped),
    },
    Step { of: domain::Step::Returned, key: "returned", title: "Returned", value: |l| l.returned, due: None },
    Step {
        of: domain::Step::Invoiced,
        key: "invoiced",
        title: "Invoiced",
        value: |l| l.invoiced,
        due: Some(|l| l.shipped),
    },
    Step {
        of: domain::Step::Credited,
        key: "credited",
        title: "Credited",
        value: |l| l.credited,
        due: Some(|l| l.returned),
    },
];

pub fn matrix(tenant: &str, clock: &Clock, workflow: &Workflow, events: &[EventRow]) -> Quantities {
    let lines = &workflow.lines;
    // Steps that stand alone are shown when they happened; the others always, so that what is missing is seen.
    let shown: Vec<&Step> = STEPS
        .iter()
        .filter(|step| {
            let any = lines.iter().any(|line| !(step.value)(line).is_zero());
            any || !matches!(step.key, "cancelled" | "returned" | "credited" | "packed")
        })
        .collect();
    // What comes later in the chain cannot be without this step: then nothing here is a gap, not a beginning.
    let begun = |step: &Step| {
        let after = STEPS.iter().skip_while(|other| other.key != step.key);
        let chain = after.filter(|other| {
            other.key == step.key || (step.due.is_some() && other.due.is_some() && other.key != "credited")
        });
        chain.into_iter().any(|other| lines.iter().any(|line| !(other.value)(line).is_zero()))
    };
    let rows = lines.iter().map(|line| row(line, &shown, begun)).collect();
    let findings: Vec<String> = lines.iter().flat_map(findings).collect();
    let flaw = |line: &Line, flaw: &domain::Flaw| {
        format!("Line {}: {}: {}.", line.line, words::title(&flaw.code), flaw.detail)
    };
    let flaws: Vec<String> = lines.iter().flat_map(|l| l.flaws.iter().map(|f| flaw(l, f))).collect();
    let with_evidence = lines.iter().filter(|line| !line.evidence.is_empty());
    Quantities {
        columns: shown.iter().map(|step| Column { key: step.key, title: step.title }).collect(),
        agree: findings.is_empty() && flaws.is_empty() && !lines.is_empty(),
        behind: with_evidence.map(|line| behind(tenant, clock, line, events)).collect(),
        totals: totals(lines, &shown, begun),
        lines: rows,
        findings,
        flaws,
    }
}

fn behind(tenant: &str, clock: &Clock, line: &Line, events: &[EventRow]) -> Behind {
    let amount = |quantity: Decimal, unit: &str| format!("{} {unit}", words::quantity(quantity)).trim_end().to_owned();
    let row = |said: &domain::Evidence| {
        let event = events.iter().find(|e| e.event_id == said.event.id && e.source == said.event.source);
        let payload = |e: &EventRow| {
            words::tenant_path(tenant, &format!("payloads/{}", words::payload_id(e.payload, Some(e.index))))
        };
        Evidence {
            key: format!(
                "{} {} {} {}",
                said.step.word(),
                said.event.source,
                said.event.id,
                said.lot.as_deref().unwrap_or("")
            ),
            step: words::capital(said.step.word()),
            said: amount(said.quantity, &said.unit),
            counted: said.counted.map_or_else(|| "not counted".to_owned(), |q| amount(q, &line.unit)),
            lot: said.lot.clone().unwrap_or_default(),
            serials: words::cut(&said.serials.join(", "), 200),
            object: words::Ref::object(tenant, &said.object),
            event: said.event.id.clone(),
            source: said.event.source.clone(),
            payload: event.map(payload).unwrap_or_default(),
            at: clock.time(said.at.timestamp_millis()),
        }
    };
    Behind {
        line: line.line.clone(),
        sku: line.sku.clone(),
        count: words::plural(line.evidence.len() as u64, "report", "reports"),
        rows: line.evidence.iter().map(row).collect(),
    }
}

fn row(line: &Line, shown: &[&Step], begun: impl Fn(&Step) -> bool) -> Row {
    let (effect, effect_tone) = effect(line);
    Row {
        line: line.line.clone(),
        sku: line.sku.clone(),
        unit: line.unit.clone(),
        price: line.price.as_ref().map(words::money).unwrap_or_default(),
        cells: shown
            .iter()
            .map(|step| flawed(line, step, cell((step.value)(line), step.due.map(|due| due(line)), begun(step))))
            .collect(),
        effect,
        effect_tone,
    }
}

fn flawed(line: &Line, step: &Step, mut cell: Cell) -> Cell {
    let about: Vec<&str> = line.flaws.iter().filter(|f| f.step == step.of).map(|f| f.detail.as_str()).collect();
    cell.flaw = about.join("; ");
    if !cell.flaw.is_empty() {
        cell.pending = false;
        cell.tone = "crit";
    }
    cell
}

fn cell(value: Decimal, due: Option<Decimal>, begun: bool) -> Cell {
    if !begun {
        return Cell { text: "–".into(), pending: true, ..Cell::default() };
    }
    let difference = due.map_or(Decimal::ZERO, |due| value - due);
    Cell {
        text: words::quantity(value),
        difference: signed(difference),
        tone: if difference.is_zero() { "" } else { "risk" },
        less: difference.is_sign_negative(),
        ..Cell::default()
    }
}

fn signed(difference: Decimal) -> String {
    match difference {
        zero if zero.is_zero() => String::new(),
        less if less.is_sign_negative() => format!("−{}", words::quantity(less.abs())),
        more => format!("+{}", words::quantity(more)),
    }
}

/// Shipped against invoiced in money, once either has begun.
fn effect(line: &Line) -> (String, &'static str) {
    let open = line.shipped - line.invoiced;
    let Some(price) = line.price.as_ref().filter(|_| !open.is_zero()) else { return (String::new(), "") };
    let worth = Money { value: worth(price.value, open.abs()), currency: price.currency.clone() };
    if open.is_sign_positive() {
        (format!("{} to invoice", words::money(&worth)), "")
    } else {
        (format!("{} over-invoiced", words::money(&worth)), "crit")
    }
}

/// A price of a wild sender must not stop the page.
fn worth(price: Decimal, quantity: Decimal) -> Decimal {
    price.saturating_mul(quantity)
}

fn findings(line: &Line) -> Vec<String> {
    let due = line.ordered - line.cancelled;
    let unit = &line.unit;
    let say = |n: Decimal, what: &str| format!("Line {}: {} {unit} {what}", line.line, words::quantity(n));
    let worth = |n: Decimal| {
        let value = |price: &Money| Money { value: self::worth(price.value, n), currency: price.currency.clone() };
        line.price.as_ref().map_or_else(String::new, |price| format!(": {}", words::money(&value(price))))
    };
    let mut found = Vec::new();
    if line.shipped > Decimal::ZERO && line.shipped < due {
        found.push(say(due - line.shipped, "ordered, not shipped."));
    }
    if line.shipped > due {
        found.push(say(line.shipped - due, "shipped more than ordered."));
    }
    if line.delivered > Decimal::ZERO && line.delivered < line.shipped {
        found.push(say(line.shipped - line.delivered, "shipped, not delivered."));
    }
    if line.invoiced > Decimal::ZERO && line.invoiced < line.shipped {
        let open = line.shipped - line.invoiced;
        found.push(format!("{}{}.", say(open, "shipped, not invoiced"), worth(open)));
    }
    if line.invoiced > line.shipped {
        let over = line.invoiced - line.shipped;
        found.push(format!("{}{}.", say(over, "invoiced, not shipped"), worth(over)));
    }
    if line.returned > line.credited {
        let open = line.returned - line.credited;
        found.push(format!("{}{}.", say(open, "returned, not credited"), worth(open)));
    }
    found
}

/// One row per unit: units are never added to each other.
fn totals(lines: &[Line], shown: &[&Step], begun: impl Fn(&Step) -> bool) -> Vec<Row> {
    let mut units: Vec<&str> = lines.iter().map(|line| line.unit.as_str()).collect();
    units.sort_unstable();
    units.dedup();
    let total = |unit: &str| {
        let of_unit: Vec<&Line> = lines.iter().filter(|line| line.unit == unit).collect();
        let sum = |value: fn(&Line) -> Decimal| of_unit.iter().map(|line| value(line)).sum::<Decimal>();
        Row {
            line: "Total".into(),
            sku: String::new(),
            unit: unit.to_owned(),
            price: String::new(),
            cells: shown.iter().map(|step| cell(sum(step.value), step.due.map(&sum), begun(step))).collect(),
            effect: open_money(&of_unit),
            effect_tone: "",
        }
    };
    units.into_iter().map(total).collect()
}

/// One sum per currency.
fn open_money(lines: &[&Line]) -> String {
    let mut sums: Vec<Money> = Vec::new();
    for (price, open) in lines.iter().filter_map(|line| Some((line.price.as_ref()?, line.shipped - line.invoiced))) {
        match sums.iter_mut().find(|sum| sum.currency == price.currency) {
            Some(sum) => sum.value = sum.value.saturating_add(worth(price.value, open)),
            None => sums.push(Money { value: worth(price.value, open), currency: price.currency.clone() }),
        }
    }
    let text = |sum: &Money| {
        let worth = words::money(&Money { value: sum.value.abs(), currency: sum.currency.clone() });
        format!("{worth} {}", if sum.value.is_sign_negative() { "over-invoiced" } else { "to invoice" })
    };
    let texts: Vec<String> = sums.iter().filter(|sum| !sum.value.is_zero()).map(text).collect();
    texts.join(" + ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let ten = Decimal::from(10);
        Line {
            line: "20".into(),
            sku: "AB-77".into(),
            unit: "EA".into(),
            parent: None,
            price: Some(Money { value: Decimal::from(48), currency: "EUR".into() }),
            ordered: ten,
            allocated: ten,
            picked: ten,
            packed: ten,
            shipped: ten,
            delivered: ten,
            invoiced: Decimal::from(8),
            ..Line::default()
        }
    }

    #[test]
    fn what_is_shipped_and_not_invoiced_is_said_with_its_money() {
        assert_eq!(findings(&line()), ["Line 20: 2 EA shipped, not invoiced: 96.00 EUR."]);
        assert_eq!(effect(&line()).0, "96.00 EUR to invoice");
    }

    #[test]
    fn currencies_are_not_added() {
        let other = Line { price: Some(Money { value: Decimal::ONE, currency: "USD".into() }), ..line() };
        assert_eq!(open_money(&[&line(), &other]), "96.00 EUR to invoice + 2.00 USD to invoice");
    }

    #[test]
    fn a_step_that_has_not_begun_is_no_shortage() {
        assert!(cell(Decimal::ZERO, Some(Decimal::TEN), false).difference.is_empty());
        assert_eq!(cell(Decimal::ONE, Some(Decimal::TEN), true).difference, "−9");
    }
}
