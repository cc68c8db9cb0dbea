//! How the work goes over weeks: from proof to invoice, what is not invoiced, what came right the first time. Pictures
//! with a sentence and their figures each; a table by customer, warehouse or carrier.

use actix_web::{HttpRequest, HttpResponse, web};
use jiff::ToSpan as _;
use jiff::civil::Date;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use super::chart::{Chart, Plan, Series, Shape, chart};
use super::desk::Desk;
use super::params::Query;
use super::problem::Trouble;
use super::render::Page;
use super::routes::told;
use super::tallies::Tallies;
use super::time::Clock;
use super::visit::{Label, Visit};
use super::words;
use crate::domain::Definition;
use crate::store::{
    Cycle, CycleWeek, InsightFilter, PlaceFigures, RecoveryWeek, Stage, Store, StoreError, Unbilled, YieldWeek,
};

const KNOWN: [&str; 7] = ["definition", "customer", "warehouse", "carrier", "weeks", "by", "as_of"];
const WEEKS: [u16; 3] = [12, 26, 52];
const BY: [(&str, &str); 3] = [("customer", "Customer"), ("warehouse", "Warehouse"), ("carrier", "Carrier")];
const PLACES: u64 = 20;
/// Currencies with a picture of their own.
const CURRENCIES: usize = 3;
const DAY_MS: f64 = 86_400_000.0;
const MILLIONTHS: i128 = 1_000_000;

pub fn configure(cfg: &mut web::ServiceConfig) {
    type Shared = web::Data<Desk>;
    cfg.route("/insights", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, show)));
}

#[derive(Debug, Serialize)]
pub struct Insights {
    pub path: String,
    pub processes: Vec<Choice>,
    pub weeks: Vec<Choice>,
    pub by: Vec<Choice>,
    pub chips: Vec<Choice>,
    pub headline: Vec<Tile>,
    pub charts: Vec<Chart>,
    pub stages: Vec<StageRow>,
    pub by_title: &'static str,
    pub places: Vec<PlaceRow>,
    pub empty: bool,
}

impl Page for Insights {
    const TEMPLATE: &'static str = "insights.html";
}

#[derive(Debug, Serialize)]
pub struct Choice {
    pub title: String,
    pub href: String,
    pub chosen: bool,
}

#[derive(Debug, Serialize)]
pub struct Tile {
    pub title: &'static str,
    pub value: String,
    pub note: String,
}

#[derive(Debug, Serialize)]
pub struct StageRow {
    pub title: String,
    pub count: String,
    pub p50: String,
    pub p95: String,
}

#[derive(Debug, Serialize)]
pub struct PlaceRow {
    pub name: String,
    pub href: String,
    pub count: String,
    pub invoice_p50: String,
    pub invoice_p95: String,
    pub order_p50: String,
    pub kept: String,
    pub first_pass: String,
}

/// What the store answered.
pub struct Figures {
    pub cycles: Vec<CycleWeek>,
    pub stages: Vec<Stage>,
    pub yields: Vec<YieldWeek>,
    pub unbilled: Vec<Unbilled>,
    pub recovery: Vec<RecoveryWeek>,
    pub places: Vec<PlaceFigures>,
}

impl Figures {
    async fn find(store: Store, tenant: String, filter: InsightFilter, by: &str) -> Result<Self, StoreError> {
        let (cycles, stages, yields, unbilled, recovery, places) = tokio::try_join!(
            store.insight_cycles(&tenant, &filter),
            store.insight_stages(&tenant, &filter),
            store.insight_yield(&tenant, &filter),
            store.insight_unbilled(&tenant, &filter),
            store.insight_recovery(&tenant, &filter),
            store.insight_places(&tenant, &filter, by, PLACES),
        )?;
        Ok(Self { cycles, stages, yields, unbilled, recovery, places })
    }
}

