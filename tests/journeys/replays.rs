//! Replays: through the pipeline until the effect is seen, to a receiver that counts, and through kill -9.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use crate::server::{Server, event, order, until, until_within};

/// An order whose quantity is no number: refused at the door.
fn broken(id: &str, object: &str, minute: u32) -> Value {
    let data = json!({"customer": "ACME", "lines": [{"line": "10", "sku": "AB-77", "quantity": "many", "unit": "EA"}],
        "amount": {"value": "10.00", "currency": "EUR"}});
    event("order.created", id, ("order", object), json!({}), minute, data)
}

async fn send_broken(server: &Server, events: &[Value]) {
    for some in events.chunks(2_000) {
        let (status, said) = server.post("/v1/events", "application/json", json!(some).to_string()).await;
        assert!(status == 200 || status == 207 || status == 422, "{status} {said}");
    }
}

/// Ids of the failed records, once so many are there.
async fn failed(server: &Server, count: usize) -> Vec<String> {
    until_within(Duration::from_secs(120), "the failures are there", || async {
        let rows = server
            .clickhouse(
                "SELECT concat(lower(hex(payload)), '.', toString(index)) AS id FROM failures ORDER BY payload, index",
            )
            .await;
        let trim = |row: &Value| row["id"].as_str().unwrap().trim_start_matches('0').to_owned();
        let ids: Vec<String> =
            rows.iter().map(trim).map(|id| if id.starts_with('.') { format!("0{id}") } else { id }).collect();
        (ids.len() == count).then_some(ids)
    })
    .await
}

async fn finished(server: &Server, id: &str) -> Value {
    until_within(Duration::from_secs(180), "the replay is at its end", || async {
        let job = server.ask(&format!("/api/v1/replays/{id}?limit=20000")).await?;
        matches!(job["state"].as_str(), Some("finished" | "cancelled")).then_some(job)
    })
    .await
}

#[tokio::test]
async fn a_failed_payload_is_edited_tried_replayed_once_and_proven() {
    let server = Server::start().await;
    send_broken(&server, &[broken("e-1", "SO-1", 0), broken("e-2", "SO-2", 1)]).await;
    let ids = failed(&server, 2).await;
    let edits = format!("/api/v1/payloads/{}/edits", ids[0]);

    let mut mended = broken("e-1", "SO-1", 0);
    mended["id"] = json!("another");
    let (status, said) = server.act(&edits, &json!({"body": mended.to_string()}), None).await;
    assert_eq!((status, &said["pointer"]), (422, &json!("/id")), "{said}");
    mended["id"] = json!("e-1");
    let (status, said) = server.act(&edits, &json!({"body": mended.to_string()}), None).await;
    assert_eq!((status, said["problems"].as_array().unwrap().len()), (200, 1), "still wrong, and said so: {said}");
    mended["data"]["lines"][0]["quantity"] = json!("5");
    let (status, said) = server.act(&edits, &json!({"body": mended.to_string()}), None).await;
    assert_eq!((status, &said["problems"]), (200, &json!([])), "{said}");
    let edit = said["edit_id"].as_str().unwrap().to_owned();

    let mut ask = json!({"payloads": [ids[0]], "edit": edit, "through": "pipeline", "dry_run": true, "reason": ""});
    let (status, said) = server.act("/api/v1/replays", &ask, None).await;
    assert_eq!((status, &said["count"]), (200, &json!(1)), "{said}");
    assert_eq!(said["forecast"]["workflows"][0]["workflow"]["id"], "SO-1", "{said}");
    assert!(server.workflow("SO-1").await.is_none(), "a dry run writes nothing");
    assert_eq!(server.clickhouse("SELECT id FROM replays").await.len(), 0);

    ask["dry_run"] = json!(false);
    let (status, said) = server.act("/api/v1/replays", &ask, None).await;
    assert_eq!((status, &said["pointer"]), (422, &json!("/reason")), "{said}");
    ask["reason"] = json!("Quantity typed by hand");
    let (first, second) =
        tokio::join!(server.act("/api/v1/replays", &ask, Some("k-1")), server.act("/api/v1/replays", &ask, None));
    assert_eq!((first.0, second.0), (200, 200), "{} {}", first.1, second.1);
    assert_eq!(first.1["id"], second.1["id"], "two at once are one job");
    let job = finished(&server, first.1["id"].as_str().unwrap()).await;
    assert_eq!(job["counts"]["proven"], 1, "{job}");
    until("the order is there", || server.workflow("SO-1")).await;
    assert!(server.workflow("SO-2").await.is_none(), "nothing beside it was sent");
    let events = server.clickhouse("SELECT event_id FROM events WHERE object_id = 'SO-1'").await;
    assert_eq!(events.len(), 1, "the original was not sent too");

    let (status, said) = server.act("/api/v1/replays", &ask, None).await;
    assert_eq!((status, &said["code"]), (409, &json!("nothing_to_replay")), "{said}");
    let (status, said) = server.act(&edits, &json!({"body": mended.to_string()}), None).await;
    assert_eq!((status, &said["code"]), (409, &json!("already_healed")), "{said}");

    let mut ask = json!({"payloads": ids, "through": "pipeline", "reason": "By rule", "rule":
        [{"op": "map", "at": "/data/lines/*/quantity", "values": {"many": "7"}}]});
    let (status, said) = server.act("/api/v1/replays", &ask, Some("k-2")).await;
    assert_eq!((status, &said["count"]), (200, &json!(1)), "{said}");
    assert_eq!(said["excluded"]["items"][0]["why"], "healed", "{said}");
    let job = finished(&server, said["id"].as_str().unwrap()).await;
    assert_eq!(job["counts"]["proven"], 1, "{job}");
    let (status, again) = server.act("/api/v1/replays", &ask, Some("k-2")).await;
    assert_eq!((status, &again["id"], &again["again"]), (200, &said["id"], &json!(true)), "also long after: {again}");
    ask["reason"] = json!("Something else");
    let (status, said) = server.act("/api/v1/replays", &ask, Some("k-2")).await;
    assert_eq!((status, &said["code"]), (409, &json!("used_idempotency_key")), "{said}");
}

