//! Ordered = shipped = invoiced, per line and per document; what came back and what was credited.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::discrepancy;
use crate::domain::fact::Fact;
use crate::domain::readiness::{
    Billing, Books, Document, Purse, Rules, Said, currency_fault, evidence, left_at, product, written,
};
use crate::domain::tree::{Node, Tree};
use crate::domain::{Discrepancy, Line, Money};

pub fn discrepancies(tree: &Tree, books: &Books, rules: &Rules, found: &mut Vec<Discrepancy>) {
    for (position, line) in books.lines.iter().enumerate() {
        if !books.billable[position] {
            continue;
        }
        too_much(tree, books, rules, position, line, found);
        too_little(books, rules, position, line, found);
        credits(tree, books, position, line, found);
        loose_parts(tree, books, line, found);
    }
    for (at, document) in books.documents.iter().enumerate() {
        too_early(books, at, document, found);
        amounts(books, rules, document, found);
        again(books, at, document, found);
    }
    without_lines(tree, books, found);
    money_back(tree, books, found);
    accruals(tree, books, rules, found);
}

fn worth(price: Option<&Money>, quantity: Decimal) -> Option<Money> {
    let price = price?;
    Some(Money { value: product(price.value, quantity)?, currency: price.currency.clone() })
}

/// The last document that bills a line.
fn last_of<'b, 't>(books: &'b Books<'t>, position: usize) -> Option<&'b Document<'t>> {
    books.documents.iter().rev().find(|d| d.said.iter().any(|s| s.position == position && !s.quantity.is_zero()))
}

fn too_much(tree: &Tree, books: &Books, rules: &Rules, position: usize, line: &Line, found: &mut Vec<Discrepancy>) {
    let Some(document) = last_of(books, position) else { return };
    // Freight and the like on the customer's invoice is no line of the order.
    if line.ordered.is_zero() && line.shipped.is_zero() && is_charge(tree, line) {
        return;
    }
    let (net, target) = (line.invoiced - line.credited, line.target());
    let since = document.issued.occurred_at;
    let say = |kind: &str, limit: Decimal, word: &str| {
        let detail = format!("Line {}: {} invoiced, {} {word}", line.line, net.normalize(), limit.normalize());
        discrepancy(kind, &document.node.object, "billing", since, detail)
            .of_line(&line.line)
            .figures(limit, net, &line.unit)
            .worth(worth(line.price.as_ref(), net - limit))
            .shown_by([evidence(&document.node.object, document.issued)])
    };
    if net > target && !rules.tolerance.allows_quantity(target, net) {
        found.push(say("over_invoiced", target, "wanted"));
    } else if net > line.shipped && !rules.tolerance.allows_quantity(line.shipped, net) {
        let left = tree.of_kind("shipment").filter_map(|s| Some(evidence(&s.object, s.last("shipment.shipped")?)));
        let mut early = say("billed_not_shipped", line.shipped, "shipped");
        early.evidence.extend(left);
        found.push(early);
    }
}

fn is_charge(tree: &Tree, line: &Line) -> bool {
    let kinds = tree.of_kind("charge").filter_map(|c| c.latest(|f| f.detail.bill.as_ref()?.kind.clone()));
    let names = [&line.line, &line.sku];
    let starts = |kind: &str| names.iter().any(|n| n.to_ascii_lowercase().starts_with(kind));
    ["freight", "handling", "surcharge"].into_iter().any(starts)
        || kinds.into_iter().any(|k| starts(&k.to_ascii_lowercase()))
}

