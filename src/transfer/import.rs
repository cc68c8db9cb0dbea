//! `milepost import`: reads files of events, hands them to a server's events door in batches, and keeps count. What is
//! wrong in a file is set aside with its line and column; the rest goes on. A state file beside the input makes a second
//! run go on where the first one ended.

mod columns;
mod file;
mod lines;
mod map;
mod ocel;
mod record;
mod report;
mod send;
mod split;
mod state;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use self::map::Map;
pub use self::report::Report;

use self::file::Batches;
use self::record::Batch;
use self::send::{Door, Sent};
use self::state::State;

/// Files to read, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct ImportSettings {
    /// Files with events: NDJSON (.ndjson, .jsonl), a JSON array or OCEL 2.0 (.json), CSV (.csv, .tsv).
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Address of a running server.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Key to send with, from `milepost key create --tenant TENANT --source SOURCE`.
    #[arg(long, env = "MILEPOST_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// With --data-dir instead of --url: whose events they are.
    #[arg(long)]
    pub tenant: Option<String>,
    /// What the files are, where their names do not say it.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// File that says what the columns of a CSV file mean, or what the names in an OCEL file are called here.
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// Begin at the top again, whatever was imported before. What the server knows counts as duplicate.
    #[arg(long)]
    pub again: bool,
    /// Requests in work at the same time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub requests: u8,
    /// The report as one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON event a line.
    Ndjson,
    /// An array of JSON events.
    Json,
    /// Rows; needs --map unless `milepost export` wrote it.
    Csv,
    /// OCEL 2.0 JSON.
    Ocel,
}

/// How far a file is, for a progress bar.
#[derive(Clone, Debug)]
pub struct Progress {
    pub file: String,
    pub bytes: u64,
    pub bytes_all: u64,
    pub read: u64,
}

/// Imports one file after the other. `target` names server and tenant in the state files, so that a file that one of
/// them has is not taken for imported at another.
pub async fn run(
    settings: &ImportSettings,
    key: &str,
    target: &str,
    progress: impl Fn(Progress),
    shutdown: CancellationToken,
) -> anyhow::Result<Report> {
    let map = match &settings.map {
        Some(path) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("cannot read the map {}", path.display()))?;
            Some(Arc::new(Map::parse(&path.display().to_string(), &text)?))
        }
        None => None,
    };
    let door = Door::new(&settings.url, key, shutdown.clone())?;
    let mut report = Report::default();
    for path in &settings.files {
        let begun = Instant::now();
        let outcome = one(settings, path, map.clone(), &door, target, &progress).await;
        report.add(path, outcome, begun.elapsed());
        if shutdown.is_cancelled() {
            report.interrupted = true;
            break;
        }
    }
    Ok(report)
}

/// One file: a thread reads it into batches, requests run side by side, and results are counted in the file's order.
async fn one(
    settings: &ImportSettings,
    path: &Path,
    map: Option<Arc<Map>>,
    door: &Door,
    target: &str,
    progress: &impl Fn(Progress),
) -> anyhow::Result<State> {
    let mut state = State::open(path, target, settings.again)?;
    if state.done {
        return Ok(state);
    }
    let batches = Batches::open(path, settings.format, map, &state)?;
    let bytes_all = std::fs::metadata(path)?.len();
    let name = path.display().to_string();
    let (out, waiting) = mpsc::channel::<anyhow::Result<Batch>>(2);
    std::thread::Builder::new().name("import".to_owned()).spawn(move || {
        for batch in batches {
            let failed = batch.is_err();
            if out.blocking_send(batch).is_err() || failed {
                return;
            }
        }
    })?;
    let outcome = {
        let batches = futures_util::stream::unfold(waiting, |mut waiting| async {
            let batch = waiting.recv().await?;
            Some((batch, waiting))
        });
        let deliver = |batch: anyhow::Result<Batch>| async { door.deliver(batch?).await };
        let mut results = std::pin::pin!(batches.map(deliver).buffered(usize::from(settings.requests)));
        loop {
            match results.next().await {
                None => break Ok(true),
                Some(Ok(Sent::Interrupted)) => break Ok(false),
                Some(Ok(Sent::Answered(batch, answer))) => {
                    if let Err(error) = state.settle(&batch, answer) {
                        break Err(error);
                    }
                    let (bytes, read) = (state.position, state.counts.read);
                    progress(Progress { file: name.clone(), bytes, bytes_all, read });
                }
                Some(Err(error)) => break Err(error),
            }
        }
    };
    match outcome {
        Ok(true) => state.finish()?,
        Ok(false) => state.save()?,
        Err(error) => {
            state.save()?;
            state.error = format!("{error:#}");
        }
    }
    Ok(state)
}
