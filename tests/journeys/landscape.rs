//! The main job: orders from release to paid, told by four systems in their own protocols through the public ports.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use chrono::{DateTime, Utc};
use milepost::simulate::story::{Said, Told};
use milepost::simulate::troubles::Setting;
use milepost::simulate::{SimulateSettings, told_past};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::server::{MILEPOST, Server, milestone, until, until_or};

/// Event that reaches a milestone.
const REACHED_BY: [(&str, &[&str]); 14] = [
    ("created", &["order.created"]),
    ("credit_cleared", &["order.credit_checked", "order.credit_released"]),
    ("released", &["order.released"]),
    ("allocated", &["inventory.allocated"]),
    ("picked", &["pick.completed"]),
    ("packed", &["pack.completed"]),
    ("shipped", &["shipment.shipped", "shipment.short_shipped"]),
    ("departed", &["shipment.departed"]),
    ("delivered", &["shipment.delivered"]),
    ("pod", &["delivery.pod_received"]),
    ("accrued", &["accrual.created"]),
    ("invoiced", &["invoice.issued"]),
    ("posted", &["invoice.posted"]),
    ("paid", &["payment.received"]),
];

fn landscape(server: &Server, start: DateTime<Utc>, trouble: &str) -> SimulateSettings {
    let (http, grpc, otlp) = (server.http.clone(), server.otlp_grpc.clone(), server.otlp_http.clone());
    SimulateSettings {
        orders: Some(0),
        history: chrono::TimeDelta::try_days(16),
        history_orders: 24,
        first: Some(20_000),
        start: Some(start),
        seed: 11,
        trouble: vec![trouble.parse::<Setting>().unwrap()],
        ..SimulateSettings::local(http, grpc, otlp, server.send_key.clone())
    }
}

/// Runs the real landscape as a program of its own.
fn simulate(settings: &SimulateSettings, trouble: &str) {
    let ran = Command::new(MILEPOST)
        .args([
            "simulate",
            "--url",
            &settings.url,
            "--otlp-grpc",
            &settings.otlp_grpc,
            "--otlp-http",
            &settings.otlp_http,
        ])
        .args([
            "--seed",
            &settings.seed.to_string(),
            "--orders",
            "0",
            "--history",
            "16d",
            "--history-orders",
            &settings.history_orders.to_string(),
        ])
        .args(["--first", "20000", "--start", &settings.start.unwrap().to_rfc3339(), "--trouble", trouble])
        .env("MILEPOST_KEY", &settings.key)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// The number in its id tells which order something hangs from: `INV-20001-1` is of `SO-20001`.
fn told_of<'s>(said: &'s [Said], order: &str) -> Vec<(&'s Said, &'s Told)> {
    let number = order.split('-').nth(1).unwrap();
    let own = |s: &&Said| s.object.kind != "load" && s.object.id.split('-').any(|part| part == number);
    said.iter().filter(own).filter_map(|s| Some((s, s.told()?))).collect()
}

fn quantity(told: &[(&Said, &Told)], kinds: &[&str], line: &str) -> Decimal {
    let lines = told
        .iter()
        .filter(|(_, t)| kinds.contains(&t.kind))
        .flat_map(|(_, t)| t.data["lines"].as_array().into_iter().flatten());
    lines.filter(|l| l["line"] == line).map(|l| l["quantity"].as_str().unwrap().parse::<Decimal>().unwrap()).sum()
}

fn decimal(value: &Value) -> Decimal {
    value.as_str().map_or_else(|| value.to_string().parse().unwrap(), |text| text.parse().unwrap())
}

#[tokio::test]
async fn orders_are_followed_from_release_to_paid_over_four_protocols() {
    let server = Server::start().await;
    let settings = landscape(&server, Utc::now(), "none");
    simulate(&settings, "none");
    let said = told_past(&settings, settings.start.unwrap());
    let orders: BTreeSet<&str> =
        said.iter().filter(|s| s.object.kind == "order").map(|s| s.object.id.as_str()).collect();
    assert!(orders.len() >= 20, "{} orders", orders.len());
    let mut paid = 0;

    for order in orders {
        let told = told_of(&said, order);
        let last = told.iter().filter(|(_, t)| !t.kind.starts_with("freight") && !t.kind.starts_with("charge")).count();
        let workflow = until(&format!("all of {order} is in"), || async {
            let workflow = server.workflow(order).await?;
            let known: BTreeSet<&str> = workflow["milestones"]
                .as_array()?
                .iter()
                .flat_map(|m| m["events"].as_array().unwrap())
                .map(|e| e["id"].as_str().unwrap())
                .collect();
            let wanted: Vec<&str> = told
                .iter()
                .filter(|(_, t)| REACHED_BY.iter().any(|(_, kinds)| kinds.contains(&t.kind)))
                .map(|(_, t)| t.id.as_str())
                .collect();
            wanted.iter().all(|id| known.contains(id)).then_some(workflow)
        })
        .await;
        assert!(last > 0);
        let whole = told.iter().any(|(_, t)| t.kind == "payment.received");
        paid += u32::from(whole);
        for (key, kinds) in REACHED_BY {
            let mut events = told.iter().filter(|(_, t)| kinds.contains(&t.kind)).peekable();
            let milestone = milestone(&workflow, key);
            if events.peek().is_none() {
                assert!(matches!(milestone["reached"].as_str(), Some("no" | "skipped")), "{order} {key}: {milestone}");
                continue;
            }
            let times: BTreeSet<DateTime<Utc>> = events.map(|(s, _)| s.at.to_utc()).collect();
            let at: DateTime<Utc> = milestone["at"].as_str().unwrap().parse().unwrap();
            assert!(times.contains(&at), "{order} {key}: {at} is none of {times:?}");
            if whole {
                assert_eq!(milestone["reached"], "full", "{order} {key}: {milestone}");
            }
        }
        for line in workflow["lines"].as_array().unwrap() {
            let id = line["line"].as_str().unwrap();
            for (field, kinds) in [
                ("ordered", &["order.created"][..]),
                ("allocated", &["inventory.allocated"]),
                ("shipped", &["shipment.shipped"]),
                ("invoiced", &["invoice.issued"]),
            ] {
                assert_eq!(decimal(&line[field]), quantity(&told, kinds, id), "{order} line {id} {field}");
            }
        }
    }
    assert!(paid > 3, "{paid} orders were paid");
}

