//! Journeys: the real binary with its real ClickHouse, reached as the world reaches it. Each story has its own server and folder.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod acts;
mod alerts;
mod crashes;
mod definitions;
mod disorder;
mod exceptions;
mod failures;
mod finance;
mod landscape;
mod ledger;
mod pages;
mod refusals;
mod replays;
mod restarts;
mod rules;
mod sdks;
mod server;
mod silence;
mod tail;
mod transfer;
