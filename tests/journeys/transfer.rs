//! Files in and out: what is exported and imported elsewhere tells the same workflows; bad records do not stop good ones.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::server::{MILEPOST, PROJECT, Server, event, order, until, until_or};

fn milepost(args: &[&str]) -> Output {
    Command::new(MILEPOST).args(args).current_dir(PROJECT).output().unwrap()
}

fn done(args: &[&str]) -> String {
    let ran = milepost(args);
    assert!(
        ran.status.success(),
        "{args:?}\n{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).unwrap()
}

/// An order with odd names that ships in two parts, one on a load of its own, and is billed.
fn story(n: u32) -> Vec<Value> {
    let (so, a, b) = (format!("SO \"{n}\",ü"), format!("={n}-A"), format!("SH/{n}/B"));
    let part = |q: &str| json!({"lines": [{"order": so, "line": "10", "quantity": q, "lot": null}]});
    let at = n * 7;
    vec![
        order(&so, at),
        event("order.released", &format!("{n}-r"), ("order", &so), json!({}), at + 5, json!({})),
        event("shipment.created", &format!("{n}-a"), ("shipment", &a), json!({"order": [so]}), at + 9, part("2")),
        event("shipment.created", &format!("{n}-b"), ("shipment", &b), json!({"order": [so]}), at + 9, part("3")),
        event(
            "shipment.shipped",
            &format!("{n}-as"),
            ("shipment", &a),
            json!({"load": [format!("L-{n}")]}),
            at + 30,
            part("2"),
        ),
        event("shipment.shipped", &format!("{n}-bs"), ("shipment", &b), json!({}), at + 40, part("3")),
        event(
            "load.departed",
            &format!("{n}-l"),
            ("load", &format!("L-{n}")),
            json!({}),
            at + 45,
            json!({"carrier": "DHL"}),
        ),
        event(
            "invoice.issued",
            &format!("{n}-i"),
            ("invoice", &format!("I-{n}")),
            json!({"shipment": [a, b]}),
            at + 60,
            json!({"amount": {"value": "64.50", "currency": "EUR"}}),
        ),
    ]
}

/// A workflow without what depends on when and where it was received.
fn plain(mut workflow: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                // When something came to be known is another time in another place.
                let local = ["received_at", "as_of", "known_at", "first_known"];
                fields.retain(|name, _| !local.contains(&name.as_str()));
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut workflow);
    workflow
}

fn key(server: &Server, tenant: &str, more: &[&str]) -> String {
    let folder = server.folder().to_str().unwrap();
    let args = [&["key", "create", "--data-dir", folder, "--tenant", tenant], more].concat();
    done(&args).trim().to_owned()
}

async fn workflow(server: &Server, key: &str, id: &str) -> Option<Value> {
    let path: String = id.bytes().map(|b| format!("%{b:02X}")).collect();
    let url = format!("{}/api/v1/workflows/order/{path}?as_of=2026-12-01T00:00:00Z", server.http);
    let answer = reqwest::Client::new().get(url).bearer_auth(key).send().await.ok()?;
    if answer.status().is_success() { answer.json().await.ok() } else { None }
}

