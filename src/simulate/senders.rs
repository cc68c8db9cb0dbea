//! The systems' lines to Milepost: one sender per system, each over its own protocol, in order, one request at a time. They obey
//! Retry-After and the OTLP rules on what may be sent again, and count what became of everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use prost::Message;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;

use super::story::{Said, Spoilt, Voice, What};
use super::wire;

/// Most records of one request.
const BATCH: usize = 200;
/// Most that may wait for one sender; then whoever tells the story waits too.
const QUEUE: usize = 1000;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("the address `{0}` is none: {1}")]
    Address(String, String),
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    #[error("the key holds characters that no header may hold")]
    Key,
    #[error("{0}: the key is not accepted")]
    Unauthorized(&'static str),
}

/// What became of all that was said.
#[derive(Debug, Default)]
pub struct Tally {
    pub sent: AtomicU64,
    pub accepted: AtomicU64,
    pub duplicates: AtomicU64,
    pub rejected: AtomicU64,
    /// Requests that had to be sent again.
    pub retried: AtomicU64,
}

/// Where the doors are, and the key to them.
#[derive(Clone)]
pub struct Lines {
    http: reqwest::Client,
    events_url: String,
    otlp_http: String,
    logs: LogsServiceClient<Channel>,
    traces: TraceServiceClient<Channel>,
    bearer: MetadataValue<Ascii>,
    /// What was sent before is history, and says so.
    live_since: DateTime<Utc>,
    tally: Arc<Tally>,
    shutdown: CancellationToken,
}

/// The way to one sender, and its end.
pub struct Sender {
    pub queue: mpsc::Sender<Said>,
    pub task: tokio::task::JoinHandle<Result<(), SendError>>,
}

/// Says of a request that it holds what happened long ago.
const HISTORY: &str = "milepost-import";

/// What an answer means for the sender.
enum Answer {
    Taken {
        accepted: u64,
        duplicates: u64,
        rejected: u64,
    },
    /// Sending it again would change nothing.
    Refused,
    Later(Option<Duration>),
    Unauthorized,
}

impl Lines {
    pub fn new(
        (url, otlp_grpc, otlp_http): (&str, &str, &str),
        key: &str,
        live_since: DateTime<Utc>,
        tally: Arc<Tally>,
        shutdown: CancellationToken,
    ) -> Result<Self, SendError> {
        let channel = Channel::from_shared(otlp_grpc.to_owned())
            .map_err(|e| SendError::Address(otlp_grpc.to_owned(), e.to_string()))?
            .timeout(REQUEST_TIMEOUT)
            .connect_lazy();
        Ok(Self {
            http: reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build()?,
            events_url: format!("{}/v1/events", url.trim_end_matches('/')),
            otlp_http: otlp_http.trim_end_matches('/').to_owned(),
            logs: LogsServiceClient::new(channel.clone()).send_compressed(CompressionEncoding::Gzip),
            traces: TraceServiceClient::new(channel).send_compressed(CompressionEncoding::Gzip),
            bearer: format!("Bearer {key}").parse().map_err(|_| SendError::Key)?,
            live_since,
            tally,
            shutdown,
        })
    }

    /// Starts the sender of one system.
    pub fn sender(&self, voice: Voice) -> Sender {
        let (queue, waiting) = mpsc::channel(QUEUE);
        Sender { queue, task: tokio::spawn(self.clone().work(voice, waiting)) }
    }

    async fn work(self, voice: Voice, mut waiting: mpsc::Receiver<Said>) -> Result<(), SendError> {
        let mut batch = Vec::with_capacity(BATCH);
        while waiting.recv_many(&mut batch, BATCH).await > 0 {
            let batch = std::mem::take(&mut batch);
            // The past is told first.
            let (past, live) = batch.split_at(batch.partition_point(|said| said.sent_at < self.live_since));
            for (some, history) in [(past, true), (live, false)] {
                for request in requests(voice, some) {
                    self.deliver(&request, history).await?;
                }
            }
        }
        Ok(())
    }

