//! What stands above workflows: sources that are silent, objects that are held too long, payloads that are refused,
//! replays without effect that belong to no workflow. One exception explains what a hundred workflows show.

use chrono::{DateTime, TimeDelta, Utc};
use milepost_ingest::ObjectRef;

use super::exception_id;
use crate::domain::Exception;

/// So much longer than usual is silence, but never less than a few minutes.
const TIMES_USUAL: i32 = 3;
const AT_LEAST: TimeDelta = TimeDelta::minutes(3);
/// How long something may hang from nothing.
const HELD_LIMIT: TimeDelta = TimeDelta::hours(24);
/// Refusals of one cause are over when none came for so long.
const REFUSED_LIMIT: TimeDelta = TimeDelta::hours(1);

/// A source as it was last heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub source: String,
    pub system: String,
    pub last_at: DateTime<Utc>,
    /// The usual longest pause; zero when it is not known yet.
    pub usual: TimeDelta,
}

/// Silent sources. `blocking` says that its system has no other voice.
pub fn silent(heard: &[Heard], as_of: DateTime<Utc>) -> Vec<Exception> {
    let is_silent = |one: &Heard| one.usual > TimeDelta::zero() && as_of - one.last_at > limit(one);
    let silent = heard.iter().filter(|one| is_silent(one));
    silent
        .map(|one| {
            let alone = heard.iter().filter(|other| other.system == one.system).all(is_silent);
            let detail = format!(
                "{} has said nothing since {}, usually it pauses {} at most",
                one.source,
                one.last_at.format("%Y-%m-%d %H:%M UTC"),
                words(one.usual)
            );
            let object = ObjectRef::new("source", &one.source);
            above("source_silent", object, detail, one.last_at + limit(one), &one.system, alone)
        })
        .collect()
}

fn limit(one: &Heard) -> TimeDelta {
    (one.usual * TIMES_USUAL).max(AT_LEAST)
}

fn words(time: TimeDelta) -> String {
    match time.num_minutes() {
        0 => format!("{} s", time.num_seconds()),
        minutes if minutes < 120 => format!("{minutes} min"),
        minutes => format!("{} h", minutes / 60),
    }
}

/// Objects that wait for one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting<'a> {
    pub waits_for: &'a str,
    pub objects: u64,
    /// Which of them waits longest, and since when.
    pub oldest: ObjectRef,
    pub since: DateTime<Utc>,
}

/// The oldest waits for longer than it should.
pub fn held_too_long(waiting: &Waiting<'_>, as_of: DateTime<Utc>) -> Option<Exception> {
    let since = waiting.since + HELD_LIMIT;
    let (waits_for, from) = (waiting.waits_for, waiting.since.format("%Y-%m-%d %H:%M UTC"));
    let oldest = format!("{} {}", waiting.oldest.kind.replace('_', " "), waiting.oldest.id);
    let detail = match waiting.objects {
        1 => format!("{oldest} waits for {waits_for}, since {from}"),
        n => format!("{n} objects wait for {waits_for}; {oldest} longest, since {from}"),
    };
    let object = ObjectRef::new("held", waits_for);
    (since <= as_of).then(|| above("held_too_long", object, detail, since, "erp", false))
}

/// Payloads of a source that are refused for one cause.
pub struct Refused<'a> {
    /// Of the group of failures.
    pub fingerprint: &'a str,
    pub source: &'a str,
    pub system: &'a str,
    pub cause: &'a str,
    pub count: u64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

pub fn refused(group: &Refused<'_>, as_of: DateTime<Utc>) -> Option<Exception> {
    let payloads = if group.count == 1 { "1 record of".to_owned() } else { format!("{} records of", group.count) };
    let detail = format!("{payloads} {} refused: {}", group.source, group.cause);
    let object = ObjectRef::new("failure_group", group.fingerprint);
    (as_of - group.last_at <= REFUSED_LIMIT)
        .then(|| above("contract_violation", object, detail, group.first_at, group.system, false))
}

/// What a replay sent that belongs to no workflow, and that showed no effect in time.
pub struct Unproven<'a> {
    pub replay: &'a str,
    /// `pipeline` or a target.
    pub via: &'a str,
    pub count: u64,
    pub since: DateTime<Utc>,
}

pub fn without_effect(job: &Unproven<'_>) -> Exception {
    let records = if job.count == 1 { "1 record".to_owned() } else { format!("{} records", job.count) };
    let (to, system) = if job.via == "pipeline" { ("our own pipeline", "milepost") } else { (job.via, job.via) };
    let detail = format!("{records} of replay {} went to {to}, belong to no workflow, and show no effect", job.replay);
    let object = ObjectRef::new("replay", job.replay);
    above("replay_without_effect", object, detail, job.since, system, false)
}

pub(super) fn above(
    kind: &str,
    object: ObjectRef,
    detail: String,
    since: DateTime<Utc>,
    system: &str,
    blocking: bool,
) -> Exception {
    Exception {
        id: exception_id(kind, &object, ""),
        kind: kind.to_owned(),
        object,
        detail,
        since,
        system: system.to_owned(),
        blocking,
        known_at: since,
        cured: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + minute * 60, 0).expect("a time")
    }

    fn heard(source: &str, system: &str, last: i64, usual: i64) -> Heard {
        Heard { source: source.into(), system: system.into(), last_at: at(last), usual: TimeDelta::minutes(usual) }
    }

    #[test]
    fn a_source_is_silent_when_its_usual_pause_is_far_exceeded_and_unknown_is_not_silent() {
        let sources = [heard("wms/east", "wms", 0, 5), heard("wms/west", "wms", 14, 5), heard("erp/main", "erp", 0, 0)];
        assert_eq!(silent(&sources, at(15)), []);
        let found = silent(&sources, at(16));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].object.id.as_str(), found[0].since, found[0].blocking), ("wms/east", at(15), false));
        assert!(silent(&sources, at(60)).iter().all(|e| e.blocking), "no voice of that system is left");
    }

    #[test]
    fn what_waits_for_more_than_a_day_is_one_exception_that_names_the_oldest() {
        let one = Waiting { waits_for: "order", objects: 1, oldest: ObjectRef::new("shipment", "S1"), since: at(0) };
        assert_eq!(held_too_long(&one, at(24 * 60 - 1)), None);
        let found = held_too_long(&one, at(24 * 60)).expect("too long");
        assert_eq!(found.detail, "shipment S1 waits for order, since 2026-09-21 14:13 UTC");
        let more = held_too_long(&Waiting { objects: 3, ..one }, at(24 * 60)).expect("too long");
        assert_eq!(more.detail, "3 objects wait for order; shipment S1 longest, since 2026-09-21 14:13 UTC");
        assert_eq!((more.id, more.since), (found.id, at(24 * 60)), "one cause, one id");
    }

    #[test]
    fn a_chatty_source_has_some_minutes() {
        let sources =
            [heard("tms/fleet", "tms", 0, 0), Heard { usual: TimeDelta::seconds(5), ..heard("a", "tms", 0, 0) }];
        assert_eq!(silent(&sources, at(3)), []);
        assert_eq!(silent(&sources, at(4)).len(), 1);
    }
}
