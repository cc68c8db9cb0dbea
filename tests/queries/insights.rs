//! Figures of weeks against tables made by hand: by week, by place, by stage; what a workflow said before is replaced, and
//! what a database had before these columns is told again.

use milepost::store::rows::*;
use milepost::store::{Cycle, InsightFilter, Store, Unbilled};

use super::seed::*;

/// Monday, 2026-09-07, as days since 1970, and its first millisecond.
const MONDAY: u16 = 20_703;
const WEEK_ONE: i64 = MONDAY as i64 * DAY;
const DAY: i64 = 24 * 60 * MINUTE;
const HOUR: i64 = 60 * MINUTE;

/// Proved in hours from the first Monday, and invoiced so many hours later.
fn order(n: u32, version: u64, proved_h: i64, invoiced_after_h: Option<i64>) -> PathRow {
    let proved_ms = WEEK_ONE + proved_h * HOUR;
    let (created_ms, delivered_ms) = (proved_ms - 48 * HOUR, proved_ms - 2 * HOUR);
    let invoiced_ms = invoiced_after_h.map_or(0, |hours| proved_ms + hours * HOUR);
    let mut times = vec![created_ms, delivered_ms, proved_ms];
    times.extend(invoiced_after_h.map(|_| invoiced_ms));
    let steps = ["created", "delivered", "pod", "invoiced"].into_iter().take(times.len());
    PathRow {
        steps: steps.map(str::to_owned).collect(),
        times,
        created_ms,
        delivered_ms,
        proved_ms,
        invoiced_ms,
        amount: Some(100_000_000),
        currency: "EUR".into(),
        promise: "kept".into(),
        root_id: format!("IN-{n}"),
        customer: if n.is_multiple_of(2) { "Even".into() } else { "Odd".into() },
        version,
        ..path(n)
    }
}

async fn write(store: &Store, token: &str, paths: Vec<PathRow>, exceptions: Vec<ExceptionRow>) {
    let batch = Batch { token: token.into(), paths, exceptions, ..Batch::default() };
    store.write(&batch).await.unwrap();
}

fn fault(n: u32, kind: &str) -> ExceptionRow {
    let (id, root_id) = (format!("fault-{n}-{kind}"), format!("IN-{n}"));
    ExceptionRow { id, root_type: "order".into(), root_id, kind: kind.into(), ..exception(1) }
}

fn of(from_ms: i64) -> InsightFilter {
    InsightFilter { definition: "order-to-cash".into(), from_ms, ..InsightFilter::default() }
}

fn open(proved: u16, invoiced: u16, euros: i128, count: u64) -> Unbilled {
    Unbilled { currency: "EUR".into(), proved, invoiced, value_millionths: euros * 1_000_000, count }
}

#[tokio::test]
async fn figures_of_weeks_are_those_of_the_latest_rows_and_no_row_counts_twice() {
    let House { store, _engine, _dir, .. } = house().await;
    // Invoiced after 10, 20 and 30 hours in the first week; one in the second; one not at all.
    let first = vec![
        order(1, 1, 24, None),
        order(2, 1, 25, Some(20)),
        order(3, 1, 26, Some(30)),
        order(4, 1, 7 * 24 + 24, Some(50)),
        order(5, 1, 7 * 24 + 25, None),
    ];
    write(&store, "first", first, vec![fault(2, "short_shipment"), fault(3, "sla_breached"), fault(4, "credit_hold")])
        .await;
    // The first is invoiced now, and told twice; the second one's fault is told again, closed.
    write(&store, "second", vec![order(1, 2, 24, Some(10))], vec![fault(2, "short_shipment")]).await;
    write(&store, "again", vec![order(1, 2, 24, Some(10))], Vec::new()).await;
    // Late, and heard of after what is newer.
    write(&store, "older", vec![order(2, 0, 1, Some(1))], Vec::new()).await;

    let week = |n: u16| MONDAY + 7 * n;
    let cycles = store.insight_cycles("acme", &of(WEEK_ONE)).await.unwrap();
    let to_invoice: Vec<_> = cycles
        .iter()
        .filter(|row| row.question == Cycle::ProofToInvoice as u8)
        .map(|row| (row.week, row.count, row.p50 / HOUR as f64, row.p95 / HOUR as f64))
        .collect();
    // Of 10, 20, 30 the middle is 20; nine tenths of the way from the second to the third is 29.
    assert_eq!(to_invoice, [(week(0), 3, 20.0, 29.0), (week(1), 1, 50.0, 50.0)]);
    let delivered: Vec<_> =
        cycles.iter().filter(|r| r.question == Cycle::ToDelivery as u8).map(|r| (r.week, r.count)).collect();
    assert_eq!(delivered, [(week(0), 3), (week(1), 2)]);

    let yields = store.insight_yield("acme", &of(WEEK_ONE)).await.unwrap();
    let kept: Vec<_> =
        yields.iter().map(|y| (y.week, y.count, y.promised_n, y.kept_n, y.perfect_n, y.first_pass_n)).collect();
    // 2 came short, 4 had a credit hold; a breached clock is no fault.
    assert_eq!(kept, [(week(0), 3, 3, 2, 2, 2), (week(1), 2, 2, 2, 1, 1)]);

    let unbilled = store.insight_unbilled("acme", &of(WEEK_ONE)).await.unwrap();
    assert_eq!(unbilled, [open(week(0), week(0), 300, 3), open(week(1), 0, 100, 1), open(week(1), week(1), 100, 1)]);
    // Asked from the second week on, what was settled before is over.
    let later = store.insight_unbilled("acme", &of(WEEK_ONE + 7 * DAY)).await.unwrap();
    assert_eq!(later, [open(week(1), 0, 100, 1), open(week(1), week(1), 100, 1)]);
    // From the third week on, what is still open stands under the week before.
    let later = store.insight_unbilled("acme", &of(WEEK_ONE + 14 * DAY)).await.unwrap();
    assert_eq!(later, [open(week(1), 0, 100, 1)]);

    let stages = store.insight_stages("acme", &of(WEEK_ONE)).await.unwrap();
    let spent: Vec<_> =
        stages.iter().map(|s| (s.step.as_str(), s.count, s.p50_s.round() / 3600.0, s.p95_s.round() / 3600.0)).collect();
    // Of 10, 20, 30, 50: half of the way from 20 to 30, and 0.85 of that from 30 to 50.
    assert_eq!(spent, [("delivered", 5, 46.0, 46.0), ("invoiced", 4, 25.0, 47.0), ("pod", 5, 2.0, 2.0)]);

    let places = store.insight_places("acme", &of(WEEK_ONE), "customer", 10).await.unwrap();
    let by: Vec<_> = places.iter().map(|p| (p.name.as_str(), p.count, p.kept_n, p.first_pass_n)).collect();
    assert_eq!(by, [("Odd", 3, 3, 3), ("Even", 2, 1, 0)]);
    let even = InsightFilter { customer: "Even".into(), ..of(WEEK_ONE) };
    assert_eq!(store.insight_yield("acme", &even).await.unwrap().iter().map(|y| y.count).sum::<u64>(), 2);
}

