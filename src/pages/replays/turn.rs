//! What a person tells a job: to start, pause, go on, end, or do the rest.

use actix_web::{HttpRequest, HttpResponse};

use super::{TYPED, replays, trouble};
use crate::pages::act::Submission;
use crate::pages::desk::Desk;
use crate::pages::prefs::Prefs;
use crate::pages::problem::Trouble;
use crate::pages::routes::part;
use crate::pages::time::Clock;
use crate::pages::words;
use crate::replay::job::Options;
use crate::replay::{ReplayError, Replays};

/// Start, pause, resume, cancel, or the rest again.
pub async fn turn(desk: &Desk, request: &HttpRequest, form: Submission) -> Result<HttpResponse, Trouble> {
    let (id, turn) = (part(request, "id"), part(request, "turn"));
    let tenant = form.by.tenant.clone();
    let replays = replays(desk, &tenant)?;
    let by = &form.by;
    let done = match turn.as_str() {
        "start" => start(replays, request, &form, &id).await?,
        "pause" => replays.pause(by, &id).await.map(|row| row.id),
        "resume" => replays.resume(by, &id).await.map(|row| row.id),
        "cancel" => replays.cancel(by, &id).await.map(|row| row.id),
        "rest" => replays.rest_of(by, &id, "").await.map(|row| row.id),
        _ => return Err(Trouble::NotFound { tenant, what: "This".to_owned() }),
    };
    let id = done.map_err(|error| trouble(&tenant, error))?;
    Ok(form.answer(&words::tenant_path(&tenant, &format!("replays/{id}"))))
}

async fn start(
    replays: &Replays,
    request: &HttpRequest,
    form: &Submission,
    id: &str,
) -> Result<Result<String, ReplayError>, Trouble> {
    let reason = form.need("reason", "A replay needs a reason.")?;
    let number = |name: &str| -> Result<u32, Trouble> {
        form.get(name)
            .map_or(Ok(0), |text| text.parse().map_err(|_| form.bad(&format!("“{text}” is no whole number."))))
    };
    let count = number("count")?;
    if count > TYPED && form.get("typed") != Some(count.to_string().as_str()) {
        return Err(form.bad(&format!("Type {count}, the number of payloads, to confirm that you mean so many.")));
    }
    let row = match replays.row(&form.by.tenant, id).await {
        Ok(row) => row,
        Err(error) => return Ok(Err(error)),
    };
    let mut options: Options = serde_json::from_str(&row.options).unwrap_or_default();
    options.rate = number("rate")?;
    options.at_once = number("at_once")? as usize;
    options.stop_percent = number("stop_percent")?.min(100);
    options.ramp = form.get("ramp").is_some();
    let now_ms = chrono::Utc::now().timestamp_millis();
    let starts_ms = match form.get("starts") {
        None => 0,
        Some(text) => Clock::new(now_ms, &Prefs::of(request).zone)
            .unwrap_or_else(|| Clock::utc(now_ms))
            .moment(text)
            .filter(|at| *at > now_ms)
            .ok_or_else(|| form.bad(&format!("“{text}” is no time to come, like 2026-11-22T18:00.")))?,
    };
    Ok(replays.start(&form.by, id, reason, Some(count), Some(options), starts_ms).await.map(|started| started.row.id))
}
