//! A copy of a payload being mended: its text, what is still wrong with it, how it differs from what came, and what it
//! would do. Nothing of the original changes; an edit is kept beside it when it is tried or replayed.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::diff::{DiffLine, diff};
use super::unmask;
use crate::pages::act::Submission;
use crate::pages::desk::Desk;
use crate::pages::prefs::same_site;
use crate::pages::problem::Trouble;
use crate::pages::render::Page;
use crate::pages::replays::forecast::{self, Fault, Shown};
use crate::pages::replays::{replays, trouble, way, ways};
use crate::pages::routes::part;
use crate::pages::time::Time;
use crate::pages::visit::{Label, Visit};
use crate::pages::words;
use crate::pipeline::By;
use crate::replay::edit::LOCKED;
use crate::replay::job::{Of, Options};
use crate::replay::{Original, ReplayError, Replays, Wanted};

/// Longer texts are mended outside and sent through the API.
const MAX_TEXT: usize = 512 << 10;
/// A form holds the text with every third character escaped.
pub const MAX_FORM: usize = 4 * MAX_TEXT;
const KNOWN: [&str; 3] = ["edit", "through", "dry"];

#[derive(Debug, Serialize)]
pub struct Edit {
    pub id: String,
    pub payload_href: String,
    pub path: String,
    /// Why it cannot be edited here; empty when it can.
    pub closed: String,
    /// It holds hidden values: where to ask for them.
    pub unmask_path: String,
    pub text: String,
    pub locked: Vec<(&'static str, String)>,
    pub problems: Vec<Fault>,
    /// A field that must not be changed was, in words.
    pub refused: String,
    pub lines: Vec<DiffLine>,
    pub summary: String,
    pub changed: bool,
    /// The edit that is shown, when it is kept.
    pub edit: String,
    pub ways: Vec<(String, String)>,
    pub through: String,
    pub forecast: Option<Shown>,
    pub kept: Vec<Kept>,
}

/// An edit that was kept before.
#[derive(Debug, Serialize)]
pub struct Kept {
    pub id: String,
    pub href: String,
    pub by: String,
    pub at: Time,
    pub chosen: bool,
}

impl Page for Edit {
    const TEMPLATE: &'static str = "payload-edit.html";
}

pub async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let mut visit = Visit::new(desk, request, &KNOWN).await?;
    let name = part(request, "id");
    visit.apart = format!("edit {}", visit.person().unwrap_or_default());
    let edit = visit.query.get("edit").unwrap_or_default().to_owned();
    let dry = visit.query.get("dry").is_some();
    visit.show(desk, make(desk, &visit, &name, Asked::Kept { edit: &edit, dry })).await
}

