//! The one thread that writes. Takes everything that waits, writes it in one piece, syncs once, and tells all.
//! Space is zeroed ahead, so that a sync changes data only and no metadata.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::record::put;
use super::segment::{Catalogue, Segment};
use super::{JournalError, Settings};

/// Space zeroed at a time.
const AHEAD: u64 = 8 << 20;
/// Bytes written with one sync at most.
const BATCH_BYTES: usize = 32 << 20;

/// One record on its way to the disk.
pub struct Entry {
    pub offset: u64,
    pub record: Bytes,
    pub told: oneshot::Sender<Result<(), JournalError>>,
}

pub struct Writer {
    settings: Settings,
    catalogue: Arc<Catalogue>,
    durable: watch::Sender<u64>,
    file: Arc<std::fs::File>,
    /// Where the next record goes, and how far space is zeroed.
    at: u64,
    zeroed: u64,
    /// The next batch begins a new segment.
    worn: bool,
    /// After trouble nothing of what is in the file behind `at` counts; it is cut off before anything is written again.
    untidy: bool,
    buffer: Vec<u8>,
}

impl Writer {
    pub fn new(
        settings: Settings,
        catalogue: Arc<Catalogue>,
        durable: watch::Sender<u64>,
        next: u64,
    ) -> io::Result<Self> {
        let segment = Segment::create(&settings.dir, next)?;
        let file = Arc::clone(&segment.file);
        catalogue.begin(segment);
        Ok(Self {
            settings,
            catalogue,
            durable,
            file,
            at: 0,
            zeroed: 0,
            worn: false,
            untidy: false,
            buffer: Vec::new(),
        })
    }

    /// Runs until the queue is closed and empty.
    pub fn run(mut self, queue: &Receiver<Entry>) {
        while let Ok(first) = queue.recv() {
            if self.settings.gather_us > 0 {
                std::thread::sleep(Duration::from_micros(self.settings.gather_us));
            }
            let mut bytes = first.record.len();
            let mut batch = vec![first];
            while bytes < BATCH_BYTES
                && let Ok(entry) = queue.try_recv()
            {
                bytes += entry.record.len();
                batch.push(entry);
            }
            let end = batch.last().map_or(0, |e| e.offset + 1);
            let outcome = self.write(&batch);
            if let Err(error) = &outcome {
                tracing::error!(%error, records = batch.len(), "the journal could not be written");
            }
            let _ = self.durable.send(end);
            for entry in batch {
                // A sender that has gone away does not need to know.
                let _ = entry.told.send(outcome.clone());
            }
        }
    }

    fn write(&mut self, batch: &[Entry]) -> Result<(), JournalError> {
        self.tidy(batch[0].offset).map_err(|e| told(&e))?;
        self.buffer.clear();
        for entry in batch {
            put(&mut self.buffer, entry.offset, &entry.record);
        }
        let end = self.at + self.buffer.len() as u64;
        if let Err(error) = self.zero(end).and_then(|()| self.file.write_all_at(&self.buffer, self.at)) {
            self.untidy = true;
            return Err(told(&error));
        }
        if let Err(error) = self.file.sync_data() {
            // What the disk holds now is unknown, and asking again would be told a lie: this segment is done.
            self.untidy = true;
            self.worn = true;
            return Err(told(&error));
        }
        self.at = end;
        self.worn = self.at >= self.settings.segment_bytes;
        let sizes = batch.iter().map(|e| (e.offset, (super::record::HEAD + e.record.len()) as u64));
        self.catalogue.grow(sizes);
        if self.buffer.capacity() > BATCH_BYTES / 4 {
            self.buffer = Vec::new();
        }
        Ok(())
    }

    /// Cuts off what a failed batch left, and begins a new segment when this one is full or not to be trusted.
    fn tidy(&mut self, first: u64) -> io::Result<()> {
        if self.untidy {
            self.file.set_len(self.at)?;
            self.zeroed = self.at;
            self.untidy = false;
        }
        if self.worn {
            self.file.set_len(self.at)?;
            let segment = Segment::create(&self.settings.dir, first)?;
            self.file = Arc::clone(&segment.file);
            self.catalogue.begin(segment);
            (self.at, self.zeroed, self.worn) = (0, 0, false);
        }
        Ok(())
    }

    fn zero(&mut self, needed: u64) -> io::Result<()> {
        static ZEROES: [u8; 1 << 16] = [0; 1 << 16];
        if needed <= self.zeroed {
            return Ok(());
        }
        let target = needed.next_multiple_of(AHEAD.min(self.settings.segment_bytes.max(1)));
        while self.zeroed < target {
            let step = usize::try_from(target - self.zeroed).unwrap_or(usize::MAX).min(ZEROES.len());
            self.file.write_all_at(&ZEROES[..step], self.zeroed)?;
            self.zeroed += step as u64;
        }
        self.file.sync_all()
    }
}

fn told(error: &io::Error) -> JournalError {
    if error.kind() == io::ErrorKind::StorageFull || error.kind() == io::ErrorKind::QuotaExceeded {
        JournalError::Full
    } else {
        JournalError::Failed(Arc::new(io::Error::new(error.kind(), error.to_string())))
    }
}
