//! The segments on disk: which there are, how far each is written, and where a record stands. Recovery reads them
//! all; reading for the pipeline begins at the nearest known place.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::record::{Found, HEAD, look};
use super::{Recovery, Settings};

/// Bytes between two known places in a segment.
const STRIDE: u64 = 64 << 10;
/// How far behind the last offset a record may claim to be when the place after damage is searched.
const NEAR: u64 = 1 << 24;

/// All segments, oldest first. The last one is being written.
pub struct Catalogue {
    segments: Mutex<Vec<Segment>>,
}

#[derive(Clone)]
pub struct Segment {
    pub path: PathBuf,
    pub file: Arc<File>,
    /// Offset after its last record.
    pub end: u64,
    /// Bytes of durable records.
    pub size: u64,
    /// `(offset, position)` of some records, in order.
    places: Vec<(u64, u64)>,
}

pub struct Recovered {
    pub catalogue: Catalogue,
    pub next: u64,
    pub recovery: Recovery,
}

impl Segment {
    pub fn create(dir: &Path, first: u64) -> io::Result<Self> {
        let path = dir.join(format!("{first:020}.seg"));
        let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&path)?;
        File::open(dir)?.sync_all()?;
        Ok(Self { path, file: Arc::new(file), end: first, size: 0, places: Vec::new() })
    }

    /// Notes durable records, each with its size.
    pub fn grow(&mut self, records: impl IntoIterator<Item = (u64, u64)>) {
        for (offset, size) in records {
            if self.places.last().is_none_or(|(_, at)| self.size - at >= STRIDE) {
                self.places.push((offset, self.size));
            }
            self.size += size;
            self.end = offset + 1;
        }
    }

    fn recover(path: PathBuf, first: u64, is_last: bool, recovery: &mut Recovery) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let bytes = Bytes::from(fs::read(&path)?);
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let mut segment = Self { path, file: Arc::new(file), end: first, size: 0, places: Vec::new() };
        let mut at = 0_usize;
        loop {
            match look(&bytes.slice(at..)) {
                Found::Record { offset, size, .. } => {
                    if segment.size != at as u64 {
                        // Behind damage: readers must find this place.
                        segment.places.push((offset, at as u64));
                        segment.size = at as u64;
                    }
                    segment.grow([(offset, size as u64)]);
                    recovery.records += 1;
                    at += size;
                }
                Found::Nothing if bytes[at..].iter().all(|b| *b == 0) => break,
                _ => match next_record(&bytes, at + 1, segment.end) {
                    Some(found) => {
                        recovery.damaged.push((name.clone(), at as u64, (found - at) as u64));
                        at = found;
                    }
                    None if is_last => {
                        let written = bytes.iter().rposition(|b| *b != 0).map_or(at, |last| last + 1);
                        recovery.torn_bytes += (written - at) as u64;
                        break;
                    }
                    None => {
                        recovery.damaged.push((name.clone(), at as u64, (bytes.len() - at) as u64));
                        break;
                    }
                },
            }
        }
        // What follows is torn or unwritten. A new segment is begun in any case, so this one ends here.
        segment.file.set_len(segment.size)?;
        segment.file.sync_all()?;
        Ok(segment)
    }

    fn read(&self, from: u64, max_bytes: usize, out: &mut Vec<(u64, Bytes)>, taken: &mut usize) -> io::Result<()> {
        let start = self.places.partition_point(|(offset, _)| *offset <= from).saturating_sub(1);
        let mut at = self.places.get(start).map_or(0, |(_, position)| *position);
        while at < self.size && (out.is_empty() || *taken < max_bytes) {
            let piece = self.piece(at, STRIDE)?;
            let mut inside = 0_usize;
            while inside < piece.len() {
                match look(&piece.slice(inside..)) {
                    Found::Record { offset, record, size } => {
                        inside += size;
                        if offset >= from {
                            *taken += record.len();
                            out.push((offset, record));
                            if *taken >= max_bytes {
                                return Ok(());
                            }
                        }
                    }
                    // The piece may end inside a record; alone it is read whole.
                    _ if inside > 0 => break,
                    _ => match self.whole(at)? {
                        Some((offset, record)) => {
                            inside = HEAD + record.len();
                            if offset >= from {
                                *taken += record.len();
                                out.push((offset, record));
                            }
                            break;
                        }
                        // Damage that recovery has reported: go on behind it.
                        None => match self.places.iter().find(|(_, position)| *position > at) {
                            Some((_, position)) => {
                                inside = usize::try_from(position - at).unwrap_or(usize::MAX);
                                break;
                            }
                            None => return Ok(()),
                        },
                    },
                }
            }
            at += inside as u64;
        }
        Ok(())
    }

    fn piece(&self, at: u64, size: u64) -> io::Result<Bytes> {
        let size = size.min(self.size - at);
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes.into())
    }

    fn whole(&self, at: u64) -> io::Result<Option<(u64, Bytes)>> {
        let head = self.piece(at, HEAD as u64)?;
        let Some(length) = head.get(..4) else { return Ok(None) };
        let length = u64::from(u32::from_le_bytes([length[0], length[1], length[2], length[3]]));
        if at + HEAD as u64 + length > self.size {
            return Ok(None);
        }
        match look(&self.piece(at, HEAD as u64 + length)?) {
            Found::Record { offset, record, .. } => Ok(Some((offset, record))),
            _ => Ok(None),
        }
    }
}

