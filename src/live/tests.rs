//! The websocket as its clients know it, over a real connection.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use actix_web::{App, HttpServer, web};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{Change, EventLine, Freshness, Hub};
use crate::access::{Grant, Keys};

struct Server {
    hub: Hub,
    address: String,
    read: String,
    other: String,
    send: String,
    _dir: tempfile::TempDir,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Server {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let read = Keys::create(dir.path(), "acme", Grant::Read).unwrap();
        let other = Keys::create(dir.path(), "globex", Grant::Read).unwrap();
        let send = Keys::create(dir.path(), "acme", Grant::Send { source: "erp/main".into() }).unwrap();
        let keys = web::Data::new(Keys::open(dir.path()).unwrap());
        let hub = Hub::new();
        let shared = web::Data::new(hub.clone());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = HttpServer::new(move || {
            App::new().app_data(shared.clone()).app_data(keys.clone()).configure(super::configure)
        });
        tokio::spawn(server.workers(1).tcp_nodelay(true).disable_signals().listen(listener).unwrap().run());
        Self { hub, address, read, other, send, _dir: dir }
    }

    async fn dial(&self, header: &'static str, value: &str) -> Result<Socket, u16> {
        let mut request = format!("ws://{}/t/acme/live", self.address).into_client_request().unwrap();
        request.headers_mut().insert(header, value.parse().unwrap());
        match connect_async(request).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn listen(&self) -> Socket {
        self.dial("authorization", &format!("Bearer {}", self.read)).await.unwrap()
    }

    fn publish(&self, topics: &[&str], lines: usize) {
        let topics = topics.iter().map(ToString::to_string).collect();
        let line = EventLine { object: "order/SO-1".into(), ..EventLine::default() };
        self.hub.publish(Change { tenant: "acme".into(), topics, events: vec![line; lines] });
    }
}

async fn say(socket: &mut Socket, wish: Value) {
    socket.send(Message::text(wish.to_string())).await.unwrap();
}

async fn hear(socket: &mut Socket) -> Value {
    loop {
        let next = tokio::time::timeout(Duration::from_secs(10), socket.next()).await;
        match next.expect("a message within ten seconds").unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Close(frame) => return json!({"closed": frame.map(|frame| u16::from(frame.code))}),
            _ => {}
        }
    }
}

/// The first message that has something to say.
async fn news(socket: &mut Socket) -> Value {
    loop {
        let said = hear(socket).await;
        if ["topics", "events", "resync", "closed"].iter().any(|field| said.get(field).is_some()) {
            return said;
        }
    }
}

#[actix_web::test]
async fn only_own_pages_and_keys_that_read_this_tenant_may_listen() {
    let server = Server::start();
    let origin = format!("http://{}", server.address);
    assert!(server.dial("origin", &origin).await.is_ok());
    assert_eq!(server.dial("origin", "http://evil.example").await.err(), Some(403));
    assert_eq!(server.dial("origin", "null").await.err(), Some(403));
    assert_eq!(server.dial("x-none", "1").await.err(), Some(401));
    assert_eq!(server.dial("authorization", "Bearer mp_0_wrong").await.err(), Some(401));
    assert_eq!(server.dial("authorization", &format!("Bearer {}", server.other)).await.err(), Some(403));
    assert_eq!(server.dial("authorization", &format!("Bearer {}", server.send)).await.err(), Some(403));
}

#[actix_web::test]
async fn a_change_is_told_once_with_what_is_watched_of_it() {
    let server = Server::start();
    let mut socket = server.listen().await;
    say(&mut socket, json!({"watch": ["workflows", "events"]})).await;
    // Answered, so the wish is known.
    let first = hear(&mut socket).await;
    assert!(first["at"].as_str().unwrap().ends_with('Z'), "{first}");
    server.hub.set_freshness(Freshness { received_ms: 5, stored_ms: 3, lag_ms: 2, store_up: true });
    server.publish(&["workflows", "held"], 2);
    let said = news(&mut socket).await;
    assert_eq!(said["topics"], json!(["workflows"]));
    assert_eq!(said["events"].as_array().unwrap().len(), 2);
    assert_eq!(said["events"][0]["object"], "order/SO-1");
    assert_eq!(said["freshness"]["lag_ms"], 2);
    assert_eq!(said["seq"], server.hub.seq("acme"));
    // Then only heartbeats.
    assert!(hear(&mut socket).await.get("topics").is_none());
}

#[actix_web::test]
async fn who_comes_back_is_told_what_was_missed() {
    let server = Server::start();
    server.publish(&["held"], 0);
    let seen = server.hub.seq("acme");
    server.publish(&["workflows"], 0);
    let mut socket = server.listen().await;
    say(&mut socket, json!({"watch": ["workflows", "held"], "since": seen})).await;
    assert_eq!(news(&mut socket).await["topics"], json!(["workflows"]));
    say(&mut socket, json!({"since": 1})).await;
    assert_eq!(news(&mut socket).await["resync"], true);
}

#[actix_web::test]
async fn nonsense_and_floods_end_the_connection() {
    let server = Server::start();
    let mut socket = server.listen().await;
    socket.send(Message::text("[")).await.unwrap();
    assert_eq!(news(&mut socket).await["closed"], 1008);
    let mut socket = server.listen().await;
    socket.send(Message::text("x".repeat(100_000))).await.unwrap();
    assert_eq!(news(&mut socket).await["closed"], 1009);
    let mut socket = server.listen().await;
    socket.send(Message::binary(vec![0])).await.unwrap();
    assert_eq!(news(&mut socket).await["closed"], 1003);
}

#[actix_web::test]
async fn a_server_that_stops_lets_its_listeners_go() {
    let server = Server::start();
    let mut socket = server.listen().await;
    server.hub.close();
    assert_eq!(news(&mut socket).await["closed"], 1012);
}

#[actix_web::test]
async fn a_listener_that_leaves_is_forgotten() {
    let server = Server::start();
    let socket = server.listen().await;
    assert_eq!(server.hub.watchers(), 1);
    drop(socket);
    for _ in 0..200 {
        if server.hub.watchers() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("still {} listeners", server.hub.watchers());
}