/// Figures by tenant, what they are of, and what they are told apart by.
pub type Kept = Tallies<(String, InsightFilter, &'static str), Figures>;

/// The first day of the week of a moment, as days since 1970.
fn week_of(ms: i64) -> i64 {
    let days = ms.div_euclid(86_400_000);
    // 1970-01-05 was a Monday.
    days - (days - 4).rem_euclid(7)
}

fn day(days: i64) -> Option<Date> {
    Date::constant(1970, 1, 1).checked_add(days.days()).ok()
}

/// `17 Nov`
fn label(days: i64) -> String {
    day(days).map(|date| date.strftime("%-d %b").to_string()).unwrap_or_default()
}

fn took(ms: f64) -> String {
    if ms.is_finite() && ms >= 0.0 { words::duration(ms as i64) } else { "–".into() }
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

fn percent_text(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.0} %"))
}

/// The weeks shown, and the figures of each.
struct Weeks {
    first: i64,
    labels: Vec<String>,
}

impl Weeks {
    fn new(now_ms: i64, count: u16) -> Self {
        let first = week_of(now_ms) - 7 * (i64::from(count) - 1);
        Self { first, labels: (0..i64::from(count)).map(|n| label(first + 7 * n)).collect() }
    }

    fn place(&self, week: u16) -> Option<usize> {
        usize::try_from((i64::from(week) - self.first) / 7)
            .ok()
            .filter(|at| *at < self.labels.len() && i64::from(week) >= self.first)
    }

    fn series<T>(&self, name: &str, rows: impl Iterator<Item = T>, of: impl Fn(&T) -> (u16, Option<f64>)) -> Series {
        let mut values = vec![None; self.labels.len()];
        for row in rows {
            let (week, value) = of(&row);
            if let Some(at) = self.place(week) {
                values[at] = value;
            }
        }
        Series::new(name, values)
    }
}

/// A duration of weeks as two lines, in days.
fn durations<'a>(
    weeks: &Weeks,
    title: &str,
    what: &str,
    rows: impl Iterator<Item = (u16, u64, f64, f64)> + Clone + 'a,
) -> (Chart, String, String) {
    let series = [
        weeks.series("half within", rows.clone(), |row| (row.0, Some(row.2 / DAY_MS))),
        weeks.series("95 % within", rows.clone(), |row| (row.0, Some(row.3 / DAY_MS))),
    ];
    let total: u64 = rows.clone().map(|row| row.1).sum();
    let last = rows.clone().filter(|row| weeks.place(row.0).is_some()).last();
    let summary = match &last {
        None => format!("No {what} in this time."),
        Some(row) => format!(
            "In the week of {} half took at most {}, 95 % at most {}; {} in all weeks.",
            label(i64::from(row.0)),
            took(row.2),
            took(row.3),
            words::plural(total, "case", "cases")
        ),
    };
    let write = |value: f64| words::duration((value * DAY_MS) as i64);
    let plan = Plan { write: &write, summary, open: true, ..Plan::new(title, Shape::Lines, &weeks.labels, &series) };
    let texts = last.map_or(("–".into(), String::new()), |row| (took(row.2), format!("95 % within {}", took(row.3))));
    let mut made = chart(&plan);
    // At the edge there is room for one unit only; halves of it stay visible.
    for (mark, part) in made.grid.iter_mut().zip([0.0, 0.5, 1.0]) {
        mark.text = axis(made.most * part * DAY_MS);
    }
    (made, texts.0, texts.1)
}

/// `0`, `12 h`, `1.5 d`.
fn axis(ms: f64) -> String {
    let units = [(DAY_MS, "d"), (3_600_000.0, "h"), (60_000.0, "m"), (1_000.0, "s")];
    let (unit, name) = units.into_iter().find(|(unit, _)| ms >= *unit).unwrap_or((1.0, "ms"));
    let text = format!("{:.1}", ms / unit);
    if ms == 0.0 { "0".into() } else { format!("{} {name}", text.trim_end_matches(".0")) }
}

