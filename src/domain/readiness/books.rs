//! The books of one order: what left, came back, was billed and credited, per line and per billable unit, and what
//! remains to be billed. Figures are exact; two currencies are never added.

mod purse;
mod reports;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;

pub use purse::{Purse, product};
pub use reports::left_at;

use self::reports::{delivered_at, paid_at, proof_of, proof_of_all};
use super::rules::{Billing, Policy, Proof, Rules};
use crate::domain::fact::{Fact, LineFact};
use crate::domain::lines::{Lines, issues};
use crate::domain::tree::{Node, Tree};
use crate::domain::{Evidence, Line, Milestone, Money, Reached, Step};

pub struct Books<'t> {
    pub billing: Billing,
    pub policy: &'t Policy,
    pub proof_required: bool,
    pub lines: Vec<&'t Line>,
    /// Whether a line is billed itself: components of a kit that has a price are not.
    pub billable: Vec<bool>,
    /// Per line what is still to be billed of it, all units together.
    pub remaining: Vec<Decimal>,
    pub units: Vec<Unit<'t>>,
    pub documents: Vec<Document<'t>>,
    pub credits: Vec<Credit<'t>>,
    /// Where all amounts are in.
    pub currency: Option<String>,
}

/// What is billed with one invoice: the whole order, one shipment, or what of the order has not left yet.
pub struct Unit<'t> {
    pub object: ObjectRef,
    pub node: &'t Node<'t>,
    /// The shipments in it.
    pub shipments: Vec<&'t Node<'t>>,
    pub parts: Vec<Part>,
    /// Positions of the documents that bill any of it.
    pub documents: Vec<usize>,
    pub value: Purse,
    pub billed: Purse,
    pub remaining: Purse,
    pub shipped_at: Option<DateTime<Utc>>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub proof: Option<&'t Fact>,
    pub is_shipped: bool,
    /// The rest of an order whose shipments are billed one by one.
    pub is_rest: bool,
}

/// One line within a unit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    pub wanted: Decimal,
    pub shipped: Decimal,
    pub returned: Decimal,
    pub invoiced: Decimal,
    pub credited: Decimal,
    pub remaining: Decimal,
}

impl Part {
    fn net(&self) -> Decimal {
        self.invoiced - self.credited
    }

    fn room(&self) -> Decimal {
        (self.shipped - self.returned - self.net()).max(Decimal::ZERO)
    }
}

/// An invoice that stands.
pub struct Document<'t> {
    pub node: &'t Node<'t>,
    pub issued: &'t Fact,
    /// An earlier issue of the same sender with other lines or another amount.
    pub reissued: Option<&'t Fact>,
    /// Without tax, as far as it can be told.
    pub net: Option<Money>,
    pub said: Vec<Said>,
    pub posted_at: Option<DateTime<Utc>>,
    pub paid_at: Option<DateTime<Utc>>,
    /// Bills other orders too.
    pub is_shared: bool,
}

pub struct Credit<'t> {
    pub node: &'t Node<'t>,
    pub issued: &'t Fact,
    pub said: Vec<Said>,
}

/// What a document says about one line of the order, in that line's unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub position: usize,
    pub quantity: Decimal,
    pub amount: Option<Money>,
    pub shipment: Option<Box<str>>,
}

