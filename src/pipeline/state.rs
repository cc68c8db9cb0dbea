//! What is known now: a graph per tenant, the clocks of its open workflows, and which objects live in the store only.
//! Says after each change which snapshots are new.

use std::collections::{BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use rustc_hash::{FxHashMap, FxHashSet};

use super::clocks::Clocks;
use super::ledger::Ledger;
use super::outlook::{Expected, Outlook};
use super::raised::{ABOVE, Gone, Raised, Settling, Watched, hash_of};
use super::slas::Written;
use super::snapshot;
use crate::domain::{Definitions, Entry, Fact, Graph, Rulebook, Standing, definition_of, derive, forecast};
use crate::store::rows::{ExceptionRow, ObjectRow, PathRow, ReadinessRow, ReconciliationRow, SlaRow, WorkflowRow};
use crate::store::{Mark, StoredSla};

pub struct State {
    book: Arc<Rulebook>,
    outlook: Arc<Outlook>,
    tenants: FxHashMap<String, Tenant>,
    version: u64,
}

#[derive(Default)]
struct Tenant {
    graph: Graph,
    /// Workflows by the time at which time alone changes them.
    clocks: Clocks,
    /// What the store has of their SLAs.
    written: Written,
    /// Hashes of objects that are in the store and not in memory.
    stored: FxHashSet<u64>,
    /// Workflows that are closed, the longest closed first: these may leave memory.
    closed: VecDeque<ObjectRef>,
    is_closed: FxHashSet<ObjectRef>,
    raised: Raised,
    ledger: Ledger,
    /// What stands above workflows, as it was last found.
    watched: Vec<Watched>,
    /// Workflows in which the master data of an item decides how units convert, by item.
    by_item: FxHashMap<String, BTreeSet<ObjectRef>>,
    /// The same the other way round.
    items_of: FxHashMap<ObjectRef, Vec<String>>,
}

/// Workflows of one batch that are derived at once; the others of a crowd follow with the clocks.
const AT_ONCE: usize = 2_000;

pub type Objects = FxHashSet<ObjectRef>;

/// Objects of one tenant that something was said about, and those that were named by it.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    pub spoken: Objects,
    pub named: Objects,
}

/// New snapshots of one tenant.
#[derive(Default)]
pub struct Changes {
    pub objects: Vec<ObjectRow>,
    pub workflows: Vec<WorkflowRow>,
    pub slas: Vec<SlaRow>,
    pub paths: Vec<PathRow>,
    pub readiness: Vec<ReadinessRow>,
    pub reconciliation: Vec<ReconciliationRow>,
    pub exceptions: Vec<ExceptionRow>,
    /// Exceptions that were open and are to be closed.
    pub gone: Vec<Gone>,
}

/// As what and when workflows are derived.
struct Turn<'a> {
    tenant: &'a str,
    definitions: &'a Definitions,
    as_of: DateTime<Utc>,
    version: u64,
    /// A breach that is seen late was missed, in contrast to one that new rules brought about.
    missed: bool,
    expected: Option<Arc<Expected>>,
}

impl State {
    pub fn new(book: Arc<Rulebook>, version: u64) -> Self {
        Self { book, outlook: Arc::default(), tenants: FxHashMap::default(), version }
    }

    /// With forecasts to judge by.
    #[must_use]
    pub fn with_outlook(self, outlook: Arc<Outlook>) -> Self {
        Self { outlook, ..self }
    }

    /// Goes on with other rules. True when they are others: then everything is to be derived anew.
    pub fn take_book(&mut self, book: Arc<Rulebook>) -> bool {
        let new = !Arc::ptr_eq(&self.book, &book);
        self.book = book;
        new
    }

    /// Adds a fact. False when it was known.
    pub fn add(&mut self, tenant: &str, object: &ObjectRef, fact: Fact) -> bool {
        self.tenant(tenant).graph.add(object, fact)
    }

    /// Adds a stored event.
    pub fn add_entry(&mut self, tenant: &str, entry: &Entry) -> bool {
        self.add(tenant, &entry.event.object, Fact::of(&entry.event, entry.received_at))
    }

    /// Notes an open exception as the store has it.
    pub fn note_exception(&mut self, tenant: &str, id: &str, root: Option<&ObjectRef>, mark: u64) {
        self.tenant(tenant).raised.remember(id, root.map_or(ABOVE, hash_of), mark);
    }

    /// Notes a row of readiness or reconciliation as the store has it.
    pub fn note_ledger(&mut self, known: Mark) {
        if let Some(root) = ObjectRef::parse(&known.root) {
            self.tenant(&known.tenant).ledger.recall(root, known.name, known.mark);
        }
    }

