//! What should be the same and is not: ordered, shipped and invoiced; returns and credits; estimates, accruals and the
//! carrier's bill; the warehouse's movements and the ledger's. Each with its value, since when, and the events that show it.

mod freight;
mod sales;
mod stock;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;

use super::readiness::{Books, Rules};
use super::tree::Tree;
use super::{Discrepancy, Money, Witness};

/// Kinds with their titles, in the order of lists.
pub const KINDS: [(&str, &str); 24] = [
    ("shipped_not_billed", "Shipped, not billed"),
    ("billed_not_shipped", "Billed, not shipped"),
    ("premature_invoice", "Premature invoice"),
    ("over_invoiced", "Billed too much"),
    ("under_invoiced", "Billed too little"),
    ("duplicate_invoice", "Duplicate invoice"),
    ("invoice_reissued", "Invoice issued again"),
    ("negative_invoice", "Negative invoice"),
    ("price_mismatch", "Price differs"),
    ("tax_mismatch", "Tax differs"),
    ("amount_mismatch", "Sum of lines differs"),
    ("posting_mismatch", "Posted amount differs"),
    ("currency_mismatch", "Currency differs"),
    ("amount_precision", "Amount does not fit its currency"),
    ("credit_without_return", "Credit without return"),
    ("return_without_credit", "Return without credit"),
    ("accrual_mismatch", "Accrual differs"),
    ("accrual_missing", "Accrual missing"),
    ("freight", "Freight"),
    ("charge_changed", "Charge changed"),
    ("duplicate_freight_invoice", "Duplicate freight invoice"),
    ("movement_not_posted", "Movement not posted"),
    ("movement_mismatch", "Movement differs"),
    ("posted_not_moved", "Posted, not moved"),
];

/// Of an order when there are books, else of what the root is.
pub fn discrepancies(tree: &Tree, books: Option<&Books>, rules: &Rules) -> Vec<Discrepancy> {
    let mut found = Vec::new();
    match (books, &*tree.root().object.kind) {
        (Some(books), _) => sales::discrepancies(tree, books, rules, &mut found),
        (None, "load") => freight::discrepancies(tree, rules, &mut found),
        (None, "inventory_movement" | "goods_receipt") => stock::discrepancies(tree, rules, &mut found),
        _ => {}
    }
    found.sort_by(|a, b| (a.since, &a.kind, &a.object, &a.line).cmp(&(b.since, &b.kind, &b.object, &b.line)));
    found
}

/// A difference while it is filled in.
fn discrepancy(kind: &str, object: &ObjectRef, system: &str, since: DateTime<Utc>, detail: String) -> Discrepancy {
    Discrepancy {
        kind: kind.to_owned(),
        object: object.clone(),
        line: String::new(),
        matched: false,
        detail,
        expected: None,
        found: None,
        unit: String::new(),
        value: None,
        figures: Vec::new(),
        since,
        system: system.to_owned(),
        evidence: Vec::new(),
    }
}

impl Discrepancy {
    fn of_line(self, line: &str) -> Self {
        Self { line: line.to_owned(), ..self }
    }

    fn figures(self, expected: Decimal, found: Decimal, unit: &str) -> Self {
        Self { expected: Some(expected), found: Some(found), unit: unit.to_owned(), ..self }
    }

    fn worth(self, value: Option<Money>) -> Self {
        Self { value, ..self }
    }

    fn shown_by(self, evidence: impl IntoIterator<Item = Witness>) -> Self {
        Self { evidence: evidence.into_iter().collect(), ..self }
    }
}
