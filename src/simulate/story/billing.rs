//! Billing prices, taxes and invoices; finance accrues, posts and takes payments. Both know invoices and shipments, and only
//! now and then the order.

use chrono::{DateTime, TimeDelta, Utc};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::world;
use super::{Order, Parcel, Speaker, Teller, Trouble, Voice, erp, object, wms};

const BILLING: Speaker = Speaker::head_office(Voice::Billing, world::BILLING);
const FINANCE: Speaker = Speaker::head_office(Voice::Finance, world::FINANCE);

/// An invoice that was issued before anything left.
pub struct Early {
    /// It was taken back, so that the right one can be issued.
    cancelled: bool,
}

/// What an invoice is about.
struct Bill<'a> {
    id: String,
    refs: Vec<ObjectRef>,
    lines: Vec<(usize, Decimal)>,
    order: &'a Order,
}

pub fn premature(teller: &mut Teller, order: &Order, released: DateTime<Utc>) -> Option<Early> {
    if !teller.trouble(Trouble::PrematureInvoice, "premature", order.number) {
        return None;
    }
    let mut dice = teller.dice("premature invoice", order.number);
    let bill =
        Bill { id: format!("INV-{}-0", order.number), refs: vec![order.object()], lines: order.all_lines(), order };
    let at = teller.later(released, &mut dice, 5, 40);
    bill.issue(teller, at, Decimal::ZERO);
    let cancelled = dice.happens(0.6);
    if cancelled {
        let at = teller.later(at, &mut dice, 300, 900);
        bill.cancel(teller, at, "issued before shipping");
    } else {
        bill.post(teller, teller.later(at, &mut dice, 5, 60));
    }
    Some(Early { cancelled })
}

/// Bills an order: at once for all that left, or shipment by shipment.
pub fn bill(teller: &mut Teller, order: &Order, parcels: &[&Parcel], early: Option<Early>) {
    for parcel in parcels {
        accrue(teller, order, parcel);
    }
    let mut bills: Vec<(Bill, DateTime<Utc>)> = Vec::new();
    let groups: Vec<&[&Parcel]> = match order.customer.billing_policy {
        "per_shipment" => parcels.chunks(1).collect(),
        _ => vec![parcels],
    };
    for (nth, group) in (1..).zip(groups) {
        let Some(due) = due(order, group) else { continue };
        let mut refs: Vec<ObjectRef> = group.iter().map(|p| object("shipment", &p.id)).collect();
        if teller.dice("knows the order", order.number).happens(0.3) {
            refs.push(order.object());
        }
        let lines = group.iter().flat_map(|p| p.lines.iter().copied()).collect();
        bills.push((Bill { id: format!("INV-{}-{nth}", order.number), refs, lines, order }, due));
    }
    let mut invoice = None;
    if early.is_none_or(|e| e.cancelled) {
        for (bill, due) in &bills {
            invoice = Some(bill.through(teller, *due));
        }
    }
    let Some((parcel, delivered)) = parcels.iter().find_map(|p| Some((p, p.delivered?))) else { return };
    if let Some(back) = wms::take_back(teller, order, parcel, delivered) {
        credit_return(teller, order, &back, invoice.as_ref());
    }
}

/// When everything that billing waits for is there; None while something is missing.
fn due(order: &Order, parcels: &[&Parcel]) -> Option<DateTime<Utc>> {
    let mut due: Option<DateTime<Utc>> = None;
    for parcel in parcels {
        let proven = if order.customer.pod_required { parcel.proven? } else { parcel.delivered? };
        due = due.max(Some(proven.max(parcel.delivered?).max(parcel.charged?)));
    }
    due
}

