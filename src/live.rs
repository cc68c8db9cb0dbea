//! Push: tells browsers and `milepost tail` what changed, at most once a second each. The pages fetch the rest.

mod hub;
mod socket;
mod stream;

pub use hub::{Change, EventLine, Freshness, Hub, Nudge, Watcher};
pub use socket::configure;

#[cfg(test)]
mod tests;
