//! Act: failed payloads go back to work, through the pipeline or to a target over HTTP, and count as mended when the
//! awaited effect is seen. What a payload means is `pipeline`'s and `domain`'s; rows are `store`'s.

mod address;
mod breaker;
mod connect;
mod courier;
mod schedule;
mod sign;

pub mod diff;
pub mod edit;
pub mod target;

pub use address::is_open;
pub use connect::{Http, client, is_disguised, literal};