    /// Sends until it is taken or refused for good, or until the end.
    async fn deliver(&self, request: &Request, history: bool) -> Result<(), SendError> {
        self.tally.sent.fetch_add(request.records(), Ordering::Relaxed);
        let mut wait = FIRST_WAIT;
        loop {
            let answer = tokio::select! {
                answer = self.attempt(request, history) => answer,
                () = self.shutdown.cancelled() => return Ok(()),
            };
            match answer {
                Answer::Taken { accepted, duplicates, rejected } => {
                    self.tally.accepted.fetch_add(accepted, Ordering::Relaxed);
                    self.tally.duplicates.fetch_add(duplicates, Ordering::Relaxed);
                    self.tally.rejected.fetch_add(rejected, Ordering::Relaxed);
                    return Ok(());
                }
                Answer::Refused => {
                    self.tally.rejected.fetch_add(request.records(), Ordering::Relaxed);
                    return Ok(());
                }
                Answer::Unauthorized => return Err(SendError::Unauthorized(request.door())),
                Answer::Later(asked) => {
                    self.tally.retried.fetch_add(1, Ordering::Relaxed);
                    let pause = asked.unwrap_or(wait).min(LONGEST_WAIT).mul_f64(0.9 + rand::random::<f64>() * 0.3);
                    wait = (wait * 2).min(LONGEST_WAIT);
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.shutdown.cancelled() => return Ok(()),
                    }
                }
            }
        }
    }

    async fn attempt(&self, request: &Request, history: bool) -> Answer {
        match request {
            Request::Events { form, body, .. } => {
                self.post(&self.events_url, form, body.clone(), history, read_events).await
            }
            Request::LogsHttp(logs) => {
                let url = format!("{}/v1/logs", self.otlp_http);
                self.post(&url, "application/x-protobuf", logs.encode_to_vec(), history, |body| {
                    read_logs(body, request.records())
                })
                .await
            }
            Request::SpansHttp(spans) => {
                let url = format!("{}/v1/traces", self.otlp_http);
                self.post(&url, "application/x-protobuf", spans.encode_to_vec(), history, |body| {
                    read_spans(body, request.records())
                })
                .await
            }
            Request::LogsGrpc(logs) => match self.logs.clone().export(self.with_key(logs.clone(), history)).await {
                Ok(answer) => {
                    taken(request.records(), answer.get_ref().partial_success.as_ref().map(|p| p.rejected_log_records))
                }
                Err(status) => of_status(&status),
            },
            Request::SpansGrpc(spans) => {
                match self.traces.clone().export(self.with_key(spans.clone(), history)).await {
                    Ok(answer) => {
                        taken(request.records(), answer.get_ref().partial_success.as_ref().map(|p| p.rejected_spans))
                    }
                    Err(status) => of_status(&status),
                }
            }
        }
    }

    fn with_key<T>(&self, message: T, history: bool) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        if history {
            request.metadata_mut().insert(HISTORY, MetadataValue::from_static("1"));
        }
        request.metadata_mut().insert("authorization", self.bearer.clone());
        request
    }

    async fn post(
        &self,
        url: &str,
        form: &str,
        body: Vec<u8>,
        history: bool,
        read: impl Fn(&[u8]) -> Answer,
    ) -> Answer {
        let request = self.http.post(url).header(AUTHORIZATION, self.bearer.as_bytes()).header(CONTENT_TYPE, form);
        let request = if history { request.header(HISTORY, "1") } else { request };
        let sent = request.body(body).send().await;
        let Ok(response) = sent else { return Answer::Later(None) };
        let status = response.status().as_u16();
        let seconds = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
        match status {
            200 => match response.bytes().await {
                Ok(body) => read(&body),
                Err(_) => Answer::Later(None),
            },
            401 | 403 => Answer::Unauthorized,
            429 | 502 | 503 | 504 => Answer::Later(seconds.map(Duration::from_secs)),
            _ => Answer::Refused,
        }
    }
}

/// One request in the form of its door.
enum Request {
    Events { form: &'static str, body: Vec<u8>, records: u64 },
    LogsGrpc(ExportLogsServiceRequest),
    LogsHttp(ExportLogsServiceRequest),
    SpansGrpc(ExportTraceServiceRequest),
    SpansHttp(ExportTraceServiceRequest),
}

impl Request {
    fn records(&self) -> u64 {
        let count = match self {
            Self::Events { records, .. } => return *records,
            Self::LogsGrpc(logs) | Self::LogsHttp(logs) => {
                logs.resource_logs.iter().flat_map(|r| &r.scope_logs).map(|s| s.log_records.len()).sum::<usize>()
            }
            Self::SpansGrpc(spans) | Self::SpansHttp(spans) => {
                spans.resource_spans.iter().flat_map(|r| &r.scope_spans).map(|s| s.spans.len()).sum::<usize>()
            }
        };
        count as u64
    }

    fn door(&self) -> &'static str {
        match self {
            Self::Events { .. } => "events API",
            Self::LogsGrpc(_) | Self::SpansGrpc(_) => "OTLP/gRPC",
            Self::LogsHttp(_) | Self::SpansHttp(_) => "OTLP/HTTP",
        }
    }
}

