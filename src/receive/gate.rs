//! What every door does with a request: who is it, is there room, then hand the payload to the pipeline.

use std::time::Instant;

use bytes::Bytes;

use super::counters::Door;
use super::media::Packing;
use super::patience::spread;
use super::room::Slot;
use super::stop::Stop;
use super::unpack::{Unpacked, unpack};
use super::{Doors, body};
use crate::access::{Grant, Key};
use crate::pipeline::{Arrival, Form, Pressure, Taken};

/// For what is likely over in a moment: a full house, a restart. SDKs give up after 10 s, so they must hear it in time.
const SOON_S: u64 = 1;

/// Somebody who may send, and the room that the request takes.
pub(super) struct Pass {
    pub(super) key: Key,
    pub(super) source: String,
    pub(super) slot: Slot,
}

/// A body on its way to the pipeline.
pub(super) struct Parcel {
    pub(super) pass: Pass,
    pub(super) form: Form,
    pub(super) body: Bytes,
}

impl Doors {
    /// `authorization` holds the values of that header; more than one is as good as none.
    pub(super) fn admit<'a>(&self, mut authorization: impl Iterator<Item = &'a [u8]>) -> Result<Pass, Stop> {
        let (Some(value), None) = (authorization.next(), authorization.next()) else { return Err(Stop::NoKey) };
        let text = std::str::from_utf8(value).map_err(|_| Stop::NoKey)?;
        let (scheme, bearer) = text.trim().split_once(' ').ok_or(Stop::NoKey)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Stop::NoKey);
        }
        let key = self.keys.verify(bearer.trim()).ok_or(Stop::UnknownKey)?;
        let Grant::Send { source } = key.grant.clone() else { return Err(Stop::ReadKey) };
        self.rates.check(&key.id, Instant::now())?;
        Ok(Pass { key, source, slot: self.room.enter()? })
    }

    /// Unpacks a body. One that cannot be unpacked goes on as it is, so that it is kept and shown, not lost.
    pub(super) async fn open(&self, pass: Pass, form: Form, packing: Packing, packed: Bytes) -> Result<Parcel, Stop> {
        let Pass { key, source, slot } = pass;
        let (slot, unpacked) = unpack(packing, packed, &self.settings, slot).await;
        let pass = Pass { key, source, slot };
        Ok(match unpacked? {
            Unpacked::Whole(body) => Parcel { pass, form, body },
            Unpacked::Damaged(body) => Parcel { pass, form: Form::Packed, body },
        })
    }

    /// Returns when the payload is on disk.
    pub(super) async fn hand_over(
        &self,
        door: Door,
        parcel: Parcel,
        headers: Vec<(String, String)>,
    ) -> Result<Taken, Stop> {
        let Parcel { pass, form, body } = parcel;
        let bytes = body.len();
        let tenant = pass.key.tenant.clone();
        let arrival =
            Arrival { tenant, key_id: pass.key.id.clone(), source: pass.source, form, headers, body, ruling: None };
        let taken = self.intake.take(arrival).await?;
        self.patience.relieved();
        let records = taken.accepted.saturating_add(taken.duplicates);
        let records = records.saturating_add(u32::try_from(taken.refusals.len()).unwrap_or(u32::MAX));
        self.rates.charge(&pass.key.id, records.max(1), Instant::now());
        self.counters.taken(door, bytes, &taken);
        Ok(taken)
    }

    pub(super) async fn read_body<S, E>(
        &self,
        chunks: S,
        announced: Option<u64>,
        framing: usize,
        pass: &mut Pass,
    ) -> Result<Bytes, Stop>
    where
        S: futures_util::Stream<Item = Result<Bytes, E>> + Unpin,
    {
        body::read(chunks, announced, framing, &self.settings, &mut pass.slot).await
    }

    /// Seconds to wait, for those stops after which a sender is to come back.
    pub(super) fn retry_after_s(&self, stop: &Stop) -> Option<u64> {
        match stop {
            Stop::Rate { wait_s } => Some(spread(*wait_s)),
            Stop::Busy | Stop::Pressure(Pressure::Closed) => Some(self.patience.wait_s(SOON_S)),
            Stop::Pressure(_) | Stop::Fault => Some(self.patience.wait_s(self.settings.retry_after_s)),
            Stop::TooSlow => Some(spread(self.settings.retry_after_s)),
            Stop::InWork => Some(1),
            _ => None,
        }
    }
}

/// Does the work to its end even if the sender hangs up: a payload is taken whole or not at all, and never half answered.
/// A panic in it is a fault of ours, so the sender keeps its data and comes back.
pub(super) async fn apart<T: Send + 'static>(
    work: impl Future<Output = Result<T, Stop>> + Send + 'static,
) -> Result<T, Stop> {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) => {
            tracing::error!(%error, "a payload could not be taken");
            Err(Stop::Fault)
        }
    }
}
