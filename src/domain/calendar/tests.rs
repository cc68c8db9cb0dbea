//! Working time told by hand: both changes of the clock in both hemispheres, breaks, sparse weeks, starts outside hours;
//! and laws against a model that walks minute by minute.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::file::Calendars;
use super::*;

const BERLIN: &str = r#"
zone = "Europe/Berlin"
title = "Berlin hours"
[hours]
mon-fri = ["08:00-12:00", "12:30-17:00"]
[[holidays]]
name = "Christmas Day"
every = "12-25"
[[holidays]]
name = "Christmas Eve"
every = "12-24"
hours = ["08:00-12:00"]
[[holidays]]
name = "Good Friday"
easter = -2
[[holidays]]
name = "Day of the company"
rule = "FREQ=YEARLY;BYMONTH=6;BYDAY=2WE"
"#;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn calendar(text: &str) -> Arc<Calendar> {
    let read = Calendars::load(&[("calendars/it.toml", text)].into_iter().collect());
    assert_eq!(read.errors, []);
    Arc::clone(read.calendars.get("it").unwrap())
}

fn faults(files: &[(&str, &str)]) -> Vec<String> {
    Calendars::load(&files.iter().copied().collect()).errors.iter().map(ToString::to_string).collect()
}

/// One line of a case table: hours of the week, start, minutes of work, and when they are over.
#[track_caller]
fn check(text: &str, start: &str, minutes: i64, due: &str) {
    let calendar = calendar(text);
    let (start, due, time) = (at(start), at(due), TimeDelta::minutes(minutes));
    let found = calendar.add(start, time).unwrap();
    assert_eq!(found, due, "{} → {}", calendar.said(start), calendar.said(found));
    assert_eq!(calendar.between(start, due), time);
}

#[test]
fn breaks_and_nights_and_weekends_do_not_count() {
    check(BERLIN, "2026-11-25T09:10:00+01:00", 240, "2026-11-25T13:40:00+01:00");
    check(BERLIN, "2026-11-25T16:00:00+01:00", 120, "2026-11-26T09:00:00+01:00");
    check(BERLIN, "2026-11-27T16:30:00+01:00", 60, "2026-11-30T08:30:00+01:00");
}

#[test]
fn a_start_outside_hours_counts_from_the_next_opening() {
    for start in ["2026-11-27T17:00:00+01:00", "2026-11-28T03:00:00+01:00", "2026-11-30T07:59:59+01:00"] {
        check(BERLIN, start, 30, "2026-11-30T08:30:00+01:00");
    }
    check(BERLIN, "2026-11-25T12:10:00+01:00", 10, "2026-11-25T12:40:00+01:00");
}

#[test]
fn time_that_is_used_up_at_closing_is_due_at_closing() {
    check(BERLIN, "2026-11-27T16:00:00+01:00", 60, "2026-11-27T17:00:00+01:00");
}

#[test]
fn holidays_are_closed_and_half_days_are_half() {
    check(BERLIN, "2026-12-24T11:00:00+01:00", 120, "2026-12-28T09:00:00+01:00");
    check(BERLIN, "2026-04-02T16:30:00+02:00", 60, "2026-04-06T08:30:00+02:00");
    check(BERLIN, "2026-06-09T16:30:00+02:00", 60, "2026-06-11T08:30:00+02:00");
    assert_eq!(calendar(BERLIN).special_name(at("2027-03-26T12:00:00Z")), Some("Good Friday"));
}

#[test]
fn a_week_of_two_days_goes_from_one_to_the_other() {
    let sparse = "zone = \"UTC\"\n[hours]\n\"mon, thu\" = [\"10:00-12:00\"]\n";
    check(sparse, "2026-11-24T09:00:00Z", 30, "2026-11-26T10:30:00Z");
    check(sparse, "2026-11-26T11:30:00Z", 60, "2026-11-30T10:30:00Z");
    check(sparse, "2026-11-23T10:00:00Z", 5 * 120, "2026-12-07T12:00:00Z");
}

