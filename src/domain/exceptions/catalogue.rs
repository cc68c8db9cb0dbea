//! What is known about each kind of exception beside its rule: its name in business words, how bad it is, how soon
//! somebody must take it and cure it, whose it is, and what to do. Read from `exceptions.toml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use toml::Spanned;

use crate::domain::calendar::{Allowance, Calendars};
use crate::domain::definition::{DefinitionError, Reader, allowance, calendar};
use crate::domain::slas::{CalendarChoice, Reckoning, Traits, said};

/// The kinds, the rules that give them to teams, and the reasons that people may name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    kinds: BTreeMap<String, Kind>,
    pub assign: Vec<Assign>,
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Debug)]
pub struct Kind {
    pub title: String,
    pub severity: Severity,
    /// How soon somebody must say that it is seen.
    pub acknowledge_by: Option<Allowance>,
    pub resolve_by: Option<Allowance>,
    /// An acknowledged one is open again after so long.
    pub re_raise: Option<Allowance>,
    /// Whose working time all three are.
    pub calendar: CalendarChoice,
    /// Address of a page that says what to do.
    pub runbook: String,
    pub team: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Critical,
    #[default]
    Warning,
    Info,
}

impl Severity {
    pub const ALL: [Self; 3] = [Self::Critical, Self::Warning, Self::Info];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// Gives what it fits to a team or a person; the first that fits counts. An empty list fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Assign {
    pub key: String,
    pub kinds: Vec<String>,
    pub systems: Vec<String>,
    pub customers: Vec<String>,
    pub warehouses: Vec<String>,
    pub carriers: Vec<String>,
    pub team: String,
    pub owner: String,
}

/// Why it came to this, for statistics.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    pub key: String,
    pub title: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Of the kinds that name none.
    calendar: Option<Spanned<String>>,
    #[serde(default)]
    kinds: BTreeMap<String, KindEntry>,
    #[serde(default)]
    assign: Vec<Assign>,
    #[serde(default)]
    reasons: Vec<Reason>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindEntry {
    title: Spanned<String>,
    #[serde(default)]
    severity: Severity,
    acknowledge_by: Option<Spanned<String>>,
    resolve_by: Option<Spanned<String>>,
    re_raise: Option<Spanned<String>>,
    calendar: Option<Spanned<String>>,
    #[serde(default)]
    runbook: String,
    #[serde(default)]
    team: String,
}

/// What a rule of assignment looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    pub kind: &'a str,
    pub system: &'a str,
    pub customer: &'a str,
    pub warehouse: &'a str,
    pub carrier: &'a str,
}

impl Catalogue {
    pub fn parse(file: &str, text: &str, calendars: &Arc<Calendars>) -> Result<Self, Vec<DefinitionError>> {
        let mut reader = Reader::new(file, text);
        let read: File = match toml::from_str(text) {
            Ok(read) => read,
            Err(error) => {
                reader.fault(error.span().map_or(0, |s| s.start), error.message().trim());
                return Err(reader.faults);
            }
        };
        let mut kinds = BTreeMap::new();
        for (key, entry) in read.kinds {
            let chosen = calendar(entry.calendar.as_ref().or(read.calendar.as_ref()), calendars, &mut reader);
            let mut time = |text: Option<Spanned<String>>| {
                let text = text?;
                let read = allowance(text.get_ref());
                if read.is_none() {
                    let what =
                        format!("`{}` is no duration: expected for example `30m`, `1d` or `1wd`", text.get_ref());
                    reader.fault(text.span().start, what);
                }
                read
            };
            let times = (time(entry.acknowledge_by), time(entry.resolve_by), time(entry.re_raise));
            let Some(calendar) = chosen else { continue };
            let (acknowledge_by, resolve_by, re_raise) = times;
            let kind = Kind {
                acknowledge_by,
                resolve_by,
                re_raise,
                calendar,
                title: entry.title.into_inner(),
                severity: entry.severity,
                runbook: entry.runbook,
                team: entry.team,
            };
            kinds.insert(key, kind);
        }
        for rule in read.assign.iter().filter(|rule| rule.team.is_empty() && rule.owner.is_empty()) {
            reader.fault(0, format!("the rule `{}` assigns to nobody: give it `team` or `owner`", rule.key));
        }
        let faults = reader.faults;
        if faults.is_empty() { Ok(Self { kinds, assign: read.assign, reasons: read.reasons }) } else { Err(faults) }
    }

    pub fn get(&self, kind: &str) -> Option<&Kind> {
        self.kinds.get(kind)
    }

    pub fn kinds(&self) -> impl Iterator<Item = (&String, &Kind)> {
        self.kinds.iter()
    }

    pub fn severity(&self, kind: &str) -> Severity {
        self.get(kind).map(|k| k.severity).unwrap_or_default()
    }

    /// Team and person that an exception belongs to when nobody has taken it.
    pub fn owner(&self, place: Place<'_>) -> (String, String) {
        match self.assign.iter().find(|rule| rule.fits(place)) {
            Some(rule) => (rule.team.clone(), rule.owner.clone()),
            None => (self.get(place.kind).map(|k| k.team.clone()).unwrap_or_default(), String::new()),
        }
    }
}

impl Kind {
    /// What one of its times that began at a moment comes to, with the way there. None where the calendar never opens.
    pub fn reckon(&self, time: Option<Allowance>, from: DateTime<Utc>, place: Place<'_>) -> Option<Reckoning> {
        let time = time?;
        let some = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let traits = Traits {
            customer: some(place.customer),
            warehouse: some(place.warehouse),
            carrier: some(place.carrier),
            ..Traits::default()
        };
        let calendar = self.calendar.of(&traits);
        let due = calendar.due(from, &time)?;
        Reckoning::new(calendar, from, due, Vec::new(), said(&time), due)
    }
}

