//! What the API answers. The only place in this room where status codes are chosen; problems are RFC 9457.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::json;

use crate::pipeline::Pressure;
use crate::store::StoreError;

/// A request that gets no answer to its question.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    pointer: Option<String>,
}

impl Refused {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, title, detail: detail.into(), pointer: None }
    }

    pub fn no_key() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "no_key",
            "A key is needed",
            "Send `Authorization: Bearer KEY` with a key made by `milepost key create --tenant T --read`.",
        )
    }

    pub fn unknown_key() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unknown_key",
            "The key is not known",
            "It may have been revoked, or cut when it was copied.",
        )
    }

    pub fn send_key() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "send_key",
            "The key does not allow this",
            "This key sends events. Reading needs a key made with `--read`.",
        )
    }

    pub fn may_not_act() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "may_not_act",
            "The key does not allow this",
            "Acting needs a key made with `--operate`.",
        )
    }

    pub fn masked() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "masked",
            "The payload holds secrets or personal data",
            "Its bytes are given to keys made with `--operate`, and that they were given is kept.",
        )
    }

    /// A JSON body that is not what was expected; `pointer` says where.
    pub fn body(pointer: &str, detail: &str) -> Self {
        let mut refused = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_body", "The body cannot be used", detail);
        refused.pointer = Some(pointer.to_owned());
        refused
    }

    /// What was asked does not fit the state that it is in.
    pub fn conflict(code: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, code, "This cannot be done now", detail)
    }

    pub fn used_key() -> Self {
        Self::conflict("used_idempotency_key", "This Idempotency-Key was used before for something else.")
    }

    pub fn closed() -> Self {
        Self::pressure(&Pressure::Closed)
    }

    pub fn pressure(pressure: &Pressure) -> Self {
        let title = "Nothing can be taken down right now";
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "pressure",
            title,
            format!("{pressure}. Try again in a few seconds."),
        )
    }

    pub fn parameter(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_parameter", "A parameter cannot be used", detail)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not known", format!("{what} is not known to this tenant."))
    }

    pub fn nothing_here() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_such_path",
            "Nothing here",
            "`GET /api/v1/openapi.json` lists what there is.",
        )
    }

    pub fn misdirected() -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "foreign_host",
            "Another host is meant",
            "This name is not among the hosts that this server answers to.",
        )
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        let id = format!("{:08x}", rand::random::<u32>());
        tracing::error!(error_id = id, %error, "a question to the API could not be answered");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "store_away",
            "The store does not answer",
            format!("Events are still taken and kept. Try again in a few seconds. Error id {id}."),
        )
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut body = json!({
            "type": "about:blank", "status": self.status.as_u16(), "title": self.title, "code": self.code, "detail": self.detail,
        });
        if let Some(pointer) = &self.pointer {
            body["pointer"] = json!(pointer);
        }
        let mut answer = HttpResponse::build(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((header::RETRY_AFTER, "5"));
        }
        answer
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .content_type("application/problem+json")
            .body(body.to_string())
    }
}

pub fn ok<T: Serialize>(value: &T) -> Result<HttpResponse, Refused> {
    let body = serde_json::to_string(value).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", "A fault of ours", "The answer could not be written.")
    })?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .content_type("application/json")
        .body(body))
}