#[tokio::test]
async fn a_database_from_before_is_told_again_what_figures_of_weeks_are_made_of() {
    let House { store, client, _engine, _dir, .. } = house().await;
    let wanted: Vec<PathRow> = (1..=6)
        .map(|n| {
            let made = order(n, 1, 24 + i64::from(n), n.is_multiple_of(2).then_some(10));
            let promise = ["", "kept", "late"][n as usize % 3].to_owned();
            PathRow { promise, cancelled: n == 5, lane: String::new(), ..made }
        })
        .collect();
    let workflows: Vec<WorkflowRow> = wanted
        .iter()
        .map(|path| WorkflowRow {
            root_id: path.root_id.clone(),
            amount: path.amount,
            currency: path.currency.clone(),
            status: if path.cancelled { "cancelled".into() } else { "done".into() },
            ..workflow(1)
        })
        .collect();
    let clocks: Vec<SlaRow> = wanted
        .iter()
        .filter(|path| !path.promise.is_empty())
        .map(|path| SlaRow {
            root_id: path.root_id.clone(),
            object_id: path.root_id.clone(),
            to_step: "delivered".into(),
            verdict: if path.promise == "late" { "breached".into() } else { "waived".into() },
            ..sla(1)
        })
        .collect();
    // As the last release wrote them: without what is told beside the path.
    let (delivered_ms, proved_ms, invoiced_ms, amount) = (0, 0, 0, None);
    let plain = wanted.iter().map(|path| PathRow {
        delivered_ms,
        proved_ms,
        invoiced_ms,
        amount,
        currency: String::new(),
        promise: String::new(),
        cancelled: false,
        ..path.clone()
    });
    let batch = Batch { token: "old".into(), paths: plain.collect(), workflows, slas: clocks, ..Batch::default() };
    store.write(&batch).await.unwrap();
    let made_by = "DELETE FROM schema_migrations WHERE name = '0105_paths_landmarks.sql'";
    client.query(made_by).execute().await.unwrap();
    assert_eq!(store.migrate().await.unwrap().applied, ["0105_paths_landmarks.sql"]);

    let figures = "SELECT root_id, delivered_ms, proved_ms, invoiced_ms, toInt64(assumeNotNull(amount)), toString(currency), cancelled, toString(promise) FROM paths FINAL ORDER BY root_id";
    type Told = (String, i64, i64, i64, i64, String, bool, String);
    let found: Vec<Told> = client.query(figures).fetch_all().await.unwrap();
    let told = |p: &PathRow| {
        let money = p.currency.clone();
        (p.root_id.clone(), p.delivered_ms, p.proved_ms, p.invoiced_ms, 100, money, p.cancelled, p.promise.clone())
    };
    assert_eq!(found, wanted.iter().map(told).collect::<Vec<_>>());
}
