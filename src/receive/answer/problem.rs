//! Answers of the events API: counts and refusals as JSON, troubles as problem+json (RFC 9457).

use bytes::Bytes;
use milepost_ingest::Refusal;
use serde::Serialize;

use super::super::stop::Stop;
use super::http::Answer;
use super::{OK, unreadable, verdict};
use crate::pipeline::Taken;

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

#[derive(Serialize)]
struct Counts<'a> {
    accepted: u32,
    duplicates: u32,
    rejected: Vec<Rejected<'a>>,
    /// Dead letters are asked for by id; events by their object.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_ids: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Rejected<'a> {
    index: u32,
    code: &'a str,
    pointer: &'a str,
    expected: &'a str,
    found: &'a str,
    detail: &'a str,
    payload_id: String,
}

#[derive(Default, Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_id: Option<&'a str>,
}

pub(in crate::receive) fn of_taken(taken: &Taken) -> Answer {
    if let Some(refusal) = &taken.unreadable {
        return of_unreadable(refusal, &taken.payload_id);
    }
    Answer::new(OK, JSON, json(&counts(taken)))
}

pub(in crate::receive) fn of_letters(taken: &Taken) -> Answer {
    if let Some(refusal) = &taken.unreadable {
        return of_unreadable(refusal, &taken.payload_id);
    }
    let refused = u32::try_from(taken.refusals.len()).unwrap_or(u32::MAX);
    let all = 0..taken.accepted.saturating_add(taken.duplicates).saturating_add(refused);
    let kept = all.filter(|at| taken.refusals.iter().all(|refusal| refusal.index != *at));
    // A repeated letter is kept where it came first, and is not named again.
    let kept = kept.filter(|at| !taken.repeated.contains(at));
    let payload_ids = Some(kept.map(|at| format!("{}.{at}", taken.payload_id)).collect());
    Answer::new(OK, JSON, json(&Counts { payload_ids, ..counts(taken) }))
}

fn counts(taken: &Taken) -> Counts<'_> {
    let rejected = taken.refusals.iter().map(|refusal| rejected(refusal, &taken.payload_id)).collect();
    Counts { accepted: taken.accepted, duplicates: taken.duplicates, rejected, payload_ids: None }
}

fn rejected<'a>(refusal: &'a Refusal, payload_id: &str) -> Rejected<'a> {
    Rejected {
        index: refusal.index,
        code: &refusal.code,
        pointer: &refusal.pointer,
        expected: &refusal.expected,
        found: &refusal.found,
        detail: &refusal.detail,
        payload_id: format!("{payload_id}.{}", refusal.index),
    }
}

fn of_unreadable(refusal: &Refusal, payload_id: &str) -> Answer {
    let (status, _) = unreadable(refusal);
    let problem = Problem {
        kind: kind(&refusal.code),
        title: "The body cannot be read",
        status,
        detail: &refusal.detail,
        code: &refusal.code,
        pointer: Some(&refusal.pointer),
        expected: Some(&refusal.expected),
        found: Some(&refusal.found),
        payload_id: Some(payload_id),
    };
    Answer::new(status, PROBLEM, json(&problem))
}

pub(in crate::receive) fn of_stop(stop: &Stop, retry_after_s: Option<u64>) -> Answer {
    let verdict = verdict(stop);
    let (expected, found) = match stop {
        Stop::MediaType { found, accepted } => (Some(*accepted), Some(found.as_str())),
        Stop::Charset { found } => (Some("utf-8"), Some(found.as_str())),
        Stop::Encoding { found } => (Some("gzip, zstd or identity"), Some(found.as_str())),
        _ => (None, None),
    };
    let detail = stop.to_string();
    let problem = Problem {
        kind: kind(verdict.code),
        title: verdict.title,
        status: verdict.http,
        detail: &detail,
        code: verdict.code,
        expected,
        found,
        ..Problem::default()
    };
    let answer = Answer::new(verdict.http, PROBLEM, json(&problem)).for_stop(stop, retry_after_s);
    match stop {
        Stop::MediaType { accepted, .. } => answer.with("accept", accepted.split(", or").next().unwrap_or(JSON)),
        _ => answer,
    }
}

fn kind(code: &str) -> String {
    format!("urn:milepost:problem:{code}")
}

fn json(value: &impl Serialize) -> Bytes {
    // Strings and numbers only: this cannot fail, and an empty body would still carry the right status.
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}
