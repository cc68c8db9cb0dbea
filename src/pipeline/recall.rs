//! Reads back what is in the store only, as far as it is needed: objects that are spoken of, and of the workflows that are judged
//! everything that they are made of. Of other workflows that share an object with these only the root, so that one
//! order does not bring back every order that ever travelled with one that travelled with it.

use std::collections::BTreeSet;

use milepost_ingest::ObjectRef;
use tokio::runtime::Handle;

use super::run::Pipeline;
use super::state::{Objects, State};
use crate::domain::stands_alone;
use crate::store::rows::ObjectRow;

/// Objects that one question to the store names.
const ASKED: usize = 1_000;

impl Pipeline {
    /// Brings back what is spoken of with its workflows, and what is only named. None when the shutdown came meanwhile.
    pub(super) fn bring_back(
        &self,
        runtime: &Handle,
        state: &mut State,
        tenant: &str,
        spoken: &Objects,
        named: &Objects,
    ) -> Option<()> {
        let mut roots = roots_of(&self.read_back(runtime, state, tenant, spoken.iter().cloned())?);
        let beside = self.read_back(runtime, state, tenant, named.iter().cloned())?;
        roots.extend(spoken.iter().chain(named).filter(|o| state.is_root(tenant, &o.kind)).cloned());
        self.make_whole(runtime, state, tenant, roots)?;
        self.read_back(runtime, state, tenant, roots_of(&beside).into_iter())?;
        Some(())
    }

    /// Reads everything that these workflows are made of.
    pub(super) fn make_whole(
        &self,
        runtime: &Handle,
        state: &mut State,
        tenant: &str,
        roots: BTreeSet<ObjectRef>,
    ) -> Option<()> {
        let wanted = state.lacking(tenant, roots.into_iter());
        for roots in wanted.chunks(ASKED) {
            let members = self.retry(runtime, "read members", || self.store.members(tenant, roots))?;
            let members = members.into_iter().chain(roots.iter().cloned());
            let rows = self.read_back(runtime, state, tenant, members)?;
            self.read_back(runtime, state, tenant, roots_of(&rows).into_iter())?;
            for row in self.retry(runtime, "read clocks", || self.store.stored_slas(tenant, roots))? {
                state.recall(row);
            }
            for mark in self.retry(runtime, "read marks", || self.store.marks_of(tenant, roots))? {
                state.note_mark(mark);
            }
            roots.iter().for_each(|root| state.whole(tenant, root));
        }
        Some(())
    }

    /// Reads what was said about objects, under all of their names; of held ones also about those that hang together
    /// with them, and of those that were only named about who names them. Gives what they were last seen as.
    pub(super) fn read_back(
        &self,
        runtime: &Handle,
        state: &mut State,
        tenant: &str,
        objects: impl Iterator<Item = ObjectRef>,
    ) -> Option<Vec<ObjectRow>> {
        let mut rows: Vec<ObjectRow> = Vec::new();
        let mut wanted = state.missing(tenant, objects.collect::<BTreeSet<_>>().into_iter());
        while !wanted.is_empty() {
            let mut near: BTreeSet<ObjectRef> = BTreeSet::new();
            for objects in wanted.chunks(ASKED) {
                let found = self.retry(runtime, "read objects", || self.store.recall_objects(tenant, objects))?;
                let described: BTreeSet<(&str, &str)> =
                    found.iter().map(|row| (row.object_type.as_str(), row.object_id.as_str())).collect();
                let only_named = |o: &&ObjectRef| !described.contains(&(&*o.kind, &*o.id)) && !stands_alone(&o.kind);
                let only_named: Vec<ObjectRef> = objects.iter().filter(only_named).cloned().collect();
                if !only_named.is_empty() {
                    near.extend(self.retry(runtime, "read objects", || self.store.namers(tenant, &only_named))?);
                }
                for row in self.retry(runtime, "read events", || self.store.recall_events(tenant, objects))? {
                    if let Some(entry) = row.into_entry() {
                        state.recall_entry(tenant, entry);
                    }
                }
                for row in &found {
                    near.extend(other_names(row));
                    if row.held {
                        near.extend(row.links.iter().filter_map(|o| ObjectRef::parse(o)));
                    }
                }
                rows.extend(found);
                objects.iter().for_each(|object| state.resident(tenant, object));
            }
            wanted = state.missing(tenant, near.into_iter());
        }
        Some(rows)
    }
}

fn roots_of(rows: &[ObjectRow]) -> BTreeSet<ObjectRef> {
    rows.iter().flat_map(|row| &row.workflows).filter_map(|o| ObjectRef::parse(o)).collect()
}

/// What else an object is known as: the one that it is shown under, and its other numbers. An alias is told apart by what
/// stands before the colon.
fn other_names(row: &ObjectRow) -> Vec<ObjectRef> {
    let numbers = row.aliases.iter().flat_map(|a| [Some(a.as_str()), a.split_once(':').map(|(_, id)| id)]);
    let numbers = numbers.flatten().map(|id| ObjectRef::new(&*row.object_type, id));
    numbers.chain(ObjectRef::parse(&row.same_as)).collect()
}
