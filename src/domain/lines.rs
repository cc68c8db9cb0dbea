//! Quantities per order line through the whole chain, each with the events behind it. Sums are exact; impossible
//! ones are shown and flagged, not clamped.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rust_decimal::Decimal;
use rustc_hash::FxHashMap;

use super::definition::Quantity;
use super::fact::{Fact, LineFact};
use super::flaws;
use super::tree::{Node, Tree};
use super::units::{self, Conversion};
use super::{EventKey, Evidence, Line, Step};

/// A quantity beyond this is shown and not counted: sums of such could not be kept exactly.
const COUNTABLE: Decimal = Decimal::from_parts(0xA4C6_8000, 0x0003_8D7E, 0, false, 0);

pub struct Lines {
    /// Those of the order by their ids, then those that nobody ordered; in the end all by their ids.
    drafts: Vec<Draft>,
    /// Places by their lines' ids, where there are many.
    places: FxHashMap<Box<str>, Place>,
    order: String,
}

/// So many lines are looked through; of more the places are noted.
const FEW: usize = 16;

/// A line's place among the drafts.
type Place = usize;

/// By length, then text, so that 9 comes before 10.
fn rank(line: &str) -> (usize, &str) {
    (line.len(), line)
}

/// A line while it is read.
struct Draft {
    line: Line,
    /// Per step and unit as it was said, in that unit.
    sums: Vec<(Step, Box<str>, Decimal)>,
    /// Looked up when another unit is met.
    conversions: Option<Vec<Conversion>>,
}

impl Line {
    pub fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), ..Self::default() }
    }

    /// What is still wanted of the line.
    pub fn target(&self) -> Decimal {
        self.ordered - self.cancelled
    }

    pub fn at(&self, step: Step) -> Decimal {
        match step {
            Step::Ordered => self.ordered,
            Step::Cancelled => self.cancelled,
            Step::Allocated => self.allocated,
            Step::Picked => self.picked,
            Step::Packed => self.packed,
            Step::Shipped => self.shipped,
            Step::Delivered => self.delivered,
            Step::Returned => self.returned,
            Step::Invoiced => self.invoiced,
            Step::Credited => self.credited,
        }
    }

    fn at_mut(&mut self, step: Step) -> &mut Decimal {
        match step {
            Step::Ordered => &mut self.ordered,
            Step::Cancelled => &mut self.cancelled,
            Step::Allocated => &mut self.allocated,
            Step::Picked => &mut self.picked,
            Step::Packed => &mut self.packed,
            Step::Shipped => &mut self.shipped,
            Step::Delivered => &mut self.delivered,
            Step::Returned => &mut self.returned,
            Step::Invoiced => &mut self.invoiced,
            Step::Credited => &mut self.credited,
        }
    }

    pub fn quantity(&self, of: Quantity) -> Decimal {
        self.at(of.into())
    }
}

impl From<Quantity> for Step {
    fn from(quantity: Quantity) -> Self {
        match quantity {
            Quantity::Allocated => Self::Allocated,
            Quantity::Picked => Self::Picked,
            Quantity::Packed => Self::Packed,
            Quantity::Shipped => Self::Shipped,
            Quantity::Delivered => Self::Delivered,
            Quantity::Invoiced => Self::Invoiced,
        }
    }
}