fn write(path: &Path, text: &str) -> String {
    std::fs::write(path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_export_imported_elsewhere_tells_the_same_workflows_in_every_form() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let events: Vec<Value> = (0..30).flat_map(story).collect();
    let text: String = events.iter().map(|e| format!("{e}\n")).collect();
    let file = write(&dir.path().join("all.ndjson"), &text);
    let said = done(&["import", &file, "--url", &server.http, "--key", &server.send_key]);
    assert!(said.contains("240 read, 240 accepted, 0 duplicates, 0 refused"), "{said}");
    let said = done(&["import", &file, "--url", &server.http, "--key", &server.send_key]);
    assert!(said.contains("was imported before, to the end"), "{said}");
    let said = done(&["import", &file, "--url", &server.http, "--key", &server.send_key, "--again"]);
    assert!(said.contains("240 read, 0 accepted, 240 duplicates, 0 refused"), "{said}");

    let name = |n: u32| format!("SO \"{n}\",ü");
    let stored = |key: String, wanted: usize| {
        let server = &server;
        async move {
            until("all is stored", || async {
                let answer = reqwest::Client::new()
                    .get(format!("{}/api/v1/export", server.http))
                    .bearer_auth(&key)
                    .send()
                    .await
                    .ok()?;
                (answer.text().await.ok()?.lines().count() == wanted).then_some(())
            })
            .await;
        }
    };
    stored(server.read_key.clone(), 240).await;
    for (tenant, ending) in [("lines", "ndjson"), ("rows", "csv"), ("log", "json")] {
        let out = dir.path().join(format!("out.{ending}")).to_str().unwrap().to_owned();
        done(&["export", "--url", &server.http, "--key", &server.read_key, "-o", &out]);
        let (send, read) = (key(&server, tenant, &["--source", "test/import"]), key(&server, tenant, &["--read"]));
        let said = done(&["import", &out, "--url", &server.http, "--key", &send]);
        assert!(said.contains("240 read, 240 accepted, 0 duplicates, 0 refused"), "{ending}: {said}");
        stored(read.clone(), 240).await;
        for n in 0..30 {
            // An export reads what is journalled and stored; the workflow follows a moment later.
            let before = plain(workflow(&server, &server.read_key, &name(n)).await.unwrap());
            let seen = std::cell::RefCell::new(Value::Null);
            let differs = || format!("{ending}: {before:#}\nthere, and here\n{:#}", seen.borrow());
            until_or("it tells the same here", differs, || async {
                let after = plain(workflow(&server, &read, &name(n)).await?);
                let same = after == before;
                seen.replace(after);
                same.then_some(())
            })
            .await;
        }
    }

    let one =
        done(&["export", "--url", &server.http, "--key", &server.read_key, "--root", &format!("order/{}", name(3))]);
    assert_eq!(one.lines().count(), 8, "{one}");
    let some = done(&[
        "export",
        "--url",
        &server.http,
        "--key",
        &server.read_key,
        "--type",
        "load",
        "--to",
        "2026-11-10T02:00:00Z",
    ]);
    assert!(some.lines().all(|line| line.contains("\"load.departed\"")) && some.lines().count() < 30, "{some}");
}

#[tokio::test]
async fn what_is_wrong_in_a_file_is_set_aside_with_its_place_and_the_rest_goes_on() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let good = |n: u32| order(&format!("G{n}"), n).to_string();
    let unknown = event("order.exploded", "x-1", ("order", "G9"), json!({}), 1, json!({})).to_string();
    let text = format!("{}\n\n{{\"id\": 1,,}}\n{}\n{}\n{unknown}\n[1]\n", good(0), good(1), good(1));
    let file = write(&dir.path().join("bad.ndjson"), &text);
    let ran = milepost(&["import", &file, "--url", &server.http, "--key", &server.send_key]);
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(!ran.status.success(), "{said}");
    assert!(said.contains("6 read, 2 accepted, 1 duplicates, 3 refused"), "{said}");
    for place in
        ["line 3, column 10: invalid_json", "line 6, column 1: unknown_event_type", "line 7, column 1: wrong_type"]
    {
        assert!(said.contains(place), "{place}: {said}");
    }
    let refused = std::fs::read_to_string(format!("{file}.refused.ndjson")).unwrap();
    let refused: Vec<Value> = refused.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(refused[1]["record"], unknown);
    assert_eq!((refused.len(), &refused[0]["line"]), (3, &3.into()));

    // A file that grows: only what is new is read.
    let longer = format!("{text}{}\n", good(2));
    write(&dir.path().join("bad.ndjson"), &longer);
    let ran = milepost(&["import", &file, "--url", &server.http, "--key", &server.send_key, "--json"]);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let total = &report["total"];
    assert_eq!((&total["read"], &total["accepted"], &total["refused"]), (&7.into(), &3.into(), &3.into()), "{report}");
    assert!(report["files"][0]["resumed"].as_str().unwrap().contains("going on at line 8"), "{report}");

    // Rows of a foreign system, by a map; rows that follow each other with one id are lines of one event.
    let map = write(
        &dir.path().join("map.toml"),
        "[csv]\ndelimiter = ';'\ndecimal = ','\nzone = 'Europe/Berlin'\ntime = '%d.%m.%Y %H:%M'\n\
         [[event]]\nid = 'legacy-{Auftrag}'\ntype = 'order.created'\nsource = 'erp/legacy'\ntime = '{Datum}'\nobject = 'order/{Auftrag}'\n\
         [event.data]\ncustomer = '{Kunde}'\n[event.lines]\nline = '{Pos}'\nsku = '{Artikel}'\nquantity = { number = '{Menge}' }\nunit = 'EA'\n",
    );
    let rows = write(
        &dir.path().join("rows.csv"),
        "Auftrag;Datum;Kunde;Pos;Artikel;Menge\n4711;10.11.2026 08:30;\"Müller;\nSöhne\";10;A;1.200,5\n4711;10.11.2026 08:30;;20;B;2\n\
         4712;heute;X;10;A;1\n4713;10.11.2026 09:00;Y;10;A\n4714;10.11.2026 09:00;Z;10;A;3\n",
    );
    let ran = milepost(&["import", &rows, "--map", &map, "--url", &server.http, "--key", &server.send_key]);
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        said.contains("4 read, 2 accepted, 0 duplicates, 2 refused"),
        "{said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(said.contains("line 5, column 2: unreadable_cell: Column `Datum`: `heute` is no time here"), "{said}");
    assert!(said.contains("line 6, column 1: wrong_columns: Expected 6 columns as in the head, found 5."), "{said}");
    let lines =
        until("the order of the rows is there", || async { server.workflow("4711").await }).await["lines"].clone();
    assert_eq!((&lines[0]["ordered"], &lines[1]["sku"]), (&"1200.5".into(), &"B".into()), "{lines}");
}

