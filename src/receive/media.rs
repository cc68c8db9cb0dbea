//! Reads content type and content encoding: which form a body has, and how it is packed.

use super::stop::Stop;
use crate::pipeline::Form;

pub(super) const EVENT_TYPES: &str = "application/json, application/x-ndjson, application/cloudevents+json, \
     application/cloudevents-batch+json, or CloudEvents in binary mode (ce- headers) with application/json";
pub(super) const LETTER_TYPES: &str = "application/json";
pub(super) const OTLP_TYPES: &str = "application/x-protobuf, application/json";
pub(super) const GRPC_TYPES: &str = "application/grpc, application/grpc+proto";

/// In which encoding an OTLP sender speaks, and wants its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tongue {
    Protobuf,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// `cloud_event` tells that the headers hold one (`ce-specversion`).
pub(super) fn event_form(content_type: Option<&str>, cloud_event: bool) -> Result<Form, Stop> {
    let whole = content_type.unwrap_or("");
    let essence = essence(whole);
    let form = match essence.as_str() {
        "application/cloudevents+json" => Form::CloudEvent,
        "application/cloudevents-batch+json" => Form::CloudEventBatch,
        // Without a content type the data of a binary event is JSON or nothing at all.
        "" if cloud_event => Form::CloudEventBinary,
        json if cloud_event && (json == "application/json" || json.ends_with("+json")) => Form::CloudEventBinary,
        "application/json" => Form::Json,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Form::Ndjson,
        _ => return Err(Stop::MediaType { found: short(whole), accepted: EVENT_TYPES }),
    };
    utf8(whole)?;
    Ok(form)
}

/// Dead letters are JSON around payloads of any kind.
pub(super) fn letters_form(content_type: Option<&str>) -> Result<Form, Stop> {
    let whole = content_type.unwrap_or("");
    match essence(whole).as_str() {
        "application/json" => utf8(whole).map(|()| Form::DeadLetters),
        _ => Err(Stop::MediaType { found: short(whole), accepted: LETTER_TYPES }),
    }
}

pub(super) fn otlp_tongue(content_type: Option<&str>) -> Result<Tongue, Stop> {
    let whole = content_type.unwrap_or("");
    match essence(whole).as_str() {
        "application/x-protobuf" => Ok(Tongue::Protobuf),
        "application/json" => utf8(whole).map(|()| Tongue::Json),
        _ => Err(Stop::MediaType { found: short(whole), accepted: OTLP_TYPES }),
    }
}

/// All values of `content-encoding`, or of `grpc-encoding`. One packing only: packing twice is an attack or a mistake.
pub(super) fn packing<'a>(values: impl Iterator<Item = &'a str>) -> Result<Packing, Stop> {
    let all: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut packed = all.iter().filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"));
    let refuse = || Stop::Encoding { found: short(&all.join(", ")) };
    let packing = match packed.next() {
        None => Packing::Plain,
        Some(name) if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => Packing::Gzip,
        Some(name) if name.eq_ignore_ascii_case("zstd") => Packing::Zstd,
        Some(_) => return Err(refuse()),
    };
    match packed.next() {
        None => Ok(packing),
        Some(_) => Err(refuse()),
    }
}

pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

fn utf8(content_type: &str) -> Result<(), Stop> {
    let charset = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    match charset {
        None => Ok(()),
        Some(name) if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("utf8") => Ok(()),
        Some(name) => Err(Stop::Charset { found: short(name) }),
    }
}

fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_body_has_the_form_that_its_headers_say() {
        let cases = [
            ("application/json", false, Some(Form::Json)),
            ("Application/JSON ; Charset=\"UTF-8\"", false, Some(Form::Json)),
            ("application/x-ndjson", false, Some(Form::Ndjson)),
            ("application/jsonl", false, Some(Form::Ndjson)),
            ("application/cloudevents+json; charset=utf-8", false, Some(Form::CloudEvent)),
            ("application/cloudevents+json", true, Some(Form::CloudEvent)),
            ("application/cloudevents-batch+json", false, Some(Form::CloudEventBatch)),
            ("application/json", true, Some(Form::CloudEventBinary)),
            ("application/vnd.acme.order+json", true, Some(Form::CloudEventBinary)),
            ("", true, Some(Form::CloudEventBinary)),
            ("text/xml", true, None),
            ("", false, None),
            ("text/plain", false, None),
            ("application/cloudevents+xml", false, None),
            ("application/json; charset=utf-16", false, None),
            ("application/jsonx", false, None),
        ];
        for (content_type, cloud_event, want) in cases {
            assert_eq!(event_form(Some(content_type), cloud_event).ok(), want, "{content_type:?} {cloud_event}");
        }
    }

    #[test]
    fn one_packing_at_a_time() {
        let cases: [(&[&str], Option<Packing>); 9] = [
            (&[], Some(Packing::Plain)),
            (&["identity"], Some(Packing::Plain)),
            (&["GZIP"], Some(Packing::Gzip)),
            (&["identity, gzip"], Some(Packing::Gzip)),
            (&["zstd"], Some(Packing::Zstd)),
            (&["gzip, gzip"], None),
            (&["gzip", "zstd"], None),
            (&["br"], None),
            (&["deflate"], None),
        ];
        for (values, want) in cases {
            assert_eq!(packing(values.iter().copied()).ok(), want, "{values:?}");
        }
    }
}
