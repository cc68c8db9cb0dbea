//! The OTLP messages as tables: JSON name, field number, kind. Only what OTLP 1.x declares stable; unknown fields
//! are passed over. A table, because one small function then serves every message (`json`).

/// How a field is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    /// Trace and span ids: hexadecimal in JSON.
    Hex,
    /// Other bytes: base64 in JSON.
    Bytes,
    Bool,
    /// Integers and enums as varints.
    Int,
    Zigzag,
    Fixed64,
    Fixed32,
    Double,
    Message(&'static [Column]),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub name: &'static str,
    pub number: u32,
    pub kind: Kind,
    pub is_list: bool,
}

const fn one(name: &'static str, number: u32, kind: Kind) -> Column {
    Column { name, number, kind, is_list: false }
}

const fn many(name: &'static str, number: u32, kind: Kind) -> Column {
    Column { name, number, kind, is_list: true }
}

use Kind::{Bool, Bytes, Double, Fixed32, Fixed64, Hex, Int, Message, Text, Zigzag};

pub(super) static TRACES: [Column; 1] = [many("resourceSpans", 1, Message(&RESOURCE_SPANS))];
pub(super) static LOGS: [Column; 1] = [many("resourceLogs", 1, Message(&RESOURCE_LOGS))];
pub(super) static METRICS: [Column; 1] = [many("resourceMetrics", 1, Message(&RESOURCE_METRICS))];

static RESOURCE_SPANS: [Column; 3] =
    [one("resource", 1, Message(&RESOURCE)), many("scopeSpans", 2, Message(&SCOPE_SPANS)), one("schemaUrl", 3, Text)];
static RESOURCE_LOGS: [Column; 3] =
    [one("resource", 1, Message(&RESOURCE)), many("scopeLogs", 2, Message(&SCOPE_LOGS)), one("schemaUrl", 3, Text)];
static RESOURCE_METRICS: [Column; 3] = [
    one("resource", 1, Message(&RESOURCE)),
    many("scopeMetrics", 2, Message(&SCOPE_METRICS)),
    one("schemaUrl", 3, Text),
];
static RESOURCE: [Column; 2] = [many("attributes", 1, Message(&KEY_VALUE)), one("droppedAttributesCount", 2, Int)];
static SCOPE: [Column; 4] = [
    one("name", 1, Text),
    one("version", 2, Text),
    many("attributes", 3, Message(&KEY_VALUE)),
    one("droppedAttributesCount", 4, Int),
];
static SCOPE_SPANS: [Column; 3] =
    [one("scope", 1, Message(&SCOPE)), many("spans", 2, Message(&SPAN)), one("schemaUrl", 3, Text)];
static SCOPE_LOGS: [Column; 3] =
    [one("scope", 1, Message(&SCOPE)), many("logRecords", 2, Message(&LOG)), one("schemaUrl", 3, Text)];
static SCOPE_METRICS: [Column; 3] =
    [one("scope", 1, Message(&SCOPE)), many("metrics", 2, Message(&METRIC)), one("schemaUrl", 3, Text)];

static KEY_VALUE: [Column; 2] = [one("key", 1, Text), one("value", 2, Message(&ANY_VALUE))];
pub(super) static ANY_VALUE: [Column; 7] = [
    one("stringValue", 1, Text),
    one("boolValue", 2, Bool),
    one("intValue", 3, Int),
    one("doubleValue", 4, Double),
    one("arrayValue", 5, Message(&ARRAY)),
    one("kvlistValue", 6, Message(&KEY_VALUES)),
    one("bytesValue", 7, Bytes),
];
static ARRAY: [Column; 1] = [many("values", 1, Message(&ANY_VALUE))];
static KEY_VALUES: [Column; 1] = [many("values", 1, Message(&KEY_VALUE))];

static SPAN: [Column; 16] = [
    one("traceId", 1, Hex),
    one("spanId", 2, Hex),
    one("traceState", 3, Text),
    one("parentSpanId", 4, Hex),
    one("name", 5, Text),
    one("kind", 6, Int),
    one("startTimeUnixNano", 7, Fixed64),
    one("endTimeUnixNano", 8, Fixed64),
    many("attributes", 9, Message(&KEY_VALUE)),
    one("droppedAttributesCount", 10, Int),
    many("events", 11, Message(&SPAN_EVENT)),
    one("droppedEventsCount", 12, Int),
    many("links", 13, Message(&SPAN_LINK)),
    one("droppedLinksCount", 14, Int),
    one("status", 15, Message(&STATUS)),
    one("flags", 16, Fixed32),
];
static SPAN_EVENT: [Column; 4] = [
    one("timeUnixNano", 1, Fixed64),
    one("name", 2, Text),
    many("attributes", 3, Message(&KEY_VALUE)),
    one("droppedAttributesCount", 4, Int),
];
static SPAN_LINK: [Column; 6] = [
    one("traceId", 1, Hex),
    one("spanId", 2, Hex),
    one("traceState", 3, Text),
    many("attributes", 4, Message(&KEY_VALUE)),
    one("droppedAttributesCount", 5, Int),
    one("flags", 6, Fixed32),
];
static STATUS: [Column; 2] = [one("message", 2, Text), one("code", 3, Int)];