/// The importer is killed in the middle, and then the server too.
#[tokio::test]
async fn an_import_that_is_killed_goes_on_and_nothing_is_lost_or_twice() {
    const ORDERS: u32 = 20_000;
    let mut server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..ORDERS).map(|n| format!("{}\n", order(&format!("K-{n}"), n % 5_000))).collect();
    let file = write(&dir.path().join("many.ndjson"), &text);
    let state = dir.path().join("many.ndjson.import.json");
    let position = || -> u64 {
        let told = std::fs::read(&state).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        told.map_or(0, |told| told["position"].as_u64().unwrap())
    };
    let mut before = 0;
    for round in ["the importer", "the server"] {
        let args = ["import", &file, "--url", &server.http, "--key", &server.send_key, "--requests", "1"];
        let mut importer =
            Command::new(MILEPOST).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("some of it is taken", || async { (position() > before).then_some(()) }).await;
        if round == "the server" {
            server.kill();
        }
        importer.kill().unwrap();
        importer.wait().unwrap();
        before = position();
    }
    assert!(before < text.len() as u64, "it was over before it was killed");
    server.launch();
    until("the server is back", || async { server.workflow("K-0").await }).await;
    let said = done(&["import", &file, "--url", &server.http, "--key", &server.send_key, "--json"]);
    let report: Value = serde_json::from_str(&said).unwrap();
    let count = |name: &str| report["total"][name].as_u64().unwrap();
    assert!(report["files"][0]["resumed"].as_str().unwrap().starts_with("going on at line"), "{said}");
    assert_eq!((count("read"), count("refused")), (u64::from(ORDERS), 0), "{said}");
    assert_eq!(count("accepted") + count("duplicates"), u64::from(ORDERS), "{said}");
    until_or(
        "each is there once",
        || server.log_tail(),
        || async {
            let told = server.try_clickhouse("SELECT count() AS n, uniqExact(event_id) AS ids FROM events").await?;
            let number = |name: &str| told[0][name].as_str().map_or(told[0][name].as_u64(), |text| text.parse().ok());
            (number("n") == Some(u64::from(ORDERS)) && number("ids") == Some(u64::from(ORDERS))).then_some(())
        },
    )
    .await;
}

#[tokio::test]
async fn a_folder_without_a_server_takes_a_file_and_gives_it_back() {
    let mut server = Server::start().await;
    let folder = server.folder().to_str().unwrap().to_owned();
    let dir = tempfile::tempdir().unwrap();
    let text: String = story(1).iter().map(|e| format!("{e}\n")).collect();
    let file = write(&dir.path().join("one.jsonl"), &text);
    let ran = milepost(&["import", &file, "--data-dir", &folder, "--tenant", "acme"]);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("a server is using"), "{ran:?}");
    server.stop();
    let said = done(&["import", &file, "--data-dir", &folder, "--tenant", "acme"]);
    assert!(said.contains("8 read, 8 accepted"), "{said}");
    let back = done(&["export", "--data-dir", &folder, "--tenant", "acme"]);
    assert_eq!(back.lines().count(), 8, "{back}");
    server.launch();
    until("the order is there", || async { server.workflow("SO%20%221%22%2C%C3%BC").await }).await;
}
