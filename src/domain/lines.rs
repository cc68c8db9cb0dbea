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
            if let Some(found) = note.last("credit_note.issued") {
                lines.add(found.detail.lines.as_deref(), |line| &mut line.credited);
            }
        }
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
        let Some(issued) = invoice.last("invoice.issued") else { return };
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

/// The lines of a shipment: as shipped, else as created.
fn shipment_lines<'n>(shipment: &'n Node) -> Option<&'n [LineFact]> {
    let said =
        |kind: &str| shipment.facts.iter().rev().filter(|f| &*f.kind == kind).find_map(|f| f.detail.lines.as_deref());
    said("shipment.shipped").or_else(|| said("shipment.short_shipped")).or_else(|| said("shipment.created"))
}
