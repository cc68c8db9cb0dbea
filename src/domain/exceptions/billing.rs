//! Invoices that are early or too large.

use rust_decimal::Decimal;

use super::raise;
use crate::domain::lines::Lines;
use crate::domain::tree::{Node, Tree};
use crate::domain::{Exception, Line};

pub fn billing(tree: &Tree, lines: &Lines, found: &mut Vec<Exception>) {
    let invoices: Vec<&Node> = tree.of_kind("invoice").filter(|i| !i.withdrawn() && i.has("invoice.issued")).collect();
    let Some(first) = invoices.first() else { return };
    let issued = invoices.iter().filter_map(|i| i.last("invoice.issued")).map(|f| f.occurred_at).max();
    let Some(since) = issued else { return };
    let mut say = |kind: &str, bad: Vec<&Line>, word: &str, than: fn(&Line) -> Decimal| {
        if let Some(line) = bad.first() {
            let more = if bad.len() > 1 { format!(" and {} more", bad.len() - 1) } else { String::new() };
            let detail = format!(
                "Line {}{more}: {} invoiced, {} {word}",
                line.line,
                line.invoiced.normalize(),
                than(line).normalize()
            );
            raise(found, kind, &first.object, detail, since, "billing", true);
        }
    };
    let over = |l: &&Line| l.invoiced - l.credited > l.target();
    say("over_invoiced", lines.iter().filter(over).collect(), "wanted", Line::target);
    let early = |l: &&Line| l.invoiced > l.shipped && l.invoiced - l.credited <= l.target();
    say("premature_invoice", lines.iter().filter(early).collect(), "shipped", |l| l.shipped);
    if lines.is_empty()
        && tree.of_kind("shipment").all(|s| !s.has("shipment.shipped") && !s.has("shipment.short_shipped"))
    {
        raise(
            found,
            "premature_invoice",
            &first.object,
            "Invoiced before anything shipped".to_owned(),
            since,
            "billing",
            true,
        );
    }
}
