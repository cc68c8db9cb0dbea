//! What became of an exception: its episodes, what people did about it, whose it is, by when, and how much depends on
//! it. Everything follows from facts and acts, so it is the same after a restart and when it is worked out again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::catalogue::{Catalogue, Place, Severity};
use crate::domain::calendar::Allowance;
use crate::domain::fact::Fact;
use crate::domain::{Exception, Money};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CaseState {
    Open,
    /// Somebody has seen it; open again after a time.
    Acknowledged,
    /// Out of sight until a time, an event, or so many events.
    Snoozed,
    /// Accepted as it is, for as long as this episode lasts.
    Waived,
    /// Cured.
    Closed,
}

impl CaseState {
    pub const ALL: [Self; 5] = [Self::Open, Self::Acknowledged, Self::Snoozed, Self::Waived, Self::Closed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Snoozed => "snoozed",
            Self::Waived => "waived",
            Self::Closed => "closed",
        }
    }
}

/// An exception and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The latest episode.
    pub exception: Exception,
    /// How often it has come, this time included.
    pub occurrence: u32,
    pub state: CaseState,
    pub severity: Severity,
    pub owner: String,
    pub team: String,
    /// Reason code, as somebody named it.
    pub reason: String,
    pub comments: u32,
    /// When an acknowledged or snoozed one is open again by itself.
    pub until: Option<DateTime<Utc>>,
    pub acknowledge_by: Option<DateTime<Utc>>,
    pub resolve_by: Option<DateTime<Utc>>,
}

/// How much depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    pub orders: u32,
    pub customers: Vec<String>,
    /// One sum per currency.
    pub money: Vec<Money>,
}

/// What a case is judged by, beside its own episodes.
pub struct Circumstances<'a> {
    pub catalogue: &'a Catalogue,
    /// Acts of everybody on the objects concerned.
    pub acts: &'a [&'a Fact],
    /// What systems reported about them: for those who wait for an event.
    pub facts: &'a [&'a Fact],
    pub customer: &'a str,
    pub warehouse: &'a str,
    pub carrier: &'a str,
    pub as_of: DateTime<Utc>,
}

/// One case for each id. The episodes may come in any order.
pub fn cases(episodes: &[Exception], around: &Circumstances<'_>) -> Vec<Case> {
    let mut by_id: BTreeMap<&str, Vec<&Exception>> = BTreeMap::new();
    for episode in episodes {
        by_id.entry(&episode.id).or_default().push(episode);
    }
    let latest = |episodes: &Vec<&Exception>| {
        episodes.iter().copied().max_by_key(|e| (e.cured.is_none(), e.known_at, e.since)).cloned()
    };
    by_id.into_values().filter_map(|all| Some(stand(latest(&all)?, all.len(), around))).collect()
}

/// What people did, in the order in which it was taken in.
#[derive(Default)]
struct Hands {
    owner: Option<String>,
    team: Option<String>,
    reason: String,
    comments: u32,
    /// The last that speaks of the present episode.
    hold: Option<Hold>,
}

struct Hold {
    state: CaseState,
    at: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    event: Option<String>,
    count: Option<u64>,
}

fn stand(exception: Exception, occurrences: usize, around: &Circumstances<'_>) -> Case {
    let kind = around.catalogue.get(&exception.kind);
    let mut hands = Hands::default();
    let mut acts: Vec<&Fact> = around.acts.iter().copied().filter(|act| concerns(act, &exception.id)).collect();
    acts.sort_by(|a, b| (a.received_at, a.order()).cmp(&(b.received_at, b.order())));
    let place = Place {
        kind: &exception.kind,
        system: &exception.system,
        customer: around.customer,
        warehouse: around.warehouse,
        carrier: around.carrier,
    };
    let by = |time: Option<Allowance>, from| Some(kind?.reckon(time, from, place)?.due);
    for act in acts.into_iter().filter(|act| act.received_at <= around.as_of) {
        hands.take(act, &exception, |at| by(kind?.re_raise, at));
    }
    let (team, owner) = around.catalogue.owner(place);
    let held = hands.hold.as_ref().filter(|hold| hold.holds(around));
    let state = match (&exception.cured, held) {
        (Some(_), _) => CaseState::Closed,
        (None, Some(hold)) => hold.state,
        (None, None) => CaseState::Open,
    };
    Case {
        occurrence: u32::try_from(occurrences).unwrap_or(u32::MAX),
        state,
        severity: around.catalogue.severity(&exception.kind),
        owner: hands.owner.unwrap_or(owner),
        team: hands.team.unwrap_or(team),
        reason: hands.reason,
        comments: hands.comments,
        until: held.and_then(|hold| hold.until).filter(|_| exception.cured.is_none()),
        acknowledge_by: by(kind.and_then(|k| k.acknowledge_by), exception.known_at)
            .filter(|_| state == CaseState::Open),
        resolve_by: by(kind.and_then(|k| k.resolve_by), exception.known_at),
        exception,
    }
}

