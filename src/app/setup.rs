//! What the set-up is made of, and what changed in it since it was looked at last, also over a restart: definitions,
//! targets, actions, contracts, the mapping, keys and the version of Milepost. A change is an act of every tenant that it
//! concerns, so that pages can mark it. A first start has no changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use milepost_ingest::ObjectRef;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::definitions;
use super::settings::Settings;
use crate::access::{Grant, Key, Keys};
use crate::domain::Files;
use crate::pages::Desk;
use crate::pipeline::{Act, Acts, By, Gate, Texts};

const LOOK_EVERY: Duration = Duration::from_secs(3);
/// Changes of one kind at one time that are told one by one.
const ONE_BY_ONE: usize = 3;
const FILE: &str = "setup.json";

/// One thing of the set-up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Part {
    /// `definition`, `target`, `action`, `contract`, `mapping`, `key`, `deployment`
    kind: String,
    /// Whose alone it is; empty for everybody's.
    tenant: String,
    name: String,
}

/// Each with what it says, by its content.
type Parts = BTreeMap<Part, String>;

pub struct Setup {
    pub settings: Settings,
    /// The files of definitions that were taken up last.
    pub files: Arc<ArcSwap<Files>>,
    pub desk: Arc<Desk>,
    pub gate: Arc<Gate>,
    pub keys: Arc<Keys>,
    pub shutdown: CancellationToken,
}

impl Setup {
    /// Looks again and again, until the shutdown.
    pub async fn watch(self) {
        let path = self.settings.server.data_dir.join(FILE);
        let mut known = recall(&path);
        loop {
            match self.look(known.as_ref()) {
                Ok(now) if known.as_ref() != Some(&now) => {
                    let changes = known.as_ref().map(|known| changes(known, &now)).unwrap_or_default();
                    if self.tell(&changes).await && keep(&path, &now) {
                        known = Some(now);
                    }
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "the set-up could not be looked at"),
            }
            if tokio::time::timeout(LOOK_EVERY, self.shutdown.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    /// What is in force: of contracts that cannot be used, or were not taken up yet, what was known before.
    fn look(&self, known: Option<&Parts>) -> anyhow::Result<Parts> {
        let before = |kinds: &[&str]| -> Option<Parts> {
            let own = known?.iter().filter(|(part, _)| kinds.contains(&part.kind.as_str()));
            Some(own.map(|(part, content)| (part.clone(), content.clone())).collect())
        };
        let mut parts = self.keys();
        parts.insert(part("deployment", "", "Milepost"), env!("CARGO_PKG_VERSION").to_owned());
        parts.extend(of_files(&self.files.load()));
        let texts = definitions::texts(&self.settings.server)?;
        let (found, was) = (of_texts(&texts), before(&["contract", "mapping"]));
        let is_in_force = texts.version() == self.gate.rules.now().version;
        parts.extend(was.filter(|_| !is_in_force).unwrap_or(found));
        Ok(parts)
    }

    fn keys(&self) -> Parts {
        let told = |key: Key| {
            let grant = match &key.grant {
                Grant::Send { source } => format!("to send as {source}"),
                Grant::Read => "to read".to_owned(),
                Grant::Operate => "to read and act".to_owned(),
            };
            (part("key", &key.tenant, &key.id), grant)
        };
        self.keys.list().into_iter().map(told).collect()
    }

    /// False when it could not be kept.
    async fn tell(&self, changes: &[(Part, String)]) -> bool {
        if changes.is_empty() {
            return true;
        }
        for tenant in self.desk.tenants().await {
            let own: Vec<&(Part, String)> =
                changes.iter().filter(|(part, _)| part.tenant.is_empty() || part.tenant == tenant).collect();
            let by = By { tenant, source: "rule/setup".to_owned(), key_id: String::new() };
            let acts = acts(&own);
            if !acts.is_empty() && self.gate.act(&by, acts).await.is_err() {
                return false;
            }
        }
        true
    }
}

fn part(kind: &str, tenant: &str, name: &str) -> Part {
    Part { kind: kind.to_owned(), tenant: tenant.to_owned(), name: name.to_owned() }
}

fn of_files(files: &Files) -> Parts {
    let told = |(path, text): (&str, &str)| {
        let (tenant, name) = path.strip_prefix("tenants/").and_then(|rest| rest.split_once('/')).unwrap_or(("", path));
        let kind = match name.split_once('/') {
            Some(("targets", _)) => "target",
            Some(("actions", _)) => "action",
            _ => "definition",
        };
        (part(kind, tenant, name), digest(text))
    };
    files.iter().map(told).collect()
}

fn of_texts(texts: &Texts) -> Parts {
    let contracts = texts.contracts.iter().map(|(name, text)| (part("contract", "", name), digest(text)));
    contracts.chain([(part("mapping", "", "file"), digest(&texts.mapping))]).collect()
}

/// What differs, in words.
fn changes(before: &Parts, now: &Parts) -> Vec<(Part, String)> {
    let mut found = Vec::new();
    for (part, content) in now {
        let what = match (before.get(part), part.kind.as_str()) {
            (Some(old), _) if old == content => continue,
            (_, "deployment") => format!("{} runs version {content}", part.name),
            (None, "key") => format!("key {} was made {content}", part.name),
            (None, kind) => format!("{kind} {} was added", part.name),
            (Some(_), "mapping") => "the mapping was changed".to_owned(),
            (Some(_), kind) => format!("{kind} {} was changed", part.name),
        };
        found.push((part.clone(), what));
    }
    for part in before.keys().filter(|part| !now.contains_key(part)) {
        let what = match part.kind.as_str() {
            "key" => format!("key {} was revoked", part.name),
            kind => format!("{kind} {} was taken away", part.name),
        };
        found.push((part.clone(), what));
    }
    found
}

/// Few are told one by one, many in one sentence.
fn acts(changes: &[&(Part, String)]) -> Vec<Act> {
    let mut by_kind: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (part, what) in changes {
        by_kind.entry(&part.kind).or_default().push((&part.name, what));
    }
    let mut acts = Vec::new();
    for (kind, all) in by_kind {
        let act = |name: &str, words: String| Act {
            id: format!("{:032x}", rand::random::<u128>()),
            kind: format!("{kind}.changed"),
            object: ObjectRef::new(kind, name),
            refs: Vec::new(),
            data: Map::from_iter([("words".to_owned(), json!(words))]),
        };
        if all.len() <= ONE_BY_ONE {
            acts.extend(all.iter().map(|(name, what)| act(name, (*what).to_owned())));
            continue;
        }
        let names: Vec<&str> = all.iter().take(ONE_BY_ONE).map(|(name, _)| *name).collect();
        acts.push(act("several", format!("{} {kind}s changed: {}, …", all.len(), names.join(", "))));
    }
    acts
}

fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..8])
}

