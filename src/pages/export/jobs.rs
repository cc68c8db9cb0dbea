//! Large files are made while their reader does something else: one at a time per person, with progress, kept for a day.
//! Beside each file lies what it is, so that a server that starts again still gives it out; one that was being made when
//! the server stopped says so. What belongs to nobody is cleared away at the start.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

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
/// The oldest are forgotten.
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

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Made {
    bytes: u64,
    at_ms: i64,
    rows: u64,
}

/// What lies beside a file.
#[derive(Debug, Serialize, Deserialize)]
struct Slip {
    id: String,
    tenant: String,
    person: String,
    list: String,
    format: String,
    filter: Vec<String>,
    name: String,
    begun_ms: i64,
    made: Option<Made>,
    fault: Option<String>,
}

fn file_of(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("job-{id}"))
}

fn slip_of(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("job-{id}.json"))
}

impl Jobs {
    /// The jobs of an earlier life that are still to be had; their folder holds nothing else afterwards.
    pub fn open(data_dir: &str, now_ms: i64) -> Self {
        let jobs = Self::default();
        let Ok(folder) = folder(data_dir) else { return jobs };
        let Ok(entries) = fs::read_dir(&folder) else { return jobs };
        let names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        let mut found: Vec<Arc<Job>> = names
            .iter()
            .filter_map(|name| name.strip_prefix("job-")?.strip_suffix(".json"))
            .filter_map(|id| Job::of_slip(serde_json::from_slice(&fs::read(slip_of(&folder, id)).ok()?).ok()?, &folder))
            .filter(|job| now_ms - job.begun_ms < KEPT_MS)
            .collect();
        found.sort_by(|a, b| (a.begun_ms, &a.id).cmp(&(b.begun_ms, &b.id)));
        let made = |job: &Job| matches!(&*job.end.lock(), Some(Ok(_))).then(|| file_of(&folder, &job.id));
        let known: HashSet<PathBuf> =
            found.iter().flat_map(|job| [Some(slip_of(&folder, &job.id)), made(job)]).flatten().collect();
        for name in names.iter().filter(|name| name.starts_with("job-")) {
            let path = folder.join(name);
            if !known.contains(&path) {
                let _ = fs::remove_file(path);
            }
        }
        found.iter().for_each(|job| job.note(&folder));
        *jobs.0.lock() = found;
        jobs
    }

    fn add(&self, job: Arc<Job>, folder: &Path) {
        job.note(folder);
        let mut jobs = self.0.lock();
        jobs.push(job);
        let surplus = jobs.len().saturating_sub(MAX_JOBS);
        for old in jobs.drain(..surplus) {
            old.forget(folder);
        }
    }

    fn of(&self, tenant: &str, data_dir: &str) -> Vec<Arc<Job>> {
        let mut jobs = self.0.lock();
        let now_ms = Utc::now().timestamp_millis();
        jobs.retain(|job| {
            let kept = now_ms - job.begun_ms < KEPT_MS;
            if let (false, Ok(folder)) = (kept, folder(data_dir)) {
                job.forget(&folder);
            }
            kept
        });
        jobs.iter().rev().filter(|job| job.tenant == tenant).cloned().collect()
    }
}

impl Job {
    /// None when it says nothing that this version understands.
    fn of_slip(slip: Slip, folder: &Path) -> Option<Arc<Self>> {
        let is_id = slip.id.len() == 32 && slip.id.bytes().all(|b| b.is_ascii_hexdigit());
        is_id.then_some(())?;
        let end = match (slip.made, slip.fault) {
            (Some(made), _) => match fs::metadata(file_of(folder, &slip.id)) {
                Ok(file) if file.len() == made.bytes => Ok(made),
                _ => return None,
            },
            (None, Some(fault)) => Err(fault),
            (None, None) => Err("The server stopped while this file was made.".to_owned()),
        };
        Some(Arc::new(Self {
            list: list(&slip.list)?,
            format: Format::parse(&slip.format)?,
            tenant: slip.tenant,
            person: slip.person,
            filter: slip.filter,
            name: slip.name,
            begun_ms: slip.begun_ms,
            expected: None,
            rows: Arc::default(),
            end: Mutex::new(Some(end)),
            id: slip.id,
        }))
    }