    /// Notes an object that is in the store only.
    pub fn note_stored(&mut self, tenant: &str, object: &ObjectRef) {
        self.tenant(tenant).stored.insert(hash_of(object));
    }

    /// Those of `objects` that must be read from the store before anything is added to them.
    pub fn missing(&mut self, tenant: &str, objects: impl Iterator<Item = ObjectRef>) -> Vec<ObjectRef> {
        let stored = &self.tenant(tenant).stored;
        if stored.is_empty() {
            return Vec::new();
        }
        objects.filter(|o| stored.contains(&hash_of(o))).collect()
    }

    /// Notes an object that was read from the store again.
    pub fn resident(&mut self, tenant: &str, object: &ObjectRef) {
        let tenant = self.tenant(tenant);
        tenant.stored.remove(&hash_of(object));
        tenant.graph.adopt(object);
    }

    /// What the store has of a clock.
    pub fn recall(&mut self, row: StoredSla) {
        let name = row.tenant.clone();
        self.tenant(&name).written.recall(row);
    }

    /// Lets closed workflows go until at most `limit` objects are in memory. What is open stays in any case.
    pub fn evict(&mut self, limit: usize) {
        for (name, tenant) in &mut self.tenants {
            let definitions = self.book.of(name);
            while tenant.graph.len() > limit {
                let Some(root) = tenant.closed.pop_front() else { break };
                if tenant.is_closed.remove(&root) {
                    tenant.evict(definitions, &root);
                }
            }
        }
    }

    /// New snapshots of everything that the touched objects change.
    pub fn refresh(&mut self, name: &str, touched: &Touched, as_of: DateTime<Utc>) -> Changes {
        let version = self.next_version(as_of);
        let definitions = Arc::clone(self.book.of(name));
        let expected = self.outlook.of(name);
        let tenant = self.tenant(name);
        // What these say, and what changed by itself, changes workflows; of others only the object changes: an order on
        // a load of hundreds does not touch the other orders.
        let graph = &mut tenant.graph;
        let parted = graph.take_disturbed();
        let shown = |graph: &Graph, o: &ObjectRef| graph.get(o).map_or_else(|| o.clone(), |known| known.name());
        let driving: Objects = touched.spoken.iter().chain(&parted).map(|o| shown(graph, o)).collect();
        let mut affected: Objects = touched.named.iter().map(|o| shown(graph, o)).collect();
        for object in &driving {
            affected.extend(graph.below(&definitions, object));
        }
        affected.extend(parted.iter().cloned());
        let changed: Objects = driving.iter().cloned().chain(parted).collect();
        let mut roots: BTreeSet<ObjectRef> = BTreeSet::new();
        let mut changes = Changes::default();
        for object in affected {
            let standing = tenant.graph.standing(&definitions, &object);
            if definitions.of_root(&object.kind).is_some() {
                roots.insert(object.clone());
            }
            if object.kind == "item" {
                roots.extend(tenant.by_item.get(&object.id).into_iter().flatten().cloned());
            }
            if let (Standing::Joined(above), true) = (&standing, driving.contains(&object)) {
                roots.extend(above.iter().cloned());
            }
            if shown(&tenant.graph, &object) != object {
                // Another name of an object: its row comes with that.
                roots.insert(object);
                continue;
            }
            let Some(row) = snapshot::object_row(name, &tenant.graph, &object, &standing, version) else { continue };
            let aliases = snapshot::alias_rows(&row, &tenant.graph, &object);
            let mark = mark_of(&row);
            if !tenant.graph.remark(&object, mark) && !changed.contains(&object) {
                continue;
            }
            for alias in &aliases {
                let alias_name = ObjectRef::new(&*alias.object_type, &*alias.object_id);
                if let Some(definition) = definitions.of_root(&alias.object_type)
                    && tenant.graph.spoke(&alias_name)
                {
                    tenant.raised.merged(hash_of(&alias_name), as_of);
                    changes.workflows.push(snapshot::merged_row(name, definition, &alias_name, alias));
                }
            }
            changes.objects.push(row);
            changes.objects.extend(aliases);
        }
        let turn = Turn { tenant: name, definitions: &definitions, as_of, version, missed: true, expected };
        // One object that hundreds of workflows hang on must not hold up everything else: a crowd comes with the clocks.
        let mut roots = roots.into_iter();
        roots.by_ref().take(AT_ONCE).for_each(|root| tenant.derive(&turn, &root, &mut changes));
        roots.for_each(|root| tenant.clocks.set(&root, Some(as_of)));
        if tenant.watched.iter().any(|w| touched.spoken.contains(&w.exception.object)) {
            tenant.look_above(name, &definitions, as_of, version);
        }
        (changes.exceptions, changes.gone) = tenant.raised.take();
        changes
    }

