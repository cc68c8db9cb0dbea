//! Saved views of the lists: tabs above a list with how many rows each has now, a form to save, and one page to look
//! after them and to say who gets which by mail.

pub mod badges;
pub mod letter;

use actix_web::{HttpRequest, HttpResponse, web};
use milepost_ingest::ObjectRef;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::act::Submission;
use super::desk::Desk;
use super::export::{LISTS, List, list, list_at};
use super::frozen::{Kept, Standing, kept, standing};
use super::params::Query;
use super::prefs::Prefs;
use super::problem::Trouble;
use super::render::Page;
use super::routes::{acted, part, redirect, told};
use super::time::{Clock, Time};
use super::visit::{Label, Visit};
use super::words;
use crate::domain::views::{MAX_NAME, MAX_RECEIVERS, VIEW, View};
use crate::store::Freeze;

/// Tabs above a list; the rest stands in the menu only.
const TABS: usize = 8;

pub fn configure(cfg: &mut web::ServiceConfig) {
    type Shared = web::Data<Desk>;
    cfg.route("/views", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, show)))
        .route(
            "/views",
            web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, save)),
        )
        .route("/views/{id}", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, open)))
        .route(
            "/views/{id}/{verb}",
            web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, change)),
        );
}

/// What stands above a list.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tabs {
    pub tabs: Vec<Tab>,
    pub more: usize,
    pub save_path: String,
    pub all_path: String,
    pub files_path: String,
    pub list: &'static str,
    /// The filter that is on now, to be saved.
    pub query: String,
    /// The same as of the moment that is shown, for files.
    pub file_query: String,
    pub standing: Standing,
    /// The view that is open, when its filter was changed and the reader may keep the change.
    pub changed: Option<Tab>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Tab {
    pub id: String,
    pub title: String,
    pub href: String,
    pub count: String,
    pub active: bool,
    pub shared: bool,
    pub change_path: String,
}

/// Only what chooses rows: how far down the reader is belongs to no view, nor does the moment.
fn chosen(list: &List, query: &Query) -> Query {
    let strangers: Vec<&str> =
        query.pairs().map(|(name, _)| name).filter(|name| !list.known.contains(name) || *name == "as_of").collect();
    query.without(&strangers)
}

fn bare(query: &Query) -> String {
    query.text().trim_start_matches('?').to_owned()
}

fn path(tenant: &str, view: &View) -> String {
    let query = Query::parse(&view.query).with("view", &view.id);
    let page = list(&view.list).map_or(view.list.as_str(), |list| list.page);
    words::tenant_path(tenant, &format!("{page}{}", query.text()))
}

/// The views of the list at an address; None where there is no list.
pub async fn tabs(desk: &Desk, visit: &Visit, person: Option<&str>) -> Result<Option<Tabs>, Trouble> {
    let Some(list) = list_at(&visit.tenant, &visit.here) else { return Ok(None) };
    let tenant = visit.tenant.as_str();
    let now = chosen(list, &visit.query);
    let views = desk.views(tenant).await?;
    let own: Vec<&View> =
        views.iter().filter(|view| view.list == list.key && view.is_seen_by(person.unwrap_or_default())).collect();
    let shown = &own[..own.len().min(TABS)];
    let counts = badges::counts(desk, visit, list, shown).await;
    let open = visit.query.get("view");
    let tab = |view: &View, count: Option<u64>| Tab {
        id: view.id.clone(),
        title: view.name.clone(),
        href: path(tenant, view),
        count: count.map(words::count).unwrap_or_default(),
        active: bare(&now) == view.query,
        shared: view.shared,
        change_path: words::tenant_path(tenant, &format!("views/{}/change", words::encode(&view.id))),
    };
    Ok(Some(Tabs {
        tabs: shown.iter().zip(counts).map(|(view, count)| tab(view, count)).collect(),
        more: own.len() - shown.len(),
        save_path: words::tenant_path(tenant, "views"),
        all_path: words::tenant_path(tenant, "views"),
        files_path: words::tenant_path(tenant, "exports"),
        list: list.key,
        query: bare(&now),
        file_query: bare(&visit.query.get("as_of").map_or_else(|| now.clone(), |at| now.with("as_of", at))),
        standing: standing(desk, visit, list),
        changed: own
            .iter()
            .find(|view| Some(view.id.as_str()) == open && view.query != bare(&now))
            .map(|view| tab(view, None)),
    }))
}