#[test]
fn clocks_set_forward_and_back_are_exact_in_both_hemispheres() {
    let nights = |zone: &str| format!("zone = \"{zone}\"\n[hours]\nmon-sun = [\"00:00-06:00\"]\n");
    // Berlin loses 02:00-03:00 on 29 March and repeats it on 25 October.
    check(&nights("Europe/Berlin"), "2026-03-29T00:00:00+01:00", 300, "2026-03-29T06:00:00+02:00");
    check(&nights("Europe/Berlin"), "2026-10-25T00:00:00+02:00", 420, "2026-10-25T06:00:00+01:00");
    // Sydney repeats 02:00-03:00 on 5 April and loses it on 4 October.
    check(&nights("Australia/Sydney"), "2026-04-05T00:00:00+11:00", 420, "2026-04-05T06:00:00+10:00");
    check(&nights("Australia/Sydney"), "2026-10-04T00:00:00+10:00", 300, "2026-10-04T06:00:00+11:00");
    // Across the change, office hours move against UTC.
    let office = |zone: &str| format!("zone = \"{zone}\"\n[hours]\nmon-fri = [\"08:00-17:00\"]\n");
    check(&office("Europe/Berlin"), "2026-03-27T16:00:00+01:00", 120, "2026-03-30T09:00:00+02:00");
    check(&office("Australia/Sydney"), "2026-10-02T16:00:00+10:00", 120, "2026-10-05T09:00:00+11:00");
    check(&office("America/New_York"), "2026-10-30T16:00:00-04:00", 120, "2026-11-02T09:00:00-05:00");
}

#[test]
fn hours_that_are_skipped_in_spring_take_no_time() {
    let gap = "zone = \"Europe/Berlin\"\n[hours]\nmon-sun = [\"02:15-02:45\", \"05:00-06:00\"]\n";
    check(gap, "2026-03-29T00:00:00+01:00", 30, "2026-03-29T05:30:00+02:00");
}

#[test]
fn a_shift_over_midnight_goes_on_into_the_next_day() {
    let night = "zone = \"UTC\"\n[hours]\nmon-thu = [\"22:00-06:00\"]\n";
    check(night, "2026-11-26T23:00:00Z", 7 * 60, "2026-11-27T06:00:00Z");
    check(night, "2026-11-27T07:00:00Z", 60, "2026-11-30T23:00:00Z");
}

#[test]
fn after_the_cut_off_a_clock_begins_on_the_next_working_day() {
    let early = format!("cutoff = \"14:00\"\n{BERLIN}");
    let calendar = calendar(&early);
    let hour = Allowance::time(TimeDelta::hours(1));
    let due = |start: &str| calendar.due(at(start), &hour).unwrap();
    assert_eq!(due("2026-11-25T13:59:59+01:00"), at("2026-11-25T14:59:59+01:00"));
    assert_eq!(due("2026-11-25T14:00:00+01:00"), at("2026-11-26T09:00:00+01:00"));
    assert_eq!(due("2026-11-27T18:00:00+01:00"), at("2026-11-30T09:00:00+01:00"));
}

#[test]
fn working_days_keep_the_time_of_day_within_the_hours() {
    let calendar = calendar(BERLIN);
    let due = |start: &str, working_days: u32, by: Option<&str>| {
        let by = by.and_then(|t| file::time_of_day(t).and_then(file::civil));
        calendar.due(at(start), &Allowance { working_days, time: TimeDelta::zero(), by }).unwrap()
    };
    assert_eq!(due("2026-11-27T16:00:00+01:00", 1, None), at("2026-11-30T16:00:00+01:00"));
    assert_eq!(due("2026-11-28T16:00:00+01:00", 1, None), at("2026-12-01T08:00:00+01:00"));
    assert_eq!(
        due("2026-12-23T16:00:00+01:00", 1, None),
        at("2026-12-24T12:00:00+01:00"),
        "Christmas Eve ends at noon"
    );
    assert_eq!(due("2026-11-25T09:00:00+01:00", 0, Some("17:00")), at("2026-11-25T17:00:00+01:00"));
    assert_eq!(due("2026-11-25T18:00:00+01:00", 1, Some("12:00")), at("2026-11-27T12:00:00+01:00"));
}