pub fn insights(
    tenant: &str,
    clock: &Clock,
    query: &Query,
    definition: &Definition,
    others: &[(String, String)],
    figures: &Figures,
) -> Insights {
    let path = words::tenant_path(tenant, "insights");
    let to = |query: &Query| format!("{path}{}", query.text());
    let count = shown_weeks(query);
    let weeks = Weeks::new(clock.now_ms, count);
    let cycle = |question: Cycle| {
        let rows = figures.cycles.iter().filter(move |row| row.question == question as u8);
        rows.map(|row| (row.week, row.count, row.p50, row.p95))
    };
    let mut charts = Vec::new();
    let (to_invoice, value, note) =
        durations(&weeks, "Proof of delivery to invoice", "invoice after a proof", cycle(Cycle::ProofToInvoice));
    let mut headline = vec![Tile { title: "Proof to invoice", value, note }];
    charts.push(to_invoice);
    let (ready, _, _) = durations(&weeks, "Ready to invoiced", "invoice", cycle(Cycle::ReadyToInvoice));
    charts.push(ready);
    let (unbilled, open) = unbilled(&weeks, &figures.unbilled);
    headline.push(Tile {
        title: "Delivered, not invoiced",
        value: open.first().cloned().unwrap_or_else(|| "nothing".into()),
        note: open.get(1..).unwrap_or_default().join(" · "),
    });
    charts.extend(unbilled);
    let (kept, tiles) = yields(&weeks, &figures.yields);
    headline.extend(tiles);
    charts.push(kept);
    let (order, value, note) = durations(&weeks, "Order to delivery", "delivery", cycle(Cycle::ToDelivery));
    headline.push(Tile { title: "Order to delivery", value, note });
    charts.push(order);
    let (paid, _, _) = durations(&weeks, "Order to payment", "payment", cycle(Cycle::ToPayment));
    charts.push(paid);
    let done = figures.recovery.iter().filter(|row| row.week > 0);
    let done = done.map(|row| (row.week, row.count, row.p50, row.p95));
    let (mut recovery, value, _) = durations(&weeks, "Recovery of failed transactions", "recovered transaction", done);
    let failing: u64 = figures.recovery.iter().filter(|row| row.week == 0).map(|row| row.count).sum();
    let still = format!("{} not recovered", words::count(failing));
    recovery.summary = format!("{} {still} now.", recovery.summary);
    headline.push(Tile { title: "Recovery", value, note: still });
    charts.push(recovery);

    let title = |key: &str| {
        let rule = definition.milestones.iter().find(|rule| rule.key == key);
        rule.map_or_else(|| words::title(key), |rule| rule.title.clone())
    };
    // In the order of the definition; a milestone that it has no more comes last.
    let place = |step: &str| definition.milestones.iter().position(|rule| rule.key == step).unwrap_or(usize::MAX);
    let mut stages: Vec<&Stage> = figures.stages.iter().collect();
    stages.sort_by_key(|stage| (place(&stage.step), &stage.step));
    let stages = stages.into_iter().map(|stage| StageRow {
        title: title(&stage.step),
        count: words::count(stage.count),
        p50: took(stage.p50_s * 1000.0),
        p95: took(stage.p95_s * 1000.0),
    });
    let by = by(query);
    let place = |row: &PlaceFigures| PlaceRow {
        name: row.name.clone(),
        href: to(&query.with(by.0, &row.name)),
        count: words::count(row.count),
        invoice_p50: took(row.invoice_p50),
        invoice_p95: took(row.invoice_p95),
        order_p50: took(row.order_p50),
        kept: percent_text(percent(row.kept_n, row.promised_n)),
        first_pass: percent_text(percent(row.first_pass_n, row.count)),
    };
    let choice = |title: String, name: &str, value: &str, chosen: bool| Choice {
        title,
        href: to(&query.with(name, value)),
        chosen,
    };
    let stages: Vec<StageRow> = stages.collect();
    Insights {
        processes: others
            .iter()
            .map(|(key, title)| choice(title.clone(), "definition", key, *key == definition.key))
            .collect(),
        weeks: WEEKS.iter().map(|n| choice(format!("{n} weeks"), "weeks", &n.to_string(), *n == count)).collect(),
        by: BY.iter().map(|(key, title)| choice((*title).to_owned(), "by", key, *key == by.0)).collect(),
        chips: BY
            .iter()
            .filter_map(|(key, title)| {
                let value = query.get(key)?;
                Some(Choice { title: format!("{title} {value}"), href: to(&query.without(&[key])), chosen: true })
            })
            .collect(),
        empty: stages.is_empty() && charts.iter().all(|chart| chart.empty),
        headline,
        charts,
        stages,
        by_title: by.1,
        places: figures.places.iter().map(place).collect(),
        path,
    }
}