    /// Takes up what was found above workflows.
    pub fn watch(&mut self, name: &str, found: Vec<Watched>, as_of: DateTime<Utc>) -> Changes {
        let version = self.next_version(as_of);
        let definitions = Arc::clone(self.book.of(name));
        let tenant = self.tenant(name);
        tenant.watched = found;
        tenant.look_above(name, &definitions, as_of, version);
        let (exceptions, gone) = tenant.raised.take();
        Changes { exceptions, gone, ..Changes::default() }
    }

    /// New snapshots of the workflows whose clocks have run out by now.
    pub fn tick(&mut self, now: DateTime<Utc>, limit: usize) -> Vec<(String, Changes)> {
        let version = self.next_version(now);
        let mut all = Vec::new();
        for (name, tenant) in &mut self.tenants {
            let definitions = self.book.of(name);
            let due = tenant.clocks.due(now, limit);
            if due.is_empty() {
                continue;
            }
            let turn =
                Turn { tenant: name, definitions, as_of: now, version, missed: true, expected: self.outlook.of(name) };
            let mut changes = Changes::default();
            due.iter().for_each(|root| tenant.derive(&turn, root, &mut changes));
            (changes.exceptions, changes.gone) = tenant.raised.take();
            all.push((name.clone(), changes));
        }
        all
    }

    /// Everything in memory is to be derived anew with the next ticks: after a start, so that what fell due meanwhile is
    /// seen. A part at a time, so that a million workflows neither fill memory nor hold up what comes in.
    pub fn wake_all(&mut self, now: DateTime<Utc>) {
        for (name, tenant) in &mut self.tenants {
            for definition in self.book.of(name).iter() {
                tenant.graph.all_roots(definition).iter().for_each(|root| tenant.clocks.set(root, Some(now)));
            }
        }
    }

    /// By tenant the roots of all workflows in memory.
    pub fn all_roots(&self) -> Vec<(String, Vec<ObjectRef>)> {
        let roots = |(name, tenant): (&String, &Tenant)| {
            (name.clone(), self.book.of(name).iter().flat_map(|d| tenant.graph.all_roots(d)).collect())
        };
        self.tenants.iter().map(roots).collect()
    }

    /// Derives workflows anew when the rules are others: a breach that is seen so was not missed.
    pub fn judge(&mut self, name: &str, roots: &[ObjectRef], now: DateTime<Utc>) -> Changes {
        let version = self.next_version(now);
        let definitions = Arc::clone(self.book.of(name));
        let expected = self.outlook.of(name);
        let tenant = self.tenant(name);
        let turn = Turn { tenant: name, definitions: &definitions, as_of: now, version, missed: false, expected };
        let mut changes = Changes::default();
        roots.iter().for_each(|root| tenant.derive(&turn, root, &mut changes));
        (changes.exceptions, changes.gone) = tenant.raised.take();
        changes
    }

    /// When the next clock runs out.
    pub fn next_wake(&self) -> Option<DateTime<Utc>> {
        self.tenants.values().filter_map(|t| t.clocks.next()).min()
    }

    pub fn objects(&self) -> usize {
        self.tenants.values().map(|t| t.graph.len()).sum()
    }

    pub fn clocks(&self) -> usize {
        self.tenants.values().map(|t| t.clocks.len()).sum()
    }

    /// Versions only ever grow, also when the clock is set back.
    fn next_version(&mut self, now: DateTime<Utc>) -> u64 {
        let by_clock = u64::try_from(now.timestamp_micros()).unwrap_or(0);
        self.version = by_clock.max(self.version + 1);
        self.version
    }

    fn tenant(&mut self, name: &str) -> &mut Tenant {
        if !self.tenants.contains_key(name) {
            self.tenants.insert(name.to_owned(), Tenant::default());
        }
        self.tenants.get_mut(name).expect("inserted above")
    }
}

