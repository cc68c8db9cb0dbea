//! How long pages take at a million open workflows: fills a server through its own door, restarts it, and asks for pages while events
//! go on coming in. Not a test: nothing here passes or fails.
//!
//! `cargo bench --bench pages [-- --orders N] [--failures N] [--requests N] [--dir DIR] [--binary FILE]`
//!
//! A DIR keeps the data: the next run on it only asks. A FILE is another build of `milepost` to ask.
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made should stop")]

#[expect(dead_code, reason = "the load generator uses the rest")]
#[path = "../load/machine.rs"]
mod machine;
mod orders;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use hdrhistogram::Histogram;
use machine::{Server, words};
use reqwest::Client;

/// Page, and what it is asked for.
const PAGES: [(&str, &str); 12] = [
    ("board", "board"),
    ("workflows, open", "workflows?closed=no"),
    ("workflows, one customer's breached", "workflows?status=breached&customer=Customer+17"),
    ("exceptions", "exceptions"),
    ("exceptions, one kind by money", "exceptions?kind=sla_breached&sort=amount"),
    ("breaches", "slas/breaches"),
    ("clocks due next", "slas/breaches?state=running"),
    ("readiness worklist", "readiness"),
    ("readiness, ready", "readiness?state=ready"),
    ("failure groups", "failures"),
    ("held", "held"),
    ("an order", "w/order/SO-000000000007"),
];
/// Zones make one reader's page another than the next one's: what is remembered of the last second does not help.
const ZONES: [&str; 40] = [
    "Africa/Cairo",
    "Africa/Lagos",
    "Africa/Nairobi",
    "America/Bogota",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Lima",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Phoenix",
    "America/Santiago",
    "America/Toronto",
    "Asia/Bangkok",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Jakarta",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Manila",
    "Asia/Riyadh",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Taipei",
    "Asia/Tokyo",
    "Australia/Perth",
    "Australia/Sydney",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Helsinki",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Oslo",
    "Europe/Paris",
    "Europe/Rome",
    "Pacific/Auckland",
];
/// Orders that come in each second while pages are asked for.
const TRICKLE: u64 = 20;
const BODY: u64 = 200;
const SENDERS: u64 = 4;

struct Plan {
    orders: u64,
    failures: u64,
    requests: usize,
    dir: Option<PathBuf>,
    binary: PathBuf,
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // Only `cargo bench` says so; built along with the tests it has nothing to do.
    if !args.iter().any(|a| a == "--bench") {
        return;
    }
    let value = |name: &str| args.iter().position(|a| a == name).and_then(|at| args.get(at + 1));
    let number = |name: &str, usual: u64| value(name).map_or(usual, |text| text.parse().unwrap());
    let plan = Plan {
        orders: number("--orders", 1_000_000),
        failures: number("--failures", 100_000),
        requests: usize::try_from(number("--requests", 200)).unwrap(),
        dir: value("--dir").map(PathBuf::from),
        binary: value("--binary").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_milepost")), PathBuf::from),
    };
    let scratch = tempfile::tempdir().unwrap();
    let dir = plan.dir.clone().unwrap_or_else(|| scratch.path().to_owned());
    say(&words());
    if !dir.join("filled").exists() {
        fill(&plan, &dir).await;
        std::fs::write(dir.join("filled"), "").unwrap();
    }
    let begun = Instant::now();
    let server = Arc::new(Server::on(&dir, &plan.binary));
    let started = begun.elapsed().as_secs_f64();
    let work = |server: &Server| (server.milepost().cpu(), server.clickhouse().cpu());
    let (milepost, clickhouse) = work(&server);
    say(&format!(
        "restart: {started:.1} s until pages can be read, {milepost:.1} s of CPU in Milepost and {clickhouse:.1} s in ClickHouse"
    ));
    until_remembered(&server).await;
    say(&format!(
        "until everything is in memory and judged anew: {:.1} s; at most {} MiB in Milepost and {} MiB in ClickHouse",
        begun.elapsed().as_secs_f64(),
        server.milepost().peak_mib(),
        server.clickhouse().peak_mib()
    ));
    for (what, sql) in [
        ("open workflows", "SELECT count() FROM workflows FINAL WHERE NOT closed"),
        ("open clocks", "SELECT count() FROM slas FINAL WHERE open"),
        ("open exceptions", "SELECT count() FROM exceptions FINAL WHERE NOT closed"),
        ("items of readiness", "SELECT count() FROM readiness FINAL WHERE state != 'gone'"),
        ("failed payloads", "SELECT count() FROM failures"),
        ("events", "SELECT count() FROM events"),
    ] {
        say(&format!("{what}: {}", server.ask(sql).await.trim()));
    }
    ask_for_pages(&plan, &server).await;
    let first = 10_000 * plan.orders + u64::from(std::process::id()) % 1_000_000 * 100_000;
    watch_clocks(&server, first, 30, TRICKLE).await;
    watch_clocks(&server, first + 50_000, 1, 2_000).await;
}