impl<'t> Books<'t> {
    pub fn read(tree: &'t Tree<'t>, lines: &'t Lines, milestones: &[Milestone], rules: &'t Rules) -> Self {
        let root = tree.root();
        let customer = root.latest(|f| f.detail.head.as_ref()?.customer.clone());
        let policy = rules.policy_of(customer.as_deref().unwrap_or_default());
        let said = root.latest(|f| f.detail.head.as_ref()?.billing_policy.clone());
        let billing = policy.bill.or_else(|| Billing::parse(said.as_deref()?)).unwrap_or(Billing::Complete);
        let asked = root.latest(|f| f.detail.head.as_ref()?.pod_required).unwrap_or(false);
        let all: Vec<&Line> = lines.iter().collect();
        let head = root.amount();
        let currency = all
            .iter()
            .find_map(|l| l.price.as_ref())
            .or(head.as_ref())
            .map(|m| m.currency.clone())
            .or_else(|| tree.of_kind("invoice").find_map(Node::amount).map(|m| m.currency));
        let mut books = Self {
            billing,
            policy,
            proof_required: match policy.proof {
                Proof::Always => true,
                Proof::Never => false,
                Proof::WhenAsked => asked,
            },
            billable: all.iter().map(|l| is_billable(l, &all)).collect(),
            remaining: Vec::new(),
            lines: all,
            units: Vec::new(),
            documents: Vec::new(),
            credits: Vec::new(),
            currency,
        };
        books.read_units(tree, milestones, rules);
        books.read_returns(tree);
        books.read_documents(tree, lines);
        books.read_credits(tree, lines);
        books.settle(head.as_ref());
        books
    }

    /// What an event says about the order's lines, with quantities as they were counted.
    fn said(&self, lines: &Lines, step: Step, issued: &Fact) -> Vec<Said> {
        let counted: Vec<Vec<Decimal>> = self
            .lines
            .iter()
            .map(|line| {
                let is_own =
                    |e: &&Evidence| e.step == step && e.event.id == *issued.id && e.event.source == *issued.source;
                line.evidence.iter().filter(is_own).map(|e| e.counted.unwrap_or_default()).collect()
            })
            .collect();
        let Some(own) = issued.detail.lines.as_deref() else {
            let all = counted.iter().enumerate().filter(|(_, quantities)| !quantities.is_empty());
            let sum = |(position, quantities): (usize, &Vec<Decimal>)| Said {
                position,
                quantity: quantities.iter().copied().sum(),
                amount: None,
                shipment: None,
            };
            return all.map(sum).collect();
        };
        let mut met = vec![0_usize; self.lines.len()];
        own.iter()
            .filter_map(|line| {
                let position = self.position(lines, line)?;
                let nth = met[position];
                met[position] += 1;
                let quantity = counted[position].get(nth).copied().unwrap_or_default();
                Some(Said { position, quantity, amount: line.amount.clone(), shipment: line.shipment.clone() })
            })
            .collect()
    }

    /// Position of the line that a line of another document is about.
    fn position(&self, lines: &Lines, said: &LineFact) -> Option<usize> {
        let meant = lines.meant(said)?;
        self.lines.iter().position(|l| l.line == meant.line)
    }

