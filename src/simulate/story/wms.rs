//! The warehouse allocates, picks, packs and ships. It knows its shipments and the orders that they are for.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::json;

use super::{Order, Parcel, Speaker, Teller, Trouble, erp, object};

/// Tells the warehouse's part and gives the shipments that leave.
pub fn ship(teller: &mut Teller, order: &Order, of: usize, released: DateTime<Utc>) -> Vec<Parcel> {
    let speaker = Speaker::warehouse(order.warehouse);
    let this = order.object();
    let trace = (order.id.as_str(), "release");
    let mut dice = teller.dice("allocate", order.number);
    let received = teller.plot.pace.awake(teller.later(released, &mut dice, 1, 3), order.warehouse.offset_minutes);
    teller.hop(speaker, received, "receive order", &this, trace, None);

    let mut now = order.all_lines();
    let mut afterwards = Vec::new();
    let backorder = now.len() > 1 && teller.trouble(Trouble::Backorder, "backorder", order.number);
    if backorder {
        afterwards.extend(now.pop());
    } else if teller.trouble(Trouble::PartialShipment, "partial", order.number) {
        afterwards = split(&mut now);
    }

    let allocated = teller.later(received, &mut dice, 4, 18);
    let site = order.warehouse.id;
    teller.hop(speaker, received, "reserve stock", &this, trace, None);
    let first: Vec<_> = if backorder { now.clone() } else { order.all_lines() };
    let data = json!({"lines": order.lines_json(&first), "warehouse": site});
    teller.tell(speaker, allocated, "inventory.allocated", &this, &[], trace, data);
    let mut second_wave = teller.later(allocated, &mut dice, 180, 900);
    if backorder {
        let data = json!({"lines": order.lines_json(&afterwards), "warehouse": site, "reason": "out of stock"});
        teller.tell(speaker, allocated, "inventory.backordered", &this, &[], trace, data);
        second_wave = teller.later(allocated, &mut dice, 480, 2_400);
        let data = json!({"lines": order.lines_json(&afterwards), "warehouse": site});
        teller.tell(speaker, second_wave, "inventory.allocated", &this, &[], trace, data);
    }

    let mut parcels = vec![parcel(teller, order, of, 1, allocated, now)];
    if !afterwards.is_empty() {
        parcels.push(parcel(teller, order, of, 2, second_wave, afterwards));
    }
    parcels
}

/// Half of the lines, or half of the only line, goes with a second shipment.
fn split(now: &mut Vec<(usize, Decimal)>) -> Vec<(usize, Decimal)> {
    if now.len() > 1 {
        return now.split_off(now.len() / 2);
    }
    let Some((position, quantity)) = now.first_mut() else { return Vec::new() };
    let half = (*quantity / Decimal::TWO).floor();
    if half.is_zero() {
        return Vec::new();
    }
    *quantity -= half;
    vec![(*position, half)]
}

