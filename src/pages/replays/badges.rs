//! The states of jobs and of their items, as they are shown.

use crate::pages::status::Badge;
use crate::replay::job::{self, item};
use crate::store::replays::ReplayRow;

pub fn job_badge(state: &str) -> Badge {
    let (glyph, word, tone, loud) = match state {
        job::DRAFT => ("idle", "To confirm", "idle", false),
        job::SCHEDULED => ("idle", "Scheduled", "idle", false),
        job::RUNNING => ("run", "Running", "run", false),
        job::PAUSED => ("stop", "Paused", "held", true),
        job::STOPPED => ("stop", "Stopped by itself", "crit", true),
        job::SETTLING => ("run", "Waiting for effects", "run", false),
        job::FINISHED => ("ok", "Finished", "ok", false),
        _ => ("off", "Cancelled", "idle", false),
    };
    Badge { glyph, word, tone, loud }
}

pub fn is_at_end(row: &ReplayRow) -> bool {
    job::is_over(&row.state) && row.finished_ms > 0
}

/// A cancelled job whose items are still out is not at its end.
pub fn badge_of(row: &ReplayRow) -> Badge {
    let badge = job_badge(&row.state);
    if row.state == job::CANCELLED && row.finished_ms == 0 {
        return Badge { glyph: "run", word: "Cancelled, effects awaited", ..badge };
    }
    badge
}

pub fn item_badge(state: &str) -> Badge {
    let (glyph, word, tone, loud) = match state {
        item::PROVEN => ("ok", "Proven fixed", "ok", false),
        item::SENT => ("run", "Sent, no effect yet", "run", false),
        item::NO_EFFECT => ("risk", "Sent, no effect came", "risk", true),
        item::FAILED => ("fail", "Failed again", "crit", true),
        item::SKIPPED => ("stop", "Skipped", "held", false),
        item::RETRYING => ("risk", "Will try again", "risk", false),
        item::CANCELLED => ("off", "Cancelled", "idle", false),
        _ => ("idle", "Waiting", "idle", false),
    };
    Badge { glyph, word, tone, loud }
}
