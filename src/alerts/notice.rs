//! What an alert says, whoever hears it: what is wrong, how much depends on it, which orders, why, and where to look.
//! The same notice is kept in the delivery log, so that a repeated attempt says the same to the letter.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::plan::Item;
use crate::domain::written;

/// Orders that one message names; the others are counted.
const LINES: usize = 10;
const CUSTOMERS: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// First word of it to this receiver.
    Trigger,
    /// More or less of the same cause.
    Update,
    /// Somebody has taken all of it.
    Acknowledge,
    /// Nothing is left of it.
    Resolve,
}

impl Action {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Update => "update",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for every attempt at one delivery: a receiver that has seen it may drop it.
    pub id: String,
    /// The same for everything that is said about one cause: a receiver may update instead of repeating.
    pub alert: String,
    pub action: Action,
    pub tenant: String,
    pub route: String,
    /// `SLA breached · ERP`
    pub title: String,
    pub severity: String,
    /// Nobody took it in time.
    pub escalated: bool,
    pub exceptions: u64,
    pub orders: u64,
    pub customers: Vec<String>,
    /// Amounts at stake, one per currency.
    pub money: Vec<Sum>,
    pub since: String,
    pub lines: Vec<Line>,
    pub more: u64,
    pub link: String,
    pub runbook: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    pub value: Decimal,
    pub currency: String,
}

/// One of the exceptions that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub order: String,
    pub customer: String,
    pub value: String,
    pub why: String,
    pub since: String,
    pub link: String,
}

pub fn time(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
}

impl Sum {
    pub fn text(&self) -> String {
        format!("{} {}", written(self.value, &self.currency), self.currency)
    }
}

/// What belongs to the alert, added up.
pub struct Weight {
    pub orders: u64,
    pub customers: Vec<String>,
    pub money: Vec<Sum>,
}

impl Weight {
    pub fn of(items: &[&Item]) -> Self {
        let mut money: BTreeMap<&str, Decimal> = BTreeMap::new();
        let mut orders: BTreeMap<&str, ()> = BTreeMap::new();
        let mut customers: BTreeMap<&str, u64> = BTreeMap::new();
        let mut more = 0;
        for item in items {
            if item.root.is_empty() {
                more += item.orders;
            } else if orders.insert(&item.root, ()).is_some() {
                // Two exceptions of one order put its money at stake once.
                continue;
            } else {
                more += item.orders.saturating_sub(1);
            }
            for sum in &item.money {
                *money.entry(&sum.currency).or_default() += sum.value;
            }
            if !item.customer.is_empty() {
                *customers.entry(&item.customer).or_default() += 1;
            }
        }
        let mut names: Vec<(&str, u64)> = customers.into_iter().collect();
        names.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        Self {
            orders: orders.len() as u64 + more,
            customers: names.into_iter().take(CUSTOMERS).map(|(name, _)| name.to_owned()).collect(),
            money: money.into_iter().map(|(currency, value)| Sum { value, currency: currency.to_owned() }).collect(),
        }
    }
}

/// The lines of a message: the longest open first.
pub fn lines(base: &str, items: &[&Item]) -> (Vec<Line>, u64) {
    let mut sorted = items.to_vec();
    sorted.sort_by(|a, b| (a.since_ms, &a.id).cmp(&(b.since_ms, &b.id)));
    let more = sorted.len().saturating_sub(LINES) as u64;
    let line = |item: &&Item| Line {
        order: if item.root.is_empty() { item.object.clone() } else { item.root.clone() },
        customer: item.customer.clone(),
        value: item.money.iter().map(Sum::text).collect::<Vec<_>>().join(", "),
        why: item.detail.clone(),
        since: time(item.since_ms),
        link: format!("{base}/t/{}/exceptions/{}", encode(&item.tenant), item.id),
    };
    (sorted.iter().take(LINES).map(line).collect(), more)
}

impl Notice {
    /// One line for a subject or a notification.
    pub fn subject(&self) -> String {
        let word = match (self.action, self.escalated) {
            (Action::Resolve, _) => "Resolved",
            (Action::Acknowledge, _) => "Acknowledged",
            (_, true) => "Escalated",
            (Action::Update, _) => "Still open",
            (Action::Trigger, _) if self.severity == "critical" => "Critical",
            (Action::Trigger, _) => "Open",
        };
        format!("{word}: {} ({})", self.title, self.extent())
    }

    /// `3 orders, 12480.00 EUR at stake`
    pub fn extent(&self) -> String {
        let count = |n: u64, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        let what = if self.orders > 0 {
            count(self.orders, "order", "orders")
        } else {
            count(self.exceptions, "exception", "exceptions")
        };
        let money = self.money.iter().map(Sum::text).collect::<Vec<_>>().join(" + ");
        if money.is_empty() { what } else { format!("{what}, {money} at stake") }
    }

    /// The whole as plain text, for receivers that show nothing else.
    pub fn text(&self) -> String {
        let mut out = format!("{}\nTenant {}, since {}\n", self.subject(), self.tenant, self.since);
        for line in &self.lines {
            let whose = [&line.customer, &line.value].into_iter().filter(|t| !t.is_empty()).cloned();
            let whose = whose.collect::<Vec<_>>().join(", ");
            let whose = if whose.is_empty() { String::new() } else { format!(" ({whose})") };
            out.push_str(&format!("\n- {}{whose}\n  {}\n  {}\n", line.order, line.why, line.link));
        }
        if self.more > 0 {
            out.push_str(&format!("\nand {} more\n", self.more));
        }
        out.push_str(&format!("\nAll of them: {}\n", self.link));
        if !self.runbook.is_empty() {
            out.push_str(&format!("What to do: {}\n", self.runbook));
        }
        out
    }
}

pub fn encode(text: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
