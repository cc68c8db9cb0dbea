//! Act: failed payloads go back to work, through the pipeline or to a target over HTTP, and count as mended when the
//! awaited effect is seen. What a payload means is `pipeline`'s and `domain`'s; rows are `store`'s.

mod address;
mod bodies;
mod breaker;
mod connect;
mod courier;
mod dispatch;
mod dry;
mod effects;
mod jobs;
mod records;
mod run;
mod schedule;
mod select;
mod sign;

pub mod edit;
pub mod job;
pub mod target;
pub mod targets;

pub use address::is_open;
pub use connect::{Http, client, is_disguised, literal};
pub use dispatch::editable;
pub use dry::Forecast;
pub use jobs::{Edited, ReplayError, Replays, Started};
pub use select::{Excluded, Wanted};
pub use targets::Targets;
