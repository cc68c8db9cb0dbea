//! Every page is rendered from rows: usual, nothing yet, hostile text, failure. With `MILEPOST_LOOK=folder` the pages
//! are also written there, to be looked at.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "pages/doors.rs"]
mod doors;
#[path = "pages/fixtures.rs"]
mod fixtures;
#[path = "pages/more.rs"]
mod more;
#[path = "pages/rules.rs"]
mod rules;

use fixtures::*;
use milepost::live::Freshness;
use milepost::pages::board::{self, Answers, Flow};
use milepost::pages::frame::{Counts, Frame, Setting};
use milepost::pages::params::Query;
use milepost::pages::prefs::Prefs;
use milepost::pages::render::{self, Page};
use milepost::pages::time::Clock;
use milepost::pages::workflow::{self, Facts, Tab};
use milepost::pages::workflows::{self, FacetCount, Found};
use milepost::store::rows::*;
use milepost::store::{ClockCount, Facet, Whose};

fn clock() -> Clock {
    Clock::new(NOW, "Europe/Berlin").unwrap()
}

fn frame(page: &'static str, title: &str) -> Frame {
    let clock = clock();
    Frame::new(Setting {
        tenant: "acme",
        tenants: &["acme".into(), "globex".into()],
        page,
        title: title.into(),
        watch: String::new(),
        here: format!("/t/acme/{page}"),
        counts: Counts { breached: 3, at_risk: 5, exceptions: 41, held: 23, failure_groups: 4, silent_sources: 1 },
        freshness: Some(Freshness { received_ms: NOW, stored_ms: NOW, lag_ms: 800, store_up: true }),
        clock: &clock,
        prefs: &Prefs { zone: "Europe/Berlin".into(), ..Prefs::default() },
        notices: vec![],
        store_up: true,
    })
}

/// Renders whole and as a piece, and holds every page to the rules of the house.
fn show<P: Page>(name: &str, frame: &Frame, page: &P) -> String {
    let html = render::page(frame, page, false).unwrap_or_else(|error| panic!("{name}: {error}"));
    let piece = render::page(frame, page, true).unwrap_or_else(|error| panic!("{name} as a piece: {error}"));
    assert!(html.contains(piece.trim()), "{name}: the piece is part of the page");
    check_rules(name, &html);
    if let Ok(folder) = std::env::var("MILEPOST_LOOK") {
        std::fs::write(format!("{folder}/{name}.html"), &html).unwrap();
    }
    html
}

/// No inline script, style or handler; no address that runs; ids and names of live pieces are unique.
fn check_rules(name: &str, html: &str) {
    let lower = html.to_lowercase();
    // A second piece of the same name would be patched into the first.
    let mut pieces = std::collections::BTreeSet::new();
    for piece in html.split(" data-live=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(pieces.insert(piece), "{name}: two live pieces are called {piece}");
    }
    for banned in ["<style", " style=", "href=\"javascript:", "<img", "src=\"data:"] {
        assert!(!lower.contains(banned), "{name} holds {banned}");
    }
    for script in lower.split("<script").skip(1) {
        assert!(script.starts_with(" type=\"module\" src=\"/static/"), "{name}: inline script");
        assert!(script[script.find('>').unwrap()..].starts_with("></script>"), "{name}: script with a body");
    }
    for tag in lower.split('<').filter(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic())) {
        let tag = tag.split('>').next().unwrap();
        let outside_quotes: String = tag.split('"').step_by(2).collect();
        let handler = outside_quotes.split_whitespace().find(|part| part.starts_with("on") && part.contains('='));
        assert_eq!(handler, None, "{name}: {tag}");
    }
    let mut ids: Vec<&str> = lower.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(all, ids.len(), "{name}: an id is given twice");
}

fn answers() -> Answers {
    let n = |key: &str, n: u64| (key.to_owned(), n);
    let stages = ["created", "released", "allocated", "picked", "packed", "shipped", "delivered", "charges_final"];
    Answers {
        statuses: vec![n("breached", 7), n("at_risk", 12), n("blocked", 31), n("on_track", 1260), n("done", 8204)],
        stages: stages
            .iter()
            .enumerate()
            .flat_map(|(at, stage)| {
                let of = |status: &str, n: u64| ("order-to-cash".to_owned(), (*stage).to_owned(), status.to_owned(), n);
                [
                    of("on_track", 310 - 32 * at as u64),
                    of("at_risk", at as u64 * 3),
                    of("breached", at as u64 / 3 * 4),
                    of("blocked", 9),
                ]
            })
            .collect(),
        due: list().into_iter().filter(|row| row.status != "done").take(15).collect(),
        events: events().into_iter().rev().take(10).collect(),
        clocks: clocks().into(),
        days: board::days(&clock()),
        held: 23,
        held_oldest_ms: Some(NOW - 2 * HOUR),
        failure_groups: 4,
        failures_last_hour: 482,
        next_due_ms: Some(NOW + 6 * MINUTE + 12_000),
        ..Answers::default()
    }
}

