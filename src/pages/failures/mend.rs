//! One rule for all failures of a group: its steps, what it makes of a few of them, what a dry run finds, and the way to
//! the replay. The rule stands in the address, so it can be handed to somebody else.

use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;

use super::group::Home;
use super::headline;
use crate::domain::failures::{group_name, parse_group};
use crate::pages::desk::Desk;
use crate::pages::params::Query;
use crate::pages::payload::{self, DiffLine, diff};
use crate::pages::problem::Trouble;
use crate::pages::render::Page;
use crate::pages::replays::forecast::{self, Fault, Shown};
use crate::pages::replays::{replays, trouble, way, ways};
use crate::pages::routes::part;
use crate::pages::visit::{Label, Visit};
use crate::pages::{mask, words};
use crate::pipeline::By;
use crate::replay::edit::{self, Step};
use crate::replay::job::Options;
use crate::replay::{Sample, Wanted};
use crate::store::FailureFilter;
use crate::store::rows::FailureRow;

/// Steps that the form has room for; longer rules go through the API.
const ROWS: usize = 6;
const SAMPLES: usize = 3;
/// Bad values that a new rule offers to exchange.
const OFFERED: usize = 3;

const KNOWN: [&str; 4 * ROWS + 2] = [
    "op0", "at0", "from0", "to0", "op1", "at1", "from1", "to1", "op2", "at2", "from2", "to2", "op3", "at3", "from3",
    "to3", "op4", "at4", "from4", "to4", "op5", "at5", "from5", "to5", "through", "dry",
];

#[derive(Debug, Serialize)]
pub struct Mend {
    pub title: String,
    pub group: String,
    pub group_href: String,
    pub path: String,
    pub rows: Vec<Row>,
    pub ops: Vec<(&'static str, &'static str)>,
    pub fault: String,
    pub said: Vec<String>,
    /// The rule as the replay takes it; empty without one.
    pub rule: String,
    pub ways: Vec<(String, String)>,
    pub through: String,
    pub samples: Vec<Tried>,
    pub forecast: Option<Shown>,
    pub draft_path: String,
}

impl Page for Mend {
    const TEMPLATE: &'static str = "failure-mend.html";
}

#[derive(Clone, Debug, Default, Serialize, PartialEq, Eq)]
pub struct Row {
    pub number: usize,
    pub op: String,
    pub at: String,
    pub from: String,
    pub to: String,
}

/// A record before and after the rule.
#[derive(Debug, Serialize)]
pub struct Tried {
    pub payload: String,
    pub href: String,
    pub lines: Vec<DiffLine>,
    pub problems: Vec<Fault>,
}

const OPS: [(&str, &str); 5] = [
    ("", "nothing"),
    ("map", "exchange a value"),
    ("set", "set the field to"),
    ("rename", "rename the field to"),
    ("delete", "delete the field"),
];

pub async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &KNOWN).await?;
    let tenant = visit.tenant.as_str();
    let missing = || Trouble::NotFound { tenant: tenant.to_owned(), what: "This group of failures".into() };
    let asked_for = parse_group(&part(request, "group")).ok_or_else(missing)?;
    let replays = replays(desk, tenant)?;
    visit
        .show(desk, async {
            let home = Home::read(desk, tenant, asked_for).await?;
            let found = home.found().ok_or_else(missing)?;
            let id = home.id;
            let values = desk.store.failure_group_values(tenant, id, &home.rules, OFFERED as u64).await?;
            let mut rows = rows(&visit.query);
            let fresh = rows.iter().all(|row| row.op.is_empty());
            let at = at_every_place(&found.pointer);
            if fresh {
                let shown =
                    values.iter().filter(|v| !v.found.is_empty() && mask::value(&found.pointer, &v.found) == v.found);
                for (row, value) in rows.iter_mut().zip(shown) {
                    let from = value.found.trim_matches('"').to_owned();
                    let told = FailureRow {
                        code: found.code.clone(),
                        expected: found.expected.clone(),
                        found: from.clone(),
                        ..FailureRow::default()
                    };
                    row.to = payload::suggestion(&told);
                    (row.op, row.at, row.from) = ("map".to_owned(), at.clone(), from);
                }
                if rows[0].op.is_empty() {
                    (rows[0].op, rows[0].at) = ("set".to_owned(), at);
                }
            }
            let steps = if fresh { Vec::new() } else { steps(&rows) };
            let mut fault = String::new();
            // Without a step all of it goes as it came.
            if !steps.is_empty()
                && let Err(error) = edit::check(&steps)
            {
                fault = format!("{}.", words::capital(&error.to_string()));
            }
            let filter = FailureFilter { group: Some(id), ..FailureFilter::default() };
            let wanted = Wanted {
                filter: Some(filter),
                words: format!("failures of group {}", group_name(id)),
                payloads: Vec::new(),
            };
            let usable = !steps.is_empty() && fault.is_empty();
            let through = visit.query.get("through").unwrap_or("pipeline").to_owned();
            let (way, of) = way(&through)
                .ok_or_else(|| Trouble::Bad { tenant: tenant.to_owned(), text: "Choose a way.".into() })?;
            let samples = match usable {
                true => {
                    let samples = replays.samples(tenant, &wanted, &steps, of, SAMPLES).await;
                    samples.map_err(|error| trouble(tenant, error))?
                }
                false => Vec::new(),
            };
            let mut shown = None;
            if visit.query.get("dry").is_some() && fault.is_empty() {
                let by = By { tenant: tenant.to_owned(), source: String::new(), key_id: String::new() };
                let options = Options { steps: steps.clone(), of, ..Options::default() };
                let found =
                    replays.forecast(&by, &wanted, &way, &options).await.map_err(|error| trouble(tenant, error))?;
                shown = Some(forecast::shown(tenant, &visit.clock, &found));
            }
            let path = super::group_path(tenant, id);
            let page = Mend {
                title: headline(found),
                group: group_name(id),
                path: format!("{path}/mend"),
                group_href: path,
                ops: OPS.to_vec(),
                rule: if usable { serde_json::to_string(&steps).unwrap_or_default() } else { String::new() },
                said: steps.iter().map(|step| words::capital(&step.words())).collect(),
                rows,
                fault,
                ways: ways(replays, tenant),
                through,
                samples: samples.iter().map(|sample| tried(tenant, sample)).collect(),
                forecast: shown,
                draft_path: words::tenant_path(tenant, "replays/draft"),
            };
            Ok((Label::new("failures", format!("Mend: {}", headline(found)), ""), page))
        })
        .await
}

