//! One order as finance sees it: each part that is billed with its figures, and why it is billed or not.

use serde::Serialize;

use super::state_word;
use crate::domain::{Billable, Check, Outcome, READINESS_GROUPS, Workflow};
use crate::pages::render::Page;
use crate::pages::status::{self, Badge};
use crate::pages::time::{Clock, Time};
use crate::pages::words;
use crate::pages::workflow::actions::Actions;

#[derive(Debug, Serialize)]
pub struct Item {
    pub order: String,
    pub order_href: String,
    pub customer: String,
    pub policy: String,
    pub units: Vec<Unit>,
    pub list: String,
    pub act_path: String,
    pub back: String,
    pub frozen: bool,
    pub actions: Actions,
}

impl Item {
    #[must_use]
    pub fn with_actions(self, actions: Actions) -> Self {
        Self { actions, ..self }
    }
}

impl Page for Item {
    const TEMPLATE: &'static str = "readiness-item.html";
}

#[derive(Debug, Serialize)]
pub struct Unit {
    pub id: String,
    pub kind: String,
    pub object: String,
    pub title: String,
    pub badge: Badge,
    pub word: String,
    pub figures: Vec<(String, String)>,
    pub times: Vec<(String, Time)>,
    pub documents: Vec<(String, String)>,
    pub groups: Vec<Group>,
    pub lines: Vec<Line>,
    /// Reasons that a person may set aside.
    pub codes: String,
    pub held: bool,
    /// Somebody marked it ready.
    pub marked: bool,
    pub next_step: String,
}

#[derive(Debug, Serialize)]
pub struct Group {
    pub title: String,
    pub checks: Vec<Leaf>,
}

#[derive(Debug, Serialize)]
pub struct Leaf {
    pub title: String,
    pub glyph: &'static str,
    pub tone: &'static str,
    pub word: &'static str,
    pub detail: String,
    pub since: Option<Time>,
    pub system: String,
    pub next_step: String,
    pub evidence: Vec<Shown>,
}

#[derive(Debug, Serialize)]
pub struct Shown {
    pub title: String,
    pub href: String,
    pub source: String,
    pub at: Time,
}

#[derive(Debug, Serialize)]
pub struct Line {
    pub line: String,
    pub sku: String,
    pub unit: String,
    pub price: String,
    pub wanted: String,
    pub shipped: String,
    pub returned: String,
    pub invoiced: String,
    pub credited: String,
    pub remaining: String,
    pub amount: String,
}

pub fn item(tenant: &str, clock: &Clock, workflow: &Workflow, frozen: bool) -> Item {
    let path = words::tenant_path(
        tenant,
        &format!("readiness/{}/{}", words::encode(&workflow.root.kind), words::encode(&workflow.root.id)),
    );
    Item {
        order: workflow.root.id.clone(),
        order_href: words::workflow_path(tenant, &workflow.root.kind, &workflow.root.id),
        customer: workflow.customer.clone().unwrap_or_default(),
        policy: match workflow.readiness.policy.as_str() {
            "per_shipment" => "Billed shipment by shipment".into(),
            "hold" => "Billed on completion; a person decides on parts".into(),
            _ => "Billed on completion".into(),
        },
        units: workflow.readiness.units.iter().map(|u| unit(tenant, clock, u)).collect(),
        list: words::tenant_path(tenant, "readiness"),
        act_path: format!("{path}/act"),
        back: path,
        frozen,
        actions: Actions::default(),
    }
}

