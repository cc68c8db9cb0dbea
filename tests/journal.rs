//! What was acknowledged is there after any end: cut files, flipped bytes, full disks, killed processes.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use milepost::journal::{Journal, JournalError, Recovery, Segments, Settings};
use proptest::prelude::*;

fn settings(dir: &Path, segment_bytes: u64) -> Settings {
    Settings { dir: dir.to_owned(), segment_bytes, ..Settings::default() }
}

fn record(number: u64) -> Bytes {
    let length = usize::try_from(number * 37 % 900).unwrap();
    [format!("record {number} ").into_bytes(), vec![b'x'; length]].concat().into()
}

async fn append(journal: &Segments, numbers: std::ops::Range<u64>) {
    let tickets: Vec<_> = numbers.map(|n| journal.submit(record(n)).unwrap()).collect();
    for ticket in tickets {
        ticket.await.unwrap();
    }
}

fn all(journal: &Segments) -> BTreeMap<u64, Bytes> {
    let mut found = BTreeMap::new();
    let mut next = 0;
    loop {
        let page = journal.read(next, 2_000).unwrap();
        let Some((last, _)) = page.last() else { return found };
        next = last + 1;
        found.extend(page);
    }
}

fn open(dir: &Path) -> (Segments, Recovery) {
    Segments::open(settings(dir, 20_000), 0).unwrap()
}

#[tokio::test]
async fn everything_acknowledged_is_read_again_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3_u64 {
        let (journal, recovery) = open(dir.path());
        assert_eq!((recovery.records, recovery.torn_bytes, recovery.is_damaged()), (round * 100, 0, false));
        append(&journal, round * 100..round * 100 + 100).await;
        let expected: BTreeMap<u64, Bytes> = (0..round * 100 + 100).map(|n| (n, record(n))).collect();
        assert_eq!(all(&journal), expected);
    }
}

#[tokio::test]
async fn released_segments_go_and_offsets_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path());
    for part in 0..4 {
        append(&journal, part * 50..part * 50 + 50).await;
    }
    let before = journal.bytes();
    journal.release(150).unwrap();
    assert!(journal.bytes() < before);
    assert!(all(&journal).contains_key(&150));
    drop(journal);
    let (journal, _) = open(dir.path());
    assert_eq!(journal.submit(record(1)).unwrap().offset(), 200);
    drop(journal);
    let (journal, _) = Segments::open(settings(dir.path(), 20_000), 1_000).unwrap();
    assert_eq!(journal.submit(record(1)).unwrap().offset(), 1_000);
}

#[tokio::test]
async fn a_journal_at_its_limit_says_full_and_takes_on_after_a_release() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Settings { max_bytes: 40_000, ..settings(dir.path(), 10_000) };
    let (journal, _) = Segments::open(limits, 0).unwrap();
    let mut taken = 0;
    let full = loop {
        match journal.submit(record(taken)) {
            Ok(ticket) => ticket.await.unwrap(),
            Err(error) => break error,
        }
        taken += 1;
    };
    assert!(matches!(full, JournalError::Full) && taken > 10, "{full}");
    journal.release(taken).unwrap();
    journal.submit(record(0)).unwrap().await.unwrap();
}

#[tokio::test]
async fn a_full_disk_says_full_loses_nothing_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let mount =
        std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(dir.path()).output();
    if !mount.is_ok_and(|m| m.status.success()) {
        eprintln!("cannot mount a small disk here: skipped");
        return;
    }
    let hog = dir.path().join("hog");
    let (journal, _) = Segments::open(settings(dir.path(), 64_000), 0).unwrap();
    let mut good = Vec::new();
    append(&journal, 0..20).await;
    good.extend(0..20);
    fs::write(&hog, vec![1; 900_000]).unwrap_or_default();
    let mut refused = 0;
    for number in 20..2_000 {
        let ticket = journal.submit(record(number)).unwrap();
        let offset = ticket.offset();
        match ticket.await {
            Ok(()) => good.push(offset),
            Err(JournalError::Full) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        if refused == 5 {
            break;
        }
    }
    assert_eq!(refused, 5);
    fs::remove_file(&hog).unwrap();
    let ticket = journal.submit(record(7)).unwrap();
    good.push(ticket.offset());
    ticket.await.unwrap();
    assert_eq!(all(&journal).into_keys().collect::<Vec<_>>(), good);
    drop(journal);
    let (journal, recovery) = Segments::open(settings(dir.path(), 64_000), 0).unwrap();
    assert_eq!((all(&journal).into_keys().collect::<Vec<_>>(), recovery.is_damaged()), (good, false));
    drop(journal);
    std::process::Command::new("umount").arg("-l").arg(dir.path()).status().unwrap();
}

fn written() -> (tempfile::TempDir, Vec<std::path::PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let (journal, _) = open(dir.path());
        append(&journal, 0..60).await;
    });
    let mut files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    (dir, files)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// One flipped byte costs the record that it is in, and no other.
    #[test]
    fn a_flipped_byte_costs_one_record_at_most(place in 0..40_000_usize, flip in 1..=255_u8) {
        let (dir, files) = written();
        let mut left = place;
        for file in &files {
            let mut bytes = fs::read(file).unwrap();
            if left < bytes.len() {
                bytes[left] ^= flip;
                fs::write(file, bytes).unwrap();
                break;
            }
            left -= bytes.len();
        }
        let (journal, _) = open(dir.path());
        let found = all(&journal);
        prop_assert!(found.len() >= 59, "{} left", found.len());
        for (offset, bytes) in found {
            prop_assert_eq!(bytes, record(offset));
        }
    }

    /// A file cut anywhere loses the records behind the cut, and no other; writing goes on.
    #[test]
    fn a_cut_loses_only_what_was_behind_it(cut in 0..30_000_u64) {
        let (dir, files) = written();
        let last = files.last().unwrap();
        let length = fs::metadata(last).unwrap().len();
        fs::OpenOptions::new().write(true).open(last).unwrap().set_len(cut.min(length)).unwrap();
        let (journal, recovery) = open(dir.path());
        let found = all(&journal);
        prop_assert!(!recovery.is_damaged());
        prop_assert_eq!(found.keys().copied().collect::<Vec<_>>(), (0..found.len() as u64).collect::<Vec<_>>());
        let ticket = journal.submit(record(5)).unwrap();
        prop_assert_eq!(ticket.offset(), found.len() as u64);
    }
}