impl Tenant {
    fn derive(&mut self, turn: &Turn<'_>, root: &ObjectRef, changes: &mut Changes) {
        let Turn { tenant, definitions, as_of, version, .. } = turn;
        let (as_of, version) = (*as_of, *version);
        let definition = definition_of(definitions, &self.graph, root);
        let Some(mut workflow) = definition.and_then(|d| derive(d, &self.graph, root, as_of)) else {
            self.clocks.set(root, None);
            return;
        };
        if let Some(expected) = &turn.expected {
            forecast(&mut workflow, &expected.forecasts);
        }
        let settling = Settling { tenant, definitions, graph: &self.graph, as_of, version };
        let wake = self.raised.settle(&settling, &workflow);
        self.clocks.set(root, workflow.wakes_at.into_iter().chain(wake).min());
        for item in &workflow.items {
            if self.by_item.entry(item.clone()).or_default().insert(root.clone()) {
                self.items_of.entry(root.clone()).or_default().push(item.clone());
            }
        }
        if workflow.closed_at.is_none() {
            self.is_closed.remove(root);
        } else if self.is_closed.insert(root.clone()) {
            self.closed.push_back(root.clone());
        }
        let rows = self.written.rows(turn.tenant, &workflow, turn.version, turn.missed);
        changes.slas.extend(rows.slas);
        changes.paths.extend(rows.path);
        let (readiness, reconciliation) = self.ledger.settle(turn.tenant, &workflow, turn.version);
        changes.readiness.extend(readiness);
        changes.reconciliation.extend(reconciliation);
        changes.workflows.push(snapshot::workflow_row(turn.tenant, &workflow, turn.version));
    }

    fn look_above(&mut self, name: &str, definitions: &Definitions, as_of: DateTime<Utc>, version: u64) {
        let settling = Settling { tenant: name, definitions, graph: &self.graph, as_of, version };
        self.raised.watch(&settling, &self.watched);
    }

    /// Forgets a closed workflow, but for objects that an open one needs.
    fn evict(&mut self, definitions: &Definitions, root: &ObjectRef) {
        let Some(definition) = definitions.of_root(&root.kind) else { return };
        self.written.forget(root);
        self.ledger.forget(root);
        for item in self.items_of.remove(root).unwrap_or_default() {
            if let Some(roots) = self.by_item.get_mut(&item) {
                roots.remove(root);
                if roots.is_empty() {
                    self.by_item.remove(&item);
                }
            }
        }
        for (object, _) in self.graph.members(definition, root) {
            let names = self.graph.get(&object).map(|known| known.names()).unwrap_or_default();
            let needed = match self.graph.standing(definitions, &object) {
                Standing::Joined(roots) => roots.iter().any(|r| r != root && !self.is_closed.contains(r)),
                Standing::Alone => definitions.of_root(&object.kind).is_some(),
                Standing::Held(_) | Standing::SetAside(..) => true,
            };
            if !needed || object == *root {
                self.graph.evict(&object);
                self.raised.forget(hash_of(&object));
                self.stored.extend(names.iter().chain([&object]).map(hash_of));
            }
        }
    }
}

fn mark_of(row: &ObjectRow) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&row.state, row.events, row.held, &row.waits_for, &row.links, &row.workflows, &row.aliases).hash(&mut hasher);
    hasher.finish() | 1
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeSet;

    use chrono::TimeDelta;
    use milepost_ingest::Event;

    use super::*;
    use crate::domain::Files;

    fn book() -> Arc<Rulebook> {
        let read = |name: &str| {
            let path = format!("{}/definitions/{name}", env!("CARGO_MANIFEST_DIR"));
            (name.to_owned(), std::fs::read_to_string(path).unwrap())
        };
        let files: Files = ["order-to-cash.toml", "exceptions.toml", "calendars/berlin.toml", "calendars/chicago.toml"]
            .map(read)
            .into_iter()
            .collect();
        Arc::new(
            Rulebook::load(&files)
                .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())
                .unwrap(),
        )
    }

    fn created(id: &str, at: DateTime<Utc>) -> Entry {
        let data = serde_json::json!({"customer": "Nordwind"});
        let event = Event {
            id: format!("created-{id}"),
            kind: "order.created".into(),
            schema_version: 1,
            source: "erp/main".into(),
            system: "erp".into(),
            object: ObjectRef::new("order", id),
            refs: Vec::new(),
            occurred_at: at.fixed_offset(),
            trace: Default::default(),
            data: data.as_object().unwrap().clone(),
            index: 0,
        };
        Entry { event, received_at: at, payload: 0 }
    }

    #[test]
    fn a_crowd_of_late_orders_gives_each_of_them_its_exception() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let mut state = State::new(book(), 1);
        let mut touched = Touched::default();
        for n in 0..AT_ONCE + 500 {
            let entry = created(&format!("SO-{n}"), now - TimeDelta::days(4));
            touched.spoken.insert(entry.event.object.clone());
            state.add_entry("acme", &entry);
        }
        let mut changes = vec![("acme".to_owned(), state.refresh("acme", &touched, now))];
        changes.extend(state.tick(now + TimeDelta::milliseconds(5), usize::MAX));
        let rows = changes.iter().flat_map(|(_, changes)| &changes.exceptions);
        let late: BTreeSet<&str> = rows.filter(|row| row.kind == "sla_breached").map(|row| &*row.root_id).collect();
        assert_eq!(late.len(), AT_ONCE + 500);
    }
}
