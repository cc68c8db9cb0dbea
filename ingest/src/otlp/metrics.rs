//! Metric points of all five kinds, for the health of sources and dependencies. An item is a point, not a metric.

use super::record::{Attributes, Resource, others};
use super::value::checked;
use super::wire::{Field, Malformed, Trouble, Wire};
use super::{Lists, Position, settle, walk};
use crate::json::count;
use crate::{Code, Context, Limits, Point, Reading, Refusal};

pub(super) const LISTS: Lists = Lists { resources: "resourceMetrics", scopes: "scopeMetrics", records: "metrics" };

/// Reads an `ExportMetricsServiceRequest`.
pub fn read_metrics(protobuf: &[u8], ctx: &Context<'_>) -> Result<Reading, Refusal> {
    let mut reading = Reading::default();
    let mut attributes = Attributes::default();
    walk(protobuf, LISTS, ctx, &mut |wire, resource, at| {
        let metric = Metric::read(wire)?;
        let Some(points) = metric.points else { return Ok(()) };
        let (mut points, mut place) = (points, 0_u32);
        while let Some((number, field)) = points.next()? {
            if number != 1 {
                continue;
            }
            let index = reading.items;
            count(&mut reading, ctx.limits)?;
            let outcome = point(field.message(&points)?, &metric, resource, &mut attributes, ctx);
            let outcome = outcome.map(|point| reading.points.push(point));
            settle(outcome, &mut reading, index, || resource.pointer_of(metric.pointer(at, place)))?;
            place += 1;
        }
        Ok(())
    })?;
    Ok(reading)
}

struct Metric<'p> {
    name: &'p str,
    unit: &'p str,
    kind: &'static str,
    /// The field's name in OTLP/JSON.
    list: &'static str,
    points: Option<Wire<'p>>,
}

impl<'p> Metric<'p> {
    fn read(mut wire: Wire<'p>) -> Result<Self, Malformed> {
        let mut metric = Self { name: "", unit: "", kind: "", list: "", points: None };
        while let Some((number, field)) = wire.next()? {
            let (kind, list) = match number {
                1 => {
                    metric.name = field.text(&wire)?;
                    continue;
                }
                3 => {
                    metric.unit = field.text(&wire)?;
                    continue;
                }
                5 => ("gauge", "gauge"),
                7 => ("sum", "sum"),
                9 => ("histogram", "histogram"),
                10 => ("exponential_histogram", "exponentialHistogram"),
                11 => ("summary", "summary"),
                _ => continue,
            };
            metric.kind = kind;
            metric.list = list;
            metric.points = Some(field.message(&wire)?);
        }
        Ok(metric)
    }

    fn pointer(&self, at: Position, place: u32) -> String {
        format!("{}/{}/dataPoints/{place}", LISTS.pointer(at), self.list)
    }
}

fn point<'p>(
    wire: Wire<'p>,
    metric: &Metric<'p>,
    resource: &Resource<'p>,
    attributes: &mut Attributes<'p>,
    ctx: &'p Context<'p>,
) -> Result<Point, Trouble> {
    attributes.clear();
    let mut point = Point { kind: metric.kind, value: f64::NAN, ..Point::default() };
    match metric.kind {
        "gauge" | "sum" => number_point(&mut point, wire, attributes, ctx.limits)?,
        "histogram" => histogram_point(&mut point, wire, attributes, ctx.limits)?,
        "exponential_histogram" => exponential_point(&mut point, wire, attributes, ctx.limits)?,
        _ => summary_point(&mut point, wire, attributes, ctx.limits)?,
    }
    resource.check()?;
    attributes.check(ctx.limits)?;
    if metric.name.is_empty() {
        return Err(Trouble::Record(Refusal::new(Code::MissingField, "", "a metric name", "nothing")));
    }
    point.name = checked(metric.name, ctx.limits)?.to_owned();
    point.unit = checked(metric.unit, ctx.limits)?.to_owned();
    point.service = resource.service.to_owned();
    point.source = attributes.biz_text("biz.source").unwrap_or(resource.source).to_owned();
    point.attributes = others(attributes, resource, false, ctx.limits)?;
    Ok(point)
}

fn number_point<'p>(
    point: &mut Point,
    mut wire: Wire<'p>,
    attributes: &mut Attributes<'p>,
    limits: &Limits,
) -> Result<(), Trouble> {
    while let Some((number, field)) = wire.next()? {
        match number {
            3 => point.time_ns = field.fixed64(&wire)?,
            4 => point.value = field.double(&wire)?,
            6 => point.value = float(field.fixed64(&wire)?.cast_signed()),
            7 => attributes.push(field.message(&wire)?, limits)?,
            _ => {}
        }
    }
    Ok(())
}

fn histogram_point<'p>(
    point: &mut Point,
    mut wire: Wire<'p>,
    attributes: &mut Attributes<'p>,
    limits: &Limits,
) -> Result<(), Trouble> {
    while let Some((number, field)) = wire.next()? {
        match number {
            3 => point.time_ns = field.fixed64(&wire)?,
            4 => point.count = field.fixed64(&wire)?,
            5 => point.value = field.double(&wire)?,
            6 => packed(&mut point.buckets, field, &wire, limits, unsigned)?,
            7 => packed(&mut point.bounds, field, &wire, limits, f64::from_bits)?,
            9 => attributes.push(field.message(&wire)?, limits)?,
            _ => {}
        }
    }
    Ok(())
}

