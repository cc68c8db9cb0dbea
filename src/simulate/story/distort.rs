//! Troubles of the wires rather than of the business: late, early, double, silent, wrong. They change when and how something is
//! said, never what happened.

use chrono::{DateTime, FixedOffset, Utc};
use serde_json::{Value, json};

use super::{Dice, Plot, Said, Spoilt, Told, Trouble, Voice, What};

const HOUR_MS: u64 = 3_600_000;

pub fn distort(plot: &Plot, number: u64, said: &mut Vec<Said>) {
    conflict(plot, number, said);
    early(plot, said);
    late(plot, said);
    correct(plot, said);
    spoil(plot, said);
    double(plot, said);
    for one in said.iter_mut() {
        one.sent_at = after_silence(plot, one.source, one.sent_at);
    }
}

fn dice(plot: &Plot, topic: &str, id: &str) -> Dice {
    Dice::new(plot.seed, &format!("{topic} {id}"), 0)
}

/// Positions of events that are hit, each by its own chance.
fn hit(plot: &Plot, trouble: Trouble, topic: &str, said: &[Said]) -> Vec<usize> {
    let share = plot.mix.share(trouble);
    let is_hit = |one: &Said| one.told().is_some_and(|told| dice(plot, topic, &told.id).happens(share));
    said.iter().enumerate().filter(|(_, one)| is_hit(one)).map(|(position, _)| position).collect()
}

/// The warehouse's ship confirmation is heard hours after the delivery, or never.
fn conflict(plot: &Plot, number: u64, said: &mut Vec<Said>) {
    let delivered: Vec<(String, DateTime<Utc>)> = said
        .iter()
        .filter(|s| s.kind() == Some("shipment.delivered"))
        .map(|s| (s.object.id.clone(), s.sent_at))
        .collect();
    for (id, at) in delivered {
        let mut dice = Dice::new(plot.seed, &format!("conflict {id}"), number);
        if !dice.happens(plot.mix.share(Trouble::StatusConflict)) {
            continue;
        }
        let never = dice.happens(0.2);
        let late = at + plot.pace.minutes(&mut dice, 120, 600);
        let confirms =
            |s: &Said| s.object.id == id && matches!(s.kind(), Some("shipment.shipped" | "shipment.short_shipped"));
        if never {
            said.retain(|s| !confirms(s));
        } else if let Some(shipped) = said.iter_mut().find(|s| confirms(s)) {
            shipped.sent_at = late;
        }
    }
}

/// All that the warehouse says of a shipment is heard after the proof of its delivery.
fn early(plot: &Plot, said: &mut [Said]) {
    let proofs: Vec<(String, DateTime<Utc>)> = said
        .iter()
        .filter(|s| s.kind() == Some("delivery.pod_received"))
        .map(|s| (s.object.id.clone(), s.sent_at))
        .collect();
    for (id, at) in proofs {
        let mut dice = dice(plot, "early", &id);
        if !dice.happens(plot.mix.share(Trouble::EarlyEvent)) {
            continue;
        }
        for one in said.iter_mut().filter(|s| s.voice == Voice::Wms && s.object.kind == "shipment" && s.object.id == id)
        {
            one.sent_at = one.sent_at.max(at + plot.pace.minutes(&mut dice, 3, 25));
        }
    }
}

fn late(plot: &Plot, said: &mut [Said]) {
    for position in hit(plot, Trouble::LateEvent, "late", said) {
        let Some(id) = said[position].told().map(|t| t.id.clone()) else { continue };
        let delay = plot.pace.minutes(&mut dice(plot, "how late", &id), 120, 540);
        said[position].sent_at += delay;
    }
}

/// A wrong time is told first, and the right one later by `event.corrected`.
fn correct(plot: &Plot, said: &mut Vec<Said>) {
    for position in hit(plot, Trouble::CorrectedTime, "corrected", said) {
        let mut correction = said[position].clone();
        let right = said[position].at;
        let Some(told) = correction.told_mut().filter(|t| !t.kind.starts_with("message.")) else { continue };
        let mut dice = dice(plot, "how wrong", &told.id);
        told.data = into_map(
            json!({"event": told.id, "replace": {"time": rfc3339(right)}, "reason": "clock of the terminal was wrong"}),
        );
        told.id = format!("{}-corrected", told.id);
        told.kind = "event.corrected";
        told.refs.clear();
        let wrong = right - plot.pace.minutes(&mut dice, 60, 300);
        let noticed = plot.pace.minutes(&mut dice, 20, 180);
        correction.sent_at += noticed;
        correction.at += noticed;
        correction.trace.span_id = dice.number().to_be_bytes();
        said[position].at = wrong;
        said.push(correction);
    }
}

