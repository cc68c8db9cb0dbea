//! Reads a request's body from the network: no larger than allowed, no slower than allowed.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::room::Slot;
use super::settings::Settings;
use super::stop::Stop;

/// Room made before the first byte has come. What a sender announces is not trusted with more.
const FIRST_BYTES: usize = 64 << 10;

/// `announced` is the content length, if there is one; `framing` is what the protocol adds to the body itself.
pub(super) async fn read<S, E>(
    mut chunks: S,
    announced: Option<u64>,
    framing: usize,
    settings: &Settings,
    slot: &mut Slot,
) -> Result<Bytes, Stop>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let limit = settings.body_bytes;
    let announced = announced.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if announced.is_some_and(|bytes| bytes > limit + framing) {
        return Err(Stop::BodyTooLarge { limit });
    }
    let started = Instant::now();
    let mut body = BytesMut::with_capacity(announced.unwrap_or(0).min(FIRST_BYTES));
    loop {
        match timeout_at(started + allowance(settings, body.len()), chunks.next()).await {
            Err(_) => return Err(Stop::TooSlow),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Stop::Broken),
            Ok(Some(Ok(chunk))) if body.len() + chunk.len() > limit + framing => {
                return Err(Stop::BodyTooLarge { limit });
            }
            Ok(Some(Ok(chunk))) => {
                slot.grow(chunk.len())?;
                body.extend_from_slice(&chunk);
            }
        }
    }
    Ok(body.freeze())
}

/// How long after the start so many bytes may have taken.
fn allowance(settings: &Settings, received: usize) -> Duration {
    let grace = Duration::from_millis(settings.body_grace_ms);
    let received_ms = (received as u64).saturating_mul(1000) / settings.body_rate_bytes.max(1);
    grace + Duration::from_millis(received_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_its_grace_and_then_a_rate() {
        let settings = Settings::default();
        assert_eq!(allowance(&settings, 0), Duration::from_secs(5));
        assert_eq!(allowance(&settings, 10 << 10), Duration::from_secs(15));
    }
}
