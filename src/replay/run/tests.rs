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

/// Answers every request alike.
async fn receiver(answer: &'static str) -> std::io::Result<std::net::SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = [0; 4_096];
                while stream.read(&mut heard).await.is_ok_and(|n| n > 0) {
                    if stream
                        .write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").as_bytes())
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
            });
        }
    });
    Ok(address)
}

struct Rig {
    job: Arc<Job>,
    stop: CancellationToken,
    _dir: tempfile::TempDir,
}

/// A job of these items to a target that answers so, on its way.
async fn launched(answer: &'static str, bodies: &[&str]) -> Result<Rig, Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let gate = Arc::new(Gate::alone(dir.path())?);
    let address = receiver(answer).await?;
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
        count: u32::try_from(bodies.len())?,
        ..ReplayRow::default()
    };
    let item = |(position, body): (u32, &&str)| ReplayItemRow {
        tenant: "acme".into(),
        replay: "r".into(),
        position,
        record: WHOLE,
        body: (*body).into(),
        state: item::WAITING.into(),
        ..ReplayItemRow::default()
    };
    let job = Arc::new(Job::new(row, (0..).zip(bodies).map(item).collect()));
    replays.launch(Arc::clone(&job));
    Ok(Rig { job, stop, _dir: dir })
}

impl Rig {
    async fn until(
        &self,
        so: impl Fn(&[ReplayItemRow]) -> bool,
    ) -> Result<Vec<ReplayItemRow>, Box<dyn std::error::Error>> {
        let waiting = async {
            while !so(self.job.items.lock().rows()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await?;
        Ok(self.job.items.lock().rows().to_vec())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[tokio::test]
async fn an_attempt_that_panics_fails_its_item_and_the_job_goes_on() -> Result<(), Box<dyn std::error::Error>> {
    let rig = launched("200 OK", &["{}", HOSTILE, "{}"]).await?;
    let came = rig.until(|items| items.iter().all(|item| item.state != item::WAITING)).await?;
    let came: Vec<(&str, &str)> = came.iter().map(|item| (item.state.as_str(), item.code.as_str())).collect();
    assert_eq!(came, [(item::SENT, ""), (item::FAILED, "broken_off_here"), (item::SENT, "")]);
    Ok(())
}

#[tokio::test]
async fn a_target_that_says_429_for_an_hour_is_left_alone_for_an_hour() -> Result<(), Box<dyn std::error::Error>> {
    let before_ms = chrono::Utc::now().timestamp_millis();
    let rig = launched("429 Too Many Requests\r\nretry-after: 3600", &["{}"]).await?;
    let came = rig.until(|items| items[0].state == item::RETRYING).await?;
    let item = &came[0];
    assert_eq!((item.code.as_str(), item.status, item.attempts), ("too_many", 429, 1));
    assert!(item.next_ms - before_ms >= 3_600_000, "it comes again after {} ms", item.next_ms - before_ms);
    assert_eq!(rig.job.state(), job::RUNNING, "the job waits, and says for what");
    Ok(())
}
