//! Groups of failures as people handle them: what their acts make of a group, and which rules merge and split groups.
//! What failed and how often is the pipeline's to count.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// The object type under which acts about a group are kept.
pub const GROUP: &str = "failure_group";

/// One thing that somebody did with a group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupAct {
    pub id: String,
    pub group: u64,
    /// `failure_group.resolved`, …
    pub kind: String,
    /// `person/anna`, `key/…`, `rule/…`
    pub by: String,
    pub at: DateTime<Utc>,
    pub data: Map<String, Value>,
}

impl GroupAct {
    pub fn text(&self, name: &str) -> &str {
        self.data.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn verb(&self) -> &str {
        self.kind.rsplit_once('.').map_or(&*self.kind, |(_, verb)| verb)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupState {
    #[default]
    Open,
    Acknowledged,
    Resolved,
    Ignored,
}

impl GroupState {
    pub const ALL: [Self; 4] = [Self::Open, Self::Acknowledged, Self::Resolved, Self::Ignored];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Ignored => "ignored",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// How a group stands, by all that was done with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupStanding {
    pub state: GroupState,
    /// It was resolved or ignored, and failed again since.
    pub returned: bool,
    pub owner: String,
    pub runbook: String,
    /// Who brought it into this state, when and why.
    pub by: String,
    pub since: Option<DateTime<Utc>>,
    pub reason: String,
    /// An ignored group stays so till then, whatever comes.
    pub until: Option<DateTime<Utc>>,
}

/// `acts` of this group in the order in which they were done; `last_failed` is its latest failure.
pub fn standing<'a>(
    acts: impl IntoIterator<Item = &'a GroupAct>,
    last_failed: DateTime<Utc>,
    as_of: DateTime<Utc>,
) -> GroupStanding {
    let mut now = GroupStanding::default();
    for act in acts {
        let state = match act.verb() {
            "acknowledged" => GroupState::Acknowledged,
            "resolved" => GroupState::Resolved,
            "ignored" => GroupState::Ignored,
            "reopened" => GroupState::Open,
            "assigned" => {
                act.text("owner").clone_into(&mut now.owner);
                continue;
            }
            "runbook_set" => {
                act.text("runbook").clone_into(&mut now.runbook);
                continue;
            }
            _ => continue,
        };
        now.state = state;
        now.by.clone_from(&act.by);
        now.since = Some(act.at);
        act.text("reason").clone_into(&mut now.reason);
        now.until = DateTime::parse_from_rfc3339(act.text("until")).ok().map(|at| at.with_timezone(&Utc));
    }
    let again = now.since.is_some_and(|since| last_failed > since);
    let muted = now.until.is_some_and(|until| as_of < until);
    if again && (now.state == GroupState::Resolved || (now.state == GroupState::Ignored && !muted)) {
        now.state = GroupState::Open;
        now.returned = true;
    }
    now
}

/// Which failures form which group, beyond their fingerprints. Every rule can be taken back, and then it is as if it
/// had never been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    pub splits: Vec<Split>,
    /// From a group into another, chains already followed.
    pub merges: Vec<(u64, u64)>,
}

/// Failures of one fingerprint in which one field has one value stand apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    pub from: u64,
    pub by: String,
    pub value: String,
    pub into: u64,
}

/// Fields of a failure by which a group may be split.
pub const SPLIT_BY: [&str; 6] = ["found", "source", "event_type", "object_type", "target", "schema_version"];

impl Split {
    pub fn new(from: u64, by: &str, value: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (from, by, value).hash(&mut hasher);
        Self { from, by: by.to_owned(), value: value.to_owned(), into: hasher.finish() }
    }
}

impl Rules {
    /// In the order in which the acts were done.
    pub fn of(acts: &[GroupAct]) -> Self {
        let mut splits: Vec<Split> = Vec::new();
        let mut merges: Vec<(u64, u64)> = Vec::new();
        for act in acts {
            let split = || Split::new(act.group, act.text("by"), act.text("value"));
            match act.verb() {
                "merged" => {
                    merges.retain(|(from, _)| *from != act.group);
                    merges.extend(parse_group(act.text("into")).map(|into| (act.group, into)));
                }
                "unmerged" => merges.retain(|(from, _)| *from != act.group),
                "split" if SPLIT_BY.contains(&act.text("by")) && !splits.contains(&split()) => splits.push(split()),
                "rejoined" => splits.retain(|known| *known != split()),
                _ => {}
            }
        }
        let followed = merges.iter().map(|(from, _)| (*from, follow(&merges, *from)));
        Self { merges: followed.filter(|(from, into)| from != into).collect(), splits }
    }