    fn read_units(&mut self, tree: &'t Tree<'t>, milestones: &[Milestone], rules: &Rules) {
        let root: &'t Node<'t> = tree.root();
        let mut shipments: Vec<&'t Node<'t>> = tree.of_kind("shipment").filter(|s| !s.withdrawn()).collect();
        shipments.sort_by_key(|s| (left_at(s).is_none(), left_at(s), s.object.clone()));
        let target: Vec<Decimal> = self.lines.iter().map(|l| l.target().max(Decimal::ZERO)).collect();
        let whole = |is_rest| Unit {
            object: root.object.clone(),
            node: root,
            shipments: Vec::new(),
            parts: target.iter().map(|t| Part { wanted: *t, ..Part::default() }).collect(),
            documents: Vec::new(),
            value: Purse::default(),
            billed: Purse::default(),
            remaining: Purse::default(),
            shipped_at: None,
            delivered_at: None,
            proof: None,
            is_shipped: false,
            is_rest,
        };
        let reached = |key: &str| milestones.iter().find(|m| m.key == key).filter(|m| m.reached == Reached::Full);
        if self.billing != Billing::PerShipment {
            let mut unit = whole(false);
            for (part, line) in unit.parts.iter_mut().zip(&self.lines) {
                part.shipped = line.shipped;
            }
            let left: Vec<&Node> = shipments.iter().copied().filter(|s| left_at(s).is_some()).collect();
            unit.shipped_at = left.iter().filter_map(|s| left_at(s)).max();
            unit.is_shipped = if self.lines.is_empty() {
                reached("shipped").is_some()
            } else {
                let gone =
                    |l: &&Line| l.shipped >= l.target() || rules.tolerance.allows_quantity(l.target(), l.shipped);
                unit.shipped_at.is_some() && self.lines.iter().all(gone)
            };
            let delivered: Vec<Option<DateTime<Utc>>> = left.iter().map(|s| delivered_at(tree, s)).collect();
            unit.delivered_at = match delivered.iter().all(Option::is_some) && !delivered.is_empty() {
                true => delivered.into_iter().flatten().max(),
                false => reached("delivered").and_then(|m| m.at),
            };
            unit.proof = proof_of_all(tree, root, &left);
            unit.shipments = shipments;
            self.units.push(unit);
            return;
        }
        // Of kits only whole ones count, so what has left is counted through all shipments.
        let mut before: Vec<Decimal> = vec![Decimal::ZERO; self.lines.len()];
        for shipment in shipments.iter().copied().filter(|s| left_at(s).is_some()) {
            let mut unit = whole(false);
            unit.object = shipment.object.clone();
            unit.node = shipment;
            unit.shipped_at = left_at(shipment);
            unit.is_shipped = true;
            unit.delivered_at = delivered_at(tree, shipment);
            unit.proof = proof_of(tree, root, shipment);
            unit.shipments = vec![shipment];
            let gone = self.carried(shipment);
            let now: Vec<Decimal> = before.iter().zip(&gone).map(|(b, g)| *b + *g).collect();
            for (position, part) in unit.parts.iter_mut().enumerate() {
                part.shipped = match self.kit(position) {
                    Some(parts) => {
                        kits(self.lines[position], &parts, &self.lines, &now)
                            - kits(self.lines[position], &parts, &self.lines, &before)
                    }
                    None => gone[position],
                };
                part.wanted = part.shipped;
            }
            before = now;
            self.units.push(unit);
        }
        let mut rest = whole(true);
        for (position, part) in rest.parts.iter_mut().enumerate() {
            let gone: Decimal = self.units.iter().map(|u| u.parts[position].shipped).sum();
            part.wanted = (part.wanted - gone).max(Decimal::ZERO);
        }
        self.units.push(rest);
    }

    /// Positions of a kit's components; None for an ordinary line.
    fn kit(&self, position: usize) -> Option<Vec<usize>> {
        let kit = &self.lines[position].line;
        let is_part = |l: &&Line| l.parent.as_ref() == Some(kit) && !l.ordered.is_zero();
        let parts: Vec<usize> = (0..self.lines.len()).filter(|p| is_part(&self.lines[*p])).collect();
        (!parts.is_empty()).then_some(parts)
    }

    /// Per line what a shipment carried when it left.
    fn carried(&self, shipment: &Node) -> Vec<Decimal> {
        let of = |line: &&Line| {
            let own = line.evidence.iter().filter(|e| e.step == Step::Shipped && e.object == shipment.object);
            own.filter_map(|e| e.counted).sum()
        };
        self.lines.iter().map(of).collect()
    }

    fn read_returns(&mut self, tree: &Tree) {
        for position in 0..self.lines.len() {
            let line = self.lines[position];
            for back in line.evidence.iter().filter(|e| e.step == Step::Returned) {
                let Some(quantity) = back.counted else { continue };
                let node = tree.nodes.iter().find(|n| n.object == back.object);
                let is_linked = |u: &usize| node.is_some_and(|n| n.is_linked(&self.units[*u].object));
                let linked: Vec<usize> =
                    (0..self.units.len()).filter(|u| !self.units[*u].is_rest && is_linked(u)).collect();
                for (unit, share) in self.share_out(&linked, position, quantity, |p| p.shipped - p.returned) {
                    self.units[unit].parts[position].returned += share;
                }
            }
        }
        if let [unit] = &mut self.units[..] {
            // One unit has what the lines have, kits included.
            for (part, line) in unit.parts.iter_mut().zip(&self.lines) {
                part.returned = line.returned;
            }
        }
    }

