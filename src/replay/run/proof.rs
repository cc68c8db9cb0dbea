//! Looks for the effects of what was sent, and says when one did not come in time.

use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use serde_json::{Value, json};
use tokio::task::JoinError;

use super::{IDLE, LOOK_EVERY, LOOK_FOR_ANSWERS_EVERY, Run};
use crate::pipeline::By;
use crate::replay::effects;
use crate::replay::job::{item, lane};
use crate::replay::jobs::act_of;
use crate::replay::target::Awaited;
use crate::store::StoreError;
use crate::store::replays::{ReplayItemRow, name};

/// Acts in one record of the journal.
const ACTS_AT_ONCE: usize = 500;

impl Run {
    /// Looks whether effects have shown themselves, beside everything else.
    pub(super) fn look(&mut self) {
        if self.looking.is_some() || Instant::now() < self.look_at {
            return;
        }
        self.look_at = Instant::now() + LOOK_EVERY;
        let sent = {
            let items = self.job.items.lock();
            let (mut sent, next) = items.awaiting(self.looked_to, effects::LOOK);
            let (late, late_next) = items.silent(self.late_to, effects::LOOK_LATE);
            (self.looked_to, self.late_to) = (next, late_next);
            sent.extend(late);
            sent
        };
        if sent.is_empty() {
            return;
        }
        let (store, tenant) = (self.replays.store.clone(), self.work.tenant.clone());
        if let Some(target) = self.target() {
            self.look_at = Instant::now() + LOOK_FOR_ANSWERS_EVERY;
            let Some(effect) = target.effect.clone() else { return };
            let definitions = self.replays.shelf.of(&tenant);
            self.looking = Some(tokio::spawn(async move {
                effects::answered(&store, &definitions, &tenant, &effect.awaited, &sent).await
            }));
        } else {
            self.looking = Some(tokio::spawn(async move { effects::applied(&store, &tenant, &sent).await }));
        }
    }

    pub(super) fn looked(&mut self, done: Result<Result<Vec<u32>, StoreError>, JoinError>) {
        self.looking = None;
        let Ok(Ok(positions)) = done else { return };
        let now_ms = Utc::now().timestamp_millis();
        let mut items = self.job.items.lock();
        for position in positions {
            let at = position as usize;
            if items.get(at).is_some_and(|item| matches!(item.state.as_str(), item::SENT | item::NO_EFFECT)) {
                items.change(at, |item| effects::prove(item, now_ms));
                self.changed.insert(at);
            }
        }
        self.dirty_row = true;
    }

    /// What was sent and had no effect in time is said of its object: an exception of the workflows that it is in.
    pub(super) fn time_out(&mut self) {
        if Instant::now() < self.time_out_at {
            return;
        }
        self.time_out_at = Instant::now() + IDLE;
        let now_ms = Utc::now().timestamp_millis();
        let mut silent: Vec<ReplayItemRow> = Vec::new();
        {
            let mut items = self.job.items.lock();
            for at in items.overdue(now_ms) {
                items.change(at, |item| {
                    item.state = item::NO_EFFECT.to_owned();
                    item.code = "no_effect".to_owned();
                    item.detail = if lane(item).is_some() {
                        "It was sent, and nothing of what was awaited came".to_owned()
                    } else {
                        "It was sent, and names no business object by which an effect could be recognised".to_owned()
                    };
                    item.settled_ms = now_ms;
                });
                self.changed.insert(at);
                silent.extend(items.get(at).cloned());
            }
        }
        if silent.is_empty() {
            return;
        }
        let awaited = self.target().and_then(|target| target.effect.clone()).map(|effect| effect.awaited);
        let (replays, tenant) = (Arc::clone(&self.replays), self.work.tenant.clone());
        tokio::spawn(async move {
            let by = By { tenant, source: "rule/replay".to_owned(), key_id: String::new() };
            let act =
                |item: &ReplayItemRow| Some(act_of("replay.without_effect", lane(item)?, told(item, awaited.as_ref())));
            for some in silent.chunks(ACTS_AT_ONCE) {
                replays.note_all(&by, some.iter().filter_map(act).collect()).await;
            }
        });
    }
}

/// What the exception is made of, and what ends it.
fn told(item: &ReplayItemRow, awaited: Option<&Awaited>) -> [(&'static str, Value); 5] {
    let what = match awaited {
        None => {
            let events = effects::awaits(item).into_iter();
            let events: Vec<Value> =
                events.map(|(object, id)| json!({"object": object.to_string(), "id": id})).collect();
            json!({"events": events})
        }
        Some(Awaited::Event(kind)) => json!({"event": kind}),
        Some(Awaited::Milestone(key)) => json!({"milestone": key}),
        Some(Awaited::System(system)) => json!({"system": system}),
    };
    let payload = if item.body.is_empty() { name(item.payload, item.record) } else { String::new() };
    [
        ("replay", json!(item.replay)),
        ("payload", json!(payload)),
        ("via", json!(item.via)),
        ("sent_at", json!(chrono::DateTime::from_timestamp_millis(item.sent_ms).unwrap_or_default())),
        ("awaits", what),
    ]
}