/// Puts what one system has to say into requests. A body that is cut off goes alone, it would take others with it.
fn requests(voice: Voice, said: &[Said]) -> Vec<Request> {
    let (cut, whole): (Vec<&Said>, Vec<&Said>) =
        said.iter().partition(|s| s.told().is_some_and(|t| t.spoilt == Some(Spoilt::CutOff)));
    let whole: Vec<Said> = whole.into_iter().cloned().collect();
    let mut requests = match voice {
        Voice::Erp => events("application/json", whole.iter().filter_map(wire::event).collect()),
        Voice::Finance => events("application/x-ndjson", whole.iter().filter_map(wire::event).collect()),
        Voice::Tms => {
            events("application/cloudevents-batch+json", whole.iter().filter_map(wire::cloud_event).collect())
        }
        Voice::Billing => vec![Request::SpansHttp(wire::spans(&whole))],
        Voice::Middleware => vec![Request::SpansGrpc(wire::spans(&whole))],
        Voice::Wms => warehouse(whole),
    };
    for one in cut {
        if let Some(event) = wire::event(one) {
            let mut body = event.to_string().into_bytes();
            body.truncate(body.len() * 2 / 3);
            requests.push(Request::Events { form: "application/json", body, records: 1 });
        }
    }
    requests
}

/// Warehouses send log records: those in America over HTTP, the others over gRPC. Their technical steps are spans.
fn warehouse(said: Vec<Said>) -> Vec<Request> {
    let (steps, events): (Vec<Said>, Vec<Said>) = said.into_iter().partition(|s| matches!(s.what, What::Hop { .. }));
    let (american, others): (Vec<Said>, Vec<Said>) =
        events.into_iter().partition(|s| s.at.offset().local_minus_utc() < 0);
    let mut requests = Vec::new();
    if !others.is_empty() {
        requests.push(Request::LogsGrpc(wire::logs(&others)));
    }
    if !american.is_empty() {
        requests.push(Request::LogsHttp(wire::logs(&american)));
    }
    if !steps.is_empty() {
        requests.push(Request::SpansGrpc(wire::spans(&steps)));
    }
    requests
}

fn events(form: &'static str, events: Vec<Value>) -> Vec<Request> {
    let records = events.len() as u64;
    let body = match (form, events.as_slice()) {
        (_, []) => return Vec::new(),
        ("application/json", [one]) => one.to_string(),
        ("application/x-ndjson", all) => all.iter().map(|e| format!("{e}\n")).collect(),
        (_, all) => Value::from(all.to_vec()).to_string(),
    };
    vec![Request::Events { form, body: body.into_bytes(), records }]
}

fn read_events(body: &[u8]) -> Answer {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return Answer::Refused };
    let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
    let rejected = answer.get("rejected").and_then(Value::as_array).map_or(0, |r| r.len() as u64);
    Answer::Taken { accepted: number("accepted"), duplicates: number("duplicates"), rejected }
}

fn read_logs(body: &[u8], records: u64) -> Answer {
    let answer = ExportLogsServiceResponse::decode(body).unwrap_or_default();
    taken(records, answer.partial_success.map(|p| p.rejected_log_records))
}

fn read_spans(body: &[u8], records: u64) -> Answer {
    let answer = ExportTraceServiceResponse::decode(body).unwrap_or_default();
    taken(records, answer.partial_success.map(|p| p.rejected_spans))
}

/// OTLP counts only what it rejects; duplicates count as taken there.
fn taken(records: u64, rejected: Option<i64>) -> Answer {
    let rejected = u64::try_from(rejected.unwrap_or_default()).unwrap_or_default();
    Answer::Taken { accepted: records.saturating_sub(rejected), duplicates: 0, rejected }
}

/// What the OTLP specification says may be sent again.
fn of_status(status: &tonic::Status) -> Answer {
    use tonic::Code;
    match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Answer::Later(retry_delay(status.details())),
        Code::ResourceExhausted => {
            retry_delay(status.details()).map_or(Answer::Refused, |delay| Answer::Later(Some(delay)))
        }
        Code::Unauthenticated | Code::PermissionDenied => Answer::Unauthorized,
        _ => Answer::Refused,
    }
}

/// `google.rpc.Status` with `google.rpc.RetryInfo` among its details, as far as it matters here.
#[derive(Clone, PartialEq, Message)]
struct RichStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

#[derive(Clone, PartialEq, Message)]
struct Detail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    delay: Option<Delay>,
}

#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

fn retry_delay(details: &[u8]) -> Option<Duration> {
    let status = RichStatus::decode(details).ok()?;
    let info = status.details.iter().find(|d| d.type_url.ends_with("google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(info.value.as_slice()).ok()?.delay?;
    Some(Duration::new(u64::try_from(delay.seconds).ok()?, u32::try_from(delay.nanos).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_that_a_server_asks_for_is_read() {
        let info = RetryInfo { delay: Some(Delay { seconds: 2, nanos: 500_000_000 }) };
        let type_url = "type.googleapis.com/google.rpc.RetryInfo".to_owned();
        let status = RichStatus { details: vec![Detail { type_url, value: info.encode_to_vec() }] };
        assert_eq!(retry_delay(&status.encode_to_vec()), Some(Duration::from_millis(2500)));
        assert_eq!(retry_delay(b""), None);
    }
}
