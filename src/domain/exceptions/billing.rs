//! Invoices, credits and stock that are not as they should be: what reconciliation found and a person should see.

use super::raise_for;
use crate::domain::{Discrepancy, Exception};

/// Kind of the difference, kind of the exception, whether it stops the workflow.
const RAISED: [(&str, &str, bool); 14] = [
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
    ("duplicate_freight_invoice", "freight_overcharge", false),
    ("movement_mismatch", "inventory_unreconciled", false),
    ("posted_not_moved", "inventory_unreconciled", false),
];

/// One for each object and kind, with the first cause in its words.
pub fn billing(discrepancies: &[Discrepancy], found: &mut Vec<Exception>) {
    for discrepancy in discrepancies.iter().filter(|d| !d.matched) {
        let Some((_, kind, blocking)) = RAISED.iter().find(|(kind, ..)| *kind == discrepancy.kind) else { continue };
        let (kind, blocking) = (*kind, *blocking);
        if found.iter().any(|e| e.kind == kind && e.object == discrepancy.object && e.cured.is_none()) {
            continue;
        }
        let more =
            discrepancies.iter().filter(|d| d.kind == discrepancy.kind && d.object == discrepancy.object).count() - 1;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let detail = format!("{}{more}", discrepancy.detail);
        // Others raise some of these kinds for other causes.
        raise_for(
            found,
            "billing",
            kind,
            &discrepancy.object,
            detail,
            discrepancy.since,
            &discrepancy.system,
            blocking,
        );
    }
}
