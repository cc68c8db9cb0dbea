//! Quantities that cannot be: what the lines flag, said once per kind with the first line that has it.

use super::raise;
use crate::domain::lines::Lines;
use crate::domain::tree::Node;
use crate::domain::{Exception, Flaw, Line, Step};

/// Kinds of exceptions; flaws that have none of their own are an `impossible_quantity`.
const KINDS: [&str; 3] = ["over_shipment", "unit_unknown", "impossible_quantity"];

pub fn impossible(root: &Node, lines: &Lines, found: &mut Vec<Exception>) {
    let flaws: Vec<(&Line, &Flaw)> = lines.iter().flat_map(|line| line.flaws.iter().map(move |f| (line, f))).collect();
    for kind in KINDS {
        let of_kind = |f: &Flaw| if KINDS.contains(&&*f.code) { f.code == kind } else { kind == "impossible_quantity" };
        let mut all = flaws.iter().filter(|(_, f)| of_kind(f));
        let Some((line, flaw)) = all.next() else { continue };
        let more = all.count();
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        let detail = format!("Line {}: {}{more}", line.line, flaw.detail);
        let of_step = line.evidence.iter().filter(|e| e.step == flaw.step).map(|e| e.at).max();
        let since = of_step.or_else(|| root.last_at()).unwrap_or_default();
        raise(found, kind, &root.object, detail, since, system(flaw.step), false);
    }
}

/// Whose number it is.
fn system(step: Step) -> &'static str {
    match step {
        Step::Ordered | Step::Cancelled => "erp",
        Step::Allocated | Step::Picked | Step::Packed | Step::Shipped | Step::Returned => "wms",
        Step::Delivered => "tms",
        Step::Invoiced | Step::Credited => "billing",
    }
}
