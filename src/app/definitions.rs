//! Reads definitions, contracts and the mapping from the binary and from the user's folders.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use milepost_ingest::{Contracts, Mapping};
use rust_embed::RustEmbed;

use super::settings::Server;
use crate::domain::Definitions;

#[derive(RustEmbed)]
#[folder = "definitions"]
struct Shipped;

/// Files of the folder that are no workflows.
const APART: [&str; 3] = ["mapping.toml", "exceptions.toml", "alerts.toml"];

/// `(name, text)` of every definition: the shipped ones, and the user's in place of those with the same file name.
pub fn definition_files(own: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut files: Vec<(String, String)> = Vec::new();
    for name in Shipped::iter().filter(|n| n.ends_with(".toml") && !APART.contains(&&**n)) {
        let file = Shipped::get(&name).context("an embedded file")?;
        files.push((name.to_string(), String::from_utf8(file.data.into_owned())?));
    }
    if !own.is_empty() {
        for (name, text) in folder(Path::new(own), "toml")? {
            files.retain(|(shipped, _)| *shipped != name);
            if !APART.contains(&name.as_str()) {
                files.push((name, text));
            }
        }
    }
    Ok(files)
}

pub fn definitions(server: &Server) -> anyhow::Result<Definitions> {
    match Definitions::load(definition_files(&server.definitions)?) {
        Ok(definitions) => Ok(definitions),
        Err(errors) => {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            bail!("{}", lines.join("\n"))
        }
    }
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
