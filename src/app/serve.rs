//! The running server: opens everything in the right order, says when it is ready, and closes in the reverse order.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::mails::Mails;
use super::settings::{Server, Settings};
use super::setup::Setup;
use super::{definitions, http};
use crate::access::Keys;
use crate::alerts::{Bell, Board};
use crate::domain::Shelf;
use crate::engine::Engine;
use crate::journal::{Journal, Segments};
use crate::live::Hub;
use crate::pages::Desk;
use crate::pipeline::{Checkpoint, Gate, Groups, Observed, Outlook, Pipeline, Sentinel, Stale, Status};
use crate::receive::{self, Doors};
use crate::replay::Replays;
use crate::store::Store;

/// Where the server listens; printed as one JSON line when it is ready.
#[derive(Clone, Debug, Serialize)]
pub struct Bound {
    pub http: SocketAddr,
    pub otlp_grpc: SocketAddr,
    pub otlp_http: SocketAddr,
    pub data_dir: String,
    pub clickhouse: String,
    pub version: &'static str,
}

/// Everything that the ports share.
pub struct House {
    pub doors: Arc<Doors>,
    pub desk: Arc<Desk>,
    pub status: Arc<Status>,
    pub journal: Arc<dyn Journal>,
}

/// Serves until `shutdown`. `ready` is called once, when pages can be read.
pub async fn serve(settings: Settings, shutdown: CancellationToken, ready: impl FnOnce(&Bound)) -> anyhow::Result<()> {
    loopback(&settings.server)?;
    let data_dir = &settings.server.data_dir;
    std::fs::create_dir_all(data_dir).with_context(|| format!("cannot make the data folder {}", data_dir.display()))?;
    let _lock = lock(data_dir)?;
    let listen = |what: &str, address: &str| {
        TcpListener::bind(address).with_context(|| {
            format!("cannot listen on {address} ({what}); is something else using it? Port 0 takes a free one: --{what} 127.0.0.1:0")
        })
    };
    let http = listen("listen", &settings.server.listen)?;
    let otlp_grpc = listen("otlp-grpc", &settings.server.otlp_grpc)?;
    let otlp_http = listen("otlp-http", &settings.server.otlp_http)?;

    let files = definitions::files(&settings.server.definitions)?;
    let (rulebook, rosters) = definitions::rules(&files)?;
    let files = Arc::new(ArcSwap::from_pointee(files));
    let board = Arc::new(Board::default());
    board.put(rosters);
    let shelf = Arc::new(Shelf::new(rulebook));
    let rules = Arc::new(definitions::reading_rules(&settings)?);
    let keys = Arc::new(Keys::open(data_dir)?);
    let checkpoint = Checkpoint::open(data_dir).context("cannot read the checkpoint")?;
    let (segments, recovery) = Segments::open(settings.journal.clone(), checkpoint.position().next)?;
    if recovery.is_damaged() {
        tracing::error!(?recovery, "the journal was damaged; what was readable is kept");
    }
    let journal: Arc<dyn Journal> = Arc::new(segments);

    let engine = if settings.server.clickhouse_url.is_empty() {
        Some(Engine::start(settings.engine.clone()).await?)
    } else {
        None
    };
    let store = store(&settings, engine.as_ref())?;
    let hub = Hub::default();
    let status = Arc::new(Status::default());
    let gate = Arc::new(Gate::new(Arc::clone(&journal), Arc::clone(&rules), &settings.pipeline));
    gate.recall(checkpoint.position().next)?;
    let doors = Arc::new(Doors::new(Arc::clone(&gate) as _, Arc::clone(&keys), settings.receive.clone()));
    let desk = Desk::new(store.clone(), Arc::clone(&shelf), hub.clone(), Arc::clone(&keys));
    let outlook = Arc::new(Outlook::default());
    let desk = desk.with_acts(Arc::clone(&gate) as _).with_outlook(Arc::clone(&outlook));
    let targets = Arc::new(definitions::targets(&files.load())?);
    let replays_stop = CancellationToken::new();
    let stale = Arc::new(Stale::default());
    let replays = Replays::new(
        store.clone(),
        Arc::clone(&gate),
        Arc::clone(&shelf),
        Arc::clone(&targets),
        hub.clone(),
        Arc::clone(&stale),
        replays_stop.clone(),
    )?;
    let desk = desk.with_replays(Arc::clone(&replays));
    let desk = Arc::new(desk.with_data_dir(data_dir.display().to_string()));

    let pipeline_stop = CancellationToken::new();
    let groups = Groups::new(store.clone(), hub.clone(), Arc::clone(&stale), pipeline_stop.clone());
    tokio::spawn(Arc::clone(&outlook).watch(store.clone(), Arc::clone(&shelf), pipeline_stop.clone()));
    let observed = Arc::new(Observed::default());
    let sentinel = Sentinel { store: store.clone(), observed: Arc::clone(&observed), shutdown: pipeline_stop.clone() };
    let pipeline = Pipeline {
        gate: Arc::clone(&gate),
        store,
        hub,
        shelf: Arc::clone(&shelf),
        outlook,
        settings: settings.pipeline.clone(),
        checkpoint,
        status: Arc::clone(&status),
        stale,
        observed: Arc::clone(&observed),
        shutdown: pipeline_stop.clone(),
    };
    let runtime = tokio::runtime::Handle::current();
    let (alive, ended) = tokio::sync::oneshot::channel::<()>();
    let worker = std::thread::Builder::new().name("pipeline".to_owned()).spawn(move || {
        let _alive = alive;
        pipeline.run(&runtime);
    })?;

    let bound = Bound {
        http: http.local_addr()?,
        otlp_grpc: otlp_grpc.local_addr()?,
        otlp_http: otlp_http.local_addr()?,
        data_dir: data_dir.display().to_string(),
        clickhouse: engine.as_ref().map_or_else(|| settings.server.clickhouse_url.clone(), |e| e.url().to_owned()),
        version: env!("CARGO_PKG_VERSION"),
    };
    let house =
        Arc::new(House { doors: Arc::clone(&doors), desk, status: Arc::clone(&status), journal: Arc::clone(&journal) });
    let pages = http::pages(http, &house, &settings)?;
    let otlp = http::otlp(otlp_http, &doors, &settings)?;
    let handles = [pages.handle(), otlp.handle()];
    let servers = [tokio::spawn(pages), tokio::spawn(otlp)];
    otlp_grpc.set_nonblocking(true)?;
    let grpc_listener = tokio::net::TcpListener::from_std(otlp_grpc)?;
    let grpc_stop = CancellationToken::new();
    let grpc = tokio::spawn(receive::otlp_grpc::serve(grpc_listener, doors, grpc_stop.clone()));

    let base = match settings.server.public_url.trim_end_matches('/') {
        "" => format!("http://{}", bound.http),
        url => url.to_owned(),
    };
    let mails = Mails {
        desk: Arc::clone(&house.desk),
        board: Arc::clone(&board),
        home: base.clone(),
        shutdown: pipeline_stop.clone(),
    };
    let bell = Bell {
        store: house.desk.store.clone(),
        hub: house.desk.hub.clone(),
        shelf: Arc::clone(&shelf),
        board: Arc::clone(&board),
        base,
        shutdown: pipeline_stop.clone(),
    };
    let own = settings.server.definitions.clone();
    let watching = definitions::watch(own, Arc::clone(&files), shelf, targets, board, shutdown.clone());
    let watching = tokio::spawn(watching);
    let watching_rules = tokio::spawn(definitions::watch_rules(settings.server.clone(), rules, shutdown.clone()));

    let mut told = Instant::now();
    while !status.loaded.load(Ordering::Acquire) && !shutdown.is_cancelled() && !worker.is_finished() {
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            tracing::info!("waiting for the store; senders are served meanwhile");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ready(&bound);
    let groups = tokio::spawn(groups.run());
    let late = Arc::clone(&replays);
    let recovering = tokio::spawn(async move {
        replays.recover().await;
        late.watch_late().await;
    });
    let sentinel = tokio::spawn(sentinel.run());
    let setup = Setup {
        settings: settings.clone(),
        files,
        desk: Arc::clone(&house.desk),
        gate: Arc::clone(&gate),
        keys,
        shutdown: pipeline_stop.clone(),
    };
    let setup = tokio::spawn(setup.watch());
    let bell = tokio::spawn(bell.run());
    let mails = tokio::spawn(mails.run());
    tokio::select! {
        () = shutdown.cancelled() => {}
        // Without its pipeline the server would take in and never show: better to end, and be started again.
        _ = ended => tracing::error!("the pipeline ended by itself; shutting down"),
    }

    // Doors first, so that what was acknowledged is all there is; then the pipeline drains; the engine last.
    tracing::info!("shutting down");
    watching.abort();
    watching_rules.abort();
    recovering.abort();
    replays_stop.cancel();
    gate.close();
    house.desk.hub.close();
    grpc_stop.cancel();
    for handle in handles {
        handle.stop(true).await;
    }
    for server in servers {
        server.await??;
    }
    grpc.await??;
    pipeline_stop.cancel();
    groups.await?;
    sentinel.await?;
    setup.await?;
    bell.await?;
    mails.await?;
    tokio::task::spawn_blocking(move || worker.join()).await?.map_err(|_| anyhow::anyhow!("the pipeline panicked"))?;
    journal.close();
    if let Some(engine) = engine {
        engine.stop().await;
    }
    Ok(())
}

/// Without access control, only this machine may see anything.
pub fn loopback(server: &Server) -> anyhow::Result<()> {
    for (name, address) in
        [("listen", &server.listen), ("otlp-grpc", &server.otlp_grpc), ("otlp-http", &server.otlp_http)]
    {
        let address: SocketAddr = address
            .parse()
            .with_context(|| format!("--{name}: `{address}` is no address; expected for example 127.0.0.1:8080"))?;
        if !address.ip().is_loopback() {
            bail!(
                "--{name} {address}: refused. Pages have no access control yet, so Milepost listens on loopback only \
                 (127.0.0.1 or [::1]). Put a reverse proxy with authentication in front of it."
            );
        }
    }
    Ok(())
}

/// The store that the settings name: the engine's, or a server's.
pub fn store(settings: &Settings, engine: Option<&Engine>) -> anyhow::Result<Store> {
    let server = &settings.server;
    let store = match engine {
        Some(engine) => Store::new(engine.url(), engine.user(), engine.password(), &server.database),
        None => {
            let password = match server.clickhouse_password_file.as_str() {
                "" => String::new(),
                file => std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?.trim().to_owned(),
            };
            Store::new(&server.clickhouse_url, &server.clickhouse_user, &password, &server.database)
        }
    };
    Ok(store.with_retention(settings.retention.clone()))
}

/// One server per data folder.
pub fn lock(data_dir: &Path) -> anyhow::Result<std::fs::File> {
    let path = data_dir.join("lock");
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => bail!("another milepost is using {}", data_dir.display()),
    }
}
