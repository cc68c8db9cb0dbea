//! Quantities per order line through the whole chain. Sums are exact; impossible ones are shown, not clamped.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::Line;
use super::definition::Quantity;
use super::fact::{Fact, LineFact};
use super::tree::{Node, Tree};

pub struct Lines {
    /// By length, then text, so that 9 comes before 10.
    by_id: BTreeMap<(usize, String), Line>,
    order: String,
}

impl Line {
    /// What is still wanted of the line.
    pub fn target(&self) -> Decimal {
        self.ordered - self.cancelled
    }

    pub fn quantity(&self, of: Quantity) -> Decimal {
        match of {
            Quantity::Allocated => self.allocated,
            Quantity::Picked => self.picked,
            Quantity::Packed => self.packed,
            Quantity::Shipped => self.shipped,
            Quantity::Delivered => self.delivered,
            Quantity::Invoiced => self.invoiced,
        }
    }

    fn quantity_mut(&mut self, of: Quantity) -> &mut Decimal {
        match of {
            Quantity::Allocated => &mut self.allocated,
            Quantity::Picked => &mut self.picked,
            Quantity::Packed => &mut self.packed,
            Quantity::Shipped => &mut self.shipped,
            Quantity::Delivered => &mut self.delivered,
            Quantity::Invoiced => &mut self.invoiced,
        }
    }
}

impl Lines {
    pub fn read(tree: &Tree) -> Self {
        let mut lines = Self { by_id: BTreeMap::new(), order: tree.root().object.id.clone() };
        lines.ordered(tree.root());
        for fact in tree.facts().filter(|f| &*f.kind == "inventory.allocated") {
            lines.add(fact.detail.lines.as_deref(), |line| &mut line.allocated);
        }
        for shipment in tree.of_kind("shipment") {
            for (quantity, kinds) in [
                (Quantity::Picked, &["pick.completed"][..]),
                (Quantity::Packed, &["pack.completed"]),
                (Quantity::Shipped, &["shipment.shipped", "shipment.short_shipped"]),
            ] {
                lines.of_shipment(shipment, quantity, kinds, &[]);
            }
            let loads: Vec<&Node> =
                tree.of_kind("load").filter(|l| shipment.is_linked(&l.object) && l.has("load.delivered")).collect();
            lines.of_shipment(shipment, Quantity::Delivered, &["shipment.delivered"], &loads);
        }
        for node in tree.of_kind("return") {
            if let Some(found) =
                node.last("return.inspected").filter(|f| f.detail.lines.is_some()).or(node.last("return.received"))
            {
                lines.add(found.detail.lines.as_deref(), |line| &mut line.returned);
            }
        }
        for invoice in tree.of_kind("invoice").filter(|i| !i.withdrawn()) {
            lines.of_invoice(tree, invoice);
        }
        for note in tree.of_kind("credit_note") {
            lines.of_credit(tree, note);
        }
        lines.of_kits();
        if tree.root().has("order.cancelled") {
            for line in lines.by_id.values_mut() {
                line.cancelled = line.ordered - line.shipped;
            }
        }
        lines
    }

