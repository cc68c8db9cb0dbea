//! Status words with their silhouettes and tones: the one place that decides how a state looks.

use serde::Serialize;

use crate::domain::{Reached, Status, Verdict};

/// Glyph (a symbol of templates/glyphs.svg), word, and tone. `loud` states are tinted; the others stay quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Badge {
    pub glyph: &'static str,
    pub word: &'static str,
    pub tone: &'static str,
    pub loud: bool,
}

const fn badge(glyph: &'static str, word: &'static str, tone: &'static str, loud: bool) -> Badge {
    Badge { glyph, word, tone, loud }
}

pub fn workflow(status: &str) -> Badge {
    match status {
        "breached" => badge("crit", "Breached", "crit", true),
        "at_risk" => badge("risk", "At risk", "risk", true),
        "blocked" => badge("stop", "Blocked", "held", true),
        "on_track" => badge("run", "On track", "run", false),
        "done" => badge("ok", "Done", "ok", false),
        "cancelled" => badge("off", "Cancelled", "idle", false),
        _ => badge("unknown", "Unknown", "idle", false),
    }
}

pub fn of(status: Status) -> Badge {
    workflow(status.as_str())
}

pub fn readiness(state: &str) -> Badge {
    match state {
        "ready" => badge("ok", "Ready to invoice", "ok", true),
        "blocked" => badge("stop", "Not ready", "held", true),
        "invoiced" => badge("ok", "Invoiced", "ok", false),
        "posted" => badge("ok", "Posted", "ok", false),
        "paid" => badge("ok", "Paid", "ok", false),
        "wrong" => badge("fail", "Wrong invoice", "crit", true),
        _ => badge("idle", "Not due", "idle", false),
    }
}

pub fn verdict(verdict: Verdict) -> Badge {
    match verdict {
        Verdict::Open => badge("run", "Running", "run", false),
        Verdict::AtRisk => badge("risk", "At risk", "risk", true),
        Verdict::Breached => badge("crit", "Breached", "crit", true),
        Verdict::Met => badge("ok", "Met", "ok", false),
        Verdict::MetLate => badge("crit", "Met late", "crit", false),
        Verdict::Waived => badge("off", "Waived", "idle", false),
        Verdict::Withdrawn => badge("ok", "Withdrawn", "ok", false),
        Verdict::Cancelled => badge("off", "Cancelled", "idle", false),
    }
}

pub fn reached(reached: Reached) -> Badge {
    match reached {
        Reached::Full => badge("ok", "Reached", "ok", false),
        Reached::Part => badge("run", "In part", "run", false),
        Reached::No => badge("idle", "Not yet", "idle", false),
        Reached::Skipped => badge("off", "Skipped", "idle", false),
    }
}

/// How bad an exception is.
pub fn severity(severity: &str) -> Badge {
    match severity {
        "critical" => badge("crit", "Critical", "crit", true),
        "warning" => badge("risk", "Warning", "risk", true),
        _ => badge("run", "Note", "idle", false),
    }
}

/// An alert on its route.
pub fn alert(state: &str) -> Badge {
    match state {
        "waiting" => badge("held", "Waiting", "idle", false),
        "firing" => badge("crit", "Firing", "crit", true),
        "acknowledged" => badge("run", "Acknowledged", "run", false),
        _ => badge("ok", "Over", "ok", false),
    }
}

/// A notice on its way to a receiver.
pub fn delivery(state: &str) -> Badge {
    match state {
        "sent" => badge("ok", "Sent", "ok", false),
        "waiting" => badge("held", "On its way", "held", false),
        _ => badge("fail", "Failed", "crit", true),
    }
}

/// What became of an exception.
pub fn case(state: &str) -> Badge {
    match state {
        "open" => badge("stop", "Open", "held", false),
        "acknowledged" => badge("run", "Acknowledged", "run", false),
        "snoozed" => badge("pause", "Snoozed", "idle", false),
        "waived" => badge("off", "Waived", "idle", false),
        "closed" => badge("ok", "Closed", "ok", false),
        _ => badge("unknown", "Unknown", "idle", false),
    }
}

pub const HELD: Badge = badge("held", "Held", "held", true);
pub const FAILED: Badge = badge("fail", "Failed", "crit", true);
pub const TAKEN: Badge = badge("ok", "Accepted", "ok", false);
pub const PARTLY: Badge = badge("risk", "Accepted in part", "risk", true);
pub const REFUSED: Badge = badge("fail", "Refused", "crit", true);
pub const DEAD: Badge = badge("fail", "Dead letter", "crit", true);
pub const REPORTED: Badge = badge("fail", "Failed elsewhere", "crit", true);
pub const OPEN: Badge = badge("fail", "Open", "crit", false);
pub const RETURNED: Badge = badge("fail", "Returned", "crit", true);
pub const ACKNOWLEDGED: Badge = badge("run", "Acknowledged", "run", false);
pub const RESOLVED: Badge = badge("ok", "Resolved", "ok", false);
pub const IGNORED: Badge = badge("off", "Ignored", "idle", false);
pub const KNOWN: Badge = badge("run", "Known", "run", false);

pub const HEALTHY: Badge = badge("ok", "Healthy", "ok", false);
pub const DELAYED: Badge = badge("risk", "Delayed", "risk", true);
pub const ERRORING: Badge = badge("fail", "Erroring", "crit", true);
pub const SILENT: Badge = badge("crit", "Silent", "crit", true);
pub const RUNNING: Badge = badge("run", "Under way", "run", false);
pub const PLANNED: Badge = badge("idle", "Planned", "idle", false);
pub const STANDING: Badge = badge("pause", "Stands still", "risk", true);
pub const PROVEN: Badge = badge("ok", "Proven", "ok", false);
pub const NO_EFFECT: Badge = badge("risk", "No effect yet", "risk", true);
pub const YES: Badge = badge("ok", "Yes", "ok", false);
pub const PART: Badge = badge("risk", "Not all", "risk", true);
pub const NO_FAILURE: Badge = badge("ok", "No", "ok", false);
pub const BELOW: Badge = badge("risk", "Below usual", "risk", true);
pub const LATE: Badge = badge("crit", "Late", "crit", true);
pub const ON_TIME: Badge = badge("ok", "On time", "ok", false);
pub const UNKNOWN: Badge = badge("unknown", "Unknown", "idle", false);

/// Place in a list of sources or the like: worst first.
pub fn rank(badge: &Badge) -> u8 {
    match badge.tone {
        "crit" => 0,
        "risk" => 1,
        "held" => 2,
        "idle" => 3,
        _ => 4,
    }
}
