//! The key file: made by one process, taken up by another.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use milepost::access::{Grant, KeyError, Keys};
use serde_json::json;
use tempfile::TempDir;

use super::rig::Rig;

fn send(source: &str) -> Grant {
    Grant::Send { source: source.to_owned() }
}

#[test]
fn a_key_tells_tenant_and_grant_and_the_file_tells_no_secret() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("not/yet/there");
    let sender = Keys::create(&data, "acme", send("wms/east-2")).unwrap();
    let reader = Keys::create(&data, "globex", Grant::Read).unwrap();
    let keys = Keys::open(&data).unwrap();

    let key = keys.verify(&sender).unwrap();
    assert_eq!((key.tenant.as_str(), &key.grant), ("acme", &send("wms/east-2")));
    assert!(sender.starts_with(&format!("mp_{}_", key.id)));
    assert_eq!(keys.verify(&reader).unwrap().grant, Grant::Read);
    assert_eq!(keys.tenants(), ["acme", "globex"]);
    assert_eq!(keys.list().iter().map(|key| key.tenant.as_str()).collect::<Vec<_>>(), ["acme", "globex"]);

    let file = data.join("keys.json");
    let secret = sender.rsplit('_').next().unwrap();
    assert!(!std::fs::read_to_string(&file).unwrap().contains(secret));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    for wrong in ["", "mp_", "mp__", &sender[..20], &format!("{sender}0"), &sender.to_uppercase(), &reader[3..]] {
        assert_eq!(keys.verify(wrong), None, "{wrong:?}");
    }
}

#[test]
fn wrong_names_and_damaged_files_are_told() {
    let dir = TempDir::new().unwrap();
    assert!(matches!(Keys::create(dir.path(), "Acme", Grant::Read), Err(KeyError::Name(_))));
    assert!(matches!(Keys::create(dir.path(), "acme", send(" ")), Err(KeyError::Name(_))));
    assert!(matches!(Keys::revoke(dir.path(), "nobody"), Err(KeyError::Unknown(_))));
    assert!(Keys::open(dir.path()).unwrap().list().is_empty(), "no file means no keys");

    Keys::create(dir.path(), "acme", Grant::Read).unwrap();
    let file = dir.path().join("keys.json");
    let mode = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o644);
    let error = Keys::open(dir.path()).err().unwrap().to_string();
    assert!(error.contains("chmod 600"), "{error}");
    mode(0o600);
    std::fs::write(&file, "{").unwrap();
    assert!(matches!(Keys::open(dir.path()), Err(KeyError::Damaged { .. })));
    assert!(matches!(Keys::create(dir.path(), "acme", Grant::Read), Err(KeyError::Damaged { .. })));
}

#[test]
fn keys_made_at_the_same_time_are_all_kept() {
    let dir = TempDir::new().unwrap();
    let made: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| Keys::create(dir.path(), "acme", Grant::Read))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
    });
    let keys = Keys::open(dir.path()).unwrap();
    assert!(made.iter().all(|key| keys.verify(key).is_some()));
}

#[tokio::test]
async fn a_running_server_takes_up_new_and_revoked_keys_within_two_seconds() {
    let rig = Rig::start().await;
    let url = format!("http://{}/v1/events", rig.events);
    let status = async |key: &str| {
        let request = reqwest::Client::new().post(&url).bearer_auth(key).json(&json!({}));
        request.send().await.unwrap().status().as_u16()
    };
    let wait_for = async |key: &str, wanted: u16| {
        let since = Instant::now();
        while status(key).await != wanted {
            assert!(since.elapsed() < Duration::from_secs(2), "{wanted} within 2 s");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let key = Keys::create(rig.dir.path(), "globex", send("tms")).unwrap();
    wait_for(&key, 200).await;
    assert_eq!(rig.intake.only().tenant, "globex");
    let id = key.split('_').nth(1).unwrap();
    assert_eq!(Keys::revoke(rig.dir.path(), id).unwrap().tenant, "globex");
    wait_for(&key, 401).await;

    std::fs::write(rig.dir.path().join("keys.json"), "{ half a file").unwrap();
    tokio::time::sleep(Duration::from_millis(milepost::access::REREAD_MS + 100)).await;
    assert_eq!(status(&rig.key).await, 200, "a damaged file locks nobody out of a running server");
}
