//! Every SQL file on a real ClickHouse: a new file is picked up by itself and must return a row of the seed.
//! Beside that: what is written comes back the same, twice written counts once, and pages cut nothing off.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

#[path = "queries/insights.rs"]
mod insights;
#[path = "queries/open.rs"]
mod open;
#[path = "queries/seed.rs"]
mod seed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use milepost::domain::failures::{Rules, Split};
use milepost::store::replays::ReplayRow;
use milepost::store::rows::*;
use milepost::store::{
    ClockCount, Cursor, Days, ExceptionFilter, ExceptionSort, FROZEN_DAYS, FailureFilter, Freezable, Muting,
    ReconciliationFilter, Retention, SlaFilter, Sort, Store, StoreError, Whose, WorkflowFilter,
};
use milepost_ingest::ObjectRef;

use seed::*;

fn files(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries").join(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    let read = |path: PathBuf| {
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

/// One value for each parameter name that any query may use.
fn values() -> BTreeMap<&'static str, String> {
    let objects = "[('order','SO-1'),('shipment','SH-1')]";
    BTreeMap::from([
        ("tenant", "acme".into()),
        ("limit", "50".into()),
        ("object_type", "order".into()),
        ("object_id", "SO-1".into()),
        ("objects", objects.into()),
        ("names", "['shipment/SH-1']".into()),
        ("ids", format!("['SO-1','SH-1','{}']", exception(1).id)),
        ("payload", "8".into()),
        ("trace_id", trace().trace_id),
        ("as_of_ms", NOW.to_string()),
        ("now_ms", NOW.to_string()),
        ("since_ms", "0".into()),
        ("late_since_ms", "0".into()),
        ("enough", "1".into()),
        ("today_ms", "0".into()),
        ("tomorrow_ms", NOW.to_string()),
        ("from_ms", "0".into()),
        ("to_ms", "0".into()),
        ("group", (u64::MAX - 1).to_string()),
        ("fingerprints", format!("[{}]", u64::MAX - 1)),
        ("split_from", "[]".into()),
        ("split_by", "[]".into()),
        ("split_value", "[]".into()),
        ("split_into", "[]".into()),
        ("merge_from", "[]".into()),
        ("merge_into", "[]".into()),
        ("slot_ms", "60000".into()),
        ("failed_source", "wms/east".into()),
        ("failed_id", "w1".into()),
        ("places", "[(8, 1)]".into()),
        ("of_source", "erp/main".into()),
        ("of_dependency", "ledger".into()),
        ("taken_source", "erp/main".into()),
        ("taken_id", "e1".into()),
        ("taken_type", "order.created".into()),
        ("index", "1".into()),
        ("status", "[]".into()),
        ("verdict", "[]".into()),
        ("newest", "false".into()),
        ("policy", "order-release".into()),
        ("definition", "order-to-cash".into()),
        ("until_ms", NOW.to_string()),
        ("targets", "['shipped']".into()),
        ("state", "[]".into()),
        ("kind", "[]".into()),
        ("id", exception(1).id),
        ("mute_sources", "[]".into()),
        ("mute_systems", "[]".into()),
        ("version", "0".into()),
        ("closed", "-1".into()),
        ("not_full", "['short_shipment']".into()),
        ("no_fault", "['sla_at_risk']".into()),
        ("kinds", "['credit_hold']".into()),
        ("resumed", "false".into()),
        ("after_value", "0".into()),
        ("after_payload", "0".into()),
        ("after_index", "0".into()),
        ("replay", "r1".into()),
        ("key", "k/".into()),
        ("whole", u32::MAX.to_string()),
        ("selection", "5".into()),
        ("causes", "[1]".into()),
        ("edit", "ed1".into()),
        ("states", "[]".into()),
        ("payloads", "[7,8]".into()),
        ("events", "['e0','e1']".into()),
        ("from_position", "0".into()),
        ("workflows", "workflows".into()),
        ("exceptions", "exceptions".into()),
        ("slas", "slas".into()),
    ])
}

fn parameters(sql: &str) -> BTreeSet<(String, String)> {
    let inside = sql.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    inside.filter_map(|(inside, _)| inside.split_once(':')).map(|(name, kind)| (name.into(), kind.into())).collect()
}

#[tokio::test]
async fn every_query_runs_and_finds_its_seed() {
    let house = house().await;
    house.store.write(&seed()).await.unwrap();
    replays(&house.store).await;
    house.store.freeze("acme", Freezable::Workflows, NOW, "anna").await.unwrap();
    let values = values();
    for (name, sql) in files("read") {
        assert!(sql.starts_with("-- "), "{name} says first which question it answers");
        let mut query = house.client.query_raw(&sql);
        for (parameter, kind) in parameters(&sql) {
            // What is not in the table may be empty: it is an optional filter.
            let value = values.get(parameter.as_str()).cloned().unwrap_or_default();
            // The same name is a list here and one word there.
            let value = if kind == "String" && value == "[]" { String::new() } else { value };
            assert!(!value.is_empty() || kind == "String", "{name}: give {{{parameter}:{kind}}} a value in this test");
            query = query.with_setting(format!("param_{parameter}"), value);
        }
        let rows = query.fetch_bytes("JSONEachRow").unwrap().collect().await;
        let rows = rows.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!rows.is_empty(), "{name} returns no row of the seed");
    }
}