/// What is delivered and not invoiced at the end of each week, a picture per currency; and what it is now, in words.
fn unbilled(weeks: &Weeks, rows: &[Unbilled]) -> (Vec<Chart>, Vec<String>) {
    // The currencies in which the most is open come first, then those in which the most was.
    let mut currencies: Vec<(&str, [u64; 2])> = Vec::new();
    for row in rows {
        let more = [if row.invoiced == 0 { row.count } else { 0 }, row.count];
        match currencies.iter_mut().find(|(known, _)| *known == row.currency) {
            Some((_, n)) => *n = [n[0] + more[0], n[1] + more[1]],
            None => currencies.push((&row.currency, more)),
        }
    }
    currencies.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let level = |currency: &str, until: i64| {
        let is_open =
            |row: &&Unbilled| i64::from(row.proved) <= until && (row.invoiced == 0 || i64::from(row.invoiced) > until);
        let open = rows.iter().filter(|row| row.currency == currency).filter(is_open);
        open.map(|row| row.value_millionths).fold(0_i128, i128::saturating_add)
    };
    let text = |value: i128, currency: &str| words::stored_money(Some(value), currency).unwrap_or_default();
    let mut charts = Vec::new();
    let mut now = Vec::new();
    for (currency, _) in currencies {
        let levels: Vec<i128> = (0..weeks.labels.len() as i64).map(|n| level(currency, weeks.first + 7 * n)).collect();
        let last = levels.last().copied().unwrap_or(0);
        if last != 0 {
            now.push(text(last, currency));
        }
        if charts.len() == CURRENCIES {
            continue;
        }
        let known = |value: &i128| Decimal::try_from_i128_with_scale(*value / MILLIONTHS, 0).ok()?.to_f64();
        let series = [Series::new(currency, levels.iter().map(known).collect())];
        let most = levels.iter().max().copied().unwrap_or(0);
        let summary = format!(
            "{} delivered and not invoiced now; at most {} at the end of a week.",
            text(last, currency),
            text(most, currency)
        );
        let title = format!("Delivered, not invoiced, {currency}");
        let write = |value: f64| short(value);
        let plan =
            Plan { write: &write, summary, open: true, ..Plan::new(&title, Shape::Columns, &weeks.labels, &series) };
        let mut made = chart(&plan);
        // The table has every digit.
        for (row, value) in made.rows.iter_mut().zip(levels.iter().rev()) {
            if let Some(cell) = row.get_mut(1) {
                *cell = text(*value, currency);
            }
        }
        charts.push(made);
    }
    (charts, now)
}

/// `12.4 k`, `3.1 M`: for axes only.
fn short(value: f64) -> String {
    let text = |value: f64| format!("{value:.1}").trim_end_matches('0').trim_end_matches('.').to_owned();
    match value.abs() {
        size if size >= 1e9 => format!("{} bn", text(value / 1e9)),
        size if size >= 1e6 => format!("{} M", text(value / 1e6)),
        size if size >= 1e3 => format!("{} k", text(value / 1e3)),
        _ => text(value),
    }
}

fn yields(weeks: &Weeks, rows: &[YieldWeek]) -> (Chart, Vec<Tile>) {
    let series = [
        weeks.series("on time and in full", rows.iter(), |row| (row.week, percent(row.kept_n, row.promised_n))),
        weeks.series("perfect order", rows.iter(), |row| (row.week, percent(row.perfect_n, row.promised_n))),
        weeks.series("right the first time", rows.iter(), |row| (row.week, percent(row.first_pass_n, row.count))),
    ];
    let shown: Vec<&YieldWeek> = rows.iter().filter(|row| weeks.place(row.week).is_some()).collect();
    let sum = |of: fn(&YieldWeek) -> u64| shown.iter().map(|row| of(row)).sum::<u64>();
    let (all, promised) = (sum(|row| row.count), sum(|row| row.promised_n));
    let kept = percent(sum(|row| row.kept_n), promised);
    let perfect = percent(sum(|row| row.perfect_n), promised);
    let first = percent(sum(|row| row.first_pass_n), all);
    let told = format!(
        "Of {} with a promise {} came on time and in full, {} without any fault; of {} {} went right the first time.",
        words::plural(promised, "delivery", "deliveries"),
        percent_text(kept),
        percent_text(perfect),
        words::plural(all, "delivery", "deliveries"),
        percent_text(first)
    );
    let summary = if all == 0 { "No delivery in this time.".to_owned() } else { told };
    let write = |value: f64| format!("{value:.0} %");
    let plan = Plan {
        write: &write,
        summary,
        most: Some(100.0),
        open: true,
        ..Plan::new("Kept promises", Shape::Lines, &weeks.labels, &series)
    };
    let tile = |title, value, note: String| Tile { title, value: percent_text(value), note };
    let tiles = vec![
        tile("On time, in full", kept, words::plural(promised, "promise", "promises")),
        tile("Perfect order", perfect, "and without any fault".into()),
        tile("Right the first time", first, words::plural(all, "delivery", "deliveries")),
    ];
    (chart(&plan), tiles)
}

fn shown_weeks(query: &Query) -> u16 {
    let wanted = query.get("weeks").and_then(|text| text.parse().ok());
    wanted.filter(|n| WEEKS.contains(n)).unwrap_or(WEEKS[0])
}

fn by(query: &Query) -> (&'static str, &'static str) {
    BY.into_iter().find(|(key, _)| query.get("by") == Some(key)).unwrap_or(BY[0])
}

