//! A running engine with a database of its own, and something for every table with the odd case in each kind of column.

use milepost::engine::{Engine, Settings};
use milepost::store::replays::{EditRow, HealedRow, ReplayItemRow, ReplayRow};
use milepost::store::rows::*;
use milepost::store::{Retention, Store};
use milepost_ingest::{Log, ObjectRef, Point, Span, TraceRef};

pub const NOW: i64 = 1_790_000_000_000;
pub const MINUTE: i64 = 60_000;

/// A running engine with a migrated database of its own.
pub struct House {
    pub store: Store,
    pub client: clickhouse::Client,
    // Last, so that the connections are closed before the engine waits for them.
    pub _engine: Engine,
    pub _dir: tempfile::TempDir,
}

pub async fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(Settings {
        dir: dir.path().join("clickhouse"),
        program: Some(env!("CARGO_BIN_EXE_milepost").into()),
        memory_bytes: 1_000_000_000,
        stop_ms: 500,
        ..Settings::default()
    })
    .await
    .unwrap();
    let store = store(&engine);
    // The seed is as old as its constants say.
    store.migrate().await.unwrap();
    let client = clickhouse::Client::default()
        .with_url(engine.url())
        .with_user(engine.user())
        .with_password(engine.password())
        .with_database("milepost_test");
    House { store, client, _engine: engine, _dir: dir }
}

fn store(engine: &Engine) -> Store {
    Store::new(engine.url(), engine.user(), engine.password(), "milepost_test").with_retention(Retention::FOREVER)
}

impl House {
    /// The same database, as a server sees it that has just started.
    pub fn started_anew(&self) -> Store {
        store(&self._engine)
    }

    pub async fn count(&self, table: &str) -> u64 {
        self.client.query(&format!("SELECT count() FROM {table}")).fetch_one().await.unwrap()
    }
}

pub const HOSTILE: &str = "'; DROP TABLE events; --\\ \t\n\r\u{0}?fields {x:String} ü <script>";

pub fn event(n: i64) -> EventRow {
    EventRow {
        tenant: "acme".into(),
        object_type: "order".into(),
        object_id: "SO-1".into(),
        occurred_ms: NOW - n * MINUTE,
        offset_minutes: -330,
        received_ms: NOW - n * MINUTE + 500,
        event_id: format!("e{n}"),
        event_type: "order.created".into(),
        schema_version: 1,
        source: "erp/main".into(),
        system: "erp".into(),
        refs: vec!["shipment/SH-1".into(), "invoice/I/1".into()],
        data: format!("{{\"note\":{HOSTILE:?}}}"),
        trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
        span_id: "b7ad6b7169203331".into(),
        payload: 7,
        index: u32::try_from(n).unwrap(),
        key_id: "k1".into(),
        content: u64::MAX - n as u64,
    }
}

pub fn workflow(n: u32) -> WorkflowRow {
    let (status, stage) = [("breached", "shipped"), ("on_track", "created"), ("done", "paid")][n as usize % 3];
    WorkflowRow {
        tenant: "acme".into(),
        definition: "order-to-cash".into(),
        definition_version: 2,
        root_type: "order".into(),
        root_id: format!("SO-{n}"),
        status: status.into(),
        stage: stage.into(),
        stage_title: stage.to_uppercase(),
        stage_number: 7,
        stage_count: 16,
        next: "delivered".into(),
        next_title: "Delivered".into(),
        waiting_for: ["tms", "wms"][n as usize % 2].into(),
        customer: if n == 1 { HOSTILE.into() } else { format!("Customer {}", n % 4) },
        amount: (n != 2).then_some(i128::from(n) * 1_234_567 - 5_000_000),
        currency: "EUR".into(),
        priority: "high".into(),
        warehouse: "east".into(),
        carrier: "DHL".into(),
        created_ms: NOW - i64::from(n) * MINUTE,
        updated_ms: NOW - i64::from(n % 5) * MINUTE,
        closed: status == "done",
        last_type: "order.released".into(),
        last_system: "erp".into(),
        last_ms: NOW,
        due_ms: (!n.is_multiple_of(4)).then_some(NOW + i64::from(n % 7) * MINUTE),
        warn_ms: (!n.is_multiple_of(4)).then_some(NOW),
        sla: "ship-promise".into(),
        blocked_code: "credit_hold".into(),
        blocked_what: "Credit hold.".into(),
        exceptions: if n % 3 == 2 { vec![] } else { vec!["credit_hold".into(), "backorder".into()] },
        readiness: "not_due".into(),
        members: vec![format!("order/SO-{n}"), format!("shipment/SH/{n}")],
        wakes_ms: n.is_multiple_of(2).then_some(NOW + MINUTE),
        mark: u64::from(n) << 40,
        version: 10 + u64::from(n),
    }
}

