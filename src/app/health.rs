//! `/livez`, `/readyz` and `/metrics`.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use actix_web::{HttpResponse, Responder, web};

use super::serve::House;

pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/livez", web::get().to(livez))
        .route("/readyz", web::get().to(readyz))
        .route("/metrics", web::get().to(metrics));
}

/// The process answers.
async fn livez() -> impl Responder {
    "ok\n"
}

/// Pages can be read: the clocks run and the store answers. Senders are served in any case.
async fn readyz(house: web::Data<House>) -> HttpResponse {
    let status = &house.status;
    if !status.loaded.load(Ordering::Acquire) {
        HttpResponse::ServiceUnavailable().body("starting: finding out what is open\n")
    } else if !status.store_up.load(Ordering::Relaxed) {
        HttpResponse::ServiceUnavailable().body("the store does not answer; events are taken in and kept\n")
    } else {
        HttpResponse::Ok().body("ok\n")
    }
}

async fn metrics(house: web::Data<House>) -> HttpResponse {
    let status = &house.status;
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, kind: &str, value: u64| {
        // Writing into a String does not fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    };
    let up = u64::from(status.store_up.load(Ordering::Relaxed));
    gauge("milepost_store_up", "1 when ClickHouse answers.", "gauge", up);
    gauge(
        "milepost_stored_events_total",
        "Business events stored since the start.",
        "counter",
        status.stored_events.load(Ordering::Relaxed),
    );
    let remembered = u64::from(status.remembered.load(Ordering::Acquire));
    gauge(
        "milepost_remembered",
        "1 when everything open is in memory and judged by the rules of now.",
        "gauge",
        remembered,
    );
    gauge("milepost_objects", "Objects in memory.", "gauge", status.objects.load(Ordering::Relaxed));
    gauge("milepost_clocks", "Workflows with a running clock.", "gauge", status.clocks.load(Ordering::Relaxed));
    gauge(
        "milepost_behind_records",
        "Journal records not stored yet.",
        "gauge",
        status.behind_records.load(Ordering::Relaxed),
    );
    gauge("milepost_journal_bytes", "Bytes of the journal on disk.", "gauge", house.journal.bytes());
    house.doors.render(&mut text);
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text)
}
