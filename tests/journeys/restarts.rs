//! After a start everything is told as before, also what is in the database only: what is said then reaches the workflows that it
//! is about, before anything open is in memory.

use serde_json::{Value, json};

use crate::server::{MILEPOST, Server, event, milestone, order, until, until_or};

const NEVER: &str = "--pipeline-memory-after-ms=3600000";

fn shipped(order: &str, id: &str, load: &[&str]) -> Value {
    let lines = json!([{"order": order, "line": "10", "sku": "AB-77", "quantity": "5", "unit": "EA"}]);
    let refs = json!({"order": [order], "load": load});
    let data = json!({"lines": lines, "warehouse": "HAM-1"});
    event("shipment.shipped", &format!("wms-{id}-shipped"), ("shipment", id), refs, 300, data)
}

fn proof(id: &str) -> Value {
    let signer = json!({"signer": "M. Brandt"});
    event("delivery.pod_received", &format!("tms-{id}-pod"), ("shipment", id), json!({}), 2000, signer)
}

fn departed(load: &str) -> Value {
    let carrier = json!({"carrier": "DHL"});
    event("load.departed", &format!("tms-{load}-departed"), ("load", load), json!({}), 400, carrier)
}

/// What the store tells of an order without reading its events: what the pipeline made of it.
async fn stage(server: &Server, id: &str) -> Option<(String, Vec<String>)> {
    let sql = format!("SELECT stage, arraySort(members) AS members FROM workflows FINAL WHERE root_id = '{id}'");
    let found = server.try_clickhouse(&sql).await?;
    let row = found.first()?;
    let members = row["members"].as_array()?.iter().filter_map(|m| Some(m.as_str()?.to_owned())).collect();
    Some((row["stage"].as_str()?.to_owned(), members))
}

async fn is_remembered(server: &Server) -> Option<()> {
    let (_, metrics) = server.page("/metrics").await;
    metrics.lines().any(|line| line == "milepost_remembered 1").then_some(())
}

#[tokio::test]
async fn before_anything_is_in_memory_words_reach_the_workflows_that_they_are_about() {
    let mut server = Server::start().await;
    let alias = json!({"alias": {"system": "wms", "id": "W-4"}});
    server
        .send(&json!([
            order("SO-1", 0),
            shipped("SO-1", "SH-1", &["LD-1"]),
            order("SO-2", 1),
            shipped("SO-2", "SH-2", &["LD-1"]),
            order("SO-3", 2),
            proof("SH-3"),
            order("SO-4", 3),
            event("object.aliased", "erp-alias", ("order", "SO-4"), json!({}), 4, alias),
            // Nobody has heard of SO-5 yet but by its shipment, which also belongs to another order.
            shipped("SO-1", "SH-5", &[]),
            event("shipment.in_transit", "tms-SH-5", ("shipment", "SH-5"), json!({"order": ["SO-5"]}), 350, json!({})),
        ]))
        .await;
    until("the shipments are known", || async {
        let (_, one) = stage(&server, "SO-1").await?;
        let (_, two) = stage(&server, "SO-2").await?;
        (one.contains(&"shipment/SH-5".to_owned()) && two.contains(&"shipment/SH-2".to_owned())).then_some(())
    })
    .await;

    server.kill();
    server.with(&[NEVER]);
    server.launch();
    until("it answers", || server.ask("/api/v1/workflows")).await;
    // Of the load nothing was said before, only that it carries both; of SH-3 only the proof; W-4 is SO-4 for the warehouse.
    let pick = json!({"lines": [{"line": "10", "sku": "AB-77", "quantity": "5", "unit": "EA"}]});
    server
        .send(&json!([
            departed("LD-1"),
            shipped("SO-3", "SH-3", &[]),
            event("pick.completed", "wms-pick", ("order", "W-4"), json!({}), 60, pick),
            order("SO-5", 5),
        ]))
        .await;
    for (id, at, with) in [
        ("SO-1", "departed", "load/LD-1"),
        ("SO-2", "departed", "load/LD-1"),
        ("SO-3", "pod", "shipment/SH-3"),
        ("SO-4", "picked", "order/W-4"),
        ("SO-5", "shipped", "shipment/SH-5"),
    ] {
        until(&format!("{id} is told with {with}"), || async {
            let (stage, members) = stage(&server, id).await?;
            let workflow = server.workflow(id).await?;
            let reached = milestone(&workflow, at)["reached"] != "no";
            (reached && stage == workflow["stage"] && members.contains(&with.to_owned())).then_some(())
        })
        .await;
    }
    let held = server.clickhouse("SELECT toString(count()) AS n FROM objects FINAL WHERE held").await;
    assert_eq!(held[0]["n"], "0", "{held:?}");
    let metrics = server.page("/metrics").await.1;
    assert!(metrics.contains("milepost_remembered 0"), "{metrics}");
}