/// Buckets of an exponential histogram become plain ones: upper bounds ascending through zero.
fn exponential_point<'p>(
    point: &mut Point,
    mut wire: Wire<'p>,
    attributes: &mut Attributes<'p>,
    limits: &Limits,
) -> Result<(), Trouble> {
    let (mut scale, mut zeros, mut threshold) = (0_i32, 0_u64, 0.0_f64);
    let (mut positive, mut negative) = (Buckets::default(), Buckets::default());
    while let Some((number, field)) = wire.next()? {
        match number {
            1 => attributes.push(field.message(&wire)?, limits)?,
            3 => point.time_ns = field.fixed64(&wire)?,
            4 => point.count = field.fixed64(&wire)?,
            5 => point.value = field.double(&wire)?,
            6 => scale = zigzag(field.varint(&wire)?),
            7 => zeros = field.fixed64(&wire)?,
            8 => positive = Buckets::read(field.message(&wire)?, limits)?,
            9 => negative = Buckets::read(field.message(&wire)?, limits)?,
            14 => threshold = field.double(&wire)?,
            _ => {}
        }
    }
    let base = 2_f64.powf(2_f64.powi(scale.clamp(-20, 40).saturating_neg()));
    let edge = |index: i64| base.powf(float(index));
    for (i, count) in negative.counts.iter().enumerate().rev() {
        point.bounds.push(-edge(negative.offset + i.cast_signed() as i64));
        point.buckets.push(*count);
    }
    if zeros > 0 {
        point.bounds.push(threshold);
        point.buckets.push(unsigned(zeros));
    }
    for (i, count) in positive.counts.iter().enumerate() {
        point.bounds.push(edge(positive.offset + i.cast_signed() as i64 + 1));
        point.buckets.push(*count);
    }
    Ok(())
}

#[derive(Default)]
struct Buckets {
    offset: i64,
    counts: Vec<f64>,
}

impl Buckets {
    fn read(mut wire: Wire<'_>, limits: &Limits) -> Result<Self, Trouble> {
        let mut buckets = Self::default();
        while let Some((number, field)) = wire.next()? {
            match (number, field) {
                (1, field) => buckets.offset = zigzag(field.varint(&wire)?).into(),
                (2, Field::Varint(count)) => buckets.counts.push(unsigned(count)),
                (2, field) => {
                    let mut list = field.message(&wire)?;
                    while !list.is_empty() {
                        buckets.counts.push(unsigned(list.varint()?));
                        check_buckets(buckets.counts.len(), limits)?;
                    }
                }
                _ => {}
            }
            check_buckets(buckets.counts.len(), limits)?;
        }
        Ok(buckets)
    }
}

fn summary_point<'p>(
    point: &mut Point,
    mut wire: Wire<'p>,
    attributes: &mut Attributes<'p>,
    limits: &Limits,
) -> Result<(), Trouble> {
    while let Some((number, field)) = wire.next()? {
        match number {
            3 => point.time_ns = field.fixed64(&wire)?,
            4 => point.count = field.fixed64(&wire)?,
            5 => point.value = field.double(&wire)?,
            6 => {
                let mut pair = field.message(&wire)?;
                let (mut quantile, mut value) = (0.0, 0.0);
                while let Some((number, field)) = pair.next()? {
                    match number {
                        1 => quantile = field.double(&pair)?,
                        2 => value = field.double(&pair)?,
                        _ => {}
                    }
                }
                point.bounds.push(quantile);
                point.buckets.push(value);
                check_buckets(point.buckets.len(), limits)?;
            }
            7 => attributes.push(field.message(&wire)?, limits)?,
            _ => {}
        }
    }
    Ok(())
}

/// A repeated fixed64 or double, packed or one by one.
fn packed(
    list: &mut Vec<f64>,
    field: Field<'_>,
    parent: &Wire<'_>,
    limits: &Limits,
    read: fn(u64) -> f64,
) -> Result<(), Trouble> {
    if let Field::Fixed64(bits) = field {
        list.push(read(bits));
        return check_buckets(list.len(), limits);
    }
    let mut values = field.message(parent)?;
    while !values.is_empty() {
        list.push(read(values.fixed64()?));
        check_buckets(list.len(), limits)?;
    }
    Ok(())
}

fn check_buckets(count: usize, limits: &Limits) -> Result<(), Trouble> {
    let limit = limits.buckets as usize;
    if count <= limit {
        return Ok(());
    }
    Err(Trouble::Record(Refusal::new(Code::OutOfRange, "", format!("at most {limit} buckets"), "more")))
}

#[expect(clippy::cast_possible_truncation, reason = "sint32 is sent in 32 bits")]
fn zigzag(value: u64) -> i32 {
    let value = value as u32;
    (value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg()
}

#[expect(clippy::cast_precision_loss, reason = "columns of points are floats")]
fn float(value: i64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "columns of points are floats")]
fn unsigned(value: u64) -> f64 {
    value as f64
}
