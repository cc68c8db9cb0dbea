//! Stands in the pipeline's place: writes down what arrives and answers as told.

use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;

use milepost::pipeline::{Arrival, Form, Intake, Pressure, Taken};
use milepost_ingest::{Hint, Refusal, Stage};
use tokio::sync::Semaphore;

/// More than any test has requests.
const PLACES: usize = 10_000;

pub enum Mood {
    /// Takes JSON that is JSON and protobuf of any kind.
    Taking,
    Answering(Box<Taken>),
    Pressed(Pressure),
    Panicking,
}

pub struct Recorder {
    pub arrivals: Mutex<Vec<Arrival>>,
    pub mood: Mutex<Mood>,
    gate: Semaphore,
}

impl Recorder {
    pub fn new() -> Self {
        let gate = Semaphore::new(PLACES);
        Self { arrivals: Mutex::default(), mood: Mutex::new(Mood::Taking), gate }
    }

    /// From now on payloads wait, so that a test can look while they are on their way.
    pub fn shut(&self) {
        assert_eq!(self.gate.forget_permits(PLACES), PLACES);
    }

    pub fn open(&self) {
        self.gate.add_permits(PLACES);
    }

    pub fn answers(&self, taken: Taken) {
        self.feels(Mood::Answering(Box::new(taken)));
    }

    pub fn feels(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    /// What arrived since the last call.
    pub fn drain(&self) -> Vec<Arrival> {
        std::mem::take(&mut self.arrivals.lock())
    }

    pub fn only(&self) -> Arrival {
        let mut all = self.drain();
        assert_eq!(all.len(), 1, "one arrival: {all:?}");
        all.remove(0)
    }

    fn answer(&self, arrival: &Arrival) -> Result<Taken, Pressure> {
        match &*self.mood.lock() {
            Mood::Taking => Ok(read(arrival)),
            Mood::Answering(taken) => Ok(Taken::clone(taken)),
            Mood::Pressed(pressure) => Err(*pressure),
            Mood::Panicking => panic!("as the test asked"),
        }
    }
}

impl Intake for Recorder {
    fn take(&self, arrival: Arrival) -> Pin<Box<dyn Future<Output = Result<Taken, Pressure>> + Send + '_>> {
        Box::pin(async move {
            let _place = self.gate.acquire().await.unwrap();
            let answer = self.answer(&arrival);
            self.arrivals.lock().push(arrival);
            answer
        })
    }
}

fn read(arrival: &Arrival) -> Taken {
    let json = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body);
    let unreadable = match arrival.form {
        Form::Packed => Some(refusal(0, "cannot_unpack", "", "bytes")),
        Form::Json | Form::CloudEvent | Form::CloudEventBatch | Form::TracesJson | Form::LogsJson => {
            json(&arrival.body).err().map(|error| refusal(0, "bad_json", "", &error.to_string()))
        }
        _ => None,
    };
    let accepted = u32::from(unreadable.is_none());
    Taken { payload_id: "p7".to_owned(), accepted, unreadable, ..Taken::default() }
}

pub fn refusal(index: u32, code: &str, pointer: &str, found: &str) -> Refusal {
    Refusal {
        index,
        stage: Stage::Validate,
        code: code.to_owned(),
        pointer: pointer.to_owned(),
        expected: "something else".to_owned(),
        found: found.to_owned(),
        detail: "That will not do.".to_owned(),
        offset: None,
        hint: Hint::default(),
    }
}
