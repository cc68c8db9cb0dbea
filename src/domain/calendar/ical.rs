//! Holiday feeds in iCalendar form (RFC 5545): the whole days of their events. An event with a time of day is no
//! holiday and is left out with a warning; a date that is none refuses the file, with its line.

use icalendar::parser::{Component, Property, read_calendar, unfold};
use jiff::ToSpan;
use jiff::civil::Date;

use super::holidays;

/// Longest stretch of days that one event may take.
const MAX_LENGTH: usize = 60;

#[derive(Debug, Default)]
pub struct Feed {
    pub events: Vec<Event>,
    /// Line and what is odd there.
    pub odd: Vec<(usize, String)>,
}

#[derive(Debug)]
pub struct Event {
    pub name: String,
    /// Summary and categories, to choose by.
    pub words: String,
    pub days: Vec<Date>,
}

/// The events of a feed, or what is wrong with it and in which line.
pub fn read(text: &str) -> Result<Feed, Vec<(usize, String)>> {
    let unfolded = unfold(text);
    let calendar = read_calendar(&unfolded).map_err(|error| vec![(fault_line(text, &error), fault(&error))])?;
    if !text.to_ascii_uppercase().contains("BEGIN:VCALENDAR") {
        return Err(vec![(1, "this is no iCalendar file: it does not begin with `BEGIN:VCALENDAR`".to_owned())]);
    }
    let mut feed = Feed::default();
    let mut errors = Vec::new();
    let begins: Vec<usize> = lines_of(text, "BEGIN:VEVENT");
    let events = calendar.components.iter().filter(|c| c.name.as_str().eq_ignore_ascii_case("VEVENT"));
    for (number, event) in events.enumerate() {
        let line = begins.get(number).copied().unwrap_or(1);
        match one(event) {
            Ok(Some(event)) => feed.events.push(event),
            Ok(None) => {}
            Err(Trouble::Odd(what)) => feed.odd.push((line, what)),
            Err(Trouble::Wrong(what, value)) => errors.push((line_of(text, line, &value), what)),
        }
    }
    if errors.is_empty() { Ok(feed) } else { Err(errors) }
}

enum Trouble {
    Odd(String),
    /// What is wrong, and the value that shows where.
    Wrong(String, String),
}

fn one(event: &Component<'_>) -> Result<Option<Event>, Trouble> {
    let value = |name: &str| event.find_prop(name).map(|p| p.val.as_str().trim().to_owned());
    if value("STATUS").is_some_and(|s| s.eq_ignore_ascii_case("CANCELLED")) {
        return Ok(None);
    }
    let name = value("SUMMARY").filter(|s| !s.is_empty()).unwrap_or_else(|| "Holiday".to_owned());
    let Some(start) = event.find_prop("DTSTART") else {
        return Err(Trouble::Wrong(format!("the event “{name}” has no DTSTART"), String::new()));
    };
    if timed(start) {
        return Err(Trouble::Odd(format!("“{name}” has a time of day, so it is no holiday and is left out")));
    }
    let first = date(start)?;
    let end = event.find_prop("DTEND").map(date).transpose()?;
    let length = match (end, value("DURATION")) {
        (Some(end), _) => usize::try_from(first.until(end).map_or(1, |s| s.get_days())).unwrap_or(0).max(1),
        (None, Some(duration)) => duration
            .strip_prefix('P')
            .and_then(|d| d.strip_suffix('D')?.parse().ok())
            .ok_or_else(|| Trouble::Wrong(format!("`{duration}` is no number of days"), duration.clone()))?,
        (None, None) => 1,
    };
    if length > MAX_LENGTH {
        return Err(Trouble::Wrong(format!("“{name}” takes {length} days"), start.val.as_str().to_owned()));
    }
    let mut starts = match value("RRULE") {
        Some(rule) => holidays::by_rule(&rule, first).map_err(|what| Trouble::Wrong(what, rule))?,
        None => vec![first],
    };
    for list in event.properties.iter().filter(|p| p.name.as_str().eq_ignore_ascii_case("EXDATE")) {
        for text in list.val.as_str().split(',') {
            let out = day(text).ok_or_else(|| Trouble::Wrong(format!("`{text}` is no date"), text.to_owned()))?;
            starts.retain(|d| *d != out);
        }
    }
    let more = |first: Date| (0..length).filter_map(move |n| first.checked_add(i64::try_from(n).ok()?.days()).ok());
    let categories = event.properties.iter().filter(|p| p.name.as_str().eq_ignore_ascii_case("CATEGORIES"));
    let words = categories.fold(name.clone(), |words, p| format!("{words} {}", p.val.as_str()));
    Ok(Some(Event { name, words, days: starts.into_iter().flat_map(more).collect() }))
}

fn timed(property: &Property<'_>) -> bool {
    property.val.as_str().contains('T')
}

fn date(property: &Property<'_>) -> Result<Date, Trouble> {
    let text = property.val.as_str();
    day(text).ok_or_else(|| Trouble::Wrong(format!("`{text}` is no date: expected `20261225`"), text.to_owned()))
}

/// `20261225`; what follows a `T` is of no interest here.
fn day(text: &str) -> Option<Date> {
    let text = text.trim().split('T').next()?;
    if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Date::new(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?).ok()
}

/// Lines, from 1, that begin so.
fn lines_of(text: &str, begin: &str) -> Vec<usize> {
    let starts = |line: &str| line.trim_end().eq_ignore_ascii_case(begin);
    text.lines().enumerate().filter(|(_, line)| starts(line)).map(|(number, _)| number + 1).collect()
}

/// The line at or after one that holds a value; that one itself when there is none.
fn line_of(text: &str, from: usize, value: &str) -> usize {
    let holds = |(_, line): &(usize, &str)| !value.is_empty() && line.contains(value);
    text.lines().enumerate().skip(from - 1).find(holds).map_or(from, |(number, _)| number + 1)
}

/// The parser tells a fault as `at line 3, in …`; of an unfolded text, so long lines may move it a little.
fn fault_line(text: &str, error: &str) -> usize {
    let told = error
        .split("at line ")
        .nth(1)
        .and_then(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<usize>().ok());
    told.unwrap_or(1).clamp(1, text.lines().count().max(1))
}

fn fault(error: &str) -> String {
    let first = error.lines().find(|line| !line.trim().is_empty()).unwrap_or("cannot be read");
    // The parser's own trail (`0: at line 3, in Tag:`) says nothing more than the place.
    match first.contains("at line ") {
        true => "this is no iCalendar file: it cannot be read from here on".to_owned(),
        false => format!("this is no iCalendar file: {}", first.trim().trim_start_matches("error: ")),
    }
}