#[derive(Debug, Serialize)]
pub struct Views {
    pub sections: Vec<Section>,
    pub lists: Vec<(String, &'static str)>,
    /// Lists that somebody froze.
    pub kept: Vec<Kept>,
}

impl Page for Views {
    const TEMPLATE: &'static str = "views.html";
}

#[derive(Debug, Serialize)]
pub struct Section {
    pub title: &'static str,
    pub rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub key: String,
    pub name: String,
    pub href: String,
    pub count: String,
    pub filter: Vec<String>,
    pub shared: bool,
    pub owner: String,
    pub changed: Time,
    pub act_path: String,
    pub mail: Option<MailRow>,
    pub days: Vec<Day>,
    pub zone: String,
    /// `07:30`
    pub at: String,
    pub to: String,
    pub attached: bool,
}

#[derive(Debug, Serialize)]
pub struct MailRow {
    pub text: String,
    pub next: Option<Time>,
    pub last: Option<Time>,
    pub fault: String,
}

#[derive(Debug, Serialize)]
pub struct Day {
    pub number: u8,
    pub name: &'static str,
    pub chosen: bool,
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// All views that the person sees, by list.
pub fn page(
    tenant: &str,
    clock: &Clock,
    views: &[View],
    counts: &dyn Fn(&View) -> Option<u64>,
    person: Option<&str>,
    freezes: &[Freeze],
) -> Views {
    let row = |list: &List, view: &View| {
        let mail = view.mail.clone().unwrap_or_default();
        let set = view.mail.is_some();
        Row {
            key: view.id.clone(),
            name: view.name.clone(),
            href: path(tenant, view),
            count: counts(view).map(words::count).unwrap_or_default(),
            filter: (list.words)(&Query::parse(&view.query)),
            shared: view.shared,
            owner: words::actor(&view.owner),
            changed: clock.time(view.changed_ms),
            act_path: words::tenant_path(tenant, &format!("views/{}", words::encode(&view.id))),
            mail: view.mail.as_ref().map(|mail| MailRow {
                text: when(mail),
                next: letter::next_slot(mail, clock.now_ms).map(|ms| clock.time(ms)),
                last: view.mailed.as_ref().map(|sent| clock.time(sent.at_ms)),
                fault: view.mailed.as_ref().map(|sent| sent.fault.clone()).unwrap_or_default(),
            }),
            days: (1..=7)
                .zip(DAYS)
                .map(|(number, name)| Day {
                    number,
                    name,
                    chosen: if set { mail.days.contains(&number) } else { number <= 5 },
                })
                .collect(),
            zone: if set { mail.zone.clone() } else { clock.zone_name.clone() },
            at: if set { format!("{:02}:{:02}", mail.minute / 60, mail.minute % 60) } else { "07:30".into() },
            to: mail.to.join(", "),
            attached: mail.attached,
        }
    };
    let section = |list: &'static List| {
        let own = views.iter().filter(|view| view.list == list.key && view.is_seen_by(person.unwrap_or_default()));
        Section { title: list.title, rows: own.map(|view| row(list, view)).collect() }
    };
    Views {
        sections: LISTS.iter().map(section).filter(|section| !section.rows.is_empty()).collect(),
        lists: LISTS.iter().map(|list| (words::tenant_path(tenant, list.page), list.title)).collect(),
        kept: kept(tenant, clock, freezes),
    }
}

/// `Mon, Fri at 07:30 Europe/Berlin to anna@example.com`
fn when(mail: &crate::domain::views::Mailing) -> String {
    let days: Vec<&str> = (1..=7).zip(DAYS).filter(|(n, _)| mail.days.contains(n)).map(|(_, name)| name).collect();
    let days = match mail.days.as_slice() {
        [1, 2, 3, 4, 5, 6, 7] => "Every day".to_owned(),
        [1, 2, 3, 4, 5] => "Monday to Friday".to_owned(),
        _ => days.join(", "),
    };
    format!("{days} at {:02}:{:02} {} to {}", mail.minute / 60, mail.minute % 60, mail.zone, mail.to.join(", "))
}

async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &[]).await?;
    let person = Prefs::of(request).person;
    visit
        .show(desk, async {
            let (views, freezes) = tokio::try_join!(desk.views(&visit.tenant), desk.store.freezes(&visit.tenant))?;
            let mut counted = Vec::new();
            for list in LISTS {
                let own: Vec<&View> = views.iter().filter(|view| view.list == list.key).collect();
                let counts = badges::counts(desk, &visit, list, &own).await;
                counted.extend(own.iter().map(|view| view.id.clone()).zip(counts));
            }
            let count = |view: &View| counted.iter().find(|(id, _)| *id == view.id).and_then(|(_, count)| *count);
            let page = page(&visit.tenant, &visit.clock, &views, &count, person.as_deref(), &freezes);
            Ok((Label::new("views", "Saved views", ""), page))
        })
        .await
}

/// `/views/ID` leads to the list, wherever its filter has got to.
async fn open(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &[]).await?;
    let id = part(request, "id");
    let views = desk.views(&visit.tenant).await?;
    let found = views.iter().find(|view| view.id == id);
    let missing = || Trouble::NotFound { tenant: visit.tenant.clone(), what: "This view".into() };
    Ok(redirect(&path(&visit.tenant, found.ok_or_else(missing)?)))
}

