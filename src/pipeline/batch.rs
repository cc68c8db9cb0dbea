//! From journal records to rows: what of a batch depends on the records alone. The same records always give the same
//! rows, so a batch that is repeated after a crash is told by its token.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use milepost_ingest::{Event, Form, ObjectRef, Span};

use super::failed::{Owner, dependency};
use super::recent::Read;
use super::record::Record;
use super::seen;
use crate::domain::Fact;
use crate::store::rows::{
    Batch, DependencyMinuteRow, EventRow, LogRow, PayloadRow, PointRow, SourceMinuteRow, SpanRow, count_size,
};

/// An event that comes later than this after it happened is late; one so far ahead comes from a wrong clock.
const LATE_MS: i64 = 5 * 60_000;
const AHEAD_MS: i64 = 5_000;
const HISTORY_MS: i64 = 86_400_000;

/// Tenant, object and fact of events, in journal order.
pub type Facts = Vec<(Arc<str>, ObjectRef, Fact)>;

/// Rows of the records so far, and the events among them for state.
#[derive(Default)]
pub struct Filling {
    pub rows: Batch,
    /// What the events mean for state.
    pub facts: Facts,
    pub bytes: u64,
    /// When the latest record in it was received.
    pub received_ms: i64,
    tenants: Vec<Arc<str>>,
    minutes: Vec<SourceMinuteRow>,
}

impl Filling {
    /// Number of rows, for the limits of a batch.
    pub fn len(&self) -> usize {
        let rows = &self.rows;
        rows.events.len() + rows.spans.len() + rows.logs.len() + rows.points.len() + rows.failures.len()
    }

    pub fn add(&mut self, offset: u64, read: Read) {
        let Read { record, reading } = read;
        let received_ms = record.received_us.div_euclid(1_000);
        let received_at = DateTime::<Utc>::from_timestamp_micros(record.received_us).unwrap_or_default();
        self.bytes += record.body.len() as u64;
        self.received_ms = self.received_ms.max(received_ms);
        let owner = Owner { tenant: &record.tenant, source: &record.source, payload: offset, received_ms };
        let (events, refusals, keep) = match reading {
            Err(refusal) => {
                self.count(&record.tenant, &record.source, "", &record.form, received_ms, |m| {
                    m.records += 1;
                    m.refused += 1;
                });
                (Vec::new(), vec![refusal], true)
            }
            Ok(reading) => {
                // A span that is an event as well has said it as such.
                let said = |span: &&Span| {
                    reading.events.iter().all(|event| event.index != span.index)
                        && reading.refusals.iter().all(|refusal| refusal.index != span.index)
                };
                let failed: Vec<_> = reading
                    .spans
                    .iter()
                    .filter(|span| span.status == 2)
                    .filter(said)
                    .filter_map(|span| owner.span(span))
                    .collect();
                let mut keep = !reading.events.is_empty() || !reading.refusals.is_empty() || !failed.is_empty();
                self.rows.failures.extend(failed);
                for letter in &reading.dead_letters {
                    keep = true;
                    let row = owner.dead_letter(letter);
                    self.count(&record.tenant, &row.source, "", &record.form, received_ms, |m| m.records += 1);
                    self.rows.failures.push(row);
                }
                for span in reading.spans {
                    self.span(&record.tenant, &record.form, offset, received_ms, span);
                }
                for log in reading.logs {
                    self.count(&record.tenant, &log.source, "", &record.form, received_ms, |m| m.records += 1);
                    self.rows.logs.push(LogRow { tenant: record.tenant.clone(), received_ms, payload: offset, log });
                }
                for point in reading.points {
                    self.count(&record.tenant, &point.source, "", &record.form, received_ms, |m| m.records += 1);
                    self.rows.points.push(PointRow { tenant: record.tenant.clone(), received_ms, point });
                }
                (reading.events, reading.refusals, keep)
            }
        };
        // An act that was refused was told so to whoever acted; it is nobody's failed payload.
        let is_act = record.form == Form::Acts.as_str();
        let refusals = if is_act { Vec::new() } else { refusals };
        let duplicates = record.duplicates.len() as u64;
        if duplicates > 0 {
            self.count(&record.tenant, &record.source, "", &record.form, received_ms, |m| m.duplicates += duplicates);
        }
        let body_bytes = record.body.len() as u64;
        self.count(&record.tenant, &record.source, "", &record.form, received_ms, |m| m.bytes += body_bytes);
        if keep {
            self.rows.payloads.push(PayloadRow {
                tenant: record.tenant.clone(),
                payload: offset,
                received_ms,
                form: record.form.clone(),
                source: record.source.clone(),
                key_id: record.key_id.clone(),
                headers: record.header_pairs(),
                body: record.body.to_vec(),
                events: u32::try_from(events.len()).unwrap_or(u32::MAX),
                refused: u32::try_from(refusals.len()).unwrap_or(u32::MAX),
                rules: record.rules.clone(),
            });
        }
        for refusal in refusals {
            let row = owner.refusal(&refusal);
            self.count(&record.tenant, &row.source, "", &record.form, received_ms, |m| m.refused += 1);
            self.rows.failures.push(row);
        }
        for event in events {
            self.event(&record, offset, received_at, event);
        }
    }

    /// The rows, with a token made of the journal offsets.
    pub fn finish(mut self, first: u64, end: u64) -> (Batch, Facts) {
        self.rows.token = format!("{first}-{end}");
        self.rows.source_minutes = std::mem::take(&mut self.minutes);
        // Who acts is no source that could fall silent, and what we could not deliver neither.
        let speaks =
            |minute: &SourceMinuteRow| minute.form != Form::Acts.as_str() && minute.source != super::OWN_DELIVERIES;
        self.rows.source_minutes.retain(speaks);
        (self.rows, self.facts)
    }

