//! What stands around a failed record: neighbours of its group, attempts of the same message, whether it was taken since,
//! its objects, and a good one to compare with.

use milepost_ingest::ObjectRef;

use super::MAX_ATTEMPTS;
use crate::domain::failures::Rules;
use crate::pages::desk::Desk;
use crate::pages::problem::Trouble;
use crate::pages::visit::Visit;
use crate::store::rows::{FailureRow, ObjectRow, PayloadRow};
use crate::store::{Neighbour, TakenAs};

/// A good payload to compare with may be so old.
const GOOD_BACK_MS: i64 = 30 * 86_400_000;

#[derive(Default)]
pub struct Around {
    pub neighbours: Vec<Neighbour>,
    pub attempts: Vec<FailureRow>,
    pub taken: Option<TakenAs>,
    pub objects: Vec<ObjectRow>,
    pub good: Option<(TakenAs, PayloadRow)>,
}

impl Around {
    pub async fn of(desk: &Desk, tenant: &str, failure: Option<&FailureRow>, visit: &Visit) -> Result<Self, Trouble> {
        let Some(failure) = failure else { return Ok(Self::default()) };
        let rules: Rules = desk.store.failure_rules(tenant).await?;
        // Which part of a split group it is in does not matter for who stands beside it.
        let group = rules.home(failure.fingerprint);
        let named = !failure.event_id.is_empty();
        let objects: Vec<ObjectRef> = (!failure.object_id.is_empty())
            .then(|| ObjectRef::new(&failure.object_type, &failure.object_id))
            .into_iter()
            .collect();
        let (neighbours, attempts, taken, objects) = tokio::try_join!(
            desk.store.failure_neighbours(tenant, group, &rules, failure.payload, failure.index),
            async {
                match named {
                    true => {
                        desk.store
                            .failure_attempts(tenant, &failure.source, &failure.event_id, MAX_ATTEMPTS as u64)
                            .await
                    }
                    false => Ok(Vec::new()),
                }
            },
            async {
                match named {
                    true => desk.store.taken_as(tenant, &failure.source, &failure.event_id).await,
                    false => Ok(None),
                }
            },
            desk.store.objects(tenant, &objects),
        )?;
        // A message of middleware is an event itself; that it was taken heals nothing.
        let taken = taken.filter(|at| at.payload != failure.payload || at.index != failure.index);
        let mut good = None;
        if visit.query.get("view") == Some("diff") && !failure.event_type.is_empty() {
            let since = visit.clock.now_ms - GOOD_BACK_MS;
            let found =
                desk.store.last_good(tenant, &failure.event_type, &failure.source, failure.payload, since).await?;
            if let Some(at) = found {
                good = desk.store.payload(tenant, at.payload).await?.map(|row| (at, row));
            }
        }
        Ok(Self { neighbours, attempts, taken, objects, good })
    }
}
