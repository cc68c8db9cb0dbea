//! What comes out of good, damaged and hostile packings.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;
use crate::receive::room::Room;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::encode_all(data, 3).expect("memory")
}

fn check(packing: Packing, packed: &[u8]) -> Result<Unpacked, Stop> {
    let limits = Limits { bytes: 8 << 20, ratio: 100, free_bytes: 1 << 20 };
    let room = Arc::new(Room::new(1, 64 << 20));
    let mut slot = room.enter().expect("empty");
    slot.grow(packed.len()).expect("fits");
    let result = step_by_step(packing, Bytes::copy_from_slice(packed), limits, &mut slot);
    drop(slot);
    assert_eq!(room.held_bytes(), 0, "all room is given back");
    result
}

fn whole(packing: Packing, packed: &[u8]) -> Vec<u8> {
    match check(packing, packed) {
        Ok(Unpacked::Whole(bytes)) => bytes.to_vec(),
        other => panic!("{packing:?}: {other:?}"),
    }
}

fn damaged(packing: Packing, packed: &[u8]) {
    match check(packing, packed) {
        Ok(Unpacked::Damaged(bytes)) => assert_eq!(&bytes[..], packed, "kept as sent"),
        other => panic!("{packing:?} {packed:02x?}: {other:?}"),
    }
}

#[test]
fn several_members_are_one_body() {
    assert_eq!(whole(Packing::Gzip, &[gzip(b"ab"), gzip(b"cd")].concat()), b"abcd");
    assert_eq!(whole(Packing::Zstd, &[zstd(b"ab"), zstd(b"cd")].concat()), b"abcd");
}

#[test]
fn damaged_packings_are_told_and_kept() {
    let text = b"{\"order\":\"SO-1\"}".repeat(50);
    for (packing, packed) in [(Packing::Gzip, gzip(&text)), (Packing::Zstd, zstd(&text))] {
        damaged(packing, &packed[..packed.len() - 3]);
        damaged(packing, &[&packed[..], b"garbage"].concat());
        damaged(packing, &text);
    }
    let mut wrong_sum = gzip(&text);
    let at = wrong_sum.len() - 8;
    wrong_sum[at] ^= 1;
    damaged(Packing::Gzip, &wrong_sum);
}

#[test]
fn bombs_stop_while_they_grow() {
    let zeros = vec![0; 64 << 20];
    assert_eq!(check(Packing::Gzip, &gzip(&zeros)).err(), Some(Stop::RatioTooHigh { limit: 100 }));
    assert_eq!(check(Packing::Zstd, &zstd(&zeros)).err(), Some(Stop::RatioTooHigh { limit: 100 }));
    let members = gzip(&vec![b'x'; 1 << 20]).repeat(20);
    assert_eq!(check(Packing::Gzip, &members).err(), Some(Stop::RatioTooHigh { limit: 100 }));
    let noise: Vec<u8> = (0..9_u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_eq!(check(Packing::Gzip, &gzip(&noise)).err(), Some(Stop::UnpackedTooLarge { limit: 8 << 20 }));
}

proptest! {
    #[test]
    fn what_was_packed_comes_out(data in prop::collection::vec(any::<u8>(), 0..5_000)) {
        prop_assert_eq!(whole(Packing::Gzip, &gzip(&data)), data.clone());
        prop_assert_eq!(whole(Packing::Zstd, &zstd(&data)), data);
    }

    #[test]
    fn any_bytes_end_in_an_answer(data in prop::collection::vec(any::<u8>(), 0..500)) {
        let _ = check(Packing::Gzip, &data);
        let _ = check(Packing::Zstd, &data);
        let _ = check(Packing::Gzip, &[&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], &data[..]].concat());
        let _ = check(Packing::Zstd, &[&[0x28, 0xb5, 0x2f, 0xfd], &data[..]].concat());
    }
}