/// 148 fall due today, 61 of them are done; 27 of 28 were kept on each of the days before.
fn clocks() -> Vec<ClockCount> {
    let row = |day, verdict: &str, late_cause: &str, count| ClockCount {
        day,
        today: day == 6,
        open: matches!(verdict, "open" | "at_risk" | "breached"),
        verdict: verdict.into(),
        late_cause: late_cause.into(),
        count,
    };
    let before = (0..6).flat_map(|day| [row(day, "met", "", 27), row(day, "met_late", "", 1)]);
    let today = [
        row(6, "met", "", 61),
        row(6, "open", "", 80),
        row(6, "breached", "credit_hold", 4),
        row(6, "breached", "step/picked", 2),
        row(6, "breached", "system/carrier", 1),
    ];
    before.chain(today).collect()
}

fn flow() -> Flow {
    let stages = workflow().milestones.into_iter().map(|m| (m.key, m.title)).collect();
    Flow {
        definition: "order-to-cash".into(),
        title: "Order to cash".into(),
        stages,
        others: vec![("returns".into(), "Returns".into(), 12)],
    }
}

#[test]
fn board_says_what_breaches_next() {
    let html = show("board", &frame("board", "Board"), &board::board("acme", &clock(), &answers(), Some(&flow())));
    assert!(html.find("SO-10200").unwrap() < html.find("SO-10221").unwrap());
    assert!(html.contains("oldest 3 h 10 m"));
    assert!(
        html.contains("61 done") && html.contains("of 236 clocks"),
        "what is due today, and what was kept in a week"
    );
    assert!(html.contains(">94.4 <small>%</small>") && html.contains("Waited for picked"));
}

#[test]
fn a_narrowed_board_says_whose_it_is_and_leads_to_lists_of_the_same() {
    let facet = |name: &str, value: &str, count| Facet { name: name.into(), value: value.into(), count };
    let narrowed = Answers {
        whose: Whose { system: "wms".into(), customer: "Acme & Co".into() },
        choices: vec![facet("system", "erp", 9), facet("system", "wms", 4), facet("customer", "Acme & Co", 2)].into(),
        query: Query::parse("system=wms&customer=Acme+%26+Co&flow=returns"),
        silent: vec!["wms".into()],
        ..answers()
    };
    let html =
        show("board-narrowed", &frame("board", "Board"), &board::board("acme", &clock(), &narrowed, Some(&flow())));
    assert!(html.contains("<option value=\"wms\" selected>WMS") && html.contains("<option value=\"erp\">ERP"));
    assert!(html.contains("workflows?status=breached&amp;system=wms&amp;customer=Acme%20%26%20Co"));
    assert!(html.contains("<input type=\"hidden\" name=\"flow\" value=\"returns\">"), "choosing keeps the flow");
    assert!(
        html.contains("board?system=wms&amp;customer=Acme%20%26%20Co&amp;flow=returns&amp;since=06"),
        "and so does a shift"
    );
    assert!(html.contains("tile t-crit stale") && html.contains("WMS is silent: may be old"));
    let other = Answers { silent: vec!["tms".into()], ..narrowed };
    let html = show("board-narrowed", &frame("board", "Board"), &board::board("acme", &clock(), &other, Some(&flow())));
    assert!(!html.contains("may be old"), "another system's silence says nothing of this one");
}

#[test]
fn board_without_data_says_how_to_begin() {
    let html =
        show("board-empty", &frame("board", "Board"), &board::board("acme", &clock(), &Answers::default(), None));
    assert!(html.contains("Nothing has arrived yet"));
}

#[test]
fn board_with_good_news_says_until_when() {
    let mut calm = answers();
    calm.statuses.retain(|(status, _)| status == "on_track");
    calm.due.retain(|row| row.status == "on_track");
    let html = show("board-calm", &frame("board", "Board"), &board::board("acme", &clock(), &calm, Some(&flow())));
    assert!(html.contains("Nothing is late or at risk. Next due"));
}

fn facets() -> Vec<FacetCount> {
    let f = |name: &str, value: &str, count| FacetCount { name: name.into(), value: value.into(), count };
    vec![
        f("status", "on_track", 1260),
        f("status", "breached", 7),
        f("status", "at_risk", 12),
        f("status", "blocked", 31),
        f("system", "wms", 640),
        f("system", "tms", 410),
        f("system", "billing", 260),
        f("stage", "picked", 240),
        f("stage", "shipped", 212),
        f("exception", "credit_hold", 22),
        f("customer", "Acme GmbH", 98),
        f("customer", "Großküchentechnik Süddeutschland GmbH & Co. KG", 61),
        f("warehouse", "east-2", 801),
        f("carrier", "DHL Freight", 222),
    ]
}

fn found<'a>(query: &'a Query, rows: &'a [WorkflowRow], facets: &'a [FacetCount]) -> Found<'a> {
    Found { tenant: "acme", query, rows, total: 1310, totals: &[], any: true, facets, next: Some("abc".into()) }
}

