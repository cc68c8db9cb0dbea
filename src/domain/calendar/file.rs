//! Calendars from their files: `calendars/berlin.toml`, with holiday feeds (`.ics`) beside it. What makes no sense is
//! refused with its place; what only looks odd is a warning.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZoneDatabase;
use serde::Deserialize;
use toml::Spanned;

use super::holidays::{self, FIRST_YEAR, LAST_YEAR};
use super::{Calendar, DAY_S, Hours, Serves, Special, ical, weekday_named};
use crate::domain::{DefinitionError, Files};

/// Whom a calendar serves: the field, its value, and where that stands.
type Served = (&'static str, String, usize);

/// Where calendars and the feeds that they import lie.
const FOLDER: &str = "calendars/";

/// All calendars of a set, by key. `always` is there even without a file.
#[derive(Clone, Debug)]
pub struct Calendars(BTreeMap<String, Arc<Calendar>>);

/// What was read, what is wrong with it, and what is odd.
#[derive(Debug, Default)]
pub struct Read {
    pub calendars: Calendars,
    pub errors: Vec<DefinitionError>,
    pub warnings: Vec<DefinitionError>,
}

impl Default for Calendars {
    fn default() -> Self {
        let always = Calendar::always();
        Self(BTreeMap::from([(always.key.clone(), always)]))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    key: Option<Spanned<String>>,
    title: Option<String>,
    zone: Spanned<String>,
    cutoff: Option<Spanned<String>>,
    hours: BTreeMap<Spanned<String>, Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    holidays: Vec<Holiday>,
    #[serde(default)]
    imports: Vec<Import>,
    #[serde(default)]
    serves: ServesEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Holiday {
    name: Spanned<String>,
    date: Option<Spanned<String>>,
    #[serde(default)]
    dates: Vec<Spanned<String>>,
    every: Option<Spanned<String>>,
    easter: Option<i16>,
    rule: Option<Spanned<String>>,
    /// Open at these hours instead of closed.
    #[serde(default)]
    hours: Vec<Spanned<String>>,
    observed: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    file: Spanned<String>,
    /// Only events whose summary or categories hold one of these words.
    #[serde(default)]
    only: Vec<String>,
    #[serde(default)]
    hours: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServesEntry {
    warehouses: Vec<Spanned<String>>,
    customers: Vec<Spanned<String>>,
    carriers: Vec<Spanned<String>>,
}

/// Gathers what is wrong with one file.
struct Reading<'a> {
    file: &'a str,
    text: &'a str,
    errors: Vec<DefinitionError>,
    warnings: Vec<DefinitionError>,
}

impl Calendars {
    /// Reads `(path, text)` of all files of a folder `calendars`: TOML, and the feeds that they import.
    pub fn load(files: &Files) -> Read {
        let mut read = Read::default();
        let mut serving: BTreeMap<(&str, String), String> = BTreeMap::new();
        for (path, text) in files.in_folder(FOLDER, "toml") {
            let mut reading = Reading { file: path, text, errors: Vec::new(), warnings: Vec::new() };
            if let Some((calendar, serves)) = reading.calendar(files) {
                for (kind, name, offset) in serves {
                    if let Some(other) = serving.insert((kind, name.clone()), calendar.key.clone()) {
                        reading.wrong(offset, format!("{kind} `{name}` is served by the calendar `{other}` already"));
                    }
                }
                let key = calendar.key.clone();
                if read.calendars.0.get(&key).is_some_and(|_| key != "always")
                    || (key == "always"
                        && files.in_folder(FOLDER, "toml").filter(|(p, _)| stem(p) == "always").count() > 1)
                {
                    reading.wrong(0, format!("the calendar `{key}` stands in two files"));
                }
                read.calendars.0.insert(key, Arc::new(calendar));
            }
            read.errors.append(&mut reading.errors);
            read.warnings.append(&mut reading.warnings);
        }
        read
    }

    pub fn get(&self, key: &str) -> Option<&Arc<Calendar>> {
        self.0.get(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Calendar>> {
        self.0.values()
    }

    pub fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    pub fn of_warehouse(&self, name: &str) -> Option<&Arc<Calendar>> {
        self.iter().find(|c| c.serves.warehouses.iter().any(|w| w == name))
    }

    pub fn of_customer(&self, name: &str) -> Option<&Arc<Calendar>> {
        self.iter().find(|c| c.serves.customers.iter().any(|w| w == name))
    }

    pub fn of_carrier(&self, name: &str) -> Option<&Arc<Calendar>> {
        self.iter().find(|c| c.serves.carriers.iter().any(|w| w == name))
    }
}

fn stem(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path).trim_end_matches(".toml")
}

impl Reading<'_> {
    fn wrong(&mut self, offset: usize, what: impl Into<String>) {
        let error = DefinitionError::at(self.file, self.text, offset, what.into());
        // `mon-fri` is wrong once, and not on five days.
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    fn odd(&mut self, offset: usize, what: impl Into<String>) {
        let warning = DefinitionError::at(self.file, self.text, offset, what.into());
        self.warnings.push(warning);
    }

    /// The calendar, and whom it serves with the places that say so.
    fn calendar(&mut self, files: &Files) -> Option<(Calendar, Vec<Served>)> {
        let file: File = match toml::from_str(self.text) {
            Ok(file) => file,
            Err(error) => {
                self.wrong(error.span().map_or(0, |s| s.start), error.message().trim());
                return None;
            }
        };
        let key = file.key.map_or_else(|| stem(self.file).to_owned(), Spanned::into_inner);
        let Ok(zone) = TimeZoneDatabase::bundled().get(file.zone.get_ref()) else {
            let zone = file.zone.get_ref();
            self.wrong(
                file.zone.span().start,
                format!("there is no time zone `{zone}`: expected an IANA name, for example `Europe/Berlin`"),
            );
            return None;
        };
        let week = self.week(&file.hours);
        let title = file.title.unwrap_or_else(|| format!("{key} hours"));
        let mut calendar = Calendar::new(&key, &title, zone, week);
        calendar.cutoff = file.cutoff.as_ref().and_then(|text| {
            let read = time_of_day(text.get_ref()).filter(|s| *s < DAY_S).and_then(civil);
            if read.is_none() {
                self.wrong(text.span().start, format!("`{}` is no time of day: expected `14:00`", text.get_ref()));
            }
            read
        });
        for holiday in &file.holidays {
            self.holiday(&mut calendar, holiday);
        }
        for import in &file.imports {
            self.import(&mut calendar, import, files);
        }
        if calendar.week.iter().all(Vec::is_empty) && calendar.special.values().all(|day| day.hours.is_empty()) {
            self.wrong(0, "it is never open: a clock on it would never fall due");
        }
        let mut serves = Vec::new();
        let mut take = |kind, names: &[Spanned<String>]| {
            serves.extend(names.iter().map(|n| (kind, n.get_ref().clone(), n.span().start)));
            names.iter().map(|n| n.get_ref().clone()).collect::<Vec<String>>()
        };
        calendar.serves = Serves {
            warehouses: take("the warehouse", &file.serves.warehouses),
            customers: take("the customer", &file.serves.customers),
            carriers: take("the carrier", &file.serves.carriers),
        };
        calendar.settle();
        Some((calendar, serves))
    }

    fn week(&mut self, hours: &BTreeMap<Spanned<String>, Spanned<Vec<Spanned<String>>>>) -> [Vec<Hours>; 7] {
        let mut week: [Vec<(Hours, usize)>; 7] = std::array::from_fn(|_| Vec::new());
        for (days, stretches) in hours {
            let Some(named) = days_named(days.get_ref()) else {
                self.wrong(
                    days.span().start,
                    format!("`{}` is no day: expected for example `mon`, `mon-fri` or `sat, sun`", days.get_ref()),
                );
                continue;
            };
            for text in stretches.get_ref() {
                let Some((from, to)) = self.stretch(text) else { continue };
                let place = text.span().start;
                for day in &named {
                    if from < to {
                        week[*day].push((Hours { from, to }, place));
                    } else {
                        // Over midnight: the rest belongs to the next day.
                        week[*day].push((Hours { from, to: DAY_S }, place));
                        if to > 0 {
                            week[(day + 1) % 7].push((Hours { from: 0, to }, place));
                        }
                    }
                }
            }
        }
        week.map(|mut day| {
            day.sort();
            if let Some(pair) = day.windows(2).find(|pair| pair[1].0.from < pair[0].0.to) {
                let (at, text) = (pair[0].1.max(pair[1].1), said(pair[0].0));
                self.wrong(at, format!("these hours overlap with {text} of the same day"));
            }
            join(day.into_iter().map(|(hours, _)| hours))
        })
    }

    fn stretch(&mut self, text: &Spanned<String>) -> Option<(i32, i32)> {
        let read = text.get_ref().split_once('-').and_then(|(from, to)| Some((time_of_day(from)?, time_of_day(to)?)));
        match read {
            Some((from, to)) if from != to && from < DAY_S => Some((from, to)),
            _ => {
                self.wrong(
                    text.span().start,
                    format!("`{}` are no hours: expected for example `08:00-12:00`", text.get_ref()),
                );
                None
            }
        }
    }

    /// Hours of one special day; none of them means closed.
    fn hours_of(&mut self, stretches: &[Spanned<String>]) -> Vec<Hours> {
        let mut hours = Vec::new();
        for text in stretches {
            match self.stretch(text) {
                Some((from, to)) if from < to => hours.push(Hours { from, to }),
                Some(_) => self.wrong(text.span().start, "the hours of a special day end on the same day"),
                None => {}
            }
        }
        hours.sort();
        if hours.windows(2).any(|pair| pair[1].from < pair[0].to)
            && let Some(text) = stretches.first()
        {
            self.wrong(text.span().start, "these hours overlap");
        }
        join(hours.into_iter())
    }

    fn holiday(&mut self, calendar: &mut Calendar, holiday: &Holiday) {
        let place = holiday.name.span().start;
        let mut days: Vec<Date> = Vec::new();
        for text in holiday.date.iter().chain(&holiday.dates) {
            match text.get_ref().parse::<Date>() {
                Ok(date) => days.push(date),
                Err(_) => self.wrong(
                    text.span().start,
                    format!("`{}` is no date: expected for example `2026-12-25`", text.get_ref()),
                ),
            }
        }
        if let Some(text) = &holiday.every {
            match holidays::yearly(text.get_ref()) {
                Some(found) => days.extend(found),
                None => self.wrong(
                    text.span().start,
                    format!("`{}` is no day of the year: expected for example `12-25`", text.get_ref()),
                ),
            }
        }
        if let Some(offset) = holiday.easter {
            days.extend(holidays::by_easter(offset));
        }
        if let Some(text) = &holiday.rule {
            match holidays::by_rule(text.get_ref(), Date::constant(FIRST_YEAR, 1, 1)) {
                Ok(found) => days.extend(found),
                Err(what) => self.wrong(text.span().start, what),
            }
        }
        let given = usize::from(holiday.date.is_some())
            + usize::from(!holiday.dates.is_empty())
            + usize::from(holiday.every.is_some())
            + usize::from(holiday.easter.is_some())
            + usize::from(holiday.rule.is_some());
        if given != 1 {
            self.wrong(place, "a holiday has one of `date`, `dates`, `every`, `easter` or `rule`");
        }
        if let Some(observed) = &holiday.observed {
            match observed.get_ref().as_str() {
                "nearest" | "next" => {
                    let taken = |date: Date| calendar.special.contains_key(&date);
                    days = days.into_iter().map(|d| holidays::observed(d, observed.get_ref(), taken)).collect();
                }
                other => self.wrong(observed.span().start, format!("`{other}`: expected `nearest` or `next`")),
            }
        }
        // What a rule gives beyond the years that are known is not wrong; a date that was written is.
        let written = holiday.date.is_some() || !holiday.dates.is_empty();
        days.retain(|date| written || (FIRST_YEAR..=LAST_YEAR).contains(&date.year()));
        let hours = self.hours_of(&holiday.hours);
        for date in days {
            self.put(calendar, date, holiday.name.get_ref(), hours.clone(), place);
        }
    }

    /// A day off wins over a half day; two half days with different hours contradict each other.
    fn put(&mut self, calendar: &mut Calendar, date: Date, name: &str, hours: Vec<Hours>, place: usize) {
        if !(FIRST_YEAR..=LAST_YEAR).contains(&date.year()) {
            self.wrong(place, format!("{date} is outside the years {FIRST_YEAR} to {LAST_YEAR}"));
            return;
        }
        match calendar.special.get(&date) {
            Some(old) if old.hours.is_empty() => {}
            Some(old) if !hours.is_empty() && old.hours != hours => {
                let other = old.name.clone();
                self.wrong(place, format!("{date} has other hours already, as `{other}`"));
            }
            _ => {
                calendar.special.insert(date, Special { name: name.to_owned(), hours });
            }
        }
    }

    fn import(&mut self, calendar: &mut Calendar, import: &Import, files: &Files) {
        let place = import.file.span().start;
        let path = format!("{FOLDER}{}", import.file.get_ref());
        let Some(text) = files.get(&path) else {
            self.wrong(place, format!("there is no file `{}` beside this one", import.file.get_ref()));
            return;
        };
        let feed = match ical::read(text) {
            Ok(feed) => feed,
            Err(errors) => {
                let named = errors.into_iter().map(|(line, what)| DefinitionError {
                    file: path.clone(),
                    line,
                    column: 1,
                    what,
                });
                self.errors.extend(named);
                return;
            }
        };
        for (line, what) in feed.odd {
            self.warnings.push(DefinitionError { file: path.clone(), line, column: 1, what });
        }
        let hours = self.hours_of(&import.hours);
        let mut days = 0;
        for event in feed.events {
            let wanted = |word: &String| event.words.to_lowercase().contains(&word.to_lowercase());
            if !import.only.is_empty() && !import.only.iter().any(wanted) {
                continue;
            }
            for date in event.days.into_iter().filter(|d| (FIRST_YEAR..=LAST_YEAR).contains(&d.year())) {
                days += 1;
                self.put(calendar, date, &event.name, hours.clone(), place);
            }
        }
        if days == 0 {
            self.odd(place, format!("no day of `{}` is taken", import.file.get_ref()));
        }
    }
}

/// Adjoining stretches become one.
fn join(hours: impl Iterator<Item = Hours>) -> Vec<Hours> {
    let mut joined: Vec<Hours> = Vec::new();
    for next in hours {
        match joined.last_mut() {
            Some(last) if next.from <= last.to => last.to = last.to.max(next.to),
            _ => joined.push(next),
        }
    }
    joined
}

/// `mon`, `mon-fri`, `sat, sun`, `fri-mon`.
fn days_named(text: &str) -> Option<Vec<usize>> {
    let mut days = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            None => days.push(weekday_named(part)?),
            Some((from, to)) => {
                let (from, to) = (weekday_named(from)?, weekday_named(to)?);
                let length = (to + 7 - from) % 7;
                days.extend((0..=length).map(|step| (from + step) % 7));
            }
        }
    }
    Some(days)
}

/// `08:00` or `08:00:30` in seconds; `24:00` is the end of the day.
pub(in crate::domain) fn time_of_day(text: &str) -> Option<i32> {
    let mut parts = text.trim().split(':');
    let mut number = |limit: i32, wanted: bool| -> Option<i32> {
        let Some(part) = parts.next() else { return if wanted { None } else { Some(0) } };
        let good = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        let number: i32 = if good { part.parse().ok()? } else { return None };
        (number <= limit).then_some(number)
    };
    let (hours, minutes, seconds) = (number(24, true)?, number(59, true)?, number(59, false)?);
    let all = hours * 3_600 + minutes * 60 + seconds;
    (parts.next().is_none() && all <= DAY_S).then_some(all)
}

/// Seconds from midnight as a time of day.
pub(in crate::domain) fn civil(seconds: i32) -> Option<Time> {
    let part = |n: i32| i8::try_from(n).ok();
    Time::new(part(seconds / 3_600)?, part(seconds / 60 % 60)?, part(seconds % 60)?, 0).ok()
}

fn said(hours: Hours) -> String {
    let clock = |s: i32| format!("{:02}:{:02}", s / 3_600, s / 60 % 60);
    format!("{}-{}", clock(hours.from), clock(hours.to))
}
