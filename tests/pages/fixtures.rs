//! Rows as the store would give them: an order half on its way, a list, a hostile one.

use chrono::{DateTime, Utc};
use milepost::domain::*;
use milepost::store::rows::*;
use milepost_ingest::{ObjectRef, Span, TraceRef};
use rust_decimal::Decimal;

/// 2026-11-22T10:42:07Z
pub const NOW: i64 = 1_795_344_127_000;
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;

/// Texts that try to leave their place (promises.md, B4 and B14).
pub const HOSTILE: [&str; 9] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "<svg onload=alert(1)>",
    "</textarea></title></style>",
    "{{7*7}}",
    "${7*7}",
    "SO\u{202E}1-\u{200B}x",
    "'; DROP TABLE events; --",
];

pub fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap()
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn eur(text: &str) -> Money {
    Money { value: dec(text), currency: "EUR".into() }
}

pub fn event(kind: &str, system: &str, object: (&str, &str), ago: i64, late: i64) -> EventRow {
    EventRow {
        tenant: "acme".into(),
        object_type: object.0.into(),
        object_id: object.1.into(),
        occurred_ms: NOW - ago,
        received_ms: NOW - ago + 900 + late,
        event_id: format!("{system}-{kind}-{ago}"),
        event_type: kind.into(),
        schema_version: 1,
        source: match system {
            "wms" => "wms/east-2".into(),
            other => format!("{other}/main"),
        },
        system: system.into(),
        refs: vec!["order/SO-10234".into()],
        data: "{}".into(),
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".into(),
        payload: 0x1a2b + (ago / MINUTE) as u64,
        ..EventRow::default()
    }
}

pub fn events() -> Vec<EventRow> {
    let so = ("order", "SO-10234");
    let sh = ("shipment", "SH-88");
    let load = ("load", "L-7");
    vec![
        event("order.created", "erp", so, 18 * HOUR + 40 * MINUTE, 0),
        event("order.credit_checked", "erp", so, 18 * HOUR + 31 * MINUTE, 0),
        event("order.released", "erp", so, 18 * HOUR + 12 * MINUTE, 0),
        event("inventory.allocated", "wms", so, 4 * HOUR + 5 * MINUTE, 0),
        event("shipment.created", "wms", sh, 3 * HOUR + 50 * MINUTE, 0),
        event("load.planned", "tms", load, 3 * HOUR + 20 * MINUTE, 0),
        event("load.tendered", "tms", load, 3 * HOUR + 5 * MINUTE, 0),
        event("load.tender_accepted", "tms", load, 2 * HOUR + 40 * MINUTE, 21 * MINUTE),
        event("pick.completed", "wms", sh, HOUR + 22 * MINUTE, 0),
        event("pack.completed", "wms", sh, 51 * MINUTE, 14 * MINUTE),
        event("charge.estimated", "tms", ("charge", "CH-411"), 47 * MINUTE, 0),
    ]
}

fn milestone(key: &str, title: &str, system: &str, reached: Reached, ago: Option<i64>) -> Milestone {
    Milestone {
        key: key.into(),
        title: title.into(),
        system: system.into(),
        optional: key == "pod",
        reached,
        share: if reached == Reached::Part { dec("0.6") } else { Decimal::ONE },
        at: ago.map(|ago| at(NOW - ago)),
        received_at: ago.map(|ago| at(NOW - ago + if key == "packed" { 14 * MINUTE } else { 900 })),
        by: ago.map(|_| system.to_owned()),
        expected_at: None,
        events: vec![],
    }
}

