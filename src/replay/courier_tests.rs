//! The courier against a receiver that answers in every way that receivers do.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use parking_lot::Mutex;

use super::*;

/// Headers of each request.
type Heard = Vec<Vec<(String, String)>>;
type Seen = Arc<Mutex<Heard>>;

async fn answer(request: HttpRequest, body: web::Bytes, seen: web::Data<Mutex<Heard>>) -> HttpResponse {
    let text = |(name, value): (&http_old::HeaderName, &http_old::HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned())
    };
    let mut headers: Vec<(String, String)> = request.headers().iter().map(text).collect();
    headers.push(("body".to_owned(), String::from_utf8_lossy(&body).into_owned()));
    seen.lock().push(headers);
    match request.path() {
        "/redirect" => HttpResponse::Found().insert_header(("location", "/ok")).finish(),
        "/gone" => HttpResponse::Gone().finish(),
        "/busy" => HttpResponse::TooManyRequests().insert_header(("retry-after", "3600")).finish(),
        "/bad" => HttpResponse::BadRequest().body("quantity is missing"),
        "/down" => HttpResponse::ServiceUnavailable().finish(),
        "/liar" => HttpResponse::Ok().json(serde_json::json!({"status": "error"})),
        "/endless" => HttpResponse::Ok().body("x".repeat(ANSWER_BYTES + 1)),
        "/hang" => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            HttpResponse::Ok().finish()
        }
        "/token" => HttpResponse::Ok().json(serde_json::json!({"access_token": "t-1", "expires_in": 3600})),
        _ => HttpResponse::Ok().json(serde_json::json!({"status": "accepted"})),
    }
}

use actix_web::http::header as http_old;

fn receiver() -> (String, Seen) {
    let seen = Seen::default();
    let data = web::Data::from(seen.clone());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer)))
        .workers(1)
        .disable_signals()
        .listen(listener)
        .expect("listens")
        .run();
    actix_web::rt::spawn(server);
    (format!("http://{address}"), seen)
}

fn target(url: &str, more: &str) -> Target {
    let text = format!("key = \"t\"\ntitle = \"T\"\nurl = \"{url}\"\nallow_internal = true\ntimeout = \"1s\"\n{more}");
    Target::parse("t.toml", &text).expect("a target")
}

fn parcel() -> Parcel {
    Parcel {
        key: "replay-1".to_owned(),
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("authorization".to_owned(), "Bearer old".to_owned()),
            ("traceparent".to_owned(), "00-old".to_owned()),
            ("x-tenant-hint".to_owned(), "7".to_owned()),
        ],
        body: Bytes::from_static(b"{}"),
        old_trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
    }
}

async fn told(url: &str, more: &str) -> Told {
    Courier::new().expect("a courier").carry(&target(url, more), &parcel()).await.told
}

fn code(told: &Told) -> &str {
    match told {
        Told::Taken { .. } => "taken",
        Told::Later { no, .. } | Told::Never(no) | Told::Gone(no) => no.code,
    }
}

#[actix_web::test]
async fn every_answer_has_its_named_outcome() {
    let (base, _) = receiver();
    let at = |path: &str| format!("{base}{path}");
    let says = "[taken]\npointer = \"/status\"\nis = [\"accepted\"]";
    let cases = [
        ("/ok", "", "taken", false),
        ("/ok", says, "taken", false),
        ("/liar", says, "refused_in_body", false),
        ("/endless", says, "broken_answer", true),
        ("/redirect", "", "redirected", false),
        ("/gone", "", "gone", false),
        ("/bad", "", "refused", false),
        ("/down", "", "not_taken", true),
        ("/busy", "", "too_many", true),
        ("/hang", "", "timeout", true),
    ];
    for (path, more, wanted, again) in cases {
        let told = told(&at(path), more).await;
        assert_eq!((code(&told), matches!(told, Told::Later { .. })), (wanted, again), "{path}: {told:?}");
    }
    let Told::Later { asked, .. } = told(&at("/busy"), "").await else { panic!("later") };
    assert_eq!(asked, Some(Duration::from_secs(3_600)));
    let Told::Never(no) = told(&at("/bad"), "").await else { panic!("never") };
    assert_eq!(no.detail, "quantity is missing");
}

