//! Meaning: objects, links, workflows. Pure functions of values; time is an argument.

mod workflow;

pub use workflow::*;
