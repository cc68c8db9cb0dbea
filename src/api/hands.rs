//! Linking, unlinking, merging, releasing and discarding by programs; as the forms of the pages do it.

use actix_web::{HttpRequest, web};
use milepost_ingest::ObjectRef;
use serde::Deserialize;

use super::{Answer, Refused, Shared, act, ok};
use crate::pages::hands::{Deed, Objection, Wish, check};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// `{"type": "order", "id": "SO-1"}`
    other: Option<ObjectRef>,
    reason: String,
    act: Option<String>,
}

/// `/objects/{type}/{id}/{link|unlink|merge|undo}`
pub async fn object(desk: Shared, request: HttpRequest, bytes: web::Bytes) -> Answer {
    done(desk, request, bytes, &[Deed::Link, Deed::Unlink, Deed::Merge, Deed::Undo]).await
}

/// `/held/{type}/{id}/{release|discard|link|undo}`
pub async fn held(desk: Shared, request: HttpRequest, bytes: web::Bytes) -> Answer {
    done(desk, request, bytes, &[Deed::Release, Deed::Discard, Deed::Link, Deed::Undo]).await
}

async fn done(desk: Shared, request: HttpRequest, bytes: web::Bytes, allowed: &[Deed]) -> Answer {
    let by = act::operator(&desk, &request)?;
    let object = super::named(&request)?;
    let word = request.match_info().get("deed").unwrap_or_default();
    let deed = Deed::parse(word).filter(|d| allowed.contains(d)).ok_or_else(Refused::nothing_here)?;
    let body: Body = act::body(&bytes)?;
    let other = body.other.as_ref().map(ToString::to_string);
    let wish = Wish { other: other.as_deref(), reason: Some(&body.reason), act: body.act.as_deref() };
    let doing = check(&desk, &by.tenant, object, deed, &wish).await.map_err(|objection| match objection {
        Objection::Field("object", text) => Refused::conflict("not_held", &text),
        Objection::Field(name, text) => Refused::body(&format!("/{name}"), &text),
        Objection::Unknown(object) => Refused::not_found(&object.to_string()),
        Objection::Store(error) => error.into(),
    })?;
    let mut act = act::Ids::of(&request)?.act(0, doing.kind, doing.object, doing.data);
    act.refs = doing.refs;
    let id = act.id.clone();
    let acted = act::act(&desk, &by, vec![act]).await?;
    ok(&serde_json::json!({"id": id, "stored": acted.stored}))
}