#[test]
fn a_feed_gives_its_days_and_leaves_appointments_out() {
    let feed = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y\r\n\
        BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Company holidays\r\nCATEGORIES:closed\r\nDTSTART;VALUE=DATE:20261228\r\nDTEND;VALUE=DATE:20261231\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:2\r\nSUMMARY:New Year\r\nCATEGORIES:closed\r\nDTSTART;VALUE=DATE:20200101\r\nRRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20280101\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:3\r\nSUMMARY:Team lunch\r\nDTSTART:20261126T120000Z\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:4\r\nSUMMARY:Birthday\r\nDTSTART;VALUE=DATE:20261127\r\nEND:VEVENT\r\n\
        END:VCALENDAR\r\n";
    let text = format!("{BERLIN}[[imports]]\nfile = \"it.ics\"\nonly = [\"closed\"]\n");
    let files = [("calendars/it.toml", text.as_str()), ("calendars/it.ics", feed)];
    let read = Calendars::load(&files.into_iter().collect());
    assert_eq!(read.errors, []);
    let said: Vec<String> = read.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["calendars/it.ics:19:1: “Team lunch” has a time of day, so it is no holiday and is left out"]);
    let it = read.calendars.get("it").unwrap();
    let closed = |day: &str| it.hours(day.parse().unwrap()).is_empty();
    let days = ["2026-12-28", "2026-12-30", "2026-12-31", "2027-01-01", "2028-01-01", "2026-11-27"];
    assert_eq!(days.map(closed), [true, true, false, true, true, false], "2028-01-01 is a Saturday");
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    let one = |text: &str| faults(&[("calendars/x.toml", text)]).join("\n");
    assert_eq!(
        one("zone = \"Europe/Atlantis\"\n[hours]\n"),
        "calendars/x.toml:1:8: there is no time zone `Europe/Atlantis`: expected an IANA name, for example `Europe/Berlin`"
    );
    let hours = |hours: &str| one(&format!("zone = \"UTC\"\n[hours]\n{hours}\n"));
    assert_eq!(
        hours("mon = [\"08:00-12:00\", \"11:00-15:00\"]"),
        "calendars/x.toml:3:23: these hours overlap with 08:00-12:00 of the same day"
    );
    assert_eq!(
        hours("moon = [\"08:00-12:00\"]"),
        "calendars/x.toml:3:1: `moon` is no day: expected for example `mon`, `mon-fri` or `sat, sun`\ncalendars/x.toml:1:1: it is never open: a clock on it would never fall due"
    );
    assert_eq!(
        hours("mon = [\"8-12\"]\ntue = [\"08:00-12:00\"]"),
        "calendars/x.toml:3:8: `8-12` are no hours: expected for example `08:00-12:00`"
    );
    assert!(hours("").contains("it is never open"));
    let holiday = |line: &str| {
        one(&format!("zone = \"UTC\"\n[hours]\nmon = [\"08:00-12:00\"]\n[[holidays]]\nname = \"N\"\n{line}\n"))
    };
    assert!(holiday("date = \"25.12.2026\"").starts_with("calendars/x.toml:6:8: `25.12.2026` is no date"));
    assert!(holiday("every = \"13-01\"").starts_with("calendars/x.toml:6:9: `13-01` is no day of the year"));
    assert!(holiday("rule = \"FREQ=SOMETIMES\"").starts_with("calendars/x.toml:6:8: `FREQ=SOMETIMES` is no rule"));
    assert!(holiday("").starts_with("calendars/x.toml:5:8: a holiday has one of"));
    assert!(holiday("date = \"1926-12-25\"").contains("outside the years"));
}

