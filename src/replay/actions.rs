//! Actions on a workflow: which are offered, and asking for one. A call goes out as a job of one item, so it has the
//! retries, the breaker, the address checks and the proof of every replay.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use serde::Serialize;
use serde_json::json;
use twox_hash::XxHash64;

use super::error::ReplayError;
use super::job::{self, Job, Options, item, version};
use super::jobs::{Replays, Started};
use crate::domain::actions::{Action, Call};
use crate::domain::{Workflow, assemble};
use crate::pipeline::By;
use crate::store::StoreError;
use crate::store::replays::{ReplayItemRow, ReplayRow, WHOLE};
use crate::store::rows::EventRow;

/// Actions that a workflow offers; a load of a thousand shipments offers no thousand buttons.
const OFFERED: usize = 50;

/// An action that may be asked for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    pub name: String,
    pub title: String,
    pub object: ObjectRef,
    pub target: String,
    /// The target in words.
    pub to: String,
    pub confirm: String,
}

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    pub root: &'a ObjectRef,
    pub name: &'a str,
    /// Which of several objects; None where only one is offered it.
    pub object: Option<&'a ObjectRef>,
    pub reason: &'a str,
    /// The same wish again is the same call.
    pub once: &'a str,
}

impl Replays {
    /// A workflow as it stands, with the types of events that were seen in it.
    async fn workflow(
        &self,
        tenant: &str,
        root: &ObjectRef,
    ) -> Result<Option<(Workflow, BTreeSet<String>)>, StoreError> {
        let Some(row) = self.store.workflow(tenant, root).await? else { return Ok(None) };
        let members: Vec<ObjectRef> = row.members.iter().filter_map(|name| ObjectRef::parse(name)).collect();
        let events = self.store.events_of(tenant, &members).await?;
        let kinds = events.iter().map(|event| event.event_type.clone()).collect();
        let entries = events.into_iter().filter_map(EventRow::into_entry);
        Ok(assemble(&self.shelf.of(tenant), root, entries, Utc::now()).map(|workflow| (workflow, kinds)))
    }

    /// What may be asked for, where there is such a workflow.
    pub async fn offers(&self, tenant: &str, root: &ObjectRef) -> Result<Option<Vec<Offer>>, StoreError> {
        let found = self.workflow(tenant, root).await?;
        Ok(found.map(|(workflow, events)| self.offers_of(tenant, &workflow, &events)))
    }

    /// Actions whose condition holds and whose target this tenant may use.
    pub fn offers_of(&self, tenant: &str, workflow: &Workflow, events: &BTreeSet<String>) -> Vec<Offer> {
        let (definitions, now) = (self.shelf.of(tenant), Utc::now());
        let mut offers = Vec::new();
        for action in &definitions.actions {
            let Some(target) = self.targets.get(tenant, &action.target) else { continue };
            let offer = |object: ObjectRef| Offer {
                name: action.key.clone(),
                title: action.title.clone(),
                object,
                target: target.key.clone(),
                to: target.title.clone(),
                confirm: action.confirm.clone(),
            };
            offers.extend(action.offered(workflow, events, now).into_iter().map(offer));
        }
        offers.truncate(OFFERED);
        offers
    }

