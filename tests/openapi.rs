//! The description of the API against the addresses that the code answers: neither may know one that the other does not.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use milepost::api::openapi::{OPERATIONS, document};

fn sources(folder: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut left: Vec<PathBuf> = vec![root.join(folder)];
    let mut texts = vec![fs::read_to_string(root.join(format!("{folder}.rs"))).unwrap()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                left.push(entry);
            } else {
                texts.push(fs::read_to_string(entry).unwrap());
            }
        }
    }
    texts
}

/// `.route("/held", web::get().to(…))` in the API's room, however it is broken into lines.
fn routes() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for text in sources("api") {
        for part in text.split(".route(").skip(1) {
            let Some((path, rest)) = part.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"')) else {
                continue;
            };
            let Some(method) = rest.split("web::").nth(1).and_then(|rest| rest.split('(').next()) else { continue };
            // What a part of an address may look like is not a part of its name.
            let path: String = path
                .split('{')
                .enumerate()
                .map(|(at, part)| match part.split_once('}') {
                    Some((name, rest)) if at > 0 => format!("{{{}}}{rest}", name.split(':').next().unwrap_or(name)),
                    _ => part.to_owned(),
                })
                .collect();
            // The page for people stands outside.
            if path != "/api" {
                found.insert((method.to_owned(), format!("/api/v1{path}")));
            }
        }
    }
    found
}

#[test]
fn what_is_answered_is_described_and_what_is_described_is_answered() {
    let described: BTreeSet<(String, String)> = OPERATIONS
        .iter()
        .filter(|operation| operation.path.starts_with("/api/v1"))
        .map(|operation| (operation.method.to_owned(), operation.path.to_owned()))
        .collect();
    let answered = routes();
    assert!(answered.len() > 10, "the routes could not be found in the source");
    let missing: Vec<_> = answered.difference(&described).collect();
    assert!(missing.is_empty(), "answered and not described in src/api/openapi.rs: {missing:?}");
    let gone: Vec<_> = described.difference(&answered).collect();
    assert!(gone.is_empty(), "described and not answered: {gone:?}");
}

#[test]
fn the_doors_are_described() {
    for path in ["/v1/events", "/v1/dead-letters", "/v1/traces", "/v1/logs", "/v1/metrics"] {
        let known = sources("receive").iter().any(|text| text.contains(&format!("\"{path}\"")));
        assert!(known, "{path} is no door");
        assert!(OPERATIONS.iter().any(|operation| operation.path == path), "{path} is not described");
    }
}

#[test]
fn the_description_is_whole() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let all: BTreeSet<_> = OPERATIONS.iter().map(|operation| (operation.method, operation.path)).collect();
    assert_eq!(all.len(), OPERATIONS.len(), "an operation is described twice");
    let mut names = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path}: a name twice");
            let in_path = operation["parameters"].as_array().unwrap().iter().filter(|p| p["in"] == "path").count();
            assert_eq!(in_path, path.matches('{').count(), "{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 3), "{method} {path}");
        }
    }
    // Every reference leads somewhere.
    for part in document.to_string().split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}
