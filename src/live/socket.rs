//! The websocket door of the hub: who may listen, how often it is told, when it is dropped.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use chrono::{SecondsFormat, Utc};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::io::DuplexStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Freshness, Hub, Nudge, Watcher, stream};
use crate::access::Keys;

/// Two messages to one watcher are at least this far apart.
const PACE: Duration = Duration::from_millis(1000);
/// Without news there is a heartbeat this long after the last message.
const HEARTBEAT: Duration = Duration::from_millis(2000);
/// A peer that takes nothing for so long is let go; it will come back and ask what it missed.
const STUCK: Duration = Duration::from_secs(30);
/// A peer that sends nothing for so long (not even an answer to our ping) is gone.
const QUIET: Duration = Duration::from_secs(90);
const PING: Duration = Duration::from_secs(25);
/// What a client may send at once, and how many watchers there may be.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;
const MAX_WATCHERS: usize = 2000;

/// Needs `web::Data<Hub>` and `web::Data<Keys>`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/t/{tenant}/live", web::get().to(listen));
}

async fn listen(
    request: HttpRequest,
    incoming: web::Payload,
    tenant: web::Path<String>,
    hub: web::Data<Hub>,
    keys: web::Data<Keys>,
) -> HttpResponse {
    if let Some(refusal) = refusal(&request, &tenant, &keys) {
        return refusal;
    }
    let Some(accept) = accept_key(&request) else {
        return plain(
            HttpResponse::UpgradeRequired().insert_header((header::UPGRADE, "websocket")),
            "This address speaks websocket.\n",
        );
    };
    if hub.watchers() >= MAX_WATCHERS {
        return plain(
            HttpResponse::ServiceUnavailable().insert_header((header::RETRY_AFTER, "10")),
            "Too many listeners.\n",
        );
    }
    let watcher = hub.watch(&tenant);
    let (connection, body) = stream::upgraded(incoming);
    let hub = hub.into_inner();
    actix_web::rt::spawn(async move {
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES))
            .max_write_buffer_size(1024 * 1024);
        let socket = WebSocketStream::from_raw_socket(connection, Role::Server, Some(limits)).await;
        let talk = Talk { socket, watcher, hub };
        if let Err(error) = talk.run().await {
            tracing::debug!(%error, "live connection ended");
        }
    });
    HttpResponse::SwitchingProtocols()
        .upgrade("websocket")
        .insert_header((header::SEC_WEBSOCKET_ACCEPT, accept))
        .streaming(body)
}

/// Browsers name the page's origin, and it must be ours. Everyone else shows a key that may read this tenant.
fn refusal(request: &HttpRequest, tenant: &str, keys: &Keys) -> Option<HttpResponse> {
    let header = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let refuse = |mut answer: HttpResponseBuilder, text| Some(plain(&mut answer, text));
    if let Some(bearer) = header(header::AUTHORIZATION).and_then(|text| text.strip_prefix("Bearer ")) {
        return match keys.verify(bearer.trim()) {
            Some(key) if !key.grant.may_read() => {
                refuse(HttpResponse::Forbidden(), "This key sends; it does not read.\n")
            }
            Some(key) if key.tenant == tenant => None,
            Some(_) => refuse(HttpResponse::Forbidden(), "This key reads another tenant.\n"),
            None => refuse(HttpResponse::Unauthorized(), "This key is not known.\n"),
        };
    }
    let Some(origin) = header(header::ORIGIN) else {
        return refuse(HttpResponse::Unauthorized(), "Send `Authorization: Bearer KEY` with a key that may read.\n");
    };
    let from = origin.split_once("://").map(|(_, from)| from);
    match (from, header(header::HOST)) {
        (Some(from), Some(host)) if from.eq_ignore_ascii_case(host) => None,
        _ => refuse(HttpResponse::Forbidden(), "This page belongs to another site.\n"),
    }
}

fn plain(answer: &mut HttpResponseBuilder, text: &'static str) -> HttpResponse {
    answer.content_type("text/plain; charset=utf-8").body(text)
}

fn accept_key(request: &HttpRequest) -> Option<String> {
    let header = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let upgrade = header(header::UPGRADE)?.eq_ignore_ascii_case("websocket");
    let version = header(header::SEC_WEBSOCKET_VERSION)? == "13";
    let key = header(header::SEC_WEBSOCKET_KEY)?;
    (upgrade && version).then(|| derive_accept_key(key.as_bytes()))
}

/// What a client may say.
#[derive(Deserialize)]
struct Wish {
    watch: Option<Vec<String>>,
    since: Option<u64>,
}

#[derive(Serialize)]
struct Said<'a> {
    #[serde(flatten)]
    nudge: &'a Nudge,
    at: String,
    freshness: Option<Freshness>,
}

struct Talk {
    socket: WebSocketStream<DuplexStream>,
    watcher: Watcher,
    hub: Arc<Hub>,
}

impl Talk {
    async fn run(mut self) -> Result<(), Error> {
        let mut last_said = Instant::now() - PACE;
        let mut last_heard = Instant::now();
        let mut last_ping = Instant::now();
        let mut news = false;
        let hub = Arc::clone(&self.hub);
        loop {
            let next = if news { last_said + PACE } else { last_said + HEARTBEAT };
            tokio::select! {
                heard = self.socket.next() => {
                    let Some(message) = heard else { return Ok(()) };
                    last_heard = Instant::now();
                    match message {
                        Ok(Message::Text(text)) => {
                            if !self.hear(&text) {
                                return self.close(CloseCode::Policy, "say {\"watch\":[…]} or {\"since\":n}").await;
                            }
                            news = true;
                        }
                        Ok(Message::Binary(_)) => return self.close(CloseCode::Unsupported, "text only").await,
                        Ok(Message::Close(_)) => return Ok(()),
                        Ok(_) => {}
                        Err(Error::Capacity(_)) => return self.close(CloseCode::Size, "too long").await,
                        Err(error) => return Err(error),
                    }
                }
                () = hub.closed() => return self.close(CloseCode::Restart, "shutting down").await,
                () = self.watcher.changed(), if !news => news = true,
                () = sleep_until(next) => {
                    self.say().await?;
                    last_said = Instant::now();
                    news = false;
                    if last_heard.elapsed() > QUIET {
                        return self.close(CloseCode::Away, "nothing heard").await;
                    }
                    if last_ping.elapsed() > PING {
                        last_ping = Instant::now();
                        self.send(Message::Ping(Default::default())).await?;
                    }
                }
            }
        }
    }

    fn hear(&self, text: &str) -> bool {
        let Ok(wish) = serde_json::from_str::<Wish>(text) else { return false };
        if let Some(topics) = wish.watch
            && !self.watcher.want(topics)
        {
            return false;
        }
        if let Some(seq) = wish.since {
            self.watcher.since(seq);
        }
        true
    }

    async fn say(&mut self) -> Result<(), Error> {
        let nudge = self.watcher.take();
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let said = Said { nudge: &nudge, at, freshness: self.hub.freshness() };
        let text = serde_json::to_string(&said).map_err(|error| Error::Io(error.into()))?;
        self.send(Message::text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Error> {
        match timeout(STUCK, self.socket.send(message)).await {
            Ok(done) => done,
            Err(_) => Err(Error::Io(std::io::ErrorKind::TimedOut.into())),
        }
    }

    async fn close(&mut self, code: CloseCode, reason: &'static str) -> Result<(), Error> {
        let frame = CloseFrame { code, reason: reason.into() };
        match timeout(Duration::from_secs(2), self.socket.close(Some(frame))).await {
            Ok(done) => done,
            Err(_) => Ok(()),
        }
    }
}
