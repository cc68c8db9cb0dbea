//! The server under load, and what the system's books say of its processes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub const MILEPOST: &str = env!("CARGO_BIN_EXE_milepost");

pub struct Server {
    dir: PathBuf,
    /// Removed when the server is gone; None where the data is to stay.
    _scratch: Option<TempDir>,
    process: Child,
    pub http: String,
    pub otlp_http: String,
    pub send_key: String,
    pub read_key: String,
    client: reqwest::Client,
}

impl Server {
    /// On data of its own, which goes with it.
    pub fn start() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut server = Self::on(scratch.path(), Path::new(MILEPOST));
        server._scratch = Some(scratch);
        server
    }

    /// On this data, by this binary.
    pub fn on(dir: &Path, binary: &Path) -> Self {
        let key = |args: &[&str]| {
            let made = Command::new(binary)
                .args(["key", "create", "--data-dir"])
                .arg(dir)
                .args(["--tenant", "load"])
                .args(args)
                .output()
                .unwrap();
            String::from_utf8(made.stdout).unwrap().trim().to_owned()
        };
        let (send_key, read_key) = (key(&["--source", "load/rig"]), key(&["--read"]));
        let mut process = Command::new(binary)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--otlp-grpc",
                "127.0.0.1:0",
                "--otlp-http",
                "127.0.0.1:0",
                "--data-dir",
            ])
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the server did not start: {line:?}"));
        let url = |name: &str| format!("http://{}", ready[name].as_str().unwrap());
        let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        let (http, otlp_http) = (url("http"), url("otlp_http"));
        Self { http, otlp_http, dir: dir.to_owned(), _scratch: None, process, send_key, read_key, client }
    }

    pub fn milepost(&self) -> Process {
        Process(self.process.id())
    }

    pub fn clickhouse(&self) -> Process {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let children = tasks.flatten().map(|t| std::fs::read_to_string(t.path().join("children")).unwrap_or_default());
        let pids: Vec<u32> =
            children.flat_map(|c| c.split_whitespace().map(|p| p.parse().unwrap()).collect::<Vec<_>>()).collect();
        Process(pids.into_iter().next().unwrap_or_else(|| panic!("no engine process")))
    }

    pub async fn rows(&self, table: &str) -> u64 {
        let count = self.ask(&format!("SELECT count() FROM {table}")).await;
        count.trim().parse().unwrap_or_else(|_| panic!("{count}"))
    }

    /// What the database says.
    pub async fn ask(&self, sql: &str) -> String {
        let connection: Value =
            serde_json::from_slice(&std::fs::read(self.dir.join("clickhouse/connection.json")).unwrap()).unwrap();
        let text = |name: &str| connection[name].as_str().unwrap().to_owned();
        let request = self.client.post(format!("{}/?database=milepost", text("url").trim_end_matches('/')));
        let request = request.basic_auth(text("user"), Some(text("password"))).body(sql.to_owned());
        request.send().await.unwrap().text().await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        let begun = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Clone, Copy)]
pub struct Process(u32);

impl Process {
    pub fn of(pid: u32) -> Self {
        Self(pid)
    }

    /// CPU seconds used so far, user and system.
    pub fn cpu(self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        // After the name, which may hold anything, in brackets.
        let fields: Vec<&str> =
            stat.rsplit_once(')').map_or_else(Vec::new, |(_, rest)| rest.split_whitespace().collect());
        let ticks = |n: usize| fields.get(n).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
        (ticks(11) + ticks(12)) / 100.0
    }

    /// Forgets the peak so far.
    pub fn reset_peak(self) {
        let _ = std::fs::write(format!("/proc/{}/clear_refs", self.0), "5");
    }

    pub fn peak_mib(self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1024
    }
}

pub fn words() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    format!("{cores} cores, load average {load} at the start; generator, milepost and ClickHouse share them")
}
