//! What the doors count, for `/metrics`. Labels come from fixed lists only, never from what was sent.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::pipeline::Taken;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    Events,
    DeadLetters,
    OtlpHttp,
    OtlpGrpc,
}

impl Door {
    const ALL: [Self; 4] = [Self::Events, Self::DeadLetters, Self::OtlpHttp, Self::OtlpGrpc];

    fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::DeadLetters => "dead_letters",
            Self::OtlpHttp => "otlp_http",
            Self::OtlpGrpc => "otlp_grpc",
        }
    }
}

#[derive(Default)]
pub struct Counters {
    /// By door and status: an HTTP status, or a gRPC code by name.
    answers: RwLock<BTreeMap<(Door, &'static str), AtomicU64>>,
    records: [Records; 4],
}

#[derive(Default)]
struct Records {
    bytes: AtomicU64,
    accepted: AtomicU64,
    duplicates: AtomicU64,
    refused: AtomicU64,
    unreadable: AtomicU64,
}

impl Counters {
    pub(super) fn answered(&self, door: Door, status: &'static str) {
        if let Some(count) = self.answers.read().get(&(door, status)) {
            count.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.answers.write().entry((door, status)).or_default().fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn taken(&self, door: Door, bytes: usize, taken: &Taken) {
        let of = &self.records[door as usize];
        let add = |counter: &AtomicU64, count: u64| counter.fetch_add(count, Ordering::Relaxed);
        add(&of.bytes, bytes as u64);
        add(&of.accepted, taken.accepted.into());
        add(&of.duplicates, taken.duplicates.into());
        add(&of.refused, taken.refusals.len() as u64);
        add(&of.unreadable, taken.unreadable.is_some().into());
    }

    /// Appends Prometheus text.
    pub fn render(&self, out: &mut String) {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        head(out, "milepost_receive_answers_total", "Answers given, by door and status.");
        for ((door, status), count) in self.answers.read().iter() {
            let (door, count) = (door.as_str(), get(count));
            let _ = writeln!(out, "milepost_receive_answers_total{{door=\"{door}\",status=\"{status}\"}} {count}");
        }
        head(out, "milepost_receive_bytes_total", "Bytes of payloads taken, after decompression.");
        for door in Door::ALL {
            let count = get(&self.records[door as usize].bytes);
            let _ = writeln!(out, "milepost_receive_bytes_total{{door=\"{}\"}} {count}", door.as_str());
        }
        head(out, "milepost_receive_records_total", "Records in payloads taken, by what became of them.");
        for door in Door::ALL {
            let of = &self.records[door as usize];
            let outcomes = [("accepted", &of.accepted), ("duplicate", &of.duplicates), ("refused", &of.refused)];
            for (outcome, count) in outcomes {
                let (door, count) = (door.as_str(), get(count));
                let _ =
                    writeln!(out, "milepost_receive_records_total{{door=\"{door}\",outcome=\"{outcome}\"}} {count}");
            }
        }
        head(out, "milepost_receive_unreadable_total", "Payloads kept of which nothing could be read.");
        for door in Door::ALL {
            let count = get(&self.records[door as usize].unreadable);
            let _ = writeln!(out, "milepost_receive_unreadable_total{{door=\"{}\"}} {count}", door.as_str());
        }
    }
}

fn head(out: &mut String, name: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter");
}
