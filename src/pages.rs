//! Server-rendered pages. Read through store, show with tera. A page is a struct made by a pure function of rows;
//! its handler only asks the store and answers.

pub mod act;
mod assets;
pub mod board;
mod desk;
pub mod exceptions;
pub mod failures;
mod find;
pub mod frame;
pub mod hands;
pub mod held;
pub mod json;
pub mod mask;
pub mod notes;
pub mod object;
mod otlp;
pub mod params;
pub mod payload;
pub mod prefs;
mod problem;
pub mod render;
mod routes;
pub mod sources;
pub mod status;
pub mod time;
mod traces;
mod visit;
pub mod words;
pub mod workflow;
pub mod workflows;

pub use desk::{Desk, FAILURES_BACK_MS};
pub use failures::filter as failure_filter;
pub use routes::{MAX_COMMENT_CHARS, acted, configure, workflow_filter};
pub use visit::{alone, answers_to};
