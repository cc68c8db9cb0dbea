//! A file of history: what `milepost import` costs to its end, beside the same events sent by live senders, and in each form of file.

use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use milepost::simulate::story::{CHAPTER, Pace, Plot, chapter};
use milepost::simulate::troubles::Mix;
use milepost::simulate::wire;
use serde_json::Value;

use crate::machine::{MILEPOST, Process, Server};

pub const HEAD: &str = "\
what                          events    taken/s   stored/s   CPU s/M milepost  ClickHouse  sender   peak MiB milepost  ClickHouse  sender";
pub const LEGEND: &str = "\
taken/s: accepted or known as duplicates, until the sender was done. stored/s: until the last can be read from ClickHouse.
CPU s/M: CPU seconds per million events, user and system, storing and judging included.";

/// Chapters that go on at the same time.
const TOGETHER: u64 = 2_500;
/// Senders of the live way, and events in their requests: as many as an import has.
const SENDERS: usize = 4;
const PER_REQUEST: usize = 500;
const DRAIN: Duration = Duration::from_secs(600);

/// All rows of the table.
pub async fn measure(events: u64, say: impl Fn(&str)) {
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("history.ndjson");
    write_history(&history, events);
    let lines = count(&history);
    {
        let server = Server::start();
        say(&import(&server, "import, NDJSON", &[], &history, lines).await);
        say(&import(&server, "the same again", &["--again"], &history, 0).await);
    }
    {
        let server = Arc::new(Server::start());
        say(&live(&server, &history).await);
    }
    let (fifth, orders) = (folder.path().join("fifth.ndjson"), folder.path().join("orders.csv"));
    write_history(&fifth, events / 5);
    let (csv, ocel) = (folder.path().join("fifth.csv"), folder.path().join("fifth.json"));
    {
        let server = Server::start();
        say(&import(&server, "a fifth, NDJSON", &[], &fifth, count(&fifth)).await);
        for out in [&csv, &ocel] {
            let begun = Instant::now();
            let done = Command::new(MILEPOST)
                .args(["export", "--url", &server.http, "--key", &server.read_key, "-o"])
                .arg(out)
                .output()
                .unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            say(&format!("  exported as {} in {:.1} s", name(out), begun.elapsed().as_secs_f64()));
        }
    }
    for (what, file) in [("a fifth, CSV as exported", &csv), ("a fifth, OCEL 2.0 JSON", &ocel)] {
        say(&import(&Server::start(), what, &[], file, 1).await);
    }
    let map = write_table(&orders, events / 5);
    say(&import(&Server::start(), "a fifth, CSV with a map", &["--map", map.to_str().unwrap()], &orders, 1).await);
}

