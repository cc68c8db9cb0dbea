//! The embedded engine on the real library: it answers us only, survives what clients do to it, and comes back.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use milepost::engine::{Engine, EngineError, Settings, State};

fn settings(dir: &Path) -> Settings {
    Settings {
        dir: dir.join("clickhouse"),
        program: Some(env!("CARGO_BIN_EXE_milepost").into()),
        memory_bytes: 1_000_000_000,
        stop_ms: 2_000,
        ..Settings::default()
    }
}

fn client(engine: &Engine) -> clickhouse::Client {
    clickhouse::Client::default().with_url(engine.url()).with_user(engine.user()).with_password(engine.password())
}

async fn number(client: &clickhouse::Client, sql: &str) -> u64 {
    client.query(sql).fetch_one::<u64>().await.unwrap()
}

fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn it_comes_back_with_its_data_after_being_killed_and_ends_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(settings(dir.path())).await.unwrap();
    let client = client(&engine);
    client.query("CREATE DATABASE kept").execute().await.unwrap();
    client.query("CREATE TABLE kept.t (n UInt64) ENGINE = MergeTree ORDER BY n").execute().await.unwrap();
    client.query("INSERT INTO kept.t SELECT number FROM numbers(1000)").execute().await.unwrap();

    let first = engine.pid().unwrap();
    let killed = std::process::Command::new("kill").args(["-9", &first.to_string()]).status().unwrap();
    assert!(killed.success());
    let mut status = engine.status();
    let back = |s: &milepost::engine::Status| s.state == State::Ready && s.pid.is_some_and(|pid| pid != first);
    let again = tokio::time::timeout(Duration::from_secs(60), status.wait_for(back)).await.unwrap().unwrap().clone();
    assert_eq!(again.restarts, 1);
    assert_eq!(number(&client, "SELECT count() FROM kept.t").await, 1000);

    let last = again.pid.unwrap();
    drop(client);
    engine.stop().await;
    assert!(!alive(last));
    drop(engine);

    let engine = Engine::start(settings(dir.path())).await.unwrap();
    assert_eq!(number(&self::client(&engine), "SELECT count() FROM kept.t").await, 1000);
}

#[tokio::test]
async fn it_answers_nobody_else_and_reads_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(settings(dir.path())).await.unwrap();
    for stranger in [
        clickhouse::Client::default().with_url(engine.url()),
        client(&engine).with_password("wrong"),
        client(&engine).with_user("default").with_password(""),
    ] {
        assert!(stranger.query("SELECT 1").fetch_one::<u8>().await.is_err());
    }
    let client = client(&engine);
    for reach in [
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    ] {
        let error = client.query(reach).fetch_all::<String>().await.unwrap_err().to_string();
        assert!(error.contains("ACCESS_DENIED") || error.contains("Code: 497"), "{error}");
    }
    use std::os::unix::fs::PermissionsExt;
    for file in ["connection.json", "users.xml", "config.xml"] {
        let mode = std::fs::metadata(dir.path().join("clickhouse").join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn clients_that_break_off_do_not_end_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(settings(dir.path())).await.unwrap();
    let pid = engine.pid().unwrap();
    let address = engine.url().strip_prefix("http://").unwrap().to_owned();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(b"GET /play HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut some = [0u8; 1000];
        let _ = stream.read(&mut some);
        // Closing with unread bytes in the buffer sends a reset.
        drop(stream);
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(&[0xff; 600]).unwrap();
        drop(stream);
    }
    assert_eq!(number(&client(&engine), "SELECT toUInt64(1)").await, 1);
    assert_eq!(engine.status().borrow().restarts, 0);
    assert_eq!(engine.pid(), Some(pid));
}

#[tokio::test]
async fn a_second_one_in_the_same_folder_is_refused_and_disturbs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(settings(dir.path())).await.unwrap();
    let connection = std::fs::read(dir.path().join("clickhouse/connection.json")).unwrap();
    let second = Engine::start(settings(dir.path())).await.err().unwrap();
    assert!(matches!(second, EngineError::InUse { .. }), "{second}");
    assert_eq!(std::fs::read(dir.path().join("clickhouse/connection.json")).unwrap(), connection);
    assert_eq!(number(&client(&engine), "SELECT toUInt64(1)").await, 1);
}

#[tokio::test]
async fn it_ends_with_whoever_started_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(settings(dir.path())).await.unwrap();
    let port = engine.url().rsplit(':').next().unwrap().to_owned();
    // Its files stay, so that a thread of ours can start the child as the watcher does, and then end.
    drop(engine);
    let folder = dir.path().join("clickhouse");
    let starter = std::thread::spawn(move || {
        let library = milepost::engine::library(None).unwrap();
        let child = std::process::Command::new(env!("CARGO_BIN_EXE_milepost"))
            .args(["engine", "run", "--port", &port, "--parent", &std::process::id().to_string()])
            .arg("--dir")
            .arg(&folder)
            .arg("--library")
            .arg(library)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        poll("it listens", || TcpStream::connect(format!("127.0.0.1:{port}")).is_ok());
        child
    });
    let mut child = starter.join().unwrap();
    poll("it ends", || child.try_wait().unwrap().is_some());
}

fn poll(what: &str, condition: impl FnMut() -> bool) {
    let until = std::time::Instant::now() + Duration::from_secs(60);
    let ends = std::iter::repeat_with(condition).find(|met| {
        std::thread::sleep(Duration::from_millis(20));
        *met || std::time::Instant::now() > until
    });
    assert_eq!(ends, Some(true), "not within a minute: {what}");
}

#[tokio::test]
async fn a_missing_library_is_said_with_its_cure() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { library: Some(dir.path().join("none.so")), ..settings(dir.path()) };
    let error = Engine::start(settings).await.err().unwrap();
    assert!(matches!(error, EngineError::NoLibrary { .. }));
    assert!(error.to_string().contains("npm ci"), "{error}");
}
