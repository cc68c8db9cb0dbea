//! Actions on a workflow: what may be asked of another system about it, as files `actions/*.toml`. A file says about
//! which objects it is, when it is offered, to which target it goes, and what is said there. Sending is another room's.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use milepost_ingest::{OBJECT_TYPES, ObjectRef};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use toml::Spanned;

use super::definition::{DefinitionError, Files, Reader};
use super::readiness::language::{Figures, Question, VARIABLES};
use super::readiness::{Exact, LineValue};
use super::{Billable, Money, Reached, Workflow};

const FOLDER: &str = "actions/";

/// Beside what rules of readiness know.
const OWN: [(&str, &str); 6] = [
    ("status", "of the workflow: `on_track`, `blocked`, …"),
    ("stage", "key of the furthest milestone"),
    ("readiness", "`ready`, `blocked`, `invoiced`, …: of what it is about, else of the whole"),
    ("object", "id of what the action is about"),
    ("object_type", "its type"),
    ("root", "id of the workflow's root"),
];
/// What is known only when it is sent.
const SAID: [(&str, &str); 4] = [
    ("by", "who asks for it"),
    ("reason", "why"),
    ("call", "id of this call; the same when it is tried again"),
    ("at", "the moment, RFC 3339"),
];

#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    pub key: String,
    pub title: String,
    /// Type of the objects that it is about; each such object of a workflow is offered it by itself.
    pub about: String,
    pub when: Option<Question>,
    pub target: String,
    /// What the person is asked before it goes.
    pub confirm: String,
    /// What is sent, with `{{ name }}` in its texts.
    body: Value,
    pub file: String,
    /// Where the target is named, for whoever knows which targets there are.
    pub target_at: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    key: Spanned<String>,
    title: String,
    about: Spanned<String>,
    when: Option<Spanned<String>>,
    target: Spanned<String>,
    #[serde(default)]
    confirm: String,
    body: toml::Table,
}

/// Every action of a set of files.
pub fn load(files: &Files) -> (Vec<Action>, Vec<DefinitionError>) {
    let (mut actions, mut errors): (Vec<Action>, Vec<DefinitionError>) = (Vec::new(), Vec::new());
    for (name, text) in files.in_folder(FOLDER, "toml") {
        match Action::parse(name, text) {
            Ok(action) => match actions.iter().find(|other| other.key == action.key) {
                Some(other) => {
                    let what = format!("the action `{}` stands in {} too", action.key, other.file);
                    errors.push(DefinitionError::at(name, text, 0, what));
                }
                None => actions.push(action),
            },
            Err(mut found) => errors.append(&mut found),
        }
    }
    actions.sort_by(|a, b| a.key.cmp(&b.key));
    (actions, errors)
}

