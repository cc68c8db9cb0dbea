//! SLAs of a definition as its file writes them: policies, their narrower cases, and the states that stop clocks.
//! What they mean is `domain/slas`'s business.

use std::sync::Arc;

use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde::Deserialize;
use toml::Spanned;

use super::milestones::{EventMatch, MilestoneRule};
use super::reader::Reader;
use crate::domain::Money;
use crate::domain::calendar::{Allowance, Calendars, civil, time_of_day};
use crate::domain::slas::{By, CalendarChoice, Limit, Narrowing, Pause, SlaKind, SlaRule, Subject, Warn};

type Text = Option<Spanned<String>>;
type List = Option<Spanned<Vec<String>>>;

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    key: Spanned<String>,
    /// Makes it a narrower case of another policy: what it does not say is as there.
    case_of: Text,
    title: Option<String>,
    kind: Text,
    from: Text,
    to: Text,
    /// Propagation: the event, whose it is, and who is to know of it.
    event: Text,
    of: Option<String>,
    known_to: Option<String>,
    /// Silence: systems of which word is expected.
    word_from: List,
    within: Text,
    by: Text,
    promise: Text,
    warn: Text,
    pauses: List,
    calendar: Text,
    target: Text,
    customers: List,
    lanes: List,
    carriers: List,
    warehouses: List,
    priorities: List,
    value_from: Text,
    value_below: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PauseEntry {
    key: Spanned<String>,
    title: Option<String>,
    from: Spanned<Vec<String>>,
    until: Spanned<Vec<String>>,
}

/// Fields of a root that a promise may name.
const PROMISES: [&str; 2] = ["promised_ship", "promised_delivery"];

/// What the reader of SLAs needs to know of the rest.
pub struct Around<'a> {
    pub milestones: &'a [MilestoneRule],
    pub calendars: &'a Arc<Calendars>,
    pub pauses: &'a [PauseEntry],
}

/// Reads the SLAs; one that does not make sense is told and left out.
pub fn read(entries: &[Entry], around: &Around<'_>, reader: &mut Reader<'_>) -> Vec<SlaRule> {
    let pauses = read_pauses(around.pauses, reader);
    let mut slas: Vec<SlaRule> = Vec::new();
    for entry in entries {
        if entries.iter().take_while(|e| !std::ptr::eq(*e, entry)).any(|e| e.key.get_ref() == entry.key.get_ref()) {
            reader.fault(entry.key.span().start, format!("SLA `{}` stands here twice", entry.key.get_ref()));
        }
        let whole = match &entry.case_of {
            None => entry.clone(),
            Some(name) => match entries.iter().find(|e| e.key.get_ref() == name.get_ref() && e.case_of.is_none()) {
                Some(base) => entry.over(base),
                None => {
                    reader.fault(name.span().start, format!("there is no policy `{}`", name.get_ref()));
                    continue;
                }
            },
        };
        if let Some(rule) = one(&whole, around, &pauses, reader) {
            if rule.key != rule.policy && rule.only.is_everything() {
                reader.fault(entry.key.span().start, "a case of a policy is narrowed by at least one condition");
            }
            slas.push(rule);
        }
    }
    odd(&slas, entries, reader);
    slas
}

impl Entry {
    /// What this says, and for the rest what the base says. Conditions are its own.
    fn over(&self, base: &Self) -> Self {
        let limited = self.within.is_some() || self.promise.is_some() || self.by.is_some();
        let limit = if limited { self } else { base };
        Self {
            title: self.title.clone().or_else(|| base.title.clone()),
            kind: self.kind.clone().or_else(|| base.kind.clone()),
            from: self.from.clone().or_else(|| base.from.clone()),
            to: self.to.clone().or_else(|| base.to.clone()),
            event: self.event.clone().or_else(|| base.event.clone()),
            of: self.of.clone().or_else(|| base.of.clone()),
            known_to: self.known_to.clone().or_else(|| base.known_to.clone()),
            word_from: self.word_from.clone().or_else(|| base.word_from.clone()),
            within: limit.within.clone(),
            by: limit.by.clone(),
            promise: limit.promise.clone(),
            warn: self.warn.clone().or_else(|| base.warn.clone()),
            pauses: self.pauses.clone().or_else(|| base.pauses.clone()),
            calendar: self.calendar.clone().or_else(|| base.calendar.clone()),
            target: self.target.clone().or_else(|| base.target.clone()),
            ..self.clone()
        }
    }
}

