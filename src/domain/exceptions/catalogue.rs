//! What is known about each kind of exception beside its rule: its name in business words, how bad it is, how soon
//! somebody must take it and cure it, whose it is, and what to do. Read from `exceptions.toml`.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Deserialize;
use toml::Spanned;

use crate::domain::definition::{DefinitionError, Reader, duration};

/// The kinds, the rules that give them to teams, and the reasons that people may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    kinds: BTreeMap<String, Kind>,
    pub assign: Vec<Assign>,
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    pub title: String,
    pub severity: Severity,
    /// How soon somebody must say that it is seen.
    pub acknowledge_by: Option<TimeDelta>,
    pub resolve_by: Option<TimeDelta>,
    /// An acknowledged one is open again after so long.
    pub re_raise: Option<TimeDelta>,
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
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<DefinitionError>> {
        let mut reader = Reader::new(file, text);
        let read: File = match toml::from_str(text) {
            Ok(read) => read,
            Err(error) => {
                reader.fault(error.span().map_or(0, |s| s.start), error.message().trim());
                return Err(reader.faults);
            }
        };
        let mut time = |text: Option<Spanned<String>>| {
            let text = text?;
            let read = duration(text.get_ref());
            if read.is_none() {
                let what = format!("`{}` is no duration: expected for example `30m` or `1d`", text.get_ref());
                reader.fault(text.span().start, what);
            }
            read
        };
        let mut kinds = BTreeMap::new();
        for (key, entry) in read.kinds {
            let kind = Kind {
                acknowledge_by: time(entry.acknowledge_by),
                resolve_by: time(entry.resolve_by),
                re_raise: time(entry.re_raise),
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

    #[test]
    fn the_shipped_catalogue_is_read() {
        let catalogue = Catalogue::parse("exceptions.toml", SHIPPED).expect("read");
        let breached = catalogue.get("sla_breached").expect("known");
        assert_eq!((breached.title.as_str(), breached.severity), ("SLA breached", Severity::Critical));
        assert!(!catalogue.reasons.is_empty());
    }

    #[test]
    fn the_first_rule_that_fits_decides_whose_it_is() {
        let rules = "[kinds.backorder]\ntitle = 'Backorder'\nteam = 'stock'\n\
            [[assign]]\nkey = 'a'\ncustomers = ['Acme']\nteam = 'key accounts'\n\
            [[assign]]\nkey = 'b'\nwarehouses = ['HAM-1']\nowner = 'anna'\n";
        let catalogue = Catalogue::parse("exceptions.toml", rules).expect("read");
        let at =
            |customer, warehouse| catalogue.owner(Place { kind: "backorder", customer, warehouse, ..Place::default() });
        assert_eq!(at("Acme", "HAM-1"), ("key accounts".into(), String::new()));
        assert_eq!(at("Other", "HAM-1"), (String::new(), "anna".into()));
        assert_eq!(at("Other", "BER-2"), ("stock".into(), String::new()));
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        let wrong = "[kinds.x]\ntitle = 'X'\nresolve_by = 'soon'\n";
        let errors = Catalogue::parse("exceptions.toml", wrong).expect_err("refused");
        assert_eq!(
            errors[0].to_string(),
            "exceptions.toml:3:14: `soon` is no duration: expected for example `30m` or `1d`"
        );
    }
}