static LOG: [Column; 11] = [
    one("timeUnixNano", 1, Fixed64),
    one("severityNumber", 2, Int),
    one("severityText", 3, Text),
    one("body", 5, Message(&ANY_VALUE)),
    many("attributes", 6, Message(&KEY_VALUE)),
    one("droppedAttributesCount", 7, Int),
    one("flags", 8, Fixed32),
    one("traceId", 9, Hex),
    one("spanId", 10, Hex),
    one("observedTimeUnixNano", 11, Fixed64),
    one("eventName", 12, Text),
];

static METRIC: [Column; 9] = [
    one("name", 1, Text),
    one("description", 2, Text),
    one("unit", 3, Text),
    one("gauge", 5, Message(&GAUGE)),
    one("sum", 7, Message(&SUM)),
    one("histogram", 9, Message(&HISTOGRAM)),
    one("exponentialHistogram", 10, Message(&EXPONENTIAL)),
    one("summary", 11, Message(&SUMMARY)),
    many("metadata", 12, Message(&KEY_VALUE)),
];
static GAUGE: [Column; 1] = [many("dataPoints", 1, Message(&NUMBER_POINT))];
static SUM: [Column; 3] =
    [many("dataPoints", 1, Message(&NUMBER_POINT)), one("aggregationTemporality", 2, Int), one("isMonotonic", 3, Bool)];
static HISTOGRAM: [Column; 2] =
    [many("dataPoints", 1, Message(&HISTOGRAM_POINT)), one("aggregationTemporality", 2, Int)];
static EXPONENTIAL: [Column; 2] =
    [many("dataPoints", 1, Message(&EXPONENTIAL_POINT)), one("aggregationTemporality", 2, Int)];
static SUMMARY: [Column; 1] = [many("dataPoints", 1, Message(&SUMMARY_POINT))];
static NUMBER_POINT: [Column; 6] = [
    one("startTimeUnixNano", 2, Fixed64),
    one("timeUnixNano", 3, Fixed64),
    one("asDouble", 4, Double),
    one("asInt", 6, Fixed64),
    many("attributes", 7, Message(&KEY_VALUE)),
    one("flags", 8, Int),
];
static HISTOGRAM_POINT: [Column; 10] = [
    one("startTimeUnixNano", 2, Fixed64),
    one("timeUnixNano", 3, Fixed64),
    one("count", 4, Fixed64),
    one("sum", 5, Double),
    many("bucketCounts", 6, Fixed64),
    many("explicitBounds", 7, Double),
    many("attributes", 9, Message(&KEY_VALUE)),
    one("flags", 10, Int),
    one("min", 11, Double),
    one("max", 12, Double),
];
static EXPONENTIAL_POINT: [Column; 13] = [
    many("attributes", 1, Message(&KEY_VALUE)),
    one("startTimeUnixNano", 2, Fixed64),
    one("timeUnixNano", 3, Fixed64),
    one("count", 4, Fixed64),
    one("sum", 5, Double),
    one("scale", 6, Zigzag),
    one("zeroCount", 7, Fixed64),
    one("positive", 8, Message(&BUCKETS)),
    one("negative", 9, Message(&BUCKETS)),
    one("flags", 10, Int),
    one("min", 12, Double),
    one("max", 13, Double),
    one("zeroThreshold", 14, Double),
];
static BUCKETS: [Column; 2] = [one("offset", 1, Zigzag), many("bucketCounts", 2, Int)];
static SUMMARY_POINT: [Column; 7] = [
    one("startTimeUnixNano", 2, Fixed64),
    one("timeUnixNano", 3, Fixed64),
    one("count", 4, Fixed64),
    one("sum", 5, Double),
    many("quantileValues", 6, Message(&QUANTILE)),
    many("attributes", 7, Message(&KEY_VALUE)),
    one("flags", 8, Int),
];
static QUANTILE: [Column; 2] = [one("quantile", 1, Double), one("value", 2, Double)];