impl Assign {
    fn fits(&self, place: Place<'_>) -> bool {
        let one = |list: &[String], value: &str| list.is_empty() || list.iter().any(|known| known == value);
        one(&self.kinds, place.kind)
            && one(&self.systems, place.system)
            && one(&self.customers, place.customer)
            && one(&self.warehouses, place.warehouse)
            && one(&self.carriers, place.carrier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../definitions/exceptions.toml");

    const BERLIN: &str = include_str!("../../../definitions/calendars/berlin.toml");
    const CHICAGO: &str = "title = 'Chicago hours'\nzone = 'America/Chicago'\n[hours]\nmon-fri = ['07:00-16:00']\n\
        [serves]\nwarehouses = ['CHI-3']\n";

    fn shipped() -> Arc<Calendars> {
        let files = [("calendars/berlin.toml", BERLIN), ("calendars/chicago.toml", CHICAGO)];
        Arc::new(Calendars::load(&files.into_iter().collect()).calendars)
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn times_run_on_the_calendar_of_the_kind_and_say_how() {
        let rules = "calendar = 'berlin'\n[kinds.a]\ntitle = 'A'\nacknowledge_by = '2h'\nresolve_by = '1wd'\n\
            [kinds.b]\ntitle = 'B'\nacknowledge_by = '2h'\ncalendar = 'always'\n\
            [kinds.c]\ntitle = 'C'\nacknowledge_by = '2h'\ncalendar = 'warehouse, else berlin'\n";
        let catalogue = Catalogue::parse("exceptions.toml", rules, &shipped()).expect("read");
        // A Friday in November, half an hour before Berlin closes.
        let friday = at("2026-11-27T12:30:00Z");
        let by = |kind: &str, warehouse: &str| {
            let kind = catalogue.get(kind).expect("known");
            let place = Place { warehouse, ..Place::default() };
            kind.reckon(kind.acknowledge_by, friday, place).expect("reckoned")
        };
        let hours = by("a", "");
        assert_eq!(
            hours.told(),
            format!("Fri 27 Nov 13:30 + 2 h in Berlin hours = {}", hours.calendar.said(hours.due))
        );
        assert!(hours.due > at("2026-11-30T00:00:00Z"), "nobody works on the weekend: {}", hours.told());
        assert_eq!(by("b", "").due, at("2026-11-27T14:30:00Z"));
        assert!(by("c", "CHI-3").told().contains("Chicago"), "{}", by("c", "CHI-3").told());
        assert!(by("c", "elsewhere").told().contains("Berlin"));
        let kind = catalogue.get("a").expect("known");
        let resolve = kind.reckon(kind.resolve_by, friday, Place::default()).expect("reckoned");
        assert_eq!(resolve.told(), "Fri 27 Nov 13:30 + 1 working day in Berlin hours = Mon 30 Nov 13:30");
    }

    #[test]
    fn a_calendar_that_is_not_there_is_told_with_its_place() {
        let wrong = "[kinds.x]\ntitle = 'X'\ncalendar = 'berlin'\n";
        let errors = Catalogue::parse("exceptions.toml", wrong, &Arc::default()).expect_err("refused");
        assert!(errors[0].to_string().starts_with("exceptions.toml:3:12: there is no calendar `berlin`"), "{errors:?}");
    }

    #[test]
    fn the_shipped_catalogue_is_read() {
        let catalogue = Catalogue::parse("exceptions.toml", SHIPPED, &shipped()).expect("read");
        let breached = catalogue.get("sla_breached").expect("known");
        assert_eq!((breached.title.as_str(), breached.severity), ("SLA breached", Severity::Critical));
        assert!(!catalogue.reasons.is_empty());
    }

    #[test]
    fn every_kind_is_raised_by_a_rule() {
        let folder = format!("{}/src/domain/exceptions", env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(&folder).expect("the rules").map(|entry| entry.expect("a file").path());
        let rules: Vec<String> = files
            .filter(|path| !path.ends_with("catalogue.rs") && !path.ends_with("case.rs"))
            .map(|path| std::fs::read_to_string(path).expect("read"))
            .map(|text| text.split("#[cfg(test)]").next().unwrap_or_default().to_owned())
            .collect();
        let catalogue = Catalogue::parse("exceptions.toml", SHIPPED, &shipped()).expect("read");
        for (kind, _) in catalogue.kinds() {
            assert!(rules.iter().any(|text| text.contains(&format!("\"{kind}\""))), "no rule raises {kind}");
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides_whose_it_is() {
        let rules = "[kinds.backorder]\ntitle = 'Backorder'\nteam = 'stock'\n\
            [[assign]]\nkey = 'a'\ncustomers = ['Acme']\nteam = 'key accounts'\n\
            [[assign]]\nkey = 'b'\nwarehouses = ['HAM-1']\nowner = 'anna'\n";
        let catalogue = Catalogue::parse("exceptions.toml", rules, &Arc::default()).expect("read");
        let at =
            |customer, warehouse| catalogue.owner(Place { kind: "backorder", customer, warehouse, ..Place::default() });
        assert_eq!(at("Acme", "HAM-1"), ("key accounts".into(), String::new()));
        assert_eq!(at("Other", "HAM-1"), (String::new(), "anna".into()));
        assert_eq!(at("Other", "BER-2"), ("stock".into(), String::new()));
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        let wrong = "[kinds.x]\ntitle = 'X'\nresolve_by = 'soon'\n";
        let errors = Catalogue::parse("exceptions.toml", wrong, &Arc::default()).expect_err("refused");
        assert_eq!(
            errors[0].to_string(),
            "exceptions.toml:3:14: `soon` is no duration: expected for example `30m`, `1d` or `1wd`"
        );
    }
}
