//! Acts: what a person, a key or a rule of Milepost does. An act is an event of the system `milepost`; it comes from our
//! own pages and API, never from a sender, so it is read back as it was written.

use crate::vocabulary::ACTORS;
use crate::{Code, Event, Reading, Refusal};

/// The system of every act.
pub const ACTING_SYSTEM: &str = "milepost";

/// Whether a sender claims to be us: the system is reserved, and so are the sources of acts (`person/anna`).
pub(crate) fn is_reserved(system: &str, source: &str) -> bool {
    let first = source.split('/').next().unwrap_or_default();
    system.eq_ignore_ascii_case(ACTING_SYSTEM) || (first.len() < source.len() && ACTORS.contains(&first))
}

/// The body of acts, as `read` takes it.
pub fn write_acts(acts: &[Event]) -> Vec<u8> {
    serde_json::to_vec(acts).unwrap_or_default()
}

pub(crate) fn read_acts(body: &[u8]) -> Result<Reading, Refusal> {
    let events: Vec<Event> = serde_json::from_slice(body)
        .map_err(|error| Refusal::new(Code::InvalidJson, "", "acts as they were journalled", &error.to_string()))?;
    let items = u32::try_from(events.len()).unwrap_or(u32::MAX);
    Ok(Reading { items, events, ..Reading::default() })
}
