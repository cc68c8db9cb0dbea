//! The rows of what failed, whatever the stage: refused at the door, reported by middleware, handed over as a dead letter,
//! or told by a span. Failures of one cause share a fingerprint, which is made of names and never of values.

use std::hash::{DefaultHasher, Hash, Hasher};

use milepost_ingest::{DEAD_LETTERED, DeadLetter, Event, Refusal, Span, slug};
use serde_json::Value;

use crate::store::rows::FailureRow;

/// Whose payload it is, and where it stands.
pub struct Owner<'a> {
    pub tenant: &'a str,
    /// The source of the key, for what names none itself.
    pub source: &'a str,
    pub payload: u64,
    pub received_ms: i64,
}

/// A letter of a sentence that names a cause.
const STEP_CHARS: usize = 120;

impl Owner<'_> {
    pub fn refusal(&self, refusal: &Refusal) -> FailureRow {
        let hint = &refusal.hint;
        self.finish(FailureRow {
            index: refusal.index,
            stage: refusal.stage.as_str().to_owned(),
            code: refusal.code.clone(),
            pointer: refusal.pointer.clone(),
            expected: refusal.expected.clone(),
            found: refusal.found.clone(),
            detail: refusal.detail.clone(),
            offset: refusal.offset.and_then(|at| i64::try_from(at).ok()).unwrap_or(NO_OFFSET),
            source: hint.source.clone(),
            event_type: hint.event_type.clone(),
            event_id: hint.event_id.clone(),
            schema_version: hint.schema_version,
            object_type: hint.object_type.clone(),
            object_id: hint.object_id.clone(),
            ..FailureRow::default()
        })
    }

    /// What middleware reported: it took place between two other systems. None for events that report no failure.
    pub fn message(&self, event: &Event) -> Option<FailureRow> {
        let fallback = match event.kind.as_str() {
            "message.failed" => "message_failed",
            "message.dead_lettered" => DEAD_LETTERED,
            _ => return None,
        };
        let text = |names: [&str; 2]| {
            let found = names.iter().find_map(|name| event.data.get(*name).and_then(Value::as_str));
            found.unwrap_or_default().to_owned()
        };
        let stage = match text(["stage", "stage"]).as_str() {
            "validation" => "validate",
            "transformation" => "map",
            _ => "deliver",
        };
        let (code, reason) = (text(["code", "code"]), text(["error", "reason"]));
        let attempts = event.data.get("attempt").and_then(Value::as_u64);
        let said = if code.is_empty() { generalised(&reason) } else { String::new() };
        Some(self.finish(FailureRow {
            index: event.index,
            stage: stage.to_owned(),
            code: if code.is_empty() { fallback.to_owned() } else { code },
            pointer: text(["pointer", "path"]),
            expected: text(["expected", "expected"]),
            found: text(["found", "found"]),
            detail: if reason.is_empty() { "Middleware reported a failed message".to_owned() } else { reason },
            step: said,
            target: text(["target", "target"]),
            attempts: attempts.and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
            source: event.source.clone(),
            event_type: event.kind.clone(),
            event_id: event.id.clone(),
            schema_version: event.schema_version,
            object_type: event.object.kind.clone(),
            object_id: event.object.id.clone(),
            trace_id: event.trace.trace_id.clone(),
            offset: NO_OFFSET,
            ..FailureRow::default()
        }))
    }

    pub fn dead_letter(&self, letter: &DeadLetter) -> FailureRow {
        let hint = &letter.hint;
        let said = if letter.code == DEAD_LETTERED { generalised(&letter.reason) } else { String::new() };
        let nameless = letter.reason.is_empty();
        self.finish(FailureRow {
            index: letter.index,
            stage: letter.stage.as_str().to_owned(),
            code: letter.code.clone(),
            pointer: letter.pointer.clone(),
            expected: letter.expected.clone(),
            found: letter.found.clone(),
            detail: if nameless { "Another system gave this message up".to_owned() } else { letter.reason.clone() },
            step: said,
            target: letter.target.clone(),
            attempts: letter.attempts,
            source: hint.source.clone(),
            event_type: hint.event_type.clone(),
            event_id: if hint.event_id.is_empty() { letter.id.clone() } else { hint.event_id.clone() },
            schema_version: hint.schema_version,
            object_type: hint.object_type.clone(),
            object_id: hint.object_id.clone(),
            offset: NO_OFFSET,
            ..FailureRow::default()
        })
    }

    /// A span that ended in an error and says which business object it worked on. None for every other.
    pub fn span(&self, span: &Span) -> Option<FailureRow> {
        let object = span.object.as_ref().filter(|_| span.status == 2)?;
        let (kind, message) = exception(&span.events);
        let code = attribute(span, "error.type").map(slug).filter(|code| !code.is_empty()).or_else(|| {
            let status = attribute(span, "http.response.status_code").or_else(|| attribute(span, "http.status_code"));
            status.map(|status| format!("http_{status}"))
        });
        let code = code.or_else(|| kind.map(|kind| slug(kind.rsplit(['.', ':']).next().unwrap_or(&kind))));
        let told = [span.status_message.clone(), message.unwrap_or_default()].into_iter().find(|text| !text.is_empty());
        // Clients and producers bring something to somebody else; all others work on it themselves.
        let stage = if matches!(span.kind, 3 | 4) { "deliver" } else { "process" };
        Some(self.finish(FailureRow {
            index: span.index,
            stage: stage.to_owned(),
            code: code.filter(|code| !code.is_empty()).unwrap_or_else(|| "span_error".to_owned()),
            detail: told.unwrap_or_else(|| format!("“{}” ended in an error", span.name)),
            step: span.name.chars().take(STEP_CHARS).collect(),
            target: dependency(span).unwrap_or_default(),
            source: span.source.clone(),
            object_type: object.kind.clone(),
            object_id: object.id.clone(),
            trace_id: span.trace.trace_id.clone(),
            offset: NO_OFFSET,
            ..FailureRow::default()
        }))
    }

    fn finish(&self, mut row: FailureRow) -> FailureRow {
        self.tenant.clone_into(&mut row.tenant);
        row.payload = self.payload;
        row.received_ms = self.received_ms;
        if row.source.is_empty() {
            self.source.clone_into(&mut row.source);
        }
        // Without a place in the payload, where it was to go tells the cause.
        let place = if row.pointer.is_empty() { row.target.clone() } else { cause_of(&row.pointer) };
        let mut parts = vec![row.source.as_str(), row.stage.as_str(), row.code.as_str(), place.as_str()];
        if !row.step.is_empty() {
            parts.push(&row.step);
        }
        row.fingerprint = fingerprint(&parts);
        row
    }
}

