//! Who was told of what: alerts that run, the log of what was sent, and what could not be delivered.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use milepost_ingest::ObjectRef;
use serde::Serialize;

use super::act::Submission;
use super::desk::Desk;
use super::problem::Trouble;
use super::render::Page;
use super::routes::{acted, part, told};
use super::status::{self, Badge};
use super::time::{Clock, Time};
use super::visit::{Label, Visit};
use super::words;
use crate::live::Change;
use crate::store::rows::{AlertRow, Batch, DeliveryRow};
use crate::store::{Again, DELIVERY};

type Answer = Result<HttpResponse, Trouble>;
type Shared = web::Data<Desk>;

const MAX_ALERTS: u64 = 200;
const MAX_DELIVERIES: u64 = 100;

/// To be put under `/t/{tenant}`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/alerts", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, show))).route(
        "/alerts/{id}/again",
        web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, again)),
    );
}

#[derive(Debug, Serialize)]
pub struct Alerts {
    pub running: Vec<Alert>,
    pub over: Vec<Alert>,
    pub failed: Vec<Delivery>,
    pub log: Vec<Delivery>,
    pub nothing: bool,
}

impl Page for Alerts {
    const TEMPLATE: &'static str = "alerts.html";
}

#[derive(Debug, Serialize)]
pub struct Alert {
    pub key: String,
    pub badge: Badge,
    pub state: Badge,
    pub title: String,
    pub route: String,
    pub exceptions: String,
    pub round: u32,
    pub opened: Time,
    pub changed: Time,
    pub told: String,
}

#[derive(Debug, Serialize)]
pub struct Delivery {
    pub id: String,
    pub at: Time,
    pub receiver: String,
    pub channel: String,
    pub action: String,
    pub subject: String,
    pub state: Badge,
    pub attempts: u32,
    pub answer: String,
    pub next: Option<Time>,
    pub again: String,
    /// So that the same button is another act after another failure.
    pub tried: i64,
    /// Who had it sent again, and when.
    pub sent_again: Vec<Asked>,
}

#[derive(Debug, Serialize)]
pub struct Asked {
    pub by: String,
    pub at: Time,
}

pub fn alerts(
    tenant: &str,
    clock: &Clock,
    alerts: &[AlertRow],
    failed: &[DeliveryRow],
    log: &[DeliveryRow],
    again: &[Again],
) -> Alerts {
    let of = |over: bool| {
        let rows = alerts.iter().filter(|row| (row.state == "resolved") == over);
        rows.map(|row| alert(clock, row)).collect::<Vec<_>>()
    };
    let deliveries =
        |rows: &[DeliveryRow]| rows.iter().map(|row| delivery(tenant, clock, row, again)).collect::<Vec<_>>();
    Alerts {
        running: of(false),
        over: of(true),
        failed: deliveries(failed),
        log: deliveries(log),
        nothing: alerts.is_empty() && log.is_empty(),
    }
}

fn alert(clock: &Clock, row: &AlertRow) -> Alert {
    let told: Vec<serde_json::Value> = serde_json::from_str(&row.told).unwrap_or_default();
    let told = told.iter().filter_map(|told| told["receiver"].as_str()).collect::<Vec<_>>();
    Alert {
        key: row.key.clone(),
        badge: status::severity(&row.severity),
        state: status::alert(&row.state),
        title: row.title.clone(),
        route: row.route.clone(),
        exceptions: words::count(row.exceptions),
        round: row.round,
        opened: clock.time(row.opened_ms),
        changed: clock.time(row.changed_ms),
        told: if told.is_empty() { "nobody yet".into() } else { told.join(", ") },
    }
}

fn delivery(tenant: &str, clock: &Clock, row: &DeliveryRow, again: &[Again]) -> Delivery {
    Delivery {
        id: row.id.clone(),
        at: clock.time(row.created_ms),
        receiver: row.receiver.clone(),
        channel: row.channel.clone(),
        action: row.action.clone(),
        subject: row.subject.clone(),
        state: status::delivery(&row.state),
        attempts: row.attempts,
        tried: row.tried_ms,
        sent_again: again
            .iter()
            .filter(|one| one.delivery == row.id)
            .map(|one| Asked { by: words::actor(&one.by), at: clock.time(one.at_ms) })
            .collect(),
        answer: words::cut(&row.answer, 200),
        next: (row.state == "waiting" && row.attempts > 0).then(|| clock.time(row.next_ms)),
        again: if row.state == "failed" {
            words::tenant_path(tenant, &format!("alerts/{}/again", words::encode(&row.id)))
        } else {
            String::new()
        },
    }
}

async fn show(desk: &Desk, request: &HttpRequest) -> Answer {
    let visit = Visit::new(desk, request, &[]).await?;
    let tenant = visit.tenant.as_str();
    visit
        .show(desk, async {
            let only_failed = ["failed".to_owned()];
            let (rows, failed, log, again) = tokio::try_join!(
                desk.store.alerts(tenant, MAX_ALERTS),
                desk.store.deliveries(tenant, &only_failed, MAX_DELIVERIES),
                desk.store.deliveries(tenant, &[], MAX_DELIVERIES),
                desk.store.sent_again(tenant),
            )?;
            let page = alerts(tenant, &visit.clock, &rows, &failed, &log, &again);
            Ok((Label::new("alerts", "Alerts", "alerts"), page))
        })
        .await
}

/// A delivery that failed is made once more, from the first attempt on, under the same id. That somebody asked for it is
/// an act, and is written down first.
async fn again(desk: &Desk, request: &HttpRequest, form: Submission) -> Answer {
    let (tenant, id) = (&form.by.tenant, part(request, "id"));
    let missing = || Trouble::NotFound { tenant: tenant.clone(), what: "This delivery".to_owned() };
    let row = desk.store.delivery(tenant, &id).await?.ok_or_else(missing)?;
    if row.state == "failed" {
        let data = [("receiver", &row.receiver), ("subject", &row.subject), ("alert", &row.alert)];
        let data = data.into_iter().map(|(name, value)| (name.to_owned(), value.clone().into())).collect();
        let act = form.act(0, "delivery.sent_again", ObjectRef::new(DELIVERY, &row.id), data);
        form.perform(desk, vec![act]).await?;
        let now = Utc::now();
        let again = DeliveryRow {
            state: "waiting".to_owned(),
            attempts: 0,
            next_ms: now.timestamp_millis(),
            answer: format!("sent again by {}", words::actor(&form.by.source)),
            version: u64::try_from(now.timestamp_micros()).unwrap_or(0).max(row.version + 1),
            ..row
        };
        let token = format!("again-{id}-{}", again.version);
        desk.store.write(&Batch { token, deliveries: vec![again], ..Batch::default() }).await?;
        desk.hub.publish(Change { tenant: tenant.clone(), topics: vec!["alerts".into()], ..Change::default() });
    }
    Ok(form.answer(&form.back))
}
