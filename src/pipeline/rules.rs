//! What payloads are read by: contracts and mapping. Every version that was ever in force here is kept in the data folder
//! by its content, so that a payload can be read again as it was read when it came.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use milepost_ingest::{ContractError, Contracts, Limits, Mapping, MappingError};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// Contracts and mapping as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    /// By their names, `order.created/v1.json`.
    pub contracts: BTreeMap<String, String>,
    /// Empty where nothing is mapped.
    pub mapping: String,
}

/// One version of contracts and mapping, ready to read by.
pub struct Ruling {
    /// Made of the content: `CONTRACTS.MAPPING`.
    pub version: String,
    pub contracts: Arc<Contracts>,
    pub mapping: Mapping,
}

impl fmt::Debug for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ruling").field(&self.version).finish()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RulingError {
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Contracts(Vec<ContractError>),
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error("a version of contracts and mapping cannot be kept: {0}")]
    Keep(#[from] io::Error),
}

/// Why a payload cannot be read as it was then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    #[error("it came before versions of contracts and mapping were kept")]
    Unknown,
    #[error("contracts and mapping of version {0} are kept no more")]
    Gone(String),
    #[error("contracts and mapping of version {0} are kept but cannot be used: {1}")]
    Spoilt(String, String),
}

/// The version in force and those before it.
pub struct Rules {
    dir: PathBuf,
    pub limits: Limits,
    now: ArcSwap<Ruling>,
    /// Versions that were asked for.
    ready: Mutex<HashMap<String, Arc<Ruling>>>,
}

/// Versions that stay in memory.
const IN_MEMORY: usize = 8;
/// Digits of a content's name.
const DIGITS: usize = 12;

impl Rules {
    /// Reads by these from now on, and keeps them in the folder.
    pub fn open(dir: &Path, texts: &Texts, limits: Limits) -> Result<Self, RulingError> {
        let ready = Mutex::new(HashMap::new());
        let ruling = read(texts, &ready)?;
        keep(dir, texts)?;
        Ok(Self { dir: dir.to_owned(), limits, now: ArcSwap::new(ruling), ready })
    }

    pub fn now(&self) -> Arc<Ruling> {
        self.now.load_full()
    }

    /// Reads by these from now on. What cannot be used, or not be kept, changes nothing.
    pub fn put(&self, texts: &Texts) -> Result<(), RulingError> {
        let ruling = read(texts, &self.ready)?;
        keep(&self.dir, texts)?;
        self.now.store(ruling);
        Ok(())
    }

    /// The version by that name.
    pub fn then(&self, version: &str) -> Result<Arc<Ruling>, NotKept> {
        if version.is_empty() {
            return Err(NotKept::Unknown);
        }
        if let Some(ready) = self.ready.lock().get(version) {
            return Ok(Arc::clone(ready));
        }
        let gone = || NotKept::Gone(version.to_owned());
        let spoilt = |why: String| NotKept::Spoilt(version.to_owned(), why);
        let (contracts, mapping) = version.split_once('.').filter(|parts| is_name(*parts)).ok_or_else(gone)?;
        let text = |path: PathBuf| {
            fs::read_to_string(path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => gone(),
                _ => spoilt(error.to_string()),
            })
        };
        let kept = text(contracts_path(&self.dir, contracts))?;
        let contracts = serde_json::from_str(&kept).map_err(|error| spoilt(error.to_string()))?;
        let texts = Texts { contracts, mapping: text(mapping_path(&self.dir, mapping))? };
        if texts.version() != version {
            return Err(spoilt("the files are not what they were".to_owned()));
        }
        read(&texts, &self.ready).map_err(|error| spoilt(error.to_string()))
    }

    /// True when anything was ever read by others than those of now.
    pub fn has_earlier(&self) -> bool {
        fs::read_dir(&self.dir).is_ok_and(|files| files.count() > 2)
    }
}

impl Texts {
    pub fn version(&self) -> String {
        format!("{}.{}", name(self.contracts_text().as_bytes()), name(self.mapping.as_bytes()))
    }

    fn contracts_text(&self) -> String {
        serde_json::to_string(&self.contracts).unwrap_or_default()
    }
}

