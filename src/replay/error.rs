//! Why a replay is not made, not started or not turned.

use super::edit::EditError;
use super::job::MOST_RATE;
use crate::pipeline::{NotKept, Pressure};
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("there is no replay {0}")]
    Unknown(String),
    #[error("there is no payload {0}")]
    NoPayload(String),
    #[error("there is no edit {0}")]
    NoEdit(String),
    #[error("there is no target `{0}`")]
    NoTarget(String),
    #[error("there is no workflow {0}")]
    NoWorkflow(String),
    #[error("there is no action `{0}`")]
    NoAction(String),
    #[error("the action `{0}` is not offered now: its condition does not hold")]
    NotOffered(String),
    #[error("the action `{0}` is offered for several objects; say for which")]
    WhichObject(String),
    #[error("nothing is left to replay: everything that was selected is healed, elsewhere or in another replay")]
    Nothing,
    #[error("the contracts and mapping of then are wanted: {0}")]
    NotKept(#[from] NotKept),
    #[error("contracts and mapping of then are a choice for our own pipeline; a target reads by its own")]
    OfTarget,
    #[error("a reason is needed")]
    NoReason,
    #[error("the rate goes up to {MOST_RATE} per second")]
    Rate,
    #[error("more than {most} records match; narrow the selection", most = super::job::MOST_ITEMS)]
    TooMany,
    #[error("the replay is {0}; that cannot be done now")]
    State(String),
    #[error("{confirmed} were confirmed, {count} are selected")]
    Count { confirmed: u32, count: u32 },
    #[error("the record has been healed by replay {0}; it cannot be edited any more")]
    Healed(String),
    #[error("an edit goes with the one payload that it was made for")]
    EditAlone,
    #[error("this Idempotency-Key was used before for something else")]
    UsedKey,
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Pressure(#[from] Pressure),
}