/// In some hours one system's mapping is broken: what it says is wrong in one and the same way, and mostly sent right later.
fn spoil(plot: &Plot, said: &mut Vec<Said>) {
    let mut spoilt_copies = Vec::new();
    let mut lost = Vec::new();
    for (position, one) in said.iter_mut().enumerate() {
        let hour = window(plot, one.sent_at, HOUR_MS);
        let mut burst = Dice::new(plot.seed, "burst", hour);
        if !burst.happens(plot.mix.share(Trouble::WrongPayload)) {
            continue;
        }
        let voices = [Voice::Erp, Voice::Wms, Voice::Tms, Voice::Billing, Voice::Finance];
        let (voice, how) = (*burst.pick(&voices), burst.number());
        let Some(told) = one.told().filter(|_| one.voice == voice) else { continue };
        let mut dice = dice(plot, "spoilt", &told.id);
        if !dice.happens(0.7) {
            continue;
        }
        let way = way(one.voice, told, how);
        let mended_at = one.sent_at + plot.pace.of_life(HOUR_MS) + plot.pace.minutes(&mut dice, 5, 90);
        let mut copy = one.clone();
        if let Some(told) = copy.told_mut() {
            told.spoilt = Some(way);
        }
        spoilt_copies.push(copy);
        if dice.happens(0.85) {
            one.sent_at = mended_at;
        } else {
            lost.push(position);
        }
    }
    for position in lost.into_iter().rev() {
        said.remove(position);
    }
    said.extend(spoilt_copies);
}

/// A way to be wrong that this event can be wrong in, and that its door can carry.
fn way(voice: Voice, told: &Told, how: u64) -> Spoilt {
    let has_number = told.data.contains_key("lines") || told.data.contains_key("amount");
    let json = matches!(voice, Voice::Erp | Voice::Tms | Voice::Finance);
    match how % 5 {
        0 | 1 if has_number => Spoilt::WordForNumber,
        2 if json => Spoilt::UnknownType,
        3 if json => Spoilt::CutOff,
        4 => Spoilt::BadTime,
        _ => Spoilt::NoObject,
    }
}

fn double(plot: &Plot, said: &mut Vec<Said>) {
    for position in hit(plot, Trouble::Duplicate, "double", said) {
        let mut again = said[position].clone();
        let Some(told) = again.told_mut().filter(|t| t.spoilt.is_none()) else { continue };
        let mut dice = dice(plot, "double how", &told.id);
        let delay = plot.pace.minutes(&mut dice, 0, 60);
        if dice.happens(1.0 / 12.0) {
            told.data.insert("note".to_owned(), Value::from("sent again by hand"));
        }
        again.sent_at += delay;
        said.push(again);
    }
}

/// A silent source is heard again at the end of its silence. Silences last an hour.
fn after_silence(plot: &Plot, source: &str, at: DateTime<Utc>) -> DateTime<Utc> {
    let hour = window(plot, at, HOUR_MS);
    if !Dice::new(plot.seed, &format!("silence {source}"), hour).happens(plot.mix.share(Trouble::SilentSource)) {
        return at;
    }
    let length = plot.pace.of_life(HOUR_MS).num_milliseconds().max(1);
    let begun = at.timestamp_millis().rem_euclid(length);
    at + chrono::TimeDelta::milliseconds(length - begun)
}

/// Which stretch of time of that length (of life) it falls in.
fn window(plot: &Plot, at: DateTime<Utc>, life_ms: u64) -> u64 {
    let length = plot.pace.of_life(life_ms).num_milliseconds().max(1);
    at.timestamp_millis().div_euclid(length).unsigned_abs()
}

pub fn rfc3339(at: DateTime<FixedOffset>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, false)
}

fn into_map(value: Value) -> serde_json::Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}

impl Said {
    pub fn told(&self) -> Option<&Told> {
        match &self.what {
            What::Event(told) => Some(told),
            What::Hop { .. } => None,
        }
    }

    fn told_mut(&mut self) -> Option<&mut Told> {
        match &mut self.what {
            What::Event(told) => Some(told),
            What::Hop { .. } => None,
        }
    }

    pub fn kind(&self) -> Option<&'static str> {
        self.told().map(|t| t.kind)
    }
}