    /// Sends what was asked for, once.
    pub async fn ask(&self, by: &By, wish: Wish<'_>) -> Result<Started, ReplayError> {
        let tenant = by.tenant.as_str();
        if wish.reason.trim().is_empty() {
            return Err(ReplayError::NoReason);
        }
        let selection = identity(tenant, &wish);
        if let Some(row) = self.store.action_made(tenant, selection).await? {
            return Ok(Started { row, again: true });
        }
        let unknown = || ReplayError::NoWorkflow(wish.root.to_string());
        let (workflow, events) = self.workflow(tenant, wish.root).await?.ok_or_else(unknown)?;
        let definitions = self.shelf.of(tenant);
        let action = definitions.actions.iter().find(|action| action.key == wish.name);
        let action = action.ok_or_else(|| ReplayError::NoAction(wish.name.to_owned()))?;
        let target = self.targets.get(tenant, &action.target);
        let target = target.ok_or_else(|| ReplayError::NoTarget(action.target.clone()))?;
        let now = Utc::now();
        let offered = action.offered(&workflow, &events, now);
        let not_now = || ReplayError::NotOffered(wish.name.to_owned());
        let object = match (wish.object, offered.as_slice()) {
            (Some(object), all) => all.iter().find(|one| *one == object).ok_or_else(not_now)?,
            (None, [only]) => only,
            (None, []) => return Err(not_now()),
            (None, _) => return Err(ReplayError::WhichObject(wish.name.to_owned())),
        };
        let job = Arc::new(self.call(by, action, &workflow, object, &wish, selection, now));
        if let Some(same) = self.enter(&job) {
            return Ok(Started { row: same.stamp(), again: true });
        }
        let stamped = job.stamp();
        let kept = async {
            // Asked for between the look above and now, and at its end already.
            if let Some(row) = self.store.action_made(tenant, selection).await? {
                return Ok(Some(row));
            }
            let items = job.items.lock().rows().to_vec();
            self.store.write_replay_items(&items).await?;
            self.store.write_replay(&stamped).await?;
            Ok::<_, StoreError>(None)
        };
        match kept.await {
            Ok(None) => {}
            Ok(Some(row)) => {
                self.retire(&job);
                return Ok(Started { row, again: true });
            }
            Err(error) => {
                self.retire(&job);
                return Err(error.into());
            }
        }
        let data = [
            ("action", json!(action.key)),
            ("title", json!(action.title)),
            ("target", json!(target.key)),
            ("reason", json!(stamped.reason)),
            ("replay", json!(stamped.id)),
        ];
        self.note_on(by, "action.started", object.clone(), data).await;
        self.launch(job);
        Ok(Started { row: stamped, again: false })
    }

    #[expect(clippy::too_many_arguments, reason = "all that a call is made of")]
    fn call(
        &self,
        by: &By,
        action: &Action,
        workflow: &Workflow,
        object: &ObjectRef,
        wish: &Wish<'_>,
        selection: u64,
        now: DateTime<Utc>,
    ) -> Job {
        let now_ms = now.timestamp_millis();
        let id = format!("{now_ms:012x}{:04x}", rand::random::<u16>());
        let call = Call { by: &by.source, reason: wish.reason.trim(), id: &id, at: now };
        let body = action.body(workflow, object, &call).to_string();
        let options = Options { about: wish.root.to_string(), ..Options::default() };
        let version = version();
        let row = ReplayRow {
            tenant: by.tenant.clone(),
            id: id.clone(),
            kind: "action".to_owned(),
            state: job::RUNNING.to_owned(),
            through: format!("target:{}", action.target),
            reason: wish.reason.trim().to_owned(),
            by: by.source.clone(),
            words: format!("{}: {} {}", action.title, object.kind.replace('_', " "), object.id),
            options: serde_json::to_string(&options).unwrap_or_default(),
            selection,
            count: 1,
            created_ms: now_ms,
            started_ms: now_ms,
            version,
            ..ReplayRow::default()
        };
        let item = ReplayItemRow {
            tenant: by.tenant.clone(),
            replay: id,
            record: WHOLE,
            object_type: object.kind.clone(),
            object_id: object.id.clone(),
            body,
            state: item::WAITING.to_owned(),
            version,
            ..ReplayItemRow::default()
        };
        Job::new(row, vec![item])
    }
}

fn identity(tenant: &str, wish: &Wish<'_>) -> u64 {
    let mut hasher = XxHash64::with_seed(0);
    (tenant, wish.root, wish.name, wish.object, wish.once).hash(&mut hasher);
    hasher.finish()
}