fn too_little(books: &Books, rules: &Rules, position: usize, line: &Line, found: &mut Vec<Discrepancy>) {
    for unit in books.units.iter().filter(|u| !u.is_rest) {
        let part = &unit.parts[position];
        let net = part.invoiced - part.credited;
        let kept = (part.shipped - part.returned).max(Decimal::ZERO);
        let open = (kept - net).min(part.remaining).min(line.target().max(Decimal::ZERO));
        let Some(left) = unit.shipped_at else { continue };
        if open <= Decimal::ZERO || rules.tolerance.allows_quantity(kept, kept - open) {
            continue;
        }
        // Billed when all was known, and yet less than left: that invoice is wrong. Otherwise it is to be billed still.
        let last = unit.documents.iter().map(|d| &books.documents[*d]).max_by_key(|d| d.issued.order());
        let short = last.filter(|d| unit.is_shipped && d.issued.occurred_at >= left && !part.invoiced.is_zero());
        let (kind, object, since, system) = match short {
            Some(document) => ("under_invoiced", &document.node.object, document.issued.occurred_at, "billing"),
            None => ("shipped_not_billed", &unit.object, left, "billing"),
        };
        let detail = format!("Line {}: {} shipped and kept, {} invoiced", line.line, kept.normalize(), net.normalize());
        let shipped = unit.shipments.iter().filter_map(|s| Some(evidence(&s.object, s.last("shipment.shipped")?)));
        let billed = short.iter().map(|d| evidence(&d.node.object, d.issued));
        found.push(
            discrepancy(kind, object, system, since, detail)
                .of_line(&line.line)
                .figures(kept, net, &line.unit)
                .worth(worth(line.price.as_ref(), open))
                .shown_by(billed.chain(shipped)),
        );
    }
}

/// Credited goods that did not come back, and goods that came back and were not credited.
fn credits(tree: &Tree, books: &Books, position: usize, line: &Line, found: &mut Vec<Discrepancy>) {
    let target = line.target().max(Decimal::ZERO);
    let too_much_billed = (line.invoiced - line.shipped.min(target)).max(Decimal::ZERO);
    let unexplained = line.credited - line.returned - too_much_billed;
    let note =
        books.credits.iter().rev().find(|c| c.said.iter().any(|s| s.position == position && !s.quantity.is_zero()));
    if let Some(note) = note.filter(|_| unexplained > Decimal::ZERO) {
        let detail = format!(
            "Line {}: {} credited, {} came back",
            line.line,
            line.credited.normalize(),
            line.returned.normalize()
        );
        found.push(
            discrepancy("credit_without_return", &note.node.object, "finance", note.issued.occurred_at, detail)
                .of_line(&line.line)
                .figures(line.returned + too_much_billed, line.credited, &line.unit)
                .worth(worth(line.price.as_ref(), unexplained))
                .shown_by([evidence(&note.node.object, note.issued)]),
        );
    }
    let kept = (line.shipped - line.returned).clamp(Decimal::ZERO, target);
    let to_leave = (target - line.shipped).max(Decimal::ZERO);
    // What was billed beyond what is wanted is told as that, and not once more as owed.
    let billed = (line.invoiced - line.credited).min(target);
    let owed = (billed - kept - to_leave).min(line.returned);
    // Of a kit its components come back.
    let own = |l: &&&Line| l.line == line.line || l.parent.as_ref() == Some(&line.line);
    let own: Vec<&Line> = books.lines.iter().filter(own).copied().collect();
    let is_about = |n: &&Node| {
        let said = crate::domain::lines::returned_lines(n).unwrap_or_default();
        let names = |l: &crate::domain::fact::LineFact, own: &Line| {
            l.line.as_deref().map_or(l.sku.as_deref() == Some(&*own.sku), |id| id == own.line)
        };
        said.iter().any(|l| own.iter().any(|own| names(l, own)))
    };
    if owed > Decimal::ZERO
        && let Some((back, fact)) = tree.of_kind("return").filter(is_about).find_map(|n| Some((n, n.facts.last()?)))
    {
        // What was sent in the place of goods that came back need not be credited.
        let replaced = line.returned - line.credited - owed;
        let instead = match replaced > Decimal::ZERO {
            true => format!(", {} replaced", replaced.normalize()),
            false => String::new(),
        };
        let detail = format!(
            "Line {}: {} came back{instead}, {} credited",
            line.line,
            line.returned.normalize(),
            line.credited.normalize()
        );
        found.push(
            discrepancy("return_without_credit", &back.object, "finance", fact.occurred_at, detail)
                .of_line(&line.line)
                .figures(line.credited + owed, line.credited, &line.unit)
                .worth(worth(line.price.as_ref(), owed))
                .shown_by([evidence(&back.object, fact)]),
        );
    }
}