/// Contracts are the dear part, and seldom change: those of another version are used again where they are the same.
fn read(texts: &Texts, ready: &Mutex<HashMap<String, Arc<Ruling>>>) -> Result<Arc<Ruling>, RulingError> {
    let mapping = Mapping::parse(&texts.mapping)?;
    let version = texts.version();
    let head = version.split('.').next().unwrap_or_default();
    let same = ready.lock().values().find(|one| one.version.split('.').next() == Some(head)).cloned();
    let contracts = match same {
        Some(ruling) => Arc::clone(&ruling.contracts),
        None => Arc::new(Contracts::load(texts.contracts.clone()).map_err(RulingError::Contracts)?),
    };
    let ruling = Arc::new(Ruling { version: version.clone(), contracts, mapping });
    let mut ready = ready.lock();
    if ready.len() >= IN_MEMORY {
        ready.clear();
    }
    ready.insert(version, Arc::clone(&ruling));
    Ok(ruling)
}

/// On disk before anything is read by it.
fn keep(dir: &Path, texts: &Texts) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let version = texts.version();
    let (contracts, mapping) = version.split_once('.').unwrap_or_default();
    write_new(&contracts_path(dir, contracts), &texts.contracts_text())?;
    write_new(&mapping_path(dir, mapping), &texts.mapping)
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|kept| kept == text) {
        return Ok(());
    }
    let young = path.with_extension("new");
    let mut file = fs::File::create(&young)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&young, path)
}

fn contracts_path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("contracts-{name}.json"))
}

fn mapping_path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("mapping-{name}.toml"))
}

fn name(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content)).chars().take(DIGITS).collect()
}

fn is_name((contracts, mapping): (&str, &str)) -> bool {
    let is = |part: &str| part.len() == DIGITS && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    is(contracts) && is(mapping)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(mapping: &str) -> Texts {
        Texts { contracts: Contracts::shipped_files().collect(), mapping: mapping.to_owned() }
    }

    const SAID: &str = "[[rule]]\nwhen = { service = \"shop\" }\nset = { \"biz.object.type\" = \"order\" }\n";

    #[test]
    fn every_version_is_found_again_after_a_restart_until_its_file_is_gone() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        let (old, new) = (texts(""), texts(SAID));
        let rules = Rules::open(dir.path(), &old, Limits::default())?;
        assert!(!rules.has_earlier());
        rules.put(&new)?;
        assert_eq!(rules.now().version, new.version());
        assert!(rules.then(&old.version())?.mapping.is_empty());
        assert!(rules.has_earlier());

        let again = || Rules::open(dir.path(), &new, Limits::default());
        assert_eq!(again()?.then(&old.version())?.version, old.version());
        fs::remove_file(mapping_path(dir.path(), &name(b"")))?;
        let rules = again()?;
        assert_eq!(rules.then(&old.version()).map(|_| ()), Err(NotKept::Gone(old.version())));
        fs::write(mapping_path(dir.path(), &name(b"")), "# another\n")?;
        assert!(matches!(rules.then(&old.version()), Err(NotKept::Spoilt(..))), "what is not what it was is not used");
        assert_eq!(rules.then("").map(|_| ()), Err(NotKept::Unknown));
        assert_eq!(rules.then("../../x").map(|_| ()), Err(NotKept::Gone("../../x".to_owned())));
        Ok(())
    }

    #[test]
    fn what_cannot_be_used_changes_nothing_and_is_not_kept() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        let rules = Rules::open(dir.path(), &texts(SAID), Limits::default())?;
        let before = fs::read_dir(dir.path())?.count();
        assert!(matches!(rules.put(&texts("[[rule]]\n")), Err(RulingError::Mapping(_))));
        let mut broken = texts(SAID);
        broken.contracts.insert("order.created/v1.json".to_owned(), "{".to_owned());
        assert!(matches!(rules.put(&broken), Err(RulingError::Contracts(_))));
        assert_eq!(rules.now().version, texts(SAID).version());
        assert_eq!(fs::read_dir(dir.path())?.count(), before);
        Ok(())
    }
}
