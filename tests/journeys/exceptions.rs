//! Exceptions as programs and people meet them: opened by rules, taken by people, closed by the event that cures them,
//! the same after a crash.

use serde_json::{Value, json};

use crate::server::{Server, event, until, until_within};

/// Created long ago and never released.
fn forgotten(id: &str) -> Value {
    let data = json!({"customer": "Nordwind Handels GmbH", "amount": {"value": "64.50", "currency": "EUR"}});
    event("order.created", &format!("erp-{id}"), ("order", id), json!({}), 0, data)
}

fn now(kind: &str, id: &str, order: &str, data: &Value) -> Value {
    let time = chrono::Utc::now().to_rfc3339();
    json!({"id": id, "type": kind, "source": "erp/main", "time": time, "object": {"type": "order", "id": order}, "data": data})
}

async fn exceptions(server: &Server, query: &str) -> Vec<Value> {
    let page = server.ask(&format!("/api/v1/exceptions?{query}")).await.unwrap();
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_order_never_released_is_an_open_exception_within_five_seconds() {
    let server = Server::start().await;
    let begun = std::time::Instant::now();
    server.send(&json!([forgotten("SO-1")])).await;
    let limit = std::time::Duration::from_secs(5);
    let found = until_within(limit, "the breach is open", || async {
        exceptions(&server, "kind=sla_breached&state=open").await.into_iter().find(|e| e["object"]["id"] == "SO-1")
    })
    .await;
    let breach = until_within(limit, "the breach is in the list of breaches", || async {
        let page = server.ask("/api/v1/breaches?state=open").await?;
        page["items"].as_array()?.iter().find(|b| b["policy"] == "order-release").cloned()
    })
    .await;
    assert!(begun.elapsed() < limit, "it took {:?}", begun.elapsed());
    assert_eq!((&breach["workflow"]["id"], &breach["exception"]["id"]), (&json!("SO-1"), &found["id"]));
    let open = server.ask("/api/v1/slas?state=breached").await.unwrap();
    assert_eq!(open["items"][0]["policy"], "order-release");
    assert_eq!(server.get("/api/v1/slas?state=late").await.0, 400);
    assert_eq!(server.get("/api/v1/breaches?state=ajar").await.0, 400);
    assert_eq!((&found["object"]["id"], &found["workflow"]["id"]), (&json!("SO-1"), &json!("SO-1")));
    assert_eq!(found["impact"], json!({"orders": 1, "customers": 1, "money": [{"value": "64.5", "currency": "EUR"}]}));
    assert_eq!(
        (&found["state"], &found["severity"], &found["team"]),
        (&json!("open"), &json!("critical"), &json!("operations"))
    );
}

#[tokio::test]
async fn what_people_did_stays_and_the_curing_event_closes_it() {
    let mut server = Server::start().await;
    server
        .send(&json!([
            forgotten("SO-1"),
            now("order.credit_checked", "erp-hold", "SO-2", &json!({"verdict": "held", "reason": "limit"})),
            now("order.created", "erp-SO-2", "SO-2", &json!({"customer": "Acme"}))
        ]))
        .await;
    let hold =
        until("the hold is there", || async { exceptions(&server, "kind=credit_hold").await.into_iter().next() }).await;
    let path = |id: &Value, deed: &str| format!("/api/v1/exceptions/{}/{deed}", id.as_str().unwrap());
    let id = hold["id"].clone();

    // Nothing that makes no sense is taken.
    for (deed, body, pointer) in [
        ("snooze", json!({"until": "2001-01-01T00:00:00Z"}), "/until"),
        ("snooze", json!({}), ""),
        ("assign", json!({}), "/owner"),
        ("waive", json!({"text": " "}), "/text"),
        ("comment", json!({"text": 7}), "/text"),
        ("acknowledge", json!({"code": "nonsense"}), "/code"),
        ("acknowledge", json!({"untill": "x"}), "/untill"),
    ] {
        let (status, said) = server.act(&path(&id, deed), &body, None).await;
        assert_eq!((status, said["pointer"].as_str().unwrap_or_default()), (422, pointer), "{deed} {body}: {said}");
    }
    let (status, _) = server.act("/api/v1/exceptions/00000000000000ff/acknowledge", &json!({}), None).await;
    assert_eq!(status, 404);

    // Twice is once.
    for _ in 0..2 {
        let (status, said) = server.act(&path(&id, "acknowledge"), &json!({"text": "Finance knows"}), Some("a1")).await;
        assert_eq!((status, &said["exception"]["state"]), (200, &json!("acknowledged")), "{said}");
    }
    let (_, said) = server.act(&path(&id, "assign"), &json!({"owner": "Anna", "code": "customer_request"}), None).await;
    assert_eq!(
        (&said["exception"]["owner"], &said["exception"]["reason"]),
        (&json!("Anna"), &json!("customer_request"))
    );
    assert!(said["exception"]["until"].is_string(), "it is open again after a time: {said}");

    server.kill();
    server.launch();
    let at = format!("/api/v1/exceptions/{}", id.as_str().unwrap());
    let same = until("it is there again", || server.ask(&at)).await;
    assert_eq!(
        (&same["state"], &same["owner"], &same["comments"]),
        (&json!("acknowledged"), &json!("Anna"), &json!(1))
    );
    let verbs: Vec<&str> = same["history"].as_array().unwrap().iter().map(|a| a["kind"].as_str().unwrap()).collect();
    assert_eq!(verbs, ["exception.acknowledged", "exception.assigned"]);

    // Cured by an event, which it names; and back again as the same exception, open anew, still Anna's.
    server.send(&json!([now("order.credit_released", "erp-free", "SO-2", &json!({}))])).await;
    let closed = until("it is closed", || async { server.ask(&at).await.filter(|e| e["state"] == "closed") }).await;
    assert_eq!(
        closed["closed_by"],
        json!({"source": "erp/main", "event": "erp-free", "kind": "order.credit_released"})
    );
    until("what is closed is not asked for", || async {
        exceptions(&server, "kind=credit_hold").await.is_empty().then_some(())
    })
    .await;
    assert_eq!(exceptions(&server, "kind=credit_hold&state=closed").await.len(), 1);
    server.send(&json!([now("order.credit_checked", "erp-hold-2", "SO-2", &json!({"verdict": "held"}))])).await;
    let again = until("it is back", || async { server.ask(&at).await.filter(|e| e["state"] == "open") }).await;
    assert_eq!((&again["occurrence"], &again["owner"]), (&json!(2), &json!("Anna")));

    // Put off until an event comes.
    let (_, said) = server.act(&path(&id, "snooze"), &json!({"event": "order.changed"}), None).await;
    assert_eq!(said["exception"]["state"], "snoozed", "{said}");
    server.send(&json!([now("order.changed", "erp-change", "SO-2", &json!({"priority": "high"}))])).await;
    until("the event wakes it", || async { server.ask(&at).await.filter(|e| e["state"] == "open") }).await;
    let (_, said) = server.act(&path(&id, "waive"), &json!({"text": "Paid in cash"}), None).await;
    assert_eq!(said["exception"]["state"], "waived", "{said}");
}

/// What no rule tells of any more was taken away by an event too, and it comes back as the same exception.
#[tokio::test]
async fn what_is_taken_back_closes_by_the_event_that_took_it_back() {
    let server = Server::start().await;
    let lines = json!([{"line": "10", "sku": "AB-77", "quantity": "5", "unit": "EA"}]);
    let worth = json!({"value": "64.50", "currency": "EUR"});
    let bill = |id: &str, kind: &str, data: Value| {
        let mut event = now(kind, id, "SO-1", &data);
        event["source"] = json!("billing/main");
        event["object"] = json!({"type": "invoice", "id": "INV-1"});
        event["refs"] = json!({"order": ["SO-1"]});
        event
    };
    let issued = |id: &str| bill(id, "invoice.issued", json!({"number": "INV-1", "lines": lines, "amount": worth}));
    let head = json!({"customer": "Acme", "lines": lines, "amount": worth});
    let sent = server.send(&json!([now("order.created", "erp-1", "SO-1", &head), issued("bill-1")])).await;
    assert_eq!(sent["refused"].as_array().map_or(0, Vec::len), 0, "{sent}");
    let open = || async { exceptions(&server, "kind=premature_invoice").await.into_iter().next() };
    let found = until("nothing has left, and it is billed", open).await;
    let at = format!("/api/v1/exceptions/{}", found["id"].as_str().unwrap());

    server.send(&json!([bill("bill-2", "event.voided", json!({"event": "bill-1"}))])).await;
    let closed = until("it is closed", || async { server.ask(&at).await.filter(|e| e["state"] == "closed") }).await;
    assert_eq!(closed["closed_by"], json!({"source": "billing/main", "event": "bill-2", "kind": "event.voided"}));
    let (_, page) = server.page(&format!("/t/acme/exceptions/{}", found["id"].as_str().unwrap())).await;
    let told = ["Event voided", "bill-2", "billing/main", "/payloads/"];
    assert!(told.iter().all(|part| page.contains(part)), "the page names the event, whose it is, and leads to it");

    server.send(&json!([issued("bill-3")])).await;
    let again = until("it is back", || async { server.ask(&at).await.filter(|e| e["state"] == "open") }).await;
    assert_eq!(again["occurrence"], json!(2));
}

#[tokio::test]
async fn the_queue_is_cut_nowhere_and_says_what_it_cannot_read() {
    let server = Server::start().await;
    let orders: Vec<Value> = (0..7).map(|n| forgotten(&format!("SO-{n}"))).collect();
    server.send(&json!(orders)).await;
    until("all are late", || async { (exceptions(&server, "kind=sla_breached").await.len() == 7).then_some(()) }).await;
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = server.ask(&format!("/api/v1/exceptions?kind=sla_breached&limit=3&after={after}")).await.unwrap();
        seen.extend(page["items"].as_array().unwrap().iter().map(|e| e["object"]["id"].to_string()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 7);
    for query in
        ["state=ajar", "kind=nonsense", "sort=up", "limit=0", "after=x", "colour=red", "from=today", "muted=so"]
    {
        let (status, said) = server.get(&format!("/api/v1/exceptions?{query}")).await;
        assert_eq!((status, said["code"].as_str()), (400, Some("bad_parameter")), "{query}: {said}");
    }
    // Several at once, by a person on the page.
    let ids: Vec<String> =
        exceptions(&server, "kind=sla_breached").await.iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect();
    let mut form: Vec<(&str, &str)> = ids.iter().take(3).map(|id| ("id", id.as_str())).collect();
    form.extend([("do", "take"), ("person", "Anna"), ("back", "/t/acme/exceptions")]);
    let (status, to) = server.submit("/t/acme/exceptions/act", &form).await;
    assert_eq!((status, to.as_str()), (303, "/t/acme/exceptions"));
    until("three are Anna's", || async { (exceptions(&server, "owner=Anna").await.len() == 3).then_some(()) }).await;

    // All that match at once: what was shown is what it is done to, however many come meanwhile.
    let (_, page) = server.page("/t/acme/exceptions/all?kind=sla_breached").await;
    let ids = page.split("name=\"ids\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    assert!(ids.split(' ').count() == 7 && page.contains("Acknowledge 7 exceptions"), "{page}");
    server.send(&json!([forgotten("SO-7")])).await;
    until("one more is late", || async { (exceptions(&server, "kind=sla_breached").await.len() == 8).then_some(()) })
        .await;
    let form = |ids: &str| {
        let fields = [("person", "Anna"), ("do", "acknowledge"), ("back", "/t/acme/exceptions?kind=sla_breached")];
        fields
            .map(|(name, value)| (name, value.to_owned()))
            .into_iter()
            .chain([("ids", ids.to_owned())])
            .collect::<Vec<_>>()
    };
    let submit = async |ids: &str| {
        let fields = form(ids);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        server.submit("/t/acme/exceptions/all", &fields).await
    };
    let (status, to) = submit(&ids).await;
    assert_eq!((status, to.as_str()), (303, "/t/acme/exceptions?kind=sla_breached&done=7-acknowledge"));
    let count = async |state: &str| exceptions(&server, &format!("kind=sla_breached&state={state}")).await.len();
    until("seven are acknowledged", || async { (count("acknowledged").await == 7).then_some(()) }).await;
    assert_eq!(count("open").await, 1, "the one that came later was not shown");
    let (_, page) = server.page(&to).await;
    assert!(page.contains("7 exceptions acknowledged."), "the queue says how many it was");
    let (status, _) = submit(&format!("{ids} 00000000000000ff")).await;
    assert_eq!(status, 400, "all of them or none");
}
