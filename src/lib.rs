//! Milepost: where every business transaction is, what blocks it, and what is ready to invoice.
//! The rooms stand in the order of an event's way through the house; tests/house.rs holds the arrows.

pub mod access;
pub mod receive;

pub mod journal;
pub mod pipeline;
pub mod replay;

pub mod domain;
pub mod engine;
pub mod store;

pub mod alerts;
pub mod api;
pub mod live;
pub mod pages;

pub mod transfer;

pub mod app;
pub mod simulate;
pub mod tail;