fn one(entry: &Entry, around: &Around<'_>, pauses: &[Pause], reader: &mut Reader<'_>) -> Option<SlaRule> {
    let here = entry.key.span().start;
    let subject = subject(entry, around, reader)?;
    let limit = limit(entry, reader)?;
    let kind = kind(entry, &subject, &limit, reader)?;
    let named = entry.pauses.iter().flat_map(|list| list.get_ref().iter().map(|name| (name, list.span().start)));
    let mut stops = Vec::new();
    for (name, place) in named {
        match pauses.iter().find(|pause| pause.key == *name) {
            Some(pause) => stops.push(pause.clone()),
            None => {
                let known: Vec<&str> = pauses.iter().map(|p| p.key.as_str()).collect();
                reader.fault(place, format!("there is no pause `{name}`: known are {}", known.join(", ")));
            }
        }
    }
    let target = match &entry.target {
        None => Decimal::new(95, 2),
        Some(text) => share(text.get_ref()).or_else(|| {
            reader.fault(text.span().start, "expected a share between 0 and 1");
            None
        })?,
    };
    Some(SlaRule {
        key: entry.key.get_ref().clone(),
        policy: entry.case_of.as_ref().unwrap_or(&entry.key).get_ref().clone(),
        title: entry.title.clone().or_else(|| {
            reader.fault(here, "an SLA has a `title`");
            None
        })?,
        kind,
        subject,
        limit,
        warn: warn(entry, reader)?,
        pauses: stops,
        calendar: calendar(entry.calendar.as_ref(), around.calendars, reader)?,
        only: narrowing(entry, reader)?,
        target,
    })
}

fn subject(entry: &Entry, around: &Around<'_>, reader: &mut Reader<'_>) -> Option<Subject> {
    let here = entry.key.span().start;
    if let Some(event) = &entry.event {
        if entry.from.is_some() || entry.to.is_some() {
            reader.fault(event.span().start, "an SLA has either `event` and `known_to`, or `from` and `to`");
            return None;
        }
        let Some(known_to) = entry.known_to.clone() else {
            reader.fault(event.span().start, "`event` wants `known_to`: a system, or `milepost`");
            return None;
        };
        let Some(matched) = EventMatch::parse(event.get_ref()) else {
            reader.fault(
                event.span().start,
                format!("`{}` is no event: expected `object.verb` or `object.verb(verdict=value)`", event.get_ref()),
            );
            return None;
        };
        return Some(Subject::Propagation { events: vec![matched], of: entry.of.clone(), known_to });
    }
    let mut milestone = |name: &Text, which: &str| {
        let Some(name) = name else {
            reader.fault(here, format!("an SLA has `{which}`: a milestone"));
            return None;
        };
        let place = around.milestones.iter().position(|m| m.key == *name.get_ref());
        if place.is_none() {
            reader.fault(name.span().start, format!("no milestone `{}`", name.get_ref()));
        }
        place
    };
    let (from, to) = (milestone(&entry.from, "from"), milestone(&entry.to, "to"));
    let (from, to) = (from?, to?);
    if from > to {
        reader.warn(
            here,
            format!(
                "it runs from “{}” to “{}”, which comes before it",
                around.milestones[from].title, around.milestones[to].title
            ),
        );
    }
    Some(match &entry.word_from {
        Some(systems) => Subject::Silence { from, to, systems: systems.get_ref().clone() },
        None => Subject::Milestones { from, to },
    })
}

fn limit(entry: &Entry, reader: &mut Reader<'_>) -> Option<Limit> {
    let by = match &entry.by {
        None => None,
        Some(text) => match time_of_day(text.get_ref()).and_then(civil) {
            Some(time) => Some(time),
            None => {
                reader.fault(
                    text.span().start,
                    format!("`{}` is no time of day: expected for example `17:00`", text.get_ref()),
                );
                return None;
            }
        },
    };
    match (&entry.within, &entry.promise) {
        (Some(within), None) => match allowance(within.get_ref()) {
            Some(allowance) if by.is_some() || allowance != Allowance::time(TimeDelta::zero()) => {
                Some(Limit::Within(Allowance { by, ..allowance }))
            }
            _ => {
                reader.fault(
                    within.span().start,
                    format!(
                        "`{}` is no duration: expected for example `30m`, `4h`, `1d 12h`, or `2wd` for working days",
                        within.get_ref()
                    ),
                );
                None
            }
        },
        (None, None) if by.is_some() => Some(Limit::Within(Allowance { by, ..Allowance::time(TimeDelta::zero()) })),
        (None, Some(promise)) if PROMISES.contains(&promise.get_ref().as_str()) => {
            Some(Limit::Promise(promise.get_ref().clone()))
        }
        (None, Some(promise)) => {
            reader.fault(promise.span().start, format!("expected one of {}", PROMISES.join(", ")));
            None
        }
        _ => {
            reader.fault(entry.key.span().start, "an SLA has either `within` or `promise`");
            None
        }
    }
}

