//! The objects of a workflow as a graph from left to right, and as a list. Geometry only; the template draws.

use std::collections::BTreeMap;

use milepost_ingest::ObjectRef;
use serde::Serialize;

use crate::domain::{Member, Reached, Workflow};
use crate::pages::time::{Clock, Time};
use crate::pages::words;

const NODE_W: f64 = 160.0;
const NODE_H: f64 = 54.0;
const GAP_X: f64 = 34.0;
const GAP_Y: f64 = 14.0;
const MARGIN: f64 = 8.0;
/// Below the nodes, for links that pass over a column.
const BUS: f64 = 20.0;
/// Nodes of a column before the rest is one node with a number.
const MAX_ROWS: usize = 12;

#[derive(Debug, Default, Serialize)]
pub struct Documents {
    pub width: f64,
    pub height: f64,
    pub node_width: f64,
    pub node_height: f64,
    pub nodes: Vec<Node>,
    pub edges: Vec<String>,
    pub summary: String,
    pub rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub struct Node {
    pub x: f64,
    pub y: f64,
    pub kind: String,
    pub id: String,
    pub title: String,
    pub note: String,
    pub href: String,
    /// Expected and not there.
    pub missing: bool,
    /// Systems do not agree about it.
    pub conflict: bool,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub object: words::Ref,
    pub state: String,
    pub amount: String,
    pub events: u32,
    pub last: Option<Time>,
    pub beliefs: Vec<Belief>,
    pub conflict: bool,
}

#[derive(Debug, Serialize)]
pub struct Belief {
    pub system: String,
    pub tone: &'static str,
    pub state: String,
    pub since: Time,
}

/// Columns from the order to its payment.
fn rank(kind: &str) -> u8 {
    match kind {
        "customer" | "item" | "location" | "carrier" => 0,
        "order" | "goods_receipt" | "inventory_movement" => 1,
        "shipment" => 2,
        "load" | "return" => 3,
        "charge" | "freight_invoice" => 4,
        "invoice" => 5,
        _ => 6,
    }
}

pub fn graph(tenant: &str, clock: &Clock, workflow: &Workflow) -> Documents {
    let mut columns: BTreeMap<u8, Vec<Node>> = BTreeMap::new();
    let mut places: BTreeMap<&ObjectRef, (u8, usize)> = BTreeMap::new();
    for member in &workflow.objects {
        let rank = rank(&member.object.kind);
        let column = columns.entry(rank).or_default();
        if column.len() < MAX_ROWS {
            places.insert(&member.object, (rank, column.len()));
            column.push(node(tenant, member, conflict(workflow, member)));
        } else {
            places.insert(&member.object, (rank, MAX_ROWS));
            match column.get_mut(MAX_ROWS) {
                Some(rest) => rest.id = grow(&rest.id),
                None => column.push(rest_node()),
            }
        }
    }
    for (rank, node) in missing(workflow) {
        columns.entry(rank).or_default().push(node);
    }
    let tallest = columns.values().map(Vec::len).max().unwrap_or(0) as f64;
    let height = tallest * (NODE_H + GAP_Y) - GAP_Y + 2.0 * MARGIN;
    let mut column_at: BTreeMap<u8, usize> = BTreeMap::new();
    for (at, (rank, nodes)) in columns.iter_mut().enumerate() {
        column_at.insert(*rank, at);
        let own = nodes.len() as f64 * (NODE_H + GAP_Y) - GAP_Y;
        for (row, node) in nodes.iter_mut().enumerate() {
            node.x = MARGIN + at as f64 * (NODE_W + GAP_X);
            node.y = ((height - own) / 2.0 + row as f64 * (NODE_H + GAP_Y)).round();
        }
    }
    let (edges, bus) = edges(workflow, &columns, &places, &column_at, height);
    Documents {
        width: columns.len() as f64 * (NODE_W + GAP_X) - GAP_X + 2.0 * MARGIN,
        height: height.max(NODE_H + 2.0 * MARGIN) + if bus { BUS } else { 0.0 },
        node_width: NODE_W,
        node_height: NODE_H,
        edges,
        summary: format!(
            "{} and {}.",
            words::plural(workflow.objects.len() as u64, "object", "objects"),
            words::plural(workflow.links.len() as u64, "link", "links")
        ),
        rows: workflow.objects.iter().map(|member| row(tenant, clock, member, conflict(workflow, member))).collect(),
        nodes: columns.into_values().flatten().collect(),
    }
}

fn node(tenant: &str, member: &Member, conflict: bool) -> Node {
    let state = member.state.replace('_', " ");
    let note = match &member.amount {
        Some(amount) if state.is_empty() => words::money(amount),
        Some(amount) => format!("{state} · {}", words::money(amount)),
        None if state.is_empty() => "only referred to".into(),
        None => state,
    };
    Node {
        x: 0.0,
        y: 0.0,
        kind: words::title(&member.object.kind),
        title: format!("{} {}: {note}", words::title(&member.object.kind), member.object.id),
        id: words::cut(&member.object.id, 17),
        note: words::cut(&note, 24),
        href: words::object_path(tenant, &member.object.kind, &member.object.id),
        missing: false,
        conflict,
    }
}

fn rest_node() -> Node {
    Node {
        x: 0.0,
        y: 0.0,
        kind: "More".into(),
        id: "+1".into(),
        title: "More objects of this kind; the list below has all.".into(),
        note: "in the list below".into(),
        href: "#list".into(),
        missing: false,
        conflict: false,
    }
}

fn grow(id: &str) -> String {
    let n: u64 = id.trim_start_matches('+').parse().unwrap_or(0);
    format!("+{}", n + 1)
}

/// Objects that the milestones ask for and that are not there.
fn missing(workflow: &Workflow) -> Vec<(u8, Node)> {
    if workflow.closed_at.is_some() {
        return Vec::new();
    }
    let has = |kind: &str| workflow.objects.iter().any(|member| member.object.kind == kind);
    let awaited =
        |key: &str| workflow.milestones.iter().any(|m| m.key == key && m.reached == Reached::No && !m.optional);
    [("shipment", "shipped"), ("invoice", "invoiced")]
        .into_iter()
        .filter(|(kind, milestone)| !has(kind) && awaited(milestone))
        .map(|(kind, _)| {
            let node = Node {
                x: 0.0,
                y: 0.0,
                kind: words::title(kind),
                id: "not yet".into(),
                title: format!("No {kind} is known yet."),
                note: "expected".into(),
                href: String::new(),
                missing: true,
                conflict: false,
            };
            (rank(kind), node)
        })
        .collect()
}

/// Curves between neighbouring columns; links that pass over a column go round below. Says whether there are such.
fn edges(
    workflow: &Workflow,
    columns: &BTreeMap<u8, Vec<Node>>,
    places: &BTreeMap<&ObjectRef, (u8, usize)>,
    column_at: &BTreeMap<u8, usize>,
    height: f64,
) -> (Vec<String>, bool) {
    let at = |object: &ObjectRef| {
        let (rank, row) = places.get(object)?;
        Some((*column_at.get(rank)?, columns.get(rank)?.get(*row)?))
    };
    let mut bus = false;
    let mut paths: Vec<String> = workflow
        .links
        .iter()
        .filter_map(|link| {
            let (mut from, mut to) = (at(&link.from)?, at(&link.to)?);
            if from.0 > to.0 {
                std::mem::swap(&mut from, &mut to);
            }
            let (y0, y1) = (from.1.y + NODE_H / 2.0, to.1.y + NODE_H / 2.0);
            if from.0 == to.0 {
                let x = from.1.x;
                return Some(format!("M{x} {y0} C{} {y0} {} {y1} {x} {y1}", x - 24.0, x - 24.0));
            }
            let (x0, x1) = (from.1.x + NODE_W, to.1.x);
            if to.0 - from.0 == 1 {
                let middle = (x0 + x1) / 2.0;
                return Some(format!("M{x0} {y0} C{middle} {y0} {middle} {y1} {x1} {y1}"));
            }
            bus = true;
            let (low, turn) = (height + BUS / 2.0, GAP_X / 2.0);
            let (a, b) = (x0 + turn, x1 - turn);
            Some(format!(
                "M{x0} {y0} C{a} {y0} {a} {low} {} {low} H{} C{b} {low} {b} {y1} {x1} {y1}",
                a + turn,
                b - turn
            ))
        })
        .collect();
    paths.sort();
    paths.dedup();
    (paths, bus)
}

/// Systems use different verbs all the time; whether they contradict each other is judged by the domain.
fn conflict(workflow: &Workflow, member: &Member) -> bool {
    workflow.exceptions.iter().any(|exception| exception.kind == "status_conflict" && exception.object == member.object)
}

fn row(tenant: &str, clock: &Clock, member: &Member, conflict: bool) -> Row {
    Row {
        object: words::Ref::object(tenant, &member.object),
        state: words::capital(&member.state.replace('_', " ")),
        amount: member.amount.as_ref().map(words::money).unwrap_or_default(),
        events: member.events,
        last: member.last_at.map(|at| clock.time(at.timestamp_millis())),
        conflict,
        beliefs: beliefs(clock, member),
    }
}

pub fn beliefs(clock: &Clock, member: &Member) -> Vec<Belief> {
    let belief = |belief: &crate::domain::Belief| Belief {
        system: words::system(&belief.system),
        tone: words::lane(&belief.system),
        state: belief.state.replace('_', " "),
        since: clock.time(belief.since.timestamp_millis()),
    };
    member.beliefs.iter().map(belief).collect()
}
