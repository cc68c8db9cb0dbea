//! What finance relies on: money that ties at any moment, lists that stand still, bills that nobody can swallow.

use std::process::Command;

use serde_json::{Value, json};

use crate::server::{MILEPOST, Server, event, order, until};

const LINE: &str = "10";

fn shipped(order: &str, shipment: &str, minute: u32, quantity: &str) -> Value {
    let lines = json!([{"order": order, "line": LINE, "quantity": quantity, "unit": "EA"}]);
    let data = json!({"lines": lines, "carrier": "Nordland Freight"});
    event(
        "shipment.shipped",
        &format!("{shipment}-left"),
        ("shipment", shipment),
        json!({"order": [order]}),
        minute,
        data,
    )
}

fn delivered(shipment: &str, minute: u32) -> Value {
    event("shipment.delivered", &format!("{shipment}-there"), ("shipment", shipment), json!({}), minute, json!({}))
}

fn proved(shipment: &str, minute: u32) -> Value {
    event("delivery.pod_received", &format!("{shipment}-pod"), ("shipment", shipment), json!({}), minute, json!({}))
}

fn invoiced(id: &str, order: &str, minute: u32, quantity: &str, amount: &str) -> Value {
    let amount = json!({"value": amount, "currency": "EUR"});
    let data = json!({"amount": amount, "lines": [{"line": LINE, "quantity": quantity, "amount": amount}]});
    event("invoice.issued", &format!("{id}-{minute}"), ("invoice", id), json!({"order": [order]}), minute, data)
}

/// State and amount of an order, as the API tells them.
async fn told(server: &Server, id: &str) -> Option<(String, String)> {
    let list = server.ask(&format!("/api/v1/readiness?state=all&q={id}")).await?;
    let item = list["items"].as_array()?.iter().find(|item| item["object"]["id"] == id)?.clone();
    let amount = item["amount"]["value"].as_str().unwrap_or("?").to_owned();
    Some((item["state"].as_str()?.to_owned(), amount))
}

async fn becomes(server: &Server, id: &str, state: &str, amount: &str) {
    until(&format!("{id} is {state} with {amount}"), || async {
        (told(server, id).await? == (state.to_owned(), amount.to_owned())).then_some(())
    })
    .await;
}

/// A figure of a file's head: `Rows`, `Total EUR`.
fn head<'c>(csv: &'c str, name: &str) -> Option<&'c str> {
    csv.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(','))
}

async fn file(server: &Server, path: &str) -> String {
    let (status, text) = server.page(path).await;
    assert_eq!(status, 200, "{path}: {text}");
    text
}

#[tokio::test]
async fn a_frozen_worklist_ties_with_its_files_whatever_comes_afterwards() {
    let server = Server::start().await;
    for n in 1..=3 {
        let (so, sh) = (format!("SO-{n}"), format!("SH-{n}"));
        server.send(&json!([order(&so, 0), shipped(&so, &sh, 600, "5"), delivered(&sh, 1900)])).await;
    }
    server.send(&proved("SH-1", 2000)).await;
    becomes(&server, "SO-1", "ready", "64.5").await;
    becomes(&server, "SO-2", "blocked", "64.5").await;
    becomes(&server, "SO-3", "blocked", "64.5").await;

    // Readiness needs no more than the moment; workflows are set aside.
    let (_, frozen) = server.act("/api/v1/freezes", &json!({"list": "readiness"}), None).await;
    let moment = frozen["as_of"].as_str().unwrap().to_owned();
    let (_, frozen) = server.act("/api/v1/freezes", &json!({"list": "workflows"}), None).await;
    let flows = frozen["as_of"].as_str().unwrap().to_owned();

    server.send(&json!([proved("SH-2", 2000), invoiced("INV-1", "SO-1", 2100, "5", "64.50"), order("SO-4", 0)])).await;
    becomes(&server, "SO-2", "ready", "64.5").await;
    becomes(&server, "SO-1", "invoiced", "64.5").await;

    // Totals of the page, of the API and of the file, then and now.
    let then = server.ask(&format!("/api/v1/readiness?as_of={moment}")).await.unwrap();
    assert_eq!((&then["total"], &then["totals"][0]["amount"]), (&json!(3), &json!("193.5")), "{then}");
    let (_, page) = server.page(&format!("/t/acme/readiness?as_of={moment}")).await;
    assert!(page.contains("Frozen at") && page.contains("3 items · 193.50 EUR"), "{page}");
    let blocked = format!("/t/acme/readiness?state=blocked&as_of={moment}");
    assert!(server.page(&blocked).await.1.contains("2 items · 129.00 EUR"));
    let csv = file(&server, &blocked.replace("readiness?", "readiness.csv?")).await;
    assert_eq!((head(&csv, "Rows"), head(&csv, "Total EUR")), (Some("2"), Some("129.00")), "{csv}");
    assert!(csv.contains("SO-2") && csv.contains("SO-3") && !csv.contains("SO-1"), "{csv}");
    let now = file(&server, "/t/acme/readiness.csv?state=blocked").await;
    assert_eq!((head(&now, "Rows"), head(&now, "Total EUR")), (Some("1"), Some("64.50")), "{now}");

    let csv = file(&server, &format!("/t/acme/workflows.csv?as_of={flows}")).await;
    assert_eq!((head(&csv, "Rows"), head(&csv, "Total EUR")), (Some("3"), Some("193.50")), "{csv}");
    let (_, page) = server.page(&format!("/t/acme/workflows?as_of={flows}")).await;
    assert!(page.contains("Frozen at") && page.contains("193.50 EUR") && !page.contains("SO-4"), "{page}");
    until("the live list has the fourth", || async {
        let now = file(&server, "/t/acme/workflows.csv").await;
        (head(&now, "Rows") == Some("4")).then_some(())
    })
    .await;
    let sheet = server.page(&format!("/t/acme/workflows.xlsx?as_of={flows}")).await;
    assert_eq!(sheet.0, 200);
    // Nobody pretends to know another moment.
    let (status, text) = server.page("/t/acme/workflows.csv?as_of=2026-11-01T00:00:00Z").await;
    assert_eq!(status, 400);
    assert!(text.contains("not frozen then") && text.contains(&flows), "{text}");
    assert_eq!(server.page("/t/acme/exceptions?as_of=2026-11-01T00:00:00Z").await.0, 400);
    assert_eq!(server.page("/t/acme/held.csv?as_of=2026-11-01T00:00:00Z").await.0, 400);
    let (_, views) = server.page("/t/acme/views").await;
    assert!(views.contains("Frozen lists"), "{views}");

    // What does not match has a past as well.
    let gone = server.ask(&format!("/api/v1/reconciliation?kind=shipped_not_billed&as_of={moment}")).await.unwrap();
    assert_eq!(gone["total"], 3, "{gone}");
    until("two are left of them", || async {
        let now = server.ask("/api/v1/reconciliation?kind=shipped_not_billed").await?;
        (now["total"] == 2).then_some(())
    })
    .await;
    let csv = file(&server, &format!("/t/acme/reconciliation.csv?kind=shipped_not_billed&as_of={moment}")).await;
    assert_eq!(head(&csv, "Too much and too little added EUR"), Some("193.50"), "{csv}");
}