/// Components that came back without the rest of their kit. What they are worth nobody has said: the kit has the price.
fn loose_parts(tree: &Tree, books: &Books, kit: &Line, found: &mut Vec<Discrepancy>) {
    if kit.ordered.is_zero() || kit.invoiced <= kit.credited {
        return;
    }
    let of_kit = |l: &&&Line| l.parent.as_ref() == Some(&kit.line) && !l.ordered.is_zero();
    for part in books.lines.iter().filter(of_kit) {
        // Whole kits that are back, or for which money was given, are told as kits.
        let whole = kit.returned.max(kit.credited);
        let Some(with_kits) = whole.checked_mul(part.ordered).and_then(|all| all.checked_div(kit.ordered)) else {
            continue;
        };
        let replaced = (part.shipped - part.target()).max(Decimal::ZERO);
        let owed = part.returned - with_kits - part.credited - replaced;
        let is_about = |n: &&Node| {
            let said = crate::domain::lines::returned_lines(n).unwrap_or_default();
            said.iter().any(|l| l.line.as_deref().map_or(l.sku.as_deref() == Some(&*part.sku), |id| id == part.line))
        };
        let back = tree.of_kind("return").filter(is_about).find_map(|n| Some((n, n.facts.last()?)));
        if let (true, Some((back, fact))) = (owed > Decimal::ZERO, back) {
            let detail = format!(
                "Line {} of kit {}: {} came back without the rest, {} credited; only the kit has a price",
                part.line,
                kit.line,
                (part.returned - with_kits).normalize(),
                part.credited.normalize()
            );
            found.push(
                discrepancy("return_without_credit", &back.object, "finance", fact.occurred_at, detail)
                    .of_line(&part.line)
                    .figures(part.credited + owed, part.credited, &part.unit)
                    .shown_by([evidence(&back.object, fact)]),
            );
        }
    }
}

/// Billed before the policy allows it, though not more than has left.
fn too_early(books: &Books, at: usize, document: &Document, found: &mut Vec<Discrepancy>) {
    for unit in books.units.iter().filter(|u| u.documents.contains(&at)) {
        let whole = books.billing != Billing::PerShipment;
        let why = match () {
            // Told line by line as billed_not_shipped.
            () if unit.shipped_at.is_none() && !books.lines.is_empty() => continue,
            () if unit.shipped_at.is_none() => "before anything left",
            () if whole && !unit.is_shipped => "before all of it left",
            () if books.policy.needs_delivery() && unit.delivered_at.is_none() => "before it was delivered",
            () if books.proof_required && unit.proof.is_none() => "without proof of delivery",
            () => continue,
        };
        let credited = unit.parts.iter().all(|p| p.invoiced <= p.credited);
        if credited && !books.lines.is_empty() {
            continue;
        }
        let detail = format!("{} was issued {why}", document.node.object.id);
        found.push(
            discrepancy("premature_invoice", &document.node.object, "billing", document.issued.occurred_at, detail)
                .worth(document.net.clone())
                .shown_by([evidence(&document.node.object, document.issued)]),
        );
        return;
    }
}