    /// Spreads a quantity over units that have room, in order; what is beyond all room stays with the last.
    fn share_out(
        &self,
        named: &[usize],
        position: usize,
        quantity: Decimal,
        room: impl Fn(&Part) -> Decimal,
    ) -> Vec<(usize, Decimal)> {
        let all: Vec<usize> = if named.is_empty() { (0..self.units.len()).collect() } else { named.to_vec() };
        let mut shares = Vec::new();
        let mut left = quantity;
        for unit in &all {
            let free = room(&self.units[*unit].parts[position]).max(Decimal::ZERO);
            let share = if left > Decimal::ZERO { left.min(free) } else { Decimal::ZERO };
            if !share.is_zero() {
                shares.push((*unit, share));
                left -= share;
            }
        }
        if let Some(last) = all.last()
            && !left.is_zero()
        {
            match shares.iter_mut().find(|(unit, _)| unit == last) {
                Some((_, share)) => *share += left,
                None => shares.push((*last, left)),
            }
        }
        shares
    }

    fn read_documents(&mut self, tree: &'t Tree<'t>, lines: &Lines) {
        for node in tree.of_kind("invoice").filter(|i| !i.withdrawn()) {
            for issued in issues(tree, node) {
                self.read_document(tree, lines, node, issued);
            }
        }
        self.documents.sort_by(|a, b| (a.issued.order(), &a.node.object).cmp(&(b.issued.order(), &b.node.object)));
        for at in 0..self.documents.len() {
            let document = &self.documents[at];
            let linked: Vec<usize> = (0..self.units.len())
                .filter(|u| document.node.is_linked(&self.units[*u].object) && !self.units[*u].is_rest)
                .collect();
            let (said, net) = (document.said.clone(), document.net.clone());
            for Said { position, quantity, amount, shipment } in &said {
                let named = shipment
                    .as_deref()
                    .and_then(|id| self.units.iter().position(|u| u.object.kind == "shipment" && u.object.id == id));
                let named: Vec<usize> = named.map_or_else(|| linked.clone(), |unit| vec![unit]);
                let shares = self.share_out(&named, *position, *quantity, Part::room);
                self.bill(at, *position, *quantity, amount.as_ref(), &shares);
            }
            if said.is_empty() {
                let unit = linked.first().copied().unwrap_or(0);
                self.units[unit].documents.push(at);
                if let Some(net) = net {
                    self.units[unit].billed.add(&net);
                }
            }
        }
    }

    fn bill(
        &mut self,
        document: usize,
        position: usize,
        quantity: Decimal,
        amount: Option<&Money>,
        shares: &[(usize, Decimal)],
    ) {
        let mut rest = amount.cloned();
        for (nth, (unit, share)) in shares.iter().enumerate() {
            let unit = &mut self.units[*unit];
            unit.parts[position].invoiced += *share;
            if !unit.documents.contains(&document) {
                unit.documents.push(document);
            }
            let own = match (&mut rest, nth + 1 == shares.len()) {
                (Some(rest), true) => Some(rest.clone()),
                (Some(rest), false) => {
                    let value = amount.map_or(Decimal::ZERO, |a| (a.value * *share / quantity).round_dp(6));
                    rest.value -= value;
                    Some(Money { value, currency: rest.currency.clone() })
                }
                (None, _) => None,
            };
            match (own, &self.lines[position].price) {
                (Some(own), _) => unit.billed.add(&own),
                (None, Some(price)) => unit.billed.add_product(price, *share),
                (None, None) => unit.billed.is_open = true,
            }
        }
        if shares.is_empty()
            && quantity.is_zero()
            && let Some(amount) = amount
        {
            self.units[0].billed.add(amount);
        }
    }

