//! Showing what is hidden: an act with a reason, for one person, one payload and fifteen minutes. It stays in the audit.

use actix_web::{HttpRequest, HttpResponse};
use milepost_ingest::{Form, ObjectRef};

use crate::pages::act::Submission;
use crate::pages::desk::Desk;
use crate::pages::problem::Trouble;
use crate::pages::routes::part;
use crate::pages::{mask, words};
use crate::store::StoreError;
use crate::store::rows::PayloadRow;

/// The act, and the type of its object.
pub const UNMASKED: &str = "payload.unmasked";
const PAYLOAD: &str = "payload";
const FOR_MS: i64 = 15 * 60_000;
const MAX_REASON: usize = 500;

/// The object and the data of the act; the reason is cut.
pub fn excuse(payload: u64, reason: &str) -> (ObjectRef, serde_json::Map<String, serde_json::Value>) {
    let reason: String = reason.chars().take(MAX_REASON).collect();
    let data = [("reason".to_owned(), reason.into())].into_iter().collect();
    (ObjectRef::new(PAYLOAD, words::payload_id(payload, None)), data)
}

/// Whether there is anything in a payload, or in one dead letter of it, that is not shown at once.
pub fn is_masked(row: &PayloadRow, index: Option<u32>) -> bool {
    let hides = |headers: &[(String, String)], bytes: &[u8]| {
        headers.iter().any(|(name, value)| super::header_value(name, value) != *value)
            || !mask::ranges(bytes).is_empty()
    };
    if row.form != Form::DeadLetters.as_str() {
        return hides(&row.headers, &row.body);
    }
    // What is packed in base64 counts as well.
    match index.and_then(|index| milepost_ingest::dead_letter(&row.body, index)) {
        Some(letter) => hides(&letter.headers, &letter.payload),
        None => {
            let letters = milepost_ingest::dead_letters(&row.body);
            hides(&row.headers, &row.body) || letters.iter().any(|letter| hides(&letter.headers, &letter.payload))
        }
    }
}

/// Until when a person sees all of a payload.
pub async fn until(
    desk: &Desk,
    tenant: &str,
    payload: u64,
    person: Option<&str>,
    now_ms: i64,
) -> Result<Option<i64>, StoreError> {
    let Some(person) = person else { return Ok(None) };
    unmasked_by(desk, tenant, payload, &format!("person/{person}"), now_ms).await
}

/// The same for anybody who acts: `person/anna`, `key/1f2e…`.
pub async fn unmasked_by(
    desk: &Desk,
    tenant: &str,
    payload: u64,
    who: &str,
    now_ms: i64,
) -> Result<Option<i64>, StoreError> {
    let object = ObjectRef::new(PAYLOAD, words::payload_id(payload, None));
    let acts = desk.store.events_of(tenant, std::slice::from_ref(&object)).await?;
    let own = acts.iter().filter(|act| act.event_type == UNMASKED && act.source == who);
    Ok(own.map(|act| act.occurred_ms + FOR_MS).max().filter(|until| *until > now_ms))
}

pub async fn act(desk: &Desk, request: &HttpRequest, form: Submission) -> Result<HttpResponse, Trouble> {
    let (payload, _) =
        words::parse_payload_id(&part(request, "id")).ok_or_else(|| form.bad("This payload is not known."))?;
    let reason = form.need("reason", "Say why you have to see it: the reason is kept.")?;
    let (object, data) = excuse(payload, reason);
    form.done(desk, vec![form.act(0, UNMASKED, object, data)]).await
}
