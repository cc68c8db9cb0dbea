//! What goes wrong on a page, and how it is told. The only place in this room where status codes are chosen.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use super::desk::Desk;
use super::frame::{Counts, Frame, Setting};
use super::notes::Problem;
use super::prefs::Prefs;
use super::render::{self, RenderError};
use super::time::Clock;
use super::visit;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("{what} is not known")]
    NotFound { tenant: String, what: String },
    #[error("{text}")]
    Bad { tenant: String, text: String },
    /// A form that another site sent.
    #[error("a form of another site")]
    Foreign { tenant: String },
    /// Nothing can be taken down right now.
    #[error("nothing can be taken down right now")]
    Busy { tenant: String },
    /// Asked under a name that is not ours.
    #[error("asked under a foreign host name")]
    Misdirected,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl Trouble {
    pub fn answer(&self, desk: &Desk, request: &HttpRequest) -> HttpResponse {
        let here = request.uri().to_string();
        let (status, problem, tenant) = match self {
            Self::Misdirected => {
                let text = "Milepost answers to addresses and localhost only, unless this name is among its hosts.\n";
                return HttpResponse::MisdirectedRequest().content_type("text/plain; charset=utf-8").body(text);
            }
            Self::NotFound { tenant, what } => {
                (StatusCode::NOT_FOUND, Problem::not_found(tenant, what), tenant.as_str())
            }
            Self::Bad { tenant, text } => {
                (StatusCode::BAD_REQUEST, Problem::bad_request(tenant, text), tenant.as_str())
            }
            Self::Foreign { tenant } => (StatusCode::FORBIDDEN, Problem::foreign(tenant), tenant.as_str()),
            Self::Busy { tenant } => (StatusCode::SERVICE_UNAVAILABLE, Problem::busy(tenant), tenant.as_str()),
            Self::Store(error) => {
                let id = error_id();
                tracing::error!(error_id = id, %error, path = request.path(), "a page could not be read");
                let tenant = request.match_info().get("tenant").unwrap_or_default();
                (StatusCode::SERVICE_UNAVAILABLE, Problem::store_away(&id, &here), tenant)
            }
            Self::Render(error) => {
                let id = error_id();
                tracing::error!(error_id = id, %error, path = request.path(), "a page could not be drawn");
                let tenant = request.match_info().get("tenant").unwrap_or_default();
                (StatusCode::INTERNAL_SERVER_ERROR, Problem::fault(&id, &here), tenant)
            }
        };
        let clock = Clock::utc(chrono::Utc::now().timestamp_millis());
        let frame = Frame::new(Setting {
            tenant,
            tenants: &[],
            page: "",
            title: problem.title.clone(),
            watch: String::new(),
            here,
            counts: Counts::default(),
            freshness: desk.hub.freshness(),
            clock: &clock,
            prefs: &Prefs::of(request),
            notices: Vec::new(),
            store_up: !matches!(self, Self::Store(_)),
        });
        let mut answer = visit::html(status);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((header::RETRY_AFTER, "5"));
        }
        match render::page(&frame, &problem, false) {
            Ok(body) => answer.body(body),
            Err(_) => answer.content_type("text/plain; charset=utf-8").body(problem.text),
        }
    }
}

fn error_id() -> String {
    format!("{:08x}", rand::random::<u32>())
}