#[derive(Default)]
struct Counted {
    /// Every request: key, and the event's id.
    requests: Mutex<Vec<(String, String)>>,
    /// Ids of events that are refused.
    refuses: Mutex<HashSet<String>>,
}

/// Takes everything but what the path tells it to refuse.
async fn count(request: HttpRequest, body: web::Bytes, counted: web::Data<Counted>) -> HttpResponse {
    if request.path() == "/refuse" {
        return HttpResponse::UnprocessableEntity().body("no such order");
    }
    let key = request.headers().get("idempotency-key").unwrap().to_str().unwrap().to_owned();
    let event: Value = serde_json::from_slice(&body).unwrap();
    if event["id"].as_str().is_some_and(|id| counted.refuses.lock().unwrap().contains(id)) {
        return HttpResponse::UnprocessableEntity().body("not this one");
    }
    counted.requests.lock().unwrap().push((key, event["id"].as_str().unwrap_or_default().to_owned()));
    HttpResponse::Ok().finish()
}

/// A receiver on this machine, and a folder of definitions with a target that leads to it.
fn receiver(more: &str) -> (Arc<Counted>, tempfile::TempDir) {
    let counted = Arc::new(Counted::default());
    let data = web::Data::from(Arc::clone(&counted));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(count)));
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        actix_web::rt::System::new().block_on(server).unwrap();
    });
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("targets")).unwrap();
    let text = format!(
        "key = \"counter\"\ntitle = \"Counter\"\nurl = \"http://{address}/in\"\nallow_internal = true\n[retry]\nwaits = [\"1s\", \"1s\", \"1s\"]\n{more}"
    );
    std::fs::write(dir.path().join("targets/counter.toml"), text).unwrap();
    (counted, dir)
}

#[tokio::test]
async fn a_job_killed_again_and_again_sends_each_once_or_more_with_one_effect_and_in_order() {
    let kills: usize = std::env::var("MILEPOST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let count: usize = std::env::var("MILEPOST_KILL_ITEMS").ok().and_then(|n| n.parse().ok()).unwrap_or(600);
    let (counted, dir) = receiver("");
    let mut server = Server::start_with(&["--definitions", dir.path().to_str().unwrap()]).await;
    let objects = count / 3;
    let events: Vec<Value> = (0..count)
        .map(|n| broken(&format!("e-{n:06}"), &format!("SO-{}", n % objects), u32::try_from(n % 60).unwrap()))
        .collect();
    send_broken(&server, &events).await;
    let ids = failed(&server, count).await;
    let rate = (count / 6).max(50);
    let ask = json!({"payloads": ids, "through": "target:counter", "reason": "Killed on purpose", "rate": rate});
    let (status, said) = server.act("/api/v1/replays", &ask, None).await;
    assert_eq!((status, said["count"].as_u64()), (200, Some(count as u64)), "{said}");
    let id = said["id"].as_str().unwrap().to_owned();
    for kill in 0..kills {
        let wanted = (count * (kill + 1)) / (kills + 2);
        until_within(Duration::from_secs(120), "some are out", || async {
            (counted.requests.lock().unwrap().len() >= wanted).then_some(())
        })
        .await;
        server.kill();
        server.launch();
    }
    let job = finished(&server, &id).await;
    assert_eq!(
        job["counts"]["sent"].as_u64(),
        Some(count as u64),
        "the number confirmed is the number done: {}",
        job["counts"]
    );

    let requests = counted.requests.lock().unwrap().clone();
    let keys: HashSet<&String> = requests.iter().map(|(key, _)| key).collect();
    let seen: HashSet<&String> = requests.iter().map(|(_, event)| event).collect();
    assert_eq!((keys.len(), seen.len()), (count, count), "each at least once, under one key each");
    let mut effects: HashMap<usize, Vec<&String>> = HashMap::new();
    let mut known: HashSet<&String> = HashSet::new();
    for (key, event) in &requests {
        if known.insert(key) {
            let n: usize = event[2..].parse().unwrap();
            effects.entry(n % objects).or_default().push(event);
        }
    }
    for (object, order) in effects {
        assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "order of SO-{object} is {order:?}");
    }
    eprintln!("{count} items, {kills} kills, {} requests", requests.len());
}