/// How long after its time a clock is seen to have run out, when so many do each second.
async fn watch_clocks(server: &Server, first: u64, seconds: u64, each: u64) {
    let client = Client::new();
    let mut next = first;
    for _ in 0..seconds {
        let at = Utc::now() + chrono::Duration::seconds(20);
        for _ in 0..each.div_ceil(BODY) {
            let end = next + BODY.min(each);
            send(&client, server, orders::due(next..end, at)).await;
            next = end;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(25)).await;
    until_quiet(server).await;
    let late = server
        .ask(&format!(
            "SELECT concat(toString(count()), ' clocks, ', toString(quantile(0.5)(ms)), ' ms p50, ', toString(quantile(0.99)(ms)),
             ' ms p99, ', toString(max(ms)), ' ms at most') FROM
             (SELECT toUnixTimestamp64Milli(assumeNotNull(detected_at)) - toUnixTimestamp64Milli(due_at) AS ms FROM slas FINAL
              WHERE policy = 'promised-ship' AND verdict = 'breached' AND root_id >= 'SO-{first:012}' AND root_id < 'SO-{next:012}')"
        ))
        .await;
    say(&format!("{each} clocks run out each second; seen after: {}", late.trim()));
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
}

/// Sends everything, as fast as it is taken in, and waits until it is stored.
async fn fill(plan: &Plan, dir: &Path) {
    let server = Arc::new(Server::on(dir, &plan.binary));
    let begun = Instant::now();
    let bodies = plan.orders.div_ceil(BODY) + plan.failures.div_ceil(BODY);
    let next = Arc::new(AtomicU64::new(0));
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (server, next) = (Arc::clone(&server), Arc::clone(&next));
            let (orders, failures) = (plan.orders, plan.failures);
            tokio::spawn(async move {
                let client = Client::new();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= bodies {
                        return;
                    }
                    let body = match n.checked_sub(orders.div_ceil(BODY)) {
                        None => orders::orders(n * BODY..((n + 1) * BODY).min(orders)),
                        Some(n) => orders::refused(n * BODY..((n + 1) * BODY).min(failures)),
                    };
                    send(&client, &server, body).await;
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    say(&format!("taken in after {:.0} s", begun.elapsed().as_secs_f64()));
    until_quiet(&server).await;
    say(&format!("stored after {:.0} s", begun.elapsed().as_secs_f64()));
}

async fn send(client: &Client, server: &Server, body: String) {
    loop {
        let request = client.post(format!("{}/v1/events", server.http)).bearer_auth(&server.send_key);
        let answer = request.header("content-type", "application/json").body(body.clone()).send().await.unwrap();
        match answer.status().as_u16() {
            429 | 503 => tokio::time::sleep(Duration::from_secs(1)).await,
            _ => return,
        }
    }
}

/// Until nothing is behind and both processes have been at rest for some seconds.
async fn until_quiet(server: &Server) {
    let client = Client::new();
    let work = || server.milepost().cpu() + server.clickhouse().cpu();
    let (mut before, mut rested) = (work(), 0);
    while rested < 3 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let metrics = client.get(format!("{}/metrics", server.http)).send().await.unwrap().text().await.unwrap();
        let behind = metrics.lines().find_map(|line| line.strip_prefix("milepost_behind_records ")).unwrap_or("?");
        let now = work();
        rested = if behind == "0" && now - before < 0.8 { rested + 1 } else { 0 };
        before = now;
    }
}

/// Until everything open is in memory, and both processes are at rest.
async fn until_remembered(server: &Server) {
    let client = Client::new();
    loop {
        let metrics = client.get(format!("{}/metrics", server.http)).send().await.unwrap().text().await.unwrap();
        if metrics.lines().any(|line| line == "milepost_remembered 1") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn ask_for_pages(plan: &Plan, server: &Arc<Server>) {
    let done = Arc::new(AtomicBool::new(false));
    let trickle = {
        let (server, done, first) = (Arc::clone(server), Arc::clone(&done), 10 * plan.orders);
        tokio::spawn(async move {
            let client = Client::new();
            let mut n = first + std::process::id() as u64 % 1_000_000 * 1_000;
            while !done.load(Ordering::Relaxed) {
                send(&client, &server, orders::orders(n..n + TRICKLE)).await;
                n += TRICKLE;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        })
    };
    let client = Client::new();
    let mut times: Vec<Histogram<u64>> =
        PAGES.iter().map(|_| Histogram::new_with_bounds(1, 600_000_000, 3).unwrap()).collect();
    let each = plan.requests.div_ceil(PAGES.len()).max(1);
    // One round first: what is read for the first time after a start is another question.
    for round in 0..=each {
        for (at, (name, path)) in PAGES.iter().enumerate() {
            let mark = if path.contains('?') { '&' } else { '?' };
            let zone = ZONES[(round * PAGES.len() + at) % ZONES.len()];
            let url = format!("{}/t/load/{path}{mark}tz={zone}", server.http);
            let begun = Instant::now();
            let mut answer = client.get(url).header("accept", "text/html").send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 200, "{name}");
            let first = answer.chunk().await.unwrap();
            assert!(first.is_some_and(|bytes| !bytes.is_empty()), "{name}: an empty page");
            let took = begun.elapsed().as_micros() as u64;
            while answer.chunk().await.unwrap().is_some() {}
            if round > 0 {
                times[at].record(took).unwrap();
            }
        }
    }
    done.store(true, Ordering::Relaxed);
    trickle.await.unwrap();
    say(&words());
    say(&format!(
        "\n{} requests of each page, one after the other, {TRICKLE} orders a second coming in; to the first byte:\n",
        each
    ));
    say("| page | p50 ms | p95 ms | most ms |\n|---|---|---|---|");
    for ((name, _), times) in PAGES.iter().zip(&times) {
        let ms = |q: f64| times.value_at_quantile(q) as f64 / 1000.0;
        say(&format!("| {name} | {:.0} | {:.0} | {:.0} |", ms(0.5), ms(0.95), ms(1.0)));
    }
}