/// What a page, the API and a query by hand say of one order is the same.
#[tokio::test]
async fn page_api_and_clickhouse_say_the_same_of_an_order() {
    let server = Server::start().await;
    let settings = landscape(&server, Utc::now(), "none");
    simulate(&settings, "none");
    let orders = until("all orders are in", || async {
        let rows = server.try_clickhouse("SELECT root_id, stage, status, customer, toString(amount) AS amount, stage_title FROM workflows FINAL WHERE root_type = 'order' ORDER BY root_id").await?;
        (rows.len() >= 20).then_some(rows)
    })
    .await;
    let mut compared = 0;
    for row in orders.iter().step_by(5) {
        let id = row["root_id"].as_str().unwrap();
        // The last events may still be on their way from the doors: ask until all three stand still and agree.
        let disagreement = RefCell::new(String::new());
        until_or(&format!("all three agree on {id}"), || disagreement.borrow().clone(), || async {
            let sql = format!("SELECT stage, status, stage_title, customer FROM workflows FINAL WHERE root_type = 'order' AND root_id = '{id}'");
            let row = server.try_clickhouse(&sql).await?.pop()?;
            let events = server.try_clickhouse(&format!("SELECT countDistinct(event_id) AS n FROM events WHERE object_type = 'order' AND object_id = '{id}'")).await?.pop()?;
            let api = server.workflow(id).await?;
            let (status, page) = server.page(&format!("/t/{}/w/order/{id}", server.tenant)).await;
            assert_eq!(status, 200);
            let text = visible(&page);
            let own = api["objects"].as_array()?.iter().find(|o| o["object"]["id"] == id)?;
            let (_, quantities) = server.page(&format!("/t/{}/w/order/{id}/quantities", server.tenant)).await;
            let quantities = visible(&quantities);
            let shown = |line: &Value| {
                let is_there = |text: &str| quantities.split_whitespace().any(|word| word.replace(',', "") == text);
                let amount = |field: &str| line[field].to_string().trim_matches('"').to_owned();
                // Nothing is shown as a mark, not as 0.
                let amounts = ["ordered", "shipped", "invoiced"].map(amount);
                is_there(line["sku"].as_str().unwrap()) && amounts.iter().all(|a| a == "0" || is_there(a))
            };
            let lines_shown = api["lines"].as_array()?.iter().all(shown);
            let same = [
                ("stage", api["stage"] == row["stage"]),
                ("status", api["status"] == row["status"]),
                ("customer", api["customer"] == row["customer"]),
                ("events of the order", own["events"].as_u64() == number(&events["n"])),
                ("stage on the page", text.contains(row["stage_title"].as_str()?)),
                ("customer on the page", text.contains(row["customer"].as_str()?)),
                ("lines on the page", lines_shown),
            ];
            let differ: Vec<&str> = same.iter().filter(|(_, same)| !same).map(|(what, _)| *what).collect();
            *disagreement.borrow_mut() = format!("{differ:?} of {row} {} {} {own}", api["stage"], api["customer"]);
            differ.is_empty().then_some(())
        })
        .await;
        compared += 1;
    }
    assert!(compared >= 4);
}

/// ClickHouse writes 64-bit numbers as text.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A page without its tags, with the usual entities resolved.
pub fn visible(page: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in page.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    let entities = BTreeMap::from([
        ("&amp;", "&"),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#x2F;", "/"),
    ]);
    entities.iter().rev().fold(text, |text, (entity, plain)| text.replace(entity, plain))
}

/// With the usual troubles on, everything that was sent is accounted for: nothing is lost, nothing is there twice.
#[tokio::test]
async fn a_landscape_with_all_its_troubles_is_fully_accounted_for() {
    let server = Server::start().await;
    let settings = landscape(&server, Utc::now(), "duplicate=0.1");
    simulate(&settings, "duplicate=0.1");
    let said = told_past(&settings, settings.start.unwrap());
    let right: BTreeSet<(&str, &str)> = said
        .iter()
        .filter_map(|s| Some((s.source, s.told()?)))
        .filter(|(_, t)| t.spoilt.is_none())
        .map(|(source, t)| (source, t.id.as_str()))
        .collect();
    let spoilt = said.iter().filter_map(|s| s.told()).filter(|t| t.spoilt.is_some()).count();
    until("every right event is stored once", || async {
        let row = server
            .try_clickhouse("SELECT count() AS rows, uniqExact(source, event_id) AS events FROM events")
            .await?
            .pop()?;
        let (rows, events) = (number(&row["rows"])?, number(&row["events"])?);
        assert!(rows == events, "{rows} rows of {events} events");
        (events == right.len() as u64).then_some(())
    })
    .await;
    let failures = until("every wrong event is kept", || async {
        let row = server
            .try_clickhouse("SELECT countIf(code != 'conflicting_duplicate' AND NOT startsWith(event_type, 'message.') AND step = '') AS n FROM failures")
            .await?
            .pop()?;
        let n = number(&row["n"])?;
        (n >= spoilt as u64).then_some(n)
    })
    .await;
    assert_eq!(failures, spoilt as u64);
}