impl Bill<'_> {
    fn object(&self) -> ObjectRef {
        object("invoice", &self.id)
    }

    /// From pricing to payment. Gives the invoice that stands at the end.
    fn through(&self, teller: &mut Teller, due: DateTime<Utc>) -> ObjectRef {
        let this = self.object();
        let mut dice = teller.dice(&format!("bill {}", self.id), self.order.number);
        let priced = teller.later(due, &mut dice, 2, 10);
        let trace = (self.id.as_str(), "bill");
        let net = self.order.worth(&self.lines);
        teller.tell(
            BILLING,
            priced,
            "price.validated",
            &this,
            &self.refs,
            trace,
            json!({"amount": self.order.money(net)}),
        );
        let taxed = teller.later(priced, &mut dice, 1, 5);
        teller.tell(
            BILLING,
            taxed,
            "tax.determined",
            &this,
            &[],
            trace,
            json!({"tax": self.order.money(self.tax(net))}),
        );
        let triggered = teller.later(taxed, &mut dice, 1, 30);
        teller.tell(BILLING, triggered, "invoice.triggered", &this, &self.refs, trace, json!({}));
        // Some lie in a work list until somebody looks.
        let wait = if dice.happens(0.06) { (1_300, 4_000) } else { (3, 60) };
        let issued = teller.later(triggered, &mut dice, wait.0, wait.1);

        if teller.trouble(Trouble::WrongInvoice, "wrong invoice", self.order.number) {
            return self.wrong(teller, issued);
        }
        self.issue(teller, issued, Decimal::ZERO);
        if teller.trouble(Trouble::DoubleInvoice, "double invoice", self.order.number) {
            let again = Bill {
                id: format!("{}D", self.id),
                refs: self.refs.clone(),
                lines: self.lines.clone(),
                order: self.order,
            };
            let at = teller.later(issued, &mut dice, 30, 240);
            again.issue(teller, at, Decimal::ZERO);
            let at = teller.later(at, &mut dice, 600, 2_400);
            again.cancel(teller, at, "the same shipment was billed before");
        }
        self.settle(teller, issued);
        this
    }

    /// Too much is billed; then cancelled and billed again, or credited.
    fn wrong(&self, teller: &mut Teller, issued: DateTime<Utc>) -> ObjectRef {
        let mut dice = teller.dice("wrong", self.order.number);
        let extra = Decimal::from(dice.between(1, 5));
        self.issue(teller, issued, extra);
        let noticed = teller.later(issued, &mut dice, 300, 1_800);
        if dice.happens(0.6) {
            self.cancel(teller, noticed, "quantity differs from the shipment");
            let again = Bill {
                id: format!("{}R", self.id),
                refs: self.refs.clone(),
                lines: self.lines.clone(),
                order: self.order,
            };
            let issued = teller.later(noticed, &mut dice, 10, 120);
            again.issue(teller, issued, Decimal::ZERO);
            again.settle(teller, issued);
            return again.object();
        }
        let note = object("credit_note", &format!("CN-{}", self.id));
        let first: Vec<_> = self.lines.iter().take(1).map(|(position, _)| (*position, extra)).collect();
        let data = json!({"lines": self.own_lines(&first), "amount": self.order.money(self.gross(&first)), "reason": "billed too much"});
        teller.tell(FINANCE, noticed, "credit_note.issued", &note, &[self.object()], (&self.id, "bill"), data);
        self.settle(teller, noticed);
        self.object()
    }

    /// Lines as billing says them: without the order.
    fn own_lines(&self, lines: &[(usize, Decimal)]) -> Value {
        let mut said = self.order.lines_json(lines);
        for line in said.as_array_mut().into_iter().flatten() {
            line.as_object_mut().and_then(|l| l.remove("order"));
        }
        said
    }

    fn issue(&self, teller: &mut Teller, at: DateTime<Utc>, extra: Decimal) {
        let knows_order = self.refs.iter().any(|r| r.kind == "order");
        let shipment = self.refs.iter().find(|r| r.kind == "shipment").map(|r| r.id.as_str());
        let billed: Vec<(usize, Decimal)> = self
            .lines
            .iter()
            .enumerate()
            .map(|(nth, (position, quantity))| (*position, if nth == 0 { quantity + extra } else { *quantity }))
            .collect();
        let lines: Value = billed
            .iter()
            .map(|part| {
                let line = &self.order.lines[part.0];
                let mut said = json!({
                    "line": line.id, "quantity": part.1.to_string(), "unit": line.item.unit,
                    "amount": self.order.money(self.order.worth(&[*part])),
                });
                if let Some(shipment) = shipment {
                    said["shipment"] = json!(shipment);
                }
                if knows_order {
                    said["order"] = json!(self.order.id);
                }
                said
            })
            .collect();
        let net = self.order.worth(&billed);
        let data = json!({
            "number": self.id, "lines": lines, "tax": self.order.money(self.tax(net)), "amount": self.order.money(net + self.tax(net)),
        });
        teller.tell(BILLING, at, "invoice.issued", &self.object(), &self.refs, (&self.id, "bill"), data);
    }

    fn settle(&self, teller: &mut Teller, issued: DateTime<Utc>) {
        let mut dice = teller.dice(&format!("settle {}", self.id), self.order.number);
        let wait = if dice.happens(0.05) { (260, 600) } else { (4, 50) };
        let posted = teller.later(issued, &mut dice, wait.0, wait.1);
        self.post(teller, posted);
        let paid = teller.later(posted, &mut dice, 2_000, 5_500);
        let payment = object("payment", &format!("PAY-{}", self.id));
        let data = json!({"amount": self.order.money(self.gross(&self.lines)), "method": "transfer"});
        teller.tell(FINANCE, paid, "payment.received", &payment, &[self.object()], (&self.id, "bill"), data);
    }

    fn post(&self, teller: &mut Teller, at: DateTime<Utc>) {
        let data = json!({"document": format!("49{}", self.order.number), "amount": self.order.money(self.gross(&self.lines))});
        teller.tell(erp::SPEAKER, at, "invoice.posted", &self.object(), &[], (&self.id, "bill"), data);
    }

    fn cancel(&self, teller: &mut Teller, at: DateTime<Utc>, reason: &str) {
        teller.tell(
            BILLING,
            at,
            "invoice.cancelled",
            &self.object(),
            &[],
            (&self.id, "bill"),
            json!({"reason": reason}),
        );
    }

    fn tax(&self, net: Decimal) -> Decimal {
        (net * Decimal::new(self.order.customer.tax_percent.into(), 2)).round_dp(2)
    }

    fn gross(&self, lines: &[(usize, Decimal)]) -> Decimal {
        let net = self.order.worth(lines);
        net + self.tax(net)
    }
}