#[tokio::test]
async fn a_frozen_list_stays_as_it_was_whatever_comes() {
    let House { store, client, _engine, _dir, .. } = house().await;
    store.write(&seed()).await.unwrap();
    let at = chrono::Utc::now().timestamp_millis();
    let (all, start) = (WorkflowFilter::default(), Cursor::start());
    let (exceptions, clocks, muting) = (ExceptionFilter::default(), SlaFilter::default(), Muting::default());
    let told = |store: Store| {
        let (all, start, exceptions, clocks, muting) = (&all, &start, &exceptions, &clocks, &muting);
        async move {
            (
                store.workflows("acme", all, start, 500).await.unwrap(),
                store.workflow_totals("acme", all).await.unwrap(),
                store.workflow_facets("acme", all).await.unwrap(),
                store.exceptions("acme", exceptions, muting, start, 500).await.unwrap(),
                store.exception_sums("acme", exceptions, muting).await.unwrap(),
                store.slas("acme", clocks, start, 500).await.unwrap(),
                store.sla_sums("acme", clocks).await.unwrap(),
            )
        }
    };
    let before = told(store.clone()).await;
    let flows = before.0.len() as u64;
    assert!(!before.0.is_empty() && !before.3.is_empty() && !before.5.is_empty());
    for what in [Freezable::Workflows, Freezable::Exceptions, Freezable::Slas] {
        // Cut off and done again it is one copy.
        store.freeze("acme", what, at, "anna").await.unwrap();
        store.freeze("acme", what, at, "anna").await.unwrap();
    }
    let changed = WorkflowRow { version: 1_000_000, status: "done".into(), amount: Some(1), ..workflow(1) };
    let batch = Batch { token: "later".into(), workflows: vec![changed, workflow(4242)], ..Batch::default() };
    store.write(&batch).await.unwrap();
    assert_ne!(store.workflow_count("acme", &all).await.unwrap(), flows);
    let frozen = told(store.as_of(Some(at))).await;
    assert_eq!(frozen.0, before.0);
    assert_eq!(frozen.1, before.1);
    assert_eq!(frozen.2.len(), before.2.len());
    assert!(before.2.iter().all(|facet| frozen.2.contains(facet)), "{:?} {:?}", frozen.2, before.2);
    assert_eq!((frozen.3, frozen.4), (before.3, before.4));
    assert_eq!((frozen.5, frozen.6), (before.5, before.6));
    assert!(store.as_of(Some(at)).workflows("other", &all, &start, 9).await.unwrap().is_empty());
    let freezes = store.freezes("acme").await.unwrap();
    assert_eq!(freezes.len(), 3);
    assert!(freezes.iter().any(|one| one.list == "workflows" && one.rows == flows), "{freezes:?}");
    // The copy has the columns of its list, whatever a migration does to that.
    for table in ["workflows", "exceptions", "slas"] {
        let columns = |table: String| {
            let asked = client.query("SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = ? ORDER BY position");
            asked.bind(table).fetch_all::<(String, String)>()
        };
        let (list, copy) = (columns(table.into()).await.unwrap(), columns(format!("{table}_frozen")).await.unwrap());
        assert_eq!(list, copy, "a migration of {table} is to change {table}_frozen too");
    }
    // After its time it goes.
    let later = at + (FROZEN_DAYS + 1) * 86_400_000;
    store.freeze("acme", Freezable::Workflows, later, "anna").await.unwrap();
    let begun = std::time::Instant::now();
    while !store.as_of(Some(at)).workflows("acme", &all, &start, 9).await.unwrap().is_empty() {
        assert!(begun.elapsed().as_secs() < 60, "the old copy stays");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_query_that_breaks_off_in_the_middle_is_never_taken_for_whole() {
    let house = house().await;
    let sql = "SELECT number, throwIf(number = {at:UInt64}) AS x FROM numbers(2000000)";
    for at in [1u64, 70_000, 300_000, 1_999_999] {
        // One row a block, so that rows go out before it breaks.
        let query = house.client.query_raw(sql).param("at", at).with_setting("max_block_size", "1000");
        let mut rows = query.fetch::<(u64, u8)>().unwrap();
        let ended = loop {
            match rows.next().await {
                Ok(Some(_)) => {}
                end => break end,
            }
        };
        assert!(ended.is_err(), "broken off at {at}, and nobody is told");
    }
}

#[tokio::test]
async fn what_does_not_match_is_told_as_of_a_moment() {
    let House { store, _engine, _dir, .. } = house().await;
    let first = ReconciliationRow { version: 1_000_000, ..reconciliation(1) };
    let solved = ReconciliationRow { version: 5_000_000, state: "gone".into(), ..reconciliation(1) };
    for (token, row) in [("a", first.clone()), ("b", solved)] {
        let batch = Batch { token: token.into(), reconciliation: vec![row], ..Batch::default() };
        store.write(&batch).await.unwrap();
    }
    let at = |as_of_ms| ReconciliationFilter { matched: true, as_of_ms, ..ReconciliationFilter::default() };
    for (as_of_ms, expected) in [(0, 0), (999, 0), (1_000, 1), (4_998, 1), (5_000, 0)] {
        let rows = store.reconciliation("acme", &at(as_of_ms), &Cursor::start(), 9).await.unwrap();
        let sums = store.reconciliation_sums("acme", &at(as_of_ms)).await.unwrap();
        assert_eq!(rows.len(), expected, "as of {as_of_ms}");
        assert_eq!(sums.iter().map(|sum| sum.count).sum::<u64>(), expected as u64, "as of {as_of_ms}");
    }
}

#[tokio::test]
async fn every_row_comes_back_as_it_was_written() {
    let House { store, _engine, _dir, .. } = house().await;
    let seed = seed();
    store.write(&seed).await.unwrap();
    let (order, shipment) = (ObjectRef::new("order", "SO-1"), ObjectRef::new("shipment", "SH-1"));

    let mut events = store.events_of("acme", &[order.clone(), shipment.clone()]).await.unwrap();
    events.sort_by_key(|event| event.index);
    assert_eq!(events, seed.events);
    assert_eq!(store.recent_events("acme", "", 2).await.unwrap(), seed.events[..2]);
    for stored in &seed.payloads {
        assert_eq!(store.payload("acme", stored.payload).await.unwrap().as_ref(), Some(stored));
    }
    assert_eq!(store.failures_of("acme", 8).await.unwrap(), seed.failures);
    assert_eq!(store.object("acme", &order).await.unwrap().as_ref(), Some(&seed.objects[0]));
    assert_eq!(store.objects("acme", std::slice::from_ref(&order)).await.unwrap(), seed.objects[..1]);
    for stored in &seed.workflows[..3] {
        let root = ObjectRef::new("order", &stored.root_id);
        assert_eq!(store.workflow("acme", &root).await.unwrap().as_ref(), Some(stored));
    }
    for stored in &seed.slas[..7] {
        let root = ObjectRef::new("order", &stored.root_id);
        assert_eq!(store.slas_of("acme", &[root]).await.unwrap().first(), Some(stored));
    }
    assert_eq!(store.trace("acme", &trace().trace_id).await.unwrap(), seed.spans);
    assert_eq!(store.spans_of("acme", &[shipment], 10).await.unwrap(), seed.spans[..1]);
    assert_eq!(store.logs_of_trace("acme", &trace().trace_id).await.unwrap(), seed.logs);
    let series = store.latest_points("acme", "wms/east", 0, 10).await.unwrap();
    assert_eq!((series[0].value, series[0].count, &series[0].attributes), (2.5, 4, &attributes()));
    assert_eq!(store.tenants().await.unwrap(), ["acme"]);
    assert_eq!(store.max_version().await.unwrap(), 109);

    let ids = store.recent_ids(10).await.unwrap();
    assert_eq!(ids.len(), 5);
    for (id, event) in ids.iter().zip(&seed.events) {
        assert_eq!((&id.event_id, id.content), (&event.event_id, event.content));
    }
}

#[tokio::test]
async fn large_dictionaries_large_bodies_and_wild_times_come_back() {
    let House { store, client, _engine, _dir } = house().await;
    let many = (0..70_000u32).map(|n| EventRow {
        object_id: n.to_string(),
        source: format!("s{n}"),
        event_type: format!("t{}", n % 300),
        system: format!("y{}", n % 256),
        refs: vec![],
        data: String::new(),
        ..event(i64::from(n))
    });
    store.write(&Batch { token: "many".into(), events: many.collect(), ..Batch::default() }).await.unwrap();
    let right = "SELECT countIf(source = concat('s', object_id) AND event_type = concat('t', toString(toUInt32(object_id) % 300)) \
                 AND system = concat('y', toString(toUInt32(object_id) % 256)) AND occurred_at = received_at - INTERVAL 500 MILLISECOND) FROM events";
    assert_eq!(client.query(right).fetch_one::<u64>().await.unwrap(), 70_000);

    let body: Vec<u8> = (0..16 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let large = PayloadRow { payload: 1, body, ..payload() };
    store.write(&Batch { token: "large".into(), payloads: vec![large.clone()], ..Batch::default() }).await.unwrap();
    assert_eq!(store.payload("acme", 1).await.unwrap(), Some(large));

    let wild: Vec<_> = [i64::MIN, -1, 0, i64::MAX]
        .into_iter()
        .map(|occurred_ms| EventRow {
            object_id: "wild".into(),
            occurred_ms,
            event_id: occurred_ms.to_string(),
            ..event(0)
        })
        .collect();
    store.write(&Batch { token: "wild".into(), events: wild.clone(), ..Batch::default() }).await.unwrap();
    assert_eq!(store.events_of("acme", &[ObjectRef::new("order", "wild")]).await.unwrap(), wild);
}

#[tokio::test]
async fn batches_repeated_while_the_engine_dies_under_them_count_once() {
    let house = house().await;
    let killed = house._engine.pid().unwrap();
    let assassin = tokio::task::spawn_blocking(move || {
        std::process::Command::new("kill").args(["-9", &killed.to_string()]).status().unwrap()
    });
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let (mut failed, mut n) = (0, 0);
    // Goes on until some write met the dead engine and ten more have passed after its return.
    while failed == 0 || n < 20 {
        let events = (0..50).map(|k| EventRow { event_id: format!("{n}-{k}"), ..event(k) }).collect();
        let batch = Batch { token: format!("t{n}"), events, workflows: vec![workflow(n)], ..Batch::default() };
        while let Err(error) = house.store.write(&batch).await {
            assert!(error.is_passing(), "{error}");
            assert!(std::time::Instant::now() < until, "{error}");
            failed += 1;
        }
        n += 1;
        assert!(std::time::Instant::now() < until, "no write met the dead engine");
    }
    assert!(assassin.await.unwrap().success());
    assert_eq!(house.count("events").await, u64::from(n) * 50);
    let distinct = house.client.query("SELECT uniqExact(event_id) FROM events").fetch_one::<u64>().await.unwrap();
    assert_eq!(distinct, u64::from(n) * 50);
}

#[test]
fn every_sql_file_lies_where_a_test_finds_it() {
    let mut folders = BTreeSet::new();
    let mut left = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("queries")];
    while let Some(folder) = left.pop() {
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                left.push(path);
            } else {
                let inside = path.parent().unwrap().strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("queries"));
                folders.insert(inside.unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let known = ["migrations", "read", "retention", "retention/remove", "setup", "write"];
    assert_eq!(folders, known.map(str::to_owned).into());
}

#[tokio::test]
async fn a_new_database_answers_with_nothing() {
    let House { store, _engine, _dir, .. } = house().await;
    let (all, none) = (WorkflowFilter::default(), FailureFilter::default());
    assert_eq!(store.max_version().await.unwrap(), 0);
    assert_eq!(store.workflow_count("acme", &all).await.unwrap(), 0);
    assert!(store.recent_ids(10).await.unwrap().is_empty());
    assert!(store.stored_names().unwrap().next().await.unwrap().is_none());
    assert!(store.stored_workflows().unwrap().next().await.unwrap().is_none());
    assert!(store.open_events().unwrap().next().await.unwrap().is_none());
    assert!(store.tenants().await.unwrap().is_empty());
    assert!(store.status_counts("acme").await.unwrap().is_empty());
    assert!(store.held_groups("acme").await.unwrap().is_empty());
    assert!(store.failure_groups("acme", &none, 10).await.unwrap().is_empty());
    assert_eq!(store.next_due("acme", &Whose::default()).await.unwrap(), None);
    assert!(!store.workflow_any("acme").await.unwrap());
    store.write(&Batch::default()).await.unwrap();
}

#[tokio::test]
async fn nobody_sees_another_tenants_rows() {
    let House { store, _engine, _dir, .. } = house().await;
    store.write(&seed()).await.unwrap();
    let all = WorkflowFilter::default();
    for tenant in ["other", "", "acme' OR '1'='1", HOSTILE] {
        let order = ObjectRef::new("order", "SO-1");
        assert!(store.workflows(tenant, &all, &Cursor::start(), 10).await.unwrap().is_empty());
        assert_eq!(store.workflow_count(tenant, &all).await.unwrap(), 0);
        assert!(store.workflow_facets(tenant, &all).await.unwrap().is_empty());
        assert!(store.events_of(tenant, std::slice::from_ref(&order)).await.unwrap().is_empty());
        assert!(store.object(tenant, &order).await.unwrap().is_none());
        assert!(store.held(tenant, &Cursor::start(), 10).await.unwrap().is_empty());
        assert!(store.failures(tenant, &FailureFilter::default(), &Cursor::start(), 10).await.unwrap().is_empty());
        assert!(store.failure_groups(tenant, &FailureFilter::default(), 10).await.unwrap().is_empty());
        assert!(store.payload(tenant, 7).await.unwrap().is_none());
        assert!(store.trace(tenant, &trace().trace_id).await.unwrap().is_empty());
        assert!(store.sources(tenant).await.unwrap().is_empty());
        assert!(store.recent_events(tenant, "", 10).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_batch_written_again_counts_once_and_another_with_the_same_rows_counts() {
    let house = house().await;
    let batch = seed();
    for _ in 0..3 {
        house.store.write(&batch).await.unwrap();
    }
    for (table, rows) in
        [("events", 5), ("failures", 3), ("payloads", 2), ("workflows", 100), ("spans", 2), ("source_minutes", 5)]
    {
        assert_eq!(house.count(table).await, rows, "{table}");
    }
    let source = house.store.sources_as_of("acme", NOW).await.unwrap().remove(0);
    assert_eq!((source.hour_events, source.day_events), (30, 40));

    house.store.write(&Batch { token: "another".into(), ..seed() }).await.unwrap();
    assert_eq!(house.count("events").await, 10);
    let source = house.store.sources_as_of("acme", NOW).await.unwrap().remove(0);
    assert_eq!((source.hour_events, source.day_events), (60, 80));
}

#[tokio::test]
async fn the_version_decides_which_snapshot_stays_and_not_the_order_of_writing() {
    let House { store, _engine, _dir, .. } = house().await;
    let newer = WorkflowRow { version: 20, status: "done".into(), closed: true, ..workflow(1) };
    let older = WorkflowRow { version: 11, ..workflow(1) };
    store.write(&Batch { token: "a".into(), workflows: vec![newer.clone()], ..Batch::default() }).await.unwrap();
    store.write(&Batch { token: "b".into(), workflows: vec![older], ..Batch::default() }).await.unwrap();
    assert_eq!(store.workflow("acme", &ObjectRef::new("order", "SO-1")).await.unwrap(), Some(newer.clone()));
    let open = WorkflowFilter { closed: Some(false), ..WorkflowFilter::default() };
    assert_eq!(store.workflow_count("acme", &open).await.unwrap(), 0);
    let closed = WorkflowFilter { closed: Some(true), ..WorkflowFilter::default() };
    assert_eq!(store.workflows("acme", &closed, &Cursor::start(), 9).await.unwrap(), [newer]);
}

#[tokio::test]
async fn pages_of_every_order_hold_each_workflow_once() {
    let House { store, _engine, _dir, .. } = house().await;
    let seed = seed();
    store.write(&seed).await.unwrap();
    for sort in [Sort::Due, Sort::Updated, Sort::Created] {
        let filter = WorkflowFilter { sort, ..WorkflowFilter::default() };
        let (mut cursor, mut seen) = (Cursor::start(), Vec::new());
        loop {
            let page = store.workflows("acme", &filter, &cursor, 7).await.unwrap();
            let Some(last) = page.last() else { break };
            cursor = Cursor::parse(&Cursor::after_workflow(last, sort).to_string()).unwrap();
            seen.extend(page);
        }
        let key = |row: &WorkflowRow| match sort {
            Sort::Due => row.due_ms.unwrap_or(i64::MAX),
            Sort::Updated => -row.updated_ms,
            Sort::Created => -row.created_ms,
        };
        assert!(seen.windows(2).all(|pair| (key(&pair[0]), &pair[0].root_id) < (key(&pair[1]), &pair[1].root_id)));
        seen.sort_by_key(|row| row.version);
        assert_eq!(seen, seed.workflows, "{sort:?}");
    }
    for newest in [false, true] {
        let filter = SlaFilter { newest, ..SlaFilter::default() };
        let (mut cursor, mut seen) = (Cursor::start(), Vec::new());
        loop {
            let page = store.slas("acme", &filter, &cursor, 7).await.unwrap();
            let Some(last) = page.last() else { break };
            cursor = Cursor::parse(&Cursor::after_sla(last, newest).to_string()).unwrap();
            seen.extend(page);
        }
        assert!(seen.is_sorted_by_key(|row| if newest { -row.due_ms } else { row.due_ms }));
        seen.sort_by_key(|row| row.version);
        assert_eq!(seen, seed.slas);
    }
    let (mut cursor, mut held) = (Cursor::start(), Vec::new());
    while let Some(row) = store.held("acme", &cursor, 1).await.unwrap().pop() {
        cursor = Cursor::after_held(&row);
        held.push(row.object_id);
    }
    assert_eq!(held, ["SH-7", "SH-8"]);
    let (mut cursor, mut refused) = (Cursor::start(), Vec::new());
    while let Some(row) = store.failures("acme", &FailureFilter::default(), &cursor, 1).await.unwrap().pop() {
        cursor = Cursor::after_failure(&row);
        refused.push(row.index);
    }
    assert_eq!(refused, [2, 1, 0]);
}

#[tokio::test]
async fn filters_lists_counts_and_facets_agree() {
    let House { store, _engine, _dir, .. } = house().await;
    let seed = seed();
    store.write(&seed).await.unwrap();
    type Law = fn(&WorkflowRow) -> bool;
    let any = WorkflowFilter::default;
    let cases: [(WorkflowFilter, Law); 12] = [
        (WorkflowFilter { status: vec!["breached".into(), "done".into()], ..any() }, |row| row.status != "on_track"),
        (WorkflowFilter { stage: "paid".into(), ..any() }, |row| row.stage == "paid"),
        (WorkflowFilter { system: "wms".into(), ..any() }, |row| row.waiting_for == "wms"),
        (WorkflowFilter { customer: HOSTILE.into(), ..any() }, |row| row.root_id == "SO-1"),
        (WorkflowFilter { exception: "backorder".into(), ..any() }, |row| !row.exceptions.is_empty()),
        (WorkflowFilter { text: "so-1".into(), ..any() }, |row| row.root_id.starts_with("SO-1")),
        (WorkflowFilter { text: "ustomer 2".into(), ..any() }, |row| row.customer == "Customer 2"),
        (WorkflowFilter { text: "sh/9".into(), ..any() }, |row| row.root_id.starts_with("SO-9")),
        (WorkflowFilter { text: "shipment/SH/9".into(), ..any() }, |row| row.root_id == "SO-9"),
        (WorkflowFilter { closed: Some(false), ..any() }, |row| !row.closed),
        (WorkflowFilter { from_ms: NOW - 9 * MINUTE, to_ms: NOW - 2 * MINUTE, ..any() }, |row| {
            (NOW - 9 * MINUTE..NOW - 2 * MINUTE).contains(&row.created_ms)
        }),
        (WorkflowFilter { stage: "' OR 1 = 1".into(), ..any() }, |_| false),
    ];
    for (filter, law) in cases {
        let expected: BTreeSet<_> = seed.workflows.iter().filter(|row| law(row)).map(|row| &row.root_id).collect();
        let listed = store.workflows("acme", &filter, &Cursor::start(), 1000).await.unwrap();
        assert_eq!(listed.iter().map(|row| &row.root_id).collect::<BTreeSet<_>>(), expected, "{filter:?}");
        assert_eq!(store.workflow_count("acme", &filter).await.unwrap(), expected.len() as u64, "{filter:?}");
    }
    let narrowed = WorkflowFilter { status: vec!["breached".into()], system: "wms".into(), ..any() };
    for facet in store.workflow_facets("acme", &narrowed).await.unwrap() {
        let mut chosen = narrowed.clone();
        match facet.name.as_str() {
            "status" => chosen.status = vec![facet.value.clone()],
            "stage" => chosen.stage = facet.value.clone(),
            "definition" => chosen.definition = facet.value.clone(),
            "system" => chosen.system = facet.value.clone(),
            "customer" => chosen.customer = facet.value.clone(),
            "warehouse" => chosen.warehouse = facet.value.clone(),
            "carrier" => chosen.carrier = facet.value.clone(),
            "readiness" => chosen.readiness = facet.value.clone(),
            "exception" => chosen.exception = facet.value.clone(),
            other => panic!("a facet without a filter: {other}"),
        }
        assert_eq!(store.workflow_count("acme", &chosen).await.unwrap(), facet.count, "{facet:?}");
    }
}

#[tokio::test]
async fn the_board_counts_what_the_lists_hold() {
    let House { store, _engine, _dir, .. } = house().await;
    let seed = seed();
    store.write(&seed).await.unwrap();
    let by_status = |status: &str| seed.workflows.iter().filter(|row| row.status == status).count() as u64;
    for count in store.status_counts("acme").await.unwrap() {
        assert_eq!(count.count, by_status(&count.status), "{}", count.status);
    }
    let stages = store.stage_counts("acme").await.unwrap();
    assert_eq!(stages.iter().map(|stage| stage.count).sum::<u64>(), by_status("breached") + by_status("on_track"));
    let kinds = store.exception_counts("acme").await.unwrap();
    assert_eq!(kinds.iter().map(|kind| kind.kind.as_str()).collect::<Vec<_>>(), ["backorder", "credit_hold"]);
    let ahead = seed.workflows.iter().filter(|row| !row.closed).filter_map(|row| row.due_ms);
    let next = ahead.filter(|due| *due >= NOW + MINUTE).min();
    assert_eq!(store.next_due_as_of("acme", NOW + MINUTE, &Whose::default()).await.unwrap(), next);
    assert!(store.workflow_any("acme").await.unwrap());
    let held = store.held_groups("acme").await.unwrap();
    assert_eq!((held[0].waits_for.as_str(), held[0].objects, held[0].events), ("order", 2, 6));
    assert_eq!(held[0].oldest_ms, NOW - 5 * MINUTE);
    assert_eq!((held[0].oldest_type.as_str(), held[0].oldest_id.as_str()), ("shipment", "SH-7"));
    let group = store.failure_groups("acme", &FailureFilter::default(), 10).await.unwrap().remove(0);
    assert_eq!((group.group_id, group.count, group.objects), (u64::MAX - 1, 3, 3));
    assert_eq!((group.example_payload, group.example_index), (8, 2));
    assert_eq!((group.hours, group.money), ((0..24).collect(), vec!["12.500000 EUR".to_owned()]));
    let good = store.first_good("acme", u64::MAX - 1).await.unwrap().unwrap();
    assert_eq!(
        (good.source.as_str(), good.event_id.as_str(), good.received_ms),
        ("erp/main", "e1", NOW - MINUTE + 500)
    );
    assert_eq!(store.first_good("acme", 4).await.unwrap(), None, "there is no such group");
    let one = FailureFilter { group: Some(u64::MAX - 1), text: "sh-1".into(), ..FailureFilter::default() };
    assert_eq!(store.failures("acme", &one, &Cursor::start(), 10).await.unwrap(), [failure(1)]);
}

#[tokio::test]
async fn the_clocks_of_the_board_are_those_of_the_lists() {
    let House { store, _engine, _dir, .. } = house().await;
    store.write(&seed()).await.unwrap();
    let (today_ms, tomorrow_ms) = (NOW - 20 * MINUTE, NOW + 20 * MINUTE);
    let days = Days { since_ms: NOW - 2 * 86_400_000, today_ms, tomorrow_ms, late_since_ms: NOW - 10 * MINUTE };
    let found = store.board_clocks("acme", days, &Whose::default()).await.unwrap();
    let sum = |wanted: &dyn Fn(&ClockCount) -> bool| -> u64 {
        found.iter().filter(|row| wanted(row)).map(|row| row.count).sum()
    };

    let due = SlaFilter { from_ms: today_ms, to_ms: tomorrow_ms, ..SlaFilter::default() };
    let listed = store.sla_count("acme", &due).await.unwrap();
    assert_eq!(sum(&|row| row.today), listed.iter().map(|row| row.count).sum::<u64>());
    assert_eq!(sum(&|row| row.today), 40);

    let kept = store.policy_days("acme", days.since_ms).await.unwrap();
    let (met, late) = kept.iter().fold((0, 0), |(met, late), day| (met + day.met, late + day.late));
    // The policies tell also of clocks that ended before their time, which is tomorrow.
    let (soon, later) = (SlaFilter { from_ms: tomorrow_ms, ..SlaFilter::default() }, ["breached", "met_late"]);
    let after = store.sla_count("acme", &soon).await.unwrap();
    let after: u64 = after.iter().filter(|row| later.contains(&row.verdict.as_str())).map(|row| row.count).sum();
    assert_eq!(sum(&|row| row.verdict == "met" && row.day >= 0) as i64 - met as i64, -8, "those that end later");
    assert_eq!(sum(&|row| later.contains(&row.verdict.as_str()) && row.day >= 0), late - after);

    let causes = store.late_causes("acme", "", "", days.late_since_ms).await.unwrap();
    let until = causes.iter().map(|cause| cause.count).sum::<u64>() - after;
    assert_eq!(sum(&|row| !row.late_cause.is_empty()), until);
}

#[tokio::test]
async fn groups_are_counted_from_the_failures_and_workflows_themselves() {
    let House { store, _engine, _dir, .. } = house().await;
    let failed = |payload: u64, fingerprint: u64, found: &str, object: &str| FailureRow {
        payload,
        fingerprint,
        found: found.into(),
        object_id: object.into(),
        received_ms: NOW - payload as i64 * MINUTE,
        ..failure(0)
    };
    let batch = Batch {
        token: "failed".into(),
        failures: vec![
            failed(1, 10, "a", "SH-A"),
            failed(2, 10, "b", "SH-A"),
            failed(90, 10, "a", "SH-B"),
            failed(4, 20, "a", "SH-B"),
            failed(5, 20, "c", ""),
        ],
        // Both shipments belong to both orders.
        objects: ["SH-A", "SH-B"]
            .map(|id| ObjectRow {
                workflows: vec!["order/SO-3".into(), "order/SO-4".into()],
                ..object("shipment", id, false, 1)
            })
            .to_vec(),
        workflows: vec![workflow(3), WorkflowRow { currency: "USD".into(), ..workflow(4) }],
        ..Batch::default()
    };
    for _ in 0..2 {
        store.write(&batch).await.unwrap();
    }
    let as_of = chrono::DateTime::from_timestamp_millis(NOW).unwrap();
    let plain = Rules::default();
    let facts = store.failure_group_facts("acme", &plain, as_of, 10).await.unwrap();
    let told: Vec<_> = facts.iter().map(|f| (f.group_id, f.count, f.last_hour, f.objects, f.example_payload)).collect();
    assert_eq!(told, [(10, 3, 2, 2, 90), (20, 2, 2, 1, 4)]);
    assert_eq!((facts[0].hours.iter().sum::<u64>(), facts[0].hours[22], facts[0].hours[23]), (3, 1, 2));
    let effects = store.failure_group_effects("acme", &plain).await.unwrap();
    assert_eq!((effects[0].orders, effects[0].workflows, effects[0].customers), (2, 2, 2));
    // Each workflow once a group, each currency apart, to the last digit.
    assert_eq!(effects[0].money, ["-1.296299 EUR", "-0.061732 USD"]);
    assert_eq!((effects[1].orders, effects[1].breached), (2, 1));

    let rules = Rules { merges: vec![(20, 10)], splits: vec![Split::new(10, "found", "b")] };
    let facts = store.failure_group_facts("acme", &rules, as_of, 10).await.unwrap();
    let told: Vec<_> = facts.iter().map(|f| (f.group_id, f.count, f.fingerprints.clone())).collect();
    let apart = rules.splits[0].into;
    assert_eq!(told, [(10, 4, vec![10, 20]), (apart, 1, vec![10])]);
    let values = store.failure_group_values("acme", 10, &rules, 10).await.unwrap();
    assert_eq!(values.iter().map(|v| (v.found.as_str(), v.count)).collect::<Vec<_>>(), [("a", 3), ("c", 1)]);
    let values = store.failure_group_values("acme", apart, &rules, 10).await.unwrap();
    assert_eq!(values.iter().map(|v| (v.found.as_str(), v.count)).collect::<Vec<_>>(), [("b", 1)]);
    let around = store.failure_neighbours("acme", 10, &rules, 4, 0).await.unwrap();
    let mut around: Vec<_> = around.iter().map(|n| (n.payload, n.later)).collect();
    around.sort();
    assert_eq!(around, [(1, false), (5, true)]);
}

#[tokio::test]
async fn a_source_shows_its_hour_its_day_and_its_rhythm() {
    let House { store, _engine, _dir, .. } = house().await;
    store.write(&seed()).await.unwrap();
    let source = store.sources_as_of("acme", NOW).await.unwrap().remove(0);
    assert_eq!((source.source.as_str(), source.system.as_str()), ("erp/main", "erp"));
    assert_eq!(source.forms, ["events/json", "otlp/logs"]);
    assert_eq!((source.hour_events, source.day_events, source.day_refused), (30, 40, 8));
    assert_eq!((source.hour_lag_avg_ms, source.hour_lag_max_ms), (500, 930));
    assert_eq!(source.last_ms, NOW);
    assert_eq!(source.series.len(), 60);
    assert_eq!(source.series.iter().sum::<u64>(), source.hour_events);
    assert_eq!(source.series.last(), Some(&10));
    assert_eq!(source.usual_gap_ms, 570 * MINUTE);
    assert_eq!(source.contracts, ["order.created@1"]);
    assert_eq!((source.hour_lag_p50, source.hour_lag_p95), (size_of(200), size_of(60_000)));
    assert_eq!((source.hour_late, source.hour_ahead, source.hour_ahead_max_ms), (6, 3, 7_000));
}

#[tokio::test]
async fn what_others_call_is_told_by_their_calls() {
    let House { store, _engine, _dir, .. } = house().await;
    for _ in 0..2 {
        store.write(&seed()).await.unwrap();
    }
    let ledger = store.dependencies("acme", NOW).await.unwrap().remove(0);
    assert_eq!(
        (ledger.dependency.as_str(), ledger.callers.as_slice()),
        ("ledger", ["billing/eu".to_owned()].as_slice())
    );
    assert_eq!((ledger.hour_calls, ledger.hour_errors, ledger.day_calls), (200, 14, 300));
    assert_eq!((ledger.hour_p50, ledger.hour_p95), (size_of(40), size_of(2_000)));
    assert_eq!((ledger.series.iter().sum::<u64>(), ledger.error_series.iter().sum::<u64>()), (200, 14));
    assert!(store.dependencies("other", NOW).await.unwrap().is_empty());

    // The same hour of weeks before; today's own does not count.
    let week = 7 * 24 * 60;
    let batch = Batch {
        token: "weeks".into(),
        source_minutes: vec![minute(week + 5, "x"), minute(2 * week + 5, "x"), minute(2 * week + 6, "x")],
        ..Batch::default()
    };
    store.write(&batch).await.unwrap();
    let mut usual = store.source_usual("acme", NOW).await.unwrap().remove(0);
    usual.weeks.sort();
    assert_eq!((usual.weeks, usual.days_before), (vec![12, 24], vec![12]));
    let slots = store.source_slots("acme", "erp/main", NOW).await.unwrap();
    assert_eq!(slots.iter().filter(|slot| slot.days_ago == 0).map(|slot| slot.events).sum::<u64>(), 40);
    assert_eq!(slots.iter().filter(|slot| slot.days_ago == 14).map(|slot| slot.events).sum::<u64>(), 20);
}

#[tokio::test]
async fn a_shipment_has_reached_finance_when_finance_speaks_of_it_or_its_order() {
    let House { store, _engine, _dir, .. } = house().await;
    let shipped = |id: &str, n: i64| EventRow {
        object_type: "shipment".into(),
        object_id: id.into(),
        event_type: "shipment.shipped".into(),
        event_id: id.into(),
        refs: vec![],
        ..event(n)
    };
    let billed = |name: &str, n: i64| EventRow {
        object_type: "invoice".into(),
        object_id: format!("I-{name}"),
        event_type: "invoice.issued".into(),
        event_id: format!("i-{name}"),
        system: "billing".into(),
        refs: vec![name.into()],
        ..event(n)
    };
    let batch = Batch {
        token: "reach".into(),
        events: vec![
            shipped("SH-A", 50),
            shipped("SH-B", 40),
            shipped("SH-C", 30),
            shipped("SH-D", 20),
            billed("shipment/SH-A", 10),
            billed("order/SO-9", 10),
            // Known before it was shipped: that is another event.
            billed("shipment/SH-C", 35),
        ],
        objects: vec![ObjectRow { workflows: vec!["order/SO-9".into()], ..object("shipment", "SH-B", false, 1) }],
        ..Batch::default()
    };
    store.write(&batch).await.unwrap();
    let reach = store.reach("acme", NOW - 24 * 60 * MINUTE, NOW - 6 * MINUTE).await.unwrap();
    // SH-D went within the quarter of an hour before.
    assert_eq!((reach.shipped, reach.known, reach.fresh), (4, 2, 1));
    assert_eq!(reach.missing, ["SH-C"]);
    assert_eq!(reach.missing_since[0], NOW - 30 * MINUTE);
    let invoices = store.invoice_failures("acme", NOW - 24 * 60 * MINUTE).await.unwrap();
    assert_eq!((invoices.issued, invoices.failed), (3, 0));
    assert!(store.carriers("acme").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_start_finds_what_is_open_and_nothing_else() {
    let House { store, _engine, _dir, .. } = house().await;
    let far = EventRow { object_id: "SO-2".into(), event_id: "closed".into(), ..event(1) };
    let held =
        EventRow { object_type: "shipment".into(), object_id: "SH-7".into(), event_id: "held".into(), ..event(1) };
    let mut batch = seed();
    batch.events.extend([far, held]);
    store.write(&batch).await.unwrap();
    let (mut names, mut cursor) = (BTreeSet::new(), store.stored_names().unwrap());
    while let Some(found) = cursor.next().await.unwrap() {
        assert_eq!(found.tenant, "acme");
        names.insert(found.name);
    }
    let described = batch.objects.iter().map(|row| format!("{}/{}", row.object_type, row.object_id));
    let named = batch.objects.iter().flat_map(|row| row.links.iter().cloned());
    let hash = |name: String| twox_hash::XxHash3_64::oneshot(name.as_bytes());
    assert_eq!(names, described.chain(named).map(hash).collect());
    let (mut events, mut cursor) = (Vec::new(), store.open_events().unwrap());
    while let Some(event) = cursor.next().await.unwrap() {
        events.push(event);
    }
    assert_eq!(events.len(), 6);
    assert!(events.iter().any(|event| event.event_id == "held"));
    assert!(events.iter().all(|event| event.event_id != "closed"));
}

#[tokio::test]
async fn migrations_run_twice_and_retention_is_altered_only_when_it_changes() {
    let house = house().await;
    house.store.write(&seed()).await.unwrap();
    let again = house.store.migrate().await.unwrap();
    assert_eq!(again.to_string(), "the database is up to date");
    assert!(again.applied.is_empty() && again.retained.is_empty(), "{again:?}");

    for (name, sql) in files("migrations") {
        assert!(sql.starts_with("-- "), "{name}");
        assert!(sql.contains("IF NOT EXISTS") || sql.contains("MODIFY SETTING"), "{name}");
        for step in sql.split("\n;\n") {
            house.client.query_raw(step).execute().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    assert_eq!(house.count("events").await, 5);
    assert_eq!(house.count("workflows").await, seed().workflows.len() as u64);

    let days = [1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008];
    let [events, payloads, failures, objects, workflows, spans, logs, points, source_minutes] = days;
    let (exceptions, deliveries, replays) = (1009, 1010, 1011);
    let all = Retention {
        events,
        payloads,
        failures,
        objects,
        workflows,
        exceptions,
        deliveries,
        replays,
        spans,
        logs,
        points,
        source_minutes,
    };
    let tables = files("retention").len();
    let kept = house.store.clone().with_retention(all);
    assert_eq!(kept.migrate().await.unwrap().retained.len(), tables);
    assert!(kept.migrate().await.unwrap().retained.is_empty());
    assert_eq!(house.store.migrate().await.unwrap().retained.len(), tables);
    assert!(house.store.migrate().await.unwrap().retained.is_empty());
    let with_ttl = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND engine_full LIKE '%TTL%'";
    assert_eq!(house.client.query(with_ttl).fetch_one::<u64>().await.unwrap(), 0);
    for folder in ["retention", "retention/remove"] {
        assert_eq!(files(folder).len(), tables, "{folder}: one file for each table");
    }
}

#[tokio::test]
async fn an_edited_or_unknown_migration_stops_the_start() {
    let house = house().await;
    let record = "INSERT INTO schema_migrations (name, hash, applied_at) VALUES (?, 'x', now64(3) + 10)";
    house.client.query(record).bind("0001_events.sql").execute().await.unwrap();
    let error = house.store.migrate().await.unwrap_err();
    assert!(matches!(&error, StoreError::Edited { name } if name == "0001_events.sql"), "{error}");
    house.client.query(record).bind("9999_later.sql").execute().await.unwrap();
    let error = house.store.migrate().await.unwrap_err();
    assert!(matches!(&error, StoreError::Newer { name } if name == "9999_later.sql"), "{error}");
}

#[tokio::test]
async fn an_absent_clickhouse_passes_and_a_wrong_password_does_not() {
    let house = house().await;
    house.store.ping().await.unwrap();
    let absent = Store::new("http://127.0.0.1:9", "x", "y", "milepost_test");
    assert!(absent.ping().await.unwrap_err().is_passing());
    assert!(absent.write(&seed()).await.unwrap_err().is_passing());
    let stranger = Store::new(house._engine.url(), "milepost", "wrong", "milepost_test");
    assert!(!stranger.ping().await.unwrap_err().is_passing());
    assert!(!stranger.write(&seed()).await.unwrap_err().is_passing());
}

#[tokio::test]
async fn exceptions_come_back_in_every_order_cut_nowhere_and_agree_with_sums_and_facets() {
    let House { store, _engine, _dir, .. } = house().await;
    let seed = seed();
    store.write(&seed).await.unwrap();
    for sort in ExceptionSort::ALL {
        let filter = ExceptionFilter { sort, ..ExceptionFilter::default() };
        let (mut cursor, mut seen) = (Cursor::start(), Vec::new());
        loop {
            let page = store.exceptions("acme", &filter, &Muting::default(), &cursor, 7).await.unwrap();
            let Some(last) = page.last() else { break };
            cursor = Cursor::after_exception(last, sort);
            seen.extend(page);
        }
        seen.sort_by_key(|row: &ExceptionRow| row.version);
        assert_eq!(seen, seed.exceptions, "{sort:?}");
    }
    type Law = fn(&ExceptionRow) -> bool;
    let any = ExceptionFilter::default;
    let silent = Muting { sources: vec!["erp/main".into()], systems: vec!["wms".into()] };
    let cases: [(ExceptionFilter, Law); 9] = [
        (any(), |_| true),
        (ExceptionFilter { state: vec!["open".into(), "snoozed".into()], ..any() }, |r| {
            r.state == "open" || r.state == "snoozed"
        }),
        (ExceptionFilter { kind: vec!["credit_hold".into()], ..any() }, |r| r.kind == "credit_hold"),
        (ExceptionFilter { owner: "nobody".into(), ..any() }, |r| r.owner.is_empty()),
        (ExceptionFilter { owner: "Anna".into(), severity: "critical".into(), ..any() }, |r| {
            r.owner == "Anna" && r.severity == "critical"
        }),
        (ExceptionFilter { text: "so-1".into(), ..any() }, |r| r.root_id.starts_with("SO-1")),
        (ExceptionFilter { text: "ustomer 2".into(), ..any() }, |r| r.customer == "Customer 2"),
        (ExceptionFilter { from_ms: NOW - MINUTE, ..any() }, |r| r.known_ms >= NOW - MINUTE),
        (ExceptionFilter { muted: Some(true), ..any() }, |r| {
            r.kind == "sla_breached" && (!r.feeds.is_empty() || r.system == "wms")
        }),
    ];
    for (filter, law) in cases {
        let rows = store.exceptions("acme", &filter, &silent, &Cursor::start(), 1000).await.unwrap();
        let mut ids: Vec<&str> = rows.iter().map(|r| r.id.as_str()).collect();
        let mut wanted: Vec<&str> = seed.exceptions.iter().filter(|r| law(r)).map(|r| r.id.as_str()).collect();
        ids.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(ids, wanted, "{filter:?}");
        let sums = store.exception_sums("acme", &filter, &silent).await.unwrap();
        assert_eq!(sums.iter().map(|s| s.count).sum::<u64>(), wanted.len() as u64, "{filter:?}");
        let all = ["open", "acknowledged", "snoozed", "closed"].map(str::to_owned).to_vec();
        let narrowed =
            ExceptionFilter { state: if filter.state.is_empty() { all } else { filter.state.clone() }, ..filter };
        let facets = store.exception_facets("acme", &narrowed, &silent).await.unwrap();
        for kind in ["sla_breached", "credit_hold"].iter().filter(|_| narrowed.kind.is_empty()) {
            let told = facets.iter().find(|f| f.name == "kind" && f.value == **kind).map_or(0, |f| f.count);
            assert_eq!(told, rows.iter().filter(|r| r.kind == **kind).count() as u64, "{kind} of {narrowed:?}");
        }
        for row in &rows {
            assert_eq!(silent.of(row).is_some(), law_of_muting(row), "{row:?}");
        }
    }
}

fn law_of_muting(row: &ExceptionRow) -> bool {
    row.kind == "sla_breached" && (!row.feeds.is_empty() || row.system == "wms")
}

#[tokio::test]
async fn exceptions_are_found_by_name_by_workflow_and_by_what_changed() {
    let House { store, _engine, _dir, .. } = house().await;
    let seed = seed();
    store.write(&seed).await.unwrap();
    let one = &seed.exceptions[1];
    assert_eq!(store.exception("acme", &one.id).await.unwrap().as_ref(), Some(one));
    assert_eq!(store.exception("other", &one.id).await.unwrap(), None);
    assert_eq!(store.exceptions_named("acme", std::slice::from_ref(&one.id)).await.unwrap(), seed.exceptions[1..2]);
    let roots = [ObjectRef::new("order", "SO-1"), ObjectRef::new("order", "SO-3")];
    assert_eq!(store.exceptions_of("acme", &roots).await.unwrap(), seed.exceptions[1..2], "SO-3 is closed");
    assert_eq!(store.exceptions_since(50).await.unwrap(), seed.exceptions[46..]);
    assert!(store.exceptions_since(0).await.unwrap().iter().all(|r| !r.closed));
    let marks = store.exception_marks().await.unwrap();
    assert!(marks.iter().any(|m| m.name == one.id && m.root == "order/SO-1" && m.mark == one.mark));
    assert_eq!(store.waiting_deliveries().await.unwrap(), seed.deliveries[..1]);
    assert_eq!(store.deliveries("acme", &["failed".into()], 10).await.unwrap(), seed.deliveries[2..]);
    assert_eq!(store.alerts("acme", 10).await.unwrap(), seed.alerts);
}

#[tokio::test]
async fn a_replay_its_items_edits_and_what_it_healed_come_back() {
    let House { store, _engine, _dir, .. } = house().await;
    replays(&store).await;
    let row = store.replay("acme", "r1").await.unwrap().unwrap();
    assert_eq!((row, store.replay("other", "r1").await.unwrap()), (replay(), None));
    let later = ReplayRow { state: "finished".into(), version: 2, ..replay() };
    store.write_replay(&later).await.unwrap();
    assert_eq!(store.replays("acme", "", 10).await.unwrap(), [later, action()]);
    assert!(store.active_replays().await.unwrap().is_empty());
    assert_eq!(store.replay_items("acme", "r1", &["proven"], 0, 10).await.unwrap(), [replay_item()]);
    assert!(store.replay_items("acme", "r1", &["failed"], 0, 10).await.unwrap().is_empty());
    assert_eq!(store.payload_edit("acme", "ed1").await.unwrap(), Some(payload_edit()));
    let healed = store.healed("acme", &[8]).await.unwrap();
    assert_eq!((healed.len(), healed[0].record, healed[0].replay.as_str()), (1, 1, "r1"));
}
