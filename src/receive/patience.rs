//! How long to ask senders to wait when nothing can be taken.
//! The longer the trouble lasts the longer the wait, so that a sender tries about three times in the first minute;
//! each answer is spread by half, so that they do not all come back in the same second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rand::Rng;

pub(super) struct Patience {
    started: Instant,
    /// Milliseconds since `started` when the trouble began, plus one; 0 while there is none.
    troubled_since: AtomicU64,
    most_s: u64,
}

impl Patience {
    pub(super) fn new(most_s: u64) -> Self {
        Self { started: Instant::now(), troubled_since: AtomicU64::new(0), most_s }
    }

    /// Something was taken: the trouble, if there was one, is over.
    pub(super) fn relieved(&self) {
        if self.troubled_since.load(Ordering::Relaxed) != 0 {
            self.troubled_since.store(0, Ordering::Relaxed);
        }
    }

    /// Seconds for Retry-After, `least_s` while the trouble is new.
    pub(super) fn wait_s(&self, least_s: u64) -> u64 {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        let begun = self.troubled_since.compare_exchange(0, now_ms + 1, Ordering::Relaxed, Ordering::Relaxed);
        let lasted_ms = begun.err().map_or(0, |since| (now_ms + 1).saturating_sub(since));
        spread(base(least_s, self.most_s, lasted_ms))
    }
}

fn base(least_s: u64, most_s: u64, lasted_ms: u64) -> u64 {
    least_s.saturating_add(lasted_ms / 1000).min(most_s).max(1)
}

/// Up to half as long again.
pub(super) fn spread(seconds: u64) -> u64 {
    seconds.saturating_add(rand::rng().random_range(0..=seconds.div_ceil(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_with_the_trouble_and_has_an_end() {
        let cases = [(0, 5), (10_000, 15), (24_000, 29), (3_600_000, 30)];
        for (lasted_ms, wait_s) in cases {
            assert_eq!(base(5, 30, lasted_ms), wait_s, "after {lasted_ms} ms");
        }
        assert_eq!(base(0, 0, 0), 1, "never 0: that would ask for an attack");
    }

    #[test]
    fn senders_are_spread() {
        let waits: std::collections::BTreeSet<u64> = (0..500).map(|_| spread(10)).collect();
        assert_eq!(waits.iter().next(), Some(&10));
        assert_eq!(waits.iter().last(), Some(&15));
        assert_eq!(waits.len(), 6);
    }
}
