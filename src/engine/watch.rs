//! The thread that starts the child, asks it whether it is well, and starts it again when it is not.
//! A thread of its own, because the kernel ends the child with the thread that started it.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::watch::Sender;

use super::files::Prepared;
use super::{Settings, State, Status, probe};

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LAST_BACKOFF: Duration = Duration::from_secs(10);
/// Running this long makes the next back-off the first again.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);
const PROBE_LIMIT: Duration = Duration::from_secs(5);

pub(super) fn spawn(
    settings: Settings,
    prepared: Prepared,
    status: Sender<Status>,
    stop: Receiver<()>,
) -> io::Result<JoinHandle<()>> {
    let watcher = Watcher { settings, prepared, status, stop };
    thread::Builder::new().name("engine".to_owned()).spawn(move || watcher.run())
}

struct Watcher {
    settings: Settings,
    prepared: Prepared,
    status: Sender<Status>,
    stop: Receiver<()>,
}

/// Why one life of the child ended.
enum End {
    Asked,
    Failed(String),
}

impl Watcher {
    fn run(self) {
        let mut backoff = FIRST_BACKOFF;
        loop {
            let born = Instant::now();
            let reason = match self.one_life() {
                End::Asked => break,
                End::Failed(reason) => reason,
            };
            if born.elapsed() >= HEALTHY_AFTER {
                backoff = FIRST_BACKOFF;
            }
            tracing::warn!(
                reason,
                wait_ms = backoff.as_millis() as u64,
                "the engine is down and will be started again"
            );
            self.tell(|status| {
                status.state = State::Down;
                status.reason = reason;
                status.pid = None;
                status.restarts += 1;
            });
            if self.asked_to_stop_within(backoff) {
                break;
            }
            backoff = (backoff * 2).min(LAST_BACKOFF);
        }
        self.tell(|status| {
            status.state = State::Stopped;
            status.pid = None;
        });
    }

    fn one_life(&self) -> End {
        let mut child = match self.start() {
            Ok(child) => child,
            Err(error) => return End::Failed(format!("the process could not be started: {error}")),
        };
        self.tell(|status| {
            status.state = State::Starting;
            status.pid = Some(child.id());
        });
        let end = self.watch(&mut child);
        match &end {
            End::Asked => self.end(&mut child),
            End::Failed(_) => {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        end
    }

    /// Until it ends, hangs, or is to end.
    fn watch(&self, child: &mut Child) -> End {
        let (start_limit, hung_limit) =
            (Duration::from_millis(self.settings.start_ms), Duration::from_millis(self.settings.hung_ms));
        let mut ready = false;
        let mut answered = Instant::now();
        let mut asked = Instant::now();
        loop {
            if self.asked_to_stop_within(Duration::from_millis(if ready { 100 } else { 20 })) {
                return End::Asked;
            }
            match child.try_wait() {
                Ok(None) => {}
                Ok(Some(code)) => return End::Failed(format!("the process ended ({code}){}", self.last_words())),
                Err(error) => return End::Failed(format!("the process is lost: {error}")),
            }
            if ready && asked.elapsed() < Duration::from_secs(1) {
                continue;
            }
            asked = Instant::now();
            match probe::version(&self.prepared, PROBE_LIMIT) {
                Ok(version) => {
                    answered = Instant::now();
                    if !ready {
                        ready = true;
                        tracing::info!(version, pid = child.id(), "the engine is ready");
                        self.tell(|status| {
                            status.state = State::Ready;
                            status.reason.clear();
                            status.version = version;
                        });
                    }
                }
                Err(error) if answered.elapsed() > if ready { hung_limit } else { start_limit } => {
                    return End::Failed(format!("no answer for {} s: {error}", answered.elapsed().as_secs()));
                }
                Err(_) => {}
            }
        }
    }

    fn start(&self) -> io::Result<Child> {
        let program = match &self.settings.program {
            Some(program) => program.clone(),
            None => std::env::current_exe()?,
        };
        let errors = fs::File::create(self.prepared.errors())?;
        Command::new(program)
            .args(["engine", "run", "--library"])
            .arg(&self.prepared.library)
            .arg("--dir")
            .arg(&self.prepared.dir)
            .args(["--port", &self.prepared.port.to_string()])
            .args(["--parent", &std::process::id().to_string()])
            .args(["--stop-ms", &self.settings.stop_ms.to_string()])
            // It looks for files in its home and current folder, and takes its time zone from the environment.
            .env_clear()
            .env("HOME", &self.prepared.dir)
            .env("TZ", "UTC")
            .current_dir(&self.prepared.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            // Ctrl-C in a terminal is for milepost, which stops the engine after its last write.
            .process_group(0)
            .spawn()
    }

    fn end(&self, child: &mut Child) {
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        super::child::terminate(child.id());
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_millis(self.settings.stop_ms) {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        tracing::warn!(pid = child.id(), "the engine did not stop by itself and is killed");
        let _ = child.kill();
        let _ = child.wait();
    }

    /// The end of what it wrote to standard error, for the person who has to find out why.
    fn last_words(&self) -> String {
        let text = fs::read(self.prepared.errors()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text[text.len().saturating_sub(2000)..]).trim().to_owned();
        if text.is_empty() { text } else { format!(": {text}") }
    }

    fn asked_to_stop_within(&self, wait: Duration) -> bool {
        !matches!(self.stop.recv_timeout(wait), Err(RecvTimeoutError::Timeout))
    }

    fn tell(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(change);
    }
}
