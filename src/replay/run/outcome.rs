//! What an attempt came to, and what follows from it for the job.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Instant;

use chrono::Utc;
use tokio::task::{Id, JoinError};

use super::{APPLIED_WITHIN_MS, ENOUGH, IDLE, Run};
use crate::replay::courier::No;
use crate::replay::dispatch::Came;
use crate::replay::job::{self, item, lane};
use crate::replay::schedule::Schedule;

impl Run {
    pub(super) fn absorb_all(&mut self, first: Result<(Id, Came), JoinError>) {
        self.absorb(first);
        while let Some(done) = self.under_way.try_join_next_with_id() {
            self.absorb(done);
        }
    }

    pub(super) fn absorb(&mut self, done: Result<(Id, Came), JoinError>) {
        let (task, came) = match done {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(%error, replay = self.work.replay, "an attempt broke off by a fault of ours");
                (error.id(), broken_off())
            }
        };
        if let Some(at) = self.tasks.remove(&task) {
            self.settle(at, came);
        }
    }

    fn settle(&mut self, at: usize, came: Came) {
        let now_ms = Utc::now().timestamp_millis();
        let target = self.target();
        let mut stop = None;
        let mut freed = None;
        let mut again = None;
        let mut idle = None;
        self.job.items.lock().change(at, |item| match came {
            Came::Taken { status, via, trace_id, result, awaits } => {
                item.attempts += 1;
                item.state = item::SENT.to_owned();
                (item.code, item.detail) = (String::new(), String::new());
                (item.status, item.via, item.trace_id, item.result) = (u32::from(status), via, trace_id, result);
                item.sent_ms = now_ms;
                let within = target.as_ref().map(|target| target.effect.as_ref().map(|effect| effect.within));
                item.due_ms = match within {
                    None => now_ms + APPLIED_WITHIN_MS,
                    Some(Some(within)) => now_ms + i64::try_from(within.as_millis()).unwrap_or(i64::MAX / 2),
                    // Nothing is awaited, so nothing is proven: that it was sent is all there is to say.
                    Some(None) => 0,
                };
                item.awaits = serde_json::to_string(&awaits).unwrap_or_default();
                if item.object_id.is_empty()
                    && let Some((object, _)) = awaits.first()
                {
                    (item.object_type, item.object_id) = (object.kind.clone(), object.id.clone());
                }
                freed = lane(item);
            }
            Came::Later { no, asked, counts } => {
                item.attempts += u32::from(counts);
                (item.code, item.detail) = (no.code.to_owned(), no.detail);
                item.status = u32::from(no.status);
                let schedule = target.as_ref().map_or_else(Schedule::default, |target| target.schedule.clone());
                let wait = if counts {
                    schedule.wait(item.attempts as usize, asked, rand::random())
                } else {
                    Some(asked.unwrap_or(IDLE))
                };
                match wait {
                    Some(wait) if counts => {
                        item.state = item::RETRYING.to_owned();
                        item.next_ms = now_ms + i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2);
                        again = Some(wait);
                    }
                    Some(wait) => idle = Some(wait),
                    None => {
                        item.state = item::FAILED.to_owned();
                        item.settled_ms = now_ms;
                    }
                }
            }
            Came::Never(no) | Came::Gone(no) => {
                if no.code == "gone" {
                    stop = Some("The target answers 410: it wants nothing of this any more".to_owned());
                }
                item.attempts += 1;
                item.state = item::FAILED.to_owned();
                (item.code, item.detail) = (no.code.to_owned(), no.detail);
                item.status = u32::from(no.status);
                item.settled_ms = now_ms;
            }
        });
        if let Some(wait) = again.or(idle) {
            self.later.push(Reverse((Instant::now() + wait, at)));
        } else {
            self.job.pace.lock().note(now_ms / 1_000);
        }
        if idle.is_some() {
            // Nothing was tried, so nothing is to be kept.
            return;
        }
        self.changed.insert(at);
        let failed = self.job.items.lock().get(at).cloned();
        if let Some(item) = failed {
            self.hand_over(&item);
        }
        if let Some(object) = freed
            && let Some(next) = self.behind.get_mut(&object).and_then(VecDeque::pop_front)
        {
            self.ready.push_back(next);
        }
        if let Some(why) = stop.or_else(|| self.too_many_failed()) {
            let mut row = self.job.row.lock();
            if row.state == job::RUNNING {
                job::STOPPED.clone_into(&mut row.state);
                row.note = why;
            }
        }
        self.dirty_row = true;
    }

    fn too_many_failed(&self) -> Option<String> {
        let most = self.job.options.stop_percent as usize;
        if most == 0 {
            return None;
        }
        let items = self.job.items.lock();
        let failed = items.count(&[item::FAILED]);
        let all = items.len() - items.open();
        (all >= ENOUGH.min(items.len()) && failed * 100 > most * all)
            .then(|| format!("{failed} of {all} failed, more than the {most} % that this replay allows"))
    }
}

/// What an attempt came to that ended in a fault of ours: it may have gone out, so it does not go again by itself.
fn broken_off() -> Came {
    let detail = "The attempt broke off by a fault of Milepost; whether it went out is not known".to_owned();
    Came::Never(No { code: "broken_off_here", status: 0, detail })
}
