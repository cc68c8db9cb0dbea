//! The bytes of a payload to the letter, as a file that no browser runs.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use super::{letter, unmask};
use crate::pages::desk::Desk;
use crate::pages::problem::Trouble;
use crate::pages::routes::part;
use crate::pages::visit::Visit;
use crate::pages::words;
use crate::store::rows::PayloadRow;

/// The bytes of a payload, or of one dead letter in it: what the sender's own system could not deliver.
pub fn bytes(row: PayloadRow, index: Option<u32>) -> Vec<u8> {
    match index.and_then(|_| letter(&row, index)) {
        Some(letter) => letter.payload,
        None => row.body,
    }
}

/// The bytes as they came, as a file: never as something that a browser would run.
pub async fn raw(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &[]).await?;
    let name = part(request, "id");
    let missing = || Trouble::NotFound { tenant: visit.tenant.clone(), what: format!("Payload {name}") };
    let (id, index) = words::parse_payload_id(&name).ok_or_else(missing)?;
    let row = desk.store.payload(&visit.tenant, id).await?.ok_or_else(missing)?;
    let until = unmask::until(desk, &visit.tenant, id, visit.person(), visit.clock.now_ms).await?;
    if until.is_none() && unmask::is_masked(&row, index) {
        let text = "This payload holds secrets or personal data. Show them on its page first, with a reason; then it can \
            be downloaded for 15 minutes.";
        return Err(Trouble::Bad { tenant: visit.tenant.clone(), text: text.into() });
    }
    Ok(attachment(&name, bytes(row, index)))
}

/// Bytes as a file that no browser runs.
pub fn attachment(name: &str, bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"payload-{name}.bin\"")))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .insert_header(("Cross-Origin-Resource-Policy", "same-origin"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(bytes)
}