fn concerns(act: &Fact, id: &str) -> bool {
    act.kind.starts_with("exception.") && data(act).and_then(|data| text(data, "exception")).as_deref() == Some(id)
}

fn data(act: &Fact) -> Option<&Map<String, Value>> {
    act.detail.act.as_deref()
}

fn text(data: &Map<String, Value>, name: &str) -> Option<String> {
    data.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn moment(data: &Map<String, Value>, name: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(data.get(name)?.as_str()?).ok().map(|at| at.to_utc())
}

impl Hands {
    /// `again` says when what was acknowledged at a moment is open again.
    fn take(&mut self, act: &Fact, exception: &Exception, again: impl Fn(DateTime<Utc>) -> Option<DateTime<Utc>>) {
        let Some(data) = data(act) else { return };
        if let Some(code) = text(data, "code") {
            self.reason = code;
        }
        if text(data, "text").is_some_and(|text| !text.is_empty()) {
            self.comments += 1;
        }
        if &*act.kind == "exception.assigned" {
            // Said without a name, it is taken away from whoever had it.
            if data.contains_key("owner") {
                self.owner = Some(text(data, "owner").unwrap_or_default());
            }
            if data.contains_key("team") {
                self.team = Some(text(data, "team").unwrap_or_default());
            }
        }
        // What was said of an earlier episode does not cover this one.
        if act.received_at < exception.known_at {
            return;
        }
        let at = act.received_at;
        let until = moment(data, "until");
        let hold = |state| Hold { state, at, until, event: None, count: None };
        match &*act.kind {
            "exception.acknowledged" => {
                self.hold = Some(Hold { until: until.or_else(|| again(at)), ..hold(CaseState::Acknowledged) });
            }
            "exception.snoozed" => {
                let (event, count) = (text(data, "event"), data.get("count").and_then(Value::as_u64));
                self.hold = Some(Hold { event, count, ..hold(CaseState::Snoozed) });
            }
            "exception.waived" => self.hold = Some(Hold { until: None, ..hold(CaseState::Waived) }),
            "exception.reopened" => self.hold = None,
            _ => {}
        }
    }
}

impl Hold {
    fn holds(&self, around: &Circumstances<'_>) -> bool {
        let later = || around.facts.iter().filter(|f| f.received_at > self.at && f.received_at <= around.as_of);
        self.until.is_none_or(|until| around.as_of < until)
            && self.event.as_ref().is_none_or(|kind| !later().any(|f| *f.kind == **kind))
            && self.count.is_none_or(|count| (later().count() as u64) < count)
    }
}

impl Impact {
    pub fn of_one(customer: Option<&str>, amount: Option<&Money>) -> Self {
        Self {
            orders: 1,
            customers: customer.map(str::to_owned).into_iter().collect(),
            money: amount.cloned().into_iter().collect(),
        }
    }

    pub fn add(&mut self, customer: Option<&str>, amount: Option<&Money>) {
        self.orders = self.orders.saturating_add(1);
        if let Some(customer) = customer
            && !self.customers.iter().any(|known| known == customer)
        {
            self.customers.push(customer.to_owned());
        }
        let Some(amount) = amount else { return };
        match self.money.iter_mut().find(|sum| sum.currency == amount.currency) {
            Some(sum) => sum.value = sum.value.checked_add(amount.value).unwrap_or(sum.value),
            None => self.money.push(amount.clone()),
        }
    }
}