/// The first place from `at` on where a whole record stands that can follow `after`.
fn next_record(bytes: &Bytes, at: usize, after: u64) -> Option<usize> {
    (at..bytes.len().saturating_sub(HEAD)).find(|place| {
        let claim: [u8; 8] = bytes[place + 8..place + HEAD].try_into().unwrap_or_default();
        let offset = u64::from_le_bytes(claim);
        (after..after.saturating_add(NEAR)).contains(&offset)
            && matches!(look(&bytes.slice(*place..)), Found::Record { .. })
    })
}

impl Catalogue {
    pub fn recover(settings: &Settings) -> io::Result<Recovered> {
        let mut files: Vec<(u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&settings.dir)? {
            let path = entry?.path();
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if let Some(first) = name.strip_suffix(".seg").and_then(|n| n.parse().ok()) {
                files.push((first, path));
            }
        }
        files.sort();
        let mut recovery = Recovery::default();
        let mut segments = Vec::new();
        let count = files.len();
        let mut next = 0;
        for (position, (first, path)) in files.into_iter().enumerate() {
            let segment = Segment::recover(path, first, position + 1 == count, &mut recovery)?;
            next = segment.end.max(next);
            segments.push(segment);
        }
        Ok(Recovered { catalogue: Self { segments: Mutex::new(segments) }, next, recovery })
    }

    /// The segment that is being written is the last.
    pub fn begin(&self, segment: Segment) {
        self.segments.lock().push(segment);
    }

    /// Notes what became durable in the last segment.
    pub fn grow(&self, records: impl IntoIterator<Item = (u64, u64)>) {
        if let Some(last) = self.segments.lock().last_mut() {
            last.grow(records);
        }
    }

    pub fn bytes(&self) -> u64 {
        self.segments.lock().iter().map(|s| s.size).sum()
    }

    pub fn read(&self, from: u64, max_bytes: usize) -> io::Result<Vec<(u64, Bytes)>> {
        // Copies of the few that are asked for, so that the writer does not wait while we read.
        let segments: Vec<Segment> = self.segments.lock().iter().filter(|s| s.end > from).take(2).cloned().collect();
        let mut out = Vec::new();
        let mut taken = 0;
        for segment in segments {
            if !out.is_empty() && taken >= max_bytes {
                break;
            }
            segment.read(from, max_bytes, &mut out, &mut taken)?;
        }
        Ok(out)
    }

    pub fn release(&self, below: u64) -> io::Result<()> {
        let mut segments = self.segments.lock();
        while segments.len() > 1 && segments[0].end <= below {
            let gone = segments.remove(0);
            fs::remove_file(&gone.path)?;
        }
        Ok(())
    }
}