pub fn sla(n: u32) -> SlaRow {
    let verdict = ["breached", "open", "met", "met_late", "at_risk", "waived"][n as usize % 6];
    let open = matches!(verdict, "breached" | "open" | "at_risk");
    let due_ms = NOW + (i64::from(n) - 30) * MINUTE;
    SlaRow {
        tenant: "acme".into(),
        root_type: "order".into(),
        root_id: format!("SO-{n}"),
        definition: "order-to-cash".into(),
        policy: "order-release".into(),
        object_type: "order".into(),
        object_id: format!("SO-{n}"),
        variant: "order-release-vip".into(),
        kind: "duration".into(),
        title: "Order release".into(),
        why: format!("applies to customer {HOSTILE}"),
        from_step: "created".into(),
        to_step: "released".into(),
        system: "erp".into(),
        customer: if n == 1 { HOSTILE.into() } else { format!("Customer {}", n % 4) },
        warehouse: "east".into(),
        carrier: "DHL".into(),
        lane: "BER-KAS".into(),
        priority: "high".into(),
        amount: (n != 2).then_some(i128::from(n) * 1_234_567),
        currency: "EUR".into(),
        calendar: "always".into(),
        started_ms: due_ms - 30 * MINUTE,
        known_ms: due_ms - 29 * MINUTE,
        limit_ms: 20 * MINUTE,
        paused_ms: 10 * MINUTE,
        pauses: if n.is_multiple_of(2) { vec![due_ms - 20 * MINUTE, due_ms - 10 * MINUTE] } else { vec![] },
        paused_since_ms: (n == 4).then_some(NOW),
        warn_ms: due_ms - MINUTE,
        due_ms,
        ended_ms: (!open).then_some(due_ms + if verdict == "met" { -MINUTE } else { MINUTE }),
        verdict: verdict.into(),
        first_verdict: if verdict == "met" { "met".into() } else { "breached".into() },
        open,
        breaches: u32::from(verdict != "met"),
        detected_ms: (verdict == "breached").then_some(due_ms + 5),
        detected_late: n == 6,
        cause: if verdict == "met" { String::new() } else { "credit_hold".into() },
        forecast_ms: (n == 7).then_some(due_ms + MINUTE),
        forecast_n: n,
        waived_by: if verdict == "waived" { "person/anna".into() } else { String::new() },
        waived_reason: HOSTILE.into(),
        mark: u64::MAX - u64::from(n),
        version: 10 + u64::from(n),
    }
}

pub fn path(n: u32) -> PathRow {
    let created_ms = NOW - i64::from(n) * 60 * MINUTE;
    PathRow {
        tenant: "acme".into(),
        definition: "order-to-cash".into(),
        root_type: "order".into(),
        root_id: format!("SO-{n}"),
        customer: "Acme".into(),
        warehouse: "east".into(),
        carrier: "DHL".into(),
        lane: "BER-KAS".into(),
        priority: String::new(),
        created_ms,
        closed: n.is_multiple_of(2),
        steps: ["created", "released", "shipped"].map(str::to_owned).into(),
        times: vec![created_ms, created_ms + 5 * MINUTE, created_ms + i64::from(30 + n) * MINUTE],
        delivered_ms: created_ms + i64::from(30 + n) * MINUTE,
        proved_ms: created_ms + i64::from(40 + n) * MINUTE,
        ready_ms: 0,
        invoiced_ms: if n.is_multiple_of(3) { created_ms + i64::from(60 + n) * MINUTE } else { 0 },
        paid_ms: 0,
        amount: Some(1_000_000 * i128::from(n)),
        currency: if n.is_multiple_of(5) { "USD".into() } else { "EUR".into() },
        cancelled: false,
        promise: if n.is_multiple_of(4) { "late".into() } else { "kept".into() },
        version: u64::from(n),
    }
}