fn named(form: &Submission) -> Result<String, Trouble> {
    let name = form.need("name", "A view needs a name.")?;
    if name.chars().count() > MAX_NAME {
        return Err(form.bad(&format!("A name has at most {MAX_NAME} characters.")));
    }
    Ok(name.to_owned())
}

fn data(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

async fn save(desk: &Desk, _: &HttpRequest, form: Submission) -> Result<HttpResponse, Trouble> {
    let name = named(&form)?;
    let list = form.get("list").and_then(list).ok_or_else(|| form.bad("There is no such list."))?;
    let query = chosen(list, &Query::parse(form.get("query").unwrap_or_default()));
    let shared = form.get("shared") == Some("yes");
    // Made of the rendering, so that a second click saves no second view.
    let id = form.get("act_id").filter(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    let id = id.ok_or_else(|| form.bad("The form is not whole; load the page again."))?.to_owned();
    let words = data(json!({"name": name, "list": list.key, "query": bare(&query), "shared": shared}));
    let act = form.act(0, "view.saved", ObjectRef::new(VIEW, id.clone()), words);
    form.perform(desk, vec![act]).await?;
    desk.forget_views(&form.by.tenant);
    let to = words::tenant_path(&form.by.tenant, &format!("{}{}", list.page, query.with("view", &id).text()));
    Ok(form.answer(&to))
}

async fn change(desk: &Desk, request: &HttpRequest, form: Submission) -> Result<HttpResponse, Trouble> {
    let id = part(request, "id");
    let tenant = form.by.tenant.clone();
    desk.forget_views(&tenant);
    let views = desk.views(&tenant).await?;
    let person = form.by.source.trim_start_matches("person/");
    let view = views.iter().find(|view| view.id == id && view.is_seen_by(person));
    let missing = || Trouble::NotFound { tenant: tenant.clone(), what: "This view".into() };
    let view = view.ok_or_else(missing)?;
    let (kind, words) = match part(request, "verb").as_str() {
        "change" => ("view.changed", changed(&form, view)?),
        "remove" => ("view.removed", Map::new()),
        "mail" => ("view.mail_set", mailing(&form)?),
        "unmail" => ("view.mail_stopped", Map::new()),
        "send" if view.mail.is_some() => ("view.mail_asked", Map::new()),
        _ => return Err(missing()),
    };
    let act = form.act(0, kind, ObjectRef::new(VIEW, id), words);
    form.perform(desk, vec![act]).await?;
    desk.forget_views(&tenant);
    Ok(form.answer(&form.back))
}

fn changed(form: &Submission, view: &View) -> Result<Map<String, Value>, Trouble> {
    let mut words = Map::new();
    if form.get("name").is_some() {
        words.insert("name".into(), named(form)?.into());
    }
    if let (Some(query), Some(list)) = (form.get("query"), list(&view.list)) {
        words.insert("query".into(), bare(&chosen(list, &Query::parse(query))).into());
    }
    if let Some(shared) = form.get("shared") {
        words.insert("shared".into(), (shared == "yes").into());
    }
    Ok(words)
}

fn mailing(form: &Submission) -> Result<Map<String, Value>, Trouble> {
    let to = form.need("to", "Say to whom it is sent.")?;
    let to: Vec<String> =
        to.split([',', ';', ' ']).map(str::trim).filter(|a| !a.is_empty()).map(str::to_owned).collect();
    if to.len() > MAX_RECEIVERS {
        return Err(form.bad(&format!("A view goes to at most {MAX_RECEIVERS} addresses.")));
    }
    if let Some(wrong) = to.iter().find(|address| address.parse::<lettre::Address>().is_err()) {
        return Err(form.bad(&format!("“{}” is no mail address.", words::cut(wrong, 60))));
    }
    let mut days: Vec<u8> = form.all("day").iter().filter_map(|day| day.parse().ok()).collect();
    days.retain(|day| (1..=7).contains(day));
    days.sort_unstable();
    days.dedup();
    if days.is_empty() {
        return Err(form.bad("Choose a day at least."));
    }
    let at = form.need("at", "Say at what time it is sent.")?;
    let minute = at.split_once(':').and_then(|(h, m)| Some((h.parse::<u16>().ok()?, m.get(..2)?.parse::<u16>().ok()?)));
    let (hour, minute) =
        minute.filter(|(h, m)| *h < 24 && *m < 60).ok_or_else(|| form.bad("A time looks like 07:30."))?;
    let zone = form.get("zone").unwrap_or("UTC");
    let zone = Clock::new(0, zone).ok_or_else(|| form.bad("This time zone is not known."))?.zone_name;
    let attached = form.get("attached") == Some("yes");
    Ok(data(json!({"to": to, "days": days, "minute": hour * 60 + minute, "zone": zone, "attached": attached})))
}