fn accrue(teller: &mut Teller, order: &Order, parcel: &Parcel) {
    let mut dice = teller.dice("accrue", order.number);
    // Accrued when the cost is known, before there is an invoice.
    let Some(charged) = parcel.charged else { return };
    let at = teller.later(charged, &mut dice, 1, 20);
    let this = object("accrual", &format!("AC-{}", parcel.id));
    let data = json!({"amount": order.money(order.worth(&parcel.lines))});
    teller.tell(FINANCE, at, "accrual.created", &this, &[object("shipment", &parcel.id)], (&parcel.id, "accrue"), data);
}

/// Takes over a final freight charge; gives the moment it is approved.
pub fn capture(
    teller: &mut Teller,
    order: &Order,
    charge: &ObjectRef,
    shipments: &[ObjectRef],
    last: DateTime<Utc>,
    amount: Decimal,
) -> DateTime<Utc> {
    let mut dice = teller.dice("capture", order.number);
    let trace = (charge.id.as_str(), "charge");
    let captured = teller.later(last, &mut dice, 2, 30);
    let data = json!({"kind": "freight", "amount": order.money(amount), "estimated": false});
    teller.tell(BILLING, captured, "charge.captured", charge, shipments, trace, data.clone());
    let approved = teller.later(captured, &mut dice, 2, 40);
    teller.hop(BILLING, captured, "compare with contract rate", charge, trace, None);
    teller.tell(BILLING, approved, "charge.approved", charge, &[], trace, data);
    approved
}

pub fn settle_freight(teller: &mut Teller, order: &Order, bill: &ObjectRef, received: DateTime<Utc>, amount: Decimal) {
    let mut dice = teller.dice("settle freight", order.number);
    let trace = (bill.id.as_str(), "freight");
    let approved = teller.later(received, &mut dice, 60, 900);
    let data = json!({"amount": order.money(amount)});
    teller.tell(FINANCE, approved, "freight_invoice.approved", bill, &[], trace, data.clone());
    let settled = teller.later(approved, &mut dice, 600, 3_000);
    teller.tell(FINANCE, settled, "freight_invoice.settled", bill, &[], trace, data);
}

fn credit_return(teller: &mut Teller, order: &Order, back: &wms::Back, invoice: Option<&ObjectRef>) {
    let mut dice = teller.dice("credit return", order.number);
    let at = teller.later(back.inspected, &mut dice, 300, 3_000);
    let this = object("return", &back.id);
    let note = object("credit_note", &format!("CN-{}", back.id));
    let refs: Vec<ObjectRef> = std::iter::once(&this).chain(invoice).cloned().collect();
    let amount = order.money(order.worth(&back.lines));
    let data = json!({"lines": order.lines_json(&back.lines), "amount": amount, "reason": "return"});
    teller.tell(FINANCE, at, "credit_note.issued", &note, &refs, (&back.id, "return"), data);
    let at = at + TimeDelta::milliseconds(50);
    teller.tell(FINANCE, at, "return.settled", &this, &[], (&back.id, "return"), json!({"amount": amount}));
}
