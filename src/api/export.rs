//! A tenant's events as a file: what `milepost export` asks for. The answer streams; a broken one ends without its end,
//! so that nobody takes it for whole.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use chrono::Utc;
use futures_util::stream;
use milepost_ingest::ObjectRef;

use super::answer::Refused;
use super::{Answer, Shared, moment, query, tenant};
use crate::store::ExportFilter;
use crate::transfer::export::{ExportFormat, pieces};

pub async fn export(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let query = query(&request, &["format", "from", "to", "type", "root"])?;
    let format = match query.get("format").map(ExportFormat::parse) {
        None => ExportFormat::Ndjson,
        Some(Some(format)) => format,
        Some(None) => return Err(Refused::parameter("format: expected ndjson, csv or ocel.")),
    };
    let objects = match query.get("root").map(ObjectRef::parse) {
        None => Vec::new(),
        Some(None) => return Err(Refused::parameter("root: expected type/id, such as order/SO-10234.")),
        Some(Some(root)) => {
            let known = desk.store.everything_of(&tenant, &root).await?;
            known.ok_or_else(|| Refused::not_found(&root.to_string()))?
        }
    };
    let filter = ExportFilter {
        from_ms: moment(&query, "from")?.unwrap_or(0),
        to_ms: moment(&query, "to")?.unwrap_or(0),
        object_type: query.get("type").unwrap_or_default().to_owned(),
        objects,
    };
    let name = format!("milepost-{tenant}-{}.{}", Utc::now().format("%Y%m%dT%H%M%SZ"), format.ending());
    let pieces = pieces(desk.store.clone(), tenant, filter, format);
    let body = stream::unfold(pieces, |mut pieces| async {
        let piece = pieces.recv().await?;
        if let Err(error) = &piece {
            tracing::error!(%error, "an export broke off");
        }
        Some((piece.map_err(|_| actix_web::error::ErrorServiceUnavailable("the store does not answer")), pieces))
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .content_type(format.content_type())
        .streaming(body))
}