fn unit(tenant: &str, clock: &Clock, unit: &Billable) -> Unit {
    let money = |m: &Option<crate::domain::Money>| m.as_ref().map_or_else(|| "not known".to_owned(), words::money);
    let times = [
        ("Shipped", unit.shipped_at),
        ("Delivered", unit.delivered_at),
        ("Proof of delivery", unit.proof_at),
        ("Invoiced", unit.invoiced_at),
        ("Posted", unit.posted_at),
        ("Paid", unit.paid_at),
    ];
    let mut codes: Vec<&str> =
        unit.reasons.iter().filter(|r| r.outcome != Outcome::Wrong).map(|r| r.code.as_str()).collect();
    codes.dedup();
    Unit {
        id: unit.object.id.clone(),
        kind: unit.object.kind.clone(),
        object: unit.object.to_string(),
        title: match (unit.is_rest, unit.object.kind.as_str()) {
            (true, _) => "What has not left yet".into(),
            (_, "shipment") => format!("Shipment {}", unit.object.id),
            _ => "The whole order".into(),
        },
        badge: status::readiness(unit.state.as_str()),
        word: state_word(unit.state.as_str()),
        figures: vec![
            ("Worth".into(), money(&unit.value)),
            ("Billed".into(), money(&unit.billed)),
            ("Remains to bill".into(), money(&unit.remaining)),
        ],
        times: times
            .into_iter()
            .filter_map(|(n, at)| Some((n.to_owned(), clock.time(at?.timestamp_millis()))))
            .collect(),
        documents: unit.documents.iter().map(|d| (d.id.clone(), words::object_path(tenant, &d.kind, &d.id))).collect(),
        groups: groups(tenant, clock, &unit.checks),
        lines: unit.lines.iter().map(line).collect(),
        codes: codes.join(","),
        marked: unit.checks.iter().any(|c| c.outcome == Outcome::Waived),
        held: unit.reasons.iter().any(|r| r.code == "manual_hold"),
        next_step: unit.next_step.clone(),
    }
}

fn groups(tenant: &str, clock: &Clock, checks: &[Check]) -> Vec<Group> {
    let of = |(key, title): (&str, &str)| {
        let mut own: Vec<&Check> = checks.iter().filter(|c| c.group == key).collect();
        own.sort_by_key(|c| !c.outcome.stands_in_the_way());
        Group { title: title.to_owned(), checks: own.into_iter().map(|c| leaf(tenant, clock, c)).collect() }
    };
    READINESS_GROUPS.into_iter().map(of).filter(|g| !g.checks.is_empty()).collect()
}

fn leaf(tenant: &str, clock: &Clock, check: &Check) -> Leaf {
    let (glyph, tone, word) = match check.outcome {
        Outcome::Met => ("ok", "ok", "met"),
        Outcome::Waived => ("off", "idle", "set aside"),
        Outcome::Waits => ("idle", "idle", "waits"),
        Outcome::Blocks => ("stop", "held", "blocks"),
        Outcome::Wrong => ("fail", "crit", "wrong"),
        Outcome::Failed => ("fail", "crit", "cannot be answered"),
    };
    Leaf {
        title: check.title.clone(),
        glyph,
        tone,
        word,
        detail: check.detail.clone(),
        since: check.since.map(|at| clock.time(at.timestamp_millis())),
        system: words::system(&check.system),
        next_step: check.next_step.clone(),
        evidence: check
            .evidence
            .iter()
            .map(|e| Shown {
                title: words::event_title(&e.kind),
                href: words::object_path(tenant, &e.object.kind, &e.object.id),
                source: e.source.clone(),
                at: clock.time(e.at.timestamp_millis()),
            })
            .collect(),
    }
}

fn line(line: &crate::domain::BillableLine) -> Line {
    let quantity = words::quantity;
    Line {
        line: line.line.clone(),
        sku: line.sku.clone(),
        unit: line.unit.clone(),
        price: line.price.as_ref().map(words::money).unwrap_or_default(),
        wanted: quantity(line.wanted),
        shipped: quantity(line.shipped),
        returned: quantity(line.returned),
        invoiced: quantity(line.invoiced),
        credited: quantity(line.credited),
        remaining: quantity(line.remaining),
        amount: line.remaining_amount.as_ref().map(words::money).unwrap_or_default(),
    }
}
