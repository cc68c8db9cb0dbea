//! JSON for the questions that the pages answer.
pub fn configure(_: &mut actix_web::web::ServiceConfig) {}
