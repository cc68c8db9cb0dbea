//! Large files are made while their reader does something else: one at a time per person, with progress, kept for a day.
//! Jobs live as long as the server. Files of an earlier life stay in the folder and belong to nobody any more.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use parking_lot::Mutex;
use serde::Serialize;

use super::serve::{chosen, file_name, folder};
use super::{Format, List, list, write};
use crate::pages::act::Submission;
use crate::pages::desk::Desk;
use crate::pages::params::Query;
use crate::pages::prefs::Prefs;
use crate::pages::problem::Trouble;
use crate::pages::render::Page;
use crate::pages::routes::{acted, part, told};
use crate::pages::time::{Clock, Time};
use crate::pages::visit::{Label, Visit};
use crate::pages::words;

const KEPT_MS: i64 = 86_400_000;
/// Older files of a server are forgotten.
const MAX_JOBS: usize = 200;

/// The jobs of all tenants.
#[derive(Clone, Default)]
pub struct Jobs(Arc<Mutex<Vec<Arc<Job>>>>);

pub struct Job {
    id: String,
    tenant: String,
    person: String,
    list: &'static List,
    format: Format,
    filter: Vec<String>,
    name: String,
    begun_ms: i64,
    /// Rows that are to come, where the list knows.
    expected: Option<u64>,
    rows: Arc<AtomicU64>,
    end: Mutex<Option<Result<Made, String>>>,
}

struct Made {
    path: PathBuf,
    bytes: u64,
    at_ms: i64,
    rows: u64,
}

impl Drop for Made {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Jobs {
    fn add(&self, job: Arc<Job>) {
        let mut jobs = self.0.lock();
        jobs.retain(|job| Utc::now().timestamp_millis() - job.begun_ms < KEPT_MS);
        if jobs.len() >= MAX_JOBS {
            jobs.remove(0);
        }
        jobs.push(job);
    }

    fn of(&self, tenant: &str) -> Vec<Arc<Job>> {
        let mut jobs = self.0.lock();
        jobs.retain(|job| Utc::now().timestamp_millis() - job.begun_ms < KEPT_MS);
        jobs.iter().rev().filter(|job| job.tenant == tenant).cloned().collect()
    }
}

pub fn configure(cfg: &mut web::ServiceConfig) {
    type Shared = web::Data<Desk>;
    cfg.route("/exports", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, show)))
        .route(
            "/exports",
            web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, begin)),
        )
        .route("/exports/{id}", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, fetch)));
}

#[derive(Debug, Serialize)]
pub struct Exports {
    pub jobs: Vec<Row>,
}

impl Page for Exports {
    const TEMPLATE: &'static str = "exports.html";
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub key: String,
    pub name: String,
    pub list: &'static str,
    pub filter: Vec<String>,
    pub begun: Time,
    pub rows: String,
    /// Of 100; none when nobody knows how many there will be.
    pub percent: Option<u64>,
    pub expected: String,
    pub href: String,
    pub size: String,
    pub until: Option<Time>,
    pub fault: String,
}

fn row(clock: &Clock, job: &Job) -> Row {
    let end = job.end.lock();
    let made = end.as_ref().and_then(|end| end.as_ref().ok());
    let rows = made.map_or_else(|| job.rows.load(Ordering::Relaxed), |made| made.rows);
    Row {
        key: job.id.clone(),
        name: job.name.clone(),
        list: job.list.title,
        filter: job.filter.clone(),
        begun: clock.time(job.begun_ms),
        rows: words::count(rows),
        percent: job.expected.filter(|n| *n > 0 && made.is_none()).map(|n| (rows * 100 / n).min(100)),
        expected: job.expected.map(words::count).unwrap_or_default(),
        href: made.map(|_| words::tenant_path(&job.tenant, &format!("exports/{}", job.id))).unwrap_or_default(),
        size: made.map(|made| words::bytes(made.bytes as usize)).unwrap_or_default(),
        until: made.map(|made| clock.time(made.at_ms + KEPT_MS)),
        fault: end.as_ref().and_then(|end| end.as_ref().err()).cloned().unwrap_or_default(),
    }
}

