//! A running server for a test: started, asked, killed, started again. Polls for conditions, never sleeps for luck.

use std::fs::File;
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

pub const MILEPOST: &str = env!("CARGO_BIN_EXE_milepost");
pub const PROJECT: &str = env!("CARGO_MANIFEST_DIR");
/// Longest wait for any condition: much more than it takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Server {
    dir: TempDir,
    process: Option<Child>,
    pub http: String,
    pub otlp_grpc: String,
    pub otlp_http: String,
    pub tenant: &'static str,
    pub send_key: String,
    pub read_key: String,
    pub operate_key: String,
    client: reqwest::Client,
    more: Vec<String>,
}

impl Server {
    /// Starts on free ports with an empty folder, one key to send with and one to read with.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub async fn start_with(more: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tenant = "acme";
        let key = |args: &[&str]| {
            let made = Command::new(MILEPOST)
                .args(["key", "create", "--data-dir"])
                .arg(dir.path())
                .args(["--tenant", tenant])
                .args(args)
                .output()
                .unwrap();
            assert!(made.status.success(), "no key: {}", String::from_utf8_lossy(&made.stderr));
            String::from_utf8(made.stdout).unwrap().trim().to_owned()
        };
        let (send_key, read_key) = (key(&["--source", "test/rig"]), key(&["--read"]));
        let operate_key = key(&["--operate"]);
        let mut server = Self {
            dir,
            process: None,
            http: String::new(),
            otlp_grpc: String::new(),
            otlp_http: String::new(),
            tenant,
            send_key,
            read_key,
            operate_key,
            client: client(),
            more: more.iter().map(|&a| a.to_owned()).collect(),
        };
        server.launch();
        server
    }

    /// From the next start on with other arguments.
    pub fn with(&mut self, more: &[&str]) {
        self.more = more.iter().map(|&a| a.to_owned()).collect();
    }

    /// Starts the process and reads where it listens.
    pub fn launch(&mut self) {
        assert!(self.process.is_none(), "it is running");
        // Connections to the process before this one are dead.
        self.client = client();
        let address = |old: &str| old.strip_prefix("http://").unwrap_or("127.0.0.1:0").to_owned();
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let mut process = Command::new(MILEPOST)
            .arg("serve")
            .arg("--data-dir")
            .arg(self.dir.path())
            .args([
                "--listen",
                &address(&self.http),
                "--otlp-grpc",
                &address(&self.otlp_grpc),
                "--otlp-http",
                &address(&self.otlp_http),
            ])
            .args(&self.more)
            .current_dir(PROJECT)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.process = Some(process);
        let ready: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("no ready line but {line:?}; log:\n{}", self.log_tail()));
        let url =
            |name: &str| format!("http://{}", ready[name].as_str().unwrap_or_else(|| panic!("no {name} in {line}")));
        (self.http, self.otlp_grpc, self.otlp_http) = (url("http"), url("otlp_grpc"), url("otlp_http"));
    }

    /// SIGKILL: no warning, no chance to write anything down.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// SIGTERM and the end of the process.
    pub fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        signal(process.id(), "TERM");
        let begun = Instant::now();
        while process.try_wait().unwrap().is_none() {
            if begun.elapsed() > PATIENCE {
                process.kill().unwrap();
                process.wait().unwrap();
                return;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    pub fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// The embedded ClickHouse, as the system's process list knows it.
    pub fn engine_pid(&self) -> Option<u32> {
        let children = format!("/proc/{0}/task", self.pid());
        let mut found = std::fs::read_dir(children).ok()?.flatten().flat_map(|task| {
            let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
        });
        found.find(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("engine"))
        })
    }

    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub async fn send(&self, events: &Value) -> Value {
        let (status, answer) = self.post("/v1/events", "application/json", events.to_string()).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Sends to the events API; the answer as JSON, null where it is none.
    pub async fn post(&self, path: &str, form: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let request =
            self.client.post(format!("{}{path}", self.http)).bearer_auth(&self.send_key).header("content-type", form);
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// Asks the API, whatever it answers.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.client.get(format!("{}{path}", self.http)).bearer_auth(&self.read_key).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// Acts through the API: status and answer.
    pub async fn act(&self, path: &str, body: &Value, once: Option<&str>) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.http)).bearer_auth(&self.operate_key).json(body);
        let request = once.iter().fold(request, |request, key| request.header("idempotency-key", *key));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// Sends a form of a page, as a browser does: the status of the answer (303 leads back) and where it leads.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let text: Vec<String> =
            fields.iter().map(|(k, v)| format!("{k}={}", milepost::pages::words::encode(v))).collect();
        let request = client.post(format!("{}{path}", self.http)).header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(text.join("&"));
        let answer = request.send().await.unwrap();
        let to = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or_default().to_owned();
        (answer.status().as_u16(), to)
    }

    /// Asks the API; None for 404.
    pub async fn ask(&self, path: &str) -> Option<Value> {
        let answer = self.client.get(format!("{}{path}", self.http)).bearer_auth(&self.read_key).send().await.ok()?;
        match answer.status().as_u16() {
            200 => Some(answer.json().await.unwrap()),
            404 | 502..=504 => None,
            other => panic!("{path}: {other} {}", answer.text().await.unwrap_or_default()),
        }
    }

    pub async fn workflow(&self, id: &str) -> Option<Value> {
        self.ask(&format!("/api/v1/workflows/order/{id}")).await
    }

    /// A page as a browser would get it.
    pub async fn page(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(format!("{}{path}", self.http)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Asks ClickHouse itself, past all of Milepost.
    pub async fn clickhouse(&self, sql: &str) -> Vec<Value> {
        self.try_clickhouse(sql).await.unwrap_or_else(|| panic!("ClickHouse does not answer {sql}"))
    }

    pub async fn try_clickhouse(&self, sql: &str) -> Option<Vec<Value>> {
        let connection = std::fs::read(self.folder().join("clickhouse/connection.json")).ok()?;
        let connection: Value = serde_json::from_slice(&connection).ok()?;
        let text = |name: &str| connection[name].as_str().unwrap_or_default().to_owned();
        let ask = |sql: String, database: String| {
            let request = self
                .client
                .post(format!("{}/?database={database}", text("url")))
                .basic_auth(text("user"), Some(text("password")));
            async move {
                let answer = request.body(sql).send().await.ok()?;
                let (status, body) = (answer.status(), answer.text().await.ok()?);
                assert!(status.is_success() || status.is_server_error() && body.contains("NETWORK"), "{body}");
                Some(body)
            }
        };
        let database =
            ask("SELECT database FROM system.tables WHERE name = 'workflows' LIMIT 1".to_owned(), "default".to_owned())
                .await?;
        let rows = ask(format!("{sql} FORMAT JSONEachRow"), database.trim().to_owned()).await?;
        Some(rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("test-server.log")
    }

    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the server's log ended with:\n{}", self.log_tail());
        }
        self.stop();
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap()
}

pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap();
    assert!(sent.success(), "no process {pid}");
}

