//! What a replay would change, without doing it: the events are added in a scratch graph, and each workflow is compared
//! with itself, field by field. Nothing is written and nothing is sent.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use chrono::Utc;
use milepost_ingest::{Event, ObjectRef, Refusal};
use serde::Serialize;
use serde_json::Value;

use super::bodies::Bodies;
use super::dispatch::{Came, Content, Work, by_rule, editable, idempotency_key, pretty};
use super::edit::{self, Step};
use super::effects;
use super::error::ReplayError;
use super::job::{Of, Options, Through};
use super::jobs::Replays;
use super::select::{Excluded, Wanted};
use crate::domain::{Entry, assemble};
use crate::pipeline::By;
use crate::store::replays::ReplayItemRow;
use crate::store::rows::EventRow;

/// Records that are tried; a larger selection is shown by its first ones.
pub const TRIED: usize = 200;
/// Workflows that are compared.
const COMPARED: usize = 50;
/// Fields that are listed of each.
const FIELDS: usize = 200;

/// What would follow.
#[derive(Debug, Default, Serialize)]
pub struct Forecast {
    pub count: usize,
    /// How many of them were tried out.
    pub tried: usize,
    pub excluded: Vec<Excluded>,
    pub workflows: Vec<Difference>,
    /// Events that are there already: they would change nothing.
    pub duplicates: usize,
    pub problems: Vec<Problem>,
    pub calls: Vec<Call>,
    /// Objects of which nothing says yet to which workflow they belong.
    pub held: Vec<ObjectRef>,
}

/// A record before and after a rule.
#[derive(Debug)]
pub struct Sample {
    /// Its name: `3f.2`.
    pub payload: String,
    pub before: String,
    pub after: String,
    pub problems: Vec<Refusal>,
}

#[derive(Debug, Serialize)]
pub struct Difference {
    pub workflow: ObjectRef,
    /// It would begin with this.
    pub new: bool,
    pub changes: Vec<Field>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    pub at: String,
    pub before: Value,
    pub after: Value,
}

#[derive(Debug, Serialize)]
pub struct Problem {
    pub payload: String,
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

/// A request that would go out.
#[derive(Debug, Serialize)]
pub struct Call {
    pub target: String,
    pub method: String,
    pub url: String,
    pub idempotency_key: String,
    pub bytes: usize,
}

impl Replays {
    pub async fn forecast(
        &self,
        by: &By,
        wanted: &Wanted,
        through: &Through,
        options: &Options,
    ) -> Result<Forecast, ReplayError> {
        let tenant = by.tenant.as_str();
        self.check(tenant, through, options)?;
        let mut selection = self.select(tenant, wanted, through, options.of).await?;
        let edit = match options.edit.as_str() {
            "" => None,
            id => Some(self.store.payload_edit(tenant, id).await?.ok_or_else(|| ReplayError::NoEdit(id.to_owned()))?),
        };
        if let Some(edit) = edit.as_ref().filter(|edit| edit.record == crate::store::replays::WHOLE) {
            selection.chosen.truncate(1);
            selection.chosen.iter_mut().for_each(|chosen| chosen.record = edit.record);
        }
        let mut forecast = Forecast { count: selection.chosen.len(), ..Forecast::default() };
        forecast.excluded = selection.excluded;
        selection.chosen.truncate(TRIED);
        forecast.tried = selection.chosen.len();
        let Some(me) = self.me() else { return Ok(forecast) };
        let work = Work {
            replays: me,
            tenant: tenant.to_owned(),
            replay: String::new(),
            through: through.clone(),
            options: options.clone(),
            edit,
            bodies: Bodies::new(self.store.clone(), tenant, selection.chosen.iter().map(|c| c.payload)),
        };
        let mut events: Vec<Event> = Vec::new();
        for chosen in selection.chosen {
            let item = ReplayItemRow {
                tenant: tenant.to_owned(),
                payload: chosen.payload,
                record: chosen.record,
                edit: options.edit.clone(),
                ..ReplayItemRow::default()
            };
            let payload = crate::store::replays::name(item.payload, item.record);
            let Content { form, headers, body, source, rules } = match work.content(&item).await {
                Ok(content) => content,
                Err(Came::Never(no) | Came::Gone(no) | Came::Later { no, .. }) => {
                    forecast.problems.push(Problem { payload, detail: no.detail, refusal: None });
                    continue;
                }
                Err(Came::Taken { .. }) => continue,
            };
            if let Through::Target(key) = through {
                if let Some(target) = self.targets.get(tenant, key) {
                    forecast.calls.push(Call {
                        target: target.key.clone(),
                        method: target.method.to_string(),
                        url: target.url.to_string(),
                        idempotency_key: idempotency_key(tenant, &item, options),
                        bytes: body.len(),
                    });
                }
                continue;
            }
            let ruling = match work.ruling(&rules) {
                Ok(ruling) => ruling,
                Err(error) => {
                    forecast.problems.push(Problem { payload, detail: error.to_string(), refusal: None });
                    continue;
                }
            };
            let refusals = match self.gate.trial(&ruling, form, &headers, &body, &source) {
                Err(refusal) => vec![refusal],
                Ok(reading) => {
                    events.extend(reading.events);
                    reading.refusals
                }
            };
            forecast.problems.extend(refusals.into_iter().map(|refusal| Problem {
                payload: payload.clone(),
                detail: refusal.detail.clone(),
                refusal: Some(refusal),
            }));
        }
        self.compare(tenant, events, &mut forecast).await?;
        Ok(forecast)
    }

