//! The ledger rig: a client that writes down what was acknowledged, after it was acknowledged. When the faults are over, all of that
//! must be stored, once, and nothing that was never sent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::server::{Server, until_within};

#[derive(Default)]
struct Book {
    sent: Mutex<BTreeSet<String>>,
    acknowledged: Mutex<BTreeSet<String>>,
    stop: AtomicBool,
    next: AtomicU64,
}

pub struct Ledger {
    book: Arc<Book>,
    writers: Vec<JoinHandle<()>>,
}

impl Ledger {
    /// Starts some clients that send batches of orders until told to stop. They obey what the server says and send again what was
    /// not answered.
    pub fn start(server: &Server, clients: usize, batch: u64, pause: Duration) -> Self {
        let book = Arc::new(Book::default());
        let (url, key) = (format!("{}/v1/events", server.http), server.send_key.clone());
        let writers = (0..clients)
            .map(|_| {
                let (book, url, key) = (Arc::clone(&book), url.clone(), key.clone());
                tokio::spawn(async move {
                    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
                    while !book.stop.load(Ordering::Relaxed) {
                        let first = book.next.fetch_add(batch, Ordering::Relaxed);
                        let ids: Vec<String> = (first..first + batch).map(|n| format!("led-{n}")).collect();
                        let events: Vec<Value> = ids.iter().map(|id| small(id)).collect();
                        book.sent.lock().extend(ids.iter().cloned());
                        deliver(&client, &url, &key, &Value::from(events)).await;
                        book.acknowledged.lock().extend(ids);
                        tokio::time::sleep(pause).await;
                    }
                })
            })
            .collect();
        Self { book, writers }
    }

    pub fn acknowledged(&self) -> usize {
        self.book.acknowledged.lock().len()
    }

    /// Stops sending; what is under way is brought to its end.
    pub async fn stop(&mut self) {
        self.book.stop.store(true, Ordering::Relaxed);
        for writer in std::mem::take(&mut self.writers) {
            tokio::time::timeout(Duration::from_secs(90), writer).await.expect("the last batch is answered").unwrap();
        }
    }

    /// Everything acknowledged is stored exactly once, and nothing else is stored.
    pub async fn check(&self, server: &Server) {
        let (sent, acknowledged) = (self.book.sent.lock().clone(), self.book.acknowledged.lock().clone());
        assert!(acknowledged.len() > 100, "too little happened: {} acknowledged", acknowledged.len());
        let stored = until_within(Duration::from_secs(90), "all that was acknowledged is stored", || async {
            let rows = server.try_clickhouse("SELECT event_id FROM events").await?;
            let stored: Vec<String> = rows.iter().map(|r| r["event_id"].as_str().unwrap().to_owned()).collect();
            let distinct: BTreeSet<&String> = stored.iter().collect();
            acknowledged.iter().all(|id| distinct.contains(id)).then_some(stored)
        })
        .await;
        let distinct: BTreeSet<&String> = stored.iter().collect();
        assert_eq!(stored.len(), distinct.len(), "something is stored twice");
        assert!(distinct.iter().all(|id| sent.contains(*id)), "something is stored that was never sent");
        // Every stored order has become a workflow, and each is there once.
        let rows = until_within(Duration::from_secs(60), "every order has its workflow", || async {
            let rows =
                server.try_clickhouse("SELECT count() AS n, uniqExact(root_id) AS u FROM workflows FINAL").await?;
            let n = |name: &str| rows[0][name].to_string().trim_matches('"').parse::<usize>().ok();
            (n("u")? >= stored.len()).then_some((n("n")?, n("u")?))
        })
        .await;
        assert_eq!(rows.0, rows.1, "a workflow is there twice");
        eprintln!("{} acknowledged, {} stored, {} sent", acknowledged.len(), stored.len(), sent.len());
    }
}

fn small(id: &str) -> Value {
    json!({
        "id": id, "type": "order.created", "source": "erp/main", "time": "2026-11-10T08:00:00+01:00",
        "object": {"type": "order", "id": format!("SO-{id}")},
        "data": {"customer": "Ledger", "lines": [{"line": "10", "sku": "AB-77", "quantity": "5", "unit": "EA"}]},
    })
}

/// Until it is acknowledged. A lost connection, 429 and 503 say nothing about what was stored; the same events go again.
async fn deliver(client: &reqwest::Client, url: &str, key: &str, events: &Value) {
    loop {
        if let Ok(answer) = client.post(url).bearer_auth(key).json(events).send().await {
            let status = answer.status().as_u16();
            match (status, answer.json::<Value>().await) {
                (200, Ok(said)) => {
                    let refused = said["rejected"].as_array().map_or(0, Vec::len);
                    assert_eq!(refused, 0, "{said}");
                    return;
                }
                (200 | 429 | 502 | 503 | 504, _) => {}
                (other, said) => panic!("{other}: {said:?}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}
