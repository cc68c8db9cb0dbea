//! `POST /v1/events`: JSON events, arrays, NDJSON, and CloudEvents in all three modes. `POST /v1/dead-letters`: payloads
//! that another system gave up on.

use std::sync::Arc;
use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use super::answer::http::Answer;
use super::answer::{label, problem};
use super::counters::Door;
use super::gate::{Parcel, Pass, apart};
use super::idempotency::{Turn, fingerprint, parse_key};
use super::media::{Packing, event_form, letters_form};
use super::stop::Stop;
use super::{Doors, http_head};
use crate::pipeline::Form;

const PATH: &str = "/v1/events";
const DEAD_LETTERS: &str = "/v1/dead-letters";

/// Adds the paths to a server. Needs `web::Data<Doors>` among the app's data.
pub fn configure(cfg: &mut web::ServiceConfig) {
    for path in [PATH, DEAD_LETTERS] {
        cfg.service(web::resource(path).route(web::post().to(post)).default_service(web::to(wrong_method)));
    }
}

async fn post(request: HttpRequest, mut body: web::Payload, doors: web::Data<Doors>) -> HttpResponse {
    let doors = doors.into_inner();
    let door = door(&request);
    let read = match Head::check(&request, &doors) {
        Ok((head, pass)) => head.read(&mut body, pass, &doors).await,
        Err(stop) => Err(stop),
    };
    match read {
        Ok((head, pass, packed)) => {
            let work = answer(doors.clone(), head, pass, packed);
            let answer = match apart(async { Ok(work.await) }).await {
                Ok(answer) => answer,
                Err(stop) => refuse(&stop, &doors),
            };
            send(door, answer, None, &doors)
        }
        Err(stop) => send(door, refuse(&stop, &doors), Some(body), &doors),
    }
}

async fn wrong_method(request: HttpRequest, body: web::Payload, doors: web::Data<Doors>) -> HttpResponse {
    send(door(&request), refuse(&Stop::WrongMethod { allow: "POST" }, &doors), Some(body), &doors)
}

fn door(request: &HttpRequest) -> Door {
    if request.path() == DEAD_LETTERS { Door::DeadLetters } else { Door::Events }
}

/// What the headers of a request say.
struct Head {
    door: Door,
    form: Form,
    packing: Packing,
    announced: Option<u64>,
    idempotency_key: Option<String>,
    kept: Vec<(String, String)>,
}

impl Head {
    fn check(request: &HttpRequest, doors: &Doors) -> Result<(Self, Pass), Stop> {
        http_head::check(request, &doors.settings)?;
        let pass = doors.admit(http_head::values(request, "authorization"))?;
        let map = request.headers();
        let content_type = http_head::content_type(request)?;
        let door = door(request);
        let form = match door {
            Door::DeadLetters => letters_form(content_type)?,
            _ => event_form(content_type, map.contains_key("ce-specversion"))?,
        };
        let idempotency_key = match map.get("idempotency-key") {
            Some(value) => Some(parse_key(value.as_bytes())?),
            None => None,
        };
        let head = Self {
            door,
            form,
            packing: http_head::packing_of(request)?,
            announced: http_head::announced(request),
            idempotency_key,
            kept: http_head::kept(request, &doors.settings),
        };
        Ok((head, pass))
    }

    async fn read(self, body: &mut web::Payload, mut pass: Pass, doors: &Doors) -> Result<(Self, Pass, Bytes), Stop> {
        let packed = doors.read_body(body, self.announced, 0, &mut pass).await?;
        Ok((self, pass, packed))
    }
}

async fn answer(doors: Arc<Doors>, head: Head, pass: Pass, packed: Bytes) -> Answer {
    match take(&doors, head, pass, packed).await {
        Ok(answer) => answer,
        Err(stop) => refuse(&stop, &doors),
    }
}

async fn take(doors: &Doors, head: Head, pass: Pass, packed: Bytes) -> Result<Answer, Stop> {
    let Head { door, form, packing, idempotency_key, kept, .. } = head;
    let parcel = doors.open(pass, form, packing, packed).await?;
    let Some(key) = idempotency_key else { return hand_over(doors, door, parcel, kept).await };
    let print = fingerprint(parcel.form, &kept, &parcel.body);
    match doors.remembered.begin(&parcel.pass.key.id, &key, print, Instant::now())? {
        Turn::Again(answer) => Ok(answer.with("idempotent-replayed", "true")),
        Turn::First(ticket) => {
            let answer = hand_over(doors, door, parcel, kept).await?;
            ticket.settle(&answer, Instant::now());
            Ok(answer)
        }
    }
}

async fn hand_over(doors: &Doors, door: Door, parcel: Parcel, kept: Vec<(String, String)>) -> Result<Answer, Stop> {
    let taken = doors.hand_over(door, parcel, kept).await?;
    Ok(if door == Door::DeadLetters { problem::of_letters(&taken) } else { problem::of_taken(&taken) })
}

fn refuse(stop: &Stop, doors: &Doors) -> Answer {
    problem::of_stop(stop, doors.retry_after_s(stop))
}

fn send(door: Door, answer: Answer, unread: Option<web::Payload>, doors: &Doors) -> HttpResponse {
    doors.counters.answered(door, label(answer.status));
    answer.into_response(unread)
}
