//! `milepost demo`: a server in a folder of its own, a week of history through the same doors, then live traffic.

use std::io::Write;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::progress;
use super::serve::{Bound, serve};
use super::settings::Settings;
use crate::access::{Grant, Keys};
use crate::simulate::troubles::Setting;
use crate::simulate::{self, SimulateSettings};

/// What the demo's landscape is like; `milepost simulate --help` says more.
#[derive(Clone, Debug, clap::Args)]
pub struct Traffic {
    /// New orders a minute.
    #[arg(long, default_value_t = 20.0, value_parser = simulate::positive)]
    pub rate: f64,
    /// How much faster than life an order travels; at 600 two days take five minutes.
    #[arg(long, default_value_t = 600.0, value_parser = simulate::positive)]
    pub speed: f64,
    /// The past that is told first: `7d`, `36h`.
    #[arg(long, default_value = "7d", value_parser = simulate::span)]
    pub history: chrono::TimeDelta,
    /// Orders of that past.
    #[arg(long, default_value_t = 500)]
    pub history_orders: u64,
    /// The same seed tells the same stories.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Troubles: NAME=SHARE sets one, `none` switches all off; may be given several times.
    #[arg(long, value_delimiter = ',')]
    pub trouble: Vec<Setting>,
}

/// Tenant of the demo.
const TENANT: &str = "demo";

/// Runs until `shutdown`. The data folder is temporary unless `keep` names one.
pub async fn demo(
    mut settings: Settings,
    traffic: Traffic,
    keep: bool,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let temporary = if keep { None } else { Some(Folder::make()?) };
    if let Some(folder) = &temporary {
        settings.server.data_dir = folder.0.clone();
        settings.journal.dir = folder.0.join("journal");
        settings.engine.dir = folder.0.join("clickhouse");
    }
    let data_dir = settings.server.data_dir.clone();
    std::fs::create_dir_all(&data_dir).with_context(|| format!("cannot make {}", data_dir.display()))?;
    let send = Keys::create(&data_dir, TENANT, Grant::Send { source: "demo".to_owned() })?;
    let read = Keys::create(&data_dir, TENANT, Grant::Read)?;

    let (told, bound) = tokio::sync::oneshot::channel::<Bound>();
    let server = tokio::spawn(serve(settings, shutdown.clone(), move |bound| {
        let _ = told.send(bound.clone());
    }));
    if let Ok(bound) = bound.await {
        introduce(&bound, &send, &read)?;
        let url = |address: std::net::SocketAddr| format!("http://{address}");
        let landscape = SimulateSettings {
            rate: traffic.rate,
            speed: traffic.speed,
            history: Some(traffic.history),
            history_orders: traffic.history_orders,
            seed: traffic.seed,
            trouble: traffic.trouble,
            ..SimulateSettings::local(url(bound.http), url(bound.otlp_grpc), url(bound.otlp_http), send)
        };
        let told = simulate::run(landscape, progress::bar(), shutdown.clone()).await;
        if let Err(error) = told {
            tracing::error!(%error, "the simulated landscape stopped");
        }
        if !shutdown.is_cancelled() {
            tracing::info!("the simulated landscape has told its story; the server goes on");
        }
    }
    server.await?
}

fn introduce(bound: &Bound, send: &str, read: &str) -> anyhow::Result<()> {
    let mut out = std::io::stderr().lock();
    let http = bound.http;
    writeln!(out, "\n  Milepost demo is running: http://{http}/t/{TENANT}/board\n")?;
    writeln!(out, "  Send an event of your own:")?;
    writeln!(
        out,
        "    curl -sS http://{http}/v1/events -H 'Authorization: Bearer {send}' -H 'Content-Type: application/json' \\\n      \
         -d '{{\"id\":\"my-1\",\"type\":\"order.created\",\"source\":\"erp/main\",\"time\":\"{}\",\"object\":{{\"type\":\"order\",\"id\":\"MY-1\"}},\
         \"data\":{{\"customer\":\"Me\",\"lines\":[{{\"line\":\"10\",\"sku\":\"AB-77\",\"quantity\":\"5\",\"unit\":\"EA\"}}]}}}}'",
        chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ")
    )?;
    writeln!(out, "  and see it at http://{http}/t/{TENANT}/w/order/MY-1, or as JSON:")?;
    writeln!(out, "    curl -sS http://{http}/api/v1/workflows/order/MY-1 -H 'Authorization: Bearer {read}'\n")?;
    writeln!(out, "  OTLP/gRPC {}   OTLP/HTTP {}   stop with Ctrl-C\n", bound.otlp_grpc, bound.otlp_http)?;
    Ok(())
}

/// A folder that goes when the demo ends.
struct Folder(std::path::PathBuf);

impl Folder {
    fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("milepost-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