/// Prices, tax and sums of one document.
fn amounts(books: &Books, rules: &Rules, document: &Document, found: &mut Vec<Discrepancy>) {
    let (object, issued) = (&document.node.object, document.issued);
    let say = |kind: &str, detail: String, expected: Decimal, amount: Decimal, currency: &str| {
        let value = Money { value: amount - expected, currency: currency.to_owned() };
        discrepancy(kind, object, "billing", issued.occurred_at, detail)
            .figures(expected, amount, currency)
            .worth(Some(value))
            .shown_by([evidence(object, issued)])
    };
    for Said { position, quantity, amount, .. } in &document.said {
        let line = books.lines[*position];
        let (Some(amount), Some(price)) = (amount, &line.price) else { continue };
        let Some(expected) = product(price.value, *quantity) else { continue };
        if amount.currency != price.currency {
            let detail = format!("Line {}: ordered in {}, billed in {}", line.line, price.currency, amount.currency);
            let of = discrepancy("currency_mismatch", object, "billing", issued.occurred_at, detail);
            found.push(of.of_line(&line.line).worth(Some(amount.clone())).shown_by([evidence(object, issued)]));
        } else if !rules.tolerance.allows(expected, amount.value, &price.currency) {
            let detail = format!(
                "Line {}: {} at {} is {}, billed {}",
                line.line,
                quantity.normalize(),
                written(price.value, &price.currency),
                written(expected, &price.currency),
                amount
            );
            found.push(say("price_mismatch", detail, expected, amount.value, &price.currency).of_line(&line.line));
        }
    }
    let tax = issued.detail.bill.as_ref().and_then(|b| b.tax.as_ref());
    let determined = document
        .node
        .last("tax.determined")
        .and_then(|f| f.detail.bill.as_ref().and_then(|b| b.tax.as_ref()).or(f.detail.amount.as_ref()));
    if let (Some(tax), Some(right)) = (tax, determined)
        && tax.currency == right.currency
        && !rules.tolerance.allows(right.value, tax.value, &tax.currency)
    {
        let detail = format!("Tax determined {}, billed {tax}", written(right.value, &right.currency));
        found.push(say("tax_mismatch", detail, right.value, tax.value, &tax.currency));
    }
    let Some(gross) = &issued.detail.amount else { return };
    let by_lines = issued.detail.lines.iter().flatten().all(|l| l.amount.is_some());
    if let Some(net) =
        document.net.as_ref().filter(|n| by_lines && n.currency == gross.currency && issued.detail.lines.is_some())
    {
        let with_tax = tax.filter(|t| t.currency == net.currency).and_then(|t| net.value.checked_add(t.value));
        let right = |sum: Decimal| rules.tolerance.allows(sum, gross.value, &gross.currency);
        if !right(net.value) && !with_tax.is_some_and(right) {
            let sum = with_tax.unwrap_or(net.value);
            let detail = format!("Lines come to {}, the invoice says {gross}", written(sum, &gross.currency));
            found.push(say("amount_mismatch", detail, sum, gross.value, &gross.currency));
        }
    }
    if gross.value < Decimal::ZERO {
        let detail = format!("{} is over {gross}", object.id);
        let of = discrepancy("negative_invoice", object, "billing", issued.occurred_at, detail);
        found.push(of.worth(Some(gross.clone())).shown_by([evidence(object, issued)]));
    }
    if let Some(fault) = currency_fault(gross.value, &gross.currency) {
        let of = discrepancy("amount_precision", object, "billing", issued.occurred_at, fault);
        found.push(of.worth(Some(gross.clone())).shown_by([evidence(object, issued)]));
    }
    if let Some(posted) = document.node.last("invoice.posted")
        && let Some(booked) = &posted.detail.amount
        && booked.currency == gross.currency
        && !rules.tolerance.allows(gross.value, booked.value, &gross.currency)
    {
        let detail = format!("Issued over {}, posted {booked}", written(gross.value, &gross.currency));
        let mut of = say("posting_mismatch", detail, gross.value, booked.value, &gross.currency);
        of.system = "erp".to_owned();
        of.since = posted.occurred_at;
        of.evidence.push(evidence(object, posted));
        found.push(of);
    }
}

/// The same invoice twice, or one issued again with other contents.
fn again(books: &Books, at: usize, document: &Document, found: &mut Vec<Discrepancy>) {
    let (object, issued) = (&document.node.object, document.issued);
    if let Some(earlier) = document.reissued {
        let amount = |f: &Fact| f.detail.amount.as_ref().map_or_else(String::new, Money::to_string);
        let detail =
            format!("{} was issued again with other contents: {} then {}", object.id, amount(earlier), amount(issued));
        let mut of = discrepancy("invoice_reissued", object, "billing", issued.occurred_at, detail)
            .worth(issued.detail.amount.clone())
            .shown_by([evidence(object, earlier), evidence(object, issued)]);
        if let (Some(before), Some(now)) = (&earlier.detail.amount, &issued.detail.amount)
            && before.currency == now.currency
        {
            of = of.figures(before.value, now.value, &now.currency);
        }
        found.push(of);
    }
    let number = |d: &Document| d.issued.detail.bill.as_ref().and_then(|b| b.number.clone());
    let twin = books.documents[..at].iter().find(|other| {
        let same_number = number(other).is_some() && number(other) == number(document);
        let same_contents = !document.said.is_empty()
            && other.said == document.said
            && other.issued.detail.amount == issued.detail.amount;
        // Two companies may give the same number to two invoices.
        other.issued.source == issued.source
            && other.node.object != *object
            && (same_number || same_contents && is_too_much(books, document))
    });
    if let Some(twin) = twin {
        let detail = format!("{} bills what {} had billed", object.id, twin.node.object.id);
        found.push(
            discrepancy("duplicate_invoice", object, "billing", issued.occurred_at, detail)
                .worth(document.net.clone())
                .shown_by([evidence(&twin.node.object, twin.issued), evidence(object, issued)]),
        );
    }
}

