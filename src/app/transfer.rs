//! `milepost import` and `milepost export`: towards a running server, or with a data folder that no server is using.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use super::progress;
use super::serve::{self, Bound};
use super::settings::Settings;
use crate::access::{Grant, Keys};
use crate::engine::Engine;
use crate::store::{ExportFilter, Store};
use crate::transfer::export::{ExportFormat, pieces};
use crate::transfer::import::{self, ImportSettings, Report};

/// What to write, and where from.
#[derive(Clone, Debug, clap::Args)]
pub struct ExportSettings {
    /// File to write; standard output without it.
    #[arg(long, short = 'o', value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Form of the file; told by its name where that says it.
    #[arg(long, value_enum)]
    pub format: Option<ExportFormat>,
    /// Business time at or after: 2026-11-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub from: Option<DateTime<Utc>>,
    /// Business time before.
    #[arg(long, value_name = "TIME")]
    pub to: Option<DateTime<Utc>>,
    /// What happened to objects of this type.
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// One workflow with everything that belongs to it, by its root: order/SO-10234.
    #[arg(long, value_name = "TYPE/ID")]
    pub root: Option<String>,
    /// Address of a running server.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Key to read with, from `milepost key create --tenant TENANT --read`.
    #[arg(long, env = "MILEPOST_READ_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// With --data-dir instead of --url: whose events.
    #[arg(long)]
    pub tenant: Option<String>,
}

pub async fn import(
    settings: Settings,
    own_folder: bool,
    mut import: ImportSettings,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    for file in &import.files {
        if !file.is_file() {
            bail!("{}: there is no such file", file.display());
        }
    }
    let report = if own_folder {
        let tenant = import.tenant.clone().context("whose events are they? Say --tenant TENANT")?;
        let data_dir = settings.server.data_dir.clone();
        let house = Guest::start(settings, &tenant).await?;
        import.url.clone_from(&house.url);
        let target = format!("{} {tenant}", data_dir.canonicalize().unwrap_or(data_dir).display());
        let report = import::run(&import, &house.key, &target, progress::import_bar(), shutdown).await;
        // Stores what was taken before it ends.
        house.stop().await?;
        report?
    } else {
        let key = import.key.clone().context(
            "a key is needed: --key, or MILEPOST_KEY; `milepost key create --tenant TENANT --source SOURCE` makes one. \
             Without a server: --data-dir DIR --tenant TENANT",
        )?;
        let name = key.split('_').nth(1).unwrap_or_default();
        let target = format!("{} key {name}", import.url.trim_end_matches('/'));
        import::run(&import, &key, &target, progress::import_bar(), shutdown).await?
    };
    tell(&report, import.json)
}

fn tell(report: &Report, json: bool) -> anyhow::Result<()> {
    let text = if json { serde_json::to_string(report)? } else { report.words() };
    writeln!(std::io::stdout(), "{text}")?;
    if report.is_clean() { Ok(()) } else { bail!("not everything was imported; the report says what was not") }
}

/// A server of our own on free ports for the time of one command.
struct Guest {
    url: String,
    key: String,
    data_dir: PathBuf,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Guest {
    async fn start(mut settings: Settings, tenant: &str) -> anyhow::Result<Self> {
        let data_dir = settings.server.data_dir.clone();
        std::fs::create_dir_all(&data_dir).with_context(|| format!("cannot make {}", data_dir.display()))?;
        free(&data_dir)?;
        for address in [&mut settings.server.listen, &mut settings.server.otlp_grpc, &mut settings.server.otlp_http] {
            "127.0.0.1:0".clone_into(address);
        }
        let key = Keys::create(&data_dir, tenant, Grant::Send { source: "import".to_owned() })?;
        let stop = CancellationToken::new();
        let (told, bound) = tokio::sync::oneshot::channel::<Bound>();
        let task = tokio::spawn(serve::serve(settings, stop.clone(), move |bound| {
            let _ = told.send(bound.clone());
        }));
        match bound.await {
            Ok(bound) => Ok(Self { url: format!("http://{}", bound.http), key, data_dir, stop, task }),
            Err(_) => {
                let _ = revoke(&data_dir, &key);
                task.await??;
                bail!("the server in {} did not start", data_dir.display())
            }
        }
    }

    async fn stop(self) -> anyhow::Result<()> {
        revoke(&self.data_dir, &self.key)?;
        self.stop.cancel();
        self.task.await?
    }
}

fn revoke(data_dir: &Path, key: &str) -> anyhow::Result<()> {
    Keys::revoke(data_dir, key.split('_').nth(1).unwrap_or_default())?;
    Ok(())
}

/// Nobody else uses the folder.
pub fn free(data_dir: &Path) -> anyhow::Result<()> {
    serve::lock(data_dir)
        .map(drop)
        .with_context(|| format!("a server is using {}; say --url and --key to go through it", data_dir.display()))
}

pub async fn export(
    settings: Settings,
    own_folder: bool,
    export: ExportSettings,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let format = export.format.unwrap_or_else(|| told_by(export.out.as_deref()));
    let mut out = Out::open(export.out.as_deref())?;
    let done = tokio::select! {
        done = async {
            if own_folder {
                from_folder(settings, &export, format, &mut out).await
            } else {
                from_server(&export, format, &mut out).await
            }
        } => done,
        () = shutdown.cancelled() => bail!("stopped before the end; nothing was kept"),
    };
    done?;
    out.finish()
}

fn told_by(out: Option<&Path>) -> ExportFormat {
    match out.and_then(|path| path.extension()).map(|e| e.to_string_lossy().into_owned()).as_deref() {
        Some("csv") => ExportFormat::Csv,
        Some("json" | "jsonocel") => ExportFormat::Ocel,
        _ => ExportFormat::Ndjson,
    }
}

async fn from_server(export: &ExportSettings, format: ExportFormat, out: &mut Out) -> anyhow::Result<()> {
    let key = export.key.as_deref().context(
        "a key is needed: --key, or MILEPOST_READ_KEY; `milepost key create --tenant TENANT --read` makes one. \
         Without a server: --data-dir DIR --tenant TENANT",
    )?;
    let mut query = vec![("format", format.name().to_owned())];
    query.extend(export.from.map(|at| ("from", at.to_rfc3339())));
    query.extend(export.to.map(|at| ("to", at.to_rfc3339())));
    query.extend(export.kind.clone().map(|kind| ("type", kind)));
    query.extend(export.root.clone().map(|root| ("root", root)));
    let query: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", crate::pages::words::encode(value))).collect();
    let url = format!("{}/api/v1/export?{}", export.url.trim_end_matches('/'), query.join("&"));
    let answer = reqwest::Client::new()
        .get(&url)
        .bearer_auth(key)
        .send()
        .await
        .with_context(|| format!("cannot reach {}", export.url))?;
    let status = answer.status();
    if !status.is_success() {
        let problem: serde_json::Value = answer.json().await.unwrap_or_default();
        let word = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        bail!("the server says {}: {}. {}", status.as_u16(), word("title"), word("detail"));
    }
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        out.write(&piece.context("the answer broke off before its end; nothing was kept")?)?;
    }
    Ok(())
}

