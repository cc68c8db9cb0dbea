//! The way to the events door: one request a batch, sent again until it is taken or refused for good.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::record::{Batch, Refused};

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(15);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// A server that does not take us at the start is an error; one that goes away in the middle is waited for.
const FIRST_ATTEMPTS: u32 = 5;

pub struct Door {
    http: reqwest::Client,
    url: String,
    key: String,
    shutdown: CancellationToken,
    reached: AtomicBool,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Answer {
    pub accepted: u64,
    pub duplicates: u64,
    pub refused: Vec<Refused>,
}

pub enum Sent {
    Answered(Batch, Answer),
    /// The shutdown came first.
    Interrupted,
}

#[derive(Deserialize)]
struct Taken {
    accepted: u64,
    duplicates: u64,
    rejected: Vec<Rejected>,
}

#[derive(Deserialize)]
struct Rejected {
    index: u32,
    code: String,
    pointer: String,
    expected: String,
    found: String,
    detail: String,
    payload_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: String,
    code: String,
    payload_id: String,
}

impl Door {
    pub fn new(url: &str, key: &str, shutdown: CancellationToken) -> anyhow::Result<Self> {
        Ok(Self {
            http: reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build()?,
            url: format!("{}/v1/events", url.trim_end_matches('/')),
            key: key.to_owned(),
            shutdown,
            reached: false.into(),
        })
    }

    pub async fn deliver(&self, batch: Batch) -> anyhow::Result<Sent> {
        if batch.events.is_empty() {
            return Ok(Sent::Answered(batch, Answer::default()));
        }
        let mut wait = FIRST_WAIT;
        let mut attempts = 0;
        loop {
            let pause = tokio::select! {
                () = self.shutdown.cancelled() => return Ok(Sent::Interrupted),
                answer = self.attempt(&batch) => match answer? {
                    Ok(answer) => return Ok(Sent::Answered(batch, answer)),
                    Err(later) => {
                        attempts += 1;
                        if attempts >= FIRST_ATTEMPTS && !self.reached.load(Ordering::Relaxed) {
                            bail!("{}: {}", self.url, later.why);
                        }
                        later.after.unwrap_or(wait).min(LONGEST_WAIT)
                    }
                },
            };
            wait = (wait * 2).min(LONGEST_WAIT);
            tokio::select! {
                () = tokio::time::sleep(pause.mul_f64(0.9 + rand::random::<f64>() * 0.3)) => {}
                () = self.shutdown.cancelled() => return Ok(Sent::Interrupted),
            }
        }
    }

    async fn attempt(&self, batch: &Batch) -> anyhow::Result<Result<Answer, Later>> {
        let sent = self
            .http
            .post(&self.url)
            .header("milepost-import", "1")
            .bearer_auth(&self.key)
            .header(CONTENT_TYPE, "application/x-ndjson")
            .body(batch.body.clone())
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) if error.is_builder() => return Err(error).context("the address or the key cannot be used"),
            Err(error) => return Ok(Err(Later { why: chain(&error), after: None })),
        };
        let status = response.status().as_u16();
        let after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
        let body = match response.bytes().await {
            Ok(body) => body,
            Err(error) => return Ok(Err(Later { why: chain(&error), after: None })),
        };
        match status {
            200 => {
                self.reached.store(true, Ordering::Relaxed);
                let taken: Taken = serde_json::from_slice(&body).context("the server's answer is not understood")?;
                Ok(Ok(answer(batch, taken)))
            }
            408 | 429 | 502 | 503 | 504 => {
                Ok(Err(Later { why: format!("status {status}"), after: after.map(Duration::from_secs) }))
            }
            _ => {
                let problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
                let why = format!("the server says {status}: {}. {}", problem.title, problem.detail);
                // A key that was made a moment ago is not known to a running server yet.
                if status == 401 && !self.reached.load(Ordering::Relaxed) {
                    return Ok(Err(Later { why, after: None }));
                }
                if matches!(status, 401 | 403) || problem.payload_id.is_empty() {
                    bail!("{}: {why}", self.url);
                }
                Ok(Ok(all_refused(batch, &problem)))
            }
        }
    }
}

struct Later {
    why: String,
    after: Option<Duration>,
}

fn answer(batch: &Batch, taken: Taken) -> Answer {
    let refused = taken.rejected.into_iter().map(|r| {
        let index = r.index as usize;
        let at = batch.events.get(index).map(|e| e.at);
        Refused {
            line: at.map_or(0, |at| at.line),
            column: at.map_or(0, |at| at.column),
            record: batch.raw(index),
            code: r.code,
            detail: r.detail,
            pointer: r.pointer,
            expected: r.expected,
            found: r.found,
            payload_id: r.payload_id,
        }
    });
    Answer { accepted: taken.accepted, duplicates: taken.duplicates, refused: refused.collect() }
}

/// A body that the server could not read as a whole: each of its records is one that was not taken.
fn all_refused(batch: &Batch, problem: &Problem) -> Answer {
    let refused = batch.events.iter().enumerate().map(|(index, event)| Refused {
        line: event.at.line,
        column: event.at.column,
        code: problem.code.clone(),
        detail: problem.detail.clone(),
        pointer: String::new(),
        expected: String::new(),
        found: String::new(),
        payload_id: problem.payload_id.clone(),
        record: batch.raw(index),
    });
    Answer { refused: refused.collect(), ..Answer::default() }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