    pub fn into_vec(self) -> Vec<Line> {
        self.by_id.into_values().collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Line> {
        self.by_id.values()
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Total that is still wanted, over all lines.
    pub fn target(&self) -> Decimal {
        self.iter().map(Line::target).sum()
    }

    /// Share of what is wanted that has reached a quantity, 0 to 1; None when nothing is wanted.
    pub fn share(&self, of: Quantity) -> Option<Decimal> {
        let target = self.target();
        if target <= Decimal::ZERO {
            return None;
        }
        let done: Decimal =
            self.iter().map(|l| l.quantity(of).clamp(Decimal::ZERO, l.target().max(Decimal::ZERO))).sum();
        Some(done / target)
    }

    /// How much of this order a shipment carries, as far as it said so.
    pub fn weight(&self, shipment: &Node) -> Decimal {
        let lines = shipment_lines(shipment).unwrap_or_default();
        lines.iter().filter(|l| self.find(l).is_some()).map(|l| l.quantity).sum()
    }

    fn ordered(&mut self, root: &Node) {
        let heads = |kind: &'static str| root.facts.iter().filter(move |f| &*f.kind == kind);
        for fact in heads("order.created").chain(heads("order.changed")) {
            for (position, said) in fact.detail.lines.iter().flatten().enumerate() {
                let id = said.line.as_deref().map_or_else(|| (position + 1).to_string(), str::to_owned);
                let line = self.by_id.entry((id.len(), id.clone())).or_insert_with(|| Line::new(id));
                line.ordered = said.quantity;
                if let Some(sku) = &said.sku {
                    line.sku = sku.to_string();
                }
                if let Some(unit) = &said.unit {
                    line.unit = unit.to_string();
                }
                if said.price.is_some() {
                    line.price.clone_from(&said.price);
                }
                if let Some(parent) = &said.parent {
                    line.parent = Some(parent.to_string());
                }
            }
        }
        for fact in heads("order.line_cancelled") {
            for said in fact.detail.lines.iter().flatten() {
                let Some(line) = self.find_mut(said) else { continue };
                line.cancelled += if said.quantity.is_zero() { line.ordered - line.cancelled } else { said.quantity };
            }
        }
    }

    /// Per shipment and line the latest word counts, so that a step reported again is not counted again.
    /// A report without lines is about all lines of the shipment.
    fn of_shipment(&mut self, shipment: &Node, quantity: Quantity, kinds: &[&str], carriers: &[&Node]) {
        let mut latest: BTreeMap<(usize, String), Decimal> = BTreeMap::new();
        let whole = shipment_lines(shipment);
        let own = shipment.facts.iter().filter(|f| kinds.contains(&&*f.kind));
        let carried = carriers.iter().filter_map(|l| l.last("load.delivered"));
        let mut reports: Vec<&Fact> = carried.chain(own).collect();
        reports.dedup_by_key(|f| f.order());
        for fact in reports {
            let is_own = fact.kind.starts_with("load.");
            let said = if is_own { whole } else { fact.detail.lines.as_deref().or(whole) };
            match said {
                Some(said) => {
                    for line in said {
                        if let Some(id) = self.find(line) {
                            latest.insert(id, line.quantity);
                        }
                    }
                }
                None => latest.extend(self.by_id.iter().map(|(id, line)| (id.clone(), line.target()))),
            }
        }
        for (id, amount) in latest {
            if let Some(line) = self.by_id.get_mut(&id) {
                *line.quantity_mut(quantity) += amount;
            }
        }
    }

    fn of_invoice(&mut self, tree: &Tree, invoice: &Node) {
        for issued in issues(tree, invoice) {
            self.of_issue(tree, invoice, issued);
        }
    }

    fn of_issue(&mut self, tree: &Tree, invoice: &Node, issued: &Fact) {
        if issued.detail.lines.is_some() {
            return self.add(issued.detail.lines.as_deref(), |line| &mut line.invoiced);
        }
        let billed: Vec<&Node> = tree.of_kind("shipment").filter(|s| invoice.is_linked(&s.object)).collect();
        if billed.is_empty() {
            return self.add(None, |line| &mut line.invoiced);
        }
        for shipment in billed {
            self.add(shipment_lines(shipment), |line| &mut line.invoiced);
        }
    }

    /// A credit without lines is for the return that it names; otherwise it is about money only, and takes back no
    /// quantity: else a partial refund would look as if all were to be billed again.
    fn of_credit(&mut self, tree: &Tree, note: &Node) {
        let Some(issued) = note.last("credit_note.issued") else { return };
        if issued.detail.lines.is_some() {
            return self.add(issued.detail.lines.as_deref(), |line| &mut line.credited);
        }
        for back in tree.of_kind("return").filter(|r| note.is_linked(&r.object)) {
            if let Some(said) = returned_lines(back) {
                self.add(Some(said), |line| &mut line.credited);
            }
        }
    }

    /// A kit is where the scarcest of its components is. What was said of the kit itself stands.
    fn of_kits(&mut self) {
        let kits: Vec<String> = self.by_id.values().filter_map(|l| l.parent.clone()).collect();
        for kit in kits.iter().collect::<std::collections::BTreeSet<_>>() {
            let Some(mut line) = self.by_id.get(&(kit.len(), kit.clone())).cloned() else { continue };
            let parts: Vec<&Line> =
                self.by_id.values().filter(|l| l.parent.as_ref() == Some(kit) && !l.ordered.is_zero()).collect();
            let whole = |of: fn(&Line) -> Decimal| {
                parts.iter().map(|p| (of(p) * line.ordered / p.ordered).floor()).min().unwrap_or_default()
            };
            let counts: [(fn(&Line) -> Decimal, fn(&mut Line) -> &mut Decimal); 6] = [
                (|l| l.allocated, |l| &mut l.allocated),
                (|l| l.picked, |l| &mut l.picked),
                (|l| l.packed, |l| &mut l.packed),
                (|l| l.shipped, |l| &mut l.shipped),
                (|l| l.delivered, |l| &mut l.delivered),
                (|l| l.returned, |l| &mut l.returned),
            ];
            let found: Vec<Decimal> = counts.iter().map(|(of, _)| whole(*of)).collect();
            for ((of, slot), found) in counts.iter().zip(found) {
                if of(&line).is_zero() {
                    *slot(&mut line) = found;
                }
            }
            self.by_id.insert((kit.len(), kit.clone()), line);
        }
    }

    /// The order's line that a line of another document is about.
    pub fn meant(&self, said: &LineFact) -> Option<&Line> {
        self.by_id.get(&self.find(said)?)
    }

    /// Adds what was said, or for a report without lines all that is wanted.
    fn add(&mut self, said: Option<&[LineFact]>, slot: impl Fn(&mut Line) -> &mut Decimal) {
        let Some(said) = said else {
            for line in self.by_id.values_mut() {
                let target = line.target();
                *slot(line) += target;
            }
            return;
        };
        for fact in said {
            if let Some(line) = self.find_mut(fact) {
                *slot(line) += fact.quantity;
            }
        }
    }

    fn find(&self, said: &LineFact) -> Option<(usize, String)> {
        if said.order.as_deref().is_some_and(|o| o != self.order) {
            return None;
        }
        if let Some(line) = &said.line {
            let key = (line.len(), line.to_string());
            return self.by_id.contains_key(&key).then_some(key);
        }
        let sku = said.sku.as_deref()?;
        self.by_id.iter().find(|(_, line)| line.sku == sku).map(|(key, _)| key.clone())
    }

    fn find_mut(&mut self, said: &LineFact) -> Option<&mut Line> {
        let key = self.find(said)?;
        self.by_id.get_mut(&key)
    }
}

impl Line {
    fn new(line: String) -> Self {
        let zero = Decimal::ZERO;
        Self {
            line,
            sku: String::new(),
            unit: String::new(),
            price: None,
            parent: None,
            ordered: zero,
            cancelled: zero,
            allocated: zero,
            picked: zero,
            packed: zero,
            shipped: zero,
            delivered: zero,
            returned: zero,
            invoiced: zero,
            credited: zero,
        }
    }
}

/// What came back: as inspected, else as received.
pub fn returned_lines<'n>(back: &'n Node) -> Option<&'n [LineFact]> {
    let inspected = back.last("return.inspected").and_then(|f| f.detail.lines.as_deref());
    inspected.or_else(|| back.last("return.received").and_then(|f| f.detail.lines.as_deref()))
}

