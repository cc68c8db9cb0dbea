//! Lists as files for programs: `/api/v1/workflows.csv`, with the filters of the page of that name.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;

use super::answer::Refused;
use super::{Answer, Shared, key, moment};
use crate::pages::export::{Asked, Fault, Format, file, list};
use crate::pages::params::Query;
use crate::pages::time::Clock;

pub async fn show(desk: Shared, request: HttpRequest) -> Answer {
    let key = key(&desk, &request)?;
    if !key.grant.may_read() {
        return Err(Refused::send_key());
    }
    let part = |name: &str| request.match_info().get(name).unwrap_or_default();
    let list = list(part("list")).ok_or_else(Refused::nothing_here)?;
    let format = Format::parse(part("format")).ok_or_else(Refused::nothing_here)?;
    let query = Query::parse(request.query_string());
    let now_ms = moment(&query, "as_of")?.unwrap_or_else(|| Utc::now().timestamp_millis());
    let zone = query.get("tz").unwrap_or("UTC");
    let clock =
        Clock::new(now_ms, zone).ok_or_else(|| Refused::parameter("tz: expected a zone like Europe/Berlin."))?;
    let asked = Asked {
        store: desk.store.clone(),
        shelf: Arc::clone(&desk.shelf),
        tenant: key.tenant,
        query,
        clock,
        person: format!("Key {}", key.id),
    };
    let answer: Result<HttpResponse, Fault> = file(list, format, asked, &desk.data_dir).await;
    answer.map_err(|fault| match fault {
        Fault::Bad(text) => Refused::parameter(&text),
        Fault::Store(error) => error.into(),
        Fault::File(error) => {
            tracing::error!(%error, "a file could not be written");
            Refused::closed()
        }
    })
}

pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/{list:[a-z_-]+}.{format:csv|xlsx|json}", web::get().to(show));
}