#[tokio::test]
async fn a_job_keeps_its_rate_pauses_and_goes_on() {
    let (counted, dir) = receiver("");
    let server = Server::start_with(&["--definitions", dir.path().to_str().unwrap()]).await;
    let events: Vec<Value> = (0..400).map(|n| broken(&format!("e-{n:06}"), &format!("SO-{n}"), 0)).collect();
    send_broken(&server, &events).await;
    let ids = failed(&server, 400).await;
    let ask = json!({"payloads": ids, "through": "target:counter", "reason": "At a rate", "rate": 100});
    let begun = Instant::now();
    let (_, said) = server.act("/api/v1/replays", &ask, None).await;
    let path = format!("/api/v1/replays/{}", said["id"].as_str().unwrap());
    until("some are out", || async { (counted.requests.lock().unwrap().len() >= 100).then_some(()) }).await;
    let (status, said) = server.act(&format!("{path}/pause"), &json!({}), None).await;
    assert_eq!((status, &said["state"]), (200, &json!("paused")), "{said}");
    let (status, said) = server.act(&format!("{path}/resume"), &json!({}), None).await;
    assert_eq!((status, &said["state"]), (200, &json!("running")), "{said}");
    let job = finished(&server, path.rsplit('/').next().unwrap()).await;
    assert_eq!(job["counts"]["sent"], 400, "{job}");
    assert!(begun.elapsed() >= Duration::from_millis(3_900), "never faster than asked: {:?}", begun.elapsed());
    let (status, said) = server.act(&format!("{path}/cancel"), &json!({}), None).await;
    assert_eq!((status, &said["code"]), (409, &json!("wrong_state")), "{said}");
}

#[tokio::test]
async fn the_rest_of_a_job_goes_in_a_new_one_in_order_and_what_got_through_does_not_go_again() {
    let (counted, dir) = receiver("");
    let server = Server::start_with(&["--definitions", dir.path().to_str().unwrap()]).await;
    let of = |(id, object): (&str, &str)| broken(id, object, 0);
    send_broken(&server, &[("e-0", "SO-A"), ("e-1", "SO-A"), ("e-2", "SO-A"), ("e-3", "SO-B")].map(of)).await;
    let ids = failed(&server, 4).await;
    counted.refuses.lock().unwrap().insert("e-1".to_owned());
    let ask = json!({"payloads": ids, "through": "target:counter", "reason": "First try"});
    let (_, said) = server.act("/api/v1/replays", &ask, None).await;
    let first = said["id"].as_str().unwrap().to_owned();
    let job = finished(&server, &first).await;
    let count = |job: &Value| ["sent", "failed", "skipped"].map(|state| job["counts"][state].as_u64().unwrap());
    assert_eq!(count(&job), [2, 1, 1], "one is refused, and what is behind it waits: {}", job["items"]);

    counted.refuses.lock().unwrap().clear();
    let rest = format!("/api/v1/replays/{first}/rest");
    let (status, said) = server.act(&rest, &json!({"reason": "Taken now"}), Some("k-1")).await;
    assert_eq!((status, &said["count"]), (200, &json!(2)), "{said}");
    let job = finished(&server, said["id"].as_str().unwrap()).await;
    assert_eq!((count(&job), &job["rest_of"]), ([2, 0, 0], &json!(first)), "{job}");
    let (_, again) = server.act(&rest, &json!({"reason": "Taken now"}), Some("k-1")).await;
    assert_eq!((&again["id"], &again["again"]), (&said["id"], &json!(true)), "the same request is the same job");
    let (status, said) = server.act(&rest, &json!({"reason": "Something else"}), Some("k-1")).await;
    assert_eq!((status, &said["code"]), (409, &json!("used_idempotency_key")), "{said}");
    let heard: Vec<String> = counted.requests.lock().unwrap().iter().map(|(_, id)| id.clone()).collect();
    let of_a: Vec<&str> = heard.iter().map(String::as_str).filter(|id| *id != "e-3").collect();
    assert_eq!((heard.len(), of_a), (4, vec!["e-0", "e-1", "e-2"]), "each once and in order");
}

/// A mapping that knows these customers by their numbers.
fn customers(known: &str) -> String {
    format!(
        "[[rule]]\nwhen = {{ service = \"shop\" }}\nset = {{ \"biz.event.type\" = \"order.created\", \"biz.object.type\" = \"order\" }}\n\
         copy = {{ \"biz.object.id\" = \"app.order\", \"biz.data.customer\" = {{ from = \"app.customer\", values = {{ {known} }} }} }}\n"
    )
}

