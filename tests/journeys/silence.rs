//! What is unusual is known by what is usual. That takes hours, so the past of a source and of a dependency is laid into the
//! store of a stopped server; everything after comes through the real doors.

use milepost::domain::exception_id;
use milepost::domain::failures::group_name;
use milepost::engine::{Engine, Settings};
use milepost::store::Store;
use milepost::store::rows::{
    Batch, DependencyMinuteRow, ExceptionRow, FailureGroupRow, FailureRow, SourceMinuteRow, size_of,
};
use milepost_ingest::ObjectRef;
use serde_json::{Value, json};

use crate::server::{MILEPOST, Server, event, until};

const MINUTE_MS: i64 = 60_000;
const REFUSED: u64 = 77;

/// An order that was released long ago and never allocated: the WMS is late.
fn waiting(id: &str) -> Vec<Value> {
    let object = ("order", id);
    vec![
        event("order.created", &format!("erp-{id}"), object, json!({}), 0, json!({"customer": "Acme"})),
        event("order.credit_checked", &format!("erp-{id}-c"), object, json!({}), 1, json!({"verdict": "approved"})),
        event("order.released", &format!("erp-{id}-r"), object, json!({}), 2, json!({})),
    ]
}

/// A WMS that spoke every minute until 20 minutes ago, and a ledger that failed rarely until a few minutes ago.
fn past(now_ms: i64) -> Batch {
    let this_minute = now_ms / MINUTE_MS * MINUTE_MS;
    let spoke = |ago: i64| SourceMinuteRow {
        tenant: "acme".into(),
        source: "wms/east-2".into(),
        system: "wms".into(),
        form: "events/json".into(),
        minute_ms: this_minute - ago * MINUTE_MS,
        events: 3,
        records: 3,
        last_ms: now_ms - ago * MINUTE_MS,
        ..SourceMinuteRow::default()
    };
    let called = |ago: i64, errors: u64| DependencyMinuteRow {
        tenant: "acme".into(),
        dependency: "ledger".into(),
        minute_ms: this_minute - ago * MINUTE_MS,
        source: "billing/rating".into(),
        calls: 100,
        errors,
        took: vec![(size_of(40), 100)],
        took_max_ms: 50,
        last_ms: now_ms - ago * MINUTE_MS,
    };
    // A type that was refused until two hours ago, and nobody has looked since.
    let refused = ObjectRef::new("failure_group", group_name(REFUSED));
    let group = FailureGroupRow {
        tenant: "acme".into(),
        group_id: REFUSED,
        stage: "validate".into(),
        source: "erp/main".into(),
        sources: vec!["erp/main".into()],
        event_types: vec!["order.credit_checked".into()],
        fingerprints: vec![REFUSED],
        count: 1,
        first_ms: now_ms - 120 * MINUTE_MS,
        last_ms: now_ms - 120 * MINUTE_MS,
        version: 1,
        ..FailureGroupRow::default()
    };
    let open = ExceptionRow {
        tenant: "acme".into(),
        id: exception_id("contract_violation", &refused, ""),
        kind: "contract_violation".into(),
        object_type: refused.kind,
        object_id: refused.id,
        state: "open".into(),
        since_ms: group.first_ms,
        known_ms: group.first_ms,
        occurrence: 1,
        version: 1,
        ..ExceptionRow::default()
    };
    let failure = FailureRow {
        tenant: "acme".into(),
        payload: 1 << 40,
        received_ms: group.last_ms,
        stage: "validate".into(),
        fingerprint: REFUSED,
        source: "erp/main".into(),
        event_type: "order.credit_checked".into(),
        offset: -1,
        ..FailureRow::default()
    };
    Batch {
        token: "past".into(),
        failures: vec![failure],
        failure_groups: vec![group],
        exceptions: vec![open],
        source_minutes: (20..80).map(spoke).collect(),
        dependency_minutes: (1..20).map(|hour| called(hour * 60 + 30, 1)).chain([called(2, 40)]).collect(),
        ..Batch::default()
    }
}

