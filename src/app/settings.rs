//! Every setting of the server: one tree of the rooms' own settings. A setting has one name everywhere: `[receive]
//! body_bytes` in the file is `--receive-body-bytes` as a flag and `MILEPOST_RECEIVE_BODY_BYTES` in the environment.
//! Flags win over the environment, the environment over the file, the file over the defaults.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{engine, journal, pipeline, receive, store};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    #[serde(flatten)]
    pub server: Server,
    pub retention: store::Retention,
    pub receive: receive::Settings,
    pub journal: journal::Settings,
    pub pipeline: pipeline::Settings,
    pub ingest: milepost_ingest::Limits,
    pub engine: engine::Settings,
}

/// What most people set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// Folder for the journal, the keys and the embedded ClickHouse.
    pub data_dir: PathBuf,
    /// Address of the pages, the API and the websocket. Loopback only until access control exists. Port 0 takes a free one.
    pub listen: String,
    /// Address of OTLP over gRPC.
    pub otlp_grpc: String,
    /// Address of OTLP over HTTP.
    pub otlp_http: String,
    /// A ClickHouse server to use instead of the embedded engine, for example http://127.0.0.1:8123.
    pub clickhouse_url: String,
    /// User at that server.
    pub clickhouse_user: String,
    /// File that holds the user's password.
    pub clickhouse_password_file: String,
    /// Database in ClickHouse.
    pub database: String,
    /// Folder with definitions of your own; a file with the key of a shipped definition takes its place.
    pub definitions: String,
    /// Folder with contracts of your own, as contracts/TYPE/vN.json.
    pub contracts: String,
    /// File that maps other attributes onto business events.
    pub mapping: String,
    /// Address under which people reach the pages, for links in alerts; the address of `listen` unless given.
    pub public_url: String,
    /// Where Milepost sends its own traces by OTLP/gRPC, for example http://127.0.0.1:4317; empty for nowhere.
    pub telemetry: String,
    /// Threads that answer requests, on each of the two HTTP ports.
    pub workers: usize,
    /// What is logged, as tracing filters: `info`, `milepost=debug`.
    pub log: String,
}

impl Default for Server {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            data_dir: PathBuf::from("data"),
            listen: text("127.0.0.1:8080"),
            otlp_grpc: text("127.0.0.1:4317"),
            otlp_http: text("127.0.0.1:4318"),
            clickhouse_url: String::new(),
            clickhouse_user: text("default"),
            clickhouse_password_file: String::new(),
            database: text("milepost"),
            definitions: String::new(),
            contracts: String::new(),
            mapping: String::new(),
            public_url: String::new(),
            telemetry: String::new(),
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            log: text("warn,milepost=info"),
        }
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    #[error("cannot read {file}: {why}")]
    Unreadable { file: String, why: String },
    #[error("{file}: {why}")]
    NotToml { file: String, why: String },
    #[error("{place}: unknown setting `{key}`{}", nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    Unknown { place: String, key: String, nearest: Option<String> },
    #[error("{place}: `{key}` expects {expected}, found `{found}`")]
    Wrong { place: String, key: String, expected: &'static str, found: String },
}

/// One setting: its place in the tree, its default, and what it is for.
struct Leaf {
    path: Vec<String>,
    default: Value,
    help: String,
}

impl Leaf {
    fn flag(&self) -> String {
        self.path.join("-").replace('_', "-")
    }

    fn env(&self) -> String {
        format!("MILEPOST_{}", self.path.join("_").to_uppercase())
    }

    fn key(&self) -> String {
        self.path.join(".")
    }

    /// Text from a flag or the environment, in the type of the default.
    fn read(&self, place: &str, text: &str) -> Result<Value, SettingsError> {
        let wrong = |expected| SettingsError::Wrong {
            place: place.to_owned(),
            key: self.key(),
            expected,
            found: text.to_owned(),
        };
        match &self.default {
            Value::Bool(_) => text.parse::<bool>().map(Value::from).map_err(|_| wrong("true or false")),
            Value::Number(_) => text.parse::<u64>().map(Value::from).map_err(|_| wrong("a whole number")),
            _ => Ok(Value::from(text)),
        }
    }
}

/// Settings that other rooms fill in by themselves.
const INTERNAL: [&str; 2] = ["journal.dir", "engine.dir"];

impl Settings {
    /// The flags of all settings, for a subcommand.
    pub fn args() -> Vec<Arg> {
        leaves()
            .into_iter()
            .map(|leaf| {
                let shown = match &leaf.default {
                    Value::String(text) if text.is_empty() => String::new(),
                    Value::Null => String::new(),
                    Value::String(text) => format!(" [default: {text}]"),
                    other => format!(" [default: {other}]"),
                };
                let heading =
                    if leaf.path.len() == 1 { "Settings".to_owned() } else { format!("Settings of {}", leaf.path[0]) };
                Arg::new(leaf.key())
                    .long(leaf.flag())
                    .env(leaf.env())
                    .hide_env_values(true)
                    .value_name(if leaf.default.is_number() { "N" } else { "TEXT" })
                    .help(format!("{}{shown}", leaf.help))
                    .help_heading(heading)
            })
            .collect()
    }

