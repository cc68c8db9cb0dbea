//! Combinations of quantities on one line that cannot be: more shipped than ordered, a serial number that left twice,
//! a unit that nobody can convert. They are said, and change no number.

use rust_decimal::Decimal;

use super::{Evidence, Flaw, Line, Step};

/// Beyond this a quantity is a mistake of a sender.
const ABSURD: i64 = 1_000_000_000;

/// Steps that cannot come to more than an earlier one, once that was reported at all.
const BOUNDS: [(Step, Step, &str); 5] = [
    (Step::Picked, Step::Allocated, "over_picked"),
    (Step::Packed, Step::Picked, "over_packed"),
    (Step::Delivered, Step::Shipped, "over_delivered"),
    (Step::Returned, Step::Shipped, "over_returned"),
    (Step::Credited, Step::Invoiced, "over_credited"),
];

/// Notes a flaw once per line, code and step.
pub fn note(line: &mut Line, code: &str, step: Step, detail: String) {
    if !line.flaws.iter().any(|f| f.code == code && f.step == step) {
        line.flaws.push(Flaw { code: code.to_owned(), step, detail });
    }
}

/// Looks over a line whose numbers are all in.
pub fn find(line: &mut Line) {
    let mut found = Vec::new();
    sums(line, &mut found);
    reports(line, &mut found);
    lots(line, &mut found);
    serials(line, &mut found);
    for (code, step, detail) in found {
        note(line, code, step, detail);
    }
    line.flaws.sort_by(|a, b| (a.step, &a.code).cmp(&(b.step, &b.code)));
}

type Found = Vec<(&'static str, Step, String)>;

fn sums(line: &Line, found: &mut Found) {
    let amount = |quantity: Decimal| format!("{} {}", quantity.normalize(), line.unit).trim_end().to_owned();
    let target = line.target();
    if line.ordered.is_zero() && line.evidence.iter().all(|e| e.step != Step::Ordered) {
        let first = line.evidence.first().map_or(Step::Shipped, |e| e.step);
        found.push(("not_ordered", first, format!("{} never ordered", amount(line.at(first)))));
        return;
    }
    if line.cancelled > line.ordered {
        let detail = format!("{} cancelled of {}", amount(line.cancelled), amount(line.ordered));
        found.push(("over_cancelled", Step::Cancelled, detail));
    }
    for (step, code) in [(Step::Allocated, "over_allocated"), (Step::Shipped, "over_shipment")] {
        if line.at(step) > target.max(Decimal::ZERO) {
            let detail = format!("{} {}, {} wanted", amount(line.at(step)), step.word(), amount(target));
            found.push((code, step, detail));
        }
    }
    for (step, bound, code) in BOUNDS {
        let counted = line.evidence.iter().any(|e| e.step == bound && e.counted.is_some());
        let must = counted || matches!(bound, Step::Shipped | Step::Invoiced);
        if must && line.at(step) > line.at(bound).max(Decimal::ZERO) {
            let detail =
                format!("{} {}, {} {}", amount(line.at(step)), step.word(), amount(line.at(bound)), bound.word());
            found.push((code, step, detail));
        }
    }
}

fn reports(line: &Line, found: &mut Found) {
    for said in &line.evidence {
        let words = || {
            let quantity = said.quantity.normalize();
            format!("{quantity} {} {} by {} ({})", said.unit, said.step.word(), said.object, said.event.id)
        };
        if said.quantity.is_sign_negative() && !said.quantity.is_zero() {
            found.push(("negative_quantity", said.step, words()));
        }
        if said.quantity.abs() >= Decimal::from(ABSURD) {
            found.push(("absurd_quantity", said.step, words()));
        } else if said.counted.is_none() {
            let detail = format!("{} cannot be counted: no conversion to {}", words(), line.unit);
            found.push(("unit_unknown", said.step, detail));
        }
    }
}

/// A lot cannot leave in a greater number than it was picked.
fn lots(line: &Line, found: &mut Found) {
    let of = |step: Step, lot: &str| -> Decimal {
        line.evidence.iter().filter(|e| e.step == step && e.lot.as_deref() == Some(lot)).filter_map(|e| e.counted).sum()
    };
    let has_lots = |step: Step| line.evidence.iter().any(|e| e.step == step && e.lot.is_some());
    for (step, bound) in [(Step::Shipped, Step::Picked), (Step::Returned, Step::Shipped)] {
        if !has_lots(step) || !has_lots(bound) {
            continue;
        }
        let mut names: Vec<&str> =
            line.evidence.iter().filter(|e| e.step == step).filter_map(|e| e.lot.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        if let Some(lot) = names.into_iter().find(|lot| of(step, lot) > of(bound, lot)) {
            let (more, less) = (of(step, lot).normalize(), of(bound, lot).normalize());
            let detail = format!("Lot {lot}: {more} {}, {less} {}", step.word(), bound.word());
            found.push(("lot_differs", step, detail));
        }
    }
}

fn serials(line: &Line, found: &mut Found) {
    if line.evidence.iter().all(|e| e.serials.is_empty()) {
        return;
    }
    let numbers = |step: Step| line.evidence.iter().filter(move |e| e.step == step && !e.serials.is_empty());
    for step in [Step::Picked, Step::Shipped, Step::Returned] {
        let mut seen: Vec<(&str, &Evidence)> = Vec::new();
        for said in numbers(step) {
            let count = Decimal::from(said.serials.len());
            if said.counted.is_some_and(|q| q != count) {
                let detail = format!("{}: {} with {count} serial numbers", said.object, said.quantity.normalize());
                found.push(("serials_differ", step, detail));
            }
            seen.extend(said.serials.iter().map(|s| (s.as_str(), said)));
        }
        seen.sort_by(|a, b| a.0.cmp(b.0));
        if let Some(pair) = seen.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let detail = format!("{} {} twice: {} and {}", pair[0].0, step.word(), pair[0].1.object, pair[1].1.object);
            found.push(("serial_twice", step, detail));
        }
    }
    let shipped: Vec<&String> = numbers(Step::Shipped).flat_map(|e| &e.serials).collect();
    let unknown = numbers(Step::Returned).flat_map(|e| &e.serials).find(|s| !shipped.contains(s));
    if let (Some(serial), false) = (unknown, shipped.is_empty()) {
        found.push(("serial_unknown", Step::Returned, format!("{serial} returned and never shipped")));
    }
}

impl Step {
    pub const ALL: [Self; 10] = [
        Self::Ordered,
        Self::Cancelled,
        Self::Allocated,
        Self::Picked,
        Self::Packed,
        Self::Shipped,
        Self::Delivered,
        Self::Returned,
        Self::Invoiced,
        Self::Credited,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Cancelled => "cancelled",
            Self::Allocated => "allocated",
            Self::Picked => "picked",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Returned => "returned",
            Self::Invoiced => "invoiced",
            Self::Credited => "credited",
        }
    }
}