    async fn compare(&self, tenant: &str, mut events: Vec<Event>, forecast: &mut Forecast) -> Result<(), ReplayError> {
        let named: Vec<(ObjectRef, String)> = events.iter().map(|e| (e.object.clone(), e.id.clone())).collect();
        let known: HashSet<_> = self.store.events_taken(tenant, &named).await?.into_iter().collect();
        events.retain(|event| !known.contains(&(event.object.clone(), event.id.clone())));
        forecast.duplicates = known.len();
        if events.is_empty() {
            return Ok(());
        }
        let definitions = self.shelf.of(tenant);
        let own: BTreeSet<ObjectRef> = events.iter().map(|event| event.object.clone()).collect();
        let touched: BTreeSet<ObjectRef> =
            events.iter().flat_map(|event| event.refs.iter().chain([&event.object])).cloned().collect();
        let touched: Vec<ObjectRef> = touched.into_iter().collect();
        let above = effects::roots(&self.store, tenant, &touched).await?;
        let mut roots: BTreeSet<ObjectRef> = above.values().flatten().cloned().collect();
        roots.extend(touched.iter().filter(|object| definitions.of_root(&object.kind).is_some()).cloned());
        let mut members: BTreeSet<ObjectRef> = touched.iter().cloned().collect();
        for root in roots.iter().take(COMPARED) {
            if let Some(row) = self.store.workflow(tenant, root).await? {
                members.extend(row.members.iter().filter_map(|name| ObjectRef::parse(name)));
            }
        }
        let members: Vec<ObjectRef> = members.into_iter().collect();
        let mut entries: Vec<Entry> = Vec::new();
        for some in members.chunks(crate::store::replays::AT_ONCE) {
            entries.extend(self.store.events_of(tenant, some).await?.into_iter().filter_map(EventRow::into_entry));
        }
        let now = Utc::now();
        let added: Vec<Entry> =
            events.into_iter().map(|event| Entry { event, received_at: now, payload: u64::MAX }).collect();
        let all_compared = roots.len() <= COMPARED;
        let mut found: BTreeSet<ObjectRef> = BTreeSet::new();
        for root in roots.into_iter().take(COMPARED) {
            let before = assemble(&definitions, &root, entries.iter().cloned(), now);
            let after = assemble(&definitions, &root, entries.iter().chain(&added).cloned(), now);
            let Some(after) = after else { continue };
            found.extend(after.objects.iter().map(|member| member.object.clone()));
            let new = before.is_none();
            let before = before.map_or(Value::Null, |workflow| plain(&workflow));
            let changes = differences(&before, &plain(&after));
            if new || !changes.is_empty() {
                forecast.workflows.push(Difference { workflow: root, new, changes });
            }
        }
        let belongs = |kind: &str| definitions.iter().any(|definition| definition.concerns(kind));
        if all_compared {
            forecast.held =
                own.iter().filter(|object| !found.contains(*object) && belongs(&object.kind)).cloned().collect();
        }
        Ok(())
    }

