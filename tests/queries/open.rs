//! What a store keeps in memory of everything open, against what the database says of the same.

use milepost::store::rows::*;
use milepost::store::{
    Cursor, Days, ExceptionFilter, ExceptionSort, Muting, ReadinessFilter, SlaFilter, Sort, Store, Whose,
    WorkflowFilter,
};
use milepost_ingest::ObjectRef;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::seed::*;

const DAY: i64 = 24 * 60 * MINUTE;

/// A history that nobody planned: a few names, whose rows come and go.
struct History {
    dice: StdRng,
    version: u64,
    now_ms: i64,
}

impl History {
    fn pick(&mut self, from: &[&str]) -> String {
        from[self.dice.random_range(0..from.len())].to_owned()
    }

    fn some(&mut self, from: &[&str]) -> Vec<String> {
        let some: Vec<bool> = from.iter().map(|_| self.dice.random_ratio(1, 3)).collect();
        from.iter().zip(some).filter(|(_, taken)| *taken).map(|(word, _)| (*word).to_owned()).collect()
    }

    fn tenant(&mut self) -> String {
        self.pick(&["acme", "acme", "acme", "zenith"])
    }

    fn name(&mut self) -> String {
        format!("SO-{}", self.dice.random_range(0..40))
    }

    fn ms(&mut self) -> i64 {
        // Few, so that many are the same.
        NOW + self.dice.random_range(-20..20) * DAY
    }

    /// The board tells of the days around now.
    fn lately(&mut self) -> i64 {
        self.now_ms + self.dice.random_range(-120..60) * DAY / 10
    }

    fn amount(&mut self) -> Option<i128> {
        let amounts = [None, Some(0), Some(-1_500_000), Some(12_345_678), Some(10_i128.pow(37))];
        amounts[self.dice.random_range(0..amounts.len())]
    }

