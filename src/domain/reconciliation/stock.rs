//! Movements of stock in the warehouse against their postings in the ledger, per item.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::discrepancy;
use crate::domain::Discrepancy;
use crate::domain::fact::Fact;
use crate::domain::readiness::{Rules, evidence};
use crate::domain::tree::Tree;

const MOVED: [&str; 3] = ["inventory.adjusted", "goods.received", "goods.put_away"];

pub fn discrepancies(tree: &Tree, rules: &Rules, found: &mut Vec<Discrepancy>) {
    let root = tree.root();
    let moved = MOVED.iter().find_map(|kind| root.last(kind));
    let posted = root.last("inventory.posted");
    let (moved, posted) = match (moved, posted) {
        (Some(moved), Some(posted)) => (moved, posted),
        (Some(moved), None) => {
            let detail = "Moved in the warehouse, not posted in the ledger".to_owned();
            let of = discrepancy("movement_not_posted", &root.object, "erp", moved.occurred_at, detail);
            return found.push(of.shown_by([evidence(&root.object, moved)]));
        }
        (None, Some(posted)) => {
            let detail = "Posted in the ledger, not reported by the warehouse".to_owned();
            let of = discrepancy("posted_not_moved", &root.object, "wms", posted.occurred_at, detail);
            return found.push(of.shown_by([evidence(&root.object, posted)]));
        }
        (None, None) => return,
    };
    if moved.detail.lines.is_none() || posted.detail.lines.is_none() {
        return;
    }
    let (here, there) = (by_item(moved), by_item(posted));
    for item in here.keys().chain(there.keys()).collect::<std::collections::BTreeSet<_>>() {
        let quantity = |of: &BTreeMap<String, (Decimal, String)>| of.get(item).map_or(Decimal::ZERO, |(q, _)| *q);
        let (expected, booked) = (quantity(&here), quantity(&there));
        if rules.tolerance.allows_quantity(expected, booked) {
            continue;
        }
        let unit = here.get(item).or(there.get(item)).map_or("", |(_, unit)| unit);
        let detail = format!("{item}: {} moved, {} posted", expected.normalize(), booked.normalize());
        found.push(
            discrepancy("movement_mismatch", &root.object, "erp", posted.occurred_at, detail)
                .of_line(item)
                .figures(expected, booked, unit)
                .shown_by([evidence(&root.object, moved), evidence(&root.object, posted)]),
        );
    }
}

fn by_item(fact: &Fact) -> BTreeMap<String, (Decimal, String)> {
    let mut items: BTreeMap<String, (Decimal, String)> = BTreeMap::new();
    for line in fact.detail.lines.iter().flatten() {
        let name = line.sku.as_deref().or(line.line.as_deref()).unwrap_or_default();
        let entry = items
            .entry(name.to_owned())
            .or_insert_with(|| (Decimal::ZERO, line.unit.as_deref().unwrap_or_default().to_owned()));
        entry.0 += line.quantity;
    }
    items
}
