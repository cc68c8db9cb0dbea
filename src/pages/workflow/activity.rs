//! What people, keys and rules did about a workflow, newest first, and a form to say something.

use serde::Serialize;
use serde_json::Value;

use crate::domain::{self, Workflow};
use crate::pages::time::{Clock, Time};
use crate::pages::words;

#[derive(Debug, Serialize)]
pub struct Activity {
    pub comment_path: String,
    pub items: Vec<Item>,
}

#[derive(Debug, Serialize)]
pub struct Item {
    pub key: String,
    pub by: String,
    pub what: String,
    /// Where it is not the root that was acted on.
    pub object: Option<words::Ref>,
    pub at: Time,
    /// A comment or a reason, in the person's words.
    pub text: String,
}

pub fn activity(tenant: &str, clock: &Clock, workflow: &Workflow) -> Activity {
    let root = &workflow.root;
    let item = |done: &domain::Activity| Item {
        key: format!("{}:{}", done.by, done.id),
        by: words::actor(&done.by),
        what: words::event_title(&done.kind).to_lowercase(),
        object: (done.object != *root).then(|| words::Ref::object(tenant, &done.object)),
        at: clock.time(done.at.timestamp_millis()),
        text: said(done),
    };
    Activity {
        comment_path: format!("{}/comment", words::workflow_path(tenant, &root.kind, &root.id)),
        items: workflow.activity.iter().map(item).collect(),
    }
}

fn said(done: &domain::Activity) -> String {
    let text = ["text", "reason"].iter().find_map(|field| done.data.get(*field)).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
