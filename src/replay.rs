//! Act: failed payloads go back to work, through the pipeline or to a target over HTTP, and count as mended when the
//! awaited effect is seen. What a payload means is `pipeline`'s and `domain`'s; rows are `store`'s.

mod actions;
mod active;
mod address;
mod asked;
mod bodies;
mod breaker;
mod connect;
mod courier;
mod dispatch;
mod draft;
mod dry;
mod edits;
mod effects;
mod error;
mod items;
mod jobs;
mod late;
mod records;
mod run;
mod schedule;
mod select;
mod sign;

pub mod edit;
pub mod job;
pub mod target;
pub mod targets;

pub use actions::{Offer, Wish};
pub use address::is_open;
pub use asked::asked;
pub use connect::{Http, client, is_disguised, literal};
pub use dispatch::editable;
pub use dry::{Difference, Field as DryField, Forecast, Sample, differences};
pub use edits::{Edited, Original};
pub use error::ReplayError;
pub use jobs::{Replays, Started};
pub use select::{Excluded, Wanted};
pub use targets::Targets;
