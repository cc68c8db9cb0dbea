//! Server-rendered pages. Read through store, show with tera. A page is a struct made by a pure function of rows;
//! its handler only asks the store and answers.

mod assets;
pub mod board;
pub mod failures;
pub mod frame;
pub mod held;
pub mod json;
pub mod notes;
pub mod object;
pub mod params;
pub mod payload;
pub mod prefs;
pub mod render;
pub mod sources;
pub mod status;
pub mod time;
pub mod words;
pub mod workflow;
pub mod workflows;
pub struct Desk;
impl Desk {
    pub fn new(
        _: crate::store::Store,
        _: std::sync::Arc<crate::domain::Definitions>,
        _: crate::live::Hub,
        _: std::sync::Arc<crate::access::Keys>,
    ) -> Self {
        Self
    }
}
pub fn configure(_: &mut actix_web::web::ServiceConfig) {}