    fn next(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    fn workflow(&mut self) -> WorkflowRow {
        let status = self.pick(&["breached", "at_risk", "blocked", "on_track", "on_track", "done", "cancelled"]);
        let stage = self.pick(&["", "created", "released", "shipped"]);
        WorkflowRow {
            tenant: self.tenant(),
            root_id: self.name(),
            root_type: self.pick(&["order", "load"]),
            definition: self.pick(&["order-to-cash", "returns"]),
            stage_title: stage.to_uppercase(),
            stage_number: u8::try_from(stage.len()).unwrap(),
            closed: status == "done" || status == "cancelled",
            status,
            stage,
            waiting_for: self.pick(&["", "wms", "tms"]),
            customer: self.pick(&["", "Nordwind", "Ümlaut & Söhne", HOSTILE]),
            amount: self.amount(),
            currency: self.pick(&["", "EUR", "USD"]),
            warehouse: self.pick(&["", "east"]),
            carrier: self.pick(&["", "DHL", "UPS"]),
            created_ms: self.ms(),
            updated_ms: self.ms(),
            due_ms: self.dice.random_ratio(2, 3).then_some(0).map(|_| self.ms()),
            exceptions: self.some(&["credit_hold", "backorder", "sla_breached"]),
            readiness: self.pick(&["not_due", "ready", "blocked"]),
            version: self.next(),
            ..workflow(0)
        }
    }

    fn exception(&mut self) -> ExceptionRow {
        let state = self.pick(&["open", "open", "acknowledged", "snoozed", "waived", "closed"]);
        ExceptionRow {
            tenant: self.tenant(),
            id: format!("{:016x}", self.dice.random_range(0..40_u64)),
            root_type: "order".into(),
            root_id: self.name(),
            kind: self.pick(&["sla_breached", "sla_at_risk", "credit_hold"]),
            severity: self.pick(&["critical", "warning", "info"]),
            closed: state == "closed",
            state,
            system: self.pick(&["", "wms", "tms"]),
            feeds: self.some(&["wms/east", "tms/main"]),
            // No two have been so equally long.
            since_ms: self.ms() + i64::try_from(self.version).unwrap(),
            known_ms: self.ms(),
            owner: self.pick(&["", "mia", "tom"]),
            team: self.pick(&["", "day"]),
            reason: self.pick(&["", "carrier_late"]),
            resolve_by_ms: self.dice.random_ratio(1, 2).then_some(0).map(|_| self.ms()),
            customer: self.pick(&["", "Nordwind"]),
            warehouse: self.pick(&["", "east"]),
            carrier: self.pick(&["", "DHL"]),
            orders: self.dice.random_range(0..4),
            amount: self.amount(),
            currency: self.pick(&["", "EUR", "USD"]),
            version: self.next(),
            ..exception(1)
        }
    }

    fn clock(&mut self) -> SlaRow {
        let verdict = self.pick(&["open", "at_risk", "breached", "met", "met", "met_late", "cancelled", "gone"]);
        let open = ["open", "at_risk", "breached"].contains(&verdict.as_str());
        let root_id = self.name();
        let shipment = self.dice.random_ratio(1, 3);
        SlaRow {
            tenant: self.tenant(),
            root_type: "order".into(),
            object_type: if shipment { "shipment" } else { "order" }.into(),
            object_id: if shipment { "SH-1".into() } else { root_id.clone() },
            root_id,
            definition: "order-to-cash".into(),
            policy: self.pick(&["order-release", "promised-ship"]),
            kind: self.pick(&["duration", "promise"]),
            open,
            verdict,
            first_verdict: self.pick(&["", "breached"]),
            system: self.pick(&["erp", "wms"]),
            customer: self.pick(&["", "Nordwind"]),
            cause: self.pick(&["", "credit_hold"]),
            due_ms: self.lately(),
            ended_ms: (!open).then(|| self.lately()),
            version: self.next(),
            ..sla(1)
        }
    }

    fn item(&mut self) -> ReadinessRow {
        let root_id = self.name();
        let shipment = self.dice.random_ratio(1, 3);
        ReadinessRow {
            tenant: self.tenant(),
            root_type: "order".into(),
            object_type: if shipment { "shipment" } else { "order" }.into(),
            object_id: if shipment { "SH-1".into() } else { root_id.clone() },
            root_id,
            state: self.pick(&["not_due", "blocked", "ready", "wrong", "invoiced", "paid", "gone"]),
            reasons: self.some(&["pod_missing", "credit_hold", "pod_missing"]),
            system: self.pick(&["", "tms"]),
            customer: self.pick(&["", "Nordwind", "Ümlaut & Söhne"]),
            carrier: self.pick(&["", "DHL"]),
            amount: self.amount(),
            currency: self.pick(&["", "EUR", "JPY"]),
            delivered_ms: self.dice.random_ratio(1, 2).then_some(0).map(|_| self.ms() + 13 * 60 * MINUTE),
            version: self.next(),
            ..readiness(1)
        }
    }

    fn object(&mut self) -> ObjectRow {
        let (kind, id) = (self.pick(&["shipment", "invoice"]), self.name());
        let held = self.dice.random_ratio(1, 2);
        ObjectRow {
            tenant: self.tenant(),
            waits_for: if held { self.pick(&["", "order", "order/SO-1", "shipment/SH/1"]) } else { String::new() },
            held_since_ms: self.ms(),
            events: self.dice.random_range(1..9),
            ..object(&kind, &id, held, self.next())
        }
    }

    fn batch(&mut self) -> Batch {
        Batch {
            token: format!("history-{}", self.next()),
            workflows: (0..30).map(|_| self.workflow()).collect(),
            exceptions: (0..30).map(|_| self.exception()).collect(),
            slas: (0..30).map(|_| self.clock()).collect(),
            readiness: (0..30).map(|_| self.item()).collect(),
            objects: (0..30).map(|_| self.object()).collect(),
            ..Batch::default()
        }
    }
}

fn word(text: &str) -> String {
    text.to_owned()
}

/// All pages, one after the other.
macro_rules! pages {
    ($after:ident, $page:expr, $next:expr) => {{
        let mut all = Vec::new();
        let mut $after = Cursor::start();
        loop {
            let rows = $page;
            let Some(last) = rows.last() else { break all };
            $after = $next(last);
            all.extend(rows);
        }
    }};
}

/// Every question that what is open answers, on two stores.
async fn agree(kept: &Store, asked: &Store, tenant: &str, now_ms: i64) {
    macro_rules! same {
        ($call:ident($($arg:expr),*)) => {
            assert_eq!(kept.$call(tenant, $($arg),*).await.unwrap(), asked.$call(tenant, $($arg),*).await.unwrap(), "{}", stringify!($call($($arg),*)));
        };
    }
    same!(status_counts());
    same!(stage_counts());
    let one = |system: &str, customer: &str| Whose { system: system.into(), customer: customer.into() };
    let boards = [one("", ""), one("wms", ""), one("", "Nordwind"), one("wms", HOSTILE), one("nobody", "")];
    for whose in &boards {
        same!(board_counts(whose));
        same!(next_due_as_of(NOW, whose));
        same!(next_due_as_of(NOW + 30 * DAY, whose));
    }
    same!(exception_kinds());
    same!(exception_open());
    same!(policy_open());
    let roots: Vec<ObjectRef> = (0..40).map(|n| ObjectRef::new("order", format!("SO-{n}"))).collect();
    same!(owners(&roots));
    same!(held_groups());
    // Zones away from Greenwich begin their days at odd times.
    for shift in [0, 345 * MINUTE, -9 * 60 * MINUTE] {
        let today_ms = now_ms / DAY * DAY + shift;
        let days =
            Days { since_ms: today_ms - 6 * DAY, today_ms, tomorrow_ms: today_ms + DAY, late_since_ms: now_ms - DAY };
        for whose in &boards {
            same!(board_clocks(days, whose));
        }
    }
    let held = pages!(after, kept.held(tenant, &after, 7).await.unwrap(), Cursor::after_held);
    assert_eq!(held, asked.held(tenant, &Cursor::start(), 1000).await.unwrap());

    let open = WorkflowFilter { closed: Some(false), ..WorkflowFilter::default() };
    let flows = [
        open.clone(),
        WorkflowFilter { sort: Sort::Updated, ..open.clone() },
        WorkflowFilter { sort: Sort::Created, customer: word(HOSTILE), ..open.clone() },
        WorkflowFilter { status: vec![word("breached"), word("blocked")], carrier: word("DHL"), ..open.clone() },
        WorkflowFilter { status: vec![word("breached")], ..WorkflowFilter::default() }.plain(),
        WorkflowFilter { exception: word("backorder"), stage: word("shipped"), ..open.clone() },
        WorkflowFilter { system: word("wms"), readiness: word("ready"), ..open.clone() },
        WorkflowFilter { warehouse: word("east"), definition: word("returns"), ..open.clone() },
        WorkflowFilter { from_ms: NOW - DAY, to_ms: NOW + 3 * DAY, ..open.clone() },
        WorkflowFilter { customer: word("nobody has this name"), ..open },
    ];
    for filter in &flows {
        same!(workflow_count(filter));
        same!(workflow_totals(filter));
        same!(workflow_facets(filter));
        let next = |row: &WorkflowRow| Cursor::after_workflow(row, filter.sort);
        let rows = pages!(after, kept.workflows(tenant, filter, &after, 7).await.unwrap(), next);
        assert_eq!(rows, asked.workflows(tenant, filter, &Cursor::start(), 1000).await.unwrap(), "{filter:?}");
    }

    let queue = ExceptionFilter {
        state: ["open", "acknowledged", "snoozed", "waived"].map(word).to_vec(),
        ..ExceptionFilter::default()
    };
    let silent = Muting { sources: vec![word("wms/east")], systems: vec![word("tms")] };
    let cases = [
        queue.clone(),
        ExceptionFilter { sort: ExceptionSort::Since, muted: Some(false), ..queue.clone() },
        ExceptionFilter { sort: ExceptionSort::New, muted: Some(true), ..queue.clone() },
        ExceptionFilter { sort: ExceptionSort::Amount, kind: vec![word("credit_hold")], ..queue.clone() },
        ExceptionFilter { owner: word("nobody"), severity: word("critical"), ..queue.clone() },
        ExceptionFilter { owner: word("mia"), team: word("day"), ..queue.clone() },
        ExceptionFilter { reason: word("carrier_late"), system: word("tms"), ..queue.clone() },
        ExceptionFilter { customer: word("Nordwind"), warehouse: word("east"), carrier: word("DHL"), ..queue.clone() },
        ExceptionFilter { from_ms: NOW, state: vec![word("open")], ..queue },
    ];
    for filter in &cases {
        same!(exception_sums(filter, &silent));
        same!(exception_facets(filter, &silent));
        let next = |row: &ExceptionRow| Cursor::after_exception(row, filter.sort);
        let rows = pages!(after, kept.exceptions(tenant, filter, &silent, &after, 7).await.unwrap(), next);
        assert_eq!(
            rows,
            asked.exceptions(tenant, filter, &silent, &Cursor::start(), 1000).await.unwrap(),
            "{filter:?}"
        );
    }

    let running = SlaFilter { verdict: vec![word("open"), word("at_risk")], ..SlaFilter::default() };
    let clocks = [
        running.clone(),
        SlaFilter { verdict: vec![word("breached")], newest: true, ..SlaFilter::default() },
        SlaFilter { policy: word("order-release"), definition: word("order-to-cash"), ..running.clone() },
        SlaFilter { kind: word("promise"), system: word("wms"), ..running.clone() },
        SlaFilter { customer: word("Nordwind"), cause: word("credit_hold"), ..running.clone() },
        SlaFilter { first: word("breached"), from_ms: now_ms - DAY, to_ms: now_ms + 5 * DAY, ..running },
    ];
    for filter in &clocks {
        same!(sla_count(filter));
        let next = |row: &SlaRow| Cursor::after_sla(row, filter.newest);
        let rows = pages!(after, kept.slas(tenant, filter, &after, 7).await.unwrap(), next);
        assert_eq!(rows, asked.slas(tenant, filter, &Cursor::start(), 1000).await.unwrap(), "{filter:?}");
    }

    let list = ReadinessFilter {
        state: ["ready", "blocked", "not_due", "wrong"].map(word).to_vec(),
        now_ms: NOW,
        ..ReadinessFilter::default()
    };
    let items = [
        list.clone(),
        ReadinessFilter { state: vec![word("ready")], reason: word("pod_missing"), ..list.clone() },
        ReadinessFilter { state: ["blocked", "wrong"].map(word).to_vec(), ..list.clone() },
        ReadinessFilter { age: word("4-7"), ..list.clone() },
        ReadinessFilter { age: word("0-1"), currency: word("EUR"), ..list.clone() },
        ReadinessFilter { customer: word("Nordwind"), carrier: word("DHL"), system: word("tms"), ..list },
    ];
    for filter in &items {
        same!(readiness_sums(filter));
        let rows = pages!(after, kept.readiness(tenant, filter, &after, 7).await.unwrap(), Cursor::after_readiness);
        assert_eq!(rows, asked.readiness(tenant, filter, &Cursor::start(), 1000).await.unwrap(), "{filter:?}");
    }
}

/// Whatever came before a start and whatever comes after it, on every question.
#[tokio::test]
async fn what_is_kept_in_memory_is_what_the_database_says() {
    let house = house().await;
    let seed = rand::random();
    eprintln!("seed {seed}");
    let now_ms = chrono::Utc::now().timestamp_millis();
    let mut history = History { dice: StdRng::seed_from_u64(seed), version: 1, now_ms };
    let mut kept = house.started_anew();
    for round in 0..6 {
        // A start in the middle: what was written before is read back.
        if round % 2 == 0 {
            kept = house.started_anew();
            kept.keep_open().await.unwrap();
        }
        kept.write(&history.batch()).await.unwrap();
        for tenant in ["acme", "zenith", "nobody"] {
            agree(&kept, &house.store, tenant, now_ms).await;
        }
    }
}
