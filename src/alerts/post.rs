//! Carries one notice to one receiver, once. Whether to try again is the log's to decide.

use std::path::Path;
use std::time::Duration;

use chrono::Utc;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::notice::Notice;
use super::receivers::{self, Request, Secret};
use super::routes::{How, Receiver, Security, Smtp};

const LIMIT: Duration = Duration::from_secs(15);
/// As much of an answer as the log keeps.
const MAX_ANSWER: usize = 300;

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
    client: reqwest::Client,
}

impl Post {
    pub fn new() -> Result<Self, reqwest::Error> {
        // Two libraries bring a TLS provider each; without a choice neither is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("milepost/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client })
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
        self.send(request).await
    }

    /// The one place where this room speaks HTTP.
    async fn send(&self, request: Request) -> Outcome {
        let mut post = self.client.post(&request.url).body(request.body);
        for (name, value) in request.headers {
            post = post.header(name, value);
        }
        let answer = match post.send().await {
            Ok(answer) => answer,
            // Addresses may be secrets: they stay out of the log.
            Err(error) => return Outcome::Later(error.without_url().to_string()),
        };
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        let said = format!("{status} {}", text.chars().take(MAX_ANSWER).collect::<String>()).trim().to_owned();
        match status.as_u16() {
            200..=299 => Outcome::Taken(said),
            400 | 401 | 403 | 404 | 405 | 410 | 413 | 422 => Outcome::Never(said),
            _ => Outcome::Later(said),
        }
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
    let builder = match smtp.security {
        Security::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&smtp.server),
        Security::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&smtp.server),
        Security::None => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.server)),
    };
    let mut builder = match builder {
        Ok(builder) => builder.port(smtp.port).timeout(Some(LIMIT)),
        Err(error) => return Outcome::Later(error.to_string()),
    };
    if !smtp.user.is_empty() {
        match secret(&smtp.password_file) {
            Ok(password) => builder = builder.credentials(Credentials::new(smtp.user.clone(), password)),
            Err(error) => return Outcome::Later(error),
        }
    }
    match builder.build().send(message).await {
        Ok(answer) => Outcome::Taken(answer.message().collect::<Vec<_>>().join(" ")),
        Err(error) if error.is_permanent() => Outcome::Never(error.to_string()),
        Err(error) => Outcome::Later(error.to_string()),
    }
}
