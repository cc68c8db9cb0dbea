//! `milepost tail` in a terminal: lines as events come, also after the server was away.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use crate::server::{MILEPOST, Server, order, until};

struct Tail {
    process: Child,
    lines: Receiver<String>,
}

impl Tail {
    fn of(server: &Server, more: &[&str]) -> Self {
        let mut process = Command::new(MILEPOST)
            .args(["tail", "--url", &server.http, "--tenant", server.tenant])
            .args(more)
            .env("MILEPOST_READ_KEY", &server.read_key)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (said, lines) = channel();
        let out = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
        Self { process, lines }
    }

    /// Sends orders until one of them is told: it may still be connecting.
    async fn tells(&self, server: &Server, prefix: &str) -> String {
        let sent = std::cell::Cell::new(0);
        until("the tail tells of an order", || async {
            sent.set(sent.get() + 1);
            server.send(&order(&format!("{prefix}-{}", sent.get()), 0)).await;
            self.lines.try_iter().find(|line| line.contains(prefix))
        })
        .await
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_tail_tells_events_as_they_come_and_comes_back_after_a_restart() {
    let mut server = Server::start().await;
    let tail = Tail::of(&server, &["--json"]);
    let line: Value = serde_json::from_str(&tail.tells(&server, "BEFORE").await).unwrap();
    assert_eq!((&line["type"], &line["system"]), (&"order.created".into(), &"erp".into()), "{line}");

    server.kill();
    server.launch();
    tail.tells(&server, "AFTER").await;
}

#[tokio::test]
async fn a_tail_without_a_key_that_may_read_says_so_and_ends() {
    let server = Server::start().await;
    let ran = Command::new(MILEPOST)
        .args(["tail", "--url", &server.http, "--tenant", server.tenant])
        .env("MILEPOST_READ_KEY", &server.send_key)
        .output()
        .unwrap();
    assert!(!ran.status.success());
    assert!(
        String::from_utf8_lossy(&ran.stderr).contains("is the key one to read tenant"),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