    /// Writes down what it is and how far it has come; a slip is there whole or not at all.
    fn note(&self, folder: &Path) {
        let (made, fault) = match &*self.end.lock() {
            None => (None, None),
            Some(Ok(made)) => (Some(*made), None),
            Some(Err(fault)) => (None, Some(fault.clone())),
        };
        let slip = Slip {
            id: self.id.clone(),
            tenant: self.tenant.clone(),
            person: self.person.clone(),
            list: self.list.key.to_owned(),
            format: self.format.ending().to_owned(),
            filter: self.filter.clone(),
            name: self.name.clone(),
            begun_ms: self.begun_ms,
            made,
            fault,
        };
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer(&mut file, &slip)?;
            file.persist(slip_of(folder, &self.id)).map_err(|error| error.error)?;
            Ok(())
        };
        if let Err(error) = write() {
            tracing::warn!(%error, "what a file is could not be written down; it is lost when the server stops");
        }
    }

    fn forget(&self, folder: &Path) {
        let _ = fs::remove_file(slip_of(folder, &self.id));
        let _ = fs::remove_file(file_of(folder, &self.id));
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
        .of(&visit.tenant, &desk.data_dir)
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
    let jobs = desk.jobs.of(&tenant, &desk.data_dir);
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
    let asked = super::moment(list, asked).await.map_err(|fault| form.bad(&fault.to_string()))?;
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
    desk.jobs.add(Arc::clone(&job), &folder);
    tokio::spawn(async move {
        let path = file_of(&folder, &job.id);
        let written = write(list, format, false, asked, &folder, Arc::clone(&job.rows)).await;
        let kept = match written {
            Ok(mut written) => tokio::task::spawn_blocking(move || {
                let mut file = File::create(&path)?;
                let bytes = io::copy(&mut written.file, &mut file)?;
                file.sync_all()?;
                let at_ms = Utc::now().timestamp_millis();
                Ok::<_, io::Error>(Made { bytes, at_ms, rows: written.head.sums.rows })
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
        job.note(&folder);
    });
    Ok(form.answer(&here))
}

/// The finished file, for the person who wanted it.
async fn fetch(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &[]).await?;
    let missing = || Trouble::NotFound { tenant: visit.tenant.clone(), what: "This file".into() };
    let (id, person) = (part(request, "id"), Prefs::of(request).person.unwrap_or_default());
    let jobs = desk.jobs.of(&visit.tenant, &desk.data_dir);
    let job = jobs.iter().find(|job| job.id == id && job.person == person).ok_or_else(missing)?;
    let path = match &*job.end.lock() {
        Some(Ok(_)) => file_of(&folder(&desk.data_dir).map_err(|_| missing())?, &job.id),
        _ => return Err(missing()),
    };
    let file = tokio::fs::File::open(path).await.map_err(|_| missing())?;
    let bytes = file.metadata().await.map_err(|_| missing())?.len();
    Ok(super::serve::answer_file(file, bytes, job.format, &job.name))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const NOW: i64 = 1_795_348_800_123;

    fn job(n: u32, begun_ms: i64, end: Option<Result<Made, String>>) -> Arc<Job> {
        Arc::new(Job {
            id: format!("{n:032x}"),
            tenant: "acme".into(),
            person: "anna".into(),
            list: list("workflows").unwrap(),
            format: Format::Csv,
            filter: vec!["Status: Breached".into()],
            name: "milepost-acme-workflows.csv".into(),
            begun_ms,
            expected: None,
            rows: Arc::default(),
            end: Mutex::new(end),
        })
    }

    #[test]
    fn files_outlive_the_server_and_what_belongs_to_nobody_goes() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().to_str().unwrap();
        let place = folder(data_dir).unwrap();
        let made = Made { bytes: 3, at_ms: NOW, rows: 1 };
        let jobs = Jobs::default();
        for (n, age_ms, end) in [
            (1, 0, Some(Ok(made))),
            (2, 0, None),
            (3, KEPT_MS, Some(Ok(made))),
            (4, 0, Some(Ok(Made { bytes: 4, ..made }))),
            (5, 0, Some(Err("no room".to_owned()))),
        ] {
            jobs.add(job(n, NOW - age_ms, end), &place);
            fs::write(file_of(&place, &format!("{n:032x}")), "abc").unwrap();
        }
        fs::write(place.join("job-of-an-earlier-version"), "abc").unwrap();
        fs::write(place.join("job-broken.json"), "{").unwrap();
        fs::write(place.join("not-ours"), "abc").unwrap();

        let found = Jobs::open(data_dir, NOW);
        let told: Vec<(char, String)> = found
            .0
            .lock()
            .iter()
            .map(|job| {
                let end = job.end.lock();
                let end = end.as_ref().unwrap().as_ref();
                (job.id.chars().last().unwrap(), end.map_or_else(Clone::clone, |made| format!("{} bytes", made.bytes)))
            })
            .collect();
        let stopped = "The server stopped while this file was made.";
        assert_eq!(told, [('1', "3 bytes".into()), ('2', stopped.into()), ('5', "no room".into())]);
        let mut left: Vec<String> =
            fs::read_dir(&place).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        let id = |n: u32| format!("job-{n:032x}");
        let slip = |n: u32| format!("{}.json", id(n));
        assert_eq!(left, [id(1), slip(1), slip(2), slip(5), "not-ours".to_owned()]);
        assert_eq!(Jobs::open(data_dir, NOW + KEPT_MS).0.lock().len(), 0, "a day later nothing is kept");
    }

    #[test]
    fn the_oldest_file_goes_when_there_are_too_many() {
        let dir = tempfile::tempdir().unwrap();
        let jobs = Jobs::default();
        for n in 0..=MAX_JOBS as u32 {
            jobs.add(job(n, NOW, None), dir.path());
        }
        assert_eq!(jobs.0.lock().len(), MAX_JOBS);
        assert!(!slip_of(dir.path(), &format!("{:032x}", 0)).exists());
    }
}
