//! Beside the orders: goods that come in and stock that is corrected, which the ERP is to post. It does not always.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::world::{ITEMS, WAREHOUSES, Warehouse};
use super::{CHAPTER, Dice, Speaker, Teller, Trouble, erp, object};

const REASONS: [&str; 4] = ["cycle count", "damaged", "moved to quarantine", "found behind the rack"];

/// One delivery from a supplier and one correction of stock a chapter.
pub fn stock(teller: &mut Teller, begun: DateTime<Utc>) {
    let number = teller.plot.first + teller.number * CHAPTER;
    let mut dice = teller.dice("stock", number);
    let house = dice.pick(&WAREHOUSES);
    receive(teller, house, begun, number);
    let house = dice.pick(&WAREHOUSES);
    adjust(teller, house, begun, number);
}

fn receive(teller: &mut Teller, house: &'static Warehouse, begun: DateTime<Utc>, number: u64) {
    let mut dice = teller.dice("goods receipt", number);
    // One word, so that the number is not taken for an order's.
    let this = object("goods_receipt", &format!("GR{number}"));
    let trace = (this.id.as_str(), "inbound");
    let lines = lines(&mut dice, 3);
    let arrives = teller.later(begun, &mut dice, 240, 900);
    let data = json!({"lines": lines, "warehouse": house.id, "eta": arrives.to_rfc3339()});
    teller.tell(erp::SPEAKER, begun, "goods.announced", &this, &[], trace, data);
    let dock = Speaker::warehouse(house);
    let data = json!({"lines": lines, "warehouse": house.id});
    teller.tell(dock, arrives, "goods.received", &this, &[], trace, data.clone());
    let shelved = teller.later(arrives, &mut dice, 20, 180);
    teller.tell(dock, shelved, "goods.put_away", &this, &[], trace, data.clone());
    post(teller, &this, shelved, data, number);
}

fn adjust(teller: &mut Teller, house: &'static Warehouse, begun: DateTime<Utc>, number: u64) {
    let mut dice = teller.dice("adjustment", number);
    let this = object("inventory_movement", &format!("IM{number}"));
    let found = teller.later(begun, &mut dice, 5, 600);
    let reason = *dice.pick(&REASONS);
    let data = json!({"lines": lines(&mut dice, 1), "warehouse": house.id, "reason": reason});
    teller.tell(Speaker::warehouse(house), found, "inventory.adjusted", &this, &[], (&this.id, "sync"), data.clone());
    post(teller, &this, found, data, number);
}

/// The ERP books what the warehouse told, unless the message is lost or booked with another quantity.
fn post(teller: &mut Teller, this: &milepost_ingest::ObjectRef, told: DateTime<Utc>, mut data: Value, number: u64) {
    let mut dice = teller.dice(&format!("post {}", this.kind), number);
    if dice.happens(teller.plot.mix.share(Trouble::Unposted)) {
        if dice.happens(0.5) {
            return;
        }
        if let Some(quantity) = data.pointer_mut("/lines/0/quantity") {
            *quantity = Value::from("1");
        }
    }
    let posted = teller.later(told, &mut dice, 2, 90);
    teller.tell(erp::SPEAKER, posted, "inventory.posted", this, &[], (&this.id, "posting"), data);
}

fn lines(dice: &mut Dice, most: u64) -> Value {
    let mut lines: Vec<Value> = Vec::new();
    for _ in 0..dice.between(1, most) {
        let item = dice.pick(&ITEMS);
        let quantity = Decimal::from(dice.between(item.quantity.0 * 2, item.quantity.1 * 4));
        if lines.iter().all(|line| line["sku"] != item.sku) {
            lines.push(json!({"sku": item.sku, "quantity": quantity.to_string(), "unit": item.unit}));
        }
    }
    lines.into()
}