impl Lines {
    pub fn read(tree: &Tree) -> Self {
        let mut lines = Self { drafts: Vec::new(), places: FxHashMap::default(), order: tree.root().object.id.clone() };
        lines.ordered(tree);
        for node in &tree.nodes {
            for fact in node.facts.iter().filter(|f| &*f.kind == "inventory.allocated") {
                lines.add(tree, Step::Allocated, node, fact, fact.detail.lines.as_deref());
            }
        }
        for shipment in tree.of_kind("shipment") {
            for (step, kinds) in [
                (Step::Picked, &["pick.completed"][..]),
                (Step::Packed, &["pack.completed"]),
                (Step::Shipped, &["shipment.shipped", "shipment.short_shipped"]),
            ] {
                lines.of_shipment(tree, shipment, step, kinds, &[]);
            }
            let loads: Vec<&Node> =
                tree.of_kind("load").filter(|l| shipment.is_with(l) && l.has("load.delivered")).collect();
            lines.of_shipment(tree, shipment, Step::Delivered, &["shipment.delivered"], &loads);
        }
        for node in tree.of_kind("return") {
            let inspected = node.last("return.inspected").filter(|f| f.detail.lines.is_some());
            if let Some(fact) = inspected.or(node.last("return.received")) {
                lines.add(tree, Step::Returned, node, fact, fact.detail.lines.as_deref());
            }
        }
        for invoice in tree.of_kind("invoice").filter(|i| !i.withdrawn()) {
            lines.of_invoice(tree, invoice);
        }
        for note in tree.of_kind("credit_note") {
            lines.of_credit(tree, note);
        }
        lines.of_kits();
        if let Some(fact) = tree.root().last("order.cancelled") {
            for draft in &mut lines.drafts {
                draft.line.evidence.retain(|e| e.step != Step::Cancelled);
                draft.line.cancelled = draft.line.ordered - draft.line.shipped;
                let (quantity, unit) = (draft.line.cancelled, draft.line.unit.clone());
                draft.line.evidence.push(evidence(Step::Cancelled, tree.root(), fact, quantity, unit));
            }
        }
        lines.sort();
        for draft in &mut lines.drafts {
            draft.line.evidence.sort_by(|a, b| (a.step, a.at, &a.event).cmp(&(b.step, b.at, &b.event)));
            flaws::find(&mut draft.line);
        }
        lines
    }