fn tried(tenant: &str, sample: &Sample) -> Tried {
    let masked = |text: &str| match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            mask::json(&mut value, false);
            serde_json::to_string_pretty(&value).unwrap_or_default()
        }
        Err(_) => mask::text(text),
    };
    Tried {
        href: words::tenant_path(tenant, &format!("payloads/{}", sample.payload)),
        lines: diff(&masked(&sample.before), &masked(&sample.after)),
        problems: sample.problems.iter().map(|refusal| Fault::of(&sample.payload, refusal)).collect(),
        payload: sample.payload.clone(),
    }
}

fn rows(query: &Query) -> Vec<Row> {
    (0..ROWS)
        .map(|number| {
            let get = |name: &str| query.get(&format!("{name}{number}")).unwrap_or_default().to_owned();
            Row { number, op: get("op"), at: get("at"), from: get("from"), to: get("to") }
        })
        .collect()
}

/// Rows that say something, as steps of a rule. Exchanges at one place are one step, so that none undoes another.
fn steps(rows: &[Row]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    // A step that does not say what to make of it is not filled in yet; an empty text is written "".
    let is_filled = |row: &&Row| row.op == "delete" || !row.to.is_empty();
    for row in rows.iter().filter(is_filled) {
        let at = row.at.clone();
        match row.op.as_str() {
            "map" => {
                if let Some(Step::Map { at: last, values }) = steps.last_mut()
                    && *last == at
                {
                    values.insert(row.from.clone(), value(&row.to));
                } else {
                    let values = [(row.from.clone(), value(&row.to))].into_iter().collect();
                    steps.push(Step::Map { at, values });
                }
            }
            "set" => steps.push(Step::Set { at, value: value(&row.to) }),
            "rename" => steps.push(Step::Rename { at, to: row.to.clone() }),
            "delete" => steps.push(Step::Delete { at }),
            _ => {}
        }
    }
    steps
}

/// `true`, `null`, objects and what stands in quotes as JSON; everything else is text, also `7`: quantities are texts.
fn value(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Number(_)) | Err(_) => Value::String(text.to_owned()),
        Ok(value) => value,
    }
}

/// `/data/lines/3/quantity` → `/data/lines/*/quantity`
fn at_every_place(pointer: &str) -> String {
    let every = |part: &str| {
        if part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty() { "*".to_owned() } else { part.to_owned() }
    };
    pointer.split('/').map(every).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_of_the_form_are_steps_and_exchanges_at_one_place_are_one() {
        let query = "op0=map&at0=%2Fdata%2Fq&from0=many&to0=7&op1=map&at1=%2Fdata%2Fq&from1=7&to1=8&op2=set&at2=%2Fdata%2Fx&to2=true&op4=delete&at4=%2Fdata%2Fy";
        assert!(steps(&rows(&Query::parse("op0=map&at0=%2Fx&from0=1"))).is_empty(), "not filled in yet");
        let found = serde_json::to_value(steps(&rows(&Query::parse(query)))).expect("json");
        let wanted = json!([
            {"op": "map", "at": "/data/q", "values": {"many": "7", "7": "8"}},
            {"op": "set", "at": "/data/x", "value": true},
            {"op": "delete", "at": "/data/y"}
        ]);
        assert_eq!(found, wanted);
        assert_eq!(at_every_place("/data/lines/3/quantity"), "/data/lines/*/quantity");
    }
}
