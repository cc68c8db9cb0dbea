//! One row of the table: one kind of record at one size of request, for a few seconds, until the last record can be read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::json;

use crate::bodies::{Bodies, Kind};
use crate::machine::Server;

pub const HEAD: &str = "\
kind         per request   acked/s  stored/s   CPU s/M milepost  ClickHouse   peak MiB milepost  ClickHouse   ack ms p50    p99   visible ms p50    p99   pushed back";
pub const LEGEND: &str = "\
acked/s: records acknowledged, fsynced. stored/s: the same until the last can be read from ClickHouse.
CPU s/M: CPU seconds per million records, user and system, storing included. visible: from sending an order alone, beside
the load, until the API shows it. pushed back: requests answered 429 or 503 and sent again after Retry-After.";

/// Longest wait for the rest to be stored.
const DRAIN: Duration = Duration::from_secs(60);

struct Run {
    bodies: Bodies,
    next: AtomicU64,
    acked: AtomicU64,
    pushed_back: AtomicU64,
    stop: AtomicBool,
    /// Requests a second, over all clients.
    pace: Option<f64>,
    begun: Instant,
}

pub async fn measure(kind: Kind, size: usize, length: Duration, paced: Option<u32>) -> String {
    let server = Arc::new(Server::start());
    let (milepost, clickhouse) = (server.milepost(), server.clickhouse());
    let pace = paced.map(|records| f64::from(records) / size as f64);
    let run = Arc::new(Run {
        bodies: Bodies::new(kind, size),
        next: AtomicU64::new(0),
        acked: AtomicU64::new(0),
        pushed_back: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        pace,
        begun: Instant::now(),
    });
    milepost.reset_peak();
    clickhouse.reset_peak();
    let (before, begun) = ((milepost.cpu(), clickhouse.cpu()), Instant::now());

    let clients = if size == 1 { 32 } else { 8 };
    let senders: Vec<_> =
        (0..clients).map(|_| tokio::spawn(send(Arc::clone(&server), Arc::clone(&run), kind))).collect();
    let probe = tokio::spawn(probe(Arc::clone(&server), Arc::clone(&run)));
    tokio::time::sleep(length).await;
    run.stop.store(true, Ordering::Relaxed);
    let mut acks = microseconds();
    for sender in senders {
        acks.add(sender.await.unwrap()).unwrap();
    }
    let acked = run.acked.load(Ordering::Relaxed);
    let acking = begun.elapsed().as_secs_f64();
    let (visible, probes) = probe.await.unwrap();

    let target = acked + if kind == Kind::Spans { 0 } else { probes };
    let mut stored = server.rows(kind.table()).await;
    while stored < target && begun.elapsed() < length + DRAIN {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stored = server.rows(kind.table()).await;
    }
    let storing = begun.elapsed().as_secs_f64();
    let million = acked as f64 / 1e6;
    let cpu = ((milepost.cpu() - before.0) / million, (clickhouse.cpu() - before.1) / million);
    let ms = |histogram: &Histogram<u64>, q: f64| histogram.value_at_quantile(q) as f64 / 1000.0;
    let name = if paced.is_some() { format!("{} 20k/s", kind.name()) } else { kind.name().to_owned() };
    let missing =
        if stored < target { format!("  {} NOT STORED within {DRAIN:?}", target - stored) } else { String::new() };
    format!(
        "{name:<18} {size:>5} {:>9.0} {:>9.0} {:>18.2} {:>11.2} {:>19} {:>11} {:>12.1} {:>6.1} {:>16.0} {:>6.0} {:>13}{missing}",
        acked as f64 / acking,
        stored as f64 / storing,
        cpu.0,
        cpu.1,
        milepost.peak_mib(),
        clickhouse.peak_mib(),
        ms(&acks, 0.5),
        ms(&acks, 0.99),
        ms(&visible, 0.5),
        ms(&visible, 0.99),
        run.pushed_back.load(Ordering::Relaxed),
    )
}

/// Up to ten minutes.
fn microseconds() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000, 3).unwrap()
}

/// One connection: sends as fast as it is answered, or as the pace allows. Gives how long acknowledgements took, in µs.
async fn send(server: Arc<Server>, run: Arc<Run>, kind: Kind) -> Histogram<u64> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
    let (path, form) = kind.door();
    let url = format!("{}{path}", if kind == Kind::Events { &server.http } else { &server.otlp_http });
    let mut acks = microseconds();
    while !run.stop.load(Ordering::Relaxed) {
        let n = run.next.fetch_add(1, Ordering::Relaxed);
        if let Some(pace) = run.pace {
            tokio::time::sleep_until((run.begun + Duration::from_secs_f64(n as f64 / pace)).into()).await;
        }
        let body = run.bodies.get(n);
        loop {
            let begun = Instant::now();
            let answer = client
                .post(&url)
                .bearer_auth(&server.send_key)
                .header("content-type", form)
                .body(body.clone())
                .send()
                .await
                .unwrap();
            let status = answer.status().as_u16();
            let wait = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()?.parse::<f64>().ok());
            let said = answer.bytes().await.unwrap();
            if status == 200 {
                acks.saturating_record(begun.elapsed().as_micros() as u64);
                run.acked.fetch_add(run.bodies.records, Ordering::Relaxed);
                break;
            }
            assert!(matches!(status, 429 | 503), "{status}: {}", String::from_utf8_lossy(&said));
            run.pushed_back.fetch_add(1, Ordering::Relaxed);
            if run.stop.load(Ordering::Relaxed) {
                break;
            }
            tokio::time::sleep(Duration::from_secs_f64(wait.unwrap_or(1.0))).await;
        }
    }
    acks
}

/// Sends orders one by one beside the load, and looks when each can be seen. Gives the times in µs, and how many.
async fn probe(server: Arc<Server>, run: Arc<Run>) -> (Histogram<u64>, u64) {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
    let mut seen = microseconds();
    let mut n = 0;
    while !run.stop.load(Ordering::Relaxed) {
        let id = format!("PROBE-{n}");
        let event = json!({
            "id": id, "type": "order.created", "source": "erp/probe", "time": chrono::Utc::now().to_rfc3339(),
            "object": {"type": "order", "id": id}, "data": {"amount": {"value": "1.00", "currency": "EUR"}},
        });
        let begun = Instant::now();
        let sent = client
            .post(format!("{}/v1/events", server.http))
            .bearer_auth(&server.send_key)
            .json(&event)
            .send()
            .await
            .unwrap();
        if sent.status() != 200 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            continue;
        }
        n += 1;
        let url = format!("{}/api/v1/workflows/order/{id}", server.http);
        while begun.elapsed() < DRAIN {
            if client.get(&url).bearer_auth(&server.read_key).send().await.is_ok_and(|a| a.status() == 200) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        seen.saturating_record(begun.elapsed().as_micros() as u64);
    }
    (seen, n)
}