/// The files of the person who looks.
async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &[]).await?;
    let person = Prefs::of(request).person.unwrap_or_default();
    let own: Vec<Row> = desk
        .jobs
        .of(&visit.tenant)
        .iter()
        .filter(|job| job.person == person)
        .map(|job| row(&visit.clock, job))
        .collect();
    visit.show(desk, async { Ok((Label::new("exports", "Files", ""), Exports { jobs: own })) }).await
}

async fn begin(desk: &Desk, request: &HttpRequest, form: Submission) -> Result<HttpResponse, Trouble> {
    let tenant = form.by.tenant.clone();
    let visit = Visit::new(desk, request, &[]).await?;
    let list = form.get("list").and_then(list).ok_or_else(|| form.bad("There is no such list."))?;
    let format = form.get("format").and_then(Format::parse).ok_or_else(|| form.bad("There is no such format."))?;
    let query = Query::parse(form.get("query").unwrap_or_default());
    let query = chosen(list, &query).map_err(|fault| form.bad(&fault.to_string()))?;
    let person = form.by.source.trim_start_matches("person/").to_owned();
    let here = words::tenant_path(&tenant, "exports");
    let id = form.get("act_id").unwrap_or_default().to_owned();
    let jobs = desk.jobs.of(&tenant);
    // A second click finds the job of the first.
    if jobs.iter().any(|job| job.id == id) {
        return Ok(form.answer(&here));
    }
    if jobs.iter().any(|job| job.person == person && job.end.lock().is_none()) {
        return Err(form.bad("A file of yours is being made. The next one can begin when it is done."));
    }
    if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(form.bad("The form is not whole; load the page again."));
    }
    let busy = |_| Trouble::Busy { tenant: tenant.clone() };
    let folder = folder(&desk.data_dir).map_err(busy)?;
    let asked = super::Asked { query, ..visit.asked(desk, person.clone()) };
    let expected = (list.count)(asked.clone()).await.ok();
    let job = Arc::new(Job {
        tenant: tenant.clone(),
        person,
        list,
        format,
        filter: (list.words)(&asked.query),
        name: file_name(list, format, &asked),
        begun_ms: Utc::now().timestamp_millis(),
        expected: expected.map(|n| n.min(super::MAX_ROWS)),
        rows: Arc::default(),
        end: Mutex::default(),
        id,
    });
    desk.jobs.add(Arc::clone(&job));
    tokio::spawn(async move {
        let path = folder.join(format!("job-{}", job.id));
        let written = write(list, format, false, asked, &folder, Arc::clone(&job.rows)).await;
        let kept = match written {
            Ok(mut written) => tokio::task::spawn_blocking(move || {
                let mut file = File::create(&path)?;
                std::io::copy(&mut written.file, &mut file)?;
                let at_ms = Utc::now().timestamp_millis();
                Ok::<_, std::io::Error>(Made { path, bytes: written.bytes, at_ms, rows: written.head.sums.rows })
            })
            .await
            .map_err(|error| error.to_string())
            .and_then(|made| made.map_err(|error| error.to_string())),
            Err(fault) => Err(fault.to_string()),
        };
        if let Err(fault) = &kept {
            tracing::error!(fault, "a file could not be made");
        }
        *job.end.lock() = Some(kept);
    });
    Ok(form.answer(&here))
}

/// The finished file, for the person who wanted it.
async fn fetch(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &[]).await?;
    let missing = || Trouble::NotFound { tenant: visit.tenant.clone(), what: "This file".into() };
    let (id, person) = (part(request, "id"), Prefs::of(request).person.unwrap_or_default());
    let jobs = desk.jobs.of(&visit.tenant);
    let job = jobs.iter().find(|job| job.id == id && job.person == person).ok_or_else(missing)?;
    let path = match &*job.end.lock() {
        Some(Ok(made)) => made.path.clone(),
        _ => return Err(missing()),
    };
    let file = tokio::fs::File::open(path).await.map_err(|_| missing())?;
    let bytes = file.metadata().await.map_err(|_| missing())?.len();
    Ok(super::serve::answer_file(file, bytes, job.format, &job.name))
}