/// The span of a shop that names order and customer in its own words.
fn span(order: &str, customer: &str) -> String {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let attributes = [
        text("app.order", order),
        text("app.customer", customer),
        text("biz.data.amount.value", "10.00"),
        text("biz.data.amount.currency", "EUR"),
    ];
    let id = order.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let span = json!({"traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": "place order", "attributes": attributes,
        "startTimeUnixNano": "1795428000000000000", "endTimeUnixNano": "1795428000250000000"});
    json!({"resourceSpans": [{"resource": {"attributes": [text("service.name", "shop"), text("biz.source", "shop/web")]},
        "scopeSpans": [{"spans": [span]}]}]})
    .to_string()
}

#[tokio::test]
async fn a_replay_reads_by_the_mapping_of_now_or_of_then_until_that_is_kept_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mapping.toml");
    std::fs::write(&file, customers("\"10\" = \"ACME\"")).unwrap();
    let mut server = Server::start_with(&["--mapping", file.to_str().unwrap()]).await;
    let client = reqwest::Client::new();
    for order in ["SO-1", "SO-2"] {
        let request = client.post(format!("{}/v1/traces", server.otlp_http)).bearer_auth(&server.send_key);
        let sent = request.header("content-type", "application/json").body(span(order, "11")).send().await.unwrap();
        assert!(sent.status().is_success(), "a partial success");
    }
    let ids = failed(&server, 2).await;
    let ask = |id: &str, of: &str, dry: bool| json!({"payloads": [id], "through": "pipeline", "of": of, "dry_run": dry, "reason": "Of then or of now"});
    let path = format!("/api/v1/payloads/{}", ids[0]);
    let then = until("the payload is there beside its failure", || server.ask(&path)).await;
    let then = then["rules"].as_str().unwrap().to_owned();

    std::fs::write(&file, customers("\"10\" = \"ACME\", \"11\" = \"Globex\"")).unwrap();
    until("the changed mapping is used", || async {
        let (_, said) = server.act("/api/v1/replays", &ask(&ids[0], "now", true), None).await;
        (said["forecast"]["problems"] == json!([])).then_some(())
    })
    .await;
    let (_, said) = server.act("/api/v1/replays", &ask(&ids[0], "then", true), None).await;
    assert_eq!(said["forecast"]["problems"][0]["refusal"]["code"], "unmapped_value", "dry, of then: {said}");
    let (_, page) = server.page(&format!("/t/{}/payloads/{}", server.tenant, ids[0])).await;
    assert!(page.contains("changed since"), "the page says that it was read by others");
    let (_, page) = server.page(&format!("/t/{}/payloads/{}/edit?through=pipeline:then", server.tenant, ids[0])).await;
    assert!(page.contains("mapping of when each came") && page.contains("Still wrong"), "{page}");

    server.kill();
    server.launch();
    let (_, said) = server.act("/api/v1/replays", &ask(&ids[0], "then", false), None).await;
    let job = finished(&server, said["id"].as_str().unwrap()).await;
    assert_eq!((&job["of"], &job["counts"]["failed"]), (&json!("then"), &json!(1)), "{job}");
    assert!(job["items"][0]["detail"].as_str().unwrap().contains("unmapped_value"), "the old result: {job}");
    let (_, said) = server.act("/api/v1/replays", &ask(&ids[0], "now", false), None).await;
    let job = finished(&server, said["id"].as_str().unwrap()).await;
    assert_eq!((&job["of"], &job["counts"]["proven"]), (&json!("now"), &json!(1)), "the new result: {job}");
    let order = until("the order is there", || server.workflow("SO-1")).await;
    assert!(order.to_string().contains("Globex"), "{order}");

    let (status, said) =
        server.act("/api/v1/replays", &json!({"payloads": [ids[1]], "through": "target:x", "of": "then"}), None).await;
    assert_eq!(status, 422, "{said}");
    server.kill();
    let mapping = then.split_once('.').unwrap().1;
    std::fs::remove_file(server.folder().join(format!("rules/mapping-{mapping}.toml"))).unwrap();
    server.launch();
    for dry in [true, false] {
        let (status, said) = server.act("/api/v1/replays", &ask(&ids[1], "then", dry), None).await;
        assert_eq!((status, &said["code"]), (409, &json!("rules_not_kept")), "{said}");
        assert!(said.to_string().contains(&then), "it says which version is missing: {said}");
    }
}

const TRIGGER: &str = "key = \"trigger-invoice\"\ntitle = \"Trigger the invoice\"\nabout = \"order\"\n\
    when = \"!('invoice.issued' in events)\"\ntarget = \"counter\"\n\
    [body]\nid = \"{{ order }} {{ call }}\"\nwhy = \"{{ reason }}\"\n";

