//! What a person or a program may do about an exception, read and checked in one place for forms and for the API.

use chrono::{DateTime, TimeDelta, Utc};
use milepost_ingest::ObjectRef;
use serde_json::{Map, Value, json};

use crate::domain::Catalogue;
use crate::store::rows::ExceptionRow;

/// Longest comment or reason, and longest name of a person or a team.
pub const MAX_TEXT: usize = 2_000;
pub const MAX_NAME: usize = 60;
const MAX_EVENTS: u64 = 1_000_000;
/// Nobody puts a thing off for longer.
const MAX_WAIT: TimeDelta = TimeDelta::days(366);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    Acknowledge {
        until: Option<DateTime<Utc>>,
    },
    /// A name that is given is set, an empty one taken away; one that is not given stays.
    Assign {
        owner: Option<String>,
        team: Option<String>,
    },
    Snooze(Snooze),
    Waive,
    Comment,
    Reopen,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Snooze {
    Until(DateTime<Utc>),
    /// Until an event of this type comes.
    Event(String),
    /// Until so many more events have come.
    Count(u64),
}

/// A deed with what may be said along with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub deed: Deed,
    pub text: String,
    /// Reason code.
    pub code: String,
}

/// What cannot be used, and which field it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub field: &'static str,
    pub what: String,
}

fn wrong(field: &'static str, what: impl Into<String>) -> Wrong {
    Wrong { field, what: what.into() }
}

impl Done {
    /// Refuses what makes no sense now.
    pub fn check(&self, catalogue: &Catalogue, now: DateTime<Utc>) -> Result<(), Wrong> {
        let ahead = |field, at: DateTime<Utc>| {
            let good = at > now && at - now <= MAX_WAIT;
            if good { Ok(()) } else { Err(wrong(field, "Expected a time within the next year.")) }
        };
        let name = |field, name: &Option<String>| {
            let name = name.as_deref().unwrap_or_default();
            let good = name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
            if good { Ok(()) } else { Err(wrong(field, format!("Expected at most {MAX_NAME} printable characters."))) }
        };
        if self.text.chars().count() > MAX_TEXT {
            return Err(wrong("text", format!("Expected at most {MAX_TEXT} characters.")));
        }
        if !self.code.is_empty() && !catalogue.reasons.iter().any(|reason| reason.key == self.code) {
            let known: Vec<&str> = catalogue.reasons.iter().map(|reason| reason.key.as_str()).collect();
            return Err(wrong("code", format!("Expected one of {}.", known.join(", "))));
        }
        match &self.deed {
            Deed::Acknowledge { until: Some(at) } => ahead("until", *at),
            Deed::Acknowledge { until: None } | Deed::Reopen => Ok(()),
            Deed::Assign { owner: None, team: None } => Err(wrong("owner", "Say whose it is: an owner or a team.")),
            Deed::Assign { owner, team } => name("owner", owner).and_then(|()| name("team", team)),
            Deed::Snooze(Snooze::Until(at)) => ahead("until", *at),
            Deed::Snooze(Snooze::Event(kind)) => {
                let good =
                    kind.len() <= 100 && kind.split_once('.').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
                if good { Ok(()) } else { Err(wrong("event", "Expected an event type such as shipment.shipped.")) }
            }
            Deed::Snooze(Snooze::Count(n)) if (1..=MAX_EVENTS).contains(n) => Ok(()),
            Deed::Snooze(Snooze::Count(_)) => Err(wrong("count", format!("Expected 1 to {MAX_EVENTS}."))),
            Deed::Waive if self.text.trim().is_empty() && self.code.is_empty() => {
                Err(wrong("text", "Say why it is waived."))
            }
            Deed::Comment if self.text.trim().is_empty() => Err(wrong("text", "A comment needs words.")),
            Deed::Waive | Deed::Comment => Ok(()),
        }
    }

    pub fn kind(&self) -> &'static str {
        match self.deed {
            Deed::Acknowledge { .. } => "exception.acknowledged",
            Deed::Assign { .. } => "exception.assigned",
            Deed::Snooze(_) => "exception.snoozed",
            Deed::Waive => "exception.waived",
            Deed::Comment => "exception.commented",
            Deed::Reopen => "exception.reopened",
        }
    }

    /// What the act about this exception holds.
    pub fn data(&self, row: &ExceptionRow) -> Map<String, Value> {
        let mut data = Map::new();
        let mut put = |name: &str, value: Value| drop(data.insert(name.to_owned(), value));
        put("exception", json!(row.id));
        match &self.deed {
            Deed::Acknowledge { until: Some(at) } | Deed::Snooze(Snooze::Until(at)) => put("until", json!(at)),
            Deed::Snooze(Snooze::Event(kind)) => put("event", json!(kind)),
            Deed::Snooze(Snooze::Count(count)) => put("count", json!(count)),
            Deed::Assign { owner, team } => {
                for (field, name) in [("owner", owner), ("team", team)] {
                    if let Some(name) = name {
                        put(field, json!(name.trim()));
                    }
                }
            }
            _ => {}
        }
        let text = self.text.trim();
        if !text.is_empty() {
            let field = if self.deed == Deed::Waive { "reason" } else { "text" };
            put(field, json!(text));
        }
        if !self.code.is_empty() {
            put("code", json!(self.code));
        }
        data
    }
}

/// The object on which acts about an exception are kept: the workflow's root, or what it is about.
pub fn seat(row: &ExceptionRow) -> ObjectRef {
    if row.root_type.is_empty() {
        ObjectRef::new(&row.object_type, &row.object_id)
    } else {
        ObjectRef::new(&row.root_type, &row.root_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(deed: Deed, text: &str, code: &str) -> Result<(), &'static str> {
        let catalogue =
            Catalogue::parse("e", "[[reasons]]\nkey = 'stock'\ntitle = 'Stock'\n", &std::sync::Arc::default())
                .expect("a catalogue");
        let now = DateTime::from_timestamp(1_790_000_000, 0).expect("a time");
        let done = Done { deed, text: text.into(), code: code.into() };
        done.check(&catalogue, now).map_err(|wrong| wrong.field)
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_field() {
        let at = |s: i64| DateTime::from_timestamp(1_790_000_000 + s, 0).expect("a time");
        let nobody = Deed::Assign { owner: None, team: None };
        assert_eq!(told(Deed::Snooze(Snooze::Until(at(-1))), "", ""), Err("until"));
        assert_eq!(told(Deed::Acknowledge { until: Some(at(400 * 86_400)) }, "", ""), Err("until"));
        assert_eq!(told(Deed::Snooze(Snooze::Event("shipped".into())), "", ""), Err("event"));
        assert_eq!(told(Deed::Snooze(Snooze::Count(0)), "", ""), Err("count"));
        assert_eq!(told(Deed::Waive, " ", ""), Err("text"));
        assert_eq!(told(Deed::Waive, "", "stock"), Ok(()));
        assert_eq!(told(Deed::Comment, &"x".repeat(2001), ""), Err("text"));
        assert_eq!(told(Deed::Acknowledge { until: None }, "", "nonsense"), Err("code"));
        assert_eq!(told(nobody, "", ""), Err("owner"));
        assert_eq!(told(Deed::Assign { owner: Some("a\u{0}".into()), team: None }, "", ""), Err("owner"));
    }
}
