//! Files of lists over HTTP: `workflows.csv` beside `workflows`, with the same query.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use actix_web::body::SizedStream;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use tokio_util::io::ReaderStream;

use super::flow::flow;
use super::{Asked, Fault, Format, LISTS, List, Past, Written, list, write};
use crate::pages::desk::Desk;
use crate::pages::frame::FileLink;
use crate::pages::params::Query;
use crate::pages::prefs::Prefs;
use crate::pages::problem::Trouble;
use crate::pages::routes::{part, told};
use crate::pages::time::Clock;
use crate::pages::visit::Visit;
use crate::pages::words;

pub type FileAnswer = Result<HttpResponse, Fault>;

/// Says how, not which: place on the page, view, form of the file.
const ASIDE: [&str; 4] = ["tz", "after", "view", "head"];

pub fn configure(cfg: &mut web::ServiceConfig) {
    type Shared = web::Data<Desk>;
    cfg.configure(super::jobs::configure).route(
        "/{list:[a-z_-]+}.{format:csv|xlsx|json}",
        web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, show)),
    );
}

async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let missing = |tenant: String| Trouble::NotFound { tenant, what: "This list as a file".into() };
    let Some(list) = list(&part(request, "list")) else {
        return Err(missing(part(request, "tenant")));
    };
    let known: Vec<&str> = list.known.iter().copied().chain(ASIDE).chain(["as_of"]).collect();
    let visit = Visit::new(desk, request, &known).await?;
    let tenant = visit.tenant.clone();
    let format = Format::parse(&part(request, "format")).ok_or_else(|| missing(tenant.clone()))?;
    // On a page a filter that is not understood is told beside the rows. Nobody reads that in a file.
    if let Some(notice) = visit.notices.first() {
        return Err(Trouble::Bad { tenant, text: notice.clone() });
    }
    let asked = visit.asked(desk, Prefs::of(request).person.unwrap_or_default());
    file(list, format, asked, &desk.data_dir).await.map_err(|fault| match fault {
        Fault::Bad(text) => Trouble::Bad { tenant, text },
        Fault::Store(error) => error.into(),
        Fault::File(error) => {
            tracing::error!(%error, "a file could not be written");
            Trouble::Busy { tenant }
        }
    })
}

/// The list that stands at an address.
pub fn list_at(tenant: &str, here: &str) -> Option<&'static List> {
    let path = here.split('?').next().unwrap_or_default();
    LISTS.iter().find(|list| words::tenant_path(tenant, list.page) == path)
}

/// The list at an address as files: the same query, without what is no filter of it.
pub fn links(tenant: &str, here: &str) -> Vec<FileLink> {
    let Some(list) = list_at(tenant, here) else { return Vec::new() };
    let query = Query::parse(here.split_once('?').map_or("", |(_, query)| query));
    let path = words::tenant_path(tenant, list.key);
    let strangers: Vec<&str> = query.pairs().map(|(name, _)| name).filter(|name| !list.known.contains(name)).collect();
    let search = query.without(&strangers).text();
    let link = |title: &'static str, format: Format, note: &'static str| FileLink {
        title,
        href: format!("{path}.{}{search}", format.ending()),
        note,
    };
    vec![
        link("Excel", Format::Xlsx, "with a sheet that says what it is"),
        link("CSV", Format::Csv, "with a head: filter, time, totals"),
        link("JSON", Format::Json, "for programs"),
    ]
}

/// The folder in which files grow.
pub fn folder(data_dir: &str) -> std::io::Result<PathBuf> {
    let folder = Path::new(data_dir).join("exports");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The query of a list without what says only how it is shown; refused where the list cannot keep to it.
pub fn chosen(list: &List, query: &Query) -> Result<Query, Fault> {
    let chosen = query.without(&ASIDE);
    if chosen.get("as_of").is_some() && list.past == Past::None {
        let text = "as_of: this list tells how things stand now; it keeps no earlier states.";
        return Err(Fault::Bad(text.into()));
    }
    if let Some((name, _)) = chosen.pairs().find(|(name, _)| !list.known.contains(name)) {
        return Err(Fault::Bad(format!("{name}: this list has no such filter.")));
    }
    Ok(chosen)
}

/// What is asked, at its moment: with the clock of it, and the rows as they stood then. Refused where nobody can tell.
pub async fn moment(list: &List, asked: Asked) -> Result<Asked, Fault> {
    let Some(at) = asked.query.time("as_of").map_err(Fault::Bad)? else { return Ok(asked) };
    let at = at.timestamp_millis();
    let mut asked = asked;
    asked.clock = Clock::new(at, &asked.clock.zone_name).unwrap_or_else(|| Clock::utc(at));
    if let Past::Frozen(what) = list.past {
        let mut kept = asked.store.freezes(&asked.tenant).await?;
        kept.retain(|freeze| freeze.list == what.table());
        if !kept.iter().any(|freeze| freeze.frozen_ms == at) {
            let moments: Vec<String> = kept.iter().take(5).map(|freeze| Clock::iso(freeze.frozen_ms)).collect();
            let kept = if moments.is_empty() { "none yet".into() } else { moments.join(", ") };
            let text = format!("as_of: this list was not frozen then; it can be told of these moments: {kept}.");
            return Err(Fault::Bad(text));
        }
        asked.store = asked.store.as_of(Some(at));
    }
    Ok(asked)
}

/// Answers with the file: as it comes, or written to its end first.
pub async fn file(list: &'static List, format: Format, asked: Asked, data_dir: &str) -> FileAnswer {
    let plain = asked.query.get("head") == Some("no");
    let asked = moment(list, Asked { query: chosen(list, &asked.query)?, ..asked }).await?;
    let name = file_name(list, format, &asked);
    if format == Format::Csv {
        let pieces = flow(list, plain, asked).await?;
        return Ok(head(format, &name).streaming(pieces));
    }
    let written = write(list, format, plain, asked, &folder(data_dir)?, Arc::new(AtomicU64::new(0))).await?;
    Ok(answer(written, format, &name))
}

/// `milepost-acme-workflows-20261122T104207Z.csv`; names of tenants hold nothing that a header could trip over.
pub fn file_name(list: &List, format: Format, asked: &Asked) -> String {
    let at = asked.clock.iso_now().replace(['-', ':'], "");
    let tenant: String = asked.tenant.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    format!("milepost-{tenant}-{}-{at}.{}", list.key, format.ending())
}

pub fn answer(written: Written, format: Format, name: &str) -> HttpResponse {
    let Written { file, bytes, .. } = written;
    answer_file(tokio::fs::File::from_std(file), bytes, format, name)
}

/// A file from where it stands to its end.
pub fn answer_file(file: tokio::fs::File, bytes: u64, format: Format, name: &str) -> HttpResponse {
    let pieces = ReaderStream::with_capacity(file, 1 << 16);
    head(format, name).body(SizedStream::new(bytes, pieces))
}

fn head(format: Format, name: &str) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .content_type(format.media_type());
    answer
}
