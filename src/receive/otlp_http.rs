//! OTLP/HTTP: `/v1/traces`, `/v1/logs` and `/v1/metrics`, protobuf and JSON, on a server of its own.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use super::answer::http::Answer;
use super::answer::label;
use super::answer::otlp::{self, Signal};
use super::counters::Door;
use super::gate::{Pass, apart};
use super::media::{Packing, Tongue, otlp_tongue};
use super::stop::Stop;
use super::{Doors, http_head};

/// Adds the paths, and the answer for all others. Needs `web::Data<Doors>` among the app's data.
pub fn configure(cfg: &mut web::ServiceConfig) {
    for (path, signal) in [("/v1/traces", Signal::Traces), ("/v1/logs", Signal::Logs), ("/v1/metrics", Signal::Metrics)]
    {
        let post = move |request, body, doors| export(signal, request, body, doors);
        cfg.service(web::resource(path).route(web::post().to(post)).default_service(web::to(wrong_method)));
    }
    cfg.default_service(web::to(no_such_path));
}

async fn export(signal: Signal, request: HttpRequest, mut body: web::Payload, doors: web::Data<Doors>) -> HttpResponse {
    let doors = doors.into_inner();
    let tongue = answer_tongue(&request);
    let read = match Head::check(&request, &doors) {
        Ok((head, pass)) => head.read(&mut body, pass, &doors).await,
        Err(stop) => Err(stop),
    };
    match read {
        Ok((head, pass, packed)) => {
            let work = take(doors.clone(), signal, head, pass, packed);
            let answer = apart(work).await.unwrap_or_else(|stop| refuse(&stop, tongue, &doors));
            send(answer, None, &doors)
        }
        Err(stop) => send(refuse(&stop, tongue, &doors), Some(body), &doors),
    }
}

async fn wrong_method(request: HttpRequest, body: web::Payload, doors: web::Data<Doors>) -> HttpResponse {
    let stop = Stop::WrongMethod { allow: "POST" };
    send(refuse(&stop, answer_tongue(&request), &doors), Some(body), &doors)
}

async fn no_such_path(request: HttpRequest, body: web::Payload, doors: web::Data<Doors>) -> HttpResponse {
    send(refuse(&Stop::NoSuchPath, answer_tongue(&request), &doors), Some(body), &doors)
}

/// What the headers of a request say.
struct Head {
    tongue: Tongue,
    packing: Packing,
    announced: Option<u64>,
    kept: Vec<(String, String)>,
}

impl Head {
    fn check(request: &HttpRequest, doors: &Doors) -> Result<(Self, Pass), Stop> {
        http_head::check(request, &doors.settings)?;
        let pass = doors.admit(http_head::values(request, "authorization"))?;
        let head = Self {
            tongue: otlp_tongue(http_head::content_type(request)?)?,
            packing: http_head::packing_of(request)?,
            announced: http_head::announced(request),
            kept: http_head::kept(request, &doors.settings),
        };
        Ok((head, pass))
    }

    async fn read(self, body: &mut web::Payload, mut pass: Pass, doors: &Doors) -> Result<(Self, Pass, Bytes), Stop> {
        let packed = doors.read_body(body, self.announced, 0, &mut pass).await?;
        Ok((self, pass, packed))
    }
}

async fn take(doors: Arc<Doors>, signal: Signal, head: Head, pass: Pass, packed: Bytes) -> Result<Answer, Stop> {
    let parcel = doors.open(pass, signal.form(head.tongue), head.packing, packed).await?;
    let taken = doors.hand_over(Door::OtlpHttp, parcel, head.kept).await?;
    Ok(otlp::of_taken(&taken, signal, head.tongue))
}

/// Whoever sends something foreign is answered in JSON, which people can read too.
fn answer_tongue(request: &HttpRequest) -> Tongue {
    http_head::content_type(request).and_then(otlp_tongue).unwrap_or(Tongue::Json)
}

fn refuse(stop: &Stop, tongue: Tongue, doors: &Doors) -> Answer {
    otlp::of_stop(stop, doors.retry_after_s(stop), tongue)
}

fn send(answer: Answer, unread: Option<web::Payload>, doors: &Doors) -> HttpResponse {
    doors.counters.answered(Door::OtlpHttp, label(answer.status));
    answer.into_response(unread)
}
