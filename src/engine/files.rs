//! The engine's folder: its configuration, its users with a password of this install, and where its library lies.

use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rand::Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{EngineError, Settings, USER};

/// Where it was put and how to reach it; kept as `connection.json` so that a person can ask it by hand.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Prepared {
    pub library: PathBuf,
    pub dir: PathBuf,
    pub port: u16,
    pub user: String,
    pub password: String,
}

impl Prepared {
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn errors(&self) -> PathBuf {
        self.dir.join("log/stderr.log")
    }
}

/// Fills the folder. It is ours until the file that comes back is closed: the kernel lets go of it with the process.
pub(super) fn prepare(settings: &Settings) -> Result<(Prepared, fs::File), EngineError> {
    let failed = |source| EngineError::Files { path: settings.dir.clone(), source };
    let library = library(settings.library.as_deref())?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(settings.dir.join("log")).map_err(failed)?;
    let lock = fs::File::create(settings.dir.join("lock")).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Err(EngineError::InUse { path: settings.dir.clone() }),
        Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
    }
    let port = if settings.port == 0 { free_port().ok_or(EngineError::NoPort)? } else { settings.port };
    Ok((write_all(settings, library, port).map_err(failed)?, lock))
}

/// `libchdb.so`: where the setting says, else in `MILEPOST_ENGINE_LIBRARY`, else in the `node_modules` of the current
/// folder or of a folder above the executable.
pub fn library(setting: Option<&Path>) -> Result<PathBuf, EngineError> {
    const IN_MODULES: &str = "node_modules/@chdb/lib-linux-x64-gnu/libchdb.so";
    let named = setting.map(Path::to_path_buf).or_else(|| std::env::var_os("MILEPOST_ENGINE_LIBRARY").map(Into::into));
    let looked: Vec<PathBuf> = match named {
        Some(path) => vec![path],
        None => {
            let here = std::env::current_dir().ok();
            let program = std::env::current_exe().and_then(fs::canonicalize).ok();
            let above = program.iter().flat_map(|program| program.ancestors().skip(1).take(5));
            here.iter().map(PathBuf::as_path).chain(above).map(|folder| folder.join(IN_MODULES)).collect()
        }
    };
    let found = looked.iter().find(|path| path.is_file()).and_then(|path| fs::canonicalize(path).ok());
    found.ok_or_else(|| EngineError::NoLibrary {
        looked: looked.iter().map(|path| path.display().to_string()).collect(),
    })
}

/// Below the range from which the system takes ports for outgoing connections, so that the port is still ours after a
/// restart of the engine.
fn free_port() -> Option<u16> {
    let mut random = rand::rng();
    (0..200).map(|_| random.random_range(18_000..32_000)).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
}

fn write_all(settings: &Settings, library: PathBuf, port: u16) -> io::Result<Prepared> {
    let dir = fs::canonicalize(&settings.dir)?;
    let password = kept_password(&dir).unwrap_or_else(|| hex::encode(rand::rng().random::<[u8; 24]>()));
    let prepared = Prepared { library, dir, port, user: USER.to_owned(), password };
    let folder = xml(&prepared.dir.display().to_string());
    let config = include_str!("config.xml")
        .replace("DATA_DIR", &folder)
        .replace("MEMORY_BYTES", &settings.memory_bytes.to_string());
    let hash = hex::encode(Sha256::digest(prepared.password.as_bytes()));
    let users = include_str!("users.xml")
        .replace("PASSWORD_SHA256", &hash)
        .replace("QUERY_BYTES", &(settings.memory_bytes / 2).to_string());
    write_private(&prepared.dir.join("config.xml"), config.as_bytes())?;
    write_private(&prepared.dir.join("users.xml"), users.as_bytes())?;
    let connection = serde_json::to_vec_pretty(&Connection { url: prepared.url(), prepared: &prepared })?;
    write_private(&prepared.dir.join("connection.json"), &connection)?;
    Ok(prepared)
}

#[derive(Serialize)]
struct Connection<'a> {
    url: String,
    #[serde(flatten)]
    prepared: &'a Prepared,
}

fn kept_password(dir: &Path) -> Option<String> {
    let kept: Prepared = serde_json::from_slice(&fs::read(dir.join("connection.json")).ok()?).ok()?;
    (kept.password.len() >= 32).then_some(kept.password)
}

/// Whole or not at all, and for nobody else to read.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(fresh, path)
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
