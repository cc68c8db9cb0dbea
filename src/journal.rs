//! Keep: the append-only, checksummed, fsynced log of everything taken in. An acknowledgement means: written here.
//! What a record holds is `pipeline`'s business.

mod record;
mod segment;
mod writer;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};

use self::segment::{Catalogue, Recovered};
use self::writer::{Entry, Writer};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Folder of the segments.
    pub dir: PathBuf,
    /// Size at which a segment is closed and the next one begun.
    pub segment_bytes: u64,
    /// Bytes that the journal may take on disk; beyond them senders are asked to wait.
    pub max_bytes: u64,
    /// Largest record.
    pub record_bytes: u64,
    /// How long the writer waits for more records before it syncs, in microseconds; 0 for not at all.
    pub gather_us: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("data/journal"),
            segment_bytes: 128 << 20,
            max_bytes: 32 << 30,
            record_bytes: 80 << 20,
            gather_us: 0,
        }
    }
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk is full, or the journal has reached `max_bytes`.
    #[error("the journal is full")]
    Full,
    #[error("a record of {0} bytes is larger than the journal takes")]
    TooLarge(usize),
    /// The disk said no. Nothing of the batch counts as written.
    #[error("the journal cannot be written: {0}")]
    Failed(Arc<io::Error>),
    #[error("the journal is closed")]
    Closed,
}

/// The journal as the rest of the house sees it. Offsets grow with the order of submission; one that failed is a gap.
pub trait Journal: Send + Sync {
    /// Gives a record its place. Does not wait for the disk: the ticket does.
    fn submit(&self, record: Bytes) -> Result<Ticket, JournalError>;
    /// Durable records from an offset on: at least one if there is any, then as many as fit into `max_bytes`.
    fn read(&self, from: u64, max_bytes: usize) -> Result<Vec<(u64, Bytes)>, JournalError>;
    /// Everything below is settled: on disk, or failed.
    fn durable(&self) -> watch::Receiver<u64>;
    /// Segments that hold only records below may go.
    fn release(&self, below: u64) -> io::Result<()>;
    /// Bytes on disk.
    fn bytes(&self) -> u64;
    /// Writes what was submitted and takes no more.
    fn close(&self);
}

/// Resolves when its record is on disk, or will never be.
pub struct Ticket {
    offset: u64,
    written: oneshot::Receiver<Result<(), JournalError>>,
}

impl Ticket {
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

impl Future for Ticket {
    type Output = Result<(), JournalError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.written).poll(context).map(|told| told.unwrap_or(Err(JournalError::Closed)))
    }
}

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    pub records: u64,
    /// Bytes of a record that was being written when the process or the machine stopped; it was never acknowledged.
    pub torn_bytes: u64,
    /// Damage in the middle: file, first byte, number of bytes.
    pub damaged: Vec<(String, u64, u64)>,
}

impl Recovery {
    pub fn is_damaged(&self) -> bool {
        !self.damaged.is_empty()
    }
}

/// A journal of segment files with one writer thread.
pub struct Segments {
    settings: Settings,
    door: Mutex<Door>,
    catalogue: Arc<Catalogue>,
    durable: watch::Receiver<u64>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

struct Door {
    next: u64,
    queue: Option<std::sync::mpsc::Sender<Entry>>,
}

impl Segments {
    /// Opens the journal and repairs what a crash left. Offsets begin at `from` or after the last record found.
    pub fn open(settings: Settings, from: u64) -> Result<(Self, Recovery), JournalError> {
        let failed = |error: io::Error| JournalError::Failed(Arc::new(error));
        std::fs::create_dir_all(&settings.dir).map_err(failed)?;
        let Recovered { catalogue, next, recovery } = Catalogue::recover(&settings).map_err(failed)?;
        let next = next.max(from);
        let catalogue = Arc::new(catalogue);
        let (told, durable) = watch::channel(next);
        let (queue, entries) = std::sync::mpsc::channel();
        let writer = Writer::new(settings.clone(), Arc::clone(&catalogue), told, next).map_err(failed)?;
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run(&entries))
            .map_err(failed)?;
        let door = Mutex::new(Door { next, queue: Some(queue) });
        Ok((Self { settings, door, catalogue, durable, thread: Mutex::new(Some(thread)) }, recovery))
    }
}

impl Journal for Segments {
    fn submit(&self, record: Bytes) -> Result<Ticket, JournalError> {
        if record.len() as u64 > self.settings.record_bytes {
            return Err(JournalError::TooLarge(record.len()));
        }
        if self.catalogue.bytes() + record.len() as u64 > self.settings.max_bytes {
            return Err(JournalError::Full);
        }
        let (told, written) = oneshot::channel();
        let mut door = self.door.lock();
        let offset = door.next;
        let queue = door.queue.as_ref().ok_or(JournalError::Closed)?;
        queue.send(Entry { offset, record, told }).map_err(|_| JournalError::Closed)?;
        door.next += 1;
        Ok(Ticket { offset, written })
    }

    fn read(&self, from: u64, max_bytes: usize) -> Result<Vec<(u64, Bytes)>, JournalError> {
        self.catalogue.read(from, max_bytes).map_err(|error| JournalError::Failed(Arc::new(error)))
    }

    fn durable(&self) -> watch::Receiver<u64> {
        self.durable.clone()
    }

    fn release(&self, below: u64) -> io::Result<()> {
        self.catalogue.release(below)
    }

    fn bytes(&self) -> u64 {
        self.catalogue.bytes()
    }

    fn close(&self) {
        self.door.lock().queue = None;
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the journal's writer panicked");
        }
    }
}

impl Drop for Segments {
    fn drop(&mut self) {
        self.close();
    }
}
