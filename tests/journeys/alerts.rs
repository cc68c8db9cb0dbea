//! Alerts on their way to real receivers: a mail server, and HTTP receivers that check signatures.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::server::{PROJECT, Server, event, until};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The receivers, and everything that they have heard.
struct Receivers {
    process: Child,
    smtp: u64,
    http: u64,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Receivers {
    fn start() -> Self {
        let program = format!("{PROJECT}/tests/.venv/bin/python");
        assert!(std::path::Path::new(&program).exists(), "no Python client here: run `make setup`");
        let mut command = Command::new(program);
        command.args(["tests/clients/receivers.py", SECRET]).current_dir(PROJECT);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
        let list = Arc::clone(&heard);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                list.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { process, smtp: first["smtp"].as_u64().unwrap(), http: first["http"].as_u64().unwrap(), heard }
    }

    fn of(&self, to: &str) -> Vec<Value> {
        self.heard.lock().unwrap().iter().filter(|said| said["to"] == to).cloned().collect()
    }

    /// The file that sends to all of them, and the secrets that it names.
    fn routes(&self, dir: &std::path::Path) -> String {
        let keep = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
            path.display().to_string()
        };
        let at = |name: &str| format!("http://127.0.0.1:{}/{name}", self.http);
        let (secret, key) = (keep("secret", SECRET), keep("key", "routing-key"));
        let (slack, teams) = (keep("slack", &at("slack")), keep("teams", &at("teams")));
        let (hook, flaky, gone, pager) = (at("hook"), at("flaky"), at("gone"), at("pager"));
        let smtp = self.smtp;
        format!(
            r#"
[smtp]
server = "127.0.0.1"
port = {smtp}
from = "Milepost <milepost@example.com>"
security = "none"
[[receivers]]
key = "mail"
kind = "email"
to = ["ops@example.com", "boss@example.com"]
[[receivers]]
key = "hook"
kind = "webhook"
url = "{hook}"
secret_file = "{secret}"
internal = true
[[receivers]]
key = "flaky"
kind = "webhook"
url = "{flaky}"
secret_file = "{secret}"
internal = true
[[receivers]]
key = "gone"
kind = "webhook"
url = "{gone}"
secret_file = "{secret}"
internal = true
[[receivers]]
key = "outside"
kind = "webhook"
url = "{hook}"
secret_file = "{secret}"
[[receivers]]
key = "slack"
kind = "slack"
url_file = "{slack}"
internal = true
[[receivers]]
key = "teams"
kind = "teams"
url_file = "{teams}"
internal = true
[[receivers]]
key = "pager"
kind = "pagerduty"
url = "{pager}"
routing_key_file = "{key}"
internal = true
[[routes]]
key = "late"
kinds = ["sla_breached"]
to = ["mail", "hook", "flaky", "gone", "outside", "slack", "teams", "pager"]
group_by = ["kind", "object"]
wait = "1s"
"#
        )
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Created long ago and never released.
fn forgotten(id: &str) -> Value {
    let data = json!({"customer": "Nordwind Handels GmbH", "amount": {"value": "64.50", "currency": "EUR"}});
    event("order.created", &format!("erp-{id}"), ("order", id), json!({}), 0, data)
}

#[tokio::test]
async fn a_breach_reaches_every_receiver_once_and_its_end_too_also_over_a_crash() {
    let receivers = Receivers::start();
    let own = tempfile::tempdir().unwrap();
    // Receivers are everybody's; the route is laid over them for this tenant.
    let text = receivers.routes(own.path());
    let (shared, route) = text.split_at(text.find("[[routes]]").unwrap());
    let overlay = own.path().join("tenants/acme");
    std::fs::create_dir_all(&overlay).unwrap();
    std::fs::write(own.path().join("alerts.toml"), shared).unwrap();
    std::fs::write(overlay.join("alerts.toml"), route).unwrap();
    let mut server = Server::start_with(&["--definitions", own.path().to_str().unwrap()]).await;
    server.send(&json!([forgotten("SO-1")])).await;

    let all = ["mail", "hook", "slack", "teams", "pager"];
    let heard = |n: usize| all.iter().all(|to| receivers.of(to).len() == n).then_some(());
    until("all have heard of it", || async { heard(1) }).await;
    let mail = &receivers.of("mail")[0];
    assert_eq!(mail["rcpt"], json!(["ops@example.com", "boss@example.com"]));
    assert!(mail["subject"].as_str().unwrap().contains("1 order, 64.50 EUR at stake"), "{mail}");
    let text = mail["text"].as_str().unwrap();
    for wanted in ["order/SO-1", "Nordwind Handels GmbH", "64.50 EUR", "Order release", "/t/acme/exceptions/"] {
        assert!(text.contains(wanted), "{wanted} is not in {text}");
    }
    let hook = &receivers.of("hook")[0];
    assert_eq!(
        (&hook["signed"], &hook["fresh"], &hook["body"]["type"]),
        (&json!(true), &json!(true), &json!("alert.trigger"))
    );
    assert_eq!(hook["body"]["data"]["lines"][0]["order"], "order/SO-1");
    let pager = &receivers.of("pager")[0]["body"];
    assert_eq!((&pager["event_action"], &pager["routing_key"]), (&json!("trigger"), &json!("routing-key")));

    // The link leads to the page of the exception.
    let link = hook["body"]["data"]["lines"][0]["link"].as_str().unwrap();
    let (status, page) = server.page(&link[link.find("/t/").unwrap()..]).await;
    assert!(status == 200 && page.contains("SO-1"), "{link}: {page}");

    // One that answers late gets the same message again; one that is gone, and one inside that may not be, are told of.
    until("the second attempt went through", || async { (receivers.of("flaky").len() == 2).then_some(()) }).await;
    let flaky = receivers.of("flaky");
    assert_eq!(flaky[0]["id"], flaky[1]["id"], "the same message");
    let page = until("the log says what failed", || async {
        let (_, page) = server.page("/t/acme/alerts").await;
        (page.matches("Send again").count() == 2).then_some(page)
    })
    .await;
    assert!(page.contains("410") && page.contains("not on the open internet"), "{page}");

    // Somebody has one of them sent again: an act, which the log tells although it fails once more.
    let form =
        page.split("action=\"").filter_map(|part| part.split('"').next()).find(|to| to.ends_with("/again")).unwrap();
    let (status, _) = server.submit(form, &[("person", "Anna"), ("tried", "1"), ("back", "/t/acme/alerts")]).await;
    assert_eq!(status, 303);
    until("it failed again, and the log says who had it sent", || async {
        let (_, page) = server.page("/t/acme/alerts").await;
        (page.matches("Send again").count() == 2 && page.contains("sent again by <bdi>Anna</bdi>")).then_some(())
    })
    .await;

    // A crash repeats nothing; a second order is a second alert.
    server.kill();
    server.launch();
    until("it is back", || server.workflow("SO-1")).await;
    server.send(&json!([forgotten("SO-2")])).await;
    until("the second is told", || async { heard(2) }).await;
    let now = chrono::Utc::now().to_rfc3339();
    let released = json!([{"id": "erp-SO-1-released", "type": "order.released", "source": "erp/main", "time": now,
        "object": {"type": "order", "id": "SO-1"}}]);
    server.send(&released).await;
    until("its end is told", || async {
        let ends = receivers.of("pager").iter().filter(|said| said["body"]["event_action"] == "resolve").count();
        (ends == 1 && receivers.of("mail").len() == 3).then_some(())
    })
    .await;
    let mails = receivers.of("mail");
    assert!(mails[2]["subject"].as_str().unwrap().starts_with("Resolved: SLA breached"), "{}", mails[2]);
    assert_eq!(mails[2]["thread"], mails[0]["thread"], "a mail program shows them together");
    let pager = receivers.of("pager");
    assert_eq!(pager[2]["body"]["dedup_key"], pager[0]["body"]["dedup_key"]);
    let mut ids: Vec<String> = receivers.of("hook").iter().map(|said| said["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), receivers.of("hook").len(), "nothing is told twice");
}

#[tokio::test]
async fn a_saved_view_comes_by_mail_with_its_rows_and_totals() {
    let receivers = Receivers::start();
    let own = tempfile::tempdir().unwrap();
    let smtp = receivers.smtp;
    let routes = format!(
        "[smtp]\nserver = \"127.0.0.1\"\nport = {smtp}\nfrom = \"Milepost <milepost@example.com>\"\nsecurity = \"none\"\n"
    );
    std::fs::write(own.path().join("alerts.toml"), routes).unwrap();
    let server = Server::start_with(&["--definitions", own.path().to_str().unwrap()]).await;
    server.send(&json!([forgotten("SO-1"), forgotten("SO-2")])).await;
    for id in ["SO-1", "SO-2"] {
        until("the order is there", || server.workflow(id)).await;
    }
    let id = "0123456789abcdef0123456789abcdef";
    let by = ("person", "anna");
    let view = [
        by,
        ("act_id", id),
        ("name", "Nordwind, open"),
        ("list", "workflows"),
        ("query", "customer=Nordwind Handels GmbH"),
    ];
    let (status, to) = server.submit("/t/acme/views", &view).await;
    assert_eq!(status, 303, "{to}");
    let mail = [
        by,
        ("to", "ops@example.com, boss@example.com"),
        ("day", "1"),
        ("at", "07:30"),
        ("zone", "Europe/Berlin"),
        ("attached", "yes"),
    ];
    assert_eq!(server.submit(&format!("/t/acme/views/{id}/mail"), &mail).await.0, 303);
    assert_eq!(server.submit(&format!("/t/acme/views/{id}/send"), &[by, ("act_id", "now")]).await.0, 303);

    let mail = until("it has come", || async { receivers.of("mail").pop() }).await;
    assert_eq!(mail["rcpt"], json!(["ops@example.com", "boss@example.com"]));
    assert_eq!(mail["subject"], "Nordwind, open: 2 rows, 129.00 EUR (acme)");
    let text = mail["text"].as_str().unwrap();
    for wanted in
        ["Filter: Customer: Nordwind Handels GmbH", "Total: 129.00 EUR", "Key: SO-1", "/t/acme/workflows?", "as of 20"]
    {
        assert!(text.contains(wanted), "{wanted} is not in {text}");
    }
    let attached = mail["attached"].as_object().unwrap();
    assert!(attached.iter().any(|(name, size)| name.ends_with(".xlsx") && size.as_u64() > Some(3_000)), "{mail}");
    // That it was sent is kept, and seen by those who may see the view.
    until("the page says so", || async {
        let page = reqwest::Client::new().get(format!("{}/t/acme/views", server.http)).header("cookie", "person=anna");
        let page = page.send().await.unwrap().text().await.unwrap();
        (page.contains("Mon at 07:30 Europe/Berlin") && page.contains("last ")).then_some(())
    })
    .await;
    assert_eq!(receivers.of("mail").len(), 1, "it is sent once");
    let (_, page) = server.page("/t/acme/views").await;
    assert!(!page.contains("Nordwind, open"), "what is one's own is nobody else's");
}

#[tokio::test]
async fn a_view_whose_sending_was_cut_off_is_not_sent_again_and_its_page_says_so() {
    let receivers = Receivers::start();
    let own = tempfile::tempdir().unwrap();
    let smtp = receivers.smtp;
    let routes = format!(
        "[smtp]\nserver = \"127.0.0.1\"\nport = {smtp}\nfrom = \"Milepost <milepost@example.com>\"\nsecurity = \"none\"\n"
    );
    std::fs::write(own.path().join("alerts.toml"), routes).unwrap();
    let mut server = Server::start_with(&["--definitions", own.path().to_str().unwrap()]).await;
    server.send(&json!([forgotten("SO-1")])).await;
    until("the order is there", || server.workflow("SO-1")).await;
    let id = "0123456789abcdef0123456789abcdef";
    let by = ("person", "anna");
    let view = [by, ("act_id", id), ("name", "All"), ("list", "workflows"), ("query", ""), ("shared", "yes")];
    assert_eq!(server.submit("/t/acme/views", &view).await.0, 303);
    // The mail server takes it and never answers: whether it came cannot be known.
    let mail = [by, ("to", "silent@example.com"), ("day", "1"), ("at", "07:30"), ("zone", "Europe/Berlin")];
    assert_eq!(server.submit(&format!("/t/acme/views/{id}/mail"), &mail).await.0, 303);
    assert_eq!(server.submit(&format!("/t/acme/views/{id}/send"), &[by, ("act_id", "now")]).await.0, 303);
    until("it has come", || async { receivers.of("mail").pop() }).await;
    server.kill();
    server.launch();
    until("the page says what is known", || async {
        let (_, page) = server.page("/t/acme/views").await;
        page.contains("the server stopped while this was being sent; it may have come and is not sent again")
            .then_some(())
    })
    .await;
    assert_eq!(receivers.of("mail").len(), 1, "at most once");
    // The next slot is served as ever.
    let mail = [by, ("to", "ops@example.com"), ("day", "1"), ("at", "07:30"), ("zone", "Europe/Berlin")];
    assert_eq!(server.submit(&format!("/t/acme/views/{id}/mail"), &mail).await.0, 303);
    assert_eq!(server.submit(&format!("/t/acme/views/{id}/send"), &[by, ("act_id", "again")]).await.0, 303);
    until("the next one has come", || async { (receivers.of("mail").len() == 2).then_some(()) }).await;
}