    /// The group in which failures of this one are now.
    pub fn home(&self, group: u64) -> u64 {
        self.merges.iter().find(|(from, _)| *from == group).map_or(group, |(_, into)| *into)
    }

    /// Fingerprints of failures that may be in a group.
    pub fn fingerprints(&self, group: u64) -> Vec<u64> {
        let parts = self.merges.iter().filter(|(_, into)| *into == group).map(|(from, _)| *from).chain([group]);
        let of = |part: u64| self.splits.iter().find(|split| split.into == part).map_or(part, |split| split.from);
        let mut all: Vec<u64> = parts.map(of).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// A circle of merges ends where it began, and so merges nothing.
fn follow(merges: &[(u64, u64)], start: u64) -> u64 {
    let mut at = start;
    for _ in 0..=merges.len() {
        match merges.iter().find(|(from, _)| *from == at) {
            Some((_, into)) => at = *into,
            None => return at,
        }
    }
    start
}

/// Sixteen hexadecimal digits.
pub fn group_name(group: u64) -> String {
    format!("{group:016x}")
}

pub fn parse_group(text: &str) -> Option<u64> {
    let plain = text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    plain.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + minute * 60, 0).expect("in the calendar")
    }

    fn act(group: u64, verb: &str, minute: i64, data: Value) -> GroupAct {
        let data = data.as_object().cloned().unwrap_or_default();
        let kind = format!("failure_group.{verb}");
        GroupAct { id: format!("{verb}-{minute}"), group, kind, by: "person/anna".into(), at: at(minute), data }
    }

    #[test]
    fn a_resolved_group_returns_when_it_fails_again() {
        let acts = [act(1, "acknowledged", 1, json!({})), act(1, "resolved", 5, json!({"reason": "mapping mended"}))];
        let before = standing(&acts, at(4), at(9));
        assert_eq!(
            (before.state, before.returned, before.reason.as_str()),
            (GroupState::Resolved, false, "mapping mended")
        );
        let after = standing(&acts, at(6), at(9));
        assert_eq!((after.state, after.returned), (GroupState::Open, true));
        let seen = [acts[0].clone(), acts[1].clone(), act(1, "acknowledged", 7, json!({}))];
        assert_eq!(standing(&seen, at(8), at(9)).state, GroupState::Acknowledged);
    }

    #[test]
    fn an_ignored_group_stays_so_as_long_as_it_was_told_and_no_longer() {
        let acts = [act(1, "ignored", 1, json!({"until": at(10).to_rfc3339()}))];
        assert_eq!(standing(&acts, at(5), at(9)).state, GroupState::Ignored);
        assert_eq!(standing(&acts, at(5), at(11)).state, GroupState::Open);
        let plain = [act(1, "ignored", 1, json!({}))];
        assert_eq!(standing(&plain, at(0), at(9)).state, GroupState::Ignored);
        assert!(standing(&plain, at(2), at(9)).returned);
    }

    #[test]
    fn owner_and_runbook_outlive_states() {
        let acts = [
            act(1, "assigned", 1, json!({"owner": "ben"})),
            act(1, "runbook_set", 2, json!({"runbook": "call ERP"})),
            act(1, "resolved", 3, json!({})),
            act(1, "reopened", 4, json!({})),
        ];
        let now = standing(&acts, at(0), at(9));
        assert_eq!((now.state, now.owner.as_str(), now.runbook.as_str()), (GroupState::Open, "ben", "call ERP"));
    }

    #[test]
    fn rules_that_are_taken_back_leave_no_trace() {
        let (a, b, c) = (0xa, 0xb, 0xc);
        let merge = |from, into, minute| act(from, "merged", minute, json!({"into": group_name(into)}));
        let split = |verb, minute| act(a, verb, minute, json!({"by": "found", "value": "AB-77"}));
        let rules = Rules::of(&[merge(a, b, 1), merge(b, c, 2), split("split", 3)]);
        assert_eq!((rules.home(a), rules.home(b), rules.home(c)), (c, c, c));
        assert_eq!(rules.fingerprints(c), [a, b, c]);
        assert_eq!(rules.fingerprints(rules.splits[0].into), [a]);
        let back = [merge(a, b, 1), split("split", 3), split("rejoined", 4), act(a, "unmerged", 5, json!({}))];
        assert_eq!(Rules::of(&back), Rules::default());
        assert_eq!(Rules::of(&[merge(a, b, 1), merge(b, a, 2)]), Rules::default(), "a circle merges nothing");
    }
}
