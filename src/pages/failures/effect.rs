//! What hangs on a group of failures, in words.

use serde::Serialize;

use crate::domain::Money;
use crate::pages::words;
use crate::store::FailureGroup;

/// What hangs on a group, in words.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Effect {
    /// `311 orders · 42 customers`
    pub who: String,
    /// `1,240,000.00 EUR`, one text a currency.
    pub money: Vec<String>,
    /// The first two of them and how many more, for a cell.
    pub worth: String,
    /// `9 breached, 2 at risk`
    pub slas: String,
    pub sla_tone: &'static str,
}

pub fn effect(group: &FailureGroup) -> Effect {
    let mut who = Vec::new();
    let mut count = |n: u64, one: &str, many: &str| {
        if n > 0 {
            who.push(words::plural(n, one, many));
        }
    };
    count(group.orders, "order", "orders");
    if group.orders == 0 {
        count(group.workflows, "workflow", "workflows");
    }
    if group.orders == 0 && group.workflows == 0 {
        count(group.objects, "object", "objects");
    }
    count(group.customers, "customer", "customers");
    let mut slas = Vec::new();
    if group.breached > 0 {
        slas.push(format!("{} breached", words::count(group.breached)));
    }
    if group.at_risk > 0 {
        slas.push(format!("{} at risk", words::count(group.at_risk)));
    }
    let money: Vec<String> = group.money.iter().map(|text| money(text)).collect();
    let more = if money.len() > 2 { format!(" +{}", money.len() - 2) } else { String::new() };
    Effect {
        who: who.join(" · "),
        worth: format!("{}{more}", money[..money.len().min(2)].join(" · ")),
        money,
        sla_tone: if group.breached > 0 { "crit" } else { "risk" },
        slas: slas.join(", "),
    }
}

/// `12480.500000 EUR` as people read it.
fn money(text: &str) -> String {
    let read = text.split_once(' ').and_then(|(value, currency)| Some((value.parse().ok()?, currency)));
    read.map_or_else(
        || text.to_owned(),
        |(value, currency)| words::money(&Money { value, currency: currency.to_owned() }),
    )
}
