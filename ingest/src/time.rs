//! Business times as senders write them. A time without an offset names no moment, so it is refused, not guessed.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, TimeDelta, Timelike, Utc};

use crate::Code;

pub(crate) const EXPECTED: &str = "a time with offset, such as 2026-11-22T10:00:00+01:00";

/// RFC 3339, and the same with an offset written `+0100`. A leap second counts as the second after it.
pub(crate) fn parse(text: &str) -> Result<DateTime<FixedOffset>, Code> {
    let parsed = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .map_err(|_| if is_local(text) { Code::TimeWithoutZone } else { Code::InvalidTime })?;
    let Some(over) = parsed.nanosecond().checked_sub(1_000_000_000) else { return Ok(parsed) };
    let whole = parsed.with_nanosecond(over).unwrap_or(parsed);
    Ok(whole + TimeDelta::seconds(1))
}

/// Nanoseconds since 1970 as OTLP carries them; 0 means that there is none.
pub(crate) fn from_nanos(nanos: u64) -> Result<DateTime<FixedOffset>, Code> {
    let nanos = i64::try_from(nanos).map_err(|_| Code::TimeOutOfRange)?;
    Ok(DateTime::<Utc>::from_timestamp_nanos(nanos).fixed_offset())
}

pub(crate) fn check_range(time: DateTime<FixedOffset>) -> Result<(), Code> {
    if (2000..2200).contains(&time.to_utc().year()) { Ok(()) } else { Err(Code::TimeOutOfRange) }
}

fn is_local(text: &str) -> bool {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
        .iter()
        .any(|form| NaiveDateTime::parse_from_str(text, form).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, Code>) {
        assert_eq!(parse(text).map(|t| t.to_rfc3339()), expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn a_time_is_taken_only_when_it_names_one_moment() {
        check("2026-11-22T10:00:00+01:00", Ok("2026-11-22T10:00:00+01:00"));
        check("2026-11-22T10:00:00.5Z", Ok("2026-11-22T10:00:00.500+00:00"));
        check("2026-11-22T10:00:00+0100", Ok("2026-11-22T10:00:00+01:00"));
        check("2016-12-31T23:59:60Z", Ok("2017-01-01T00:00:00+00:00"));
        check("2026-11-22T10:00:00", Err(Code::TimeWithoutZone));
        check("2026-11-22 10:00:00", Err(Code::TimeWithoutZone));
        check("2026-02-30T10:00:00Z", Err(Code::InvalidTime));
        check("2026-11-22T25:00:00Z", Err(Code::InvalidTime));
        check("2026-11-22", Err(Code::InvalidTime));
        check("tomorrow", Err(Code::InvalidTime));
        check("", Err(Code::InvalidTime));
    }
}
