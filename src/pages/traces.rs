//! One trace by its id.

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::desk::Desk;
use super::problem::Trouble;
use super::render::Page;
use super::routes::part;
use super::visit::{Label, Visit};
use super::workflow::trace::{self, Traces};

#[derive(Debug, Serialize)]
pub struct Trace {
    pub traces: Traces,
}

impl Page for Trace {
    const TEMPLATE: &'static str = "trace.html";
}

pub async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &[]).await?;
    let tenant = visit.tenant.as_str();
    let id = part(request, "id").to_ascii_lowercase();
    visit
        .show(desk, async {
            let spans = desk.store.trace(tenant, &id).await?;
            if spans.is_empty() {
                return Err(Trouble::NotFound { tenant: tenant.to_owned(), what: format!("Trace {id}") });
            }
            let page = Trace { traces: trace::waterfall(tenant, &visit.clock, &spans) };
            Ok((Label::new("", "Trace", ""), page))
        })
        .await
}
