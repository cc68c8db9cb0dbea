//! Pages and API as they answer over HTTP while the store is away: who is let in, what is said, which headers stand.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{App, test, web};
use milepost::access::{Grant, Keys};
use milepost::domain::Shelf;
use milepost::live::Hub;
use milepost::pages::{self, Desk};
use milepost::store::Store;

struct House {
    desk: web::Data<Desk>,
    read: String,
    send: String,
    _dir: tempfile::TempDir,
}

struct Said {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let read = Keys::create(dir.path(), "acme", Grant::Read).unwrap();
        let send = Keys::create(dir.path(), "acme", Grant::Send { source: "erp/main".into() }).unwrap();
        let keys = Arc::new(Keys::open(dir.path()).unwrap());
        // Nothing listens there.
        let store = Store::new("http://127.0.0.1:9", "u", "p", "milepost");
        let desk = Desk::new(store, Arc::new(Shelf::default()), Hub::new(), keys);
        Self { desk: web::Data::new(desk), read, send, _dir: dir }
    }

    async fn ask(&self, request: test::TestRequest) -> Said {
        let app =
            App::new().app_data(self.desk.clone()).configure(milepost::api::configure).configure(pages::configure);
        let app = test::init_service(app).await;
        let answer = test::call_service(&app, request.to_request()).await;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = String::from_utf8_lossy(&test::read_body(answer).await).into_owned();
        Said { status, headers, body }
    }

    async fn get(&self, path: &str) -> Said {
        self.ask(test::TestRequest::get().uri(path)).await
    }

    async fn api(&self, path: &str, key: &str) -> Said {
        self.ask(test::TestRequest::get().uri(path).insert_header((header::AUTHORIZATION, format!("Bearer {key}"))))
            .await
    }
}

#[actix_web::test]
async fn without_the_store_a_page_says_so_and_names_the_fault() {
    let house = House::new();
    for place in [
        "board",
        "workflows",
        "held",
        "failures",
        "triage",
        "integrations",
        "w/order/SO-1",
        "payloads/1f",
        "search?q=x",
    ] {
        let said = house.get(&format!("/t/acme/{place}")).await;
        assert_eq!(said.status, 503, "{place}");
        assert!(said.body.contains("nothing is lost") && said.body.contains("Error id"), "{place}: {}", said.body);
        assert!(said.headers.contains_key(header::RETRY_AFTER), "{place}");
    }
}

