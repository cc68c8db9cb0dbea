//! Remembers answers by `Idempotency-Key`, so that a sender which lost one can ask for it again.
//! Bounded in time, number and bytes. It is a comfort only: what keeps an event from counting twice is its own id.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::answer::http::Answer;
use super::settings::Settings;
use super::stop::Stop;
use crate::pipeline::Form;

const KEY_CHARS: usize = 255;

type Hash = [u8; 32];

pub(super) struct Memory {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    known: HashMap<Hash, Seen>,
    /// The remembered answers, oldest first.
    order: VecDeque<(Instant, Hash)>,
    bytes: usize,
    limits: Limits,
}

#[derive(Clone, Copy)]
struct Limits {
    keep: Duration,
    answers: usize,
    bytes: usize,
}

struct Seen {
    body: Hash,
    /// `None` while the first request is in work.
    answer: Option<Answer>,
}

pub(super) enum Turn {
    /// Do the work, then settle.
    First(Ticket),
    /// The answer that was given before.
    Again(Answer),
}

/// The right to answer for a key. Dropped without settling, the key is free again.
pub(super) struct Ticket {
    inner: Arc<Mutex<Inner>>,
    name: Hash,
}

impl Memory {
    pub(super) fn new(settings: &Settings) -> Self {
        let limits = Limits {
            keep: Duration::from_secs(settings.idempotency_hours.saturating_mul(3600)),
            answers: settings.idempotency_keys,
            bytes: settings.idempotency_bytes,
        };
        let inner = Inner { known: HashMap::new(), order: VecDeque::new(), bytes: 0, limits };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// `key_id` is the sender's own key: two senders never share a name.
    pub(super) fn begin(&self, key_id: &str, key: &str, body: Hash, now: Instant) -> Result<Turn, Stop> {
        let name = hash([key_id.as_bytes(), key.as_bytes()]);
        let mut inner = self.inner.lock();
        inner.forget_old(now);
        match inner.known.entry(name) {
            Entry::Vacant(free) => {
                free.insert(Seen { body, answer: None });
                Ok(Turn::First(Ticket { inner: self.inner.clone(), name }))
            }
            Entry::Occupied(seen) if seen.get().body != body => Err(Stop::OtherBody),
            Entry::Occupied(seen) => seen.get().answer.clone().map(Turn::Again).ok_or(Stop::InWork),
        }
    }
}

impl Ticket {
    /// Remembers the answer if it is the last word; one that may be tried again is forgotten.
    pub(super) fn settle(self, answer: &Answer, now: Instant) {
        let mut inner = self.inner.lock();
        let bytes = weight(answer);
        if !answer.is_final() || bytes > inner.limits.bytes {
            return;
        }
        if let Some(seen) = inner.known.get_mut(&self.name) {
            seen.answer = Some(answer.clone());
            inner.bytes += bytes;
            inner.order.push_back((now, self.name));
        }
        inner.forget_old(now);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inner = self.inner.lock();
        if inner.known.get(&self.name).is_some_and(|seen| seen.answer.is_none()) {
            inner.known.remove(&self.name);
        }
    }
}

impl Inner {
    fn forget_old(&mut self, now: Instant) {
        while let Some((since, name)) = self.order.front().copied() {
            let Limits { keep, answers, bytes } = self.limits;
            let fits = self.order.len() <= answers && self.bytes <= bytes;
            if fits && now.saturating_duration_since(since) < keep {
                return;
            }
            self.order.pop_front();
            if let Some(answer) = self.known.remove(&name).and_then(|seen| seen.answer) {
                self.bytes -= weight(&answer);
            }
        }
    }
}

fn weight(answer: &Answer) -> usize {
    answer.body.len() + size_of::<Seen>() + size_of::<(Instant, Hash)>()
}

/// Reads the header: a plain word, or one in quotes.
pub(super) fn parse_key(value: &[u8]) -> Result<String, Stop> {
    let text = std::str::from_utf8(value).map_err(|_| Stop::BadIdempotencyKey)?.trim();
    let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let good = (1..=KEY_CHARS).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_graphic());
    good.then(|| bare.to_owned()).ok_or(Stop::BadIdempotencyKey)
}

/// What makes two requests the same: form, body, and the headers that are part of a binary cloud event.
pub(super) fn fingerprint(form: Form, headers: &[(String, String)], body: &[u8]) -> Hash {
    let form = format!("{form:?}");
    let event: Vec<&[u8]> = headers
        .iter()
        .filter(|(name, _)| form == "CloudEventBinary" && name.starts_with("ce-"))
        .flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()])
        .collect();
    hash([form.as_bytes(), body].into_iter().chain(event))
}

/// Each part with its length before it, so that no two lists of parts read the same.
fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Hash {
    let mut sum = Sha256::new();
    for part in parts {
        sum.update((part.len() as u64).to_le_bytes());
        sum.update(part);
    }
    sum.finalize().into()
}

#[cfg(test)]
mod tests;
