//! Server-rendered pages. Read through store, show with tera. A page is a struct made by a pure function of rows;
//! its handler only asks the store and answers.

mod assets;
pub mod board;
pub mod frame;
pub mod params;
pub mod prefs;
pub mod render;
pub mod status;
pub mod time;
pub mod words;
pub mod workflow;
pub mod workflows;