async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let mut visit = Visit::new(desk, request, &KNOWN).await?;
    if visit.query.get("weeks").is_some_and(|text| !WEEKS.iter().any(|n| n.to_string() == text)) {
        visit.notices.push("weeks: there are 12, 26 and 52.".into());
    }
    let definitions = desk.definitions(&visit.tenant);
    let wanted = visit.query.get("definition");
    let mut all: Vec<&Definition> = definitions.iter().map(AsRef::as_ref).collect();
    // The process that ends in an invoice, unless another is asked for.
    all.sort_by_key(|one| {
        let invoiced = one.milestones.iter().any(|rule| rule.key == "invoiced");
        (Some(one.key.as_str()) != wanted, !invoiced, std::cmp::Reverse(one.milestones.len()))
    });
    let missing = || Trouble::NotFound { tenant: visit.tenant.clone(), what: "A process".into() };
    let definition = *all.first().ok_or_else(missing)?;
    let mut others: Vec<(String, String)> = all.iter().map(|one| (one.key.clone(), one.title.clone())).collect();
    others.sort_by(|a, b| a.1.cmp(&b.1));
    let one = |name: &str| visit.query.get(name).unwrap_or_default().to_owned();
    let from = week_of(visit.clock.now_ms) - 7 * (i64::from(shown_weeks(&visit.query)) - 1);
    let filter = InsightFilter {
        definition: definition.key.clone(),
        customer: one("customer"),
        warehouse: one("warehouse"),
        carrier: one("carrier"),
        from_ms: from * 86_400_000,
    };
    let tenant = visit.tenant.as_str();
    let by = by(&visit.query).0;
    visit
        .show(desk, async {
            let find = Figures::find(desk.store.clone(), tenant.to_owned(), filter.clone(), by);
            let figures = desk.insights.get((tenant.to_owned(), filter, by), find).await?;
            let page = insights(tenant, &visit.clock, &visit.query, definition, &others, &figures);
            Ok((Label::new("insights", "Insights", ""), page))
        })
        .await
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use jiff::Timestamp;

    use super::*;

    const MONDAY: i64 = 20_780; // 2026-11-23

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn weeks_begin_on_monday() {
        assert_eq!(week_of(ms("2026-11-23T00:00:00Z")), MONDAY);
        assert_eq!(week_of(ms("2026-11-29T23:59:59Z")), MONDAY);
        assert_eq!(week_of(ms("2026-11-22T23:59:59Z")), MONDAY - 7);
        assert_eq!(label(MONDAY), "23 Nov");
    }

    #[test]
    fn what_is_not_invoiced_is_the_sum_of_all_weeks_before_and_never_across_currencies() {
        let week = |ago: i64| (MONDAY - 7 * ago) as u16;
        let row = |currency: &str, proved: i64, invoiced: Option<i64>, units: i128| Unbilled {
            currency: currency.into(),
            proved: week(proved),
            invoiced: invoiced.map_or(0, week),
            value_millionths: units * MILLIONTHS,
            count: 1,
        };
        // Long before the time that is shown, and within it; the same week takes back what it brought.
        let rows = [
            row("EUR", 40, None, 70),
            row("EUR", 40, Some(0), 30),
            row("EUR", 2, None, 50),
            row("EUR", 1, Some(1), 900),
            row("USD", 1, None, 7),
        ];
        let weeks = Weeks::new(ms("2026-11-25T10:00:00Z"), 12);
        let (charts, now) = unbilled(&weeks, &rows);
        assert_eq!(now, ["120.00 EUR", "7.00 USD"]);
        let column: Vec<&str> = charts[0].rows.iter().take(4).map(|row| row[1].as_str()).collect();
        assert_eq!(column, ["120.00 EUR", "150.00 EUR", "150.00 EUR", "100.00 EUR"]);
        assert!(charts[0].bars.last().unwrap().open, "this week is not over");
    }

    #[test]
    fn promises_count_once_they_are_decided() {
        let rows =
            [YieldWeek { week: MONDAY as u16, count: 10, promised_n: 8, kept_n: 6, perfect_n: 4, first_pass_n: 5 }];
        let (drawn, tiles) = yields(&Weeks::new(ms("2026-11-25T10:00:00Z"), 12), &rows);
        let values: Vec<&str> = tiles.iter().map(|tile| tile.value.as_str()).collect();
        assert_eq!(values, ["75 %", "50 %", "50 %"]);
        assert!(drawn.summary.starts_with("Of 8 deliveries with a promise 75 % came on time and in full, 50 %"));
    }
}