pub fn exception(n: u32) -> ExceptionRow {
    let closed = n % 4 == 3;
    let state = ["open", "acknowledged", "snoozed", "closed"][n as usize % 4];
    ExceptionRow {
        tenant: "acme".into(),
        id: format!("{:016x}", u64::from(n) * 0x0123_4567_89ab),
        kind: ["sla_breached", "credit_hold", "source_silent"][n as usize % 3].into(),
        severity: ["critical", "warning", "info"][n as usize % 3].into(),
        object_type: "order".into(),
        object_id: format!("SO-{n}"),
        root_type: "order".into(),
        root_id: format!("SO-{n}"),
        detail: if n == 1 { HOSTILE.into() } else { "On credit hold".into() },
        system: ["erp", "wms"][n as usize % 2].into(),
        feeds: if n.is_multiple_of(2) { vec!["erp/main".into()] } else { vec![] },
        blocking: n.is_multiple_of(5),
        since_ms: NOW - i64::from(n % 7) * MINUTE,
        known_ms: NOW - i64::from(n % 5) * MINUTE,
        state: state.into(),
        closed,
        closed_ms: closed.then_some(NOW),
        closed_by: if closed { "erp/main e1".into() } else { String::new() },
        closed_kind: if closed { "order.released".into() } else { String::new() },
        occurrence: 1 + n % 2,
        owner: ["", "Anna"][n as usize % 2].into(),
        team: "operations".into(),
        reason: String::new(),
        comments: n,
        until_ms: (state == "snoozed").then_some(NOW + MINUTE),
        acknowledge_by_ms: Some(NOW + MINUTE),
        resolve_by_ms: (!n.is_multiple_of(6)).then_some(NOW + i64::from(n % 3) * MINUTE),
        customer: format!("Customer {}", n % 4),
        warehouse: "east".into(),
        carrier: "DHL".into(),
        orders: 1 + n % 3,
        customers: 1,
        amount: (n != 2).then_some(i128::from(n) * 1_234_567_890),
        currency: if n == 2 { String::new() } else { "EUR".into() },
        money: vec!["12.50 EUR".into()],
        mark: u64::from(n),
        version: 5 + u64::from(n),
    }
}

pub fn alert() -> AlertRow {
    AlertRow {
        tenant: "acme".into(),
        key: "k1".into(),
        route: "late".into(),
        title: HOSTILE.into(),
        severity: "critical".into(),
        state: "firing".into(),
        round: 2,
        opened_ms: NOW - MINUTE,
        changed_ms: NOW,
        exceptions: 3,
        told: "[]".into(),
        version: 3,
    }
}

pub fn delivery(n: u32) -> DeliveryRow {
    DeliveryRow {
        tenant: "acme".into(),
        id: if n == 1 { exception(1).id } else { format!("msg_{n}") },
        alert: "k1-2".into(),
        receiver: "ops".into(),
        channel: "email".into(),
        action: "trigger".into(),
        subject: HOSTILE.into(),
        state: ["waiting", "sent", "failed"][n as usize % 3].into(),
        attempts: n,
        created_ms: NOW - i64::from(n) * MINUTE,
        tried_ms: NOW,
        next_ms: NOW + MINUTE,
        answer: "250 OK".into(),
        notice: "{}".into(),
        version: 1,
    }
}

pub fn object(kind: &str, id: &str, held: bool, version: u64) -> ObjectRow {
    ObjectRow {
        same_as: String::new(),
        aliases: vec![],
        tenant: "acme".into(),
        object_type: kind.into(),
        object_id: id.into(),
        state: "created".into(),
        events: 3,
        first_ms: NOW - 9 * MINUTE,
        last_ms: NOW,
        last_type: "order.created".into(),
        last_source: "erp/main".into(),
        last_system: "erp".into(),
        held,
        held_since_ms: if held { NOW - 5 * MINUTE } else { 0 },
        waits_for: if held { "order/SO-9".into() } else { String::new() },
        links: vec!["shipment/SH-1".into()],
        workflows: if held { vec![] } else { vec!["order/SO-1".into()] },
        version,
    }
}