#[test]
fn two_calendars_for_one_site_are_refused() {
    let site = "zone = \"UTC\"\n[hours]\nmon = [\"08:00-12:00\"]\n[serves]\nwarehouses = [\"BER\"]\n";
    assert_eq!(
        faults(&[("calendars/a.toml", site), ("calendars/b.toml", site)]),
        ["calendars/b.toml:5:15: the warehouse `BER` is served by the calendar `a` already"]
    );
}

#[test]
fn a_holiday_file_with_garbage_is_refused_with_its_line() {
    let with = |feed: &str| {
        let text = format!("{BERLIN}[[imports]]\nfile = \"it.ics\"\n");
        faults(&[("calendars/it.toml", &text), ("calendars/it.ics", feed)]).join("\n")
    };
    let event =
        |line: &str| with(&format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:X\n{line}\nEND:VEVENT\nEND:VCALENDAR\n"));
    assert_eq!(
        event("DTSTART;VALUE=DATE:20261399"),
        "calendars/it.ics:4:1: `20261399` is no date: expected `20261225`"
    );
    assert_eq!(event("DTEND;VALUE=DATE:20261224"), "calendars/it.ics:2:1: the event “X” has no DTSTART");
    for garbage in ["", "hello", "\u{0}\u{1}", "{\"a\": 1}", "BEGIN:VCALENDAR\nBEGIN:VEVENT\n"] {
        assert!(with(garbage).starts_with("calendars/it.ics:"), "{garbage:?}: {}", with(garbage));
    }
    let text = format!("{BERLIN}[[imports]]\nfile = \"other.ics\"\n");
    assert!(faults(&[("calendars/it.toml", &text)])[0].contains("there is no file `other.ics` beside this one"));
}

/// Minutes of a week as the model sees them.
fn brute(calendar: &Calendar, start: DateTime<Utc>, minutes: i64) -> Option<DateTime<Utc>> {
    let mut left = minutes;
    let mut now = start;
    for _ in 0..200_000 {
        if left == 0 {
            return Some(now);
        }
        let (date, time) = calendar.local(now);
        let second = seconds(time);
        if calendar.hours(date).iter().any(|h| h.from <= second && second < h.to) {
            left -= 1;
        }
        now += TimeDelta::minutes(1);
    }
    None
}

fn random_week() -> impl Strategy<Value = [Vec<Hours>; 7]> {
    // Cut points of a day; every second stretch is open. Whole hours, since within a repeated hour a shift goes on,
    // while the walk of minutes, which knows only what the clock shows, would go home and come back.
    let day = proptest::collection::btree_set(0..=24_i32, 0..6).prop_map(|cuts| {
        let cuts: Vec<i32> = cuts.into_iter().map(|c| c * 3_600).collect();
        cuts.chunks_exact(2).map(|c| Hours { from: c[0], to: c[1] }).collect::<Vec<_>>()
    });
    proptest::array::uniform7(day).prop_filter("open at all", |week| week.iter().any(|d| !d.is_empty()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Any week, any zone, around both changes of the clock: the same as walking minute by minute.
    #[test]
    fn any_week_agrees_with_a_walk_of_minutes(
        week in random_week(),
        zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Sydney", "America/Santiago", "Australia/Lord_Howe"]),
        around in proptest::sample::select(vec!["2026-03-26T00:00:00Z", "2026-04-02T00:00:00Z", "2026-10-22T00:00:00Z", "2026-09-30T00:00:00Z", "2026-07-01T00:00:00Z"]),
        offset in 0..8_000_i64,
        minutes in 0..6_000_i64,
    ) {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(zone).unwrap();
        let calendar = Calendar::new("c", "c", zone, week);
        let start = at(around) + TimeDelta::minutes(offset);
        let expected = brute(&calendar, start, minutes);
        prop_assume!(expected.is_some());
        // The walk stands at the end of the last minute of work, and so does the answer.
        prop_assert_eq!(calendar.add(start, TimeDelta::minutes(minutes)), expected);
        prop_assert_eq!(calendar.between(start, expected.unwrap()), TimeDelta::minutes(minutes));
    }
}