fn recall(path: &Path) -> Option<Parts> {
    let parts: Vec<(Part, String)> = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    Some(parts.into_iter().collect())
}

fn keep(path: &PathBuf, parts: &Parts) -> bool {
    let young = path.with_extension("new");
    let parts: Vec<(&Part, &String)> = parts.iter().collect();
    let written = serde_json::to_vec(&parts).map_err(std::io::Error::from).and_then(|text| {
        std::fs::write(&young, text)?;
        std::fs::rename(&young, path)
    });
    if let Err(error) = &written {
        tracing::warn!(%error, "what the set-up is made of cannot be kept");
    }
    written.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(of: &[(&str, &str, &str)]) -> Parts {
        of.iter().map(|(kind, name, content)| (part(kind, "", name), (*content).to_owned())).collect()
    }

    #[test]
    fn what_changed_is_told_in_words_and_many_at_once_in_one_sentence() {
        let before = parts(&[("key", "k1", "to read"), ("mapping", "file", "a"), ("definition", "x.toml", "1")]);
        let now = parts(&[
            ("key", "k2", "to send as erp/main"),
            ("mapping", "file", "b"),
            ("definition", "x.toml", "2"),
            ("definition", "y.toml", "1"),
        ]);
        let found = changes(&before, &now);
        let words: Vec<&str> = found.iter().map(|(_, what)| what.as_str()).collect();
        assert_eq!(
            words,
            [
                "definition x.toml was changed",
                "definition y.toml was added",
                "key k2 was made to send as erp/main",
                "the mapping was changed",
                "key k1 was revoked"
            ]
        );
        assert!(changes(&now, &now).is_empty());
        let many: Vec<(String, String)> = (0..9).map(|n| (format!("t{n}/v1.json"), "1".to_owned())).collect();
        let many: Vec<(&str, &str, &str)> = many.iter().map(|(n, c)| ("contract", n.as_str(), c.as_str())).collect();
        let found = changes(&Parts::new(), &parts(&many));
        let told = acts(&found.iter().collect::<Vec<_>>());
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].data["words"], "9 contracts changed: t0/v1.json, t1/v1.json, t2/v1.json, …");
    }
}
