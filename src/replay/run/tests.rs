//! A job on its way to a receiver on this machine, without a store: what goes when, and what an attempt or the way itself
//! that breaks off does to the job.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{Attempts, attempts};
use crate::domain::Shelf;
use crate::live::Hub;
use crate::pipeline::{Gate, Stale};
use crate::replay::job::{self, Job, Options, item};
use crate::replay::{Replays, Targets, targets};
use crate::store::Store;
use crate::store::replays::{ReplayItemRow, ReplayRow, WHOLE};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The body of an item that breaks whoever carries it.
const HOSTILE: &str = "an item that breaks whoever carries it";
const OK: &str = "200 OK";

/// A receiver on this machine, with the bodies that it has heard in their order.
struct Receiver {
    address: std::net::SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

/// Answers each body as it is told to.
async fn receiver(answer: fn(&str) -> &'static str) -> std::io::Result<Receiver> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let (address, heard) = (listener.local_addr()?, Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                while let Some(body) = request(&mut stream).await {
                    let said = format!("HTTP/1.1 {}\r\ncontent-length: 0\r\n\r\n", answer(&body));
                    log.lock().push(body);
                    if stream.write_all(said.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Ok(Receiver { address, heard })
}

/// The body of the next request on a connection.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut heard = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&heard).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(body.to_owned());
            }
        }
        let mut more = [0; 4_096];
        match stream.read(&mut more).await {
            Ok(n) if n > 0 => heard.extend_from_slice(&more[..n]),
            _ => return None,
        }
    }
}

/// An item about an object; none where it is empty.
fn about(object: &str, body: &str) -> ReplayItemRow {
    let kind = if object.is_empty() { "" } else { "order" };
    ReplayItemRow { object_type: kind.into(), object_id: object.into(), body: body.into(), ..ReplayItemRow::default() }
}

struct Rig {
    job: Arc<Job>,
    stop: CancellationToken,
    _dir: tempfile::TempDir,
}

/// A job of these items, on its way by these attempts to the first of these targets.
async fn launched(targets: &[String], items: Vec<ReplayItemRow>, options: Options, by: Attempts) -> Outcome<Rig> {
    let dir = tempfile::tempdir()?;
    let gate = Arc::new(Gate::alone(dir.path())?);
    let files = (0..).zip(targets).map(|(n, text)| (format!("targets/t{n}.toml"), text.clone()));
    let set = targets::read(files).map_err(|faults| faults[0].to_string())?;
    // Nobody listens there: outcomes stay in memory, where they are looked at.
    let store = Store::new("http://127.0.0.1:9", "default", "", "milepost");
    let stop = CancellationToken::new();
    let (shelf, targets) = (Arc::new(Shelf::default()), Arc::new(Targets::new(set)));
    let replays = Replays::new(store, gate, shelf, targets, Hub::default(), Arc::new(Stale::default()), stop.clone())?;
    let row = ReplayRow {
        tenant: "acme".into(),
        id: "r".into(),
        state: job::RUNNING.into(),
        through: "target:t0".into(),
        options: serde_json::to_string(&options)?,
        count: u32::try_from(items.len())?,
        ..ReplayRow::default()
    };
    let placed = |(position, item): (u32, ReplayItemRow)| ReplayItemRow {
        tenant: "acme".into(),
        replay: "r".into(),
        position,
        record: WHOLE,
        state: item::WAITING.into(),
        ..item
    };
    let job = Arc::new(Job::new(row, (0..).zip(items).map(placed).collect()));
    replays.launch_with(Arc::clone(&job), by);
    Ok(Rig { job, stop, _dir: dir })
}

fn target(n: usize, receiver: &Receiver, more: &str) -> String {
    let address = receiver.address;
    format!("key = \"t{n}\"\ntitle = \"T\"\nurl = \"http://{address}/\"\nallow_internal = true\n{more}")
}

/// To a receiver that answers so, as attempts are usually made.
async fn sent(
    answer: fn(&str) -> &'static str,
    items: Vec<ReplayItemRow>,
    options: Options,
) -> Outcome<(Rig, Receiver)> {
    let receiver = receiver(answer).await?;
    let rig = launched(&[target(0, &receiver, "")], items, options, attempts()).await?;
    Ok((rig, receiver))
}

