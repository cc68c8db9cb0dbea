//! Definitions and objects: drawn, told in words, listed.

use milepost::pages::params::Query;
use milepost::pages::{definitions, objects};
use milepost::store::rows::ObjectRow;

use super::fixtures::*;
use super::{clock, frame, show};

fn row(id: &str) -> ObjectRow {
    ObjectRow {
        object_type: "shipment".into(),
        object_id: id.into(),
        state: "shipped".into(),
        events: 3,
        last_ms: NOW,
        last_type: "shipment.shipped".into(),
        last_system: "wms".into(),
        workflows: (0..5).map(|n| format!("order/SO-{n}")).collect(),
        ..ObjectRow::default()
    }
}

fn ages() -> Vec<milepost::store::StageAge> {
    let age = |stage: &str, version: u32, count: u64, hours: i64| milepost::store::StageAge {
        stage: stage.into(),
        version,
        count,
        breached: count / 4,
        oldest_ms: NOW - hours * 3 * HOUR,
        median_ms: NOW - hours * HOUR,
    };
    vec![age("created", 1, 12, 1), age("released", 1, 40, 30), age("picked", 1, 3, 2), age("delivered", 1, 7, 20)]
}

fn with_rules<T>(
    own: Vec<milepost::domain::Difference>,
    fault: Option<String>,
    make: impl FnOnce(&definitions::Rules) -> T,
) -> T {
    let file = |name: &str| {
        let path = format!("{}/definitions/{name}", env!("CARGO_MANIFEST_DIR"));
        (name.to_owned(), std::fs::read_to_string(path).unwrap())
    };
    let files: milepost::domain::Files =
        ["order-to-cash.toml", "returns.toml", "inbound.toml"].map(file).into_iter().collect();
    let set = milepost::domain::Definitions::load(&files).unwrap();
    make(&definitions::Rules { tenant: "acme", definitions: &set, differences: &|_| own.clone(), fault })
}

#[test]
fn a_definition_is_drawn_told_in_words_and_compared_with_the_shipped_one() {
    let own = vec![milepost::domain::Difference {
        field: "slas.order-release.within".into(),
        base: Some("\"30m\"".into()),
        own: Some("\"<2h>\"".into()),
    }];
    let page =
        with_rules(own, None, |rules| definitions::one(rules, &clock(), "order-to-cash", None, &ages())).unwrap();
    let html = show("definition", &frame("definitions", "Order to cash"), &page);
    for text in [
        "40 workflows stand at “Released”, half of them for",
        "By shipment.shipped or shipment.short_shipped; for every shipment; complete when the whole quantity is shipped.",
        "From “Created” to “Released” within 30 m; at risk after 75 % of the time; the clock stands still during credit hold.",
        "slas.order-release.within",
        "&lt;2h&gt;",
        "/t/acme/workflows?definition=order-to-cash&amp;stage=released&amp;closed=no",
    ] {
        assert!(html.contains(text), "{text}\n{html}");
    }
    assert!(
        with_rules(vec![], None, |rules| definitions::one(rules, &clock(), "order-to-cash", Some(9), &[])).is_none()
    );
}

#[test]
fn the_list_of_definitions_tells_of_files_that_cannot_be_used() {
    let counts = [("order-to-cash".to_owned(), 62)];
    let page = with_rules(vec![], Some("x.toml:3:1: no <milestone>".into()), |rules| definitions::list(rules, &counts));
    let html = show("definitions", &frame("definitions", "Definitions"), &page);
    assert!(
        html.contains("x.toml:3:1: no &lt;milestone&gt;") && html.contains("Order to cash") && html.contains(">62<"),
        "{html}"
    );
}

#[test]
fn objects_are_listed_by_type_and_state() {
    let rows = vec![row("SH-1"), row("SH-2")];
    let count = |kind: &str, state: &str, n: u64| milepost::store::ObjectCount {
        object_type: kind.into(),
        state: state.into(),
        count: n,
        held: 0,
    };
    let counts = [count("shipment", "shipped", 1200), count("shipment", "created", 34), count("order", "released", 99)];
    let filter = milepost::store::ObjectFilter { object_type: "shipment".into(), ..Default::default() };
    let query = Query::parse("type=shipment");
    let found = objects::Found {
        tenant: "acme",
        query: &query,
        filter: &filter,
        counts: &counts,
        rows: &rows,
        next: Some("x".into()),
    };
    let html = show("objects", &frame("objects", "Objects"), &objects::objects(&clock(), &found));
    assert!(html.contains("of 1,234 objects") && html.contains("state=created"), "{html}");
    let found = objects::Found { rows: &[], next: None, counts: &[], ..found };
    assert!(
        show("objects-none", &frame("objects", "Objects"), &objects::objects(&clock(), &found))
            .contains("No object is so")
    );
}
