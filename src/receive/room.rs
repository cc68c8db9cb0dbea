//! How many requests and how many bytes of bodies are in work at once, over all doors.
//! This is what keeps memory bounded under any load: who finds no room is asked to come back.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::stop::Stop;

pub(super) struct Room {
    requests: AtomicUsize,
    bytes: AtomicUsize,
    most_requests: usize,
    most_bytes: usize,
}

/// One request's part of the room, given back when dropped.
pub(super) struct Slot {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    pub(super) fn new(most_requests: usize, most_bytes: usize) -> Self {
        Self { requests: AtomicUsize::new(0), bytes: AtomicUsize::new(0), most_requests, most_bytes }
    }

    pub(super) fn enter(self: &Arc<Self>) -> Result<Slot, Stop> {
        match take(&self.requests, 1, self.most_requests) {
            true => Ok(Slot { room: self.clone(), bytes: 0 }),
            false => Err(Stop::Busy),
        }
    }

    /// A place for the answer to a request whose own was lost with the thread that held it.
    pub(super) fn enter_anyway(self: &Arc<Self>) -> Slot {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Slot { room: self.clone(), bytes: 0 }
    }

    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn render(&self, out: &mut String) {
        let gauges = [
            ("milepost_receive_requests_in_work", "Requests in work.", &self.requests),
            ("milepost_receive_bytes_in_work", "Bytes of bodies in work.", &self.bytes),
        ];
        for (name, help, value) in gauges {
            let value = value.load(Ordering::Relaxed);
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        }
    }
}

impl Slot {
    pub(super) fn room(&self) -> Arc<Room> {
        self.room.clone()
    }

    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Stop> {
        if !take(&self.room.bytes, bytes, self.room.most_bytes) {
            return Err(Stop::Busy);
        }
        self.bytes += bytes;
        Ok(())
    }

    pub(super) fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.room.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shrink(self.bytes);
        self.room.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

fn take(held: &AtomicUsize, wanted: usize, most: usize) -> bool {
    let more = |held: usize| held.checked_add(wanted).filter(|sum| *sum <= most);
    held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_held_is_free_again_when_it_ends() {
        let room = Arc::new(Room::new(2, 100));
        let mut first = room.enter().expect("empty");
        let second = room.enter().expect("one left");
        assert_eq!(room.enter().err(), Some(Stop::Busy));
        first.grow(60).expect("fits");
        assert_eq!(first.grow(60), Err(Stop::Busy));
        first.shrink(20);
        first.grow(60).expect("fits now");
        drop((first, second));
        let mut third = room.enter().expect("both are free");
        third.grow(100).expect("all of it is free");
    }
}