/// A clock that runs around the clock, from and to milliseconds from now.
pub fn sla(policy: &str, title: &str, system: &str, started: i64, due: i64) -> Sla {
    let (started_at, due_at) = (at(NOW + started), at(NOW + due));
    let words = spoken(due_at - started_at);
    Sla {
        policy: policy.into(),
        case: policy.into(),
        why: "the policy for all".into(),
        title: title.into(),
        kind: SlaKind::Duration,
        object: ObjectRef::new("order", "SO-10234"),
        from: "released".into(),
        to: "shipped".into(),
        started_at,
        known_at: started_at,
        warn_at: due_at,
        due_at,
        ended_at: None,
        verdict: Verdict::Open,
        first_known: None,
        breaches: 0,
        system: system.into(),
        standing_since: None,
        waiver: None,
        forecast: None,
        end: None,
        arithmetic: Reckoning::new(&Calendar::always(), started_at, due_at, Vec::new(), words, at(NOW)).unwrap(),
    }
}

pub fn workflow() -> Workflow {
    use Reached::{Full, No, Part};
    let order = ObjectRef::new("order", "SO-10234");
    let shipment = ObjectRef::new("shipment", "SH-88");
    let load = ObjectRef::new("load", "L-7");
    let charge = ObjectRef::new("charge", "CH-411");
    let mut milestones = vec![
        milestone("created", "Created", "erp", Full, Some(18 * HOUR + 40 * MINUTE)),
        milestone("credit_cleared", "Credit cleared", "erp", Full, Some(18 * HOUR + 31 * MINUTE)),
        milestone("released", "Released", "erp", Full, Some(18 * HOUR + 12 * MINUTE)),
        milestone("allocated", "Allocated", "wms", Full, Some(4 * HOUR + 5 * MINUTE)),
        milestone("picked", "Picked", "wms", Full, Some(HOUR + 22 * MINUTE)),
        milestone("packed", "Packed", "wms", Part, Some(51 * MINUTE)),
        milestone("shipped", "Shipped", "wms", No, None),
        milestone("departed", "Departed", "tms", No, None),
        milestone("delivered", "Delivered", "tms", No, None),
        milestone("pod", "Proof of delivery", "tms", No, None),
        milestone("charges_final", "Charges final", "billing", No, None),
        milestone("invoice_ready", "Invoice ready", "billing", No, None),
        milestone("invoiced", "Invoiced", "billing", No, None),
        milestone("posted", "Posted", "erp", No, None),
        milestone("paid", "Paid", "finance", No, None),
    ];
    milestones[6].expected_at = Some(at(NOW + 6 * MINUTE + 12_000));
    milestones[8].expected_at = Some(at(NOW + 26 * HOUR));
    let line = |line: &str, sku: &str, ordered: &str, picked: &str| Line {
        line: line.into(),
        sku: sku.into(),
        unit: "EA".into(),
        price: Some(eur("48")),
        ordered: dec(ordered),
        allocated: dec(ordered),
        picked: dec(picked),
        packed: dec(picked),
        ..Line::default()
    };
    let member = |object: &ObjectRef, depth, state: &str, amount, events, beliefs: Vec<Belief>| Member {
        object: object.clone(),
        aliases: Vec::new(),
        depth,
        state: state.into(),
        amount,
        events,
        last_at: Some(at(NOW - 47 * MINUTE)),
        beliefs,
    };
    let belief =
        |system: &str, state: &str| Belief { system: system.into(), state: state.into(), since: at(NOW - HOUR) };
    Workflow {
        items: Vec::new(),
        stored: Vec::new(),
        definition: "order-to-cash".into(),
        definition_version: 1,
        title: "Order to cash".into(),
        root: order.clone(),
        status: Status::AtRisk,
        stage: "packed".into(),
        stage_number: 6,
        customer: Some("Acme Großhandels- und Vertriebsgesellschaft mbH".into()),
        amount: Some(eur("12480")),
        priority: Some("express".into()),
        warehouse: Some("east-2".into()),
        carrier: Some("DHL Freight".into()),
        lane: Some("Berlin-Kassel".into()),
        created_at: at(NOW - 18 * HOUR - 40 * MINUTE),
        last_event: LastEvent {
            kind: "charge.estimated".into(),
            system: "tms".into(),
            occurred_at: at(NOW - 47 * MINUTE),
            received_at: at(NOW - 47 * MINUTE),
        },
        closed_at: None,
        milestones,
        lines: vec![
            line("10", "AB-77", "200", "200"),
            line("20", "AB-771", "60", "58"),
            line("30", "ZX-1", "12", "12"),
        ],
        objects: vec![
            member(&order, 0, "released", Some(eur("12480")), 4, vec![belief("erp", "released")]),
            member(&shipment, 1, "packed", None, 3, vec![belief("wms", "packed"), belief("tms", "planned")]),
            member(&load, 2, "tender_accepted", None, 3, vec![belief("tms", "tender_accepted")]),
            member(&charge, 3, "estimated", Some(eur("310.5")), 1, vec![belief("tms", "estimated")]),
        ],
        links: vec![
            Link { from: order.clone(), to: shipment.clone() },
            Link { from: shipment.clone(), to: load.clone() },
            Link { from: load, to: charge },
        ],
        slas: vec![
            Sla {
                warn_at: at(NOW - 40 * MINUTE),
                verdict: Verdict::AtRisk,
                ..sla("release-ship", "Released to shipped in 4 h", "wms", -4 * HOUR, 6 * MINUTE + 12_000)
            },
            Sla {
                from: "created".into(),
                to: "released".into(),
                warn_at: at(NOW - 18 * HOUR - 20 * MINUTE),
                ended_at: Some(at(NOW - 18 * HOUR - 12 * MINUTE)),
                verdict: Verdict::Met,
                ..sla(
                    "release",
                    "Created to released in 30 min",
                    "erp",
                    -(18 * HOUR + 40 * MINUTE),
                    -(18 * HOUR + 10 * MINUTE),
                )
            },
            Sla {
                from: String::new(),
                to: "delivered".into(),
                warn_at: at(NOW + 20 * HOUR),
                ..sla("promise", "Delivered as promised", "tms", -(18 * HOUR + 40 * MINUTE), 26 * HOUR)
            },
        ],
        exceptions: vec![Exception {
            id: "00c0ffee00c0ffee".into(),
            kind: "packing_variance".into(),
            object: shipment,
            detail: "Line 20: 58 of 60 EA packed.".into(),
            since: at(NOW - 51 * MINUTE),
            system: "wms".into(),
            blocking: false,
            known_at: at(NOW - 51 * MINUTE),
            cured: None,
        }],
        cured: vec![],
        discrepancies: Vec::new(),
        readiness: Readiness {
            proof_required: true,
            state: ReadinessState::NotDue,
            reasons: vec![Check {
                code: "not_delivered".to_owned(),
                group: "goods".to_owned(),
                title: "Delivered".to_owned(),
                outcome: Outcome::Waits,
                detail: "Not delivered yet".to_owned(),
                since: None,
                system: "tms".to_owned(),
                next_step: "Wait for the carrier's delivery report".to_owned(),
                evidence: Vec::new(),
            }],
            policy: "complete".to_owned(),
            units: Vec::new(),
            wakes_at: None,
            since: None,
        },
        blocked_by: Some(Blocked {
            what: "Ship confirmation missing".into(),
            code: "waiting".into(),
            who: "wms".into(),
            by_when: Some(at(NOW + 6 * MINUTE + 12_000)),
            since: at(NOW - 51 * MINUTE),
        }),
        activity: vec![Activity {
            id: "a1".into(),
            at: at(NOW - 20 * MINUTE),
            by: "person/Anna <b>".into(),
            kind: "object.commented".into(),
            object: order.clone(),
            data: [("text".to_owned(), "Called the warehouse".into())].into_iter().collect(),
        }],
        wakes_at: None,
        as_of: at(NOW),
    }
}

