//! After a start everything is told as before, also what is in the database only: what is said then reaches the workflows that it
//! is about, before anything open is in memory.

use serde_json::{Value, json};

use crate::server::{Server, event, milestone, order, until};

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
