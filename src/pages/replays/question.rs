//! The question which way what was chosen is to go, and the draft that the answer makes.

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::{replays, trouble};
use crate::domain::failures::{group_name, parse_group};
use crate::pages::act::Submission;
use crate::pages::desk::Desk;
use crate::pages::failures::headline;
use crate::pages::params::Query;
use crate::pages::problem::Trouble;
use crate::pages::words;
use crate::replay::job::{Of, Options, Through};
use crate::replay::{Replays, Wanted};
use crate::store::{FailureFilter, StoreError};

/// The question which way what was chosen is to go.
#[derive(Debug, Serialize)]
pub struct Ask {
    pub path: String,
    pub words: String,
    pub group: String,
    pub payload: String,
    pub edit: String,
    pub ways: Vec<(String, String)>,
}

pub async fn ask(desk: &Desk, replays: &Replays, tenant: &str, query: &Query) -> Result<Option<Ask>, StoreError> {
    let get = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let (group, payload, edit) = (get("group"), get("payload"), get("edit"));
    let words = match (group.is_empty(), payload.is_empty()) {
        (false, _) => {
            let id = parse_group(&group).unwrap_or(0);
            format!("All of {} that is not mended yet", group_words(desk, tenant, id).await?)
        }
        (true, false) if edit.is_empty() => format!("Payload {payload} as it came"),
        (true, false) => format!("Payload {payload}, edited"),
        _ => return Ok(None),
    };
    let ways = ways(replays, tenant);
    Ok(Some(Ask { path: words::tenant_path(tenant, "replays/draft"), words, group, payload, edit, ways }))
}

/// The pipeline with contracts and mapping of when each payload came, as forms name it.
const OF_THEN: &str = "pipeline:then";

/// The way that a form chose.
pub fn way(text: &str) -> Option<(Through, Of)> {
    match text {
        OF_THEN => Some((Through::Pipeline, Of::Then)),
        text => Through::parse(text).map(|through| (through, Of::Now)),
    }
}

/// A group as it is named in the list of replays.
pub async fn group_words(desk: &Desk, tenant: &str, group: u64) -> Result<String, StoreError> {
    let home = desk.store.failure_rules(tenant).await?.home(group);
    let wanted = FailureFilter { group: Some(home), ..FailureFilter::default() };
    let found = desk.store.failure_groups(tenant, &wanted, 1).await?;
    Ok(match found.first() {
        Some(group) => format!("“{}” from {}", headline(group), group.source),
        None => format!("failures of group {}", group_name(group)),
    })
}

/// The ways that a replay may take, each with its title.
pub fn ways(replays: &Replays, tenant: &str) -> Vec<(String, String)> {
    let mut ways = vec![("pipeline".to_owned(), "Our own pipeline, with the contracts and mapping of now".to_owned())];
    if replays.gate.rules.has_earlier() {
        let then = "Our own pipeline, with the contracts and mapping of when each came";
        ways.push((OF_THEN.to_owned(), then.to_owned()));
    }
    let targets = replays.targets.of(tenant);
    ways.extend(targets.iter().map(|t| (format!("target:{}", t.key), format!("{} at {}", t.title, t.url))));
    ways
}

/// Freezes what is asked for, and shows it for confirmation.
pub async fn draft(desk: &Desk, _: &HttpRequest, form: Submission) -> Result<HttpResponse, Trouble> {
    let tenant = form.by.tenant.clone();
    let (through, of) = form.get("through").and_then(way).ok_or_else(|| form.bad("Choose a way."))?;
    let mut wanted = Wanted::default();
    if let Some(group) = form.get("group") {
        let id = u64::from_str_radix(group, 16).map_err(|_| form.bad("There is no such group."))?;
        wanted.filter = Some(FailureFilter { group: Some(id), ..FailureFilter::default() });
        wanted.words = group_words(desk, &tenant, id).await?;
    }
    for payload in form.all("payload").into_iter().filter(|payload| !payload.is_empty()) {
        let id = words::parse_payload_id(payload).ok_or_else(|| form.bad("There is no such payload."))?;
        wanted.payloads.push(id);
        wanted.words = format!("payload {payload}");
    }
    let steps = match form.get("rule") {
        None => Vec::new(),
        Some(text) => {
            serde_json::from_str(text).map_err(|error| form.bad(&format!("The rule cannot be read: {error}.")))?
        }
    };
    let options = Options { edit: form.get("edit").unwrap_or_default().to_owned(), steps, of, ..Options::default() };
    let made = replays(desk, &tenant)?.draft(&form.by, &wanted, &through, &options).await;
    let row = made.map_err(|error| trouble(&tenant, error))?;
    Ok(form.answer(&words::tenant_path(&tenant, &format!("replays/{}", row.id))))
}