/// No byte is at fault.
pub const NO_OFFSET: i64 = -1;

/// The other system that a client's span spoke to. None for spans of other kinds and for those that do not say.
pub fn dependency(span: &Span) -> Option<String> {
    if !matches!(span.kind, 3 | 4) {
        return None;
    }
    const NAMES: [&str; 8] = [
        "peer.service",
        "server.address",
        "messaging.destination.name",
        "net.peer.name",
        "http.host",
        "rpc.service",
        "db.name",
        "db.system",
    ];
    let found = NAMES.iter().find_map(|name| attribute(span, name).filter(|text| !text.is_empty()));
    found.map(|name| name.chars().take(STEP_CHARS).collect())
}

fn attribute<'s>(span: &'s Span, name: &str) -> Option<&'s str> {
    span.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Type and message of the exception that a span recorded.
fn exception(events: &str) -> (Option<String>, Option<String>) {
    let Ok(Value::Array(events)) = serde_json::from_str(events) else { return (None, None) };
    let recorded = events.iter().rev().find(|event| event.get("name").and_then(Value::as_str) == Some("exception"));
    let text = |name: &str| recorded?.get("attributes")?.get(name)?.as_str().map(str::to_owned);
    (text("exception.type"), text("exception.message"))
}

/// A sentence without its values: what is quoted and every word with a digit become `*`, but for an HTTP status.
pub fn generalised(sentence: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut quoted = false;
    for word in sentence.split_whitespace() {
        let quotes = word.matches(['"', '\'', '`', '“', '”']).count();
        let status = word.trim_matches(|c: char| !c.is_ascii_digit());
        let is_status = status.len() == 3 && status.parse::<u16>().is_ok_and(|n| (400..600).contains(&n));
        let value = quoted || quotes > 0 || (word.contains(|c: char| c.is_ascii_digit()) && !is_status);
        // A lone apostrophe, as in "can't", opens nothing.
        let opens = quotes % 2 == 1 && (quoted || word.starts_with(['"', '\'', '`', '“']));
        quoted ^= opens;
        let next = if value && !(quotes == 1 && !opens && !quoted) { "*".to_owned() } else { word.to_lowercase() };
        if next != "*" || out.last().is_none_or(|last| last != "*") {
            out.push(next);
        }
    }
    out.join(" ").chars().take(STEP_CHARS).collect()
}