pub fn failure(index: u32) -> FailureRow {
    FailureRow {
        tenant: "acme".into(),
        payload: 8,
        index,
        received_ms: NOW - MINUTE,
        stage: "validate".into(),
        code: "missing_field".into(),
        pointer: format!("/data/lines/{index}/quantity"),
        expected: "a decimal".into(),
        found: HOSTILE.into(),
        detail: "The quantity is missing.".into(),
        fingerprint: u64::MAX - 1,
        source: "wms/east".into(),
        event_type: "shipment.shipped".into(),
        event_id: "w1".into(),
        schema_version: 1,
        object_type: "shipment".into(),
        object_id: format!("SH-{index}"),
        offset: -1,
        attempts: 3,
        target: "erp/orders".into(),
        step: "post *".into(),
        trace_id: trace().trace_id,
    }
}

pub fn failure_group() -> FailureGroupRow {
    FailureGroupRow {
        tenant: "acme".into(),
        group_id: u64::MAX - 1,
        fingerprints: vec![u64::MAX - 1, 7],
        stage: "validate".into(),
        code: "missing_field".into(),
        pointer: "/data/lines/0/quantity".into(),
        expected: "a decimal".into(),
        found: HOSTILE.into(),
        detail: "The quantity is missing.".into(),
        step: String::new(),
        target: "erp/orders".into(),
        source: "wms/east".into(),
        sources: vec!["wms/east".into(), "erp/main".into()],
        event_types: vec!["shipment.shipped".into(), "order.created".into()],
        count: 3,
        last_hour: 3,
        hours: (0..24).collect(),
        objects: 3,
        orders: 1,
        workflows: 1,
        customers: 1,
        breached: 1,
        at_risk: 0,
        money: vec!["12.500000 EUR".into()],
        example_payload: 8,
        example_index: 2,
        first_ms: NOW - MINUTE,
        last_ms: NOW - MINUTE,
        mended: 1,
        as_of_ms: NOW,
        version: 1,
    }
}

pub fn minute(n: i64, form: &str) -> SourceMinuteRow {
    SourceMinuteRow {
        tenant: "acme".into(),
        source: "erp/main".into(),
        system: "erp".into(),
        form: form.into(),
        minute_ms: (NOW - n * MINUTE) / MINUTE * MINUTE,
        events: 10,
        records: 12,
        duplicates: 1,
        refused: 2,
        errors: 0,
        bytes: 1000,
        lag_sum_ms: 5000,
        lag_max_ms: 900 + n,
        last_ms: NOW - n * MINUTE,
        contracts: vec!["order.created@1".into()],
        lags: vec![(size_of(200), 8), (size_of(60_000), 2)],
        late: 2,
        ahead: 1,
        ahead_max_ms: 7_000,
    }
}

pub fn call(n: i64) -> DependencyMinuteRow {
    DependencyMinuteRow {
        tenant: "acme".into(),
        dependency: "ledger".into(),
        minute_ms: (NOW - n * MINUTE) / MINUTE * MINUTE,
        source: "billing/eu".into(),
        calls: 100,
        errors: 7,
        took: vec![(size_of(40), 94), (size_of(2_000), 6)],
        took_max_ms: 2_100,
        last_ms: NOW - n * MINUTE,
    }
}

pub fn trace() -> TraceRef {
    TraceRef { trace_id: "0af7651916cd43dd8448eb211c80319c".into(), span_id: "b7ad6b7169203331".into() }
}

pub fn attributes() -> Vec<(String, String)> {
    vec![
        ("resource.service.name".into(), "wms".into()),
        ("resource.service.version".into(), "1.4.2".into()),
        ("note".into(), HOSTILE.into()),
    ]
}

