//! Who watches what. There is no queue: what a watcher has not been told yet is a set of topics, so a slow reader
//! costs no more than a quick one, and what it missed comes as one message.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Topics that one watcher may name, and bytes of one topic.
const MAX_TOPICS: usize = 64;
const MAX_TOPIC_BYTES: usize = 512;
/// Event lines kept for one watcher between two messages; more are counted, not kept.
const MAX_LINES: usize = 500;
/// Publications remembered for those who come back, and topics in them.
const MAX_PAST: usize = 512;
const MAX_PAST_TOPICS: usize = 50_000;

/// What became visible in the store.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub tenant: String,
    /// `workflows`, `held`, `failures`, `sources`, `w:order/SO-1`, `o:shipment/SH-1`
    pub topics: Vec<String>,
    pub events: Vec<EventLine>,
}

/// One event as `milepost tail` and the board's feed tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLine {
    #[serde(rename = "type")]
    pub kind: String,
    /// `type/id`
    pub object: String,
    pub source: String,
    pub system: String,
    pub id: String,
    pub occurred_ms: i64,
    pub received_ms: i64,
}

/// How far the store is behind the doors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    /// When the newest event taken was received, and the newest of those that can be read.
    pub received_ms: i64,
    pub stored_ms: i64,
    pub lag_ms: i64,
    pub store_up: bool,
}

/// One message to a watcher.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Nudge {
    pub seq: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Arc<EventLine>>,
    /// Event lines that did not fit.
    #[serde(skip_serializing_if = "is_zero")]
    pub skipped: u64,
    /// What was missed cannot be told any more: load the page anew.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub resync: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Shared by all; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Hub(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    rooms: Mutex<HashMap<String, Room>>,
    freshness: Mutex<Option<Freshness>>,
    watchers: AtomicUsize,
    closed: CancellationToken,
}

/// One tenant.
#[derive(Debug, Default)]
struct Room {
    seq: u64,
    past: VecDeque<(u64, Arc<HashSet<String>>)>,
    past_topics: usize,
    watchers: Vec<Arc<Desk>>,
}

impl Room {
    /// Numbers begin at the clock, so that those of an earlier life are older than everything remembered.
    fn begin() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self { seq: now.as_millis() as u64, ..Self::default() }
    }
}

/// What one watcher wants and has not been told yet.
#[derive(Debug, Default)]
struct Desk {
    state: Mutex<State>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct State {
    wants: HashSet<String>,
    topics: BTreeSet<String>,
    events: VecDeque<Arc<EventLine>>,
    skipped: u64,
    resync: bool,
    seq: u64,
}

impl Hub {
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells all watchers of the tenant. Never waits for any of them.
    pub fn publish(&self, change: Change) {
        let topics: Arc<HashSet<String>> = Arc::new(change.topics.into_iter().collect());
        let mut rooms = self.0.rooms.lock();
        let room = rooms.entry(change.tenant).or_insert_with(Room::begin);
        room.seq += 1;
        let seq = room.seq;
        room.past_topics += topics.len();
        room.past.push_back((seq, topics.clone()));
        while room.past.len() > MAX_PAST || room.past_topics > MAX_PAST_TOPICS {
            let Some((_, gone)) = room.past.pop_front() else { break };
            room.past_topics -= gone.len();
        }
        let lines: Vec<Arc<EventLine>> =
            if room.watchers.is_empty() { Vec::new() } else { change.events.into_iter().map(Arc::new).collect() };
        for desk in &room.watchers {
            desk.tell(seq, &topics, &lines);
        }
    }

    pub fn set_freshness(&self, freshness: Freshness) {
        *self.0.freshness.lock() = Some(freshness);
    }

    pub fn freshness(&self) -> Option<Freshness> {
        *self.0.freshness.lock()
    }

    /// The number of the tenant's latest publication: what was rendered at the same number is still right.
    pub fn seq(&self, tenant: &str) -> u64 {
        self.0.rooms.lock().get(tenant).map_or(0, |room| room.seq)
    }

    /// Ends all connections, so that a server can stop at once; they come back to the next one.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    /// Resolves when `close` was called.
    pub async fn closed(&self) {
        self.0.closed.cancelled().await;
    }

    pub fn watchers(&self) -> usize {
        self.0.watchers.load(Ordering::Relaxed)
    }

    pub fn watch(&self, tenant: &str) -> Watcher {
        let desk = Arc::new(Desk::default());
        let mut rooms = self.0.rooms.lock();
        let room = rooms.entry(tenant.to_owned()).or_insert_with(Room::begin);
        desk.state.lock().seq = room.seq;
        room.watchers.push(desk.clone());
        self.0.watchers.fetch_add(1, Ordering::Relaxed);
        Watcher { hub: self.clone(), tenant: tenant.to_owned(), desk }
    }
}

impl Desk {
    fn tell(&self, seq: u64, topics: &HashSet<String>, lines: &[Arc<EventLine>]) {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.seq = seq;
        let mut touched = false;
        for topic in state.wants.iter().filter(|topic| topics.contains(*topic)) {
            touched |= state.topics.insert(topic.clone());
        }
        if !lines.is_empty() && state.wants.contains("events") {
            touched = true;
            let room = MAX_LINES.saturating_sub(state.events.len());
            state.events.extend(lines.iter().take(room).cloned());
            state.skipped += lines.len().saturating_sub(room) as u64;
        }
        if touched {
            self.bell.notify_one();
        }
    }
}

/// One reader's place at the hub; leaves it when dropped.
#[derive(Debug)]
pub struct Watcher {
    hub: Hub,
    tenant: String,
    desk: Arc<Desk>,
}

impl Watcher {
    /// Watch these topics from now on. Says whether all were taken.
    pub fn want(&self, topics: impl IntoIterator<Item = String>) -> bool {
        let mut all = true;
        let wants = topics
            .into_iter()
            .filter(|topic| {
                let fits = topic.len() <= MAX_TOPIC_BYTES;
                all &= fits;
                fits
            })
            .take(MAX_TOPICS + 1)
            .collect::<HashSet<_>>();
        all &= wants.len() <= MAX_TOPICS;
        let mut state = self.desk.state.lock();
        state.wants = wants.into_iter().take(MAX_TOPICS).collect();
        let wants = state.wants.clone();
        state.topics.retain(|topic| wants.contains(topic));
        all
    }

