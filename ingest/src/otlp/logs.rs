//! Log records. One whose event name is an event type is an event; the others are kept as they are.

use serde_json::Value;

use super::biz::{self, Defaults, Spot};
use super::record::{Attributes, Resource, hex_id, others};
use super::value::Any;
use super::wire::{Trouble, Wire};
use super::{Lists, Position, settle, walk};
use crate::envelope::{Claims, Moment};
use crate::json::{count, document, file, value};
use crate::mapping::Subject;
use crate::refusal::Refusal;
use crate::{Context, Event, Limits, Log, Reading, TraceRef};

pub(super) const LISTS: Lists = Lists { resources: "resourceLogs", scopes: "scopeLogs", records: "logRecords" };

/// Reads an `ExportLogsServiceRequest`.
pub fn read_logs(protobuf: &[u8], ctx: &Context<'_>) -> Result<Reading, Refusal> {
    let mut reading = Reading::default();
    let mut attributes = Attributes::default();
    walk(protobuf, LISTS, ctx, &mut |wire, resource, at| {
        let index = reading.items;
        count(&mut reading, ctx.limits)?;
        let outcome = read_log(wire, resource, at, index, &mut attributes, &mut reading, ctx);
        settle(outcome, &mut reading, index, || resource.pointer_of(LISTS.pointer(at)))
    })?;
    Ok(reading)
}

/// The record's own fields, besides its attributes.
struct Fields<'p> {
    time_ns: u64,
    observed_ns: u64,
    severity: u8,
    body: Any<'p>,
    trace: TraceRef,
    event_name: &'p str,
}

fn read_log<'p>(
    wire: Wire<'p>,
    resource: &Resource<'p>,
    at: Position,
    index: u32,
    attributes: &mut Attributes<'p>,
    reading: &mut Reading,
    ctx: &'p Context<'p>,
) -> Result<(), Trouble> {
    attributes.clear();
    let fields = fields(wire, attributes, ctx.limits)?;
    resource.check()?;
    attributes.check(ctx.limits)?;
    let attribute = match attributes.other("event.name") {
        Some(Any::Text(text)) => text,
        _ => "",
    };
    let name = if fields.event_name.is_empty() { attribute } else { fields.event_name };
    let subject = Subject { service: resource.service, span: "", event: name };
    let mapped = biz::map(attributes, resource, &subject, ctx);

    if mapped.is_err() || is_event(attributes, name, ctx) {
        let spot = Spot {
            lists: LISTS,
            at,
            in_body: has_data(fields.body) && !attributes.biz.iter().any(|(key, _)| key.starts_with("biz.data")),
            named: !fields.event_name.is_empty() && attributes.biz("biz.event.type").is_none(),
        };
        file(reading, event(mapped, &fields, name, resource, attributes, &spot, index, ctx)?);
        return Ok(());
    }
    let log = log(fields, name, resource, attributes, ctx)?;
    reading.logs.push(log);
    Ok(())
}

/// An event says so by `biz.event.type`, or its event name is an event type. A name that no contract knows belongs
/// to some other convention, unless the record also has an event id: then it was meant for us.
fn is_event(attributes: &Attributes<'_>, name: &str, ctx: &Context<'_>) -> bool {
    attributes.biz("biz.event.type").is_some()
        || (!name.is_empty() && (ctx.contracts.find(name).is_some() || attributes.biz("biz.event.id").is_some()))
}

fn has_data(body: Any<'_>) -> bool {
    match body {
        Any::Map(_) => true,
        Any::Text(text) => text.trim_start().starts_with('{'),
        _ => false,
    }
}

#[expect(clippy::too_many_arguments, reason = "one call, all of it at hand there")]
fn event(
    mapped: Result<(), Trouble>,
    fields: &Fields<'_>,
    name: &str,
    resource: &Resource<'_>,
    attributes: &Attributes<'_>,
    spot: &Spot,
    index: u32,
    ctx: &Context<'_>,
) -> Result<Result<Event, Refusal>, Trouble> {
    // Some SDKs set only the observed time, which is when the record was made in the sender's process.
    let nanos = if fields.time_ns == 0 { fields.observed_ns } else { fields.time_ns };
    let time = if nanos == 0 { Moment::None } else { Moment::Nanos(nanos) };
    let mut claims = Claims { time, trace: fields.trace.clone(), ..Claims::default() };
    let body = body(&mut claims, fields.body, ctx);
    let defaults = Defaults { kind: Some(name), source: resource.source, system: resource.system };
    let claimed = biz::claim(&mut claims, attributes, &defaults, ctx);
    biz::event(mapped.and(claimed).and(body), claims, spot, index, ctx)
}

/// The body as the event's data: a map, or JSON text. Any other text is a message for people.
fn body(claims: &mut Claims, body: Any<'_>, ctx: &Context<'_>) -> Result<(), Trouble> {
    let in_body = |refusal: Refusal| Refusal { pointer: format!("/body{}", refusal.pointer), ..refusal };
    let read = match body {
        Any::None => return Ok(()),
        Any::Text(text) if has_data(body) => document(text.as_bytes())
            .and_then(|text| value(text, ctx.limits))
            .map_err(|r| Trouble::Record(in_body(r)))?,
        other => other.to_json(ctx.limits).map_err(|trouble| match trouble {
            Trouble::Record(refusal) => Trouble::Record(in_body(refusal)),
            whole => whole,
        })?,
    };
    match read {
        Value::Object(members) => claims.data = members,
        Value::String(text) if text.is_empty() => {}
        other => {
            claims.data.insert("message".to_owned(), other);
        }
    }
    Ok(())
}

fn log(
    fields: Fields<'_>,
    name: &str,
    resource: &Resource<'_>,
    attributes: &Attributes<'_>,
    ctx: &Context<'_>,
) -> Result<Log, Trouble> {
    let mut columns = others(attributes, resource, false, ctx.limits)?;
    if !fields.event_name.is_empty() && attributes.other("event.name").is_none() {
        columns.push(("event.name".to_owned(), name.to_owned()));
    }
    Ok(Log {
        trace: fields.trace,
        time_ns: if fields.time_ns == 0 { fields.observed_ns } else { fields.time_ns },
        severity: fields.severity,
        service: resource.service.to_owned(),
        source: attributes.biz_text("biz.source").unwrap_or(resource.source).to_owned(),
        body: super::record::column("body", fields.body, ctx.limits)?,
        object: biz::object(attributes),
        attributes: columns,
    })
}

fn fields<'p>(mut wire: Wire<'p>, attributes: &mut Attributes<'p>, limits: &Limits) -> Result<Fields<'p>, Trouble> {
    let mut fields =
        Fields { time_ns: 0, observed_ns: 0, severity: 0, body: Any::None, trace: TraceRef::default(), event_name: "" };
    while let Some((number, field)) = wire.next()? {
        match number {
            1 => fields.time_ns = field.fixed64(&wire)?,
            2 => fields.severity = u8::try_from(field.varint(&wire)?).ok().filter(|s| *s <= 24).unwrap_or(0),
            5 => fields.body = Any::read(field.message(&wire)?)?,
            6 => attributes.push(field.message(&wire)?, limits)?,
            9 => fields.trace.trace_id = hex_id::<16>(field.message(&wire)?.bytes()),
            10 => fields.trace.span_id = hex_id::<8>(field.message(&wire)?.bytes()),
            11 => fields.observed_ns = field.fixed64(&wire)?,
            12 => fields.event_name = field.text(&wire)?,
            _ => {}
        }
    }
    Ok(fields)
}
