//! Systems that others call, when they fail or take longer than is usual for them.

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;

use super::watch::above;
use crate::domain::Exception;

/// Fewer calls say nothing about a dependency, now or as it usually is.
pub const ENOUGH_CALLS: u64 = 20;
/// Earlier hours without which it is not known what is usual.
const ENOUGH_HOURS: u64 = 3;
/// Twice as many failures as usual, but never less than these: in millionths.
const FAILURES_AT_LEAST: u64 = 50_000;
/// Twice as slow as usual, but nothing below this is slow.
const SLOW_AT_LEAST_MS: i64 = 200;

/// How it ends: within its band again, or too seldom called to tell.
pub const CALLS_AS_USUAL: &str = "calls_as_usual";
pub const NOT_CALLED: &str = "not_called";

/// Calls of one dependency, lately and as they usually are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Called {
    pub dependency: String,
    pub calls: u64,
    pub errors: u64,
    /// What 95 of 100 calls do not exceed.
    pub p95_ms: i64,
    pub usual_hours: u64,
    pub usual_errors_ppm: u64,
    pub usual_p95_ms: i64,
}

/// Outside of its band. It closes when it is within again, or is not called any more.
pub fn degraded(called: &Called, as_of: DateTime<Utc>) -> Option<Exception> {
    if called.calls < ENOUGH_CALLS || called.usual_hours < ENOUGH_HOURS {
        return None;
    }
    let errors_ppm = called.errors.saturating_mul(1_000_000) / called.calls;
    let failing = errors_ppm > called.usual_errors_ppm.saturating_mul(2).max(FAILURES_AT_LEAST);
    let slow = called.p95_ms > called.usual_p95_ms.saturating_mul(2).max(SLOW_AT_LEAST_MS);
    let percent = |ppm: u64| match ppm {
        0..10_000 => format!("{}.{} %", ppm / 10_000, ppm % 10_000 / 1_000),
        _ => format!("{} %", (ppm + 5_000) / 10_000),
    };
    let fails =
        || format!("{} of its calls fail, usually {} at most", percent(errors_ppm), percent(called.usual_errors_ppm));
    let takes = || format!("calls take up to {} ms, usually {} ms", called.p95_ms, called.usual_p95_ms);
    let what = match (failing, slow) {
        (true, true) => format!("{}, and {}", fails(), takes()),
        (true, false) => fails(),
        (false, true) => takes(),
        (false, false) => return None,
    };
    let object = ObjectRef::new("dependency", &called.dependency);
    let detail = format!("{}: {what}", called.dependency);
    Some(above("dependency_degraded", object, detail, as_of, &called.dependency, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).expect("a time")
    }

    /// Usually one call in a hundred fails, and 95 of 100 take 300 ms at most.
    fn usual() -> Called {
        Called {
            dependency: "ledger".into(),
            calls: 100,
            errors: 1,
            p95_ms: 300,
            usual_hours: 24,
            usual_errors_ppm: 10_000,
            usual_p95_ms: 300,
        }
    }

    #[test]
    fn what_is_within_the_usual_band_is_told_to_nobody() {
        let cases: [(&str, Called, Option<&str>); 9] = [
            ("as usual", usual(), None),
            ("some more failures", Called { errors: 5, ..usual() }, None),
            ("many", Called { errors: 12, ..usual() }, Some("ledger: 12 % of its calls fail, usually 1 % at most")),
            ("usually as bad", Called { errors: 12, usual_errors_ppm: 80_000, ..usual() }, None),
            ("somewhat slower", Called { p95_ms: 600, ..usual() }, None),
            ("slow", Called { p95_ms: 601, ..usual() }, Some("ledger: calls take up to 601 ms, usually 300 ms")),
            ("slow, and still quick", Called { p95_ms: 150, usual_p95_ms: 20, ..usual() }, None),
            ("hardly called", Called { calls: 19, errors: 19, ..usual() }, None),
            ("not known yet", Called { errors: 100, usual_hours: 2, ..usual() }, None),
        ];
        for (name, called, expected) in cases {
            let found = degraded(&called, now());
            assert_eq!(found.as_ref().map(|e| e.detail.as_str()), expected, "{name}");
        }
    }

    #[test]
    fn failing_and_slow_is_one_exception_of_the_dependency() {
        let found = degraded(&Called { errors: 50, p95_ms: 9_000, ..usual() }, now()).expect("degraded");
        assert_eq!(found.object, ObjectRef::new("dependency", "ledger"));
        assert_eq!((found.kind.as_str(), found.since, found.blocking), ("dependency_degraded", now(), false));
        assert!(found.detail.ends_with("fail, usually 1 % at most, and calls take up to 9000 ms, usually 300 ms"));
        assert_eq!(
            degraded(&Called { errors: 40, ..usual() }, now()).expect("degraded").id,
            found.id,
            "one cause, one id"
        );
    }
}