    fn event(&mut self, record: &Record, offset: u64, received_at: DateTime<Utc>, event: Event) {
        let Record { tenant, key_id, form, .. } = record;
        let is_history = record.is_history();
        let received_ms = received_at.timestamp_millis();
        let lag_ms = received_ms - event.occurred_at.timestamp_millis();
        self.count(tenant, &event.source, &event.system, form, received_ms, |m| {
            m.events += 1;
            m.records += 1;
            m.lag_sum_ms += lag_ms;
            m.lag_max_ms = m.lag_max_ms.max(lag_ms);
            // Older events are history that somebody loads, and say nothing about how fast the way is.
            if lag_ms < HISTORY_MS && !is_history {
                count_size(&mut m.lags, lag_ms);
                m.late += u64::from(lag_ms > LATE_MS);
            }
            m.ahead += u64::from(lag_ms < -AHEAD_MS);
            m.ahead_max_ms = m.ahead_max_ms.max(-lag_ms);
            let version =
                |c: &String| c.strip_prefix(event.kind.as_str()).and_then(|rest| rest.strip_prefix('@')?.parse().ok());
            if !m.contracts.iter().any(|c| version(c) == Some(event.schema_version)) {
                m.contracts.push(format!("{}@{}", event.kind, event.schema_version));
            }
        });
        let owner = Owner { tenant, source: &event.source, payload: offset, received_ms };
        self.rows.failures.extend(owner.message(&event));
        let fact = Fact::of(&event, received_at);
        let content = seen::content(&event);
        let owner = self.tenant(tenant);
        self.facts.push((owner, event.object.clone(), fact));
        self.rows.events.push(EventRow {
            tenant: tenant.to_owned(),
            occurred_ms: event.occurred_at.timestamp_millis(),
            offset_minutes: i16::try_from(event.occurred_at.offset().local_minus_utc() / 60).unwrap_or(0),
            received_ms,
            refs: event.refs.iter().map(ToString::to_string).collect(),
            data: serde_json::to_string(&event.data).unwrap_or_default(),
            object_type: event.object.kind,
            object_id: event.object.id,
            event_id: event.id,
            event_type: event.kind,
            schema_version: event.schema_version,
            source: event.source,
            system: event.system,
            trace_id: event.trace.trace_id,
            span_id: event.trace.span_id,
            payload: offset,
            index: event.index,
            key_id: key_id.to_owned(),
            content,
        });
    }

    /// One copy of each tenant's name.
    fn tenant(&mut self, name: &str) -> Arc<str> {
        match self.tenants.iter().find(|known| ***known == *name) {
            Some(known) => Arc::clone(known),
            None => {
                let new: Arc<str> = name.into();
                self.tenants.push(Arc::clone(&new));
                new
            }
        }
    }

    fn span(&mut self, tenant: &str, form: &str, offset: u64, received_ms: i64, span: Span) {
        let failed = span.status == 2;
        if let Some(dependency) = dependency(&span) {
            self.call(tenant, dependency, received_ms, &span);
        }
        self.count(tenant, &span.source, &span.system, form, received_ms, |m| {
            m.records += 1;
            m.errors += u64::from(failed);
        });
        self.rows.spans.push(SpanRow { tenant: tenant.to_owned(), received_ms, payload: offset, span });
    }

    /// A call to another system.
    fn call(&mut self, tenant: &str, dependency: String, at_ms: i64, span: &Span) {
        let minute_ms = at_ms - at_ms.rem_euclid(60_000);
        let took_ms = i64::try_from(span.end_ns.saturating_sub(span.start_ns) / 1_000_000).unwrap_or(i64::MAX);
        let rows = &mut self.rows.dependency_minutes;
        let same = |row: &DependencyMinuteRow| {
            row.minute_ms == minute_ms
                && row.dependency == dependency
                && row.source == span.source
                && row.tenant == tenant
        };
        let at = rows.iter().rposition(same).unwrap_or_else(|| {
            rows.push(DependencyMinuteRow {
                tenant: tenant.to_owned(),
                dependency,
                minute_ms,
                source: span.source.clone(),
                ..DependencyMinuteRow::default()
            });
            rows.len() - 1
        });
        let row = &mut rows[at];
        row.calls += 1;
        row.errors += u64::from(span.status == 2);
        count_size(&mut row.took, took_ms.max(1));
        row.took_max_ms = row.took_max_ms.max(took_ms);
        row.last_ms = row.last_ms.max(at_ms);
    }

    fn count(
        &mut self,
        tenant: &str,
        source: &str,
        system: &str,
        form: &str,
        at_ms: i64,
        add: impl FnOnce(&mut SourceMinuteRow),
    ) {
        let minute_ms = at_ms - at_ms.rem_euclid(60_000);
        // A batch has few of them, and the last is the most likely.
        let same = |m: &SourceMinuteRow| {
            m.minute_ms == minute_ms && m.source == source && m.form == form && m.tenant == tenant
        };
        let at = self.minutes.iter().rposition(same).unwrap_or_else(|| {
            self.minutes.push(SourceMinuteRow {
                tenant: tenant.to_owned(),
                source: source.to_owned(),
                system: source.split('/').next().unwrap_or_default().to_owned(),
                form: form.to_owned(),
                minute_ms,
                ..SourceMinuteRow::default()
            });
            self.minutes.len() - 1
        });
        let row = &mut self.minutes[at];
        if !system.is_empty() {
            system.clone_into(&mut row.system);
        }
        row.last_ms = row.last_ms.max(at_ms);
        add(row);
    }
}
