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

/// Code without its comments and texts.
fn bare(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let raw = rest.starts_with("r\"") || rest.starts_with("r#");
        let until = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
        let skipped = match c {
            '/' if rest.starts_with("//") => until("\n", 0),
            'r' if raw && !out.ends_with(|c: char| c.is_alphanumeric() || c == '_') => {
                let marks = rest[1..].bytes().take_while(|b| *b == b'#').count();
                until(&format!("\"{}", "#".repeat(marks)), marks + 2)
            }
            '"' => {
                let mut escaped = false;
                let ends = |c: char| {
                    let is_end = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    is_end
                };
                rest[1..].find(ends).map_or(rest.len(), |at| at + 2)
            }
            '\'' if rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'') => until("'", 2),
            c => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[skipped..];
    }
    out
}

/// A number with a decimal point, or a type or method of such numbers.
fn floats(code: &str) -> Vec<String> {
    let words = code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
    let is_float = |word: &&str| {
        let literal = word.split_once('.').is_some_and(|(whole, part)| {
            let digits = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
            digits(whole) && whole.bytes().all(|b| b.is_ascii_digit() || b == b'_') && digits(part)
        });
        literal || word.contains("f32") || word.contains("f64") || word.contains("as_float")
    };
    words.filter(is_float).map(str::to_owned).collect()
}

#[test]
fn money_and_quantities_are_never_floating_point() {
    let seen =
        floats(&bare("let a = 1.5; // 2.5\nb.0.1; \"3.5 \\\" f64\"; r#\"4.5\"#; '\"'; x as f64; 1..5; d.to_f64()"));
    assert_eq!(seen, ["1.5", "f64", "d.to_f64"], "what counts as one");
    let mut wrong = Vec::new();
    for file in files(&root().join("src/domain"), "rs") {
        let code = bare(&fs::read_to_string(&file).unwrap());
        wrong.extend(floats(&code).into_iter().map(|found| format!("{}: {found}", file.display())));
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
