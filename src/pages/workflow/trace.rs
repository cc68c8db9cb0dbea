//! The technical trace as a waterfall: one per trace id, children under their parents.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::pages::time::{Clock, Time};
use crate::pages::words;
use crate::store::rows::SpanRow;

/// Bars are drawn on this width.
const WIDTH: f64 = 480.0;
const MAX_SPANS: usize = 400;
const MAX_DEPTH: usize = 24;

#[derive(Debug, Default, Serialize)]
pub struct Traces {
    pub traces: Vec<Trace>,
    pub width: f64,
    /// Spans that were left out.
    pub more: u64,
}

#[derive(Debug, Serialize)]
pub struct Trace {
    pub id: String,
    pub start: Time,
    pub length: String,
    pub errors: u64,
    pub services: String,
    pub spans: Vec<Span>,
}

#[derive(Debug, Serialize)]
pub struct Span {
    pub id: String,
    pub name: String,
    pub service: String,
    pub tone: &'static str,
    pub depth: usize,
    pub x: f64,
    pub width: f64,
    pub length: String,
    pub error: bool,
    pub message: String,
    pub object: Option<words::Ref>,
    pub attributes: Vec<(String, String)>,
    pub start: Time,
}

pub fn waterfall(tenant: &str, clock: &Clock, spans: &[SpanRow]) -> Traces {
    let mut groups: BTreeMap<&str, Vec<&SpanRow>> = BTreeMap::new();
    for row in spans.iter().take(MAX_SPANS) {
        groups.entry(&row.span.trace.trace_id).or_default().push(row);
    }
    let mut traces: Vec<Trace> = groups.into_iter().map(|(id, rows)| trace(tenant, clock, id, rows)).collect();
    traces.sort_by_key(|trace| std::cmp::Reverse(trace.start.ms));
    Traces { traces, width: WIDTH, more: spans.len().saturating_sub(MAX_SPANS) as u64 }
}

fn trace(tenant: &str, clock: &Clock, id: &str, mut rows: Vec<&SpanRow>) -> Trace {
    rows.sort_by_key(|row| (row.span.start_ns, row.span.trace.span_id.clone()));
    let start = rows.iter().map(|row| row.span.start_ns).min().unwrap_or(0);
    let end = rows.iter().map(|row| row.span.end_ns).max().unwrap_or(start);
    let length = end.saturating_sub(start).max(1);
    let mut services: Vec<&str> =
        rows.iter().map(|row| row.span.service.as_str()).filter(|name| !name.is_empty()).collect();
    services.sort_unstable();
    services.dedup();
    Trace {
        id: id.to_owned(),
        start: clock.time((start / 1_000_000) as i64),
        length: nanos(length),
        errors: rows.iter().filter(|row| row.span.status == 2).count() as u64,
        services: services.join(", "),
        spans: ordered(&rows).into_iter().map(|(row, depth)| span(tenant, clock, row, depth, start, length)).collect(),
    }
}

/// Parents before their children, roots (and those whose parent is not here) by time.
fn ordered<'a>(rows: &[&'a SpanRow]) -> Vec<(&'a SpanRow, usize)> {
    let known: HashSet<&str> = rows.iter().map(|row| row.span.trace.span_id.as_str()).collect();
    let mut children: BTreeMap<&str, Vec<&'a SpanRow>> = BTreeMap::new();
    let mut stack: Vec<(&'a SpanRow, usize)> = Vec::new();
    for &row in rows {
        let parent = row.span.parent_span_id.as_str();
        if known.contains(parent) && parent != row.span.trace.span_id {
            children.entry(parent).or_default().push(row);
        } else {
            stack.push((row, 0));
        }
    }
    stack.reverse();
    let mut seen: HashSet<&str> = HashSet::new();
    let mut out = Vec::with_capacity(rows.len());
    while let Some((row, depth)) = stack.pop() {
        if !seen.insert(&row.span.trace.span_id) {
            continue;
        }
        out.push((row, depth));
        let below = children.remove(row.span.trace.span_id.as_str()).unwrap_or_default();
        stack.extend(below.into_iter().rev().map(|child| (child, (depth + 1).min(MAX_DEPTH))));
    }
    // Spans that name each other as parents hang from no root; they are shown all the same.
    out.extend(rows.iter().filter(|row| !seen.contains(row.span.trace.span_id.as_str())).map(|row| (*row, 0)));
    out
}

fn span(tenant: &str, clock: &Clock, row: &SpanRow, depth: usize, start: u64, length: u64) -> Span {
    let span = &row.span;
    let share = |ns: u64| (ns as f64 / length as f64 * WIDTH * 10.0).round() / 10.0;
    let own = span.end_ns.saturating_sub(span.start_ns);
    Span {
        id: span.trace.span_id.clone(),
        name: span.name.clone(),
        service: if span.service.is_empty() { span.source.clone() } else { span.service.clone() },
        tone: words::lane(&span.system),
        depth,
        x: share(span.start_ns.saturating_sub(start)).min(WIDTH - 2.0),
        width: share(own).max(2.0),
        length: nanos(own),
        error: span.status == 2,
        message: span.status_message.clone(),
        object: span.object.as_ref().map(|object| words::Ref::object(tenant, object)),
        attributes: span.attributes.clone(),
        start: clock.time((span.start_ns / 1_000_000) as i64),
    }
}

fn nanos(ns: u64) -> String {
    match ns {
        0..=999_999 => format!("{} µs", ns / 1000),
        1_000_000..=999_999_999 => format!("{} ms", ns / 1_000_000),
        1_000_000_000..=59_999_999_999 => format!("{:.1} s", ns as f64 / 1e9),
        _ => words::duration((ns / 1_000_000) as i64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, parent: &str, start_ns: u64) -> SpanRow {
        let mut row = SpanRow::default();
        row.span.trace.span_id = id.into();
        row.span.parent_span_id = parent.into();
        row.span.start_ns = start_ns;
        row
    }

    #[test]
    fn children_stand_under_their_parents_and_circles_are_not_lost() {
        let rows = [row("a", "", 1), row("c", "b", 3), row("b", "a", 2), row("x", "y", 9), row("y", "x", 9)];
        let all: Vec<&SpanRow> = rows.iter().collect();
        let order: Vec<(&str, usize)> =
            ordered(&all).into_iter().map(|(row, depth)| (row.span.trace.span_id.as_str(), depth)).collect();
        assert_eq!(order, [("a", 0), ("b", 1), ("c", 2), ("x", 0), ("y", 0)]);
    }
}
