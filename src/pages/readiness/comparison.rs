//! What does not match, as a list: kinds with their number and money, and each difference with its figures.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{FacetValue, amounts, kind};
use crate::domain::{Money, RECONCILIATION_KINDS};
use crate::pages::params::Query;
use crate::pages::render::Page;
use crate::pages::status::{self, Badge};
use crate::pages::time::{Clock, Time};
use crate::pages::words;
use crate::store::Sum;
use crate::store::rows::ReconciliationRow;

#[derive(Debug, Serialize)]
pub struct Compared {
    pub path: String,
    pub search: String,
    pub kept: Vec<(String, String)>,
    pub kinds: Vec<FacetValue>,
    pub rows: Vec<ComparedRow>,
    pub total: String,
    pub next: String,
    pub first: String,
    pub with_matched: String,
    pub matched: bool,
    pub worklist: String,
    /// `matches`, `no-match`, empty where there are rows.
    pub empty: &'static str,
    /// The list without its filters.
    pub all: String,
}

impl Page for Compared {
    const TEMPLATE: &'static str = "reconciliation.html";
}

#[derive(Debug, Serialize)]
pub struct ComparedRow {
    pub key: String,
    pub kind: String,
    pub object: String,
    pub href: String,
    pub root: String,
    pub root_href: String,
    pub line: String,
    pub detail: String,
    pub expected: String,
    pub found: String,
    pub value: String,
    pub figures: Vec<String>,
    pub since: Time,
    pub system: String,
    pub party: String,
    pub badge: Badge,
}

pub fn comparison(
    tenant: &str,
    clock: &Clock,
    query: &Query,
    rows: &[ReconciliationRow],
    sums: &[Sum],
    next: Option<String>,
) -> Compared {
    let path = words::tenant_path(tenant, "reconciliation");
    let base = query.without(&["after"]);
    let to = |query: &Query| format!("{path}{}", query.text());
    let mut by_currency: BTreeMap<&str, u64> = BTreeMap::new();
    sums.iter().for_each(|sum| *by_currency.entry(&sum.currency).or_default() += sum.count);
    let known = by_currency.into_iter().filter(|(currency, _)| !currency.is_empty());
    let leading = known.max_by_key(|(_, count)| *count).map_or("", |(currency, _)| currency);
    let mut kinds: Vec<FacetValue> = Vec::new();
    for (key, title) in RECONCILIATION_KINDS {
        let own = || sums.iter().filter(|s| s.value == key);
        let chosen = base.list("kind").iter().any(|k| k == key);
        if own().next().is_some() || chosen {
            let href = to(&if chosen { base.without(&["kind"]) } else { base.with("kind", key) });
            kinds.push(FacetValue { chosen, ..FacetValue::new(title.into(), href, own(), leading) });
        }
    }
    let (count, ..) = amounts(sums.iter());
    // A figure of money has the places of its currency, one of goods has its unit.
    let figure = |text: &str, row: &ReconciliationRow| match text.parse() {
        Err(_) => String::new(),
        Ok(value) if row.unit == row.currency && !row.unit.is_empty() => {
            words::money(&Money { value, currency: row.currency.clone() })
        }
        Ok(value) => format!("{} {}", words::quantity(value), row.unit).trim_end().to_owned(),
    };
    let row = |row: &ReconciliationRow| ComparedRow {
        key: format!("{} {}/{} {}", row.kind, row.object_type, row.object_id, row.line),
        kind: kind(&row.kind),
        object: row.object_id.clone(),
        href: words::object_path(tenant, &row.object_type, &row.object_id),
        root: row.root_id.clone(),
        root_href: words::workflow_path(tenant, &row.root_type, &row.root_id),
        line: row.line.clone(),
        detail: row.detail.clone(),
        expected: figure(&row.expected, row),
        found: figure(&row.found, row),
        value: words::stored_money(row.value, &row.currency).unwrap_or_default(),
        figures: row.figures.clone(),
        since: clock.time(row.since_ms),
        system: words::system(&row.system),
        party: if row.customer.is_empty() { row.carrier.clone() } else { row.customer.clone() },
        badge: if row.state == "matched" { status::readiness("paid") } else { status::readiness("wrong") },
    };
    Compared {
        search: base.get("q").unwrap_or_default().to_owned(),
        kept: base.without(&["q"]).pairs().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        kinds,
        rows: rows.iter().map(row).collect(),
        total: words::plural(count, "discrepancy", "discrepancies"),
        next: next.as_ref().map(|cursor| to(&base.with("after", cursor))).unwrap_or_default(),
        first: query.get("after").map(|_| to(&base)).unwrap_or_default(),
        matched: base.get("matched") == Some("yes"),
        with_matched: to(&if base.get("matched") == Some("yes") {
            base.without(&["matched"])
        } else {
            base.with("matched", "yes")
        }),
        worklist: words::tenant_path(tenant, "readiness"),
        empty: match ["kind", "customer", "carrier", "q"].iter().any(|name| base.get(name).is_some()) {
            _ if !rows.is_empty() => "",
            true => "no-match",
            false => "matches",
        },
        all: to(&base.without(&["kind", "customer", "carrier", "q"])),
        path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_money_have_the_places_of_their_currency_and_goods_their_unit() {
        let row = |expected: &str, unit: &str, currency: &str| ReconciliationRow {
            kind: "freight".into(),
            expected: expected.into(),
            unit: unit.into(),
            currency: currency.into(),
            ..ReconciliationRow::default()
        };
        let rows = [row("486.7", "EUR", "EUR"), row("1200", "JPY", "JPY"), row("2.5", "KG", "EUR"), row("", "", "")];
        let query = Query::parse("q=none");
        let page = comparison("acme", &Clock::utc(0), &query, &rows, &[], None);
        let shown: Vec<&str> = page.rows.iter().map(|row| row.expected.as_str()).collect();
        assert_eq!(shown, ["486.70 EUR", "1,200 JPY", "2.5 KG", ""]);
        assert_eq!(page.empty, "");
        assert_eq!(comparison("acme", &Clock::utc(0), &query, &[], &[], None).empty, "no-match");
        assert_eq!(comparison("acme", &Clock::utc(0), &Query::parse(""), &[], &[], None).empty, "matches");
    }
}
