//! Carries one notice to one receiver, once. Whether to try again is the log's to decide.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use http::Uri;
use http_body_util::{BodyExt as _, Full, Limited};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::notice::Notice;
use super::receivers::{self, Request, Secret};
use super::routes::{How, Receiver, Security, Smtp};
use crate::replay::{self, Http};

const LIMIT: Duration = Duration::from_secs(15);
/// As much of an answer as the log keeps.
const MAX_ANSWER: usize = 300;
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken; what it answered.
    Taken(String),
    /// It may go better later.
    Later(String),
    /// It will never go: wrong address, wrong key, gone.
    Never(String),
}

pub struct Post {
    open: Http,
    inside: Http,
}

impl Post {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { open: replay::client(false)?, inside: replay::client(true)? })
    }

    pub async fn deliver(&self, receiver: &Receiver, smtp: Option<&Smtp>, notice: &Notice) -> Outcome {
        let request = match &receiver.how {
            How::Email { to } => return mail(smtp, to, notice).await,
            How::Webhook { url, secret_file } => match secret(secret_file).map(|text| Secret::parse(&text)) {
                Ok(Some(secret)) => receivers::webhook(notice, url, &secret, Utc::now().timestamp()),
                Ok(None) => return Outcome::Never(format!("{secret_file} holds no whsec_ secret of 24 to 64 bytes")),
                Err(error) => return Outcome::Later(error),
            },
            How::Slack { url_file } => match secret(url_file) {
                Ok(url) => receivers::slack(notice, &url),
                Err(error) => return Outcome::Later(error),
            },
            How::Teams { url_file } => match secret(url_file) {
                Ok(url) => receivers::teams(notice, &url),
                Err(error) => return Outcome::Later(error),
            },
            How::PagerDuty { url, routing_key_file } => match secret(routing_key_file) {
                Ok(key) => receivers::pagerduty(notice, url, &key),
                Err(error) => return Outcome::Later(error),
            },
        };
        self.send(request, receiver.internal).await
    }

    /// The one place where this room speaks HTTP. Internal addresses are connected only where the file says so.
    async fn send(&self, request: Request, internal: bool) -> Outcome {
        let Ok(uri) = request.url.parse::<Uri>() else { return Outcome::Never("the address is none".to_owned()) };
        if !internal && (replay::is_disguised(&uri) || replay::literal(&uri).is_some_and(|a| !replay::is_open(a))) {
            return Outcome::Never(
                "the address is not on the open internet; the receiver needs `internal = true`".into(),
            );
        }
        let mut post = http::Request::post(uri).header("user-agent", concat!("milepost/", env!("CARGO_PKG_VERSION")));
        for (name, value) in request.headers {
            post = post.header(name, value);
        }
        let Ok(post) = post.body(Full::new(Bytes::from(request.body))) else {
            return Outcome::Never("the request cannot be written".to_owned());
        };
        let client = if internal { &self.inside } else { &self.open };
        match tokio::time::timeout(LIMIT, exchange(client, post)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Later(format!("no answer within {} s", LIMIT.as_secs())),
        }
    }
}

async fn exchange(client: &Http, post: http::Request<Full<Bytes>>) -> Outcome {
    let answer = match client.request(post).await {
        Ok(answer) => answer,
        // What is at fault stands at the end of the chain; addresses may be secrets and stay out of the log.
        Err(error) => {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            return Outcome::Later(cause.to_string());
        }
    };
    let status = answer.status();
    let read = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await;
    let bytes = read.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let text: String = String::from_utf8_lossy(&bytes).chars().take(MAX_ANSWER).collect();
    let said = format!("{status} {text}").trim().to_owned();
    match status.as_u16() {
        200..=299 => Outcome::Taken(said),
        400 | 401 | 403 | 404 | 405 | 410 | 413 | 422 => Outcome::Never(said),
        _ => Outcome::Later(said),
    }
}

/// Secrets are read when they are used, so that a changed file counts at once.
fn secret(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(Path::new(path)).map_err(|error| format!("cannot read {path}: {error}"))?;
    Ok(text.trim().to_owned())
}

async fn mail(smtp: Option<&Smtp>, to: &[String], notice: &Notice) -> Outcome {
    let Some(smtp) = smtp else { return Outcome::Never("no [smtp] in alerts.toml".to_owned()) };
    let Some(message) = receivers::email::message(notice, &smtp.from, to) else {
        return Outcome::Never("an address is none".to_owned());
    };
    hand_over(smtp, message).await
}

/// Gives a mail to the server of the settings, once.
pub async fn hand_over(smtp: &Smtp, message: Message) -> Outcome {
    let transport = match transport(smtp) {
        Ok(transport) => transport,
        Err(fault) => return Outcome::Later(fault),
    };
    match transport.send(message).await {
        Ok(answer) => Outcome::Taken(answer.message().collect::<Vec<_>>().join(" ")),
        Err(error) if error.is_permanent() => Outcome::Never(error.to_string()),
        Err(error) => Outcome::Later(error.to_string()),
    }
}

/// What is known of a mail that must not come twice.
pub enum Handed {
    Taken,
    Refused(String),
    /// It is surely not there: it may be tried again.
    Missed(String),
    /// The server was reached, and what became of it is not known.
    Unknown(String),
}

/// The same, telling apart what surely did not arrive and what may have.
pub async fn hand_over_once(smtp: &Smtp, message: Message) -> Handed {
    let transport = match transport(smtp) {
        Ok(transport) => transport,
        Err(fault) => return Handed::Missed(fault),
    };
    // What fails before a mail is begun has left none behind.
    match transport.test_connection().await {
        Ok(true) => {}
        Ok(false) => return Handed::Missed("the mail server is not ready".to_owned()),
        Err(error) => return Handed::Missed(error.to_string()),
    }
    match transport.send(message).await {
        Ok(_) => Handed::Taken,
        Err(error) if error.is_permanent() => Handed::Refused(error.to_string()),
        Err(error) if error.is_transient() => Handed::Missed(error.to_string()),
        Err(error) => Handed::Unknown(error.to_string()),
    }
}

fn transport(smtp: &Smtp) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let builder = match smtp.security {
        Security::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&smtp.server),
        Security::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&smtp.server),
        Security::None => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.server)),
    };
    let mut builder = builder.map_err(|error| error.to_string())?.port(smtp.port).timeout(Some(LIMIT));
    if !smtp.user.is_empty() {
        builder = builder.credentials(Credentials::new(smtp.user.clone(), secret(&smtp.password_file)?));
    }
    Ok(builder.build())
}
