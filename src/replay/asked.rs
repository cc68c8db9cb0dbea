//! A request with an `Idempotency-Key` is one job however often it comes, also when the job has long ended and the same
//! selection would make another one.

use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use twox_hash::XxHash64;

use super::error::ReplayError;
use super::jobs::{Replays, Started};

/// Requests of different keys seldom wait for each other.
const LOCKS: usize = 16;

/// One at a time of those that could be the same.
#[derive(Default)]
pub struct Asking([Mutex<()>; LOCKS]);

/// What tells a request: its key, and what stands in it.
pub fn asked(key: &str, body: &[u8]) -> String {
    format!("{key}/{}", hex::encode(&Sha256::digest(body)[..16]))
}

impl Replays {
    /// Does what a request asks for, unless the same request has been answered: then that answer is given again.
    pub async fn once(
        &self,
        tenant: &str,
        asked: &str,
        make: impl Future<Output = Result<Started, ReplayError>>,
    ) -> Result<Started, ReplayError> {
        let Some((key, _)) = asked.split_once('/') else { return make.await };
        let mut hasher = XxHash64::with_seed(0);
        (tenant, key).hash(&mut hasher);
        let _alone = self.asking.0[hasher.finish() as usize % LOCKS].lock().await;
        let Some((row, was)) = self.store.replay_asked(tenant, &format!("{key}/")).await? else { return make.await };
        if was != asked {
            return Err(ReplayError::UsedKey);
        }
        Ok(Started { row: self.row(tenant, &row).await?, again: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_by_its_key_and_by_what_stands_in_it() {
        assert_eq!(asked("k", b"{}"), asked("k", b"{}"));
        assert_ne!(asked("k", b"{}"), asked("k", b"{ }"));
        assert_ne!(asked("k", b"{}"), asked("l", b"{}"));
    }
}
