//! OTLP payloads: spans, log records and metric points, walked in the wire format without building messages.
//! What carries `biz.*` becomes an event as well (`biz`); OTLP/JSON is first put into the wire format (`json`).

mod biz;
mod json;
mod logs;
mod metrics;
mod record;
mod schema;
mod traces;
pub(crate) mod value;
pub(crate) mod wire;

pub use json::{logs_json_to_protobuf, metrics_json_to_protobuf, traces_json_to_protobuf};
pub use logs::read_logs;
pub use metrics::read_metrics;
pub use traces::read_traces;

use std::fmt::Write as _;

use record::Resource;
use wire::{Trouble, Wire};

use crate::{Code, Context, Reading, Refusal};

/// Where the walk stands: numbers only, the text is made when somebody asks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Position {
    pub resource: u32,
    pub scope: u32,
    pub record: u32,
}

/// The names of the three lists of a request, for pointers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lists {
    pub resources: &'static str,
    pub scopes: &'static str,
    pub records: &'static str,
}

impl Lists {
    pub fn pointer(&self, at: Position) -> String {
        let mut text = self.resource(at);
        let _ = write!(text, "/{}/{}/{}/{}", self.scopes, at.scope, self.records, at.record);
        text
    }

    pub fn resource(&self, at: Position) -> String {
        format!("/{}/{}", self.resources, at.resource)
    }
}

/// Walks resources, scopes and records; `each` reads one record of the innermost list.
fn walk<'p>(
    payload: &'p [u8],
    lists: Lists,
    ctx: &'p Context<'p>,
    each: &mut dyn FnMut(Wire<'p>, &Resource<'p>, Position) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut at = Position::default();
    let mut request = Wire::new(payload);
    while let Some((number, field)) = request.next()? {
        if number != 1 {
            continue;
        }
        let group = field.message(&request)?;
        let resource = Resource::read(group, lists.resource(at), ctx)?;
        let mut scopes = group;
        at.scope = 0;
        while let Some((number, field)) = scopes.next()? {
            if number != 2 {
                continue;
            }
            let mut records = field.message(&scopes)?;
            at.record = 0;
            while let Some((number, field)) = records.next()? {
                if number == 2 {
                    each(field.message(&records)?, &resource, at)?;
                    at.record += 1;
                }
            }
            at.scope += 1;
        }
        at.resource += 1;
    }
    Ok(())
}

/// Sorts a record's trouble: broken bytes and too much depth end the reading, the rest is one record's refusal.
fn settle(
    outcome: Result<(), Trouble>,
    reading: &mut Reading,
    index: u32,
    pointer: impl FnOnce() -> String,
) -> Result<(), Refusal> {
    match outcome.map_err(|trouble| place(trouble, index, pointer)) {
        Ok(()) => Ok(()),
        Err(Trouble::Malformed(malformed)) => Err(malformed.into()),
        Err(Trouble::Payload(refusal)) => Err(refusal),
        Err(Trouble::Record(refusal)) => {
            reading.refusals.push(refusal);
            Ok(())
        }
    }
}

/// Completes the pointer of a record's trouble. Depth is an attack on us, not a slip in one record.
fn place(trouble: Trouble, index: u32, pointer: impl FnOnce() -> String) -> Trouble {
    let Trouble::Record(mut refusal) = trouble else { return trouble };
    refusal.pointer = pointer() + &refusal.pointer;
    refusal.index = index;
    if refusal.code == Code::TooDeep.as_str() { Trouble::Payload(refusal) } else { Trouble::Record(refusal) }
}