/// The invoices that stand under one id: the latest issue of each sender, for two companies may number alike. Those
/// that name only what is not in the tree are about something else.
pub fn issues<'n>(tree: &Tree, invoice: &'n Node) -> Vec<&'n Fact> {
    let mut latest: Vec<&Fact> = Vec::new();
    for fact in invoice.facts.iter().filter(|f| &*f.kind == "invoice.issued") {
        match latest.iter_mut().find(|f| f.source == fact.source) {
            Some(older) => *older = fact,
            None => latest.push(fact),
        }
    }
    if latest.len() > 1 {
        latest.retain(|issued| {
            let own = |kind: &str, id: &str| tree.of_kind(kind).any(|n| n.object.id == id);
            let refs = issued.refs.iter().filter(|r| matches!(&*r.kind, "order" | "shipment"));
            let lines = issued.detail.lines.iter().flatten();
            let mut named = refs
                .map(|r| own(&r.kind, &r.id))
                .chain(lines.clone().filter_map(|l| Some(own("order", l.order.as_deref()?))))
                .chain(lines.filter_map(|l| Some(own("shipment", l.shipment.as_deref()?))))
                .peekable();
            named.peek().is_none() || named.any(|is_own| is_own)
        });
    }
    latest
}

/// The lines of a shipment: as shipped, else as created.
pub fn shipment_lines<'n>(shipment: &'n Node) -> Option<&'n [LineFact]> {
    let said =
        |kind: &str| shipment.facts.iter().rev().filter(|f| &*f.kind == kind).find_map(|f| f.detail.lines.as_deref());
    said("shipment.shipped").or_else(|| said("shipment.short_shipped")).or_else(|| said("shipment.created"))
}