pub fn span() -> SpanRow {
    let span = Span {
        trace: trace(),
        parent_span_id: String::new(),
        name: "POST /ship".into(),
        kind: 2,
        service: "wms".into(),
        source: "wms/east".into(),
        system: "wms".into(),
        start_ns: NOW as u64 * 1_000_000 + 1,
        end_ns: NOW as u64 * 1_000_000 + 5,
        status: 2,
        status_message: "timeout".into(),
        object: Some(ObjectRef::new("shipment", "SH-1")),
        attributes: attributes(),
        events: "[]".into(),
        index: 0,
    };
    SpanRow { tenant: "acme".into(), received_ms: NOW, payload: 9, span }
}

pub fn log() -> LogRow {
    let log = Log {
        trace: trace(),
        time_ns: NOW as u64 * 1_000_000,
        severity: 17,
        service: "wms".into(),
        source: "wms/east".into(),
        body: HOSTILE.into(),
        object: None,
        attributes: attributes(),
    };
    LogRow { tenant: "acme".into(), received_ms: NOW, payload: 9, log }
}

pub fn point() -> PointRow {
    let point = Point {
        name: "queue.depth".into(),
        unit: "1".into(),
        kind: "histogram",
        service: "wms".into(),
        source: "wms/east".into(),
        time_ns: NOW as u64 * 1_000_000,
        value: 2.5,
        count: 4,
        bounds: vec![1.0, 2.0],
        buckets: vec![1.0, 2.0, 1.0],
        attributes: attributes(),
    };
    PointRow { tenant: "acme".into(), received_ms: NOW, point }
}

pub fn payload() -> PayloadRow {
    PayloadRow {
        tenant: "acme".into(),
        payload: 7,
        received_ms: NOW,
        form: "json".into(),
        source: "erp/main".into(),
        key_id: "k1".into(),
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("x-a".into(), "1".into()),
            ("x-a".into(), "2".into()),
        ],
        body: vec![0, 159, 146, 150, 0xff, b'{'],
        events: 2,
        refused: 1,
        rules: "0123456789ab.cdef01234567".into(),
    }
}

/// The longest delivered first; the last was never delivered, and has no known amount.
pub fn readiness(n: u64) -> ReadinessRow {
    ReadinessRow {
        tenant: "acme".into(),
        root_type: "order".into(),
        root_id: format!("SO-{}", n / 2),
        object_type: "shipment".into(),
        object_id: format!("SH-{n}"),
        is_rest: n == 6,
        state: ["ready", "blocked", "not_due"][n as usize % 3].into(),
        reasons: if n.is_multiple_of(3) { vec![] } else { vec!["pod_missing".into(), "charges_open".into()] },
        why: "[]".into(),
        system: "tms".into(),
        next_step: "Ask".into(),
        customer: if n < 4 { "Müller".into() } else { "Globex".into() },
        carrier: "dhl".into(),
        warehouse: "HAM-1".into(),
        amount: (n != 6).then_some(12_345_678 + i128::from(n)),
        currency: ["EUR", "JPY"][n as usize % 2].into(),
        billed: Some(0),
        remaining: Some(i128::from(n) << 80),
        since_ms: Some(NOW),
        delivered_ms: (n != 6).then_some(NOW - (6 - n as i64) * 4 * 86_400_000),
        proof_ms: None,
        invoiced_ms: None,
        mark: n,
        version: 20 + n,
    }
}

pub fn reconciliation(n: u64) -> ReconciliationRow {
    ReconciliationRow {
        tenant: "acme".into(),
        root_type: "order".into(),
        root_id: format!("SO-{n}"),
        kind: ["price_mismatch", "freight"][n as usize % 2].into(),
        object_type: "invoice".into(),
        object_id: format!("INV-{n}"),
        line: "10".into(),
        state: if n == 3 { "matched".into() } else { "open".into() },
        detail: "differs".into(),
        expected: "1.000000000001".into(),
        found: "-2".into(),
        unit: "EA".into(),
        value: (n != 5).then_some(-1_500_000),
        currency: "EUR".into(),
        figures: vec!["estimate 1.50 EUR".into()],
        since_ms: NOW + n as i64,
        system: "billing".into(),
        customer: "Müller".into(),
        carrier: String::new(),
        evidence: "[]".into(),
        mark: n,
        version: 30 + n,
    }
}