/// A pointer without array positions: `/data/lines/3/sku` and `/data/lines/4/sku` have one cause.
fn cause_of(pointer: &str) -> String {
    let parts =
        pointer.split('/').map(|p| if !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()) { "*" } else { p });
    parts.collect::<Vec<_>>().join("/")
}

fn fingerprint(parts: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use milepost_ingest::ObjectRef;

    use super::*;

    const OWNER: Owner<'static> = Owner { tenant: "acme", source: "bus/main", payload: 7, received_ms: 1 };

    fn span(kind: u8, attributes: &[(&str, &str)]) -> Span {
        let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let object = Some(ObjectRef::new("invoice", "I-1"));
        Span {
            kind,
            status: 2,
            name: "POST /post".into(),
            source: "billing/eu".into(),
            object,
            attributes,
            ..Span::default()
        }
    }

    #[test]
    fn array_positions_do_not_make_another_cause() {
        assert_eq!(cause_of("/data/lines/3/sku"), "/data/lines/*/sku");
        assert_eq!(cause_of("/data/7up"), "/data/7up");
        assert_eq!(cause_of(""), "");
    }

    #[test]
    fn values_in_a_sentence_do_not_make_another_cause() {
        let cases = [
            ("HTTP 422: unknown SKU AB-77", "http 422: unknown sku *"),
            ("HTTP 422: unknown SKU ZX-9", "http 422: unknown sku *"),
            ("Customer 'Miller and Sons' is blocked since 2026-11-01", "customer * is blocked since *"),
            ("can't reach host", "can't reach host"),
            ("", ""),
        ];
        for (sentence, want) in cases {
            assert_eq!(generalised(sentence), want, "{sentence}");
        }
    }

    #[test]
    fn a_span_in_error_is_a_failure_only_of_the_object_that_it_names() {
        let row = OWNER.span(&span(3, &[("error.type", "TimeoutError"), ("peer.service", "ledger")]));
        let row = row.expect("a failure");
        assert_eq!((row.stage.as_str(), row.code.as_str(), row.target.as_str()), ("deliver", "timeouterror", "ledger"));
        assert_eq!((row.source.as_str(), row.object_id.as_str(), row.offset), ("billing/eu", "I-1", NO_OFFSET));
        let worked = OWNER.span(&span(2, &[("http.response.status_code", "503")])).expect("a failure");
        assert_eq!((worked.stage.as_str(), worked.code.as_str()), ("process", "http_503"));
        assert!(OWNER.span(&Span { object: None, ..span(3, &[]) }).is_none());
        assert!(OWNER.span(&Span { status: 1, ..span(3, &[]) }).is_none());
    }

    #[test]
    fn letters_of_one_cause_share_a_fingerprint_and_others_do_not() {
        let of = |reason: &str, target: &str, pointer: &str| {
            let body = serde_json::json!({"payload": "x", "reason": reason, "target": target, "pointer": pointer});
            let letter = milepost_ingest::dead_letter(body.to_string().as_bytes(), 0).expect("a letter");
            OWNER.dead_letter(&letter.about).fingerprint
        };
        assert_eq!(of("unknown SKU AB-77", "erp", "/lines/0/sku"), of("unknown SKU AB-78", "erp", "/lines/9/sku"));
        assert_ne!(of("unknown SKU AB-77", "erp", ""), of("unknown SKU AB-77", "wms", ""));
        assert_ne!(of("unknown SKU AB-77", "erp", ""), of("timed out", "erp", ""));
    }
}
