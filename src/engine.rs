//! Starts and watches the embedded ClickHouse: a child process of our own binary that opens `libchdb.so`.
//! It is a real server on a loopback port; everything else talks to it through `store`, as to any ClickHouse.
//! Left to others: what is in the database (`store`), and when to start and stop (`app`).

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[expect(unsafe_code, reason = "a pseudo-terminal, signals and a library opened at run time: there is no safe way")]
mod child;
mod files;
mod probe;
mod watch;

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch as channel;

pub use files::library;

/// The user that the engine's `users.xml` knows besides its own bootstrap session.
pub const USER: &str = "milepost";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The engine's folder, `DATA/clickhouse`.
    pub dir: PathBuf,
    /// `libchdb.so`; where it is not named, `library` says where it is looked for.
    pub library: Option<PathBuf>,
    /// Loopback port; 0 takes a free one.
    pub port: u16,
    /// Upper limit for the whole engine.
    pub memory_bytes: u64,
    /// How long a start may take before the process is killed and started again.
    pub start_ms: u64,
    /// How long a running engine may leave our question unanswered before it is killed and started again.
    pub hung_ms: u64,
    /// How long it may take to stop by itself.
    pub stop_ms: u64,
    /// The binary to start as the child: this one, unless a test names it.
    #[serde(skip)]
    pub program: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("data/clickhouse"),
            library: None,
            port: 0,
            memory_bytes: 4_000_000_000,
            start_ms: 60_000,
            hung_ms: 60_000,
            stop_ms: 15_000,
            program: None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the embedded ClickHouse runs on Linux x86_64 with AVX2 only; use --clickhouse-url with a server instead")]
    Unsupported,
    #[error("libchdb.so not found (looked at {}): run `npm ci` in the project's folder, or name it with --engine-library", looked.join(", "))]
    NoLibrary { looked: Vec<String> },
    #[error("cannot prepare {path}: {source}", path = path.display())]
    Files { path: PathBuf, source: std::io::Error },
    #[error("another milepost runs its engine in {path}", path = path.display())]
    InUse { path: PathBuf },
    #[error("no free port for the engine")]
    NoPort,
    #[error("the engine did not start: {0}")]
    NotReady(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Starting,
    /// An authenticated query was answered.
    Ready,
    /// The process ended or hangs; the next start comes by itself.
    Down,
    Stopped,
}

/// What `/readyz` and the status page show of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    pub state: State,
    /// Why it is down; empty when it is not.
    pub reason: String,
    pub pid: Option<u32>,
    /// Starts after the first.
    pub restarts: u32,
    /// As the engine says it; empty before the first answer.
    pub version: String,
}

/// A running engine. Dropping it stops it.
pub struct Engine {
    url: String,
    password: String,
    status: channel::Receiver<Status>,
    stop: mpsc::Sender<()>,
    watcher: Mutex<Option<JoinHandle<()>>>,
    /// Held for as long as the folder is ours.
    _lock: std::fs::File,
}

impl Engine {
    /// Starts the child and returns once it has answered an authenticated query.
    pub async fn start(settings: Settings) -> Result<Self, EngineError> {
        if !supported() {
            return Err(EngineError::Unsupported);
        }
        let (prepared, lock) = files::prepare(&settings)?;
        let limit = Duration::from_millis(settings.start_ms);
        let (url, password) = (prepared.url(), prepared.password.clone());
        let (told, mut status) = channel::channel(Status::starting());
        let (stop, stopped) = mpsc::channel();
        let watcher = watch::spawn(settings, prepared, told, stopped)
            .map_err(|source| EngineError::NotReady(format!("no thread to watch it: {source}")))?;
        let engine =
            Self { url, password, status: status.clone(), stop, watcher: Mutex::new(Some(watcher)), _lock: lock };
        // The guard that `wait_for` gives must not live across the wait below: the future would not be `Send`.
        let waited = tokio::time::timeout(limit, status.wait_for(|s| s.state == State::Ready)).await;
        if waited.is_ok_and(|seen| seen.is_ok()) {
            return Ok(engine);
        }
        let reason = engine.status.borrow().reason.clone();
        engine.stop().await;
        Err(EngineError::NotReady(reason))
    }

    /// Fixed for as long as this engine lives, restarts included.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn user(&self) -> &'static str {
        USER
    }

    pub fn password(&self) -> &str {
        &self.password
    }

    pub fn pid(&self) -> Option<u32> {
        self.status.borrow().pid
    }

    pub fn status(&self) -> channel::Receiver<Status> {
        self.status.clone()
    }

    /// Asks it to end, waits for it, kills it after `stop_ms`. Safe to call twice.
    pub async fn stop(&self) {
        let _ = self.stop.send(());
        let mut status = self.status.clone();
        let _ = status.wait_for(|s| s.state == State::Stopped).await;
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.stop.send(());
        if let Some(watcher) = self.watcher.lock().take() {
            let _ = watcher.join();
        }
    }
}

impl Status {
    fn starting() -> Self {
        Self { state: State::Starting, reason: String::new(), pid: None, restarts: 0, version: String::new() }
    }
}

/// Arguments of the child process. Only `Engine` starts it.
#[derive(Clone, Debug, clap::Args)]
pub struct EngineArgs {
    #[arg(long)]
    pub library: PathBuf,
    #[arg(long)]
    pub dir: PathBuf,
    #[arg(long)]
    pub port: u16,
    /// Whose end is ours.
    #[arg(long)]
    pub parent: u32,
    #[arg(long, default_value_t = 15_000)]
    pub stop_ms: u64,
}

/// Is the engine until it is told to stop. To be called on the main thread, before there are others.
pub fn run(args: EngineArgs) -> anyhow::Result<()> {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    return child::run(&args);
    #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
    {
        let _ = args;
        Err(EngineError::Unsupported.into())
    }
}

/// First thing in `main`: a process started as `milepost engine run …` becomes the engine and does not come back.
pub fn run_if_child() {
    use clap::{Args, FromArgMatches};
    let mut words = std::env::args_os().skip(1);
    if words.next().is_none_or(|word| word != "engine") || words.next().is_none_or(|word| word != "run") {
        return;
    }
    let command = EngineArgs::augment_args(clap::Command::new("milepost engine run").no_binary_name(true));
    let outcome = command
        .try_get_matches_from(words)
        .and_then(|matches| EngineArgs::from_arg_matches(&matches))
        .map_err(anyhow::Error::from)
        .and_then(run);
    match outcome {
        Ok(()) => std::process::exit(0),
        Err(error) => {
            eprintln!("{error:#}");
            std::process::exit(1)
        }
    }
}

fn supported() -> bool {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
    false
}