/// Something in every table, with the odd case in each kind of column.
pub fn seed() -> Batch {
    Batch {
        token: "seed".into(),
        events: (0..5).map(event).collect(),
        payloads: vec![payload(), PayloadRow { payload: 8, headers: vec![], body: vec![], ..payload() }],
        failures: (0..3).map(failure).collect(),
        failure_groups: vec![failure_group()],
        objects: vec![
            object("order", "SO-1", false, 1),
            object("shipment", "SH-7", true, 2),
            ObjectRow { waits_for: "order".into(), ..object("shipment", "SH-8", true, 3) },
            object("shipment", "SH/1", false, 4),
            object("order", "SO-2", false, 5),
        ],
        workflows: (0..100).map(workflow).collect(),
        slas: (0..100).map(sla).collect(),
        paths: (0..100).map(path).collect(),
        exceptions: (0..60).map(exception).collect(),
        readiness: (0..7).map(readiness).collect(),
        reconciliation: (0..7).map(reconciliation).collect(),
        alerts: vec![alert()],
        deliveries: (0..3).map(delivery).collect(),
        spans: vec![span(), SpanRow { span: Span { object: None, attributes: vec![], ..span().span }, ..span() }],
        logs: vec![log()],
        points: vec![point()],
        source_minutes: vec![
            minute(0, "events/json"),
            minute(3, "events/json"),
            minute(30, "otlp/logs"),
            minute(600, "events/json"),
            // This hour of yesterday.
            minute(24 * 60 + 5, "events/json"),
        ],
        dependency_minutes: vec![call(1), call(2), call(200)],
    }
}

pub fn replay() -> ReplayRow {
    ReplayRow {
        tenant: "acme".into(),
        id: "r1".into(),
        kind: "replay".into(),
        state: "running".into(),
        through: "pipeline".into(),
        reason: HOSTILE.into(),
        options: r#"{"asked": "k/0"}"#.into(),
        selection: u64::MAX,
        count: 1,
        created_ms: NOW,
        version: 1,
        ..ReplayRow::default()
    }
}

pub fn replay_item() -> ReplayItemRow {
    ReplayItemRow {
        tenant: "acme".into(),
        replay: "r1".into(),
        payload: 8,
        record: 1,
        state: "proven".into(),
        detail: HOSTILE.into(),
        sent_ms: NOW,
        version: 1,
        ..ReplayItemRow::default()
    }
}

/// A call to another system about the order that the rest is about.
pub fn action() -> ReplayRow {
    ReplayRow { id: "a1".into(), kind: "action".into(), state: "finished".into(), selection: 5, ..replay() }
}

pub fn action_item() -> ReplayItemRow {
    ReplayItemRow {
        replay: "a1".into(),
        payload: 0,
        object_type: "order".into(),
        object_id: "SO-1".into(),
        body: "{}".into(),
        ..replay_item()
    }
}

pub fn payload_edit() -> EditRow {
    EditRow {
        tenant: "acme".into(),
        payload: 8,
        record: 1,
        id: "ed1".into(),
        body: vec![0xff, 0],
        by: "person/anna".into(),
        made_ms: NOW,
        problems: "[]".into(),
        rules: "0123456789ab.cdef01234567".into(),
    }
}

/// One of each table of replays.
pub async fn replays(store: &Store) {
    store.write_replay(&replay()).await.unwrap();
    store.write_replay(&action()).await.unwrap();
    store.write_replay_items(&[action_item()]).await.unwrap();
    store.write_replay_items(&[replay_item()]).await.unwrap();
    // Sent elsewhere without a business object, and without effect.
    let silent =
        ReplayItemRow { replay: "r2".into(), payload: 7, state: "no_effect".into(), settled_ms: NOW, ..replay_item() };
    store.write_replay_items(&[silent]).await.unwrap();
    store.write_edit(&payload_edit()).await.unwrap();
    let healed =
        HealedRow { tenant: "acme".into(), payload: 8, record: 1, fingerprint: 1, replay: "r1".into(), healed_ms: NOW };
    store.write_healed(&[healed]).await.unwrap();
    let mended = FailureGroupRow { group_id: 1, fingerprints: vec![1], ..failure_group() };
    let batch = Batch { token: "mended".into(), failure_groups: vec![mended], ..Batch::default() };
    store.write(&batch).await.unwrap();
}