#[tokio::test]
async fn a_start_writes_nothing_again_that_it_would_say_the_same_of() {
    let mut server = Server::start().await;
    for n in 0..20 {
        let (order_id, id) = (format!("SO-{n}"), format!("SH-{n}"));
        server.send(&json!([order(&order_id, n), shipped(&order_id, &id, &["LD-1"]), proof(&id)])).await;
    }
    server.send(&departed("LD-1")).await;
    until("the load and all twenty orders on it are there", || async {
        let found = server
            .try_clickhouse("SELECT toString(count()) AS n FROM workflows FINAL WHERE has(members, 'load/LD-1')")
            .await?;
        (found[0]["n"] == "21").then_some(())
    })
    .await;
    until("everything is judged", || is_remembered(&server)).await;
    let tables = ["workflows", "slas", "paths", "objects", "exceptions", "readiness", "reconciliation"];
    let versions = async |server: &Server| {
        let mut all = Vec::new();
        for table in tables {
            let only = if table == "exceptions" { "WHERE root_id != ''" } else { "" };
            all.push(
                server.clickhouse(&format!("SELECT toString(max(version)) AS v FROM {table} {only}")).await[0]["v"]
                    .clone(),
            );
        }
        all
    };
    let before = versions(&server).await;

    for how in ["killed", "stopped"] {
        if how == "killed" {
            server.kill()
        } else {
            server.stop()
        }
        server.launch();
        until("everything is in memory and judged again", || is_remembered(&server)).await;
        assert_eq!(versions(&server).await, before, "{how}: {tables:?}");
    }
}

/// What the pipeline made of everything, but for when.
async fn told(server: &Server) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for sql in [
        "SELECT definition, root_type, root_id, status, stage, closed, customer, amount, exceptions, readiness,
            arraySort(members) AS members FROM workflows FINAL",
        "SELECT object_type, object_id, state, events, held, waits_for, arraySort(links) AS links,
            arraySort(workflows) AS workflows, same_as, arraySort(aliases) AS aliases FROM objects FINAL",
        "SELECT root_id, object_type, object_id, state, reasons, amount, billed, remaining FROM readiness FINAL
            WHERE state != 'gone'",
        "SELECT root_id, kind, object_type, object_id, line, state, expected, found FROM reconciliation FINAL
            WHERE state != 'gone'",
        "SELECT root_id, policy, object_type, object_id, due_at, ended_at, verdict FROM slas FINAL WHERE verdict != 'gone'",
        "SELECT kind, object_type, object_id, root_id, detail, orders, money FROM exceptions FINAL
            WHERE NOT closed AND root_id != ''",
    ] {
        all.extend(server.try_clickhouse(sql).await?.iter().map(ToString::to_string));
    }
    all.sort();
    Some(all)
}

/// In an order that the seed decides.
fn shuffled(mut events: Vec<Value>, mut seed: u64) -> Vec<Value> {
    for at in (1..events.len()).rev() {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        events.swap(at, usize::try_from(seed % (at as u64 + 1)).unwrap());
    }
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_landscape_in_any_order_cut_by_restarts_without_memory_ends_as_one_that_never_stopped() {
    const SEED: u64 = 0x5EED_0017;
    let source = Server::start().await;
    let run = |args: &[&str]| {
        let ran = std::process::Command::new(MILEPOST).args(args).output().unwrap();
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    };
    let (http, grpc, otlp) = (&source.http, &source.otlp_grpc, &source.otlp_http);
    run(&[
        "simulate",
        "--url",
        http,
        "--otlp-grpc",
        grpc,
        "--otlp-http",
        otlp,
        "--key",
        &source.send_key,
        "--seed",
        "23",
        "--orders",
        "0",
        "--history",
        "16d",
        "--history-orders",
        "16",
        "--first",
        "30000",
    ]);
    let export = || run(&["export", "--url", http, "--key", &source.read_key]);
    let mut before = String::new();
    let lines = until("all is stored", || {
        let now = export();
        let same = !now.is_empty() && now == before;
        before.clone_from(&now);
        async move { same.then_some(now) }
    })
    .await;
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.len() > 300, "{} events", events.len());
    let events = shuffled(events, SEED);

    let (steady, mut cut) = (Server::start().await, Server::start().await);
    for part in events.chunks(50) {
        steady.send(&json!(part)).await;
    }
    cut.with(&[NEVER]);
    for part in events.chunks(events.len().div_ceil(7)) {
        cut.kill();
        cut.launch();
        until("it answers", || cut.ask("/api/v1/workflows")).await;
        for part in part.chunks(50) {
            cut.send(&json!(part)).await;
        }
        until("something is stored", || cut.try_clickhouse("SELECT 1 FROM workflows LIMIT 1")).await;
    }
    let differs = std::cell::RefCell::new(String::new());
    until_or(
        "both tell the same",
        || format!("seed {SEED:#x}\n{}", differs.borrow()),
        || async {
            let (one, other) = (told(&steady).await?, told(&cut).await?);
            let only = |these: &[String], those: &[String], side: &str| {
                let alone = these.iter().filter(|row| !those.contains(row)).take(4);
                alone.map(|row| format!("{side} {row}\n")).collect::<String>()
            };
            differs.replace(only(&one, &other, "steady") + &only(&other, &one, "cut"));
            (one.len() > 100 && one == other).then_some(())
        },
    )
    .await;
}