#[actix_web::test]
async fn a_target_that_is_not_there_may_come_back() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    assert_eq!(code(&told(&format!("http://{free}/"), "").await), "unreachable");
    assert_eq!(code(&told("http://no-such-host.invalid/", "").await), "unreachable");
}

#[actix_web::test]
async fn nothing_inside_is_reached_unless_the_file_allows_it() {
    let (base, seen) = receiver();
    let port = base.rsplit(':').next().expect("a port").to_owned();
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "127.1"] {
        let target = Target { allow_internal: false, ..target(&format!("http://{host}:{port}/ok"), "") };
        let told = Courier::new().expect("a courier").carry(&target, &parcel()).await.told;
        assert_eq!(code(&told), "internal_address", "{host}: {told:?}");
        assert!(matches!(told, Told::Never(_)));
    }
    assert!(seen.lock().is_empty());
}

#[actix_web::test]
async fn the_key_goes_along_and_the_old_trace_only_as_a_link() {
    let (base, seen) = receiver();
    let target = target(&format!("{base}/ok"), "[headers]\nkeep = [\"x-*\"]\nset = { x-env = \"prod\" }");
    let attempt = Courier::new().expect("a courier").carry(&target, &parcel()).await;
    let headers = seen.lock().pop().expect("one request");
    let value = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    assert_eq!(value("idempotency-key").as_deref(), Some("replay-1"));
    assert_eq!(value("x-env").as_deref(), Some("prod"));
    assert_eq!(value("x-tenant-hint").as_deref(), Some("7"));
    assert_eq!(value("authorization"), None);
    assert!(value("traceparent").is_some_and(|trace| trace.contains(&attempt.trace_id)));
    assert_eq!(value("milepost-linked-traceparent"), Some(parcel().old_trace));
}

#[actix_web::test]
async fn credentials_of_every_kind_are_shown_to_the_target() {
    let (base, seen) = receiver();
    let courier = Courier::new().expect("a courier");
    let ask = async |auth: &str| {
        courier.carry(&target(&format!("{base}/ok"), auth), &parcel()).await;
        seen.lock().pop().expect("a request").into_iter().collect::<std::collections::HashMap<_, _>>()
    };
    let basic = ask("[auth]\nkind = \"basic\"\nuser = \"u\"\npassword = { clear = \"p\" }").await;
    assert_eq!(basic["authorization"], "Basic dTpw");
    let header = ask("[auth]\nkind = \"header\"\nname = \"x-api-key\"\nvalue = { clear = \"k\" }").await;
    assert_eq!(header["x-api-key"], "k");
    let signed = ask("[auth]\nkind = \"webhook\"\nsecret = { clear = \"whsec_c2VjcmV0\" }").await;
    let at: i64 = signed["webhook-timestamp"].parse().expect("a time");
    assert_eq!(Some(&signed["webhook-signature"]), signature("whsec_c2VjcmV0", "replay-1", at, b"{}").as_ref());
    let oauth = format!(
        "[auth]\nkind = \"oauth2\"\ntoken_url = \"{base}/token\"\nclient_id = \"a b\"\nclient_secret = {{ clear = \"s\" }}"
    );
    assert_eq!(ask(&oauth).await["authorization"], "Bearer t-1");
    assert_eq!(ask(&oauth).await["authorization"], "Bearer t-1");
    let tokens =
        seen.lock().iter().filter(|headers| headers.iter().any(|(_, v)| v.contains("client_credentials"))).count();
    assert_eq!(tokens, 1, "a token is asked for once");
}
