//! Figures that take a pass over many rows: kept for the longer, the longer it took to find them, and shown while newer
//! ones are looked for, so that nobody waits for them but the first. What is found fast is looked for at once.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::store::StoreError;

/// Figures are new for at least so long, and for so many times as long as it took to find them.
const NEW: Duration = Duration::from_secs(2);
const TIMES: u32 = 20;
/// Figures that took no longer than this are waited for rather than shown when they are not new.
const FAST: Duration = Duration::from_millis(100);
/// What is older is not shown.
const OLD: Duration = Duration::from_secs(300);
const MAX_KEPT: usize = 64;

/// By what was asked.
pub struct Tallies<Q, T>(Arc<Mutex<HashMap<Q, Kept<T>>>>);

impl<Q, T> Default for Tallies<Q, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

struct Kept<T> {
    found: Arc<T>,
    at: Instant,
    took: Duration,
    /// Somebody looks for newer ones.
    asked: bool,
}

impl<Q: Hash + Eq + Send + 'static, T: Send + Sync + 'static> Tallies<Q, T> {
    pub async fn get<F>(&self, question: Q, look: F) -> Result<Arc<T>, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let shown = {
            let mut all = self.0.lock();
            all.retain(|_, kept| kept.at.elapsed() < OLD);
            match all.get_mut(&question) {
                Some(kept) if kept.asked || kept.at.elapsed() < NEW.max(kept.took * TIMES) => {
                    return Ok(Arc::clone(&kept.found));
                }
                Some(kept) if kept.took < FAST => None,
                Some(kept) => {
                    kept.asked = true;
                    Some(Arc::clone(&kept.found))
                }
                None => None,
            }
        };
        let all = Arc::clone(&self.0);
        let renew = async move {
            let begun = Instant::now();
            let found = look.await.map(Arc::new);
            let mut all = all.lock();
            match &found {
                Ok(found) => {
                    if all.len() >= MAX_KEPT {
                        all.clear();
                    }
                    let kept =
                        Kept { found: Arc::clone(found), at: Instant::now(), took: begun.elapsed(), asked: false };
                    all.insert(question, kept);
                }
                Err(_) => drop(all.get_mut(&question).map(|kept| kept.asked = false)),
            }
            found
        };
        match shown {
            Some(shown) => {
                tokio::spawn(renew);
                Ok(shown)
            }
            None => renew.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ClockCount;

    fn count(count: u64) -> Vec<ClockCount> {
        vec![ClockCount { count, ..ClockCount::default() }]
    }

    #[tokio::test]
    async fn what_is_new_is_not_asked_for_again_and_what_took_long_stays_new_longer() {
        let tallies = Tallies::<(String, i64), Vec<ClockCount>>::default();
        let name = || ("acme".to_owned(), 0);
        let slow = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Ok(count(1))
        };
        assert_eq!(*tallies.get(name(), slow).await.expect("found"), count(1));
        let age = |by: Duration| {
            for kept in tallies.0.lock().values_mut() {
                kept.at = kept.at.checked_sub(by).expect("a moment");
            }
        };
        age(Duration::from_secs(3));
        assert_eq!(*tallies.get(name(), async { Ok(count(2)) }).await.expect("kept"), count(1), "it took long");
        age(Duration::from_secs(10));
        assert_eq!(*tallies.get(name(), async { Ok(count(3)) }).await.expect("kept"), count(1), "shown while asked");
        let mut tries = 0;
        while *tallies.get(name(), async { Ok(count(4)) }).await.expect("kept") != count(3) {
            tokio::task::yield_now().await;
            tries += 1;
            assert!(tries < 10_000, "the newer figures came");
        }
        let other = || ("acme".to_owned(), 1);
        assert_eq!(*tallies.get(other(), async { Ok(count(5)) }).await.expect("found"), count(5));
        age(Duration::from_secs(3));
        assert_eq!(*tallies.get(other(), async { Ok(count(6)) }).await.expect("found"), count(6), "it is found fast");
    }
}