/// Asks again and again until there is an answer; fails with `what` when there is none in time.
pub async fn until<T, F, Asked>(what: &str, probe: F) -> T
where
    F: FnMut() -> Asked,
    Asked: Future<Output = Option<T>>,
{
    until_within(PATIENCE, what, probe).await
}

pub async fn until_within<T, F, Asked>(limit: Duration, what: &str, probe: F) -> T
where
    F: FnMut() -> Asked,
    Asked: Future<Output = Option<T>>,
{
    poll(limit, what, String::new, probe).await
}

/// As `until`; says more when it was in vain.
pub async fn until_or<T, F, Asked>(what: &str, more: impl Fn() -> String, probe: F) -> T
where
    F: FnMut() -> Asked,
    Asked: Future<Output = Option<T>>,
{
    poll(PATIENCE, what, more, probe).await
}

async fn poll<T, F, Asked>(limit: Duration, what: &str, more: impl Fn() -> String, mut probe: F) -> T
where
    F: FnMut() -> Asked,
    Asked: Future<Output = Option<T>>,
{
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(40));
    loop {
        ticks.tick().await;
        if let Some(found) = probe().await {
            return found;
        }
        assert!(begun.elapsed() < limit, "waited {limit:?} in vain until {what} {}", more());
    }
}

/// A JSON event of the test's own making, at a fixed business time plus `minute`s.
pub fn event(kind: &str, id: &str, object: (&str, &str), refs: Value, minute: u32, data: Value) -> Value {
    let system = match kind.split('.').next().unwrap() {
        _ if kind == "invoice.posted" => "erp/main",
        "order" => "erp/main",
        "pick" | "pack" | "inventory" | "return" => "wms/east-2",
        "shipment" if matches!(kind, "shipment.created" | "shipment.shipped" | "shipment.short_shipped") => {
            "wms/east-2"
        }
        "shipment" | "load" | "delivery" => "tms/fleet",
        "payment" | "accrual" => "finance/ledger",
        _ => "billing/rating",
    };
    json!({
        "id": id, "type": kind, "source": system, "time": format!("2026-11-{:02}T{:02}:{:02}:00+01:00", 10 + minute / 1440, minute / 60 % 24, minute % 60),
        "object": {"type": object.0, "id": object.1}, "refs": refs, "data": data,
    })
}

/// One line of five pieces; the smallest order that everything can happen to.
pub fn order(id: &str, minute: u32) -> Value {
    let lines = json!([{"line": "10", "sku": "AB-77", "quantity": "5", "unit": "EA", "price": {"value": "12.90", "currency": "EUR"}}]);
    let data = json!({
        "customer": "Nordwind Handels GmbH", "lines": lines, "amount": {"value": "64.50", "currency": "EUR"}, "pod_required": true,
        "promised_ship": "2026-11-11T16:00:00+01:00", "promised_delivery": "2026-11-14T16:00:00+01:00", "priority": "standard", "billing_policy": "complete",
    });
    event("order.created", &format!("erp-{id}-created"), ("order", id), json!({}), minute, data)
}

/// The milestone of a workflow as the API tells it.
pub fn milestone<'w>(workflow: &'w Value, key: &str) -> &'w Value {
    let found = workflow["milestones"].as_array().unwrap().iter().find(|m| m["key"] == key);
    found.unwrap_or_else(|| panic!("no milestone {key} in {workflow}"))
}
