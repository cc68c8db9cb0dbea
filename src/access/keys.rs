//! Keys of senders and readers: `mp_<id>_<secret>`, hashed in `keys.json` of the data folder.
//! The command line writes the file, a running server sees the change by itself. Says who it is, not what may be done.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use rand::TryRngCore;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::names::{NameError, check_source, check_tenant};

const FILE: &str = "keys.json";
const LOCK: &str = "keys.lock";
const VERSION: u32 = 1;
/// How often the file is looked at, at most, while keys are being checked.
pub const REREAD_MS: u64 = 500;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path} is no key file of this version of milepost: {reason}")]
    Damaged { path: PathBuf, reason: String },
    #[error("{path} can be read by others (mode {mode:o}); run: chmod 600 {path}")]
    Exposed { path: PathBuf, mode: u32 },
    #[error("there is no key with the id {0:?}; `milepost key list` shows those there are")]
    Unknown(String),
}

/// What a key allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "grant", rename_all = "lowercase")]
pub enum Grant {
    /// Send as this source, and nothing else.
    Send { source: String },
    /// Read the API of the tenant, and nothing else.
    Read,
    /// Read the API of the tenant, and act through it.
    Operate,
}

impl Grant {
    pub fn may_read(&self) -> bool {
        matches!(self, Self::Read | Self::Operate)
    }
}

/// A key as everybody may see it. The secret is known to its owner alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub id: String,
    pub tenant: String,
    #[serde(flatten)]
    pub grant: Grant,
    pub created_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    key: Key,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    keys: Vec<Stored>,
}

/// The keys of a data folder, kept up with the file.
pub struct Keys {
    path: PathBuf,
    table: ArcSwap<Table>,
    started: Instant,
    looked_ms: AtomicU64,
}

#[derive(Default)]
struct Table {
    mark: Option<Mark>,
    by_id: HashMap<String, (Key, [u8; 32])>,
}

/// Tells one state of the file from another. A rename always changes the inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    inode: u64,
    bytes: u64,
    /// Of the inode, not of the text, so that a changed mode is seen too.
    changed: (i64, i64),
}

impl Keys {
    /// No file yet means no keys yet.
    pub fn open(data_dir: &Path) -> Result<Self, KeyError> {
        let path = data_dir.join(FILE);
        let table = Table::read(&path)?;
        Ok(Self { path, table: ArcSwap::from_pointee(table), started: Instant::now(), looked_ms: AtomicU64::new(0) })
    }

    /// Whose key this is, if it is one. `bearer` is the key itself, without the word `Bearer`.
    pub fn verify(&self, bearer: &str) -> Option<Key> {
        self.keep_up();
        let (id, secret) = bearer.strip_prefix("mp_")?.split_once('_')?;
        let shown = digest(secret);
        let table = self.table.load();
        let (key, hash) = table.by_id.get(id)?;
        bool::from(shown.ct_eq(hash)).then(|| key.clone())
    }

    /// All keys, oldest first.
    pub fn list(&self) -> Vec<Key> {
        self.keep_up();
        let mut keys: Vec<Key> = self.table.load().by_id.values().map(|(key, _)| key.clone()).collect();
        keys.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        keys
    }

    /// Every tenant that has a key, in order.
    pub fn tenants(&self) -> Vec<String> {
        let tenants: BTreeSet<String> = self.list().into_iter().map(|key| key.tenant).collect();
        tenants.into_iter().collect()
    }

    /// Makes a key and returns it. This is the only time that anybody sees it.
    pub fn create(data_dir: &Path, tenant: &str, grant: Grant) -> Result<String, KeyError> {
        check_tenant(tenant)?;
        if let Grant::Send { source } = &grant {
            check_source(source)?;
        }
        let (id, secret) = (random_hex::<6>(data_dir)?, random_hex::<32>(data_dir)?);
        let key = Key { id: id.clone(), tenant: tenant.to_owned(), grant, created_at: Utc::now() };
        let sha256 = hex::encode(digest(&secret));
        change(data_dir, |keys| {
            keys.push(Stored { key, sha256 });
            Ok(())
        })?;
        Ok(format!("mp_{id}_{secret}"))
    }