impl Action {
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<DefinitionError>> {
        let mut reader = Reader::new(file, text);
        let read: File = match toml::from_str(text) {
            Ok(read) => read,
            Err(error) => {
                reader.toml(&error);
                return Err(reader.faults);
            }
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if read.key.get_ref().is_empty() || !read.key.get_ref().chars().all(plain) {
            reader.fault(read.key.span().start, "a key is made of small letters, digits, `-` and `_`");
        }
        if !OBJECT_TYPES.contains(&read.about.get_ref().as_str()) {
            let what = format!("no business object has the type `{}`", read.about.get_ref());
            reader.fault(read.about.span().start, what);
        }
        let when = read.when.and_then(|when| {
            let parsed = Question::parse_with(when.get_ref(), &OWN);
            // The text begins behind its quote.
            parsed.map_err(|wrong| reader.fault(when.span().start + 1 + wrong.at, wrong.what)).ok()
        });
        let body = serde_json::to_value(&read.body).unwrap_or(Value::Null);
        let mut places = Vec::new();
        names(&body, &mut places);
        for name in places.into_iter().filter(|name| !is_known(name)) {
            let at = text.find(&format!("{{{{ {name} }}}}")).or_else(|| text.find(&name)).unwrap_or(0);
            let all: Vec<&str> = known().collect();
            let near = all.iter().max_by_key(|known| strsim_of(known, &name)).copied().unwrap_or_default();
            reader.fault(at, format!("`{name}` is not known; nearest is `{near}`"));
        }
        if !reader.faults.is_empty() {
            return Err(reader.faults);
        }
        Ok(Self {
            key: read.key.into_inner(),
            title: read.title,
            about: read.about.into_inner(),
            when,
            target_at: read.target.span().start,
            target: read.target.into_inner(),
            confirm: read.confirm,
            body,
            file: file.to_owned(),
        })
    }

    /// Objects of a workflow about which it may be asked for now. A condition that cannot be answered is a no.
    pub fn offered(&self, workflow: &Workflow, events: &BTreeSet<String>, now: DateTime<Utc>) -> Vec<ObjectRef> {
        let objects = workflow.objects.iter().map(|member| &member.object).filter(|object| object.kind == self.about);
        let holds = |object: &&ObjectRef| {
            let asks = |when: &Question| when.ask(&figures(workflow, object, events, now)).unwrap_or(false);
            self.when.as_ref().is_none_or(asks)
        };
        objects.filter(holds).cloned().collect()
    }

    /// What is sent about an object.
    pub fn body(&self, workflow: &Workflow, object: &ObjectRef, call: &Call<'_>) -> Value {
        let figures = figures(workflow, object, &BTreeSet::new(), call.at);
        let said = |name: &str| match name {
            "by" => Some(json!(call.by)),
            "reason" => Some(json!(call.reason)),
            "call" => Some(json!(call.id)),
            "at" => Some(json!(call.at.to_rfc3339_opts(SecondsFormat::Millis, true))),
            _ => value_of(&figures, name),
        };
        filled(&self.body, &said)
    }
}

/// What is known of a call only when it is made.
pub struct Call<'a> {
    pub by: &'a str,
    pub reason: &'a str,
    pub id: &'a str,
    pub at: DateTime<Utc>,
}

fn known() -> impl Iterator<Item = &'static str> {
    let shared = VARIABLES.iter().filter(|(name, _)| !matches!(*name, "events" | "exceptions"));
    shared.chain(&OWN).chain(&SAID).map(|(name, _)| *name)
}

fn is_known(name: &str) -> bool {
    known().any(|known| known == name)
}

/// How many letters two names share at their beginning.
fn strsim_of(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}

/// Names between `{{` and `}}` in the texts of a body.
fn names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let mut rest = text.as_str();
            while let Some((_, behind)) = rest.split_once("{{") {
                let Some((name, after)) = behind.split_once("}}") else { break };
                found.push(name.trim().to_owned());
                rest = after;
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| names(field, found)),
        _ => {}
    }
}

/// A text that is one name alone becomes that value; among other words a name becomes text.
fn filled(value: &Value, said: &dyn Fn(&str) -> Option<Value>) -> Value {
    match value {
        Value::String(text) => {
            let whole = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
            if let Some(name) = whole.filter(|name| !name.contains("}}")) {
                return said(name.trim()).unwrap_or(Value::Null);
            }
            let (mut out, mut rest) = (String::new(), text.as_str());
            while let Some((before, behind)) = rest.split_once("{{") {
                let Some((name, after)) = behind.split_once("}}") else { break };
                out.push_str(before);
                match said(name.trim()) {
                    Some(Value::String(text)) => out.push_str(&text),
                    Some(Value::Null) | None => {}
                    Some(other) => out.push_str(&other.to_string()),
                }
                rest = after;
            }
            out.push_str(rest);
            Value::String(out)
        }
        Value::Array(items) => items.iter().map(|item| filled(item, said)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, field)| (name.clone(), filled(field, said))).collect())
        }
        other => other.clone(),
    }
}

fn value_of(figures: &Figures, name: &str) -> Option<Value> {
    let text = figures.texts.iter().find(|(known, _)| *known == name).map(|(_, text)| json!(text));
    let amount = || figures.amounts.iter().find(|(known, _)| *known == name).map(|(_, d)| json!(d.to_string()));
    let flag = || figures.flags.iter().find(|(known, _)| *known == name).map(|(_, flag)| json!(flag));
    let time = || {
        let (_, at) = figures.times.iter().find(|(known, _)| *known == name)?;
        Some(at.map_or(Value::Null, |at| json!(at.to_rfc3339_opts(SecondsFormat::Millis, true))))
    };
    let lines = || (name == "lines").then(|| figures.lines.iter().map(line).collect());
    text.or_else(amount).or_else(flag).or_else(time).or_else(lines)
}