/// `expected` is how many more rows there will be at the least.
async fn import(server: &Server, what: &str, more: &[&str], file: &Path, expected: u64) -> String {
    let before = server.rows("events").await;
    let books = Books::open(server);
    let mut child = Command::new(MILEPOST)
        .args(["import", "--json", "--url", &server.http, "--key", &server.send_key])
        .args(more)
        .arg(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let sender = Process::of(child.id());
    let (mut cpu, mut peak) = (0.0, 0);
    while child.try_wait().unwrap().is_none() {
        // What the books say of it is gone with it.
        (cpu, peak) = (sender.cpu().max(cpu), sender.peak_mib().max(peak));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = books.begun.elapsed();
    let told: Value = serde_json::from_reader(child.stdout.take().unwrap()).unwrap();
    let number = |name: &str| told["total"][name].as_u64().unwrap();
    let (accepted, known, refused) = (number("accepted"), number("duplicates"), number("refused"));
    assert!(accepted >= expected, "{told}");
    let mut row = books.close(server, what, accepted + known, before + accepted, took, (cpu, peak)).await;
    write!(row, "  ({} read, {accepted} accepted, {known} duplicates, {refused} refused)", number("read")).unwrap();
    row
}

/// The same lines by senders of their own.
async fn live(server: &Arc<Server>, history: &Path) -> String {
    let text = std::fs::read_to_string(history).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let bodies: Arc<Vec<String>> = Arc::new(lines.chunks(PER_REQUEST).map(|c| c.join("\n")).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let books = Books::open(server);
    let senders: Vec<_> =
        (0..SENDERS).map(|_| tokio::spawn(send(Arc::clone(server), Arc::clone(&bodies), Arc::clone(&next)))).collect();
    let mut accepted = 0;
    for sender in senders {
        accepted += sender.await.unwrap();
    }
    let took = books.begun.elapsed();
    books.close(server, "live, four senders", accepted, accepted, took, (0.0, 0)).await
}

async fn send(server: Arc<Server>, bodies: Arc<Vec<String>>, next: Arc<AtomicUsize>) -> u64 {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
    let mut accepted = 0;
    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
        loop {
            let request = client.post(format!("{}/v1/events", server.http)).bearer_auth(&server.send_key);
            let request = request.header("content-type", "application/x-ndjson").body(body.clone());
            let answer = request.send().await.unwrap();
            let wait = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()?.parse::<f64>().ok());
            if answer.status().is_success() {
                let told: Value = answer.json().await.unwrap();
                accepted += told["accepted"].as_u64().unwrap();
                break;
            }
            assert!(matches!(answer.status().as_u16(), 429 | 503), "{}", answer.text().await.unwrap());
            tokio::time::sleep(Duration::from_secs_f64(wait.unwrap_or(1.0))).await;
        }
    }
    accepted
}

/// What was used when it began.
struct Books {
    begun: Instant,
    cpu: (f64, f64),
}

impl Books {
    fn open(server: &Server) -> Self {
        let (milepost, clickhouse) = (server.milepost(), server.clickhouse());
        milepost.reset_peak();
        clickhouse.reset_peak();
        Self { begun: Instant::now(), cpu: (milepost.cpu(), clickhouse.cpu()) }
    }

    async fn close(
        self,
        server: &Server,
        what: &str,
        taken: u64,
        rows: u64,
        took: Duration,
        sender: (f64, u64),
    ) -> String {
        while server.rows("events").await < rows {
            assert!(self.begun.elapsed() < took + DRAIN, "not stored within {DRAIN:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let stored = self.begun.elapsed().as_secs_f64();
        let (milepost, clickhouse) = (server.milepost(), server.clickhouse());
        let million = taken as f64 / 1e6;
        let cpu = ((milepost.cpu() - self.cpu.0) / million, (clickhouse.cpu() - self.cpu.1) / million);
        format!(
            "{what:<26} {taken:>9} {:>10.0} {:>10.0} {:>18.2} {:>11.2} {:>7.2} {:>19} {:>11} {:>7}",
            taken as f64 / took.as_secs_f64(),
            taken as f64 / stored,
            cpu.0,
            cpu.1,
            sender.0 / million,
            milepost.peak_mib(),
            clickhouse.peak_mib(),
            sender.1,
        )
    }
}

/// Two weeks of the demo's landscape, in the order in which its systems would have sent them.
fn write_history(path: &Path, events: u64) {
    let plot = Plot { seed: 11, first: 1_000_000, mix: Mix::usual(), pace: Pace::LIFE };
    let first: DateTime<Utc> = Utc::now() - TimeDelta::days(20);
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    let mut written = 0_u64;
    for group in 0.. {
        let numbers = group * TOGETHER..(group + 1) * TOGETHER;
        let mut said: Vec<_> = numbers
            .flat_map(|number| {
                let minutes =
                    i64::try_from(number % TOGETHER).unwrap() * 14 * 24 * 60 / i64::try_from(TOGETHER).unwrap();
                let starts: Vec<DateTime<Utc>> = (0..CHAPTER).map(|_| first + TimeDelta::minutes(minutes)).collect();
                chapter(&plot, number, &starts)
            })
            .collect();
        said.sort_by_key(|said| said.sent_at);
        for event in said.iter().filter_map(wire::event) {
            writeln!(out, "{event}").unwrap();
            written += 1;
            if written >= events {
                out.flush().unwrap();
                return;
            }
        }
    }
}

/// A table as another system might give it, and the map that says what its columns mean.
fn write_table(path: &Path, rows: u64) -> PathBuf {
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    writeln!(out, "Order;Created;Customer;Total;Item;Qty").unwrap();
    for n in 0..rows {
        let minute = n % 40_000;
        let created = Utc::now() - TimeDelta::days(30) + TimeDelta::minutes(i64::try_from(minute).unwrap());
        let created = created.format("%d.%m.%Y %H:%M");
        writeln!(out, "T-{n};{created};Customer {};1.{:03},50;SKU-{};{}", n % 90, n % 1_000, n % 400, n % 9 + 1)
            .unwrap();
    }
    out.flush().unwrap();
    let map = path.with_extension("toml");
    std::fs::write(&map, MAP).unwrap();
    map
}

const MAP: &str = r#"
[csv]
delimiter = ";"
decimal = ","
zone = "Europe/Berlin"
time = "%d.%m.%Y %H:%M"

[[event]]
id = "table-{Order}"
type = "order.created"
source = "erp/table"
time = "{Created}"
object = "order/{Order}"

[event.data]
customer = "{Customer}"
amount = { value = { number = "{Total}" }, currency = "EUR" }

[event.lines]
line = "10"
sku = "{Item}"
quantity = { number = "{Qty}" }
unit = "EA"
"#;

/// At the least so many of its lines are taken: the landscape has some that are refused, and some twice.
fn count(history: &Path) -> u64 {
    let lines = std::fs::read_to_string(history).unwrap().lines().count();
    u64::try_from(lines).unwrap() * 9 / 10
}

fn name(path: &Path) -> String {
    path.extension().map_or_else(String::new, |e| e.to_string_lossy().into_owned())
}
