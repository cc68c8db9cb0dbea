//! The words: object types, event types, systems. Contracts of the same names describe the data.

/// A shipped event type: what it happens to, and who usually reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventName {
    pub name: &'static str,
    /// Object types that it may happen to, the usual one first; empty for any.
    pub objects: &'static [&'static str],
    /// The system that usually reports it; empty for any.
    pub system: &'static str,
    pub meaning: &'static str,
}

/// Types of business objects, with the system of record and what each is.
pub const OBJECTS: &[(&str, &str, &str)] = &[
    ("order", "erp", "Sales order with lines"),
    ("shipment", "wms", "What a warehouse ships for one or more orders"),
    ("load", "tms", "A transport that carries one or more shipments"),
    ("charge", "tms", "Freight, handling or surcharge of a shipment or load"),
    ("invoice", "billing", "Customer invoice for one or more orders or shipments"),
    ("freight_invoice", "tms", "What a carrier bills for a load"),
    ("credit_note", "billing", "Money back to the customer"),
    ("payment", "finance", "Money that the customer paid"),
    ("accrual", "finance", "Cost or revenue booked before its document"),
    ("return", "wms", "Goods coming back"),
    ("inventory_movement", "wms", "An adjustment or transfer of stock"),
    ("goods_receipt", "wms", "Inbound goods"),
    ("customer", "erp", "Master data: who buys"),
    ("item", "erp", "Master data: what is sold"),
    ("location", "erp", "Master data: where"),
    ("carrier", "erp", "Master data: who carries"),
    ("message", "integration", "A message of the middleware, where it names no business object"),
];

/// What the source of an act by a person or a rule begins with: `person/anna`, `rule/assign`. No sender may call itself so.
pub const ACTORS: [&str; 2] = ["person", "rule"];

/// Names of the object types, in the order of `OBJECTS`.
pub const OBJECT_TYPES: &[&str] = &{
    let mut names = [""; OBJECTS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = OBJECTS[i].0;
        i += 1;
    }
    names
};

/// An attribute of the `biz` namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// `<type>` and `<field>` stand for any object type and any name.
    pub name: &'static str,
    /// In the words of OpenTelemetry's semantic conventions.
    pub kind: &'static str,
    /// `required`, `recommended` or `optional`, for a record that is to be an event.
    pub need: &'static str,
    pub meaning: &'static str,
    pub example: &'static str,
}

/// The `biz` namespace: what makes an OTLP log record or span a business event.
pub const ATTRIBUTES: &[Attribute] = &[
    Attribute {
        name: "biz.event.type",
        kind: "string",
        need: "required",
        meaning: "Event type. A log record may say it in its event name instead.",
        example: "shipment.shipped",
    },
    Attribute {
        name: "biz.event.id",
        kind: "string",
        need: "required",
        meaning: "Idempotency key within the source. A span without one gets its trace id and span id.",
        example: "wms-7781",
    },
    Attribute {
        name: "biz.object.type",
        kind: "string",
        need: "required",
        meaning: "Type of the business object.",
        example: "shipment",
    },
    Attribute {
        name: "biz.object.id",
        kind: "string",
        need: "required",
        meaning: "Id of the business object in its own system.",
        example: "SH-88",
    },
    Attribute {
        name: "biz.ref.<type>",
        kind: "string or string[]",
        need: "recommended",
        meaning: "Ids of linked objects of that type.",
        example: "[\"SO-10234\"]",
    },
    Attribute {
        name: "biz.time",
        kind: "string",
        need: "recommended",
        meaning: "Business time with offset. Without it a log record's own time counts, and a span's end.",
        example: "2026-11-22T10:00:00+01:00",
    },
    Attribute {
        name: "biz.source",
        kind: "string",
        need: "recommended",
        meaning: "System instance, on the record or the resource. Else the source of the key, else service.name.",
        example: "wms/east-2",
    },
    Attribute {
        name: "biz.system",
        kind: "string",
        need: "optional",
        meaning: "Kind of system, on the record or the resource. Else the source up to its first slash.",
        example: "wms",
    },
    Attribute {
        name: "biz.schema_version",
        kind: "int",
        need: "optional",
        meaning: "Version of the event type's contract, 1 unless given.",
        example: "1",
    },
    Attribute {
        name: "biz.data",
        kind: "string or map",
        need: "optional",
        meaning: "The event's data as JSON text or map. A log record may carry it as its body instead.",
        example: "{\"carrier\": \"DHL\"}",
    },
    Attribute {
        name: "biz.data.<field>",
        kind: "any",
        need: "optional",
        meaning: "One field of the data. Dots nest, whole numbers count list items, a list or map may be JSON text.",
        example: "biz.data.lines.0.quantity = \"5\"",
    },
];

pub fn is_object_type(name: &str) -> bool {
    OBJECT_TYPES.contains(&name)
}

macro_rules! event_types {
    ($($name:literal, $objects:expr, $system:literal, $meaning:literal;)*) => {
        /// Every event type that Milepost ships a contract for.
        pub const EVENT_TYPES: &[EventName] =
            &[$(EventName { name: $name, objects: &$objects, system: $system, meaning: $meaning },)*];

        /// The shipped contract files, by their names under `contracts/`.
        pub(crate) const CONTRACT_FILES: &[(&str, &str)] = &[
            ("common.json", include_str!("../../contracts/common.json")),
            $((concat!($name, "/v1.json"), include_str!(concat!("../../contracts/", $name, "/v1.json"))),)*
        ];
    };
}

