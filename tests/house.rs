//! The arrows between rooms, and that every file says what it is for: what nobody can remember by heart.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms each room may use. An event's way goes down this list.
const ARROWS: [(&str, &[&str]); 16] = [
    ("access", &[]),
    ("domain", &[]),
    ("engine", &[]),
    ("journal", &[]),
    ("store", &["domain"]),
    ("live", &["access"]),
    ("pipeline", &["journal", "domain", "store", "live"]),
    ("replay", &["pipeline", "domain", "store", "live"]),
    ("receive", &["pipeline", "access"]),
    ("pages", &["replay", "pipeline", "store", "domain", "live", "access"]),
    ("transfer", &["store"]),
    ("alerts", &["replay", "domain", "store", "live"]),
    ("api", &["transfer", "replay", "pipeline", "pages", "store", "domain", "access"]),
    ("simulate", &[]),
    ("tail", &["live"]),
    (
        "app",
        &[
            "access", "domain", "engine", "journal", "store", "live", "pipeline", "replay", "receive", "pages", "api",
            "alerts", "simulate", "tail", "transfer",
        ],
    ),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    inside.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// Rooms that a text names as `crate::room`, comments left out.
fn rooms_named(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut named = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(group) => {
                let group = group.split('}').next().unwrap_or_default();
                named
                    .extend(group.split(',').map(|part| part.trim().split("::").next().unwrap_or_default().to_owned()));
            }
            None => {
                named.insert(after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            }
        }
    }
    named.retain(|name| ARROWS.iter().any(|(room, _)| room == name));
    named
}

#[test]
fn arrows_between_rooms_go_one_way() {
    let mut wrong = Vec::new();
    for file in files(&root().join("src"), "rs") {
        let room = room_of(&file);
        if room == "lib" || room == "main" {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: the room `{room}` is not in the list of rooms", file.display()));
            continue;
        };
        for named in rooms_named(&fs::read_to_string(&file).unwrap()) {
            if named != room && !allowed.contains(&named.as_str()) {
                wrong.push(format!("{}: `{room}` may not use `{named}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_touch_no_clock_file_or_network() {
    let banned = ["Utc::now", "SystemTime::now", "Instant::now", "std::fs", "std::env::var", "std::net", "tokio::"];
    let mut wrong = Vec::new();
    for dir in ["src/domain", "ingest/src"] {
        for file in files(&root().join(dir), "rs").iter().filter(|f| !f.ends_with("tests.rs")) {
            let text = fs::read_to_string(file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            wrong.extend(banned.iter().filter(|b| code.contains(**b)).map(|b| format!("{}: {b}", file.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let folders = ["src", "ingest/src", "ingest/tests", "tests"];
    let silent: Vec<String> = folders
        .iter()
        .flat_map(|f| files(&root().join(f), "rs"))
        .filter(|f| !fs::read_to_string(f).unwrap().starts_with("//!"))
        .map(|f| f.display().to_string())
        .collect();
    assert!(silent.is_empty(), "no opening comment: {}", silent.join(", "));
}

#[test]
fn every_statement_opens_with_its_question() {
    let silent: Vec<String> = files(&root().join("queries"), "sql")
        .into_iter()
        .filter(|f| !fs::read_to_string(f).unwrap().starts_with("--"))
        .map(|f| f.display().to_string())
        .collect();
    assert!(silent.is_empty(), "no opening comment: {}", silent.join(", "));
}

#[test]
fn templates_hold_no_inline_script_or_style() {
    let mut wrong = Vec::new();
    for file in files(&root().join("templates"), "html") {
        let text = fs::read_to_string(&file).unwrap();
        let inline = text.contains(" style=") || text.contains(" onclick=") || text.contains("<style");
        let scripts = text.split("<script").skip(1).any(|s| !s.split('>').next().unwrap_or_default().contains("src="));
        if inline || scripts || text.contains("| safe") || text.contains("|safe") {
            wrong.push(file.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "inline script, style or unescaped text: {}", wrong.join(", "));
}
