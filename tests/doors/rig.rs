//! All three doors on ports of their own, with one key to send and one to read.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer, web};
use milepost::access::{Grant, Keys};
use milepost::receive::{Doors, Settings, events, otlp_grpc, otlp_http};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::recorder::Recorder;

pub struct Rig {
    pub intake: Arc<Recorder>,
    pub doors: Arc<Doors>,
    pub dir: TempDir,
    pub key: String,
    pub read_key: String,
    pub events: SocketAddr,
    pub otlp: SocketAddr,
    pub grpc: SocketAddr,
    pub shutdown: CancellationToken,
    pub grpc_ended: tokio::task::JoinHandle<()>,
    _stop: DropGuard,
}

impl Rig {
    pub async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let dir = TempDir::new().unwrap();
        let key = Keys::create(dir.path(), "acme", Grant::Send { source: "erp/test".to_owned() }).unwrap();
        let read_key = Keys::create(dir.path(), "acme", Grant::Read).unwrap();
        let keys = Arc::new(Keys::open(dir.path()).unwrap());
        let intake = Arc::new(Recorder::new());
        let doors = Arc::new(Doors::new(intake.clone(), keys, settings));

        let shutdown = CancellationToken::new();
        let events = serve_http(doors.clone(), events::configure, &shutdown);
        let otlp = serve_http(doors.clone(), otlp_http::configure, &shutdown);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let grpc = listener.local_addr().unwrap();
        let serving = otlp_grpc::serve(listener, doors.clone(), shutdown.clone());
        let grpc_ended = tokio::spawn(async move { serving.await.unwrap() });
        let stop = shutdown.clone().drop_guard();
        Self { intake, doors, dir, key, read_key, events, otlp, grpc, shutdown, grpc_ended, _stop: stop }
    }

    pub fn post(&self, path: &str) -> reqwest::RequestBuilder {
        let address = if ["/v1/events", "/v1/dead-letters"].contains(&path) { self.events } else { self.otlp };
        reqwest::Client::new().post(format!("http://{address}{path}")).bearer_auth(&self.key)
    }

    /// What `/metrics` will say.
    pub fn metrics(&self) -> String {
        let mut out = String::new();
        self.doors.render(&mut out);
        out
    }

    /// Sends bytes as they are, and returns all that comes back until the server closes.
    pub async fn raw(&self, address: SocketAddr, request: &[u8]) -> String {
        let mut socket = TcpStream::connect(address).await.unwrap();
        // The server may close in the middle of what we send; what it said before counts.
        let _ = socket.write_all(request).await;
        read_to_end(&mut socket).await
    }

    /// Request line and headers that each raw request needs.
    pub fn head(&self, extra: &str) -> String {
        format!("POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{extra}\r\n", self.key)
    }
}

fn serve_http(doors: Arc<Doors>, configure: fn(&mut web::ServiceConfig), shutdown: &CancellationToken) -> SocketAddr {
    let header_time = doors.settings().header_time();
    let app = move || App::new().app_data(web::Data::from(doors.clone())).configure(configure);
    let server = HttpServer::new(app)
        .workers(1)
        .tcp_nodelay(true)
        .client_request_timeout(header_time)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let (handle, shutdown) = (server.handle(), shutdown.clone());
    tokio::spawn(server);
    tokio::spawn(async move {
        shutdown.cancelled().await;
        handle.stop(false).await;
    });
    address
}

pub async fn read_to_end(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let reading = async {
        let mut step = [0; 4096];
        while let Ok(count) = socket.read(&mut step).await {
            if count == 0 {
                break;
            }
            answer.extend_from_slice(&step[..count]);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("the server closes the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Waits until a condition holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::encode_all(data, 3).unwrap()
}
