//! Nothing that was acknowledged is lost, whatever dies.

use std::time::{Duration, Instant};

use crate::ledger::Ledger;
use crate::server::{Server, signal, until};

const KILLS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_under_load_nothing_acknowledged_is_lost_or_doubled() {
    let mut server = Server::start().await;
    let mut ledger = Ledger::start(&server, 3, 20, Duration::from_millis(5));
    for kill in 1..=KILLS {
        // A different amount of work each time, so that it dies at different places.
        let enough = ledger.acknowledged() + 97 * kill;
        until(&format!("there is work under way before kill {kill}"), || async {
            (ledger.acknowledged() >= enough).then_some(())
        })
        .await;
        server.kill();
        server.launch();
    }
    ledger.stop().await;
    ledger.check(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_clickhouse_down_for_twenty_seconds_under_load_nothing_is_lost_and_it_catches_up() {
    let server = Server::start().await;
    let mut ledger = Ledger::start(&server, 2, 20, Duration::from_millis(20));
    until("there is work under way", || async { (ledger.acknowledged() > 200).then_some(()) }).await;

    // It is started again by milepost at once, and so it is killed again, for twenty seconds.
    let begun = Instant::now();
    let before = ledger.acknowledged();
    let mut kills = 0;
    while begun.elapsed() < Duration::from_secs(20) {
        if let Some(pid) = server.engine_pid() {
            signal(pid, "KILL");
            kills += 1;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(kills > 0, "the engine was found");
    assert!(ledger.acknowledged() > before, "senders were served while ClickHouse was away");

    ledger.stop().await;
    until("ClickHouse is back", || server.try_clickhouse("SELECT 1 AS one")).await;
    ledger.check(&server).await;
}