fn line(line: &LineValue) -> Value {
    let texts = line.texts.iter().map(|(name, text)| ((*name).to_owned(), json!(text)));
    let figures = line.figures.iter().map(|(name, Exact(value))| ((*name).to_owned(), json!(value.to_string())));
    Value::Object(texts.chain(figures).collect::<Map<_, _>>())
}

fn figures(workflow: &Workflow, object: &ObjectRef, events: &BTreeSet<String>, now: DateTime<Utc>) -> Figures {
    let units = &workflow.readiness.units;
    let unit: Option<&Billable> = units
        .iter()
        .find(|unit| unit.object == *object)
        .or_else(|| units.iter().find(|unit| unit.object == workflow.root));
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let id_of = |kind: &str| match object.kind == kind {
        true => object.id.clone(),
        false if workflow.root.kind == kind => workflow.root.id.clone(),
        false => String::new(),
    };
    let money = |of: fn(&Billable) -> &Option<Money>| {
        unit.and_then(|unit| of(unit).as_ref()).map_or(Decimal::ZERO, |m| m.value)
    };
    let reached = |key: &str| workflow.milestones.iter().any(|m| m.key == key && m.reached == Reached::Full);
    let at = |key: &str| workflow.milestones.iter().find(|m| m.key == key).and_then(|m| m.at);
    let exact = |name: &'static str, value: Decimal| (name, Exact(value));
    let line = |line: &super::Line| LineValue {
        texts: [("line", line.line.clone()), ("sku", line.sku.clone()), ("unit", line.unit.clone())].into(),
        figures: [
            exact("ordered", line.ordered),
            exact("cancelled", line.cancelled),
            exact("shipped", line.shipped),
            exact("delivered", line.delivered),
            exact("returned", line.returned),
            exact("invoiced", line.invoiced),
            exact("credited", line.credited),
            exact("price", line.price.as_ref().map_or(Decimal::ZERO, |p| p.value)),
        ]
        .into(),
    };
    let sum = |of: fn(&super::Line) -> Decimal| workflow.lines.iter().map(of).sum::<Decimal>();
    let state = unit.map_or(workflow.readiness.state, |unit| unit.state);
    Figures {
        texts: vec![
            ("unit", unit.map_or_else(String::new, |unit| unit.object.kind.clone())),
            ("order", id_of("order")),
            ("shipment", id_of("shipment")),
            ("customer", text(&workflow.customer)),
            ("carrier", unit.and_then(|unit| unit.carrier.clone()).unwrap_or_else(|| text(&workflow.carrier))),
            ("warehouse", unit.and_then(|unit| unit.warehouse.clone()).unwrap_or_else(|| text(&workflow.warehouse))),
            ("priority", text(&workflow.priority)),
            ("policy", workflow.readiness.policy.clone()),
            ("currency", workflow.amount.as_ref().map(|amount| amount.currency.clone()).unwrap_or_default()),
            ("status", workflow.status.as_str().to_owned()),
            ("stage", workflow.stage.clone()),
            ("readiness", state.as_str().to_owned()),
            ("object", object.id.clone()),
            ("object_type", object.kind.clone()),
            ("root", workflow.root.id.clone()),
        ],
        amounts: vec![
            ("value", money(|unit| &unit.value)),
            ("billed", money(|unit| &unit.billed)),
            ("remaining", money(|unit| &unit.remaining)),
            ("ordered", sum(|line| line.ordered)),
            ("shipped", sum(|line| line.shipped)),
            ("delivered", sum(|line| line.delivered)),
            ("returned", sum(|line| line.returned)),
        ],
        flags: vec![
            ("proof_required", workflow.readiness.proof_required),
            ("is_shipped", unit.map_or_else(|| reached("shipped"), |unit| unit.shipped_at.is_some())),
            ("is_delivered", unit.map_or_else(|| reached("delivered"), |unit| unit.delivered_at.is_some())),
            ("has_proof", unit.is_some_and(|unit| unit.proof_at.is_some())),
        ],
        times: vec![
            ("shipped_at", unit.map_or_else(|| at("shipped"), |unit| unit.shipped_at)),
            ("delivered_at", unit.map_or_else(|| at("delivered"), |unit| unit.delivered_at)),
            ("proof_at", unit.and_then(|unit| unit.proof_at)),
            ("now", Some(now)),
        ],
        lists: vec![
            ("events", events.iter().cloned().collect()),
            ("exceptions", workflow.exceptions.iter().map(|exception| exception.kind.clone()).collect()),
        ],
        lines: workflow.lines.iter().map(line).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::assemble;
    use crate::domain::tests::{at, definitions, story};

    const RELEASE: &str = "key = \"bill\"\ntitle = \"Bill it\"\nabout = \"order\"\n\
        when = \"readiness == 'invoiced' || 'invoice.issued' in events && customer == 'Acme'\"\ntarget = \"billing\"\n\
        [body]\norder = \"{{ order }}\"\nwhy = \"{{ reason }} ({{ by }})\"\nlines = \"{{ lines }}\"\nforce = true\n";

    fn wrong(text: &str) -> String {
        Action::parse("actions/x.toml", text).expect_err("refused")[0].to_string()
    }

    #[test]
    fn an_action_is_offered_where_its_condition_holds_and_says_what_it_is_about() {
        let root = ObjectRef::new("order", "O1");
        let workflow = assemble(&definitions(), &root, story(), at(1_000)).expect("a workflow");
        let action = Action::parse("actions/bill.toml", RELEASE).expect("read");
        assert_eq!(action.offered(&workflow, &BTreeSet::new(), at(0)), []);
        let events = BTreeSet::from(["invoice.issued".to_owned()]);
        assert_eq!(action.offered(&workflow, &events, at(0)), std::slice::from_ref(&root));
        let call = Call { by: "person/anna", reason: "Lost \"there\"", id: "c-1", at: at(0) };
        let body = action.body(&workflow, &root, &call);
        assert_eq!(body["why"], "Lost \"there\" (person/anna)", "a text of a person stays one text");
        assert_eq!(
            (&body["order"], &body["force"], &body["lines"][0]["sku"]),
            (&json!("O1"), &json!(true), &json!("A"))
        );
        let notice =
            RELEASE.replace("about = \"order\"", "about = \"shipment\"").replace("{{ order }}", "{{ object }}");
        let notice = Action::parse("actions/notice.toml", &notice).expect("read");
        assert_eq!(notice.offered(&workflow, &events, at(0)).len(), 2, "one for each shipment");
    }

    #[test]
    fn a_condition_may_ask_whether_a_proof_of_delivery_is_required() {
        let root = ObjectRef::new("order", "O1");
        let mut workflow = assemble(&definitions(), &root, story(), at(1_000)).expect("a workflow");
        let asks = RELEASE.replace("readiness == 'invoiced'", "proof_required");
        let action = Action::parse("actions/bill.toml", &asks).expect("read");
        for required in [true, false] {
            workflow.readiness.proof_required = required;
            assert_eq!(action.offered(&workflow, &BTreeSet::new(), at(0)).len(), usize::from(required));
        }
    }

    #[test]
    fn the_examples_are_actions() {
        let files: Files = [
            ("actions/a.toml", include_str!("../../docs/examples/actions/trigger-invoice.toml")),
            ("actions/b.toml", include_str!("../../docs/examples/actions/release-hold.toml")),
            ("actions/c.toml", include_str!("../../docs/examples/actions/cancel-order.toml")),
            ("actions/d.toml", include_str!("../../docs/examples/actions/resend-ship-notice.toml")),
        ]
        .into_iter()
        .collect();
        let (actions, errors) = load(&files);
        assert_eq!((actions.len(), errors), (4, Vec::new()));
    }

    #[test]
    fn what_cannot_be_right_is_refused_with_its_place() {
        assert!(
            wrong(&RELEASE.replace("{{ order }}", "{{ oder }}"))
                .starts_with("actions/x.toml:7:10: `oder` is not known")
        );
        assert!(
            wrong(&RELEASE.replace("readiness ==", "redines =="))
                .starts_with("actions/x.toml:4:9: `redines` is not known")
        );
        assert!(wrong(&RELEASE.replace("about = \"order\"", "about = \"ordr\"")).starts_with("actions/x.toml:3:9:"));
        assert!(wrong("key = \"x\"\nfoo = 1").contains("foo"));
    }
}