#[tokio::test]
async fn people_and_programs_decide_about_a_bill_and_say_why() {
    let server = Server::start().await;
    server.send(&json!([order("SO-1", 0), shipped("SO-1", "SH-1", 600, "5"), delivered("SH-1", 1900)])).await;
    becomes(&server, "SO-1", "blocked", "64.5").await;
    let decide =
        async |what: &str, body: Value| server.act(&format!("/api/v1/readiness/order/SO-1/{what}"), &body, None).await;
    assert_eq!(decide("ready", json!({"reason": ""})).await.0, 422);
    assert_eq!(decide("burn", json!({"reason": "why not"})).await.0, 404);
    let stranger = json!({"reason": "x", "object": {"type": "order", "id": "SO-9"}});
    assert_eq!(decide("ready", stranger).await.0, 404, "not of this order");
    assert_eq!(decide("ready", json!({"reason": "signed by hand"})).await.0, 200);
    becomes(&server, "SO-1", "ready", "64.5").await;
    assert_eq!(decide("hold", json!({"reason": "price is checked", "until": "2031-01-01"})).await.0, 200);
    becomes(&server, "SO-1", "blocked", "64.5").await;
    let held = server.ask("/api/v1/readiness?reason=manual_hold").await.unwrap().to_string();
    for said in ["price is checked", "key/", "2031"] {
        assert!(held.contains(said), "{said} in {held}");
    }
    // A person lets it go and asks, by the forms of the page.
    let form = |what: &'static str| {
        [("person", "rosa"), ("do", what), ("reason", "checked"), ("object", "order/SO-1"), ("owner", "ops")]
    };
    assert_eq!(server.submit("/t/acme/readiness/order/SO-1/act", &form("release")).await.0, 303);
    becomes(&server, "SO-1", "ready", "64.5").await;
    assert_eq!(server.submit("/t/acme/readiness/order/SO-1/act", &form("ask")).await.0, 303);
    until("all of it is in the order's story", || async {
        let (_, page) = server.page("/t/acme/w/order/SO-1").await;
        ["Readiness marked ready", "Readiness held", "Readiness released", "Readiness asked"]
            .iter()
            .all(|said| page.contains(said))
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn bad_bills_are_held_refused_or_told_and_never_added_up() {
    let server = Server::start().await;
    let priced = |id: &str, price: Value| {
        let mut created = order(id, 0);
        created["data"]["lines"][0]["price"] = price;
        created["data"]["amount"] = Value::Null;
        created["data"]["pod_required"] = json!(false);
        created
    };
    let whole = |id: &str| json!([shipped(id, &format!("SH-{id}"), 600, "5"), delivered(&format!("SH-{id}"), 1900)]);
    // Two currencies in one order: blocked, amount not known, in no total.
    let mut mixed = priced("SO-MIX", json!({"value": "1.00", "currency": "EUR"}));
    let second =
        json!({"line": "20", "sku": "X", "quantity": "1", "unit": "EA", "price": {"value": "1.00", "currency": "USD"}});
    mixed["data"]["lines"].as_array_mut().unwrap().push(second);
    server.send(&json!([mixed])).await;
    server.send(&whole("SO-MIX")).await;
    // Yen have no cents.
    server.send(&json!([priced("SO-YEN", json!({"value": "100.50", "currency": "JPY"}))])).await;
    server.send(&whole("SO-YEN")).await;
    becomes(&server, "SO-YEN", "blocked", "502.5").await;
    until("two currencies stand apart", || async {
        let list = server.ask("/api/v1/readiness?reason=mixed_currencies").await?;
        (list["total"] == 1 && list["totals"][0]["without_amount"] == 1).then_some(())
    })
    .await;
    until("an amount with cents that its currency has not is told", || async {
        let yen = server.ask("/api/v1/readiness?reason=amount_precision").await?;
        (yen["items"][0]["object"]["id"] == "SO-YEN").then_some(())
    })
    .await;
    // Thirty-eight digits are refused with their place, before anything is made of them.
    let digits = "12345678901234567890123456789012345678";
    let (status, answer) = server
        .post(
            "/v1/events",
            "application/json",
            json!([priced("SO-38", json!({"value": digits, "currency": "EUR"}))]).to_string(),
        )
        .await;
    assert_eq!((status, &answer["accepted"]), (200, &json!(0)), "{answer}");
    assert_eq!(answer["rejected"][0]["pointer"], "/data/lines/0/price/value", "{answer}");

    // An invoice for an order that nobody knows is held, and told on the page of what is held.
    server.send(&json!([invoiced("INV-LOST", "SO-NOBODY", 2000, "1", "5.00")])).await;
    until("it is held", || async {
        let (_, page) = server.page("/t/acme/held").await;
        (page.contains("INV-LOST") && page.contains("SO-NOBODY")).then_some(())
    })
    .await;

    // Negative, issued again with other lines, and one number from two companies.
    server.send(&json!([priced("SO-1", json!({"value": "12.90", "currency": "EUR"}))])).await;
    server.send(&whole("SO-1")).await;
    becomes(&server, "SO-1", "ready", "64.5").await;
    server.send(&json!([invoiced("INV-1", "SO-1", 2000, "3", "38.70")])).await;
    becomes(&server, "SO-1", "wrong", "38.7").await;
    server.send(&json!([invoiced("INV-1", "SO-1", 2010, "6", "77.40")])).await;
    becomes(&server, "SO-1", "wrong", "77.4").await;
    server.send(&json!([invoiced("INV-2", "SO-1", 2020, "-1", "-12.90")])).await;
    becomes(&server, "SO-1", "invoiced", "64.5").await;
    until("both are told", || async {
        let kinds = server.ask("/api/v1/reconciliation?q=SO-1").await?.to_string();
        ["invoice_reissued", "negative_invoice"].iter().all(|kind| kinds.contains(kind)).then_some(())
    })
    .await;
    server.send(&json!([priced("SO-2", json!({"value": "10.00", "currency": "EUR"}))])).await;
    server.send(&whole("SO-2")).await;
    let mut other = invoiced("1001", "SO-2", 2000, "2", "20.00");
    let first = invoiced("1001", "SO-2", 2001, "3", "30.00");
    other["source"] = json!("billing/fr");
    server.send(&json!([first, other])).await;
    becomes(&server, "SO-2", "invoiced", "50").await;

    until("all is on the page", || async {
        let (_, page) = server.page("/t/acme/reconciliation").await;
        ["Invoice issued again", "Negative invoice", "INV-1"].iter().all(|said| page.contains(said)).then_some(())
    })
    .await;
}

#[test]
fn rules_and_tolerances_with_errors_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let check = |text: &str| {
        std::fs::write(folder.path().join("readiness.toml"), format!("version = 1\n{text}")).unwrap();
        let ran = Command::new(MILEPOST).args(["check", "--definitions"]).arg(folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
        (ran.status.success(), said)
    };
    let rule = |passes: &str| format!("[[rules]]\nkey = 'own'\ntitle = 'Own'\npasses = \"{passes}\"\n");
    assert!(check(&rule("value > dec('1.50')")).0);
    let nested = "lines.all(a, lines.all(b, a.line == b.line))";
    let cases = [
        (rule("value >"), "readiness.toml:5"),
        (rule("value > 1.5"), "readiness.toml:5"),
        (rule("colour == 'red'"), "colour"),
        (rule("value"), "readiness.toml:5"),
        (rule(nested), "readiness.toml:5"),
        ("[freight]\npercent = '-2'\n".to_owned(), "readiness.toml:3:11"),
        ("[freight]\namounts = ['5']\n".to_owned(), "readiness.toml:3:12"),
        ("[policy]\ncut_off = 'sometimes'\n".to_owned(), "sometimes"),
        ("[tolerance]\npercents = '1'\n".to_owned(), "percents"),
    ];
    for (text, place) in cases {
        let (well, said) = check(&text);
        assert!(!well && said.contains(place), "{text}: {said}");
    }
}
