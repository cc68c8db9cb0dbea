//! Which jobs go on in this process, and which job has which record: a record is in one of them at most, and a payload
//! that goes as a whole goes with all of its records.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::job::{self, Job};
use crate::store::replays::{ReplayItemRow, ReplayRow, WHOLE};

#[derive(Default)]
pub(super) struct Active {
    /// By tenant and id.
    pub jobs: BTreeMap<(String, String), Arc<Job>>,
    /// Of each payload of a tenant, which job has which record.
    claims: HashMap<(String, u64), Vec<(u32, String)>>,
}

impl Active {
    /// The job that goes on with this selection.
    pub fn same(&self, tenant: &str, selection: u64) -> Option<&Arc<Job>> {
        self.jobs.values().find(|job| {
            let row = job.row.lock();
            row.tenant == tenant && row.selection == selection && !is_at_end(&row)
        })
    }

    pub fn claim(&mut self, row: &ReplayRow, items: &[ReplayItemRow]) {
        for item in items.iter().filter(|item| item.body.is_empty()) {
            let of_payload = self.claims.entry((row.tenant.clone(), item.payload)).or_default();
            of_payload.push((item.record, row.id.clone()));
        }
    }

    /// Which job that goes on has this record, or the payload with it.
    pub fn claimed(&self, tenant: &str, payload: u64, record: u32) -> Option<&String> {
        let of_payload = self.claims.get(&(tenant.to_owned(), payload))?;
        let touches = |claimed: u32| claimed == record || claimed == WHOLE || record == WHOLE;
        // One that has said that it is at its end lets go of them in a moment.
        let goes_on = |id: &String| {
            let job = self.jobs.get(&(tenant.to_owned(), id.clone()));
            !job.is_some_and(|job| is_at_end(&job.row.lock()))
        };
        of_payload.iter().find(|(claimed, id)| touches(*claimed) && goes_on(id)).map(|(_, id)| id)
    }

    pub fn retire(&mut self, row: &ReplayRow) {
        self.claims.retain(|(tenant, _), of_payload| {
            if *tenant == row.tenant {
                of_payload.retain(|(_, id)| *id != row.id);
            }
            !of_payload.is_empty()
        });
        self.jobs.remove(&(row.tenant.clone(), row.id.clone()));
    }
}

fn is_at_end(row: &ReplayRow) -> bool {
    job::is_over(&row.state) && row.finished_ms > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_that_goes_as_a_whole_has_all_of_its_records_and_they_have_it() {
        let row = |id: &str| ReplayRow { tenant: "acme".into(), id: id.into(), ..ReplayRow::default() };
        let item = |payload, record| ReplayItemRow { payload, record, ..ReplayItemRow::default() };
        let mut active = Active::default();
        active.claim(&row("whole"), &[item(1, WHOLE)]);
        active.claim(&row("part"), &[item(2, 5)]);
        let has = |active: &Active, payload, record| active.claimed("acme", payload, record).cloned();
        assert_eq!(has(&active, 1, 0).as_deref(), Some("whole"), "a record of what goes as a whole");
        assert_eq!(has(&active, 2, WHOLE).as_deref(), Some("part"), "the whole of which a record goes");
        assert_eq!((has(&active, 2, 4), active.claimed("zenith", 1, 0)), (None, None));
        active.retire(&row("whole"));
        assert_eq!(has(&active, 1, 0), None);
    }
}