pub fn spans() -> Vec<SpanRow> {
    let span =
        |id: &str, parent: &str, name: &str, service: &str, system: &str, start_ms: i64, took_ms: i64, status: u8| {
            SpanRow {
                tenant: "acme".into(),
                received_ms: NOW,
                payload: 0x77,
                span: Span {
                    trace: TraceRef { trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".into(), span_id: id.into() },
                    parent_span_id: parent.into(),
                    name: name.into(),
                    kind: 2,
                    service: service.into(),
                    source: service.into(),
                    system: system.into(),
                    start_ns: ((NOW - HOUR + start_ms) * 1_000_000) as u64,
                    end_ns: ((NOW - HOUR + start_ms + took_ms) * 1_000_000) as u64,
                    status,
                    status_message: if status == 2 { "timeout after 2000 ms".into() } else { String::new() },
                    object: Some(ObjectRef::new("shipment", "SH-88")),
                    attributes: vec![
                        ("http.request.method".into(), "POST".into()),
                        ("server.address".into(), "tms.internal".into()),
                    ],
                    events: String::new(),
                    index: 0,
                },
            }
        };
    vec![
        span("a1", "", "publish shipment.packed", "wms-gateway", "wms", 0, 2410, 0),
        span("b2", "a1", "map to TMS booking", "middleware", "middleware", 40, 120, 0),
        span("c3", "a1", "POST /bookings", "middleware", "middleware", 170, 2000, 2),
        span("d4", "a1", "POST /bookings (retry)", "middleware", "middleware", 2190, 210, 0),
        span("e5", "d4", "create booking", "tms-api", "tms", 2220, 160, 0),
    ]
}

pub fn list() -> Vec<WorkflowRow> {
    let customers = [
        "Acme GmbH",
        "Nordwind Handels AG",
        "Großküchentechnik Süddeutschland GmbH & Co. KG",
        "شركة الخليج للتجارة",
        "Baltic Foods",
        "Contoso Retail",
    ];
    let stages = [
        ("released", "Released", 3, "Allocated", "wms"),
        ("picked", "Picked", 5, "Packed", "wms"),
        ("shipped", "Shipped", 7, "Departed", "tms"),
        ("delivered", "Delivered", 9, "Proof of delivery", "tms"),
        ("charges_final", "Charges final", 11, "Invoiced", "billing"),
    ];
    (0..50)
        .map(|n: i64| {
            let (stage, stage_title, number, next, system) = stages[(n * 7 % 5) as usize];
            let status = match n {
                0..=2 => "breached",
                3..=7 => "at_risk",
                8..=10 => "blocked",
                47.. => "done",
                _ => "on_track",
            };
            let due = match n {
                0..=2 => NOW - (3 - n) * HOUR - 10 * MINUTE,
                3 => NOW + 6 * MINUTE + 12_000,
                _ => NOW + (n - 2) * 23 * MINUTE,
            };
            WorkflowRow {
                tenant: "acme".into(),
                definition: "order-to-cash".into(),
                definition_version: 1,
                root_type: "order".into(),
                root_id: format!("SO-{}", 10_200 + n * 7),
                status: status.into(),
                stage: stage.into(),
                stage_title: stage_title.into(),
                stage_number: number,
                stage_count: 15,
                next: next.to_lowercase(),
                next_title: next.into(),
                waiting_for: system.into(),
                customer: customers[(n % 6) as usize].into(),
                amount: Some(i128::from(n + 1) * 1_734_500_000),
                currency: if n % 9 == 4 { "USD".into() } else { "EUR".into() },
                created_ms: NOW - (n + 4) * 3 * HOUR,
                updated_ms: NOW - n * MINUTE,
                closed: status == "done",
                last_type: "pick.completed".into(),
                last_system: system.into(),
                last_ms: NOW - n * 3 * MINUTE - 7000,
                due_ms: Some(due),
                warn_ms: Some(due - 45 * MINUTE - if n < 8 { 10 * HOUR } else { 0 }),
                sla: "Released to shipped in 4 h".into(),
                blocked_what: if status == "blocked" { "Credit hold".into() } else { String::new() },
                exceptions: vec![],
                readiness: "not_due".into(),
                ..WorkflowRow::default()
            }
        })
        .collect()
}
