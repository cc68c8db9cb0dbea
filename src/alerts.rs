//! Telling people and their tools: which exceptions go to whom, in which form, and what became of it.
//! What an exception is, `domain` says; what is open, the store knows.

mod notice;
mod plan;
mod post;
mod quiet;
mod receivers;
mod rosters;
mod routes;
mod run;

pub use notice::{Action, Line, Notice, Sum};
pub use plan::{Alert, Item, Order, State, Told, plan};
pub use post::{Handed, Outcome, hand_over, hand_over_once};
pub use rosters::Rosters;
pub use routes::{How, Receiver, Routes};
pub use run::{Bell, Board};

#[cfg(test)]
mod tests;