/// Two equal invoices for two equal deliveries are right; for one they are not.
fn is_too_much(books: &Books, document: &Document) -> bool {
    document.said.iter().any(|said| {
        let line = books.lines[said.position];
        line.invoiced - line.credited > line.shipped.min(line.target())
    })
}

/// Orders of which only the amount is known.
fn without_lines(tree: &Tree, books: &Books, found: &mut Vec<Discrepancy>) {
    if !books.lines.is_empty() {
        return;
    }
    let shipped: Option<DateTime<Utc>> = tree.of_kind("shipment").filter_map(left_at).max();
    if let (Some(left), true) = (shipped, books.documents.is_empty()) {
        let root = tree.root();
        let detail = "Shipped, and no invoice yet".to_owned();
        found.push(discrepancy("shipped_not_billed", &root.object, "billing", left, detail).worth(root.amount()));
    }
}

/// A credit over money only, for no return and no wrong invoice.
fn money_back(tree: &Tree, books: &Books, found: &mut Vec<Discrepancy>) {
    for credit in books.credits.iter().filter(|c| c.said.is_empty()) {
        let for_return = tree.of_kind("return").any(|r| credit.node.is_with(r));
        if for_return {
            continue;
        }
        let detail = format!("{} gives money back, and no goods came back", credit.node.object.id);
        found.push(
            discrepancy("credit_without_return", &credit.node.object, "finance", credit.issued.occurred_at, detail)
                .worth(credit.issued.detail.amount.clone())
                .shown_by([evidence(&credit.node.object, credit.issued)]),
        );
    }
}

/// Revenue accrued for shipments against what was billed for them.
fn accruals(tree: &Tree, books: &Books, rules: &Rules, found: &mut Vec<Discrepancy>) {
    for unit in books.units.iter().filter(|u| !u.is_rest && !u.documents.is_empty()) {
        if unit.parts.iter().any(|p| !p.remaining.is_zero())
            || unit.documents.iter().any(|d| books.documents[*d].is_shared)
        {
            continue;
        }
        let own = |a: &&Node| {
            let is_cost = a.linked().any(|o| matches!(&*o.kind, "load" | "charge" | "freight_invoice"));
            !a.withdrawn() && !is_cost && unit.shipments.iter().any(|s| a.is_with(s))
        };
        let accrued: Vec<(&Node, &Fact)> =
            tree.of_kind("accrual").filter(own).filter_map(|a| Some((a, a.last("accrual.created")?))).collect();
        let covered = unit.shipments.iter().all(|s| accrued.iter().any(|(a, _)| a.is_with(s)));
        let Some(last) = accrued.iter().map(|(_, f)| f.occurred_at).max().filter(|_| covered) else { continue };
        let mut purse = Purse::default();
        accrued.iter().filter_map(|(_, f)| f.detail.amount.as_ref()).for_each(|m| purse.add(m));
        let currency = books.currency.as_deref();
        // What came back or was billed beyond the shipment is told by its own kinds.
        let (Some(expected), Some(billed)) = (purse.single(currency), unit.value.single(currency)) else { continue };
        if expected.currency == billed.currency
            && !rules.tolerance.allows(expected.value, billed.value, &billed.currency)
        {
            let detail = format!("Accrued {}, worth {billed}", written(expected.value, &expected.currency));
            let value = Money { value: billed.value - expected.value, currency: billed.currency.clone() };
            found.push(
                discrepancy("accrual_mismatch", &unit.object, "finance", last, detail)
                    .figures(expected.value, billed.value, &billed.currency)
                    .worth(Some(value))
                    .shown_by(accrued.iter().map(|(a, f)| evidence(&a.object, f))),
            );
        }
    }
}
