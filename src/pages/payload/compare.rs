//! A payload beside the last good one of its kind.

use serde::Serialize;

use super::body::{Body, Shown};
use super::diff::{DiffLine, diff};
use crate::pages::time::{Clock, Time};
use crate::pages::words;
use crate::store::TakenAs;
use crate::store::rows::PayloadRow;

#[derive(Debug, Serialize)]
pub struct Diff {
    pub lines: Vec<DiffLine>,
    pub against: String,
    pub against_href: String,
    pub at: Option<Time>,
    pub summary: String,
}

pub fn compare(clock: &Clock, tenant: &str, shown: &Shown, at: &TakenAs, good: &PayloadRow, open: bool) -> Diff {
    let mut other = Body::of(good, Some(at.index), None).lines("pretty", None);
    if !open {
        other.mask();
    }
    let lines = diff(&other.text(), &shown.text());
    let count = |kind: &str| lines.iter().filter(|line| line.kind == kind).count() as u64;
    let (added, gone) = (count("add"), count("del"));
    let id = words::payload_id(at.payload, Some(at.index));
    Diff {
        summary: if added + gone == 0 {
            "They do not differ.".into()
        } else {
            format!("{} only here, {} only in the good one.", words::plural(added, "line", "lines"), words::count(gone))
        },
        against_href: words::tenant_path(tenant, &format!("payloads/{id}")),
        against: id,
        at: Some(clock.time(at.received_ms)),
        lines,
    }
}
