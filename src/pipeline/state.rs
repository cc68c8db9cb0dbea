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
use super::residence::Residence;
use super::slas::Written;
use super::snapshot;
use crate::domain::{Definitions, Entry, Fact, Graph, Rulebook, Standing, definition_of, derive, forecast};
use crate::store::rows::{ExceptionRow, ObjectRow, PathRow, ReadinessRow, ReconciliationRow, SlaRow, WorkflowRow};
use crate::store::{Mark, StoredName, StoredSla, StoredWorkflow};

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
    residence: Residence,
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

/// Why workflows are derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Something was said about them.
    Word,
    /// Their time has come.
    Due,
    /// What was written of them may have been judged otherwise, by other rules or by an older version; only what they
    /// now say otherwise is written.
    Doubt,
    /// The same by rules that changed just now: a breach that is seen so was not missed.
    Rules,
}

/// As what and when workflows are derived.
struct Turn<'a> {
    tenant: &'a str,
    definitions: &'a Definitions,
    as_of: DateTime<Utc>,
    version: u64,
    cause: Cause,
    expected: Option<Arc<Expected>>,
}

/// What a batch changes: objects that something was said about, and all whose standing that may change.
pub struct Reach {
    driving: Objects,
    parted: Vec<ObjectRef>,
    affected: Objects,
}

/// A part of what the store has of everything open.
pub enum Memory {
    Clocks(Vec<StoredSla>),
    Marks(Vec<Mark>),
    /// Of one tenant.
    Facts(Arc<str>, Vec<(ObjectRef, Fact)>),
    /// That was all.
    Whole,
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

    /// Takes in a stored event that was known before: it is no news.
    pub fn recall_entry(&mut self, tenant: &str, entry: Entry) {
        let fact = Fact::of(&entry.event, entry.received_at);
        self.tenant(tenant).graph.remember(|graph| {
            graph.add(&entry.event.object, fact);
        });
    }

    /// Notes an object that is in the store only.
    pub fn note_stored(&mut self, found: StoredName<'_>) {
        self.tenant(found.tenant).residence.note_stored(found.name);
    }

    /// Notes a workflow that is in the store only, and sets its clock.
    pub fn note_workflow(&mut self, found: &StoredWorkflow) {
        let root = ObjectRef::new(&*found.root_type, &*found.root_id);
        let tenant = self.tenant(&found.tenant);
        tenant.clocks.set(&root, found.wakes_ms.and_then(DateTime::from_timestamp_millis));
        tenant.written.recall_flow(&root, found.mark);
    }

    /// Takes up what was last written of an exception, an item to bill or a discrepancy.
    pub fn note_mark(&mut self, found: Mark) {
        let root = ObjectRef::parse(&found.root);
        let tenant = self.tenant(&found.tenant);
        match (found.what.as_str(), root) {
            (what @ ("exception" | "closed"), root) => {
                let root = root.map_or(ABOVE, |root| hash_of(&root));
                tenant.raised.remember(&found.name, root, found.mark, what == "exception");
            }
            (_, Some(root)) => tenant.ledger.recall(root, found.name, found.mark),
            (_, None) => {}
        }
    }

    /// Takes up a part of what is open, but for what came back meanwhile: of that, more is known.
    pub fn remember(&mut self, part: Memory) {
        match part {
            Memory::Clocks(rows) => {
                for row in rows {
                    let root = ObjectRef::new(&*row.root_type, &*row.root_id);
                    if !self.tenant(&row.tenant).residence.is_whole(&root) {
                        self.recall(row);
                    }
                }
            }
            Memory::Marks(rows) => {
                for row in rows {
                    let Some(root) = ObjectRef::parse(&row.root) else { continue };
                    if !self.tenant(&row.tenant).residence.is_whole(&root) {
                        self.note_mark(row);
                    }
                }
            }
            Memory::Facts(name, facts) => {
                let Tenant { graph, residence, .. } = self.tenant(&name);
                // Nothing is told of an object before all of its facts came.
                graph.remember(|graph| {
                    for (object, fact) in facts {
                        if residence.awaits(&object) {
                            graph.add(&object, fact);
                        }
                    }
                });
            }
            Memory::Whole => {
                for Tenant { graph, residence, .. } in self.tenants.values_mut() {
                    residence.all_came(graph.told_names());
                }
            }
        }
    }

    /// Those of `objects` that must be read from the store before anything is added to them.
    pub fn missing(&mut self, tenant: &str, objects: impl Iterator<Item = ObjectRef>) -> Vec<ObjectRef> {
        let residence = &self.tenant(tenant).residence;
        objects.filter(|object| residence.is_away(object)).collect()
    }

    /// Notes an object that was read from the store again.
    pub fn resident(&mut self, tenant: &str, object: &ObjectRef) {
        let is_root = self.is_root(tenant, &object.kind);
        let tenant = self.tenant(tenant);
        tenant.residence.arrive(object, is_root);
        tenant.graph.adopt(object);
    }