async fn from_folder(
    settings: Settings,
    export: &ExportSettings,
    format: ExportFormat,
    out: &mut Out,
) -> anyhow::Result<()> {
    let tenant = export.tenant.clone().context("whose events? Say --tenant TENANT")?;
    let data_dir = settings.server.data_dir.clone();
    if settings.server.clickhouse_url.is_empty() && !data_dir.join("clickhouse").is_dir() {
        bail!("{}: there is no data of a server in it", data_dir.display());
    }
    free(&data_dir)?;
    let engine = match settings.server.clickhouse_url.is_empty() {
        true => Some(Engine::start(settings.engine.clone()).await?),
        false => None,
    };
    let done = async {
        let store = serve::store(&settings, engine.as_ref())?;
        store.migrate().await?;
        let filter = filter(&store, &tenant, export).await?;
        let mut pieces = pieces(store, tenant, filter, format);
        while let Some(piece) = pieces.recv().await {
            out.write(&piece?)?;
        }
        anyhow::Ok(())
    }
    .await;
    if let Some(engine) = engine {
        engine.stop().await;
    }
    done
}

async fn filter(store: &Store, tenant: &str, export: &ExportSettings) -> anyhow::Result<ExportFilter> {
    let moment = |at: Option<DateTime<Utc>>| at.map_or(0, |at| at.timestamp_millis());
    let objects = match &export.root {
        None => Vec::new(),
        Some(root) => {
            let object = milepost_ingest::ObjectRef::parse(root)
                .with_context(|| format!("--root {root}: expected type/id, such as order/SO-10234"))?;
            store.everything_of(tenant, &object).await?.with_context(|| format!("{root} is not known"))?
        }
    };
    let object_type = export.kind.clone().unwrap_or_default();
    Ok(ExportFilter { from_ms: moment(export.from), to_ms: moment(export.to), object_type, objects })
}

/// A file that appears when it is whole, or standard output.
struct Out {
    to: Box<dyn Write + Send>,
    file: Option<(PathBuf, PathBuf)>,
    bar: indicatif::ProgressBar,
    bytes: u64,
}

impl Out {
    fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let bar = progress::export_bar();
        let Some(path) = path else {
            return Ok(Self { to: Box::new(std::io::stdout()), file: None, bar, bytes: 0 });
        };
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = std::fs::File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
        let to = Box::new(std::io::BufWriter::with_capacity(1 << 18, file));
        Ok(Self { to, file: Some((part, path.to_owned())), bar, bytes: 0 })
    }

    fn write(&mut self, piece: &[u8]) -> anyhow::Result<()> {
        self.to.write_all(piece).context("cannot write")?;
        self.bytes += piece.len() as u64;
        self.bar.set_position(self.bytes);
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.to.flush().context("cannot write")?;
        self.bar.finish_and_clear();
        if let Some((part, path)) = self.file.take() {
            std::fs::rename(&part, &path).with_context(|| format!("cannot write {}", path.display()))?;
            writeln!(std::io::stderr(), "{} bytes in {}", self.bytes, path.display())?;
        }
        Ok(())
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if let Some((part, _)) = &self.file {
            let _ = std::fs::remove_file(part);
        }
    }
}
