//! How a record stands in a segment: length, checksum, offset, bytes. A length of zero is unwritten space.

use bytes::Bytes;

/// Bytes before a record's own: length (u32), CRC-32 of offset and record (u32), offset (u64); little endian.
pub const HEAD: usize = 16;

pub fn put(buffer: &mut Vec<u8>, offset: u64, record: &[u8]) {
    // Lengths are checked at the door, far below 4 GiB.
    let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&checksum(offset, record).to_le_bytes());
    buffer.extend_from_slice(&offset.to_le_bytes());
    buffer.extend_from_slice(record);
}

fn checksum(offset: u64, record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&offset.to_le_bytes());
    hasher.update(record);
    hasher.finalize()
}

/// What stands at the start of `bytes`.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Record {
        offset: u64,
        record: Bytes,
        size: usize,
    },
    /// Unwritten space, or the end.
    Nothing,
    /// Neither.
    Damage,
}

pub fn look(bytes: &Bytes) -> Found {
    let Some(head) = bytes.get(..HEAD) else {
        return if bytes.iter().all(|b| *b == 0) { Found::Nothing } else { Found::Damage };
    };
    let number = |from: usize| u32::from_le_bytes([head[from], head[from + 1], head[from + 2], head[from + 3]]);
    let length = number(0) as usize;
    if length == 0 && head.iter().all(|b| *b == 0) {
        return Found::Nothing;
    }
    let offset = u64::from(number(8)) | u64::from(number(12)) << 32;
    match bytes.get(HEAD..HEAD + length) {
        Some(record) if length > 0 && checksum(offset, record) == number(4) => {
            Found::Record { offset, record: bytes.slice(HEAD..HEAD + length), size: HEAD + length }
        }
        _ => Found::Damage,
    }
}
