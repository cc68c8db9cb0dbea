//! Carries one request to a target and says what became of it. When to carry it again is the caller's to say.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use chrono::Utc;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Error as ClientError;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::address::is_open;
use super::connect::{Http, Inside, client, is_disguised, literal};
use super::schedule::retry_after;
use super::sign::signature;
use super::target::{Auth, Secret, Taken, Target};

/// Of an answer no more is read.
const ANSWER_BYTES: usize = 64 << 10;
const DETAIL_CHARS: usize = 300;
/// A token is asked for anew so long before it ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(30);
/// How long a token holds when its issuer does not say.
const TOKEN_LIFE: Duration = Duration::from_secs(300);

/// What is to be carried. `key` is the same at every attempt.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub key: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// `traceparent` under which the payload came, empty when it had none.
    pub old_trace: String,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Taken {
        status: u16,
    },
    /// It may work later; `asked` is what the target wants us to wait.
    Later {
        no: No,
        asked: Option<Duration>,
    },
    /// It will not work, however often it is tried.
    Never(No),
    /// 410: the target wants nothing of this any more.
    Gone(No),
}

/// A no, with a stable code and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct No {
    pub code: &'static str,
    pub status: u16,
    pub detail: String,
}

/// An attempt as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub told: Told,
    /// Trace under which it went out.
    pub trace_id: String,
}

pub struct Courier {
    open: Http,
    inside: Http,
    tokens: Mutex<HashMap<String, Token>>,
}

#[derive(Clone)]
struct Token {
    value: String,
    until: Instant,
}

impl Courier {
    pub fn new() -> io::Result<Self> {
        Ok(Self { open: client(false)?, inside: client(true)?, tokens: Mutex::default() })
    }

    pub async fn carry(&self, target: &Target, parcel: &Parcel) -> Attempt {
        let trace_id = format!("{:032x}", rand::random::<u128>().max(1));
        let work = self.once(target, parcel, &trace_id);
        let told = tokio::time::timeout(target.timeout, work)
            .await
            .unwrap_or_else(|_| later("timeout", 0, format!("No answer within {} s", target.timeout.as_secs()), None));
        Attempt { told, trace_id }
    }

    async fn once(&self, target: &Target, parcel: &Parcel, trace_id: &str) -> Told {
        let credentials = match self.credentials(target, parcel).await {
            Ok(credentials) => credentials,
            Err(told) => return told,
        };
        let mut request = Request::new(Full::new(parcel.body.clone()));
        *request.method_mut() = target.method.clone();
        *request.uri_mut() = target.url.clone();
        let headers = request.headers_mut();
        for (name, value) in parcel.headers.iter().filter(|(name, _)| target.keeps(name)) {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()))
            {
                headers.append(name, value);
            }
        }
        let span_id = rand::random::<u64>().max(1);
        let own = [
            ("idempotency-key", parcel.key.clone()),
            ("traceparent", format!("00-{trace_id}-{span_id:016x}-01")),
            // HTTP has no header for a link between traces; the old one goes under a name of ours.
            ("milepost-linked-traceparent", parcel.old_trace.clone()),
        ];
        for (name, value) in own.into_iter().filter(|(_, value)| !value.is_empty()) {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("milepost/", env!("CARGO_PKG_VERSION"))));
        headers.extend(target.set.iter().cloned());
        headers.extend(credentials);
        let answer = match self.send(target, request).await {
            Ok(answer) => answer,
            Err(told) => return told,
        };
        if answer.status() == StatusCode::UNAUTHORIZED && matches!(target.auth, Auth::OAuth2 { .. }) {
            // A token that was withdrawn early: the next attempt gets a new one.
            self.tokens.lock().await.remove(&target.id());
            return later("token_refused", 401, "The access token was refused".to_owned(), None);
        }
        judge(target, answer).await
    }

    async fn send(&self, target: &Target, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Told> {
        let uri = request.uri();
        if !target.allow_internal {
            if let Some(address) = literal(uri).filter(|address| !is_open(*address)) {
                return Err(inside(&format!("{address} is not on the open internet")));
            }
            if is_disguised(uri) {
                return Err(inside(&format!("{} is an address in disguise", uri.host().unwrap_or_default())));
            }
        }
        let http = if target.allow_internal { &self.inside } else { &self.open };
        http.request(request).await.map_err(|error| of_error(&error))
    }

    async fn credentials(&self, target: &Target, parcel: &Parcel) -> Result<Vec<(HeaderName, HeaderValue)>, Told> {
        let secret = |secret: &Secret| {
            reveal(secret).map_err(|why| later("no_secret", 0, format!("The target's secret: {why}"), None))
        };
        let sensitive = |text: String| {
            let mut value = HeaderValue::try_from(text)
                .map_err(|_| never("no_secret", 0, "The secret is not allowed in a header".to_owned()))?;
            value.set_sensitive(true);
            Ok(value)
        };
        Ok(match &target.auth {
            Auth::None => Vec::new(),
            Auth::Header { name, value } => vec![(name.clone(), sensitive(secret(value)?)?)],
            Auth::Basic { user, password } => {
                let pair = BASE64_STANDARD.encode(format!("{user}:{}", secret(password)?));
                vec![(AUTHORIZATION, sensitive(format!("Basic {pair}"))?)]
            }
            Auth::OAuth2 { token_url, client_id, client_secret, scope } => {
                let client_secret = secret(client_secret)?;
                let token = self.token(target, token_url, client_id, &client_secret, scope).await?;
                vec![(AUTHORIZATION, sensitive(format!("Bearer {token}"))?)]
            }
            Auth::Webhook { secret: named } => {
                let now_s = Utc::now().timestamp();
                let signed = signature(&secret(named)?, &parcel.key, now_s, &parcel.body)
                    .ok_or_else(|| later("no_secret", 0, "The signing secret is not base64".to_owned(), None))?;
                vec![
                    (HeaderName::from_static("webhook-id"), sensitive(parcel.key.clone())?),
                    (HeaderName::from_static("webhook-timestamp"), sensitive(now_s.to_string())?),
                    (HeaderName::from_static("webhook-signature"), sensitive(signed)?),
                ]
            }
        })
    }

    /// The token of a target, asked for when there is none that holds. One question at a time.
    async fn token(&self, target: &Target, url: &Uri, id: &str, secret: &str, scope: &str) -> Result<String, Told> {
        let mut tokens = self.tokens.lock().await;
        if let Some(token) = tokens.get(&target.id()).filter(|token| token.until > Instant::now()) {
            return Ok(token.value.clone());
        }
        let mut form = vec![("grant_type", "client_credentials")];
        if !scope.is_empty() {
            form.push(("scope", scope));
        }
        let body = form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&");
        let pair = BASE64_STANDARD.encode(format!("{}:{}", escaped(id), escaped(secret)));
        let request = Request::post(url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, format!("Basic {pair}"))
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| never("no_token", 0, error.to_string()))?;
        let answer = self.send(target, request).await?;
        let status = answer.status().as_u16();
        let bytes = read(answer).await.unwrap_or_default();
        let no = || later("no_token", status, format!("The token address answered {status} without a token"), None);
        #[derive(Deserialize)]
        struct Granted {
            access_token: String,
            expires_in: Option<u64>,
        }
        let granted: Granted = serde_json::from_slice(&bytes).ok().filter(|_| status == 200).ok_or_else(no)?;
        let life = granted.expires_in.map_or(TOKEN_LIFE, Duration::from_secs).saturating_sub(TOKEN_MARGIN);
        let token = Token { value: granted.access_token, until: Instant::now() + life };
        tokens.insert(target.id(), token.clone());
        Ok(token.value)
    }
}

