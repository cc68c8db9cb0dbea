//! What is wrong with a shipment: short, packed otherwise than picked, or told differently by two systems.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::{because, raise};
use crate::domain::Exception;
use crate::domain::fact::Fact;
use crate::domain::tree::Node;

/// How long two systems may disagree about a shipment before it is an exception.
const CONFLICT_GRACE: TimeDelta = TimeDelta::minutes(30);

pub fn short_shipment(shipment: &Node, found: &mut Vec<Exception>) {
    let Some(short) = shipment.last("shipment.short_shipped") else { return };
    let detail = format!("{} left short{}", shipment.object.id, because(short));
    raise(found, "short_shipment", &shipment.object, detail, short.occurred_at, "wms", false);
}

pub fn packing_variance(shipment: &Node, found: &mut Vec<Exception>) {
    let (Some(picked), Some(packed)) = (shipment.last("pick.completed"), shipment.last("pack.completed")) else {
        return;
    };
    let sum = |f: &Fact| f.detail.lines.as_ref().map(|l| l.iter().map(|l| l.quantity).sum::<Decimal>());
    let (Some(before), Some(after)) = (sum(picked), sum(packed)) else { return };
    if before != after {
        let detail = format!("{}: {before} picked, {after} packed", shipment.object.id);
        raise(found, "packing_variance", &shipment.object, detail, packed.occurred_at, "wms", false);
    }
}

/// The first sign that the transport system has it on the road, while the warehouse has not shipped it.
fn gone_unshipped<'n>(shipment: &'n Node) -> Option<&'n Fact> {
    let shipped = shipment.has("shipment.shipped") || shipment.has("shipment.short_shipped");
    let gone = |f: &&Fact| matches!(&*f.kind, "shipment.departed" | "shipment.delivered");
    if shipped { None } else { shipment.facts.iter().find(gone) }
}

/// When a disagreement of systems about a shipment becomes, or became, an exception.
pub fn conflict_at(shipment: &Node) -> Option<DateTime<Utc>> {
    gone_unshipped(shipment).map(|f| f.occurred_at + CONFLICT_GRACE)
}

pub fn status_conflict(shipment: &Node, as_of: DateTime<Utc>, found: &mut Vec<Exception>) {
    if conflict_at(shipment).is_none_or(|at| as_of < at) {
        return;
    }
    let state = shipment.beliefs().into_iter().find(|b| b.system == "wms");
    let (Some(gone), Some(state)) = (gone_unshipped(shipment), state) else { return };
    let verb = gone.verb();
    let detail = format!("{}: {verb} in the TMS, still {} in the WMS", shipment.object.id, state.state);
    raise(found, "status_conflict", &shipment.object, detail, gone.occurred_at, "wms", false);
}
