//! Acts: what people, keys and rules do. An act is journalled like any event, so it survives whatever events survive,
//! and is its own audit trail; it answers when it can be seen.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::Utc;
use milepost_ingest::{ACTING_SYSTEM, Event, ObjectRef, TraceRef, write_acts};
use serde_json::{Map, Value};

use super::intake::Gate;
use super::{Arrival, Form, Pressure};

/// How long an act waits to be seen; while the store is away it is safe in the journal all the same.
const SEEN_LIMIT: Duration = Duration::from_secs(5);

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    pub tenant: String,
    /// `person/anna`, `key/1f2e…` or `rule/assign`.
    pub source: String,
    /// Id of the key, empty for a person at a page.
    pub key_id: String,
}

/// One thing done to one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// The same id again is the same act.
    pub id: String,
    /// `exception.acknowledged`: object and verb, past tense.
    pub kind: String,
    /// The business object that it concerns, or `failure_group`, `payload`, `replay`, `source`, `view`, `definition`.
    pub object: ObjectRef,
    pub refs: Vec<ObjectRef>,
    pub data: Map<String, Value>,
}

/// What became of acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acted {
    pub accepted: u32,
    /// Done before, under the same id and with the same words: nothing more to do.
    pub duplicates: u32,
    /// An id that was used before for something else; refused.
    pub conflicts: u32,
    /// In the store, and seen by pages. Else on disk, and seen as soon as the store is back.
    pub stored: bool,
}

/// What pages and API know of the pipeline.
pub trait Acts: Send + Sync + 'static {
    fn act<'a>(
        &'a self,
        by: &'a By,
        acts: Vec<Act>,
    ) -> Pin<Box<dyn Future<Output = Result<Acted, Pressure>> + Send + 'a>>;
}

impl Acts for Gate {
    fn act<'a>(
        &'a self,
        by: &'a By,
        acts: Vec<Act>,
    ) -> Pin<Box<dyn Future<Output = Result<Acted, Pressure>> + Send + 'a>> {
        Box::pin(self.take_acts(by, acts))
    }
}

impl Gate {
    async fn take_acts(&self, by: &By, acts: Vec<Act>) -> Result<Acted, Pressure> {
        let now = Utc::now().fixed_offset();
        let event = |(index, act): (usize, Act)| Event {
            id: act.id,
            kind: act.kind,
            schema_version: 1,
            source: by.source.clone(),
            system: ACTING_SYSTEM.to_owned(),
            object: act.object,
            refs: act.refs,
            occurred_at: now,
            trace: TraceRef::default(),
            data: act.data,
            index: u32::try_from(index).unwrap_or(u32::MAX),
        };
        let events: Vec<Event> = acts.into_iter().enumerate().map(event).collect();
        let arrival = Arrival {
            tenant: by.tenant.clone(),
            key_id: by.key_id.clone(),
            source: by.source.clone(),
            form: Form::Acts,
            headers: Vec::new(),
            body: write_acts(&events).into(),
            ruling: None,
        };
        let (taken, offset) = self.take_in(arrival).await?;
        self.hurry.store(true, Ordering::Release);
        let mut stored = self.stored.subscribe();
        let seen = tokio::time::timeout(SEEN_LIMIT, stored.wait_for(|next| *next > offset)).await;
        Ok(Acted {
            accepted: taken.accepted,
            duplicates: taken.duplicates,
            conflicts: u32::try_from(taken.refusals.len()).unwrap_or(u32::MAX),
            stored: matches!(seen, Ok(Ok(_))),
        })
    }
}