    /// A rule tried on a few records: each before and after, with what would still be wrong.
    pub async fn samples(
        &self,
        tenant: &str,
        wanted: &Wanted,
        steps: &[Step],
        of: Of,
        most: usize,
    ) -> Result<Vec<Sample>, ReplayError> {
        edit::check(steps)?;
        let mut selection = self.select(tenant, wanted, &Through::Pipeline, of).await?;
        selection.chosen.truncate(most);
        let bodies = Bodies::new(self.store.clone(), tenant, selection.chosen.iter().map(|chosen| chosen.payload));
        let mut samples = Vec::new();
        for chosen in selection.chosen {
            let Some(loaded) = bodies.get(chosen.payload).await? else { continue };
            let Some((form, before)) = loaded.records.get(chosen.record) else { continue };
            let Some((mended, after)) = by_rule(steps, form, &before) else { continue };
            let mut headers = loaded.row.headers.clone();
            if mended != form {
                headers.retain(|(name, _)| name != "content-type");
            }
            let Ok(ruling) = self.ruling(of, &loaded.row.rules) else { continue };
            let problems = match self.gate.trial(&ruling, mended, &headers, &after, &loaded.row.source) {
                Err(refusal) => vec![refusal],
                Ok(reading) => reading.refusals,
            };
            let text = |bytes: &[u8]| pretty(&String::from_utf8_lossy(bytes));
            samples.push(Sample {
                payload: crate::store::replays::name(chosen.payload, chosen.record),
                before: editable(form, &before, crate::store::replays::WHOLE)
                    .map_or_else(|| text(&before), |(_, text)| text),
                after: text(&after),
                problems,
            });
        }
        Ok(samples)
    }

    pub(super) fn me(&self) -> Option<Arc<Self>> {
        self.weak().upgrade()
    }
}

fn plain<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// Where two values differ, in the words of JSON pointers. Entries of lists are matched by what names them, so that
/// one more does not make all behind it differ.
pub fn differences(before: &Value, after: &Value) -> Vec<Field> {
    let mut found = Vec::new();
    walk("", before, after, &mut found);
    found
}

fn walk(at: &str, before: &Value, after: &Value, found: &mut Vec<Field>) {
    if before == after || at == "/as_of" || found.len() >= FIELDS {
        return;
    }
    match (before, after) {
        (Value::Object(_), Value::Object(_)) | (Value::Array(_), Value::Array(_)) => {
            let (old, new) = (named(before), named(after));
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let get = |side: &BTreeMap<String, &Value>| side.get(name).copied().cloned().unwrap_or(Value::Null);
                walk(&format!("{at}/{name}"), &get(&old), &get(&new), found);
            }
        }
        _ => found.push(Field { at: at.to_owned(), before: before.clone(), after: after.clone() }),
    }
}

/// Fields by name; entries of a list by their key, else by their place.
fn named(value: &Value) -> BTreeMap<String, &Value> {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => {
            let names: Vec<Option<String>> = items.iter().map(key_of).collect();
            let distinct: BTreeSet<&Option<String>> = names.iter().collect();
            let by_key = distinct.len() == items.len() && !distinct.contains(&None);
            let name = |(at, item): (usize, _)| {
                let key = if by_key { names.get(at).cloned().flatten() } else { None };
                (key.unwrap_or_else(|| at.to_string()), item)
            };
            items.iter().enumerate().map(name).collect()
        }
        _ => BTreeMap::new(),
    }
}

fn key_of(item: &Value) -> Option<String> {
    for name in ["key", "policy", "id", "line", "code"] {
        if let Some(key) = item.get(name).and_then(Value::as_str) {
            return Some(key.replace('/', "~1"));
        }
    }
    let object = item.get("object")?;
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = item.get("kind").and_then(Value::as_str).unwrap_or_default();
    Some(format!("{kind} {} {}", text("type"), text("id")).trim().replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_more_entry_does_not_make_those_behind_it_differ() {
        let before =
            json!({"stage": "created", "milestones": [{"key": "created", "at": 1}, {"key": "shipped", "at": null}]});
        let after = json!({"stage": "shipped", "milestones":
            [{"key": "created", "at": 1}, {"key": "picked", "at": 2}, {"key": "shipped", "at": 3}]});
        let found: Vec<String> = differences(&before, &after).into_iter().map(|field| field.at).collect();
        assert_eq!(found, ["/milestones/picked", "/milestones/shipped/at", "/stage"]);
        assert!(differences(&after, &after).is_empty());
    }
}