    /// Those of `roots` of which something may be in the store only.
    pub fn lacking(&mut self, tenant: &str, roots: impl Iterator<Item = ObjectRef>) -> Vec<ObjectRef> {
        let residence = &self.tenant(tenant).residence;
        roots.filter(|root| !residence.is_whole(root)).collect()
    }

    /// Notes that everything of a workflow is in memory.
    pub fn whole(&mut self, tenant: &str, root: &ObjectRef) {
        self.tenant(tenant).residence.complete(root);
    }

    /// Whether workflows may hang from objects of a type.
    pub fn is_root(&self, tenant: &str, kind: &str) -> bool {
        self.book.of(tenant).of_root(kind).is_some()
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
                if let Some(guest) = tenant.residence.guest() {
                    tenant.let_go(&guest);
                    continue;
                }
                let Some(root) = tenant.closed.pop_front() else { break };
                if tenant.is_closed.remove(&root) {
                    tenant.evict(definitions, &root);
                }
            }
        }
    }

    /// What a batch may change.
    pub fn reach(&mut self, name: &str, touched: &Touched) -> Reach {
        let graph = &mut self.tenant(name).graph;
        let parted = graph.take_disturbed();
        let shown = |o: &ObjectRef| graph.get(o).map_or_else(|| o.clone(), |known| known.name());
        let driving: Objects = touched.spoken.iter().chain(&parted).map(shown).collect();
        let affected = touched.named.iter().map(shown).chain(parted.iter().cloned()).collect();
        let mut reach = Reach { driving, parted, affected };
        self.widen(name, &mut reach);
        reach
    }

    /// Goes over it again, when more of it is in memory.
    pub fn widen(&mut self, name: &str, reach: &mut Reach) {
        let definitions = Arc::clone(self.book.of(name));
        let graph = &self.tenant(name).graph;
        for object in &reach.driving {
            reach.affected.extend(graph.below(&definitions, object));
        }
    }

    /// Those of what a batch may change that are in the store only.
    pub fn missing_of(&mut self, tenant: &str, reach: &Reach) -> Objects {
        self.missing(tenant, reach.affected.iter().cloned()).into_iter().collect()
    }

    /// New snapshots of everything that a batch changes.
    pub fn refresh(&mut self, name: &str, reach: Reach, as_of: DateTime<Utc>) -> Changes {
        let version = self.next_version(as_of);
        let definitions = Arc::clone(self.book.of(name));
        let expected = self.outlook.of(name);
        let tenant = self.tenant(name);
        let shown = |graph: &Graph, o: &ObjectRef| graph.get(o).map_or_else(|| o.clone(), |known| known.name());
        // What these say, and what changed by itself, changes workflows; of others only the object changes: an order on
        // a load of hundreds does not touch the other orders.
        let Reach { driving, parted, affected } = reach;
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
        let turn = Turn { tenant: name, definitions: &definitions, as_of, version, cause: Cause::Word, expected };
        // One object that hundreds of workflows hang on must not hold up everything else: a crowd comes with the clocks.
        // So do those of which something must be read first.
        let (now, later): (Vec<ObjectRef>, Vec<ObjectRef>) =
            roots.into_iter().partition(|root| tenant.residence.is_whole(root));
        let mut now = now.into_iter();
        now.by_ref().take(AT_ONCE).for_each(|root| tenant.derive(&turn, &root, &mut changes));
        now.chain(later).for_each(|root| tenant.clocks.set(&root, Some(as_of)));
        if tenant.watched.iter().any(|w| driving.contains(&w.exception.object)) {
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

    /// By tenant the workflows whose clocks have run out by now.
    pub fn due(&self, now: DateTime<Utc>, limit: usize) -> Vec<(String, Vec<ObjectRef>)> {
        let due = self.tenants.iter().map(|(name, tenant)| (name.clone(), tenant.clocks.due(now, limit)));
        due.filter(|(_, roots)| !roots.is_empty()).collect()
    }

    /// By tenant the roots of all workflows that are whole in memory.
    pub fn all_roots(&self) -> Vec<(String, Vec<ObjectRef>)> {
        let roots = |(name, tenant): (&String, &Tenant)| {
            let roots = self.book.of(name).iter().flat_map(|d| tenant.graph.all_roots(d));
            (name.clone(), roots.filter(|root| tenant.residence.is_whole(root)).collect())
        };
        self.tenants.iter().map(roots).collect()
    }

    /// New snapshots of workflows that are whole in memory.
    pub fn judge(&mut self, name: &str, roots: &[ObjectRef], now: DateTime<Utc>, cause: Cause) -> Changes {
        let version = self.next_version(now);
        let definitions = Arc::clone(self.book.of(name));
        let expected = self.outlook.of(name);
        let tenant = self.tenant(name);
        let turn = Turn { tenant: name, definitions: &definitions, as_of: now, version, cause, expected };
        let mut changes = Changes::default();
        let whole = roots.iter().filter(|root| tenant.residence.is_whole(root)).collect::<Vec<_>>();
        whole.into_iter().for_each(|root| tenant.derive(&turn, root, &mut changes));
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
        let wakes_at = workflow.wakes_at.into_iter().chain(wake).min();
        self.clocks.set(root, wakes_at);
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
        let rows = self.written.rows(turn.tenant, &workflow, turn.version, turn.cause != Cause::Rules);
        changes.slas.extend(rows.slas);
        let (readiness, reconciliation) = self.ledger.settle(turn.tenant, &workflow, turn.version);
        changes.readiness.extend(readiness);
        changes.reconciliation.extend(reconciliation);
        let mut row = snapshot::workflow_row(turn.tenant, &workflow, turn.version);
        row.wakes_ms = wakes_at.map(|at| at.timestamp_millis());
        row.mark = snapshot::mark_of(&row, rows.path_mark);
        let is_told = self.written.has_flow(root, row.mark);
        if !is_told || matches!(turn.cause, Cause::Word | Cause::Due) {
            changes.workflows.push(row);
            changes.paths.extend(rows.path);
        }
    }

    /// Forgets an object that is safe in the store.
    fn let_go(&mut self, object: &ObjectRef) {
        let names = self.graph.get(object).map(|known| known.names()).unwrap_or_default();
        self.graph.evict(object);
        names.iter().chain([object]).for_each(|name| self.residence.note_stored(hash_of(name)));
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
            let needed = match self.graph.standing(definitions, &object) {
                Standing::Joined(roots) => roots.iter().any(|r| r != root && !self.is_closed.contains(r)),
                Standing::Alone => definitions.of_root(&object.kind).is_some(),
                Standing::Held(_) | Standing::SetAside(..) => true,
            };
            if !needed || object == *root {
                self.let_go(&object);
                self.raised.forget(hash_of(&object));
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
    use crate::domain::watch::{Waiting, held_too_long};

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
    fn what_was_held_too_long_closes_by_the_event_that_brought_its_link() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let mut state = State::new(book(), 1);
        let hear = |state: &mut State, entry: &Entry| {
            state.add("acme", &entry.event.object, Fact::of(&entry.event, entry.received_at));
        };
        let (shipment, order) = (ObjectRef::new("shipment", "SH-1"), ObjectRef::new("order", "SO-9"));
        let mut shipped = created("SO-9", now - TimeDelta::hours(30));
        shipped.event.id = "shipped-SH-1".into();
        shipped.event.kind = "shipment.shipped".into();
        (shipped.event.source, shipped.event.system) = ("wms/east".into(), "wms".into());
        (shipped.event.object, shipped.event.refs) = (shipment.clone(), vec![order]);
        hear(&mut state, &shipped);
        let waiting = Waiting { waits_for: "order", objects: 1, oldest: shipment.clone(), since: shipped.received_at };
        let exception = held_too_long(&waiting, now).unwrap();
        let held = || vec![Watched { waits: Some(shipment.clone()), ..Watched::new(exception.clone()) }];
        assert_eq!(state.watch("acme", held(), now).exceptions.len(), 1);
        let later = now + TimeDelta::minutes(10);
        assert!(state.watch("acme", held(), later).gone.is_empty(), "it still waits");

        hear(&mut state, &created("SO-9", later + TimeDelta::seconds(2)));
        let gone = state.watch("acme", Vec::new(), later + TimeDelta::seconds(5)).gone;
        let [gone] = &gone[..] else { panic!("{gone:?}") };
        assert_eq!((gone.by.as_str(), gone.kind.as_str()), ("erp/main created-SO-9", "order.created"));
        assert_eq!((&gone.id, gone.at_ms), (&exception.id, (later + TimeDelta::seconds(2)).timestamp_millis()));
    }

    #[test]
    fn a_crowd_of_late_orders_gives_each_of_them_its_exception() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let mut state = State::new(book(), 1);
        let mut touched = Touched::default();
        for n in 0..AT_ONCE + 500 {
            let entry = created(&format!("SO-{n}"), now - TimeDelta::days(4));
            touched.spoken.insert(entry.event.object.clone());
            state.add("acme", &entry.event.object, Fact::of(&entry.event, entry.received_at));
        }
        let reach = state.reach("acme", &touched);
        let mut changes = vec![state.refresh("acme", reach, now)];
        let later = now + TimeDelta::milliseconds(5);
        for (tenant, roots) in state.due(later, usize::MAX) {
            changes.push(state.judge(&tenant, &roots, later, Cause::Due));
        }
        let rows = changes.iter().flat_map(|changes| &changes.exceptions);
        let late: BTreeSet<&str> = rows.filter(|row| row.kind == "sla_breached").map(|row| &*row.root_id).collect();
        assert_eq!(late.len(), AT_ONCE + 500);
    }
}
