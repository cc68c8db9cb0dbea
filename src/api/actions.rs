//! Actions on a workflow, for programs: what is offered now, and asking for one.

use actix_web::{HttpRequest, web};
use milepost_ingest::ObjectRef;
use serde::Deserialize;
use serde_json::json;

use super::act::{Ids, body, operator};
use super::answer::{Refused, ok};
use super::replays::{replays, time};
use super::{Answer, Shared, named, query, tenant};
use crate::pages::words;
use crate::replay::Wish;
use crate::store::replays::ActionRow;

/// Calls of an answer, the newest first.
const MADE: u64 = 50;

pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/workflows/{type}/{id}/actions", web::get().to(list))
        .route("/workflows/{type}/{id}/actions/{name}", web::post().to(ask));
}

async fn list(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    query(&request, &[])?;
    let root = named(&request)?;
    let offers = replays(&desk)?.offers(&tenant, &root).await?;
    let offers = offers.ok_or_else(|| Refused::not_found(&root.to_string()))?;
    let row = desk.store.workflow(&tenant, &root).await?;
    let members = row.map(|row| row.members).unwrap_or_default();
    let objects: Vec<ObjectRef> = members.iter().filter_map(|name| ObjectRef::parse(name)).collect();
    let made = desk.store.actions_about(&tenant, &objects, MADE).await?;
    ok(&json!({"items": offers, "made": made.iter().map(told).collect::<Vec<_>>()}))
}

fn told(row: &ActionRow) -> serde_json::Value {
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    json!({
        "replay_id": row.replay, "words": row.words, "reason": row.reason, "by": row.by, "through": row.through,
        "object": {"type": row.object_type, "id": row.object_id}, "asked_at": time(row.created_ms),
        "outcome": row.state, "attempts": row.attempts, "code": filled(&row.code), "detail": filled(&row.detail),
        "status": row.status, "via": filled(&row.via), "sent_at": time(row.sent_ms),
        "effect_due_at": time(row.due_ms), "settled_at": time(row.settled_ms),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    reason: String,
    /// Where the action is offered for several objects of the workflow.
    object: Option<ObjectRef>,
}

async fn ask(desk: Shared, request: HttpRequest, bytes: web::Bytes) -> Answer {
    let by = operator(&desk, &request)?;
    query(&request, &[])?;
    let root = named(&request)?;
    let name = words::decode(request.match_info().get("name").unwrap_or_default());
    let asked: Asked = body(&bytes)?;
    let once = Ids::of(&request)?.word();
    let wish = Wish { root: &root, name: &name, object: asked.object.as_ref(), reason: &asked.reason, once: &once };
    let started = replays(&desk)?.ask(&by, wish).await?;
    ok(&json!({"replay_id": started.row.id, "again": started.again}))
}
