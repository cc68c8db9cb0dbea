//! docs/events.md and docs/registry.json say what the code says: tables and registry are compared with the vocabulary,
//! and every example is read. `UPDATE_DOCS=1 cargo nextest run -p milepost-ingest --test docs` writes them anew.

#![expect(clippy::unwrap_used, clippy::result_large_err, reason = "tests")]

mod support;

use std::fmt::Write as _;

use milepost_ingest::vocabulary::{ATTRIBUTES, OBJECTS};
use milepost_ingest::{Code, Contracts, EVENT_TYPES, Form, Limits, Mapping};
use serde_json::{Value, json};
use support::*;

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/events.md");
const REGISTRY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/registry.json");

/// Compares with the file, or writes it.
fn same(path: &str, expected: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, expected).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    let line = there.lines().zip(expected.lines()).position(|(a, b)| a != b).map_or(0, |i| i + 1);
    assert!(there == expected, "{path} is stale at line {line}: run with UPDATE_DOCS=1");
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        writeln!(text, "| {} |", cells.join(" | ")).unwrap();
    }
    text
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn tables() -> Vec<(&'static str, String)> {
    let objects =
        OBJECTS.iter().map(|(name, system, meaning)| vec![code(name), (*system).to_owned(), (*meaning).to_owned()]);
    let events = EVENT_TYPES.iter().map(|t| {
        let any = |text: String| if text.is_empty() { "any".to_owned() } else { text };
        let objects = t.objects.iter().map(|o| code(o)).collect::<Vec<_>>().join(", ");
        let contract = Contracts::shipped_files().find(|(name, _)| *name == format!("{}/v1.json", t.name)).unwrap().1;
        vec![code(t.name), any(objects), any(t.system.to_owned()), required(&contract), t.meaning.to_owned()]
    });
    let attributes = ATTRIBUTES
        .iter()
        .map(|a| vec![code(a.name), a.kind.to_owned(), a.need.to_owned(), a.meaning.to_owned(), code(a.example)]);
    let codes = Code::ALL.iter().map(|c| vec![code(c.as_str()), c.stage().as_str().to_owned(), c.meaning().to_owned()]);
    let limits = serde_json::to_value(Limits::default()).unwrap();
    let limits = limits.as_object().unwrap().iter().map(|(name, value)| vec![code(name), value.to_string()]);
    vec![
        ("objects", table(&["type", "system of record", "what it is"], objects)),
        ("events", table(&["type", "happens to", "usually from", "data must have", "meaning"], events)),
        ("attributes", table(&["attribute", "type", "need", "meaning", "example"], attributes)),
        ("codes", table(&["code", "stage", "meaning"], codes)),
        ("limits", table(&["limit", "default"], limits)),
    ]
}