#[tokio::test]
async fn a_silent_source_is_one_exception_and_mutes_what_it_explains_until_it_speaks() {
    let mut server = Server::start().await;
    let orders: Vec<Value> = (0..3).flat_map(|n| waiting(&format!("SO-{n}"))).collect();
    server.send(&json!(orders)).await;
    let list = async |query: &str| -> Vec<Value> {
        let page = server.ask(&format!("/api/v1/exceptions?{query}")).await.unwrap();
        page["items"].as_array().unwrap().clone()
    };
    let late = async |muted: bool| -> usize {
        let all = list("kind=sla_breached&system=wms").await;
        all.iter().filter(|e| e["muted_by"].is_string() == muted).count()
    };
    until("three orders wait for the WMS", || async { (late(false).await >= 3).then_some(()) }).await;
    let all = late(false).await;
    assert!(list("kind=source_silent").await.is_empty() && list("kind=dependency_degraded").await.is_empty());

    server.stop();
    let engine = Engine::start(Settings {
        dir: server.folder().join("clickhouse"),
        program: Some(MILEPOST.into()),
        ..Settings::default()
    })
    .await
    .unwrap();
    let store = Store::new(engine.url(), engine.user(), engine.password(), milepost::store::DATABASE);
    store.write(&past(chrono::Utc::now().timestamp_millis())).await.unwrap();
    drop(store);
    engine.stop().await;
    // Its folder is locked for as long as it is there.
    drop(engine);
    server.launch();

    let list = async |query: &str| -> Vec<Value> {
        let page = server.ask(&format!("/api/v1/exceptions?{query}")).await.unwrap();
        page["items"].as_array().unwrap().clone()
    };
    let silent = until("the silence is seen", || async { list("kind=source_silent").await.into_iter().next() }).await;
    assert_eq!((&silent["object"]["id"], &silent["state"]), (&json!("wms/east-2"), &json!("open")));
    let muted = async || -> usize {
        let late = list("kind=sla_breached&system=wms").await;
        late.iter().filter(|e| e["muted_by"] == "wms/east-2").count()
    };
    until("it explains every clock that waits for it", || async { (muted().await == all).then_some(()) }).await;
    let (_, queue) = server.page("/t/acme/exceptions").await;
    assert!(queue.contains("explained by silent wms/east-2"), "the queue counts them apart");
    assert!(!queue.contains("Allocation after release"), "and does not list them");

    // A dependency that fails much more than it usually does.
    let ledger = until("the ledger is outside of its band", || async {
        list("kind=dependency_degraded").await.into_iter().next()
    })
    .await;
    assert_eq!(ledger["object"], json!({"type": "dependency", "id": "ledger"}));
    assert_eq!(ledger["detail"], "ledger: 40 % of its calls fail, usually 1 % at most");

    // What was refused is understood again: by the first record of that type since.
    let closed = until("the refusals are over", || async {
        list("kind=contract_violation&state=closed").await.into_iter().next()
    })
    .await;
    let first = json!({"source": "erp/main", "event": "erp-SO-0-c", "kind": "order.credit_checked"});
    assert_eq!(closed["closed_by"], first, "{closed}");

    // One word, and they count again; the silence names it.
    let word = event("inventory.allocated", "wms-1", ("order", "SO-0"), json!({}), 60, json!({}));
    server.send(&json!([word])).await;
    let at = format!("/api/v1/exceptions/{}", silent["id"].as_str().unwrap());
    let over =
        until("the silence is over", || async { server.ask(&at).await.filter(|e| e["state"] == "closed") }).await;
    assert_eq!(over["closed_by"], json!({"source": "wms/east-2", "event": "wms-1", "kind": "inventory.allocated"}));
    until("nothing is muted", || async { (muted().await == 0).then_some(()) }).await;
}