    fn read_document(&mut self, tree: &'t Tree<'t>, lines: &Lines, node: &'t Node<'t>, issued: &'t Fact) {
        let said = self.said(lines, Step::Invoiced, issued);
        let tax = issued.detail.bill.as_ref().and_then(|b| b.tax.clone());
        let gross = issued.detail.amount.clone();
        let parts: Option<Vec<&Money>> = issued
            .detail
            .lines
            .as_deref()
            .filter(|l| !l.is_empty())
            .map(|l| l.iter().map(|l| l.amount.as_ref()).collect())
            .unwrap_or(None);
        let net = match (parts, gross, tax) {
            (Some(parts), _, _) => {
                let mut purse = Purse::default();
                parts.into_iter().for_each(|m| purse.add(m));
                purse.single(self.currency.as_deref())
            }
            (None, Some(gross), Some(tax)) if gross.currency == tax.currency => {
                Some(Money { value: gross.value - tax.value, currency: gross.currency })
            }
            (None, gross, _) => gross,
        };
        let earlier = node.facts.iter().filter(|f| &*f.kind == "invoice.issued" && f.source == issued.source);
        let differs = |f: &&Fact| f.detail.lines != issued.detail.lines || f.detail.amount != issued.detail.amount;
        let foreign =
            |o: &ObjectRef| matches!(&*o.kind, "order" | "shipment") && !tree.nodes.iter().any(|n| n.object == *o);
        self.documents.push(Document {
            node,
            issued,
            reissued: earlier.filter(|f| f.order() < issued.order()).find(differs),
            net,
            said,
            posted_at: node.last("invoice.posted").map(|f| f.occurred_at),
            paid_at: paid_at(tree, node, issued),
            is_shared: node.linked().any(|o| foreign(&o)),
        });
    }

    fn read_credits(&mut self, tree: &'t Tree<'t>, lines: &Lines) {
        for node in tree.of_kind("credit_note").filter(|n| !n.has("credit_note.cancelled")) {
            let Some(issued) = node.last("credit_note.issued") else { continue };
            let said = self.said(lines, Step::Credited, issued);
            let documents: Vec<&ObjectRef> =
                self.documents.iter().map(|d| &d.node.object).filter(|d| node.is_linked(d)).collect();
            let billed_by = |u: &Unit| u.documents.iter().any(|d| documents.contains(&&self.documents[*d].node.object));
            let named: Vec<usize> = (0..self.units.len()).filter(|u| billed_by(&self.units[*u])).collect();
            for Said { position, quantity, amount, .. } in &said {
                let net = |p: &Part| p.net().max(Decimal::ZERO);
                for (unit, share) in self.share_out(&named, *position, *quantity, net) {
                    let unit = &mut self.units[unit];
                    unit.parts[*position].credited += share;
                    match (amount, &self.lines[*position].price) {
                        (Some(amount), _) if share == *quantity => unit.billed.take(amount),
                        (_, Some(price)) => unit.billed.add_product(price, -share),
                        (Some(amount), None) => unit.billed.take(amount),
                        (None, None) => unit.billed.is_open = true,
                    }
                }
            }
            self.credits.push(Credit { node, issued, said });
        }
    }