/// By what is timed; the word may be said, and must then fit.
fn kind(entry: &Entry, subject: &Subject, limit: &Limit, reader: &mut Reader<'_>) -> Option<SlaKind> {
    let found = match (subject, limit) {
        (Subject::Propagation { .. }, Limit::Within(_)) => SlaKind::Propagation,
        (Subject::Silence { .. }, Limit::Within(_)) => SlaKind::Silence,
        (Subject::Milestones { .. }, Limit::Within(_)) => SlaKind::Duration,
        (Subject::Milestones { .. }, Limit::Promise(_)) => SlaKind::Promise,
        (_, Limit::Promise(_)) => {
            reader.fault(entry.key.span().start, "a `promise` is for an SLA between milestones");
            return None;
        }
    };
    let Some(said) = &entry.kind else { return Some(found) };
    match SlaKind::named(said.get_ref()) {
        Some(kind) if kind == found => Some(kind),
        // A completion is a duration by another name: the work that ends a matter.
        Some(SlaKind::Completion) if found == SlaKind::Duration => Some(SlaKind::Completion),
        Some(_) => {
            reader.fault(said.span().start, format!("as it is written this is a {}", found.as_str()));
            None
        }
        None => {
            let known = SlaKind::ALL.map(SlaKind::as_str).join(", ");
            reader.fault(said.span().start, format!("`{}`: expected one of {known}", said.get_ref()));
            None
        }
    }
}

fn warn(entry: &Entry, reader: &mut Reader<'_>) -> Option<Warn> {
    let Some(text) = &entry.warn else { return Some(Warn::Share(Decimal::new(75, 2))) };
    let found = match text.get_ref().trim().strip_suffix("left") {
        Some(left) => duration(left).map(Warn::Left),
        None => share(text.get_ref()).map(Warn::Share),
    };
    if found.is_none() {
        reader.fault(text.span().start, "expected a share between 0 and 1, or a rest like `1h left`");
    }
    if let (Some(Warn::Left(left)), Some(within)) = (found, &entry.within)
        && allowance(within.get_ref()).is_some_and(|a| a.working_days == 0 && a.time <= left)
    {
        reader.warn(text.span().start, "it warns from the beginning: the rest is no shorter than the whole time");
    }
    found
}

fn share(text: &str) -> Option<Decimal> {
    text.trim().parse::<Decimal>().ok().filter(|share| *share > Decimal::ZERO && *share <= Decimal::ONE)
}

/// Whose time counts: around the clock where nothing is said.
pub fn calendar(
    said: Option<&Spanned<String>>,
    calendars: &Arc<Calendars>,
    reader: &mut Reader<'_>,
) -> Option<CalendarChoice> {
    let always = calendars.get("always")?;
    let choice =
        |by, otherwise: &Arc<_>| CalendarChoice { by, otherwise: Arc::clone(otherwise), all: Arc::clone(calendars) };
    let Some(text) = said else { return Some(choice(None, always)) };
    // `warehouse`, or `warehouse, else berlin`.
    let (first, rest) =
        text.get_ref().split_once(", else ").map_or((text.get_ref().as_str(), None), |(a, b)| (a, Some(b)));
    let named = |name: &str, reader: &mut Reader<'_>| {
        let found = calendars.get(name.trim());
        if found.is_none() {
            let known = calendars.keys().join(", ");
            reader.fault(
                text.span().start,
                format!("there is no calendar `{name}`: known are {known}, and `warehouse`, `customer`, `carrier`"),
            );
        }
        found
    };
    let by = match first.trim() {
        "warehouse" => By::Warehouse,
        "customer" => By::Customer,
        "carrier" => By::Carrier,
        name => return Some(choice(None, named(name, reader)?)),
    };
    match rest {
        None => Some(choice(Some(by), always)),
        Some(name) => Some(choice(Some(by), named(name, reader)?)),
    }
}

fn narrowing(entry: &Entry, reader: &mut Reader<'_>) -> Option<Narrowing> {
    let list = |list: &List| list.as_ref().map(|l| l.get_ref().clone()).unwrap_or_default();
    let mut value = |text: &Text| match text {
        None => Some(None),
        Some(text) => {
            let read = text.get_ref().split_once(' ').and_then(|(value, currency)| {
                let good = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
                Some(Money { value: value.parse().ok()?, currency: currency.to_owned() }).filter(|_| good)
            });
            if read.is_none() {
                reader.fault(
                    text.span().start,
                    format!("`{}` is no amount: expected for example `10000 EUR`", text.get_ref()),
                );
            }
            read.map(Some)
        }
    };
    Some(Narrowing {
        customers: list(&entry.customers),
        lanes: list(&entry.lanes),
        carriers: list(&entry.carriers),
        warehouses: list(&entry.warehouses),
        priorities: list(&entry.priorities),
        value_from: value(&entry.value_from)?,
        value_below: value(&entry.value_below)?,
    })
}

