//! Wires the rooms together, from settings to listening sockets. Decides nothing about events.

mod check;
pub mod cli;
mod definition;
mod definitions;
mod demo;
mod health;
mod http;
mod mails;
mod progress;
mod serve;
mod settings;
mod setup;
mod telemetry;
mod transfer;

pub use serve::{Bound, serve};
pub use settings::{Settings, SettingsError};
