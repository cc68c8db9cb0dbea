//! Real OpenTelemetry SDKs send business events; nothing is made for us in them but attributes.

use std::process::Command;

use serde_json::Value;

use crate::server::{PROJECT, Server, milestone, until};

fn python(server: &Server, protocol: &str, prefix: &str) {
    let endpoint = if protocol == "grpc" { &server.otlp_grpc } else { &server.otlp_http };
    let program = format!("{PROJECT}/tests/.venv/bin/python");
    assert!(std::path::Path::new(&program).exists(), "no Python client here: run `make setup`");
    run(Command::new(program).arg("tests/clients/send.py").args([protocol, endpoint, &server.send_key, prefix]));
}

fn javascript(server: &Server, form: &str, prefix: &str) {
    run(Command::new("node").arg("tests/clients/send.mjs").args([form, &server.otlp_http, &server.send_key, prefix]));
}

fn run(command: &mut Command) {
    let ran = command.current_dir(PROJECT).output().unwrap();
    assert!(
        ran.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
}

async fn arrived(server: &Server, prefix: &str, customer: &str) {
    for way in ["log", "span"] {
        let id = format!("{prefix}-{way}");
        let workflow: Value = until(&format!("{id} has arrived"), || server.workflow(&id)).await;
        assert_eq!(workflow["customer"], customer, "{workflow}");
        let created = milestone(&workflow, "created");
        assert_eq!((&created["reached"], &created["by"]), (&"full".into(), &"erp".into()), "{created}");
        assert_eq!(
            created["at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp(),
            1_794_297_600
        );
    }
    let workflow = server.workflow(&format!("{prefix}-log")).await.unwrap();
    assert_eq!(workflow["lines"][0]["ordered"].to_string().trim_matches('"'), "5", "{workflow}");
}

#[tokio::test]
async fn the_python_sdk_sends_over_grpc_with_gzip() {
    let server = Server::start().await;
    python(&server, "grpc", "PG");
    arrived(&server, "PG", "Python & Söhne").await;
    points_are_kept(&server, "python-erp").await;
}

#[tokio::test]
async fn the_python_sdk_sends_over_http_with_protobuf() {
    let server = Server::start().await;
    python(&server, "http", "PH");
    arrived(&server, "PH", "Python & Söhne").await;
}

#[tokio::test]
async fn the_javascript_sdk_sends_over_http_with_json_and_with_protobuf() {
    let server = Server::start().await;
    for (form, prefix) in [("json", "JJ"), ("protobuf", "JP")] {
        javascript(&server, form, prefix);
        arrived(&server, prefix, "Skript & Söhne").await;
    }
    points_are_kept(&server, "javascript-erp").await;
}

async fn points_are_kept(server: &Server, service: &str) {
    let sql = format!("SELECT DISTINCT name FROM points WHERE service = '{service}' ORDER BY name");
    until("the metrics are kept", || async {
        let rows = server.try_clickhouse(&sql).await?;
        let names: Vec<&str> = rows.iter().filter_map(|r| r["name"].as_str()).collect();
        (names.contains(&"orders") && names.contains(&"order.value")).then_some(())
    })
    .await;
}