#[tokio::test]
async fn an_action_is_offered_sent_once_and_missed_until_its_effect_is_seen() {
    let (counted, dir) = receiver("[effect]\nevent = \"invoice.issued\"\nwithin = \"1s\"\n");
    std::fs::create_dir(dir.path().join("actions")).unwrap();
    std::fs::write(dir.path().join("actions/trigger.toml"), TRIGGER).unwrap();
    let mut server = Server::start_with(&["--definitions", dir.path().to_str().unwrap()]).await;
    server.send(&json!([order("SO-A", 0)])).await;
    until("the order is there", || server.workflow("SO-A")).await;
    let path = "/api/v1/workflows/order/SO-A/actions";
    let offers = server.ask(path).await.unwrap();
    assert_eq!(offers["items"][0]["name"], "trigger-invoice", "{offers}");
    let (_, page) = server.page(&format!("/t/{}/w/order/SO-A", server.tenant)).await;
    assert!(page.contains("Trigger the invoice"), "offered on the page of the workflow");
    let (_, page) = server.page(&format!("/t/{}/readiness/order/SO-A", server.tenant)).await;
    assert!(page.contains("Trigger the invoice"), "and in invoice readiness");

    let one = format!("{path}/trigger-invoice");
    let (status, said) = server.act(&one, &json!({"reason": " "}), None).await;
    assert_eq!((status, &said["pointer"]), (422, &json!("/reason")), "{said}");
    let (status, said) = server.act(&format!("{path}/nothing"), &json!({"reason": "x"}), None).await;
    assert_eq!(status, 404, "{said}");
    let ask = json!({"reason": "Lost on the way"});
    let (first, second) = tokio::join!(server.act(&one, &ask, Some("k-1")), server.act(&one, &ask, Some("k-1")));
    assert_eq!((first.0, second.0), (200, 200), "{} {}", first.1, second.1);
    assert_eq!(first.1["replay_id"], second.1["replay_id"], "two at once are one call");
    let job = finished(&server, first.1["replay_id"].as_str().unwrap()).await;
    assert_eq!(job["counts"]["no_effect"], 1, "{job}");
    assert_eq!(counted.requests.lock().unwrap().len(), 1, "one call, though asked twice");
    let (_, again) = server.act(&one, &ask, Some("k-1")).await;
    assert_eq!((&again["replay_id"], &again["again"]), (&first.1["replay_id"], &json!(true)), "{again}");

    let raised = |workflow: &Value| {
        let all = workflow["exceptions"].as_array().unwrap();
        all.iter().any(|exception| exception["kind"] == "replay_without_effect")
    };
    until("its missing effect is an exception", || async { server.workflow("SO-A").await.filter(|w| raised(w)) }).await;
    // Late is better than never, also over a restart.
    server.kill();
    server.launch();
    let amount = json!({"amount": {"value": "64.50", "currency": "EUR"}});
    let invoice = event("invoice.issued", "i-1", ("invoice", "INV-A"), json!({"order": ["SO-A"]}), 5, amount);
    server.send(&json!([invoice])).await;
    until("the effect ends it", || async { server.workflow("SO-A").await.filter(|w| !raised(w)) }).await;
    let late = until("the item is proven late", || async {
        let job = server.ask(&format!("/api/v1/replays/{}", first.1["replay_id"].as_str().unwrap())).await?;
        (job["counts"]["proven"] == 1).then_some(job)
    })
    .await;
    assert_eq!((&late["failed"], &late["items"][0]["code"]), (&json!(0), &json!("late_effect")), "{late}");
    let job = format!("/t/{}/replays/{}", server.tenant, first.1["replay_id"].as_str().unwrap());
    let (_, page) = server.page(&job).await;
    assert!(page.contains("Its effect came after all"), "and the page of the job says so: {page}");
    let offers = server.ask(path).await.unwrap();
    assert_eq!((&offers["items"], &offers["made"][0]["outcome"]), (&json!([]), &json!("proven")), "{offers}");
    let (status, said) = server.act(&one, &ask, Some("k-2")).await;
    assert_eq!((status, &said["code"]), (409, &json!("not_offered")), "{said}");
}

#[tokio::test]
async fn a_call_that_a_target_refuses_is_a_failed_payload_of_its_own_and_may_be_sent_again() {
    let (counted, dir) = receiver("");
    let target = dir.path().join("targets/counter.toml");
    let good = std::fs::read_to_string(&target).unwrap();
    std::fs::write(&target, good.replace("/in\"", "/refuse\"")).unwrap();
    std::fs::create_dir(dir.path().join("actions")).unwrap();
    std::fs::write(dir.path().join("actions/trigger.toml"), TRIGGER).unwrap();
    let server = Server::start_with(&["--definitions", dir.path().to_str().unwrap()]).await;
    server.send(&json!([order("SO-B", 0)])).await;
    until("the order is there", || server.workflow("SO-B")).await;
    let one = "/api/v1/workflows/order/SO-B/actions/trigger-invoice";
    let (_, said) = server.act(one, &json!({"reason": "Lost on the way"}), Some("k-1")).await;
    let job = finished(&server, said["replay_id"].as_str().unwrap()).await;
    assert_eq!(job["counts"]["failed"], 1, "{job}");
    let group = until("it stands among the failed payloads", || async {
        server.ask("/api/v1/failure-groups").await?["items"].as_array()?.first().cloned()
    })
    .await;
    assert_eq!((&group["code"], &group["target"]), (&json!("refused"), &json!("counter")), "{group}");
    let failures = server.ask("/api/v1/failures").await.unwrap();
    let id = failures["items"][0]["payload_id"].as_str().unwrap_or_else(|| panic!("{failures}")).to_owned();
    let kept = server.ask(&format!("/api/v1/payloads/{id}")).await.unwrap();
    assert!(kept.to_string().contains("SO-B") && kept.to_string().contains("no such order"), "{kept}");
    let sources = server.ask("/api/v1/sources").await.unwrap();
    assert!(!sources.to_string().contains("milepost/delivery"), "it is no source: {sources}");

    std::fs::write(&target, good).unwrap();
    let ask = json!({"payloads": [id], "through": "target:counter", "reason": "The order is there now"});
    let sent = until("it goes through when the target takes it", || async {
        let (_, said) = server.act("/api/v1/replays", &ask, None).await;
        let job = finished(&server, said["id"].as_str()?).await;
        (job["counts"]["sent"] == 1).then_some(job)
    })
    .await;
    assert_eq!(counted.requests.lock().unwrap().len(), 1, "{sent}");
}

