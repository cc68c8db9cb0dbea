//! Reads definitions, contracts and the mapping from the binary and from the user's folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use milepost_ingest::{Contracts, Mapping};
use rust_embed::RustEmbed;
use tokio_util::sync::CancellationToken;

use super::settings::{Server, Settings};
use crate::alerts::{Board, Rosters};
use crate::domain::{DefinitionError, Files, Rulebook, Shelf};
use crate::pipeline::{Rules, RulingError, Texts};
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
                None => targets.all().iter().any(|target| target.own.is_none() && target.key == action.target),
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
    let folders = files.tenants().into_iter().map(|tenant| format!("tenants/{tenant}/targets/"));
    let folders: Vec<String> = std::iter::once("targets/".to_owned()).chain(folders).collect();
    let found = folders.iter().flat_map(|folder| files.in_folder(folder, "toml"));
    found.map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

/// The files that are used: those just found where they could be taken up, targets for themselves, else those of before.
fn taken(before: &Files, found: &Files, aimed: bool, ruled: bool) -> Files {
    let aims = |path: &str| {
        let own = path.strip_prefix("tenants/").and_then(|rest| rest.split_once('/')).map_or(path, |(_, rest)| rest);
        own.starts_with("targets/")
    };
    let part = |is_target: bool, good: bool| {
        let files = if good { found } else { before };
        files.iter().filter(move |(path, _)| aims(path) == is_target)
    };
    part(true, aimed).chain(part(false, ruled)).collect()
}

/// Looks at the user's files again and again. What is good goes onto the shelf, what is not is told and changes nothing.
pub async fn watch(
    own: String,
    in_force: Arc<ArcSwap<Files>>,
    shelf: Arc<Shelf>,
    targets: Arc<Targets>,
    alerts: Arc<Board>,
    shutdown: CancellationToken,
) {
    if own.is_empty() {
        return;
    }
    let take = |found: &Files| {
        let aimed = targets.load(target_files(found));
        let ruled = rules(found).map(|(book, rosters)| {
            shelf.put(book);
            alerts.put(rosters);
        });
        in_force.store(Arc::new(taken(&in_force.load(), found, aimed, ruled.is_ok())));
        ruled.map_err(|error| error.to_string())
    };
    follow(|| files(&own), take, |error| shelf.keep(error), "definitions", shutdown).await;
}

/// Looks at the files of contracts and mapping again and again. What is good is read by from then on.
pub async fn watch_rules(server: Server, rules: Arc<Rules>, shutdown: CancellationToken) {
    if server.mapping.is_empty() && server.contracts.is_empty() {
        return;
    }
    let take = |texts: &Texts| rules.put(texts).map_err(|error| said(&server, &error));
    follow(|| texts(&server), take, |_| (), "contracts or mapping", shutdown).await;
}

/// Looks again and again. What changed is taken, or what is wrong with it is kept and told, and changes nothing.
async fn follow<T: PartialEq>(
    look: impl Fn() -> anyhow::Result<T>,
    take: impl Fn(&T) -> Result<(), String>,
    keep: impl Fn(String),
    what: &str,
    shutdown: CancellationToken,
) {
    let look = || look().map_err(|error| format!("{error:#}"));
    let mut known = look();
    while tokio::time::timeout(LOOK_EVERY, shutdown.cancelled()).await.is_err() {
        let found = look();
        if found == known {
            continue;
        }
        match found.as_ref().map_err(String::clone).and_then(&take) {
            Ok(()) => tracing::info!("{what} changed and are used from now on"),
            Err(error) => {
                tracing::error!(error, "{what} changed and cannot be used; the last good ones stay");
                keep(error);
            }
        }
        known = found;
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

/// What payloads are read by, as it is written.
pub fn texts(server: &Server) -> anyhow::Result<Texts> {
    let mapping = match server.mapping.as_str() {
        "" => String::new(),
        file => fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?,
    };
    if server.contracts.is_empty() {
        return Ok(Texts { contracts: Contracts::shipped_files().collect(), mapping });
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
    Ok(Texts { contracts: files.into_iter().collect(), mapping })
}

pub fn contracts(texts: &Texts) -> anyhow::Result<Contracts> {
    Contracts::load(texts.contracts.clone())
        .map_err(|errors| anyhow::anyhow!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))
}

pub fn mapping(server: &Server, texts: &Texts) -> anyhow::Result<Mapping> {
    Mapping::parse(&texts.mapping).map_err(|error| anyhow::anyhow!("{}: {error}", server.mapping))
}

/// Contracts and mapping, with all their versions of before.
pub fn reading_rules(settings: &Settings) -> anyhow::Result<Rules> {
    let server = &settings.server;
    let texts = texts(server)?;
    Rules::open(&server.data_dir.join("rules"), &texts, settings.ingest.clone())
        .map_err(|error| anyhow::anyhow!("{}", said(server, &error)))
}

fn said(server: &Server, error: &RulingError) -> String {
    match error {
        RulingError::Mapping(error) => format!("{}: {error}", server.mapping),
        error => error.to_string(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_is_not_among_those_in_force_and_holds_no_other_kind_back() {
        let files = |target: &str, rules: &str| -> Files {
            let of = [
                ("targets/a.toml", target),
                ("tenants/acme/targets/b.toml", target),
                ("tenants/acme/order.toml", rules),
            ];
            of.into_iter().collect()
        };
        let (before, found) = (files("old", "old"), files("new", "new"));
        assert_eq!(taken(&before, &found, true, true), found);
        assert_eq!(taken(&before, &found, false, true), files("old", "new"));
        assert_eq!(taken(&before, &found, true, false), files("new", "old"));
        let less: Files = [("tenants/acme/order.toml", "new")].into_iter().collect();
        assert_eq!(taken(&before, &less, true, true), less, "what was taken away is gone");
    }
}