fn parcel(
    teller: &mut Teller,
    order: &Order,
    of: usize,
    nth: u64,
    from: DateTime<Utc>,
    wanted: Vec<(usize, Decimal)>,
) -> Parcel {
    let speaker = Speaker::warehouse(order.warehouse);
    let id = format!("SH-{}-{nth}", order.number);
    let this = object("shipment", &id);
    let orders = [order.object()];
    let trace = (id.as_str(), "ship");
    let mut dice = teller.dice("parcel", order.number * 2 + nth);
    let pace = teller.plot.pace;

    let created = teller.later(from, &mut dice, 5, 25);
    let data = json!({
        "lines": order.lines_json(&wanted), "warehouse": order.warehouse.id, "carrier": order.carrier.name, "lane": order.lane(),
    });
    teller.tell(speaker, created, "shipment.created", &this, &orders, trace, data);

    let lines = fill(teller, order, nth, &wanted);
    let short = lines != wanted;
    let picked = teller.later(pace.awake(created, order.warehouse.offset_minutes), &mut dice, 40, 220);
    teller.hop(speaker, created, "plan wave", &this, trace, None);
    let data = json!({"lines": order.lines_json(&lines), "warehouse": order.warehouse.id, "picker": format!("P{}", dice.between(10, 60))});
    teller.tell(speaker, picked, "pick.completed", &this, &orders, trace, data);

    let packed = teller.later(picked, &mut dice, 10, 60);
    let data =
        json!({"lines": order.lines_json(&lines), "packages": dice.between(1, 9), "warehouse": order.warehouse.id});
    teller.tell(speaker, packed, "pack.completed", &this, &orders, trace, data);

    let shipped = teller.later(packed, &mut dice, 15, 80);
    let lot = format!("{}{}", dice.pick(&["A", "B", "K"]), dice.between(1, 99));
    let mut left = order.lines_json(&lines);
    for line in left.as_array_mut().into_iter().flatten() {
        line["lot"] = json!(lot);
    }
    let mut data = json!({
        "lines": left, "warehouse": order.warehouse.id, "carrier": order.carrier.name, "lane": order.lane(),
    });
    let kind = if short { "shipment.short_shipped" } else { "shipment.shipped" };
    if short {
        data["reason"] = json!("stock was damaged");
    }
    teller.hop(speaker, packed, "print labels", &this, trace, None);
    teller.tell(speaker, shipped, kind, &this, &orders, trace, data);
    if short && dice.happens(0.8) {
        let missing: Vec<_> = wanted
            .iter()
            .zip(&lines)
            .map(|((p, want), (_, got))| (*p, want - got))
            .filter(|(_, q)| !q.is_zero())
            .collect();
        let at = teller.later(shipped, &mut dice, 20, 180);
        erp::cancel_rest(teller, order, at, &missing);
    }
    Parcel { id, of, lines, created, shipped, delivered: None, proven: None, charged: None }
}

/// What is really there of what was wanted.
fn fill(teller: &Teller, order: &Order, nth: u64, wanted: &[(usize, Decimal)]) -> Vec<(usize, Decimal)> {
    let mut lines = wanted.to_vec();
    if nth == 1
        && teller.trouble(Trouble::ShortShipment, "short", order.number)
        && let Some((_, quantity)) = lines.iter_mut().max_by_key(|(_, quantity)| *quantity)
        && *quantity > Decimal::ONE
    {
        *quantity = (*quantity * Decimal::new(7, 1)).floor().max(Decimal::ONE);
    }
    lines
}

/// Goods that came back: what, when, and under which number.
pub struct Back {
    pub id: String,
    pub lines: Vec<(usize, Decimal)>,
    pub inspected: DateTime<Utc>,
}

pub fn take_back(teller: &mut Teller, order: &Order, parcel: &Parcel, delivered: DateTime<Utc>) -> Option<Back> {
    if !teller.trouble(Trouble::Return, "return", order.number) {
        return None;
    }
    let speaker = Speaker::warehouse(order.warehouse);
    let mut dice = teller.dice("take back", order.number);
    let (position, quantity) = *parcel.lines.first()?;
    let lines = vec![(position, (quantity / Decimal::TWO).ceil())];
    let id = format!("RT-{}", order.number);
    let this = object("return", &id);
    let refs = [order.object(), object("shipment", &parcel.id)];
    let reason = *dice.pick(&super::super::world::RETURN_REASONS);
    let received = teller.later(delivered, &mut dice, 600, 2_600);
    let data = json!({"lines": order.lines_json(&lines), "reason": reason, "warehouse": order.warehouse.id});
    teller.tell(speaker, received, "return.received", &this, &refs, (&id, "return"), data);
    let inspected = teller.later(received, &mut dice, 60, 900);
    let data = json!({"lines": order.lines_json(&lines), "reason": reason, "result": "restock"});
    teller.tell(speaker, inspected, "return.inspected", &this, &refs, (&id, "return"), data);
    Some(Back { id, lines, inspected })
}