fn required(contract: &str) -> String {
    let schema: Value = serde_json::from_str(contract).unwrap();
    let names = |list: Option<&Value>| -> Vec<String> {
        list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(code).collect()
    };
    let mut needs = names(schema.get("required"));
    let either: Vec<String> = schema
        .get("anyOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .flat_map(|branch| names(branch.get("required")))
        .collect();
    needs.extend((!either.is_empty()).then(|| either.join(" or ")));
    needs.join(", ")
}

#[test]
fn the_tables_of_the_page_are_those_of_the_code() {
    let mut page = std::fs::read_to_string(EVENTS).unwrap();
    for (name, table) in tables() {
        let (open, close) = (format!("<!-- table: {name} -->\n"), "<!-- end -->");
        let start = page.find(&open).unwrap_or_else(|| panic!("no {open}")) + open.len();
        let end = start + page[start..].find(close).unwrap();
        page.replace_range(start..end, &table);
    }
    same(EVENTS, &page);
}

#[test]
fn the_registry_is_that_of_the_code() {
    let objects: Vec<Value> = OBJECTS
        .iter()
        .map(|(name, system, meaning)| json!({"type": name, "system_of_record": system, "brief": meaning}))
        .collect();
    let versions = |name: &str| Contracts::shipped().find(name).unwrap().versions().collect::<Vec<_>>();
    let events: Vec<Value> = EVENT_TYPES
        .iter()
        .map(|t| {
            json!({"type": t.name, "objects": t.objects, "system": t.system, "brief": t.meaning,
                "versions": versions(t.name), "contract": format!("contracts/{}/v1.json", t.name)})
        })
        .collect();
    let attributes: Vec<Value> = ATTRIBUTES
        .iter()
        .map(|a| {
            json!({"id": a.name, "type": a.kind, "requirement_level": a.need, "brief": a.meaning, "examples": [a.example]})
        })
        .collect();
    let codes: Vec<Value> = Code::ALL
        .iter()
        .map(|c| json!({"code": c.as_str(), "stage": c.stage().as_str(), "brief": c.meaning()}))
        .collect();
    let registry = json!({
        "namespace": "biz", "attributes": attributes, "object_types": objects, "event_types": events,
        "refusal_codes": codes, "limits": Limits::default()
    });
    same(REGISTRY, &(serde_json::to_string_pretty(&registry).unwrap() + "\n"));
}

/// The request of a `curl` example.
struct Example {
    form: Form,
    headers: Vec<(String, String)>,
    body: String,
}

fn examples(page: &str) -> Vec<Example> {
    page.split("```sh\n").skip(1).filter_map(|rest| example(rest.split("```").next()?)).collect()
}

fn example(command: &str) -> Option<Example> {
    let quoted = |text: &str| text.split('\'').nth(1).unwrap().to_owned();
    let body = quoted(command.split_once("--data-binary ")?.1);
    let headers: Vec<(String, String)> = command
        .split("-H ")
        .skip(1)
        .map(quoted_header)
        .filter(|(name, _)| !name.eq_ignore_ascii_case("authorization"))
        .collect();
    let content_type = &headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"))?.1;
    let is_binary = headers.iter().any(|(name, _)| name.starts_with("ce-"));
    let form = match content_type.as_str() {
        _ if command.contains("/v1/dead-letters") => Form::DeadLetters,
        _ if command.contains("/v1/logs") => Form::LogsJson,
        _ if command.contains("/v1/traces") => Form::TracesJson,
        "application/x-ndjson" => Form::Ndjson,
        "application/cloudevents+json" => Form::CloudEvent,
        "application/cloudevents-batch+json" => Form::CloudEventBatch,
        _ if is_binary => Form::CloudEventBinary,
        _ => Form::Json,
    };
    Some(Example { form, headers, body })
}

fn quoted_header(text: &str) -> (String, String) {
    let quote = text.chars().next().unwrap();
    let header = text[1..].split(quote).next().unwrap();
    let (name, value) = header.split_once(": ").unwrap();
    (name.to_owned(), value.to_owned())
}

#[test]
fn every_example_of_the_page_is_taken() {
    let page = std::fs::read_to_string(EVENTS).unwrap();
    let mut seen = Vec::new();
    for Example { form, headers, body } in examples(&page) {
        let reading = reading_with(form, &headers, body.as_bytes(), &Mapping::none(), &Limits::default())
            .unwrap_or_else(|e| panic!("{form:?}: {e:?}"));
        let taken = !reading.events.is_empty() || !reading.dead_letters.is_empty();
        assert!(taken && reading.refusals.is_empty(), "{form:?}: {:?}", reading.refusals);
        seen.push(form);
    }
    for form in [
        Form::Json,
        Form::Ndjson,
        Form::CloudEvent,
        Form::CloudEventBatch,
        Form::CloudEventBinary,
        Form::LogsJson,
        Form::TracesJson,
        Form::DeadLetters,
    ] {
        assert!(seen.contains(&form), "no example of {form:?}");
    }
}
