//! Reads definitions, contracts and the mapping from the binary and from the user's folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use milepost_ingest::{Contracts, Mapping};
use rust_embed::RustEmbed;
use tokio_util::sync::CancellationToken;

use super::settings::Server;
use crate::alerts::{Board, Rosters};
use crate::domain::{DefinitionError, Files, Rulebook, Shelf};
use crate::replay::{self, Targets};

/// How often the user's files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Kinds of files that definitions are made of.
const KINDS: [&str; 2] = ["toml", "ics"];

#[derive(RustEmbed)]
#[folder = "definitions"]
struct Shipped;

/// The shipped files, the user's in place of those with the same path, and the user's others.
pub fn files(own: &str) -> anyhow::Result<Files> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for path in Shipped::iter() {
        let file = Shipped::get(&path).context("an embedded file")?;
        files.insert(path.to_string(), String::from_utf8(file.data.into_owned())?);
    }
    if !own.is_empty() {
        for file in walk(Path::new(own))? {
            let path = file.strip_prefix(own)?.to_string_lossy().replace('\\', "/");
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            files.insert(path, text);
        }
    }
    Ok(files.into_iter().collect())
}

/// All rules and the routes of alerts; what is wrong with either comes back together.
pub fn rules(files: &Files) -> anyhow::Result<(Rulebook, Rosters)> {
    let told = |errors: Vec<DefinitionError>| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    };
    match Rulebook::load(files) {
        Ok(book) => {
            let rosters = Rosters::read(files, &book).map_err(told)?;
            Ok((book, rosters))
        }
        // Without the tenants' books only what is for everybody can be told.
        Err(mut errors) => {
            errors.extend(Rosters::read(files, &Rulebook::default()).err().into_iter().flatten());
            Err(told(errors))
        }
    }
}

pub fn rulebook(files: &Files) -> anyhow::Result<Rulebook> {
    rules(files).map(|(book, _)| book)
}

/// What payloads may be replayed to.
pub fn targets(files: &Files) -> anyhow::Result<Targets> {
    let texts = target_files(files);
    let set = replay::targets::read(texts).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    Ok(Targets::new(set))
}

/// Actions whose target is not there for whom they are meant.
pub fn unaimed(files: &Files, book: &Rulebook, targets: &Targets) -> Vec<DefinitionError> {
    let mut found = Vec::new();
    for tenant in files.tenants().into_iter().map(Some).chain([None]) {
        let (definitions, folder) = match &tenant {
            Some(tenant) => (book.of(tenant), format!("tenants/{tenant}/")),
            None => (book.everybody(), String::new()),
        };
        for action in &definitions.actions {
            let own = files.get(&format!("{folder}{}", action.file));
            let Some(text) = own else { continue };
            let there = match &tenant {
                Some(tenant) => targets.get(tenant, &action.target).is_some(),
                None => targets.all().iter().any(|target| target.key == action.target),
            };
            if !there {
                let at = text.find(&format!("\"{}\"", action.target)).unwrap_or(action.target_at.min(text.len()));
                let what =
                    format!("there is no target `{}`: the action `{}` is not offered", action.target, action.key);
                found.push(DefinitionError::at(&format!("{folder}{}", action.file), text, at, what));
            }
        }
    }
    found
}

fn target_files(files: &Files) -> Vec<(String, String)> {
    files.in_folder("targets/", "toml").map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

/// Looks at the user's files again and again. What is good goes onto the shelf, what is not is told and changes nothing.
pub async fn watch(
    own: String,
    shelf: Arc<Shelf>,
    targets: Arc<Targets>,
    alerts: Arc<Board>,
    shutdown: CancellationToken,
) {
    if own.is_empty() {
        return;
    }
    let mut known = files(&own).ok();
    while tokio::time::timeout(LOOK_EVERY, shutdown.cancelled()).await.is_err() {
        let found = match files(&own) {
            Ok(found) if known.as_ref() == Some(&found) => continue,
            Ok(found) => found,
            Err(error) => {
                shelf.keep(format!("{error:#}"));
                continue;
            }
        };
        targets.load(target_files(&found));
        match rules(&found) {
            Ok((book, rosters)) => {
                tracing::info!("the definitions changed and are used from now on");
                shelf.put(book);
                alerts.put(rosters);
            }
            Err(error) => {
                tracing::error!(%error, "the definitions changed and cannot be used; the last good ones stay");
                shelf.keep(error.to_string());
            }
        }
        known = Some(found);
    }
}

/// Every file of the kinds that definitions are made of, in the folder and below it.
fn walk(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(walk(&path)?);
        } else if path.extension().is_some_and(|end| KINDS.iter().any(|kind| end == *kind)) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Loaded once for the life of the process.
pub fn contracts(server: &Server) -> anyhow::Result<&'static Contracts> {
    if server.contracts.is_empty() {
        return Ok(Contracts::shipped());
    }
    let mut files = Vec::new();
    let dir = Path::new(&server.contracts);
    for kind in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let kind = kind?.path();
        if kind.is_dir() {
            let name = kind.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            files.extend(folder(&kind, "json")?.into_iter().map(|(file, text)| (format!("{name}/{file}"), text)));
        }
    }
    files.extend(folder(dir, "json")?);
    Contracts::load(files)
        .map(|own| &*Box::leak(Box::new(own)))
        .map_err(|errors| anyhow::anyhow!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))
}

pub fn mapping(server: &Server) -> anyhow::Result<Mapping> {
    if server.mapping.is_empty() {
        return Ok(Mapping::none());
    }
    let text = fs::read_to_string(&server.mapping).with_context(|| format!("cannot read {}", server.mapping))?;
    Mapping::parse(&text).map_err(|error| anyhow::anyhow!("{}: {error}", server.mapping))
}

fn folder(dir: &Path, extension: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == extension) {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.push((name, text));
        }
    }
    files.sort();
    Ok(files)
}
