//! All exceptions that match a filter, at once: what they are is frozen when they are shown, with their number, and what
//! was shown is what is acted on, however the queue moves meanwhile.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use serde::Serialize;

use super::routes::{Answer, perform};
use super::{KNOWN, chips, filter, title};
use crate::domain::Catalogue;
use crate::pages::act::Submission;
use crate::pages::desk::Desk;
use crate::pages::params::Query;
use crate::pages::render::Page;
use crate::pages::status::{self, Badge};
use crate::pages::visit::{Label, Visit};
use crate::pages::words;
use crate::pages::workflows::Chip;
use crate::store::Cursor;
use crate::store::rows::ExceptionRow;

/// More are not acted on at once.
const MAX: usize = 10_000;
/// From so many on the number must be typed.
const TYPED_FROM: usize = 101;
/// Hexadecimal digits of an id.
const ID: usize = 16;

#[derive(Debug, Serialize)]
pub struct All {
    pub count: String,
    /// As it is to be typed; empty where a click is enough.
    pub typed: String,
    pub more: String,
    pub chips: Vec<Chip>,
    pub kinds: Vec<Kind>,
    pub states: Vec<State>,
    pub ids: String,
    pub act_path: String,
    pub back: String,
    pub reasons: Vec<(String, String)>,
    pub nothing: bool,
}

impl Page for All {
    const TEMPLATE: &'static str = "exceptions-all.html";
}

#[derive(Debug, Serialize)]
pub struct Kind {
    pub title: String,
    pub count: String,
}

#[derive(Debug, Serialize)]
pub struct State {
    pub badge: Badge,
    pub count: String,
}

/// The page on which they are looked at before anything is done.
pub async fn show(desk: &Desk, request: &HttpRequest) -> Answer {
    let mut visit = Visit::new(desk, request, &KNOWN).await?;
    let (filter, complaints) = filter(&visit.query);
    visit.notices.extend(complaints);
    let tenant = visit.tenant.as_str();
    let definitions = desk.shelf.of(tenant);
    visit
        .show(desk, async {
            let muting = desk.store.muting(tenant).await?;
            let rows = desk.store.exceptions(tenant, &filter, &muting, &Cursor::start(), MAX as u64 + 1).await?;
            let page = all(tenant, &visit.query, &definitions.exceptions, rows);
            // What is frozen must not be patched from elsewhere.
            Ok((Label::new("exceptions", "All that match", ""), page))
        })
        .await
}

pub fn all(tenant: &str, query: &Query, catalogue: &Catalogue, mut rows: Vec<ExceptionRow>) -> All {
    let more = rows.len() > MAX;
    rows.truncate(MAX);
    let (mut kinds, mut states): (BTreeMap<&str, u64>, BTreeMap<&str, u64>) = Default::default();
    for row in &rows {
        *kinds.entry(&row.kind).or_default() += 1;
        *states.entry(&row.state).or_default() += 1;
    }
    let mut kinds: Vec<(&str, u64)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
    let queue = words::tenant_path(tenant, "exceptions");
    let base = query.without(&["after", "done"]);
    let to = |query: &Query| format!("{queue}/all{}", query.text());
    All {
        count: words::plural(rows.len() as u64, "exception", "exceptions"),
        typed: if rows.len() >= TYPED_FROM { rows.len().to_string() } else { String::new() },
        more: if more {
            format!("These are the first {}; there are more.", words::count(MAX as u64))
        } else {
            String::new()
        },
        chips: chips(catalogue, &base, &to),
        kinds: kinds
            .iter()
            .map(|(kind, count)| Kind { title: title(catalogue, kind), count: words::count(*count) })
            .collect(),
        states: states.iter().map(|(state, n)| State { badge: status::case(state), count: words::count(*n) }).collect(),
        ids: rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>().join(" "),
        act_path: format!("{queue}/all"),
        back: format!("{queue}{}", base.text()),
        reasons: catalogue.reasons.iter().map(|r| (r.key.clone(), r.title.clone())).collect(),
        nothing: rows.is_empty(),
    }
}

/// Does it to those that were shown, all of them or none.
pub async fn act(desk: &Desk, _: &HttpRequest, form: Submission) -> Answer {
    let mut ids: Vec<String> =
        form.need("ids", "There is nothing to do it to.")?.split(' ').map(str::to_owned).collect();
    ids.sort();
    ids.dedup();
    if ids.len() > MAX || ids.iter().any(|id| id.len() != ID || !id.bytes().all(|b| b.is_ascii_hexdigit())) {
        return Err(form.bad("The form cannot be read."));
    }
    let typed = form.get("typed").map(|typed| typed.replace([',', '.', ' '], ""));
    if ids.len() >= TYPED_FROM && typed.as_deref() != Some(&ids.len().to_string()) {
        return Err(form.bad(&format!("Type {} to confirm that it is done to so many.", ids.len())));
    }
    let rows = desk.store.exceptions_named(&form.by.tenant, &ids).await?;
    if rows.len() != ids.len() {
        return Err(form.bad("Some of them are not there any more; look at them again."));
    }
    perform(desk, &form, &rows).await?;
    // The queue that one came from says how many it was.
    let (path, query) = form.back.split_once('?').unwrap_or((&form.back, ""));
    let done = format!("{}-{}", rows.len(), form.get("do").unwrap_or_default());
    Ok(form.answer(&format!("{path}{}", Query::parse(query).with("done", &done).text())))
}