event_types! {
    "order.created", ["order"], "erp", "The sales order exists, with its lines.";
    "order.changed", ["order"], "erp", "Fields or lines of the order changed; what is not named stays.";
    "order.credit_checked", ["order"], "erp", "The customer's credit was checked: approved or held.";
    "order.credit_released", ["order"], "erp", "A credit hold was lifted.";
    "order.released", ["order"], "erp", "The order may be worked on by the warehouse.";
    "order.cancelled", ["order"], "erp", "The order was cancelled as a whole.";
    "order.line_cancelled", ["order"], "erp", "Lines of the order, or parts of them, were cancelled.";
    "invoice.posted", ["invoice"], "erp", "The invoice is in the ledger.";
    "customer.upserted", ["customer"], "erp", "Master data of a customer.";
    "item.upserted", ["item"], "erp", "Master data of an item.";
    "location.upserted", ["location"], "erp", "Master data of a location.";
    "carrier.upserted", ["carrier"], "erp", "Master data of a carrier.";
    "inventory.posted", ["inventory_movement", "goods_receipt"], "erp", "A movement or receipt of stock is in the ledger.";
    "return.announced", ["return"], "erp", "The customer will send goods back.";
    "goods.announced", ["goods_receipt"], "erp", "An inbound delivery was announced.";
    "inventory.allocated", ["order", "shipment", "inventory_movement"], "wms", "Stock was set aside for the order.";
    "inventory.backordered", ["order", "shipment", "inventory_movement"], "wms", "Stock is missing for the order.";
    "shipment.created", ["shipment"], "wms", "The warehouse made a shipment for one or more orders.";
    "pick.completed", ["shipment", "order"], "wms", "The goods were picked.";
    "pack.completed", ["shipment", "order"], "wms", "The goods were packed; a variance says what differs from the pick.";
    "shipment.shipped", ["shipment"], "wms", "The shipment left the warehouse's hands.";
    "shipment.short_shipped", ["shipment"], "wms", "The shipment left with less than was ordered.";
    "return.received", ["return"], "wms", "The goods came back.";
    "return.inspected", ["return"], "wms", "The goods that came back were inspected.";
    "inventory.adjusted", ["inventory_movement"], "wms", "Stock was corrected or moved.";
    "goods.received", ["goods_receipt"], "wms", "Inbound goods arrived.";
    "goods.put_away", ["goods_receipt"], "wms", "Inbound goods are on their shelf.";
    "load.planned", ["load"], "tms", "A transport was planned.";
    "load.tendered", ["load"], "tms", "The transport was offered to a carrier.";
    "load.tender_accepted", ["load"], "tms", "The carrier took the transport.";
    "load.tender_rejected", ["load"], "tms", "The carrier declined the transport.";
    "load.departed", ["load"], "tms", "The transport is on its way.";
    "shipment.departed", ["shipment"], "tms", "The shipment is on its way.";
    "shipment.in_transit", ["shipment"], "tms", "The carrier reported where the shipment is.";
    "shipment.exception", ["shipment"], "tms", "The carrier reported a trouble.";
    "load.delivered", ["load"], "tms", "The transport reached its last stop.";
    "shipment.delivered", ["shipment"], "tms", "The shipment reached the customer.";
    "delivery.pod_received", ["shipment", "load", "order"], "tms", "The proof of delivery is there.";
    "charge.estimated", ["charge", "shipment", "load"], "tms", "What the charge will probably be.";
    "charge.final", ["charge", "shipment", "load"], "tms", "What the charge is.";
    "freight_invoice.received", ["freight_invoice"], "tms", "The carrier's bill arrived.";
    "freight_invoice.matched", ["freight_invoice"], "tms", "The carrier's bill fits the charges.";
    "freight_invoice.approved", ["freight_invoice"], "tms", "The carrier's bill may be paid.";
    "freight_invoice.settled", ["freight_invoice"], "tms", "The carrier's bill was paid.";
    "charge.captured", ["charge", "shipment", "load"], "billing", "Billing knows the charge.";
    "charge.approved", ["charge", "shipment", "load"], "billing", "The charge may be billed.";
    "price.validated", ["invoice", "order", "shipment", "load", "charge", "credit_note"], "billing", "The prices were checked.";
    "tax.determined", ["invoice", "order", "shipment", "load", "charge", "credit_note"], "billing", "The tax is known.";
    "accrual.created", ["accrual"], "finance", "Revenue or cost was accrued.";
    "accrual.reversed", ["accrual"], "finance", "The accrual was taken back.";
    "invoice.triggered", ["invoice", "order", "shipment"], "billing", "Billing was told to make the invoice.";
    "invoice.issued", ["invoice"], "billing", "The invoice went to the customer.";
    "invoice.cancelled", ["invoice"], "billing", "The invoice is void.";
    "credit_note.issued", ["credit_note"], "billing", "The customer gets money back.";
    "payment.received", ["payment", "invoice"], "finance", "The customer paid.";
    "billing.exception", ["invoice", "order", "shipment", "load", "charge", "credit_note"], "billing", "Billing stopped for a reason.";
    "return.settled", ["return"], "billing", "The return was paid back or declined.";
    "message.failed", [], "integration", "Middleware could not validate, transform or deliver a message.";
    "message.retried", [], "integration", "Middleware sent a failed message again.";
    "message.dead_lettered", [], "integration", "Middleware gave a message up.";
    "message.delivered", [], "integration", "Middleware delivered a message after trouble.";
    "event.voided", [], "", "The named event never happened.";
    "event.corrected", [], "", "The named event happened with these fields instead; `replace` may carry `time` and any field of its data.";
    "object.aliased", [], "", "The object has another id in another system.";
}

/// The word of `words` nearest to `text`, when it is near enough to be meant.
pub fn nearest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    words
        .map(|word| (strsim::damerau_levenshtein(text, word), word))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, word)| *distance * 3 <= word.len())
        .map(|(_, word)| word)
}
