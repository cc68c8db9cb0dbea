//! How many rows a saved view has now. Counting a large tenant takes its time, so numbers are kept for a while and a
//! page waits only a moment for new ones; what is late stands there the next time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::domain::views::View;
use crate::pages::desk::Desk;
use crate::pages::export::{Asked, List};
use crate::pages::params::Query;
use crate::pages::visit::Visit;

const KEPT: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_millis(250);
const MAX_KEPT: usize = 4096;

#[derive(Clone, Default)]
pub struct Badges(Arc<Mutex<HashMap<String, Badge>>>);

#[derive(Clone, Copy)]
struct Badge {
    since: Instant,
    count: Option<u64>,
    counting: bool,
}

/// One for each view, in order; None where the number is not known yet.
pub async fn counts(desk: &Desk, visit: &Visit, list: &'static List, views: &[&View]) -> Vec<Option<u64>> {
    let badges = &desk.badges;
    let mut counting = Vec::new();
    let keys: Vec<String> = views.iter().map(|view| format!("{} {} {}", visit.tenant, view.list, view.query)).collect();
    for (view, key) in views.iter().zip(&keys) {
        if !badges.wants(key) {
            continue;
        }
        let asked = Asked { query: Query::parse(&view.query), ..visit.asked(desk, String::new()) };
        let (badges, key) = (badges.clone(), key.clone());
        counting.push(tokio::spawn(async move {
            let count = (list.count)(asked).await.ok();
            badges.put(key, count);
        }));
    }
    let all = futures_util::future::join_all(counting);
    let _ = tokio::time::timeout(PATIENCE, all).await;
    let known = badges.0.lock();
    keys.iter().map(|key| known.get(key).and_then(|badge| badge.count)).collect()
}

impl Badges {
    /// Notes that somebody counts, unless the number is fresh or somebody does already.
    fn wants(&self, key: &str) -> bool {
        let mut known = self.0.lock();
        if known.len() >= MAX_KEPT {
            known.clear();
        }
        let none = Badge { since: Instant::now(), count: None, counting: false };
        let fresh = |badge: &Badge| badge.counting || (badge.count.is_some() && badge.since.elapsed() < KEPT);
        let badge = known.entry(key.to_owned()).or_insert(none);
        if fresh(badge) {
            return false;
        }
        badge.counting = true;
        true
    }

    fn put(&self, key: String, count: Option<u64>) {
        self.0.lock().insert(key, Badge { since: Instant::now(), count, counting: false });
    }
}