#[actix_web::test]
async fn every_page_forbids_foreign_scripts() {
    let said = House::new().get("/t/acme/board").await;
    let policy = said.headers.get(header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"), "{policy}");
    assert!(
        policy.contains("frame-ancestors 'none'") && policy.contains("require-trusted-types-for 'script'"),
        "{policy}"
    );
    assert_eq!(said.headers.get("x-content-type-options").unwrap(), "nosniff");
    assert_eq!(said.headers.get("cache-control").unwrap(), "no-store");
}

#[actix_web::test]
async fn an_unknown_tenant_and_an_unknown_path_are_not_found() {
    let house = House::new();
    assert_eq!(house.get("/t/nobody/board").await.status, 404);
    assert_eq!(house.get("/t/acme/nothing").await.status, 404);
    assert_eq!(house.get("/static/../Cargo.toml").await.status, 404);
    assert_eq!(house.get("/t/acme/payloads/..%2f..%2fetc").await.status, 404);
}

#[actix_web::test]
async fn a_foreign_name_for_this_server_is_not_answered() {
    let house = House::new();
    for (host, status) in
        [("evil.example", 421), ("evil.example:8080", 421), ("localhost:8080", 503), ("[::1]:8080", 503)]
    {
        let request = test::TestRequest::get().uri("/t/acme/board").insert_header((header::HOST, host));
        assert_eq!(house.ask(request).await.status, status, "{host}");
    }
}

#[actix_web::test]
async fn static_files_are_kept_by_browsers_until_they_change() {
    let house = House::new();
    let board = house.get("/t/acme/board").await.body;
    let path =
        board.split("href=\"").find(|part| part.starts_with("/static/app.css")).unwrap().split('"').next().unwrap();
    let said = house.get(path).await;
    assert_eq!(said.status, 200);
    assert!(said.headers.get("cache-control").unwrap().to_str().unwrap().contains("immutable"));
    let tag = said.headers.get(header::ETAG).unwrap().clone();
    let again = test::TestRequest::get().uri(path).insert_header((header::IF_NONE_MATCH, tag));
    assert_eq!(house.ask(again).await.status, 304);
    let bare = house.get("/static/app.css").await;
    assert_eq!(bare.headers.get("cache-control").unwrap(), "no-cache");
}

#[actix_web::test]
async fn the_shift_that_was_chosen_last_holds_until_another_is_chosen_or_none() {
    let house = House::new();
    let board = |cookie: &str, query: &str| {
        let uri = format!("/t/acme/board{query}");
        test::TestRequest::get().uri(&uri).insert_header((header::COOKIE, format!("shift={cookie}")))
    };
    let said = house.ask(board("14:00", "?flow=order-to-cash")).await;
    assert_eq!(said.status, 303);
    assert_eq!(said.headers.get(header::LOCATION).unwrap(), "/t/acme/board?flow=order-to-cash&since=14%3A00");
    // Here no store answers; the board itself is asked for, and what nobody offers is not remembered.
    for (cookie, query) in [("14:00", "?since=22:00"), ("14:00", "?since=none"), ("", ""), ("15:30", ""), ("none", "")]
    {
        assert_eq!(house.ask(board(cookie, query)).await.status, 503, "{cookie} {query}");
    }
}

#[actix_web::test]
async fn choices_are_kept_and_lead_back_to_this_site_only() {
    let house = House::new();
    let form = |site: &str, back: &str| {
        test::TestRequest::post().uri("/prefs").insert_header(("sec-fetch-site", site.to_owned())).set_form([
            ("theme", "dark"),
            ("tz", "Europe/Berlin"),
            ("back", back),
        ])
    };
    let said = house.ask(form("same-origin", "/t/acme/board?flow=x")).await;
    assert_eq!(said.status, 303);
    assert_eq!(said.headers.get(header::LOCATION).unwrap(), "/t/acme/board?flow=x");
    let cookies: Vec<&str> = said.headers.get_all(header::SET_COOKIE).map(|value| value.to_str().unwrap()).collect();
    assert!(
        cookies.iter().any(|c| c.starts_with("theme=dark;"))
            && cookies.iter().any(|c| c.starts_with("tz=Europe/Berlin;"))
    );
    assert_eq!(house.ask(form("same-origin", "//evil.example")).await.headers.get(header::LOCATION).unwrap(), "/");
    assert_eq!(house.ask(form("cross-site", "/")).await.status, 403);
    assert_eq!(house.get("/prefs?theme=dark").await.status, 404, "asking changes nothing");
}

#[actix_web::test]
async fn the_api_wants_a_key_that_reads() {
    let house = House::new();
    let none = house.get("/api/v1/workflows").await;
    assert_eq!(
        (none.status.as_u16(), none.headers.get("content-type").unwrap().to_str().unwrap()),
        (401, "application/problem+json")
    );
    assert!(none.headers.contains_key(header::WWW_AUTHENTICATE));
    assert_eq!(house.api("/api/v1/workflows", "mp_0_wrong").await.status, 401);
    assert_eq!(house.api("/api/v1/workflows", &house.send).await.status, 403);
    let away = house.api("/api/v1/workflows", &house.read).await;
    assert_eq!(away.status, 503);
    assert!(away.body.contains("\"code\":\"store_away\""), "{}", away.body);
    assert_eq!(house.api("/api/v1/nothing", &house.read).await.status, 404);
    assert_eq!(house.api("/api/v1/payloads/XYZ", &house.read).await.status, 404);
}

#[actix_web::test]
async fn the_api_names_the_parameter_that_it_cannot_use() {
    let house = House::new();
    for (query, name) in [
        ("status=red", "status"),
        ("sort=(select%201)", "sort"),
        ("limit=1000000000", "limit"),
        ("limit=-1", "limit"),
        ("after=%27%20OR%201=1", "after"),
        ("from=z", "from"),
        ("closed=perhaps", "closed"),
        ("page=2", "page"),
    ] {
        let said = house.api(&format!("/api/v1/workflows?{query}"), &house.read).await;
        assert_eq!(said.status, 400, "{query}");
        assert!(said.body.contains(&format!("\"detail\":\"{name}: ")), "{query}: {}", said.body);
    }
    assert_eq!(house.api("/api/v1/workflows/order/SO-1?as_of=yesterday", &house.read).await.status, 400);
}