    pub fn into_vec(self) -> Vec<Line> {
        self.drafts.into_iter().map(|d| d.line).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Line> {
        self.drafts.iter().map(|d| &d.line)
    }

    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Items whose master data says, or could say, how units convert here.
    pub fn items(&self) -> Vec<String> {
        let asked = self.drafts.iter().filter(|d| d.conversions.is_some() && !d.line.sku.is_empty());
        let mut items: Vec<String> = asked.map(|d| d.line.sku.clone()).collect();
        items.sort();
        items.dedup();
        items
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
        let lines = shipment_lines(shipment).map_or(&[][..], |(_, lines)| lines);
        lines.iter().filter(|l| self.find(l).is_some() && is_countable(l.quantity)).map(|l| l.quantity).sum()
    }

    fn ordered(&mut self, tree: &Tree) {
        let root = tree.root();
        let heads = |kind: &'static str| root.facts.iter().filter(move |f| &*f.kind == kind);
        for fact in heads("order.created").chain(heads("order.changed")) {
            for (position, said) in fact.detail.lines.iter().flatten().enumerate() {
                let id = said.line.as_deref().map_or_else(|| (position + 1).to_string().into(), Cow::Borrowed);
                let place = self.place_of(&id).unwrap_or_else(|| self.push(Draft::new(id.into_owned())));
                let line = &mut self.drafts[place].line;
                line.ordered = if is_countable(said.quantity) { said.quantity } else { Decimal::ZERO };
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
                // The latest word counts.
                line.evidence.clear();
                let mut evidence = evidence(Step::Ordered, root, fact, said.quantity, line.unit.clone());
                evidence.counted = evidence.counted.filter(|_| is_countable(said.quantity));
                line.evidence.push(evidence);
            }
        }
        self.sort();
        for fact in heads("order.line_cancelled") {
            for said in fact.detail.lines.iter().flatten() {
                let Some(id) = self.find(said) else { continue };
                if said.quantity.is_zero() {
                    let line = &self.drafts[id].line;
                    let whole = LineFact { quantity: line.ordered - line.cancelled, unit: None, ..LineFact::default() };
                    self.count(tree, Step::Cancelled, root, fact, id, &whole);
                } else {
                    self.count(tree, Step::Cancelled, root, fact, id, said);
                }
            }
        }
    }

    /// Per shipment and line the latest word counts, so that a step reported again is not counted again; one report
    /// may name a line several times, by lots. A report without lines is about all lines of the shipment.
    fn of_shipment(&mut self, tree: &Tree, shipment: &Node, step: Step, kinds: &[&str], carriers: &[&Node]) {
        let mut said_of: Vec<(Place, usize, Cow<'_, LineFact>)> = Vec::new();
        // By place, the last report of it.
        let mut last: Vec<usize> = Vec::new();
        let whole = shipment_lines(shipment);
        let own = shipment.facts.iter().filter(|f| kinds.contains(&&*f.kind)).map(|f| (shipment, f));
        let carried = carriers.iter().filter_map(|l| Some((*l, l.last("load.delivered")?)));
        let mut reports: Vec<(&Node, &Fact)> = carried.chain(own).collect();
        reports.dedup_by_key(|(_, f)| f.order());
        for (report, (_, fact)) in reports.iter().enumerate() {
            let is_carried = fact.kind.starts_with("load.");
            let own_lines = fact.detail.lines.as_deref().filter(|_| !is_carried);
            match own_lines.or(whole.map(|(_, lines)| lines)) {
                Some(said) => {
                    for line in said {
                        let Some(id) = self.find_or_stray(shipment, line) else { continue };
                        said_of.push((id, report, Cow::Borrowed(line)));
                    }
                }
                None => {
                    let all = self.drafts.iter().enumerate();
                    said_of.extend(all.map(|(id, draft)| (id, report, Cow::Owned(draft.rest()))));
                }
            }
            last.resize(self.drafts.len(), 0);
            said_of.iter().rev().take_while(|(_, of, _)| *of == report).for_each(|(id, ..)| last[*id] = report);
        }
        for (id, report, line) in said_of {
            if last[id] == report {
                let (node, fact) = reports[report];
                self.count(tree, step, node, fact, id, &line);
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
            return self.add(tree, Step::Invoiced, invoice, issued, issued.detail.lines.as_deref());
        }
        let billed: Vec<&Node> = tree.of_kind("shipment").filter(|s| invoice.is_with(s)).collect();
        if billed.is_empty() {
            return self.add(tree, Step::Invoiced, invoice, issued, None);
        }
        for shipment in billed {
            let lines = shipment_lines(shipment).map(|(_, lines)| lines);
            self.add(tree, Step::Invoiced, invoice, issued, lines);
        }
    }

    /// A credit without lines is for the return that it names; otherwise it is about money only, and takes back no
    /// quantity: else a partial refund would look as if all were to be billed again.
    fn of_credit(&mut self, tree: &Tree, note: &Node) {
        let Some(issued) = note.last("credit_note.issued") else { return };
        if issued.detail.lines.is_some() {
            return self.add(tree, Step::Credited, note, issued, issued.detail.lines.as_deref());
        }
        for back in tree.of_kind("return").filter(|r| note.is_with(r)) {
            if let Some(said) = returned_lines(back) {
                self.add(tree, Step::Credited, note, issued, Some(said));
            }
        }
    }

    /// A kit is where the scarcest of its components is. What was said of the kit itself stands.
    fn of_kits(&mut self) {
        let kits: BTreeSet<String> = self.iter().filter_map(|l| l.parent.clone()).collect();
        for kit in kits {
            let Some(place) = self.place_of(&kit) else { continue };
            let ordered = self.drafts[place].line.ordered;
            let parts: Vec<&Line> =
                self.iter().filter(|l| l.parent.as_ref() == Some(&kit) && !l.ordered.is_zero()).collect();
            let steps = [Step::Allocated, Step::Picked, Step::Packed, Step::Shipped, Step::Delivered, Step::Returned];
            let whole = |step: Step| {
                let each = parts.iter().map(|p| p.at(step).checked_mul(ordered).map(|q| (q / p.ordered).floor()));
                each.map(Option::unwrap_or_default).min().unwrap_or_default()
            };
            let found: Vec<Decimal> = steps.iter().map(|s| whole(*s)).collect();
            let draft = &mut self.drafts[place];
            for (step, found) in steps.into_iter().zip(found) {
                if draft.line.at(step).is_zero() {
                    *draft.line.at_mut(step) = found;
                }
            }
        }
    }

    /// The order's line that a line of another document is about.
    pub fn meant(&self, said: &LineFact) -> Option<&Line> {
        // A stray line goes by the name that it was given.
        let stray = || self.place_of(said.line.as_deref().or(said.sku.as_deref())?);
        let place = self.find(said).or_else(stray)?;
        let of_others = said.order.as_deref().is_some_and(|o| o != self.order);
        Some(&self.drafts[place].line).filter(|_| !of_others)
    }

    /// Adds what was said, or for a report without lines all that is wanted.
    fn add(&mut self, tree: &Tree, step: Step, node: &Node, fact: &Fact, said: Option<&[LineFact]>) {
        match said {
            Some(said) => {
                for line in said {
                    if let Some(id) = self.find_or_stray(node, line) {
                        self.count(tree, step, node, fact, id, line);
                    }
                }
            }
            None => {
                for place in 0..self.drafts.len() {
                    let rest = self.drafts[place].rest();
                    self.count(tree, step, node, fact, place, &rest);
                }
            }
        }
    }

    fn count(&mut self, tree: &Tree, step: Step, node: &Node, fact: &Fact, place: Place, said: &LineFact) {
        let draft = &mut self.drafts[place];
        // A line whose order gave no unit takes the first one that it meets.
        if draft.line.unit.is_empty()
            && let Some(first) = &said.unit
        {
            draft.line.unit = first.to_string();
        }
        let unit = said.unit.as_deref().unwrap_or(&draft.line.unit).to_owned();
        if said.order.is_none() && node.object.kind != "order" && node.links_to("order") > 1 {
            let of = format!("{} is linked with several orders and does not say whose line this is", node.object);
            flaws::note(&mut draft.line, "order_unclear", step, of);
        }
        let mut found = evidence(step, node, fact, said.quantity, unit.clone());
        found.lot = said.lot.as_deref().map(str::to_owned);
        found.serials = said.serials.iter().map(ToString::to_string).collect();
        found.counted = is_countable(said.quantity).then(|| draft.ratio(tree, &unit)).flatten().and_then(|ratio| {
            let counted = units::convert(said.quantity, ratio).filter(|q| is_countable(*q))?;
            draft.sum(step, &unit, said.quantity);
            Some(counted)
        });
        draft.line.evidence.push(found);
        if !draft.sums.is_empty() {
            draft.total(tree, step);
        }
    }

    fn place_of(&self, line: &str) -> Option<Place> {
        if self.drafts.len() > FEW {
            return self.places.get(line).copied();
        }
        self.drafts.iter().position(|draft| draft.line.line == line)
    }

    fn push(&mut self, draft: Draft) -> Place {
        self.drafts.push(draft);
        let known = self.places.len();
        if self.drafts.len() > FEW {
            for (place, draft) in self.drafts.iter().enumerate().skip(known) {
                self.places.insert(draft.line.line.as_str().into(), place);
            }
        }
        self.drafts.len() - 1
    }

    fn sort(&mut self) {
        self.drafts.sort_by(|a, b| rank(&a.line.line).cmp(&rank(&b.line.line)));
        for (place, draft) in self.drafts.iter().enumerate() {
            if let Some(noted) = self.places.get_mut(draft.line.line.as_str()) {
                *noted = place;
            }
        }
    }

    fn find(&self, said: &LineFact) -> Option<Place> {
        if said.order.as_deref().is_some_and(|o| o != self.order) {
            return None;
        }
        if let Some(line) = &said.line {
            return self.place_of(line);
        }
        let sku = said.sku.as_deref()?;
        let of_sku = self.drafts.iter().enumerate().filter(|(_, draft)| draft.line.sku == sku);
        of_sku.min_by(|(_, a), (_, b)| rank(&a.line.line).cmp(&rank(&b.line.line))).map(|(place, _)| place)
    }

    /// The line that is meant; a line of its own for goods that nobody ordered, where this order is meant for sure.
    fn find_or_stray(&mut self, node: &Node, said: &LineFact) -> Option<Place> {
        if let Some(id) = self.find(said) {
            return Some(id);
        }
        let of_others = said.order.as_deref().is_some_and(|o| o != self.order);
        let sure = said.order.is_some() || node.links_to("order") <= 1;
        let name = said.line.as_deref().or(said.sku.as_deref())?;
        if of_others || !sure || self.drafts.is_empty() {
            return None;
        }
        let mut draft = Draft::new(name.to_owned());
        draft.line.sku = said.sku.as_deref().unwrap_or_default().to_owned();
        draft.line.unit = said.unit.as_deref().unwrap_or_default().to_owned();
        Some(self.push(draft))
    }
}

impl Draft {
    fn new(line: String) -> Self {
        Self { line: Line::new(line), sums: Vec::new(), conversions: None }
    }

    /// All that is wanted of the line, as a report without lines means it.
    fn rest(&self) -> LineFact {
        LineFact { quantity: self.line.target(), ..LineFact::default() }
    }

    fn sum(&mut self, step: Step, unit: &str, quantity: Decimal) {
        match self.sums.iter_mut().find(|(s, u, _)| *s == step && units::is_same(u, unit)) {
            Some((.., sum)) => *sum = sum.checked_add(quantity).unwrap_or(*sum),
            None => self.sums.push((step, unit.into(), quantity)),
        }
    }

    /// Pieces are added up as pieces before they become boxes: that keeps the sum exact.
    fn total(&mut self, tree: &Tree, step: Step) {
        let sums = std::mem::take(&mut self.sums);
        let mut total = Decimal::ZERO;
        for (_, unit, sum) in sums.iter().filter(|(s, ..)| *s == step) {
            let converted = self.ratio(tree, unit).and_then(|ratio| units::convert(*sum, ratio));
            total = converted.and_then(|q| total.checked_add(q)).unwrap_or(total);
        }
        self.sums = sums;
        *self.line.at_mut(step) = total;
    }

    /// From a unit to the line's own. Asks the line's reports first, then the item's master data.
    fn ratio(&mut self, tree: &Tree, unit: &str) -> Option<(Decimal, Decimal)> {
        if units::is_same(unit, &self.line.unit) {
            return Some((Decimal::ONE, Decimal::ONE));
        }
        let line = &self.line;
        let known = self.conversions.get_or_insert_with(|| {
            let said = tree.facts().flat_map(|f| f.detail.lines.iter().flatten());
            let about = said.filter(|l| match (&l.line, &l.sku) {
                (Some(id), _) if **id == *line.line => true,
                (_, Some(sku)) => **sku == *line.sku,
                _ => false,
            });
            let mut all: Vec<Conversion> = about.flat_map(|l| l.units.iter().cloned()).collect();
            all.extend(tree.item_units(&line.sku));
            all
        });
        units::ratio(known, unit, &self.line.unit)
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

fn evidence(step: Step, node: &Node, fact: &Fact, quantity: Decimal, unit: String) -> Evidence {
    Evidence {
        step,
        object: node.object.clone(),
        event: EventKey { source: fact.source.to_string(), id: fact.id.to_string() },
        at: fact.occurred_at,
        quantity,
        unit,
        counted: Some(quantity),
        lot: None,
        serials: Vec::new(),
    }
}

fn is_countable(quantity: Decimal) -> bool {
    quantity.abs() <= COUNTABLE
}

/// The lines of a shipment with who said them: as shipped, else as created.
pub fn shipment_lines<'n>(shipment: &'n Node) -> Option<(&'n Fact, &'n [LineFact])> {
    let said = |kind: &str| {
        let of_kind = shipment.facts.iter().rev().filter(|f| &*f.kind == kind);
        of_kind.filter_map(|f| Some((f, f.detail.lines.as_deref()?))).next()
    };
    said("shipment.shipped").or_else(|| said("shipment.short_shipped")).or_else(|| said("shipment.created"))
}
