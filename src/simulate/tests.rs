//! The law between the landscape and the doors: what it says in any of its forms is what Milepost reads, and what it spoils is
//! refused.

use chrono::{TimeDelta, TimeZone, Utc};
use milepost_ingest::{
    Context, Contracts, Event, Limits, Mapping, Reading, read_cloudevent_batch, read_json, read_logs, read_ndjson,
    read_traces,
};
use proptest::prelude::*;
use prost::Message;
use serde_json::Value;

use super::story::{Pace, Plot, Said, Spoilt, chapter};
use super::troubles::{Mix, Trouble};
use super::wire;

fn read(bytes: &[u8], how: impl Fn(&[u8], &Context<'_>) -> Result<Reading, milepost_ingest::Refusal>) -> Reading {
    let (mapping, limits) = (Mapping::none(), Limits::default());
    let received_at = Utc.with_ymd_and_hms(2026, 11, 20, 0, 0, 0).single().expect("a time");
    let context = Context {
        contracts: Contracts::shipped(),
        mapping: &mapping,
        limits: &limits,
        received_at,
        source: "test/rig",
    };
    how(bytes, &context).expect("a body that can be read")
}

/// Reads the same in all four forms.
fn readings(said: &Said) -> [Reading; 4] {
    let event = wire::event(said).expect("an event");
    let cloud = Value::from(vec![wire::cloud_event(said).expect("an event")]);
    let alone = std::slice::from_ref(said);
    [
        read(format!("{event}\n").as_bytes(), read_ndjson),
        read(cloud.to_string().as_bytes(), read_cloudevent_batch),
        read(&wire::logs(alone).encode_to_vec(), read_logs),
        read(&wire::spans(alone).encode_to_vec(), read_traces),
    ]
}

/// What an event says, without what belongs to its transport.
fn bare(event: &Event) -> Event {
    let trace = milepost_ingest::TraceRef::default();
    Event { trace, index: 0, ..event.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_the_landscape_says_is_what_is_read(seed: u64) {
        let monday = Utc.with_ymd_and_hms(2026, 11, 2, 8, 0, 0).single().expect("a time");
        let starts = [monday, monday + TimeDelta::minutes(7)];
        let mix = Mix::usual().with(Trouble::WrongPayload, 0.4);
        let plot = Plot { seed, first: 10_000, mix, pace: Pace::LIFE };
        for said in chapter(&plot, 0, &starts) {
            let Some(told) = said.told() else { continue };
            let readings = readings(&said);
            match told.spoilt {
                // Cut off only on its way.
                None | Some(Spoilt::CutOff) => {
                    for reading in &readings {
                        prop_assert!(reading.refusals.is_empty(), "{}: {:?}", told.id, reading.refusals);
                        let event = &reading.events[0];
                        prop_assert_eq!(&event.id, &told.id);
                        prop_assert_eq!(&event.kind, told.kind);
                        prop_assert_eq!(&event.source, said.source);
                        prop_assert_eq!(&event.object, &said.object);
                        prop_assert_eq!(event.occurred_at, said.at);
                        prop_assert_eq!(&event.data, &told.data);
                        prop_assert!(told.refs.iter().all(|r| event.refs.contains(r)), "{}", told.id);
                        prop_assert_eq!(bare(event), bare(&readings[0].events[0]));
                        prop_assert_eq!(&event.trace.trace_id, &hex::encode(said.trace.trace_id));
                    }
                }
                Some(way) => {
                    // A log record of an unknown name is a log record and nothing else.
                    let forms = if way == Spoilt::UnknownType { &readings[..2] } else { &readings[..] };
                    for reading in forms {
                        prop_assert!(reading.events.is_empty() && reading.refusals.len() == 1, "{}: {:?}", told.id, told.spoilt);
                    }
                }
            }
        }
    }
}

#[test]
fn an_array_is_read_like_its_elements() {
    let plot = Plot { seed: 1, first: 1, mix: Mix::none(), pace: Pace::LIFE };
    let monday = Utc.with_ymd_and_hms(2026, 11, 2, 8, 0, 0).single().expect("a time");
    let events: Vec<Value> = chapter(&plot, 0, &[monday]).iter().filter_map(wire::event).collect();
    let reading = read(Value::from(events.clone()).to_string().as_bytes(), read_json);
    assert_eq!((reading.events.len(), reading.refusals.len()), (events.len(), 0));
}
