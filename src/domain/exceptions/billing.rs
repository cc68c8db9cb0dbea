//! Invoices, credits, freight and stock that are not as they should be: what reconciliation found and a person should see.

use super::raise;
use crate::domain::{Difference, Exception};

/// Kind of the difference, kind of the exception, whether it stops the workflow.
const RAISED: [(&str, &str, bool); 15] = [
    ("over_invoiced", "over_invoiced", true),
    ("billed_not_shipped", "premature_invoice", true),
    ("premature_invoice", "premature_invoice", true),
    ("duplicate_invoice", "duplicate_invoice", true),
    ("under_invoiced", "under_invoiced", false),
    ("price_mismatch", "price_mismatch", false),
    ("tax_mismatch", "price_mismatch", false),
    ("amount_mismatch", "price_mismatch", false),
    ("currency_mismatch", "price_mismatch", false),
    ("amount_precision", "price_mismatch", false),
    ("credit_without_return", "credit_without_return", false),
    ("accrual_missing", "missing_accrual", false),
    ("duplicate_freight_invoice", "freight_overcharge", false),
    ("movement_mismatch", "inventory_unreconciled", false),
    ("posted_not_moved", "inventory_unreconciled", false),
];

/// One for each object and kind, with the first cause in its words.
pub fn billing(differences: &[Difference], found: &mut Vec<Exception>) {
    for difference in differences.iter().filter(|d| !d.matched) {
        let overcharged = difference.kind == "freight"
            && difference.expected.is_some_and(|e| difference.found.is_some_and(|found| found > e));
        let (kind, blocking) = match RAISED.iter().find(|(kind, ..)| *kind == difference.kind) {
            Some((_, kind, blocking)) => (*kind, *blocking),
            None if overcharged => ("freight_overcharge", false),
            None => continue,
        };
        if found.iter().any(|e| e.kind == kind && e.object == difference.object) {
            continue;
        }
        let more = differences.iter().filter(|d| d.kind == difference.kind && d.object == difference.object).count() - 1;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let detail = format!("{}{more}", difference.detail);
        raise(found, kind, &difference.object, detail, difference.since, &difference.system, blocking);
    }
}
