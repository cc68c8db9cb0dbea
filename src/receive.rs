//! Doors: OTLP/gRPC, OTLP/HTTP and the events API. Authenticates, limits, and chooses the protocol's answer.
//! What a body says is read behind `pipeline::Intake`; nothing is answered before that has it on disk.

mod answer;
mod body;
mod counters;
mod gate;
mod headers;
mod http_head;
mod idempotency;
mod media;
mod patience;
mod rate;
mod room;
mod settings;
mod stop;
mod unpack;

pub mod events;
pub mod otlp_grpc;
pub mod otlp_http;

use std::sync::Arc;

use crate::access::Keys;
use crate::pipeline::Intake;

pub use counters::{Counters, Door};
pub use settings::Settings;

/// What the three doors share. One for the process, so that limits hold over all of them together.
pub struct Doors {
    intake: Arc<dyn Intake>,
    keys: Arc<Keys>,
    settings: Settings,
    counters: Counters,
    room: Arc<room::Room>,
    rates: rate::Rates,
    remembered: idempotency::Memory,
    patience: patience::Patience,
}

impl Doors {
    pub fn new(intake: Arc<dyn Intake>, keys: Arc<Keys>, settings: Settings) -> Self {
        Self {
            intake,
            keys,
            counters: Counters::default(),
            room: Arc::new(room::Room::new(settings.requests, settings.memory_bytes)),
            rates: rate::Rates::new(settings.events_per_second, settings.events_burst),
            remembered: idempotency::Memory::new(&settings),
            patience: patience::Patience::new(settings.retry_after_most_s),
            settings,
        }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Appends what the doors count, as Prometheus text.
    pub fn render(&self, out: &mut String) {
        self.counters.render(out);
        self.room.render(out);
    }
}

/// The beginning of a text, cut between characters.
fn cut(text: &str, most_bytes: usize) -> &str {
    let mut end = most_bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("aüü", 4), "aü");
        assert_eq!(cut("aüü", 9), "aüü");
        assert_eq!(cut("ü", 1), "");
    }
}
