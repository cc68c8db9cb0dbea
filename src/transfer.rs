//! Whole files of events: in through the public door of a running server (`import`), out of the store (`export`).
//! An import is a client like any other; what an event means for a workflow is not known here.

pub mod export;
pub mod import;