#[tokio::test]
async fn in_a_browser_an_action_of_a_tenants_own_is_asked_for_beside_the_list() {
    let (counted, dir) = receiver("[effect]\nevent = \"invoice.issued\"\nwithin = \"10m\"\n");
    // What is everybody's leads nowhere; the tenant's own target and words are laid over it.
    let own = dir.path().join("tenants/acme");
    std::fs::create_dir_all(own.join("targets")).unwrap();
    std::fs::create_dir_all(own.join("actions")).unwrap();
    std::fs::create_dir(dir.path().join("actions")).unwrap();
    let shared = dir.path().join("targets/counter.toml");
    let text = std::fs::read_to_string(&shared).unwrap();
    std::fs::write(own.join("targets/counter.toml"), text.replace("\"Counter\"", "\"Own billing\"")).unwrap();
    std::fs::write(&shared, "key = \"counter\"\ntitle = \"Nowhere\"\nurl = \"https://nowhere.invalid/\"\n").unwrap();
    std::fs::write(dir.path().join("actions/trigger.toml"), TRIGGER).unwrap();
    std::fs::write(own.join("actions/trigger.toml"), "title = \"Ask our own billing\"\n").unwrap();
    let server = Server::start_with(&["--definitions", dir.path().to_str().unwrap()]).await;
    crate::pages::browser(&server, "actions");
    assert_eq!(counted.requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_cancelled_job_ends_when_the_effects_of_what_was_out_are_known() {
    let (counted, dir) = receiver("[effect]\nevent = \"order.created\"\nwithin = \"6s\"\n");
    let mut server = Server::start_with(&["--definitions", dir.path().to_str().unwrap()]).await;
    // At one per second there is something left to cancel, however slow this machine is.
    let events: Vec<Value> = (0..90).map(|n| broken(&format!("e-{n}"), &format!("SO-{n}"), 0)).collect();
    send_broken(&server, &events).await;
    let ids = failed(&server, 90).await;
    let ask = json!({"payloads": ids, "through": "target:counter", "reason": "To be cancelled", "rate": 1});
    let (_, said) = server.act("/api/v1/replays", &ask, None).await;
    let id = said["id"].as_str().unwrap().to_owned();
    until("one is out, and kept as such", || async {
        let rows = server.clickhouse("SELECT position FROM replay_items FINAL WHERE state = 'sent'").await;
        (!rows.is_empty()).then_some(())
    })
    .await;
    let (status, said) = server.act(&format!("/api/v1/replays/{id}/cancel"), &json!({}), None).await;
    let cancelled = Instant::now();
    assert_eq!(status, 200, "{said}");
    server.kill();
    assert!(cancelled.elapsed() < Duration::from_millis(250), "killed before anything more was written down");
    let out = counted.requests.lock().unwrap().len();
    server.launch();
    let (_, job) = server.get(&format!("/api/v1/replays/{id}")).await;
    assert_eq!(job["state"], "cancelled", "it stays cancelled: {job}");
    let job = until("it is at its end", || async {
        let job = server.ask(&format!("/api/v1/replays/{id}")).await?;
        (!job["finished_at"].is_null()).then_some(job)
    })
    .await;
    assert_eq!(job["state"], "cancelled", "{job}");
    let count = |state: &str| job["counts"][state].as_u64().unwrap();
    assert!(count("no_effect") > 0 && count("cancelled") > 0, "{}", job["counts"]);
    assert_eq!(count("no_effect") + count("cancelled"), 90, "nothing is left without an end: {}", job["counts"]);
    assert_eq!(counted.requests.lock().unwrap().len(), out, "nothing more went out");

    // None of the orders ever came, so no workflow can tell that an effect is missing.
    let exceptions = "/api/v1/exceptions?kind=replay_without_effect&state=open,acknowledged,closed";
    let told = until("it is an exception of its own", || async {
        server.ask(exceptions).await?["items"].as_array()?.first().cloned()
    })
    .await;
    assert_eq!((&told["state"], told["object"]["id"].as_str()), (&json!("open"), Some(id.as_str())), "{told}");
    let (_, page) = server.page(&format!("/t/acme/exceptions/{}", told["id"].as_str().unwrap())).await;
    assert!(page.contains(&format!("/t/acme/replays/{id}")), "it leads to the replay: {page}");
    let sent: Vec<Value> = (0..90).map(|n| order(&format!("SO-{n}"), 0)).collect();
    server.send(&json!(sent)).await;
    until("the effects end it", || async {
        let told = server.ask(exceptions).await?["items"].as_array()?.first().cloned()?;
        (told["state"] == "closed").then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_mended_is_counted_the_same_by_rail_page_and_board() {
    let server = Server::start().await;
    let events: Vec<Value> = (0..3).map(|n| broken(&format!("e-{n}"), &format!("SO-{n}"), n)).collect();
    send_broken(&server, &events).await;
    let ids = failed(&server, 3).await;
    let rule = json!([{"op": "map", "at": "/data/lines/*/quantity", "values": {"many": "7"}}]);
    let ask = |ids: &[String]| json!({"payloads": ids, "through": "pipeline", "reason": "By rule", "rule": rule});
    let (_, said) = server.act("/api/v1/replays", &ask(&ids[..1]), None).await;
    finished(&server, said["id"].as_str().unwrap()).await;
    until("one is counted as mended", || async {
        let groups = server.ask("/api/v1/failure-groups").await?;
        (groups["items"][0]["mended"] == 1 && groups["items"][0]["count"] == 3).then_some(())
    })
    .await;
    let place = |rest: &str| format!("/t/{}/{rest}", server.tenant);
    let (_, page) = server.page(&place("failures")).await;
    assert!(page.contains("1 of 3 mended") && page.contains("2 records in 1 group"), "{page}");
    assert!(page.contains("1 group of failed payloads"), "the rail counts it as the page does");
    // Frozen: what fails between question and answer does not go.
    let groups = server.ask("/api/v1/failure-groups").await.unwrap();
    let group = groups["items"][0]["id"].as_str().unwrap().to_owned();
    let rule = rule.to_string();
    let draft = [("person", "Anna"), ("through", "pipeline"), ("group", group.as_str()), ("rule", rule.as_str())];
    let (status, to) = server.submit(&place("replays/draft"), &draft).await;
    assert_eq!(status, 303, "{to}");
    send_broken(&server, &[broken("e-9", "SO-9", 9)]).await;
    let all = failed(&server, 4).await;
    let confirmed = [("person", "Anna"), ("reason", "By rule"), ("count", "2")];
    let (status, _) = server.submit(&format!("{to}/start"), &confirmed).await;
    assert_eq!(status, 303);
    let job = finished(&server, to.rsplit('/').next().unwrap()).await;
    assert_eq!((&job["count"], &job["counts"]["proven"]), (&json!(2), &json!(2)), "{job}");
    assert!(server.workflow("SO-9").await.is_none(), "what came later was not confirmed");
    let (_, said) = server.act("/api/v1/replays", &ask(&all[3..]), None).await;
    finished(&server, said["id"].as_str().unwrap()).await;
    until("nothing is left", || async {
        let (_, page) = server.page(&place("failures")).await;
        (page.contains("0 records in 0 groups") && !page.contains("1 group of failed payloads")).then_some(())
    })
    .await;
    let (_, board) = server.page(&place("board")).await;
    let tile = board.split("<li data-key=\"Failing\">").nth(1).and_then(|rest| rest.split("</li>").next()).unwrap();
    assert!(tile.contains(">0 <small>groups"), "the board agrees: {tile}");

    let path = format!("/api/v1/failure-groups/{group}");
    let state = |state: &'static str, returned: bool| {
        let (server, path) = (&server, &path);
        async move {
            let told = server.ask(path).await?;
            (told["state"] == state && told["returned"] == returned).then_some(told)
        }
    };
    let told = until("replays have resolved it", || state("resolved", false)).await;
    assert_eq!(told["details"]["acts"][0]["by"], "rule/replay", "{told}");
    send_broken(&server, &[broken("e-10", "SO-10", 10)]).await;
    until("it is open again when it fails again", || state("open", true)).await;
}

#[tokio::test]
async fn without_script_a_payload_is_edited_a_group_mended_and_a_replay_put_off() {
    let server = Server::start().await;
    send_broken(&server, &[broken("e-1", "SO-1", 0), broken("e-2", "SO-2", 1)]).await;
    let ids = failed(&server, 2).await;
    let groups = until("the group is counted", || async {
        let groups = server.ask("/api/v1/failure-groups").await?;
        (groups["items"][0]["count"] == 2).then_some(groups)
    })
    .await;
    let place = |rest: &str| format!("/t/{}/{rest}", server.tenant);
    let edit = place(&format!("payloads/{}/edit", ids[0]));
    let (status, page) = server.page(&edit).await;
    assert!(status == 200 && page.contains("Still wrong") && page.contains("locked"), "{page}");
    let mut mended = broken("e-1", "SO-1", 0);
    mended["data"]["lines"][0]["quantity"] = json!("5");
    let mended = mended.to_string();
    let fields = |deed: &'static str| [("person", "Anna"), ("body", mended.as_str()), ("do", deed)];
    let (status, _) = server.submit(&edit, &fields("check")).await;
    assert_eq!(
        (status, server.clickhouse("SELECT id FROM payload_edits").await.len()),
        (200, 0),
        "a look keeps nothing"
    );
    let (status, to) = server.submit(&edit, &fields("dry")).await;
    let (_, page) = server.page(&to).await;
    assert!(status == 303 && page.contains("1 workflow would change") && page.contains("Would begin"), "{page}");

    let group = groups["items"][0]["id"].as_str().unwrap();
    let rule = "op0=map&at0=%2Fdata%2Flines%2F*%2Fquantity&from0=many&to0=7&dry=1";
    let (status, page) = server.page(&place(&format!("failures/{group}/mend?{rule}"))).await;
    assert!(status == 200 && page.contains("would be taken"), "the samples: {page}");
    assert!(page.contains("2 workflows would change") && page.contains("Outgoing calls"), "the dry run: {page}");

    let (status, to) = server.submit(&edit, &fields("replay")).await;
    assert!(status == 303 && to.contains("/replays/"), "{status} {to}");
    let started = [("person", "Anna"), ("reason", "Tomorrow"), ("count", "1"), ("starts", "2000-01-01T00:00")];
    let (status, _) = server.submit(&format!("{to}/start"), &started).await;
    assert_eq!(status, 400, "that time is past");
    let started = [("person", "Anna"), ("reason", "Tomorrow"), ("count", "1"), ("starts", "2099-01-01T00:00")];
    let (status, _) = server.submit(&format!("{to}/start"), &started).await;
    let (_, page) = server.page(&to).await;
    assert!(status == 303 && page.contains("Scheduled"), "{status} {page}");
    let job = server.ask(&format!("/api/v1/replays/{}", to.rsplit('/').next().unwrap())).await.unwrap();
    assert_eq!((&job["state"], &job["starts_at"]), (&json!("scheduled"), &json!("2099-01-01T00:00:00.000Z")), "{job}");
    let (_, page) = server.page(&place(&format!("payloads/{}", ids[0]))).await;
    assert!(page.contains("Replays of it"), "the payload leads to its replay");
}

#[tokio::test]
async fn a_rule_mends_records_that_came_by_otlp_too() {
    let server = Server::start().await;
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let entry = |key: &str, value: Value| json!({"key": key, "value": value});
    let record = |n: u32| {
        let line = [text("line", "10"), text("sku", "AB-77"), text("quantity", "five"), text("unit", "EA")];
        let lines = json!({"arrayValue": {"values": [{"kvlistValue": {"values": line}}]}});
        let amount = json!({"kvlistValue": {"values": [text("value", "10.00"), text("currency", "EUR")]}});
        let body = [text("customer", "ACME"), entry("lines", lines), entry("amount", amount)];
        json!({"timeUnixNano": "1795428000000000000", "eventName": "order.created", "body": {"kvlistValue": {"values": body}},
            "attributes": [text("biz.event.id", &format!("o-{n}")), text("biz.object.type", "order"), text("biz.object.id", &format!("SO-{n}"))]})
    };
    let logs = json!({"resourceLogs": [{"resource": {"attributes": [text("service.name", "shop"), text("biz.source", "shop/web")]},
        "scopeLogs": [{"logRecords": [record(1), record(2)]}]}]});
    let body = milepost_ingest::logs_json_to_protobuf(logs.to_string().as_bytes()).unwrap();
    let request = reqwest::Client::new().post(format!("{}/v1/logs", server.otlp_http)).bearer_auth(&server.send_key);
    let sent = request.header("content-type", "application/x-protobuf").body(body).send().await.unwrap();
    assert!(sent.status().is_success());
    let ids = failed(&server, 2).await;
    let failures = server.ask("/api/v1/failures").await.unwrap();
    let pointer = failures["items"][0]["pointer"].as_str().unwrap().to_owned();
    assert!(pointer.ends_with("/body/lines/0/quantity"), "{pointer}");
    let at = "/resourceLogs/*/scopeLogs/*/logRecords/*/body/lines/*/quantity";
    let group = until("the group is counted", || async {
        let groups = server.ask("/api/v1/failure-groups").await?;
        (groups["items"][0]["count"] == 2).then(|| groups["items"][0]["id"].as_str().unwrap().to_owned())
    })
    .await;
    let rule = format!("op0=map&at0={}&from0=five&to0=5", milepost::pages::words::encode(at));
    let (_, page) = server.page(&format!("/t/acme/failures/{group}/mend?{rule}")).await;
    assert!(page.contains("would be taken") && !page.contains("still wrong"), "the samples: {page}");
    let ask = json!({"payloads": ids, "through": "pipeline", "reason": "Typed in words",
        "rule": [{"op": "map", "at": at, "values": {"five": "5"}}]});
    let (_, said) = server.act("/api/v1/replays", &ask, None).await;
    let job = finished(&server, said["id"].as_str().unwrap_or_else(|| panic!("{said}"))).await;
    assert_eq!(job["counts"]["proven"], 2, "{job}");
    until("the orders are there", || server.workflow("SO-2")).await;
}
