//! Stock that is missing.

use super::raise;
use crate::domain::Exception;
use crate::domain::fact::Fact;
use crate::domain::lines::Lines;
use crate::domain::tree::Tree;

/// Open until everything wanted is allocated.
pub fn backorder(tree: &Tree, lines: &Lines, found: &mut Vec<Exception>) {
    let Some(fact) = tree.facts().filter(|f| &*f.kind == "inventory.backordered").max_by_key(|f| f.order()) else {
        return;
    };
    let cures = |f: &&Fact| {
        matches!(&*f.kind, "inventory.allocated" | "shipment.shipped" | "order.line_cancelled" | "order.changed")
            && f.order() > fact.order()
    };
    let cured = if lines.is_empty() {
        tree.facts().filter(|f| &*f.kind == "inventory.allocated").filter(cures).min_by_key(|f| f.order())
    } else if lines.iter().all(|l| l.allocated >= l.target() || l.shipped >= l.target()) {
        tree.facts().filter(cures).max_by_key(|f| f.order()).or(Some(fact))
    } else {
        None
    };
    let what: Vec<String> =
        fact.detail.lines.iter().flatten().filter_map(|l| l.sku.as_deref().map(str::to_owned)).collect();
    let what = if what.is_empty() { String::new() } else { format!(": {}", what.join(", ")) };
    let root = &tree.root().object;
    let detail = format!("Stock is missing{what}");
    let withdrawn = tree.root().last("order.cancelled");
    raise(found, "backorder", root, detail, fact.occurred_at, "wms", true).known_by(fact).cured_by(cured.or(withdrawn));
}
