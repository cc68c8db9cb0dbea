//! Our own deliveries that failed for good: what was to go to a target and is no failed payload yet, such as the call of an
//! action, becomes one, as if another system had handed it over.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use milepost_ingest::Form;
use serde_json::{Map, Value, json};

use super::Run;
use crate::pipeline::{Arrival, Intake, OWN_DELIVERIES};
use crate::replay::dispatch::Work;
use crate::replay::job::{Through, item, lane};
use crate::store::replays::ReplayItemRow;

impl Run {
    /// Hands over what failed, beside everything else. The same item once, however often it is told.
    pub(super) fn hand_over(&self, item: &ReplayItemRow) {
        let Through::Target(target) = &self.job.through else { return };
        // A record that failed before stands among the failed payloads, with this attempt.
        if item.state != item::FAILED || item.fingerprint != 0 {
            return;
        }
        let (work, item, target) = (Arc::clone(&self.work), item.clone(), target.clone());
        tokio::spawn(async move {
            let Ok(content) = work.content(&item).await else { return };
            let letter = letter(&item, &target, &content.headers, &content.body);
            let arrival = Arrival {
                tenant: work.tenant.clone(),
                key_id: format!("replay/{}", work.replay),
                source: OWN_DELIVERIES.to_owned(),
                form: Form::DeadLetters,
                headers: Vec::new(),
                body: letter.to_string().into(),
                ruling: None,
            };
            take(&work, arrival).await;
        });
    }
}

async fn take(work: &Work, arrival: Arrival) {
    if let Err(error) = work.replays.gate.take(arrival).await {
        tracing::warn!(%error, replay = work.replay, "a failed delivery of ours could not be kept as a failed payload");
    }
}

fn letter(item: &ReplayItemRow, target: &str, headers: &[(String, String)], body: &[u8]) -> Value {
    let headers: Map<String, Value> = headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let mut letter = json!({
        "id": format!("{}/{}", item.replay, item.position), "target": target, "reason": item.detail, "code": item.code,
        "attempts": item.attempts, "headers": headers,
    });
    match std::str::from_utf8(body) {
        Ok(text) => letter["payload"] = json!(text),
        Err(_) => letter["payload_base64"] = json!(BASE64_STANDARD.encode(body)),
    }
    if let Some(object) = lane(item) {
        letter["object"] = json!(object.to_string());
    }
    letter
}
