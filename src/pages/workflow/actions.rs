//! What may be asked of other systems about a workflow, and what came of what was asked.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse};
use milepost_ingest::ObjectRef;
use serde::Serialize;

use crate::domain::Workflow;
use crate::pages::act::Submission;
use crate::pages::desk::Desk;
use crate::pages::problem::Trouble;
use crate::pages::replays::{self, item_badge};
use crate::pages::routes::part;
use crate::pages::status::Badge;
use crate::pages::time::{Clock, Time};
use crate::pages::words;
use crate::replay::{Offer, Wish};
use crate::store::StoreError;
use crate::store::replays::{ActionRow, ReplayItemRow};
use crate::store::rows::EventRow;

/// Calls that are listed.
const MADE: u64 = 12;

#[derive(Debug, Default, Serialize)]
pub struct Actions {
    pub offers: Vec<Offered>,
    pub made: Vec<Made>,
}

#[derive(Debug, Serialize)]
pub struct Offered {
    pub key: String,
    pub title: String,
    pub path: String,
    pub object: String,
    /// Said where it is not about the workflow's root.
    pub about: String,
    pub to: String,
    pub confirm: String,
}

#[derive(Debug, Serialize)]
pub struct Made {
    pub key: String,
    pub href: String,
    pub badge: Badge,
    pub words: String,
    pub reason: String,
    pub by: String,
    pub what: String,
    pub at: Time,
    /// Until when its effect is awaited.
    pub due: Option<Time>,
}

impl Actions {
    /// Of a workflow as it is now.
    pub async fn of(
        desk: &Desk,
        tenant: &str,
        clock: &Clock,
        workflow: &Workflow,
        events: &[EventRow],
    ) -> Result<Self, StoreError> {
        let Some(replays) = &desk.replays else { return Ok(Self::default()) };
        let kinds: BTreeSet<String> = events.iter().map(|event| event.event_type.clone()).collect();
        let offers = replays.offers_of(tenant, workflow, &kinds);
        let objects: Vec<ObjectRef> = workflow.objects.iter().map(|member| member.object.clone()).collect();
        let made = desk.store.actions_about(tenant, &objects, MADE).await?;
        Ok(Self {
            offers: offers.iter().map(|offer| offered(tenant, &workflow.root, offer)).collect(),
            made: made.iter().map(|row| told(tenant, clock, row)).collect(),
        })
    }
}

fn offered(tenant: &str, root: &ObjectRef, offer: &Offer) -> Offered {
    Offered {
        key: format!("{} {}", offer.name, offer.object),
        title: offer.title.clone(),
        path: format!("{}/actions/{}", words::workflow_path(tenant, &root.kind, &root.id), words::encode(&offer.name)),
        object: offer.object.to_string(),
        about: if offer.object == *root {
            String::new()
        } else {
            format!("{} {}", words::title(&offer.object.kind), offer.object.id)
        },
        to: offer.to.clone(),
        confirm: offer.confirm.clone(),
    }
}

fn told(tenant: &str, clock: &Clock, row: &ActionRow) -> Made {
    let item = ReplayItemRow {
        state: row.state.clone(),
        code: row.code.clone(),
        detail: row.detail.clone(),
        status: row.status,
        via: row.via.clone(),
        ..ReplayItemRow::default()
    };
    let awaits = row.state == crate::replay::job::item::SENT;
    Made {
        key: row.replay.clone(),
        href: words::tenant_path(tenant, &format!("replays/{}", row.replay)),
        badge: match (awaits, row.due_ms) {
            // Its target names no effect, so that it was taken is all there is to see.
            (true, 0) => Badge { glyph: "ok", word: "Taken by the target", tone: "ok", loud: false },
            _ => item_badge(&row.state),
        },
        words: row.words.clone(),
        reason: row.reason.clone(),
        by: words::actor(&row.by),
        what: replays::said(&item),
        at: clock.time(row.created_ms),
        due: (awaits && row.due_ms > 0).then(|| clock.time(row.due_ms)),
    }
}

/// The form of an action.
pub async fn act(desk: &Desk, request: &HttpRequest, form: Submission) -> Result<HttpResponse, Trouble> {
    let tenant = form.by.tenant.clone();
    let root = ObjectRef::new(part(request, "type"), part(request, "id"));
    let name = part(request, "action");
    let object = form.get("object").and_then(ObjectRef::parse);
    let reason = form.need("reason", "Say why: an action needs a reason.")?;
    let once = form.get("act_id").unwrap_or_default();
    let wish = Wish { root: &root, name: &name, object: object.as_ref(), reason, once };
    let asked = replays::replays(desk, &tenant)?.ask(&form.by, wish).await;
    asked.map_err(|error| replays::trouble(&tenant, error))?;
    Ok(form.answer(&form.back))
}