impl Rig {
    async fn until(&self, so: impl Fn(&[ReplayItemRow]) -> bool) -> Outcome<Vec<ReplayItemRow>> {
        let waiting = async {
            while !so(self.job.items.lock().rows()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await?;
        Ok(self.job.items.lock().rows().to_vec())
    }

    async fn until_state(&self, state: &str) -> Outcome {
        self.until(|_| self.job.state() == state).await.map(drop)
    }

    fn turn(&self, state: &str) {
        state.clone_into(&mut self.job.row.lock().state);
        self.job.nudge.notify_one();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn states(items: &[ReplayItemRow]) -> Vec<(&str, &str)> {
    items.iter().map(|item| (item.state.as_str(), item.code.as_str())).collect()
}

fn none_waits(items: &[ReplayItemRow]) -> bool {
    items.iter().all(|item| item.state != item::WAITING)
}

#[tokio::test]
async fn an_attempt_that_panics_fails_its_item_and_the_job_goes_on() -> Outcome {
    let receiver = receiver(|_| OK).await?;
    let usual = attempts();
    let by: Attempts = Arc::new(move |work, item| {
        let attempt = usual(work, item.clone());
        Box::pin(async move {
            assert_ne!(item.body, HOSTILE, "this one breaks its attempt");
            attempt.await
        })
    });
    let items = ["{}", HOSTILE, "{}"].map(|body| about("", body)).to_vec();
    let rig = launched(&[target(0, &receiver, "")], items, Options::default(), by).await?;
    let came = rig.until(none_waits).await?;
    assert_eq!(states(&came), [(item::SENT, ""), (item::FAILED, "broken_off_here"), (item::SENT, "")]);
    Ok(())
}

/// Attempts that break the way itself so many times, where it is about to send the hostile item.
fn breaking(times: usize) -> (Attempts, Arc<AtomicUsize>) {
    let (usual, left) = (attempts(), Arc::new(AtomicUsize::new(times)));
    let count = Arc::clone(&left);
    let by: Attempts = Arc::new(move |work, item| {
        let breaks = item.body == HOSTILE && count.load(Ordering::Relaxed) > 0;
        if breaks {
            count.fetch_sub(1, Ordering::Relaxed);
        }
        assert!(!breaks, "this one breaks the way");
        usual(work, item)
    });
    (by, left)
}

#[tokio::test]
async fn a_job_whose_way_breaks_off_goes_on_where_it_was() -> Outcome {
    let receiver = receiver(|_| OK).await?;
    let (by, left) = breaking(1);
    let options = Options { at_once: 1, ..Options::default() };
    let items = ["1", HOSTILE, "3"].map(|body| about("", body)).to_vec();
    let rig = launched(&[target(0, &receiver, "")], items, options, by).await?;
    let came = rig.until(none_waits).await?;
    assert_eq!(states(&came), [(item::SENT, ""); 3]);
    assert_eq!(left.load(Ordering::Relaxed), 0, "it broke off");
    assert_eq!(*receiver.heard.lock(), ["1", HOSTILE, "3"], "what was out is not sent again");
    Ok(())
}

#[tokio::test]
async fn one_that_breaks_off_again_and_again_stands_still_until_somebody_resumes_it() -> Outcome {
    let receiver = receiver(|_| OK).await?;
    let (by, _) = breaking(3);
    let items = [HOSTILE, "2"].map(|body| about("SO-1", body)).to_vec();
    let rig = launched(&[target(0, &receiver, "")], items, Options::default(), by).await?;
    rig.until_state(job::STOPPED).await?;
    assert!(rig.job.row.lock().note.contains("by a fault of Milepost"), "it says why");
    assert!(receiver.heard.lock().is_empty(), "what waits behind does not overtake");
    rig.turn(job::RUNNING);
    let came = rig.until(none_waits).await?;
    assert_eq!(states(&came), [(item::SENT, ""); 2]);
    assert_eq!(*receiver.heard.lock(), [HOSTILE, "2"]);
    Ok(())
}

#[tokio::test]
async fn a_target_that_says_429_for_an_hour_is_left_alone_for_an_hour() -> Outcome {
    let before_ms = chrono::Utc::now().timestamp_millis();
    let answer = |_: &str| "429 Too Many Requests\r\nretry-after: 3600";
    let (rig, _receiver) = sent(answer, vec![about("", "{}")], Options::default()).await?;
    let came = rig.until(|items| items[0].state == item::RETRYING).await?;
    let item = &came[0];
    assert_eq!((item.code.as_str(), item.status, item.attempts), ("too_many", 429, 1));
    assert!(item.next_ms - before_ms >= 3_600_000, "it comes again after {} ms", item.next_ms - before_ms);
    assert_eq!(rig.job.state(), job::RUNNING, "the job waits, and says for what");
    Ok(())
}

#[tokio::test]
async fn of_one_object_all_go_in_order_and_none_goes_behind_a_failed_one() -> Outcome {
    let answer = |body: &str| if body == "A2" { "422 Unprocessable Content" } else { OK };
    let of = |body: &str| about(&body[..1], body);
    let items = ["A1", "B1", "A2", "B2", "A3", "B3", "A4"].map(of).to_vec();
    let (rig, receiver) = sent(answer, items, Options::default()).await?;
    let came = rig.until(none_waits).await?;
    let behind = (item::SKIPPED, "predecessor_failed");
    let (sent, refused) = ((item::SENT, ""), (item::FAILED, "refused"));
    assert_eq!(states(&came), [sent, sent, refused, sent, behind, sent, behind]);
    let heard = receiver.heard.lock();
    let of = |object: &str| heard.iter().filter(|body| body.starts_with(object)).cloned().collect::<Vec<_>>();
    assert_eq!((of("A"), of("B")), (vec!["A1".into(), "A2".into()], vec!["B1".into(), "B2".into(), "B3".into()]));
    Ok(())
}

#[tokio::test]
async fn what_waits_to_be_sent_again_is_not_overtaken_by_its_followers() -> Outcome {
    let answer = |body: &str| if body == "A1" { "503 Service Unavailable" } else { OK };
    let items = vec![about("A", "A1"), about("A", "A2"), about("B", "B1")];
    let (rig, receiver) = sent(answer, items, Options::default()).await?;
    let came = rig.until(|items| items[0].state == item::RETRYING && items[2].state == item::SENT).await?;
    assert_eq!(states(&came)[1], (item::WAITING, ""));
    assert!(!receiver.heard.lock().contains(&"A2".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_job_in_which_too_many_fail_stops_by_itself() -> Outcome {
    let answer = |body: &str| if body == "no" { "422 Unprocessable Content" } else { OK };
    let bodies = ["yes", "no", "yes", "no", "no", "yes", "yes", "yes", "yes", "yes"];
    let options = Options { stop_percent: 50, at_once: 1, ..Options::default() };
    let (rig, receiver) = sent(answer, bodies.map(|body| about("", body)).to_vec(), options).await?;
    rig.until_state(job::STOPPED).await?;
    assert!(rig.job.row.lock().note.contains("3 of 5 failed, more than the 50 %"), "{}", rig.job.row.lock().note);
    assert!(receiver.heard.lock().len() <= 6, "what is left stays");
    rig.turn(job::RUNNING);
    rig.until(none_waits).await?;
    Ok(())
}

#[tokio::test]
async fn a_ramp_sends_one_percent_and_waits_for_what_it_comes_to() -> Outcome {
    let options = Options { ramp: true, ..Options::default() };
    let items = |_: usize| about("", "{}");
    let (rig, receiver) = sent(|_| "503 Service Unavailable", (0..200).map(items).collect(), options.clone()).await?;
    let came = rig.until(|items| items.iter().filter(|item| item.state == item::RETRYING).count() == 2).await?;
    assert_eq!(came.iter().filter(|item| item.state == item::WAITING).count(), 198);
    assert_eq!(receiver.heard.lock().len(), 2);
    let (rig, receiver) = sent(|_| OK, (0..200).map(items).collect(), options).await?;
    rig.until(none_waits).await?;
    assert_eq!(receiver.heard.lock().len(), 200, "all go when the first went well");
    Ok(())
}

#[tokio::test]
async fn what_a_target_wants_no_more_goes_to_its_stand_in_or_stops_the_job() -> Outcome {
    let (gone, standby) = (receiver(|_| "410 Gone").await?, receiver(|_| OK).await?);
    let both = [target(0, &gone, "fallback = \"t1\"\n"), target(1, &standby, "")];
    let rig = launched(&both, vec![about("", "{}")], Options::default(), attempts()).await?;
    let came = rig.until(none_waits).await?;
    assert_eq!((states(&came)[0], came[0].via.as_str()), ((item::SENT, ""), "t1"));

    let alone = [target(0, &gone, "")];
    let options = Options { at_once: 1, ..Options::default() };
    let rig = launched(&alone, vec![about("", "1"), about("", "2")], options, attempts()).await?;
    rig.until_state(job::STOPPED).await?;
    assert_eq!(states(rig.job.items.lock().rows()), [(item::FAILED, "gone"), (item::WAITING, "")]);
    Ok(())
}

#[tokio::test]
async fn a_target_that_fails_on_and_on_is_spared_and_its_stand_in_takes_over() -> Outcome {
    let (down, standby) = (receiver(|_| "503 Service Unavailable").await?, receiver(|_| OK).await?);
    let breaker = "fallback = \"t1\"\n[breaker]\nfailures = 3\npause = \"1h\"\n";
    let both = [target(0, &down, breaker), target(1, &standby, "")];
    let options = Options { at_once: 1, ..Options::default() };
    let rig = launched(&both, (0..10).map(|_| about("", "{}")).collect(), options, attempts()).await?;
    let came = rig.until(none_waits).await?;
    let by_standby = came.iter().filter(|item| item.via == "t1").count();
    assert_eq!((down.heard.lock().len(), by_standby), (3, 7), "{:?}", states(&came));
    Ok(())
}

#[tokio::test]
async fn a_paused_job_sends_nothing_until_it_is_resumed() -> Outcome {
    let options = Options { at_once: 1, rate: 50, ..Options::default() };
    let (rig, receiver) = sent(|_| OK, (0..20).map(|_| about("", "{}")).collect(), options).await?;
    rig.until(|items| items[2].state == item::SENT).await?;
    rig.turn(job::PAUSED);
    let out = rig
        .until(|items| items.iter().filter(|item| item.state == item::SENT).count() == receiver.heard.lock().len())
        .await?;
    assert!(out.iter().any(|item| item.state == item::WAITING), "it was paused on its way");
    rig.turn(job::RUNNING);
    rig.until(none_waits).await?;
    assert_eq!(receiver.heard.lock().len(), 20, "each once");
    Ok(())
}