    /// Tell what happened after the number, or that it is too long ago. Call it after `want`.
    pub fn since(&self, seq: u64) {
        let rooms = self.hub.0.rooms.lock();
        let Some(room) = rooms.get(&self.tenant) else { return };
        let mut state = self.desk.state.lock();
        let oldest = room.past.front().map_or(room.seq, |(oldest, _)| oldest - 1);
        if seq < oldest || seq > room.seq {
            state.resync = true;
        } else {
            let missed: Vec<String> = room
                .past
                .iter()
                .filter(|(number, _)| *number > seq)
                .flat_map(|(_, topics)| state.wants.iter().filter(|topic| topics.contains(*topic)).cloned())
                .collect();
            state.topics.extend(missed);
        }
        self.desk.bell.notify_one();
    }

    /// Waits until there is something to tell. May be called again after it was given up.
    pub async fn changed(&self) {
        self.desk.bell.notified().await;
    }

    /// Takes what there is to tell; without news it holds only the number.
    pub fn take(&self) -> Nudge {
        let mut state = self.desk.state.lock();
        let state = &mut *state;
        Nudge {
            seq: state.seq,
            topics: std::mem::take(&mut state.topics).into_iter().collect(),
            events: std::mem::take(&mut state.events).into(),
            skipped: std::mem::take(&mut state.skipped),
            resync: std::mem::take(&mut state.resync),
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(room) = self.hub.0.rooms.lock().get_mut(&self.tenant) {
            room.watchers.retain(|desk| !Arc::ptr_eq(desk, &self.desk));
        }
        self.hub.0.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(topics: &[&str], lines: usize) -> Change {
        Change {
            tenant: "acme".into(),
            topics: topics.iter().map(ToString::to_string).collect(),
            events: vec![EventLine::default(); lines],
        }
    }

    fn want(watcher: &Watcher, topics: &[&str]) -> bool {
        watcher.want(topics.iter().map(ToString::to_string))
    }

    #[test]
    fn a_watcher_hears_only_what_it_wants_of_its_tenant() {
        let hub = Hub::new();
        let watcher = hub.watch("acme");
        want(&watcher, &["w:order/SO-1", "held"]);
        hub.publish(change(&["w:order/SO-1", "w:order/SO-2"], 3));
        hub.publish(Change { tenant: "other".into(), topics: vec!["held".into()], events: vec![] });
        let nudge = watcher.take();
        assert_eq!(nudge.topics, ["w:order/SO-1"]);
        assert!(nudge.events.is_empty());
        assert_eq!(nudge.seq, hub.seq("acme"));
    }

    #[test]
    fn a_reader_that_never_reads_costs_a_fixed_amount() {
        let hub = Hub::new();
        let watcher = hub.watch("acme");
        want(&watcher, &["workflows", "events"]);
        for _ in 0..2000 {
            hub.publish(change(&["workflows", "sources"], 10));
        }
        let nudge = watcher.take();
        assert_eq!(nudge.topics, ["workflows"]);
        assert_eq!((nudge.events.len(), nudge.skipped), (500, 19_500));
        assert_eq!(watcher.take(), Nudge { seq: hub.seq("acme"), ..Nudge::default() });
    }

    #[test]
    fn who_comes_back_hears_what_was_missed_or_that_it_is_too_long_ago() {
        let hub = Hub::new();
        hub.publish(change(&["held"], 0));
        let seen = hub.seq("acme");
        hub.publish(change(&["workflows"], 0));
        let watcher = hub.watch("acme");
        want(&watcher, &["workflows", "held"]);
        watcher.since(seen);
        assert_eq!(watcher.take().topics, ["workflows"]);
        for unknown in [3, seen + 100] {
            watcher.since(unknown);
            assert!(watcher.take().resync, "{unknown}");
        }
    }

    #[test]
    fn the_past_is_bounded() {
        let hub = Hub::new();
        let first = {
            hub.publish(change(&["held"], 0));
            hub.seq("acme")
        };
        for _ in 0..MAX_PAST + 1 {
            hub.publish(change(&["held"], 0));
        }
        let watcher = hub.watch("acme");
        want(&watcher, &["held"]);
        watcher.since(first);
        assert!(watcher.take().resync);
    }

    #[test]
    fn too_many_topics_are_cut_and_said_so() {
        let hub = Hub::new();
        let watcher = hub.watch("acme");
        assert!(!watcher.want((0..100).map(|n| format!("w:order/{n}"))));
        assert!(!watcher.want(["x".repeat(600)]));
        assert!(want(&watcher, &["held"]));
        drop(watcher);
        assert_eq!(hub.watchers(), 0);
    }
}