/// What the page is to show: an edit that is kept (or the original), or a text that somebody is typing.
enum Asked<'a> {
    Kept { edit: &'a str, dry: bool },
    Typed(&'a str),
}

async fn make(desk: &Desk, visit: &Visit, name: &str, asked: Asked<'_>) -> Result<(Label, Edit), Trouble> {
    let tenant = visit.tenant.as_str();
    let missing = || Trouble::NotFound { tenant: tenant.to_owned(), what: format!("Payload {name}") };
    let (id, record) = words::parse_payload_id(name).ok_or_else(missing)?;
    let replays = replays(desk, tenant)?;
    let here = words::tenant_path(tenant, &format!("payloads/{name}"));
    let through = visit.query.get("through").unwrap_or("pipeline").to_owned();
    let mut page = Edit {
        id: name.to_owned(),
        path: format!("{here}/edit"),
        unmask_path: String::new(),
        payload_href: here.clone(),
        closed: String::new(),
        text: String::new(),
        locked: Vec::new(),
        problems: Vec::new(),
        refused: String::new(),
        lines: Vec::new(),
        summary: String::new(),
        changed: false,
        edit: String::new(),
        ways: ways(replays, tenant),
        through,
        forecast: None,
        kept: Vec::new(),
    };
    let label = || Label::new("failures", format!("Edit payload {name}"), "");
    let original = match replays.original(tenant, id, record).await {
        Ok(original) => original,
        Err(ReplayError::Healed(replay)) => {
            page.closed = format!("It was mended already, by replay {replay}. What is mended is not edited again.");
            return Ok((label(), page));
        }
        Err(error) => return Err(trouble(tenant, error)),
    };
    let until = unmask::until(desk, tenant, id, visit.person(), visit.clock.now_ms).await?;
    if until.is_none() && unmask::is_masked(&original.row, record) {
        page.closed =
            "It holds secrets or personal data. An editor shows all of it, so say first why you have to.".into();
        page.unmask_path = format!("{here}/unmask");
        return Ok((label(), page));
    }
    if !original.is_text {
        page.closed =
            "It is no text that could be edited here. Download it, and send it mended through the API.".into();
        return Ok((label(), page));
    }
    if original.text.len() > MAX_TEXT {
        page.closed =
            format!("It is longer than {}. Mend it outside and send it through the API.", words::bytes(MAX_TEXT));
        return Ok((label(), page));
    }
    let kept = desk.store.payload_edits(tenant, id).await?;
    page.kept = kept
        .iter()
        .filter(|kept| kept.record == original.record)
        .map(|kept| Kept {
            id: kept.id.clone(),
            href: format!("{here}/edit?edit={}", kept.id),
            by: words::actor(&kept.by),
            at: visit.clock.time(kept.made_ms),
            chosen: matches!(asked, Asked::Kept { edit, .. } if edit == kept.id),
        })
        .collect();
    let mut dry_run = false;
    page.text = match asked {
        Asked::Typed(text) => text.to_owned(),
        Asked::Kept { edit: "", dry } => {
            dry_run = dry;
            original.text.clone()
        }
        Asked::Kept { edit, dry } => {
            let found = kept.iter().find(|kept| kept.id == edit && kept.record == original.record);
            let found = found.ok_or_else(|| trouble(tenant, ReplayError::NoEdit(edit.to_owned())))?;
            page.edit = edit.to_owned();
            dry_run = dry;
            String::from_utf8_lossy(&found.body).into_owned()
        }
    };
    let (way, of) = way(&page.through).ok_or_else(|| bad(tenant, "Choose a way."))?;
    judge(replays, &original, name, of, &mut page);
    if dry_run {
        let by = By { tenant: tenant.to_owned(), source: String::new(), key_id: String::new() };
        let (wanted, options) = (wanted(id, record), options(&page.edit, of));
        let found = replays.forecast(&by, &wanted, &way, &options).await.map_err(|error| trouble(tenant, error))?;
        page.forecast = Some(forecast::shown(tenant, &visit.clock, &found));
    }
    Ok((label(), page))
}

fn bad(tenant: &str, text: &str) -> Trouble {
    Trouble::Bad { tenant: tenant.to_owned(), text: text.to_owned() }
}

fn wanted(id: u64, record: Option<u32>) -> Wanted {
    let words = format!("payload {}, edited", words::payload_id(id, record));
    Wanted { payloads: vec![(id, record)], filter: None, words }
}

fn options(edit: &str, of: Of) -> Options {
    Options { edit: edit.to_owned(), of, ..Options::default() }
}

/// What is wrong with the text, and where it differs.
fn judge(replays: &Replays, original: &Original, name: &str, of: Of, page: &mut Edit) {
    match replays.judge(original, page.text.as_bytes(), of) {
        Ok(refusals) => page.problems = refusals.iter().map(|refusal| Fault::of(name, refusal)).collect(),
        Err(error) => page.refused = format!("{}.", words::capital(&error.to_string())),
    }
    page.lines = diff(&original.text, &page.text);
    let count = |kind: &str| page.lines.iter().filter(|line| line.kind == kind).count() as u64;
    let (added, gone) = (count("add"), count("del"));
    page.changed = added + gone > 0;
    page.summary = if page.changed {
        format!("{} added, {} taken away.", words::plural(added, "line", "lines"), words::count(gone))
    } else {
        "Nothing is changed yet.".to_owned()
    };
    let record: serde_json::Value = serde_json::from_str(&original.text).unwrap_or_default();
    page.locked = LOCKED
        .into_iter()
        .filter_map(|place| {
            let value = record.pointer(place)?;
            Some((place, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        })
        .collect();
}

/// The form: `check` looks at the text and keeps nothing, `dry` and `replay` keep it first.
pub async fn posted(desk: &Desk, request: &HttpRequest, body: &[u8]) -> Result<HttpResponse, Trouble> {
    let fields = web::Query::<Vec<(String, String)>>::from_query(std::str::from_utf8(body).unwrap_or("\u{fffd}"));
    let fields = fields.map(web::Query::into_inner).unwrap_or_default();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    // A text area ends its lines as the network does.
    let text = field("body").unwrap_or_default().replace("\r\n", "\n");
    let name = part(request, "id");
    let deed = field("do").unwrap_or("check");
    if deed == "check" {
        let mut visit = Visit::new(desk, request, &KNOWN).await?;
        if !same_site(request) {
            return Err(Trouble::Foreign { tenant: visit.tenant });
        }
        visit.apart =
            format!("edit {} {}", visit.person().unwrap_or_default(), hex::encode(&Sha256::digest(&text)[..12]));
        return visit.show(desk, make(desk, &visit, &name, Asked::Typed(&text))).await;
    }
    let form = Submission::read(desk, request, body).await?;
    let tenant = form.by.tenant.clone();
    let (id, record) = words::parse_payload_id(&name).ok_or_else(|| form.bad("There is no such payload."))?;
    let through = form.get("through").unwrap_or("pipeline").to_owned();
    let (way, of) = way(&through).ok_or_else(|| form.bad("Choose a way."))?;
    let replays = replays(desk, &tenant)?;
    let edited = replays.edit(&form.by, id, record, text.as_bytes(), of).await;
    let edited = edited.map_err(|error| trouble(&tenant, error))?;
    if deed == "replay" {
        let made = replays.draft(&form.by, &wanted(id, record), &way, &options(&edited.id, of)).await;
        let row = made.map_err(|error| trouble(&tenant, error))?;
        return Ok(form.answer(&words::tenant_path(&tenant, &format!("replays/{}", row.id))));
    }
    let to = format!("payloads/{name}/edit?edit={}&through={}&dry=1", edited.id, words::encode(&through));
    Ok(form.answer(&words::tenant_path(&tenant, &to)))
}