    /// From the next look at the file on, the key is unknown.
    pub fn revoke(data_dir: &Path, id: &str) -> Result<Key, KeyError> {
        change(data_dir, |keys| {
            let at = keys.iter().position(|stored| stored.key.id == id);
            let at = at.ok_or_else(|| KeyError::Unknown(id.chars().take(80).collect()))?;
            Ok(keys.remove(at).key)
        })
    }

    /// Reads the file again if it changed. One caller looks, the others go on with what there is.
    fn keep_up(&self) {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let looked_ms = self.looked_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub(looked_ms) < REREAD_MS {
            return;
        }
        let mine = self.looked_ms.compare_exchange(looked_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if !mine {
            return;
        }
        let known = self.table.load();
        let mark = Mark::of(&self.path).unwrap_or(known.mark);
        if mark == known.mark {
            return;
        }
        let table = Table::read(&self.path).unwrap_or_else(|error| {
            // To lock every sender out would be worse than to lag behind. With the mark of the file it is told once.
            tracing::error!(%error, "the key file changed and cannot be used; the keys known before stay");
            Table { mark, by_id: known.by_id.clone() }
        });
        self.table.store(Arc::new(table));
    }
}

impl Mark {
    fn of(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(meta) => Ok(Some(Self::from(&meta))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl From<&fs::Metadata> for Mark {
    fn from(meta: &fs::Metadata) -> Self {
        Self { inode: meta.ino(), bytes: meta.len(), changed: (meta.ctime(), meta.ctime_nsec()) }
    }
}

impl Table {
    fn read(path: &Path) -> Result<Self, KeyError> {
        let Some((mark, document)) = read(path)? else { return Ok(Self::default()) };
        let mut by_id = HashMap::with_capacity(document.keys.len());
        for stored in document.keys {
            let mut hash = [0; 32];
            hex::decode_to_slice(&stored.sha256, &mut hash)
                .map_err(|error| damaged(path, format!("key {}: {error}", stored.key.id)))?;
            by_id.insert(stored.key.id.clone(), (stored.key, hash));
        }
        Ok(Self { mark: Some(mark), by_id })
    }
}

fn read(path: &Path) -> Result<Option<(Mark, Document)>, KeyError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
    };
    let meta = file.metadata().map_err(at(path))?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    let text = io::read_to_string(file).map_err(at(path))?;
    let document: Document = serde_json::from_str(&text).map_err(|error| damaged(path, error.to_string()))?;
    if document.version != VERSION {
        return Err(damaged(path, format!("version {} where {VERSION} was expected", document.version)));
    }
    Ok(Some((Mark::from(&meta), document)))
}

/// Reads, changes and replaces the file while no other process does. A crash leaves the old file or the new one.
fn change<T>(data_dir: &Path, edit: impl FnOnce(&mut Vec<Stored>) -> Result<T, KeyError>) -> Result<T, KeyError> {
    fs::create_dir_all(data_dir).map_err(at(data_dir))?;
    let lock_path = data_dir.join(LOCK);
    let lock = private().create(true).truncate(false).open(&lock_path).map_err(at(&lock_path))?;
    lock.lock().map_err(at(&lock_path))?;

    let path = data_dir.join(FILE);
    let mut keys = read(&path)?.map(|(_, document)| document.keys).unwrap_or_default();
    let result = edit(&mut keys)?;

    let text = serde_json::to_string_pretty(&Document { version: VERSION, keys })
        .map_err(|error| damaged(&path, error.to_string()))?;
    let draft = path.with_extension("json.new");
    if let Err(error) = fs::remove_file(&draft)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(at(&draft)(error));
    }
    let mut file = private().create_new(true).open(&draft).map_err(at(&draft))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(at(&draft))?;
    fs::rename(&draft, &path).map_err(at(&path))?;
    File::open(data_dir).and_then(|dir| dir.sync_all()).map_err(at(data_dir))?;
    Ok(result)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

fn random_hex<const N: usize>(data_dir: &Path) -> Result<String, KeyError> {
    let mut bytes = [0; N];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|error| at(data_dir)(io::Error::other(error)))?;
    Ok(hex::encode(bytes))
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::File { path, source }
}

fn damaged(path: &Path, reason: String) -> KeyError {
    KeyError::Damaged { path: path.to_owned(), reason }
}
