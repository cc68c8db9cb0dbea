//! Decompresses a body in steps, so that a small bomb never becomes a large one: size and ratio are judged while it grows.
//! The web framework's own decompression is not used on these paths, since it knows no ratio.

use std::io::{self, Read};

use bytes::Bytes;

use super::media::Packing;
use super::room::Slot;
use super::settings::Settings;
use super::stop::Stop;

/// Above this size the work is done off the connection's thread.
const ASIDE_BYTES: usize = 32 << 10;
const STEP_BYTES: usize = 32 << 10;
/// Largest zstd window, 8 MiB, as RFC 9659 asks.
const ZSTD_WINDOW_LOG: u32 = 23;

#[derive(Debug)]
pub(super) enum Unpacked {
    Whole(Bytes),
    /// Cut off, damaged, or not what it says it is.
    Damaged(Bytes),
}

#[derive(Clone, Copy)]
struct Limits {
    bytes: usize,
    ratio: usize,
    free_bytes: usize,
}

pub(super) async fn unpack(
    packing: Packing,
    packed: Bytes,
    settings: &Settings,
    mut slot: Slot,
) -> (Slot, Result<Unpacked, Stop>) {
    let limits =
        Limits { bytes: settings.unpacked_bytes, ratio: settings.unpack_ratio, free_bytes: settings.unpack_free_bytes };
    if packing == Packing::Plain || packed.is_empty() {
        return (slot, Ok(Unpacked::Whole(packed)));
    }
    if packed.len() <= ASIDE_BYTES {
        let result = step_by_step(packing, packed, limits, &mut slot);
        return (slot, result);
    }
    let room = slot.room();
    let work = move || {
        let result = step_by_step(packing, packed, limits, &mut slot);
        (slot, result)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => (room.enter_anyway(), Err(Stop::Fault)),
    }
}

fn step_by_step(packing: Packing, packed: Bytes, limits: Limits, slot: &mut Slot) -> Result<Unpacked, Stop> {
    let unpacked = match packing {
        Packing::Plain => return Ok(Unpacked::Whole(packed)),
        Packing::Gzip => {
            let reader = flate2::bufread::MultiGzDecoder::new(&packed[..]);
            pour(reader, |reader| reader.get_ref().len(), packed.len(), limits, slot)?
        }
        Packing::Zstd => match zstd_reader(&packed) {
            Ok(reader) => pour(reader, |reader| reader.get_ref().len(), packed.len(), limits, slot)?,
            Err(_) => None,
        },
    };
    Ok(match unpacked {
        Some(whole) => {
            slot.shrink(packed.len());
            Unpacked::Whole(Bytes::from(whole))
        }
        None => Unpacked::Damaged(packed),
    })
}

fn zstd_reader(packed: &[u8]) -> io::Result<zstd::stream::read::Decoder<'static, &[u8]>> {
    let mut reader = zstd::stream::read::Decoder::with_buffer(packed)?;
    reader.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(reader)
}

/// `left` tells how much of the packed bytes is not used yet: the ratio is taken from what was used.
/// `None` when the stream is damaged.
fn pour<R: Read>(
    mut reader: R,
    left: impl Fn(&R) -> usize,
    packed: usize,
    limits: Limits,
    slot: &mut Slot,
) -> Result<Option<Vec<u8>>, Stop> {
    let mut out = Vec::with_capacity(packed.saturating_mul(2).min(limits.free_bytes));
    let mut step = [0; STEP_BYTES];
    loop {
        let count = match reader.read(&mut step) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => {
                slot.shrink(out.len());
                return Ok(None);
            }
        };
        let size = out.len() + count;
        if size > limits.bytes {
            return Err(Stop::UnpackedTooLarge { limit: limits.bytes });
        }
        let used = packed - left(&reader);
        if size > limits.free_bytes && size > used.saturating_mul(limits.ratio) {
            return Err(Stop::RatioTooHigh { limit: limits.ratio });
        }
        slot.grow(count)?;
        out.extend_from_slice(&step[..count]);
    }
    Ok(Some(out))
}

#[cfg(test)]
mod tests;