async fn judge(target: &Target, answer: Response<Incoming>) -> Told {
    let status = answer.status();
    let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let asked = asked.and_then(|value| retry_after(value, Utc::now()));
    let code = status.as_u16();
    if status.is_success() {
        let Some(taken) = &target.taken else { return Told::Taken { status: code } };
        let said = read(answer).await;
        return match said.as_deref().map(|body| says(taken, body)) {
            Some(Ok(())) => Told::Taken { status: code },
            Some(Err(found)) => {
                let wanted = taken.is.join(" or ");
                never("refused_in_body", code, format!("The answer says {found} at {}, not {wanted}", taken.pointer))
            }
            None => later("broken_answer", code, "The answer broke off or is too long".to_owned(), None),
        };
    }
    let body = read(answer).await.unwrap_or_default();
    let said: String = String::from_utf8_lossy(&body).chars().take(DETAIL_CHARS).collect();
    let detail = if said.trim().is_empty() { format!("The target answered {code}") } else { said };
    match code {
        410 => Told::Gone(No { code: "gone", status: code, detail }),
        300..=399 => never("redirected", code, "The target points elsewhere; redirects are not followed".to_owned()),
        429 => later("too_many", code, detail, asked),
        code if target.lasting.contains(&code) => never("refused", code, detail),
        _ => later("not_taken", code, detail, asked),
    }
}

/// Whether the body of an answer says yes; else what it says instead.
fn says(taken: &Taken, body: &[u8]) -> Result<(), String> {
    let value: Value = serde_json::from_slice(body).map_err(|_| "no JSON".to_owned())?;
    let found = match value.pointer(&taken.pointer) {
        None => return Err("nothing".to_owned()),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if taken.is.contains(&found) { Ok(()) } else { Err(found.chars().take(80).collect()) }
}

async fn read(answer: Response<Incoming>) -> Option<Bytes> {
    Some(Limited::new(answer.into_body(), ANSWER_BYTES).collect().await.ok()?.to_bytes())
}

fn of_error(error: &ClientError) -> Told {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    let mut last = error.to_string();
    while let Some(error) = cause {
        if let Some(closed) = error.downcast_ref::<Inside>() {
            return inside(&closed.to_string());
        }
        last = error.to_string();
        cause = error.source();
    }
    if error.is_connect() { later("unreachable", 0, last, None) } else { later("broken_off", 0, last, None) }
}

fn inside(detail: &str) -> Told {
    never("internal_address", 0, format!("{detail}; allow_internal in the target's file would allow it"))
}

fn later(code: &'static str, status: u16, detail: String, asked: Option<Duration>) -> Told {
    Told::Later { no: No { code, status, detail }, asked }
}

fn never(code: &'static str, status: u16, detail: String) -> Told {
    Told::Never(No { code, status, detail })
}

/// What a secret is now: looked up each time, so that a new one needs no restart.
fn reveal(secret: &Secret) -> Result<String, String> {
    match secret {
        Secret::Clear(text) => Ok(text.clone()),
        Secret::Env(name) => std::env::var(name).map_err(|_| format!("the environment has no {name}")),
        Secret::File(path) => std::fs::read_to_string(path)
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|error| format!("{path}: {error}")),
    }
}

/// As `application/x-www-form-urlencoded` wants it.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
#[path = "courier_tests.rs"]
mod tests;