#[test]
fn workflows_are_filtered_by_their_address() {
    let (query, rows, facets) = (Query::parse("status=at_risk,breached&customer=Acme%20GmbH"), list(), facets());
    let html =
        show("workflows", &frame("workflows", "Workflows"), &workflows::list(&clock(), &found(&query, &rows, &facets)));
    assert!(html.contains("?status=at_risk&amp;customer=Acme%20GmbH"), "a chip takes one value away");
    assert!(html.contains("50 of 1,310 workflows"));
    assert!(html.contains("after=abc"));
}

#[test]
fn an_empty_list_says_why() {
    let query = Query::parse("status=breached");
    let mut none = found(&query, &[], &[]);
    let html = show("workflows-no-match", &frame("workflows", "Workflows"), &workflows::list(&clock(), &none));
    assert!(html.contains("No workflow matches") && html.contains("without Status"));
    none.any = false;
    let html = show("workflows-empty", &frame("workflows", "Workflows"), &workflows::list(&clock(), &none));
    assert!(html.contains("No workflows yet"));
}

fn detail(tab: Tab, as_of_ms: Option<i64>) -> workflow::Detail {
    let (workflow, events, spans) = (workflow(), events(), spans());
    let facts =
        Facts { tenant: "acme", workflow: &workflow, events: &events, spans: &spans, failures: &[], tab, as_of_ms };
    workflow::detail(&clock(), &facts)
}

#[test]
fn a_workflow_says_what_blocks_it_who_acts_and_by_when() {
    let html = show("workflow", &frame("workflows", "SO-10234"), &detail(Tab::Timeline, None));
    for said in [
        "Ship confirmation missing.",
        "Who acts: <strong>WMS</strong>",
        "06:12",
        "Released to shipped in 4 h",
        "14 m 00 s late",
    ] {
        assert!(html.contains(said), "{said}");
    }
}

#[test]
fn each_view_of_a_workflow_renders() {
    for tab in [Tab::Quantities, Tab::Documents, Tab::Payloads, Tab::Trace] {
        let name = format!("workflow-{tab:?}").to_lowercase();
        let html = show(&name, &frame("workflows", "SO-10234"), &detail(tab, Some(NOW - HOUR)));
        assert!(html.contains("This view does not move"), "{name}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let mut rows = list();
    for (row, text) in rows.iter_mut().zip(HOSTILE.iter().cycle()) {
        row.customer = (*text).into();
        row.root_id = (*text).into();
        row.stage_title = (*text).into();
        row.next_title = (*text).into();
        row.currency = (*text).into();
        row.blocked_what = (*text).into();
        row.status = (*text).into();
    }
    let query = Query::parse("q=%3Cscript%3Ealert(1)%3C/script%3E&customer=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E");
    let facets: Vec<FacetCount> = HOSTILE
        .iter()
        .flat_map(|text| {
            ["customer", "status", "stage"].map(|name| FacetCount {
                name: name.into(),
                value: (*text).into(),
                count: 1,
            })
        })
        .collect();
    let html = show(
        "workflows-hostile",
        &frame("workflows", HOSTILE[0]),
        &workflows::list(&clock(), &found(&query, &rows, &facets)),
    );
    assert!(html.contains("{{7*7}}"), "a template in a text is not run");
    assert!(html.contains("⟨U+202E⟩") && !html.contains('\u{202E}'));

    for text in HOSTILE {
        let mut flow = workflow();
        flow.customer = Some(text.into());
        flow.root.id = text.into();
        flow.exceptions[0].detail = text.into();
        flow.exceptions[0].kind = text.into();
        flow.lines[0].sku = text.into();
        flow.lines[0].unit = text.into();
        flow.objects[1].object.id = text.into();
        flow.objects[1].object.kind = text.into();
        flow.slas[0].title = text.into();
        flow.milestones[6].title = text.into();
        if let Some(blocked) = &mut flow.blocked_by {
            blocked.what = text.into();
            blocked.who = text.into();
        }
        let (mut events, mut spans) = (events(), spans());
        for event in &mut events {
            event.source = text.into();
            event.event_id = format!("{text}{}", event.occurred_ms);
            event.event_type = text.into();
            event.system = text.into();
            event.object_id = text.into();
        }
        for span in &mut spans {
            span.span.name = text.into();
            span.span.service = text.into();
            span.span.status_message = text.into();
            span.span.attributes = vec![(text.into(), text.into())];
        }
        for tab in Tab::ALL {
            let facts = Facts {
                tenant: "acme",
                workflow: &flow,
                events: &events,
                spans: &spans,
                failures: &[],
                tab,
                as_of_ms: None,
            };
            let html = show("workflow-hostile", &frame("workflows", text), &workflow::detail(&clock(), &facts));
            let shown = html.contains("{{7*7}}") || !text.contains("{{");
            assert!(shown, "{tab:?}: {text}");
        }
    }
}