    /// Flags, environment and file laid over the defaults. `file` must exist when it is named.
    pub fn load(file: Option<&Path>, matches: &ArgMatches) -> Result<Self, SettingsError> {
        let leaves = leaves();
        let mut tree = serde_json::to_value(Self::default()).expect("defaults are plain values");
        if let Some(file) = file {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(file)
                .map_err(|e| SettingsError::Unreadable { file: name.clone(), why: e.to_string() })?;
            let read: toml::Table = toml::from_str(&text)
                .map_err(|e| SettingsError::NotToml { file: name.clone(), why: e.to_string().trim().to_owned() })?;
            lay_file(&mut tree, &leaves, &name, &mut Vec::new(), &read)?;
        }
        for leaf in &leaves {
            if let Ok(Some(text)) = matches.try_get_one::<String>(&leaf.key()) {
                let value = leaf.read("--", text)?;
                set(&mut tree, &leaf.path, value);
            }
        }
        let mut settings: Self = serde_json::from_value(tree).map_err(|e| SettingsError::Wrong {
            place: "settings".to_owned(),
            key: String::new(),
            expected: "values that fit",
            found: e.to_string(),
        })?;
        settings.journal.dir = settings.server.data_dir.join("journal");
        settings.engine.dir = settings.server.data_dir.join("clickhouse");
        Ok(settings)
    }
}

fn lay_file(
    tree: &mut Value,
    leaves: &[Leaf],
    file: &str,
    path: &mut Vec<String>,
    table: &toml::Table,
) -> Result<(), SettingsError> {
    for (key, value) in table {
        path.push(key.clone());
        let is_room = leaves.iter().any(|l| l.path.len() > path.len() && l.path.starts_with(path));
        match (leaves.iter().find(|l| l.path == *path), value) {
            (Some(leaf), value) => {
                let expected = match leaf.default {
                    Value::Bool(_) if !value.is_bool() => Some("true or false"),
                    Value::Number(_) if value.as_integer().is_none_or(|n| n < 0) => Some("a whole number"),
                    Value::String(_) | Value::Null if !value.is_str() => Some("text"),
                    _ => None,
                };
                if let Some(expected) = expected {
                    let (place, key, found) = (file.to_owned(), leaf.key(), value.to_string());
                    return Err(SettingsError::Wrong { place, key, expected, found });
                }
                let json = serde_json::to_value(value).expect("a TOML value is a JSON value");
                set(tree, path, json);
            }
            (None, toml::Value::Table(inner)) if is_room => lay_file(tree, leaves, file, path, inner)?,
            _ => {
                let key = path.join(".");
                let nearest = leaves
                    .iter()
                    .map(|l| (strsim::damerau_levenshtein(&l.key(), &key), l.key()))
                    .min()
                    .filter(|(distance, near)| *distance <= near.len() / 3 + 1)
                    .map(|(_, near)| near);
                return Err(SettingsError::Unknown { place: file.to_owned(), key, nearest });
            }
        }
        path.pop();
    }
    Ok(())
}

fn set(tree: &mut Value, path: &[String], value: Value) {
    let slot = path.iter().fold(tree, |tree, name| &mut tree[name.as_str()]);
    *slot = value;
}

fn leaves() -> Vec<Leaf> {
    let tree = serde_json::to_value(Settings::default()).expect("defaults are plain values");
    let mut found = Vec::new();
    collect(&tree, &mut Vec::new(), &mut found);
    found.retain(|l| !INTERNAL.contains(&l.key().as_str()));
    // What most people set comes first.
    found.sort_by_key(|l| l.path.len() > 1);
    found
}

fn collect(value: &Value, path: &mut Vec<String>, found: &mut Vec<Leaf>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                path.push(name.clone());
                collect(field, path, found);
                path.pop();
            }
        }
        leaf => found.push(Leaf { path: path.clone(), default: leaf.clone(), help: help(path) }),
    }
}

/// What a setting is for: the comment above its field, so that help and code cannot drift apart.
fn help(path: &[String]) -> String {
    let source = match path {
        [_] => include_str!("settings.rs"),
        [room, _] => match room.as_str() {
            "retention" => include_str!("../store/migrate.rs"),
            "receive" => include_str!("../receive/settings.rs"),
            "journal" => include_str!("../journal.rs"),
            "pipeline" => include_str!("../pipeline/settings.rs"),
            "ingest" => include_str!("../../ingest/src/limits.rs"),
            "engine" => include_str!("../engine.rs"),
            _ => "",
        },
        _ => "",
    };
    let field = format!("pub {}:", path.last().map_or("", String::as_str));
    let mut comment: Vec<&str> = Vec::new();
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim());
        } else if line.starts_with(&field) {
            return comment.join(" ");
        } else if !line.starts_with("#[") {
            comment.clear();
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(toml: &str, flags: &[&str]) -> Result<Settings, SettingsError> {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("milepost.toml");
        std::fs::write(&file, toml).expect("written");
        let matches = clap::Command::new("x").args(Settings::args()).get_matches_from([&["x"], flags].concat());
        Settings::load(Some(&file), &matches)
    }

    #[test]
    fn every_setting_says_what_it_is_for() {
        let silent: Vec<String> = leaves().iter().filter(|l| l.help.is_empty()).map(Leaf::key).collect();
        assert_eq!(silent, [""; 0]);
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let settings =
            load("listen = '127.0.0.1:1'\n[receive]\nbody_bytes = 5\n", &["--listen", "127.0.0.1:2"]).expect("read");
        assert_eq!((settings.server.listen.as_str(), settings.receive.body_bytes), ("127.0.0.1:2", 5));
        assert_eq!(settings.pipeline, pipeline::Settings::default());
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_right_one() {
        let error = load("[receive]\nbody_byte = 5\n", &[]).expect_err("refused");
        assert!(
            error.to_string().ends_with("unknown setting `receive.body_byte`; did you mean `receive.body_bytes`?"),
            "{error}"
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused_with_its_key() {
        let error = load("[receive]\nbody_bytes = 'much'\n", &[]).expect_err("refused");
        assert!(error.to_string().contains("`receive.body_bytes` expects a whole number"), "{error}");
    }
}