fn read_pauses(entries: &[PauseEntry], reader: &mut Reader<'_>) -> Vec<Pause> {
    let mut pauses = vec![Pause::credit_hold()];
    for entry in entries {
        let mut events = |texts: &Spanned<Vec<String>>| {
            let mut found = Vec::new();
            for text in texts.get_ref() {
                match EventMatch::parse(text) {
                    Some(event) => found.push(event),
                    None => reader.fault(texts.span().start, format!("`{text}` is no event: expected `object.verb`")),
                }
            }
            if found.is_empty() {
                reader.fault(texts.span().start, "at least one event is needed");
            }
            found
        };
        let key = entry.key.get_ref().clone();
        let title = entry.title.clone().unwrap_or_else(|| key.replace('_', " "));
        let pause = Pause { title, from: events(&entry.from), until: events(&entry.until), key };
        pauses.retain(|known| known.key != pause.key);
        pauses.push(pause);
    }
    pauses
}

/// Less than this no two systems need to hear of each other.
const HARDLY_ANY_TIME: TimeDelta = TimeDelta::minutes(1);

/// What can be said of policies without looking at any history.
fn odd(slas: &[SlaRule], entries: &[Entry], reader: &mut Reader<'_>) {
    let time = |rule: &SlaRule| match (&rule.limit, &rule.subject, rule.calendar.by) {
        (Limit::Within(a), Subject::Milestones { from, to }, None) if a.working_days == 0 && a.by.is_none() => {
            Some((*from, *to, a.time, rule.calendar.otherwise.key.clone()))
        }
        _ => None,
    };
    for (rule, entry) in slas.iter().filter_map(|r| Some((r, entries.iter().find(|e| *e.key.get_ref() == r.key)?))) {
        if let Limit::Within(a) = &rule.limit
            && a.working_days == 0
            && a.by.is_none()
            && a.time < HARDLY_ANY_TIME
        {
            let at = entry.within.as_ref().map_or_else(|| entry.key.span().start, |within| within.span().start);
            reader.warn(at, "less than a minute: that may breach it every time");
        }
    }
    for rule in slas.iter().filter(|r| r.only.is_everything()) {
        let Some((from, to, whole, calendar)) = time(rule) else { continue };
        let inner = slas.iter().filter(|r| r.key != rule.key && r.only.is_everything()).find(|other| {
            time(other).is_some_and(|(f, t, part, c)| from <= f && t <= to && part > whole && c == calendar)
        });
        if let Some(inner) = inner
            && let Some(entry) = entries.iter().find(|e| *e.key.get_ref() == rule.key)
        {
            reader.warn(
                entry.key.span().start,
                format!(
                    "it allows less time than `{}`, which is only a part of its way: that may breach it every time",
                    inner.key
                ),
            );
        }
    }
}

/// `4h`, `2wd`, `1wd 2h`. Zero working days are allowed where a time of day follows.
pub fn allowance(text: &str) -> Option<Allowance> {
    let (mut days, mut rest) = (None, Vec::new());
    for part in text.split_whitespace() {
        match part.strip_suffix("wd") {
            Some(number) if days.is_none() => days = Some(number.parse::<u32>().ok().filter(|d| *d <= 1_000)?),
            Some(_) => return None,
            None => rest.push(part),
        }
    }
    let time = if rest.is_empty() { TimeDelta::zero() } else { duration(&rest.join(" "))? };
    (days.is_some() || !rest.is_empty()).then_some(Allowance { working_days: days.unwrap_or(0), time, by: None })
}

/// `1d 4h`, `30m`, `45s`. None for anything else, zero included.
pub fn duration(text: &str) -> Option<TimeDelta> {
    let mut total = TimeDelta::zero();
    for part in text.split_whitespace() {
        let digits = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: i64 = digits.parse().ok()?;
        let seconds = match &part[digits.len()..] {
            "d" => 86_400,
            "h" => 3_600,
            "m" => 60,
            "s" => 1,
            _ => return None,
        };
        total = total.checked_add(&TimeDelta::try_seconds(number.checked_mul(seconds)?)?)?;
    }
    (total > TimeDelta::zero()).then_some(total)
}
