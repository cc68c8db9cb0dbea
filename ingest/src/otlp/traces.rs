//! Spans. Every span is kept for the trace of its object; one with `biz.event.type` is an event as well.

use serde_json::{Value, json};

use super::biz::{self, Defaults, Spot};
use super::record::{Attributes, Resource, hex_id, others};
use super::value::{Any, key_value, name};
use super::wire::{Malformed, Trouble, Wire};
use super::{Lists, Position, settle, walk};
use crate::envelope::{Claims, Moment, system_of};
use crate::json::{count, file};
use crate::mapping::Subject;
use crate::{Context, Event, Limits, Reading, Refusal, Span};

pub(super) const LISTS: Lists = Lists { resources: "resourceSpans", scopes: "scopeSpans", records: "spans" };

/// Reads an `ExportTraceServiceRequest`.
pub fn read_traces(protobuf: &[u8], ctx: &Context<'_>) -> Result<Reading, Refusal> {
    let mut reading = Reading::default();
    let mut attributes = Attributes::default();
    walk(protobuf, LISTS, ctx, &mut |wire, resource, at| {
        let index = reading.items;
        count(&mut reading, ctx.limits)?;
        let outcome = read_span(wire, resource, at, index, &mut attributes, &mut reading, ctx);
        settle(outcome, &mut reading, index, || resource.pointer_of(LISTS.pointer(at)))
    })?;
    Ok(reading)
}

fn read_span<'p>(
    wire: Wire<'p>,
    resource: &Resource<'p>,
    at: Position,
    index: u32,
    attributes: &mut Attributes<'p>,
    reading: &mut Reading,
    ctx: &'p Context<'p>,
) -> Result<(), Trouble> {
    attributes.clear();
    let mut span = fields(wire, attributes, ctx.limits)?;
    resource.check()?;
    attributes.check(ctx.limits)?;
    let subject = Subject { service: resource.service, span: &span.name, event: "" };
    let mapped = biz::map(attributes, resource, &subject, ctx);
    // A value that the mapping cannot place was meant to become an event: it is refused as one.
    let is_event = mapped.is_err() || attributes.biz("biz.event.type").is_some();

    span.index = index;
    span.service = resource.service.to_owned();
    span.source = attributes.biz_text("biz.source").unwrap_or(resource.source).to_owned();
    let system = attributes.biz_text("biz.system").or(resource.system).or_else(|| system_of(&span.source));
    span.system = system.unwrap_or_default().to_ascii_lowercase();
    span.object = biz::object(attributes);
    span.attributes = others(attributes, resource, is_event, ctx.limits)?;
    if is_event {
        let spot = Spot { lists: LISTS, at, in_body: false, named: false };
        file(reading, event(mapped, &span, resource, attributes, &spot, index, ctx)?);
        reading.doubled += 1;
    }
    reading.spans.push(span);
    Ok(())
}

fn event(
    mapped: Result<(), Trouble>,
    span: &Span,
    resource: &Resource<'_>,
    attributes: &Attributes<'_>,
    spot: &Spot,
    index: u32,
    ctx: &Context<'_>,
) -> Result<Result<Event, Refusal>, Trouble> {
    // What a span reports has happened when it ends.
    let nanos = if span.end_ns == 0 { span.start_ns } else { span.end_ns };
    let time = if nanos == 0 { Moment::None } else { Moment::Nanos(nanos) };
    let mut claims = Claims { time, trace: span.trace.clone(), ..Claims::default() };
    let defaults = Defaults { kind: None, source: resource.source, system: resource.system };
    let claimed = biz::claim(&mut claims, attributes, &defaults, ctx);
    if claims.id.is_none() && !span.trace.span_id.is_empty() {
        // A span is sent with the same ids however often it is sent, so they make an idempotency key.
        claims.id = Some(format!("{}-{}", span.trace.trace_id, span.trace.span_id));
    }
    biz::event(mapped.and(claimed), claims, spot, index, ctx)
}

fn fields<'p>(mut wire: Wire<'p>, attributes: &mut Attributes<'p>, limits: &Limits) -> Result<Span, Trouble> {
    let mut span = Span::default();
    let mut events: Vec<Value> = Vec::new();
    while let Some((number, field)) = wire.next()? {
        match number {
            1 => span.trace.trace_id = hex_id::<16>(field.message(&wire)?.bytes()),
            2 => span.trace.span_id = hex_id::<8>(field.message(&wire)?.bytes()),
            4 => span.parent_span_id = hex_id::<8>(field.message(&wire)?.bytes()),
            5 => span.name = field.text(&wire)?.to_owned(),
            6 => span.kind = u8::try_from(field.varint(&wire)?).ok().filter(|k| *k <= 5).unwrap_or(0),
            7 => span.start_ns = field.fixed64(&wire)?,
            8 => span.end_ns = field.fixed64(&wire)?,
            9 => attributes.push(field.message(&wire)?, limits)?,
            11 => events.push(span_event(field.message(&wire)?, limits)?),
            15 => status(&mut span, field.message(&wire)?)?,
            _ => {}
        }
    }
    if !events.is_empty() {
        span.events = Value::Array(events).to_string();
    }
    Ok(span)
}

fn status(span: &mut Span, mut wire: Wire<'_>) -> Result<(), Malformed> {
    while let Some((number, field)) = wire.next()? {
        match number {
            2 => span.status_message = field.text(&wire)?.to_owned(),
            3 => span.status = u8::try_from(field.varint(&wire)?).ok().filter(|s| *s <= 2).unwrap_or(0),
            _ => {}
        }
    }
    Ok(())
}

fn span_event(mut wire: Wire<'_>, limits: &Limits) -> Result<Value, Trouble> {
    let (mut time, mut title) = (0, "");
    let mut attributes = serde_json::Map::new();
    while let Some((number, field)) = wire.next()? {
        match number {
            1 => time = field.fixed64(&wire)?,
            2 => title = field.text(&wire)?,
            3 if attributes.len() < limits.attributes as usize => {
                let (key, value): (&str, Any<'_>) = key_value(field.message(&wire)?)?;
                attributes.insert(name(key, limits)?.to_owned(), value.to_json(limits)?);
            }
            _ => {}
        }
    }
    Ok(json!({"time_ns": time.to_string(), "name": title, "attributes": attributes}))
}