    /// What remains to be billed, first of each line, then of each unit, so that the units together are the whole.
    fn settle(&mut self, head: Option<&Money>) {
        for position in 0..self.lines.len() {
            let mut rest = if self.billable[position] { self.open(position) } else { Decimal::ZERO };
            self.remaining.push(rest);
            for unit in &mut self.units {
                let part = &mut unit.parts[position];
                // Of what left nothing beyond it, of the rest all that is left over.
                let share = if unit.object.kind == "order" { rest } else { part.room().min(rest) };
                part.remaining = share;
                rest -= share;
            }
        }
        // One shipment of an order without lines is taken for all of it.
        let is_whole = self.units.len() == 1 || (self.lines.is_empty() && self.units.len() == 2);
        let unpriced = (0..self.lines.len())
            .any(|p| self.billable[p] && self.lines[p].price.is_none() && !self.lines[p].ordered.is_zero());
        let net_invoiced: Decimal = self.units.iter().flat_map(|u| &u.parts).map(|p| p.invoiced.abs()).sum();
        for unit in &mut self.units {
            for (position, part) in unit.parts.iter().enumerate().filter(|(p, _)| self.billable[*p]) {
                let Some(price) = &self.lines[position].price else { continue };
                unit.value.add_product(price, part.wanted);
                unit.remaining.add_product(price, part.remaining);
            }
            let untold = self.lines.is_empty() || unpriced;
            if !untold {
                continue;
            }
            let cancelled = self.lines.iter().any(|l| !l.cancelled.is_zero());
            match head {
                // The order's own amount stands for all of it.
                Some(head) if is_whole && !cancelled => {
                    unit.value =
                        Purse { sums: BTreeMap::from([(head.currency.clone(), head.value)]), ..Purse::default() };
                    unit.remaining = unit.value.clone();
                    let all_billed = !unit.documents.is_empty()
                        && (self.lines.is_empty() || unit.parts.iter().all(|p| p.remaining.is_zero()));
                    if all_billed {
                        unit.remaining = Purse::default();
                    } else if !net_invoiced.is_zero() {
                        unit.remaining.is_open = true;
                    }
                }
                _ => {
                    let some = unit.parts.iter().any(|p| !p.wanted.is_zero()) || self.lines.is_empty();
                    unit.value.is_open = some;
                    let due = unit.parts.iter().any(|p| !p.remaining.is_zero());
                    unit.remaining.is_open = due || (self.lines.is_empty() && unit.documents.is_empty());
                }
            }
        }
        // A rest of nothing is no unit, unless it is all there is.
        let is_needed = |u: &Unit| {
            let figures = |p: &Part| [p.remaining, p.wanted, p.returned, p.invoiced, p.credited];
            !u.documents.is_empty() || u.parts.iter().flat_map(figures).any(|q| !q.is_zero())
        };
        let rest_is_needed = self.units.last().is_some_and(is_needed);
        if !rest_is_needed && self.units.len() > 1 {
            self.units.pop();
        }
    }

    /// What is kept and what is still to leave, less what was billed.
    fn open(&self, position: usize) -> Decimal {
        let line = self.lines[position];
        let target = line.target().max(Decimal::ZERO);
        let kept = (line.shipped - line.returned).clamp(Decimal::ZERO, target);
        let to_leave = (target - line.shipped).max(Decimal::ZERO);
        (kept + to_leave - (line.invoiced - line.credited)).max(Decimal::ZERO)
    }
}

fn is_billable(line: &Line, all: &[&Line]) -> bool {
    let priced = |l: &Line| l.price.as_ref().is_some_and(|p| !p.value.is_zero());
    let mut parts = all.iter().filter(|l| l.parent.as_ref() == Some(&line.line)).peekable();
    if parts.peek().is_some() {
        return priced(line) || !parts.any(|p| priced(p));
    }
    let kit = line.parent.as_ref().and_then(|kit| all.iter().find(|l| l.line == *kit));
    kit.is_none_or(|kit| !priced(kit) && priced(line))
}

fn kits(kit: &Line, parts: &[usize], lines: &[&Line], gone: &[Decimal]) -> Decimal {
    let whole = parts.iter().map(|p| {
        let share = gone[*p].checked_mul(kit.ordered).and_then(|all| all.checked_div(lines[*p].ordered));
        share.unwrap_or_default().floor()
    });
    whole.min().unwrap_or_default()
}
