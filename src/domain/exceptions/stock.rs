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
    let later = |f: &&Fact| &*f.kind == "inventory.allocated" && f.occurred_at > fact.occurred_at;
    let cured = if lines.is_empty() {
        tree.facts().any(|f| later(&f))
    } else {
        lines.iter().all(|l| l.allocated >= l.target() || l.shipped >= l.target())
    };
    if cured || tree.root().withdrawn() {
        return;
    }
    let what: Vec<String> =
        fact.detail.lines.iter().flatten().filter_map(|l| l.sku.as_deref().map(str::to_owned)).collect();
    let what = if what.is_empty() { String::new() } else { format!(": {}", what.join(", ")) };
    raise(found, "backorder", &tree.root().object, format!("Stock is missing{what}"), fact.occurred_at, "wms", true);
}
