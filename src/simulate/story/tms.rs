//! Transport: loads, the road, deliveries, proofs and freight charges. The TMS knows shipments and loads, never orders.

use chrono::{DateTime, TimeDelta, Utc};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::world::{self, CARRIERS};
use super::{Order, Parcel, Speaker, Teller, Trouble, Voice, billing, object};

const SPEAKER: Speaker = Speaker::head_office(Voice::Tms, world::TMS);
const ON_THE_ROAD: [&str; 6] = ["Kassel", "Venlo", "Wrocław", "Springfield", "Joplin", "Göteborg"];
const DELAYS: [&str; 4] = ["weather", "traffic", "vehicle breakdown", "customs"];

/// Plans the loads of a chapter and brings every shipment to its customer.
pub fn carry(teller: &mut Teller, orders: &[Order], parcels: &mut [Parcel]) {
    for (nth, riders) in (1_u64..).zip(loads(teller, orders, parcels)) {
        ride(teller, orders, parcels, &riders, nth);
    }
}

/// Which shipments ride together: of one dock, with one carrier, ready at about the same time.
fn loads(teller: &Teller, orders: &[Order], parcels: &[Parcel]) -> Vec<Vec<usize>> {
    let shared = teller.trouble(Trouble::ConsolidatedLoad, "consolidated", teller.number);
    let window = teller.plot.pace.of_life(6 * 3_600_000);
    let mut loads: Vec<Vec<usize>> = Vec::new();
    for (position, parcel) in parcels.iter().enumerate() {
        let order = &orders[parcel.of];
        let fits = |load: &&mut Vec<usize>| {
            let first = &parcels[load[0]];
            let other = &orders[first.of];
            other.warehouse.id == order.warehouse.id
                && other.carrier.id == order.carrier.id
                && (first.shipped - parcel.shipped).abs() < window
        };
        match loads.iter_mut().find(fits) {
            Some(load) if shared => load.push(position),
            _ => loads.push(vec![position]),
        }
    }
    loads
}

fn ride(teller: &mut Teller, orders: &[Order], parcels: &mut [Parcel], riders: &[usize], nth: u64) {
    let Some(&lead) = riders.first() else { return };
    let order = &orders[parcels[lead].of];
    let number = order.number * 10 + nth;
    let id = format!("L-{number}");
    let this = object("load", &id);
    let trace = (id.as_str(), "ride");
    let shipments: Vec<ObjectRef> = riders.iter().map(|r| object("shipment", &parcels[*r].id)).collect();
    let mut dice = teller.dice("ride", number);
    let known = riders.iter().map(|r| parcels[*r].created).max().unwrap_or(order.created);
    let ready = riders.iter().map(|r| parcels[*r].shipped).max().unwrap_or(order.created);

    let planned = teller.later(known, &mut dice, 10, 30);
    let stop = |rider: &usize| json!({"location": orders[parcels[*rider].of].customer.city, "kind": "delivery"});
    let pickup = json!({"location": order.warehouse.city, "kind": "pickup"});
    let stops: Value = std::iter::once(pickup).chain(riders.iter().map(stop)).collect();
    let data = json!({"carrier": order.carrier.name, "lane": order.lane(), "stops": stops});
    teller.tell(SPEAKER, planned, "load.planned", &this, &shipments, trace, data);
    let estimate = Decimal::new(i64::try_from(dice.between(8_000, 95_000)).unwrap_or(10_000), 2);
    let charge = object("charge", &format!("FC-{number}"));
    let on = [this.clone()];
    let data = json!({"kind": "freight", "amount": order.money(estimate), "estimated": true});
    teller.tell(SPEAKER, planned + TimeDelta::milliseconds(20), "charge.estimated", &charge, &on, trace, data);

    let accepted = tender(teller, order, &this, planned, number);
    let departed = teller.later(ready, &mut dice, 15, 90).max(accepted);
    let (low, high) = order.customer.road_hours;
    let mut arrives = teller.later(departed, &mut dice, low * 60, high * 60);
    let data = json!({"carrier": order.carrier.name, "eta": arrives.to_rfc3339()});
    teller.tell(SPEAKER, departed, "load.departed", &this, &shipments, trace, data);
    for shipment in &shipments {
        let data = json!({"carrier": order.carrier.name, "eta": arrives.to_rfc3339()});
        teller.tell(SPEAKER, departed, "shipment.departed", shipment, &on, trace, data);
    }
    arrives = on_the_road(teller, order, &shipments, &this, (departed, arrives), number);

    let mut last = arrives;
    for (rider, shipment) in riders.iter().zip(&shipments) {
        let at = teller.later(arrives, &mut dice, 0, 120);
        last = last.max(at);
        teller.tell(SPEAKER, at, "shipment.delivered", shipment, &on, trace, json!({"carrier": order.carrier.name}));
        let parcel = &mut parcels[*rider];
        parcel.delivered = Some(at);
        parcel.proven = prove(teller, &orders[parcel.of], shipment, at);
    }
    teller.tell(
        SPEAKER,
        last,
        "load.delivered",
        &this,
        &shipments,
        trace,
        json!({"carrier": order.carrier.name, "stops": stops}),
    );

    let last_price = estimate + Decimal::new(i64::try_from(dice.between(0, 4_000)).unwrap_or_default(), 2);
    let charged = teller.later(last, &mut dice, 60, 500);
    let data = json!({"kind": "freight", "amount": order.money(last_price), "estimated": false});
    teller.tell(SPEAKER, charged, "charge.final", &charge, &on, trace, data);
    let captured = billing::capture(teller, order, &charge, &shipments, charged, last_price);
    for rider in riders {
        parcels[*rider].charged = Some(captured);
    }
    let bill = object("freight_invoice", &format!("FI-{number}"));
    let billed = teller.later(last, &mut dice, 1_200, 5_000);
    let mut asked = last_price;
    if teller.trouble(Trouble::FreightOvercharge, "overcharge", number) {
        asked += last_price * Decimal::new(i64::try_from(dice.between(8, 35)).unwrap_or(10), 2);
    }
    let data = json!({"number": format!("{}-{number}", order.carrier.id), "amount": order.money(asked), "carrier": order.carrier.name});
    teller.tell(SPEAKER, billed, "freight_invoice.received", &bill, &on, trace, data);
    billing::settle_freight(teller, order, &bill, billed, asked);
}

