//! The same questions to somebody else: `businesstimedelta` of Python answers random cases, and so must we.

#![allow(clippy::unwrap_used)]

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

use chrono::DateTime;
use jiff::tz::TimeZoneDatabase;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::*;

const CASES: usize = 300;
const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Sydney",
    "America/Santiago",
    "Asia/Kolkata",
    "Pacific/Auckland",
];

#[test]
fn random_cases_agree_with_a_library_of_another_language() {
    let seed = env::var("MILEPOST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(rand::random::<u64>);
    let mut dice = StdRng::seed_from_u64(seed);
    let cases: Vec<Value> = (0..CASES).map(|_| case(&mut dice)).collect();
    let answers = ask(&cases);
    assert_eq!(answers.len(), CASES);
    for (case, answer) in cases.iter().zip(answers) {
        let calendar = calendar(case);
        let number = |value: &Value| value.as_i64().unwrap();
        let at = |value: &Value| DateTime::from_timestamp(number(value), 0).unwrap();
        let start = at(&case["start"]);
        let due = calendar.add(start, TimeDelta::seconds(number(&case["seconds"]))).unwrap();
        let between = calendar.between(start, at(&case["until"])).num_seconds();
        assert_eq!(
            (due.timestamp(), between),
            (number(&answer["due"]), number(&answer["between"])),
            "seed {seed} (MILEPOST_SEED): {case}"
        );
    }
}

/// One week with one pattern of hours, a break, and some holidays, since that is what the library can say.
fn case(dice: &mut StdRng) -> Value {
    let open = dice.random_range(4..11) * 3_600 + dice.random_range(0..4) * 900;
    let close = open + dice.random_range(4..12) * 3_600;
    let pause = open + 3_600 * dice.random_range(1..3);
    let mut days: Vec<i64> = (0..7).filter(|_| dice.random_ratio(3, 5)).collect();
    if days.is_empty() {
        days.push(dice.random_range(0..7));
    }
    // 2026 with its four changes of the clock, and a little of 2027.
    let start: i64 = 1_767_225_600 + dice.random_range(0..380 * 86_400);
    let holidays: Vec<i64> = (0..dice.random_range(0..8)).map(|_| start / 86_400 + dice.random_range(-1..60)).collect();
    json!({
        "zone": ZONES.choose(dice).unwrap(),
        "days": days,
        "open": open,
        "close": close,
        "break": [pause, pause + 900 * dice.random_range(1..4)],
        "holidays": holidays,
        "start": start,
        "seconds": dice.random_range(1..60 * 3_600),
        "until": start + dice.random_range(0..40 * 86_400),
    })
}

fn calendar(case: &Value) -> Calendar {
    let second = |value: &Value| i32::try_from(value.as_i64().unwrap()).unwrap();
    let (from, to) = (second(&case["break"][0]), second(&case["break"][1]));
    let day = vec![Hours { from: second(&case["open"]), to: from }, Hours { from: to, to: second(&case["close"]) }];
    let working: Vec<i64> = case["days"].as_array().unwrap().iter().map(|d| d.as_i64().unwrap()).collect();
    let week = std::array::from_fn(|n| if working.contains(&(n as i64)) { day.clone() } else { Vec::new() });
    let zone = TimeZoneDatabase::bundled().get(case["zone"].as_str().unwrap()).unwrap();
    let mut calendar = Calendar::new("c", "c", zone, week);
    for days in case["holidays"].as_array().unwrap() {
        let at = DateTime::from_timestamp(days.as_i64().unwrap() * 86_400, 0).unwrap();
        let date: Date = at.format("%F").to_string().parse().unwrap();
        calendar.special.insert(date, Special { name: String::new(), hours: Vec::new() });
    }
    calendar
}

fn ask(cases: &[Value]) -> Vec<Value> {
    let root = env!("CARGO_MANIFEST_DIR");
    let python = format!("{root}/tests/.venv/bin/python");
    let mut child = Command::new(&python)
        .arg(format!("{root}/tests/clients/business_time.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{python}: {error}; `make setup` installs it"));
    let mut input = child.stdin.take().unwrap();
    input.write_all(serde_json::to_string(cases).unwrap().as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the library answers");
    serde_json::from_slice(&output.stdout).unwrap()
}
