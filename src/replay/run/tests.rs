//! A job on its way, without a store: what an attempt that breaks off does to the job.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::domain::Shelf;
use crate::live::Hub;
use crate::pipeline::{Gate, Stale};
use crate::replay::job::{self, Job, item};
use crate::replay::{Replays, Targets, targets};
use crate::store::Store;
use crate::store::replays::{ReplayItemRow, ReplayRow, WHOLE};

/// The body of an item that makes its attempt panic.
pub const HOSTILE: &str = "an item that breaks whoever carries it";

/// Answers every request with 200.
async fn receiver() -> std::io::Result<std::net::SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = [0; 4_096];
                while stream.read(&mut heard).await.is_ok_and(|n| n > 0) {
                    if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Ok(address)
}

#[tokio::test]
async fn an_attempt_that_panics_fails_its_item_and_the_job_goes_on() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let gate = Arc::new(Gate::alone(dir.path())?);
    let address = receiver().await?;
    let text = format!("key = \"t\"\ntitle = \"T\"\nurl = \"http://{address}/\"\nallow_internal = true\n");
    let set = targets::read([("targets/t.toml".to_owned(), text)]).map_err(|faults| faults[0].to_string())?;
    // Nobody listens there: outcomes stay in memory, where they are looked at.
    let store = Store::new("http://127.0.0.1:9", "default", "", "milepost");
    let stop = CancellationToken::new();
    let (shelf, targets) = (Arc::new(Shelf::default()), Arc::new(Targets::new(set)));
    let replays = Replays::new(store, gate, shelf, targets, Hub::default(), Arc::new(Stale::default()), stop.clone())?;
    let row = ReplayRow {
        tenant: "acme".into(),
        id: "r".into(),
        state: job::RUNNING.into(),
        through: "target:t".into(),
        count: 3,
        ..ReplayRow::default()
    };
    let item = |position: u32, body: &str| ReplayItemRow {
        tenant: "acme".into(),
        replay: "r".into(),
        position,
        record: WHOLE,
        body: body.into(),
        state: item::WAITING.into(),
        ..ReplayItemRow::default()
    };
    let job = Arc::new(Job::new(row, vec![item(0, "{}"), item(1, HOSTILE), item(2, "{}")]));
    replays.launch(Arc::clone(&job));
    let settled = async {
        while job.items.lock().open() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), settled).await?;
    let came: Vec<(String, String)> =
        job.items.lock().rows().iter().map(|item| (item.state.clone(), item.code.clone())).collect();
    let came: Vec<(&str, &str)> = came.iter().map(|(state, code)| (state.as_str(), code.as_str())).collect();
    assert_eq!(came, [(item::SENT, ""), (item::FAILED, "broken_off_here"), (item::SENT, "")]);
    stop.cancel();
    Ok(())
}