fn tender(teller: &mut Teller, order: &Order, load: &ObjectRef, planned: DateTime<Utc>, number: u64) -> DateTime<Utc> {
    let trace = (load.id.as_str(), "ride");
    let mut dice = teller.dice("tender", number);
    let mut at = teller.later(planned, &mut dice, 3, 15);
    if teller.trouble(Trouble::TenderRejected, "tender rejected", number) {
        let other = dice.pick(&CARRIERS).name;
        teller.tell(SPEAKER, at, "load.tendered", load, &[], trace, json!({"carrier": other}));
        at = teller.later(at, &mut dice, 20, 120);
        let data = json!({"carrier": other, "reason": "no capacity"});
        teller.tell(SPEAKER, at, "load.tender_rejected", load, &[], trace, data);
        at = teller.later(at, &mut dice, 5, 30);
    }
    teller.tell(SPEAKER, at, "load.tendered", load, &[], trace, json!({"carrier": order.carrier.name}));
    let accepted = teller.later(at, &mut dice, 5, 70);
    teller.tell(SPEAKER, accepted, "load.tender_accepted", load, &[], trace, json!({"carrier": order.carrier.name}));
    accepted
}

/// Positions on the way, and now and then a delay. Gives the arrival.
fn on_the_road(
    teller: &mut Teller,
    order: &Order,
    shipments: &[ObjectRef],
    load: &ObjectRef,
    (departed, mut arrives): (DateTime<Utc>, DateTime<Utc>),
    number: u64,
) -> DateTime<Utc> {
    let trace = (load.id.as_str(), "ride");
    let mut dice = teller.dice("road", number);
    let quarter = (arrives - departed) / 4;
    if teller.trouble(Trouble::CarrierException, "carrier exception", number) {
        let at = departed + quarter;
        let reason = *dice.pick(&DELAYS);
        for shipment in shipments {
            let data = json!({"code": "DELAY", "reason": reason, "carrier": order.carrier.name});
            teller.tell(SPEAKER, at, "shipment.exception", shipment, std::slice::from_ref(load), trace, data);
        }
        arrives = teller.later(arrives, &mut dice, 300, 1_500);
    }
    for step in [2, 3] {
        let place = *dice.pick(&ON_THE_ROAD);
        for shipment in shipments {
            let data = json!({"location": place, "eta": arrives.to_rfc3339(), "carrier": order.carrier.name});
            let at = departed + quarter * step;
            teller.tell(SPEAKER, at, "shipment.in_transit", shipment, std::slice::from_ref(load), trace, data);
        }
    }
    arrives
}

/// The signed paper. None while it is missing, or where nobody asks for it.
fn prove(teller: &mut Teller, order: &Order, shipment: &ObjectRef, delivered: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if !order.customer.pod_required {
        return None;
    }
    let mut dice = teller.dice("proof", order.number);
    let mut at = teller.later(delivered, &mut dice, 5, 240);
    if teller.trouble(Trouble::MissingPod, "missing pod", order.number) {
        if dice.happens(0.5) {
            return None;
        }
        at = teller.later(delivered, &mut dice, 1_500, 3_600);
    }
    let signer = *dice.pick(&["M. Brandt", "A. Kowalska", "J. Ortiz", "S. Öztürk", "فاطمة علي"]);
    let data = json!({"proof": {"reference": format!("pod/{}.jpg", shipment.id), "signer": signer}});
    teller.tell(SPEAKER, at, "delivery.pod_received", shipment, &[], (&shipment.id, "proof"), data);
    Some(at)
}
