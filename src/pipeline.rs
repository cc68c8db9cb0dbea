//! Order: takes the journal in order, correlates, folds, stores, publishes, moves the checkpoint.

mod acts;
mod batch;
mod checkpoint;
mod clocks;
mod failed;
mod groups;
mod intake;
mod ledger;
mod memory;
mod outlook;
mod raised;
mod recall;
mod recent;
mod record;
mod residence;
mod rules;
mod run;
mod seen;
mod settings;
mod slas;
mod snapshot;
mod state;
mod status;
mod watch;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use milepost_ingest::Refusal;

pub use acts::{Act, Acted, Acts, By};
pub use checkpoint::Checkpoint;
pub use groups::{Groups, Stale};
pub use intake::Gate;
pub use milepost_ingest::Form;
pub use outlook::{Expected, Outlook};
pub use rules::{NotKept, Rules, Ruling, RulingError, Texts};
pub use run::Pipeline;
pub use settings::Settings;
pub use snapshot::object_row;
pub use status::Status;
pub use watch::{Observed, Sentinel};

/// The source of what we could not bring to a target ourselves. It is no source that could fall silent.
pub const OWN_DELIVERIES: &str = "milepost/delivery";

/// A payload at the door: authenticated, decompressed, within the limits, not yet read.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub tenant: String,
    pub key_id: String,
    /// The source that the key names.
    pub source: String,
    pub form: Form,
    /// Headers worth keeping, lower-case names, secrets already cut.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// The contracts and mapping that it is to be read by; those of now where nothing else is asked for.
    pub ruling: Option<Arc<Ruling>>,
}

/// A payload that is safely in the journal.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Under this id the payload can be asked for: `/api/v1/payloads/{id}`; of one record: `{id}.{index}`.
    pub payload_id: String,
    /// Records taken (events, spans, logs, points), without duplicates and refusals.
    pub accepted: u32,
    pub duplicates: u32,
    /// Positions of the duplicates.
    pub repeated: Vec<u32>,
    /// Kept with their reasons before this answer.
    pub refusals: Vec<Refusal>,
    /// Set when the body as a whole could not be read; then the counts are 0.
    pub unreadable: Option<Refusal>,
}

/// Why nothing can be taken right now. The sender keeps the payload and comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Pressure {
    #[error("the journal's disk is full")]
    Full,
    #[error("too far behind the store")]
    Behind,
    #[error("starting or shutting down")]
    Closed,
}

/// What the doors know of the pipeline. Takes a payload: reads it, journals it, and returns when it is on disk.
pub trait Intake: Send + Sync + 'static {
    fn take(&self, arrival: Arrival) -> Pin<Box<dyn Future<Output = Result<Taken, Pressure>> + Send + '_>>;
}
