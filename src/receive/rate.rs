//! Records a second per key. A request is let in while the key has credit, and charged with what it really held;
//! one large request may so run into debt, which the key then waits off.
//! governor was not taken: it must know the count before the body is read, and refuses a batch above the burst for ever.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::stop::Stop;

pub(super) struct Rates {
    /// Time one record costs; `None` when there is no limit.
    cost: Option<Duration>,
    /// Credit at most, as time.
    burst: Duration,
    /// By key id: when its credit will be full again. Bounded by the number of keys there are.
    full_at: Mutex<HashMap<String, Instant>>,
}

impl Rates {
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        let cost = (per_second > 0).then(|| Duration::from_secs(1) / per_second);
        let burst = cost.map_or(Duration::ZERO, |cost| cost.saturating_mul(burst.max(1)));
        Self { cost, burst, full_at: Mutex::default() }
    }

    /// Fails with the time to wait while the key has no credit.
    pub(super) fn check(&self, key_id: &str, now: Instant) -> Result<(), Stop> {
        if self.cost.is_none() {
            return Ok(());
        }
        let full_at = self.full_at.lock().get(key_id).copied().unwrap_or(now);
        let used = full_at.saturating_duration_since(now);
        match used.checked_sub(self.burst) {
            None => Ok(()),
            Some(debt) => Err(Stop::Rate { wait_s: debt.as_secs() + 1 }),
        }
    }

    pub(super) fn charge(&self, key_id: &str, records: u32, now: Instant) {
        let Some(cost) = self.cost else { return };
        let mut all = self.full_at.lock();
        let full_at = all.get(key_id).copied().unwrap_or(now).max(now) + cost.saturating_mul(records);
        match all.get_mut(key_id) {
            Some(known) => *known = full_at,
            None => {
                all.insert(key_id.to_owned(), full_at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_waits_off_what_it_sent_above_its_credit() {
        let rates = Rates::new(100, 50);
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        rates.charge("a", 300, start);
        assert_eq!(rates.check("a", start), Err(Stop::Rate { wait_s: 3 }), "250 over the credit of 50");
        assert_eq!(rates.check("a", after(1_000)), Err(Stop::Rate { wait_s: 2 }));
        assert_eq!(rates.check("a", after(2_501)), Ok(()));
        assert_eq!(rates.check("b", start), Ok(()), "another key is not held up");
    }

    #[test]
    fn no_limit_means_no_limit() {
        let rates = Rates::new(0, 0);
        let now = Instant::now();
        rates.charge("a", u32::MAX, now);
        assert_eq!(rates.check("a", now), Ok(()));
    }
}
