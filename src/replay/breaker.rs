//! Leaves a target alone that only fails: after some failures in a row nothing is sent for a while, then one attempt
//! finds out. Other targets go on. Time is an argument.

use std::time::{Duration, Instant};

pub const FAILURES: u32 = 5;
pub const PAUSE: Duration = Duration::from_secs(30);
/// Each pause after a failed probe is twice as long, up to this.
const LONGEST: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub struct Breaker {
    most: u32,
    pause: Duration,
    failures: u32,
    /// Pauses in a row.
    pauses: u32,
    open_until: Option<Instant>,
    probing: bool,
}

/// May something be sent?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Free,
    /// One attempt, to find out; others wait for what it tells.
    Probe,
    Closed {
        until: Instant,
    },
}

impl Breaker {
    pub fn new(most: u32, pause: Duration) -> Self {
        Self { most: most.max(1), pause, failures: 0, pauses: 0, open_until: None, probing: false }
    }

    pub fn way(&mut self, now: Instant) -> Way {
        match self.open_until {
            None => Way::Free,
            Some(until) if now < until => Way::Closed { until },
            Some(_) if self.probing => Way::Closed { until: now + Duration::from_millis(200) },
            Some(_) => {
                self.probing = true;
                Way::Probe
            }
        }
    }

    pub fn succeeded(&mut self) {
        *self = Self::new(self.most, self.pause);
    }

    pub fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        let probe = std::mem::take(&mut self.probing);
        if probe || (self.failures >= self.most && self.open_until.is_none()) {
            let pause = self.pause.saturating_mul(1 << self.pauses.min(16)).min(LONGEST.max(self.pause));
            self.pauses += 1;
            self.open_until = Some(now + pause);
        }
    }

    /// An attempt that says nothing about the target: it was never sent.
    pub fn withdrawn(&mut self) {
        self.probing = false;
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new(FAILURES, PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_row_close_the_way_and_one_success_opens_it() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..4 {
            breaker.failed(start);
        }
        assert_eq!(breaker.way(start), Way::Free);
        breaker.succeeded();
        for _ in 0..5 {
            breaker.failed(start);
        }
        assert_eq!(breaker.way(start), Way::Closed { until: start + PAUSE });
        let later = start + PAUSE;
        assert_eq!(breaker.way(later), Way::Probe);
        assert!(matches!(breaker.way(later), Way::Closed { .. }), "only one finds out");
        breaker.succeeded();
        assert_eq!(breaker.way(later), Way::Free);
    }

    #[test]
    fn a_failed_probe_doubles_the_pause_up_to_its_limit() {
        let (mut breaker, mut now) = (Breaker::new(1, PAUSE), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..7 {
            breaker.failed(now);
            let Way::Closed { until } = breaker.way(now) else { panic!("closed") };
            pauses.push((until - now).as_secs());
            now = until;
            assert_eq!(breaker.way(now), Way::Probe);
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 600, 600]);
    }
}
