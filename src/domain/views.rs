//! Saved views: a list with its filter under a name, for one person or for everybody, and when it is sent by mail.
//! What people did with a view, folded in order, is the view.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Object type of the acts.
pub const VIEW: &str = "view";
pub const MAX_NAME: usize = 60;
pub const MAX_RECEIVERS: usize = 20;

/// One thing done to a view: `view.saved`, `view.changed`, `view.removed`, `view.mail_set`, `view.mail_stopped`,
/// `view.mail_asked`, `view.mail_begun`, `view.mailed`.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewAct {
    pub view: String,
    pub kind: String,
    /// `person/anna`
    pub by: String,
    pub at_ms: i64,
    pub data: Map<String, Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct View {
    pub id: String,
    pub name: String,
    /// Address of the list below the tenant: `workflows`.
    pub list: String,
    /// Without the question mark: `status=breached&sort=due`.
    pub query: String,
    /// For everybody, or for the owner only.
    pub shared: bool,
    /// `person/anna`
    pub owner: String,
    pub changed_ms: i64,
    pub mail: Option<Mailing>,
    /// The last sending: the slot it was for, and what became of it.
    pub mailed: Option<Mailed>,
    /// The last slot that a sending was begun for.
    pub begun_ms: i64,
    /// Somebody wants it sent once, now.
    pub asked_ms: i64,
}

/// When a view is sent, and to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailing {
    pub to: Vec<String>,
    /// 1 is Monday, 7 is Sunday.
    pub days: Vec<u8>,
    /// Minutes after midnight, by the wall clock of the zone.
    pub minute: u16,
    pub zone: String,
    /// With the rows as a spreadsheet.
    #[serde(default)]
    pub attached: bool,
    /// Set at; what was due earlier is not sent.
    #[serde(default)]
    pub set_ms: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailed {
    pub slot_ms: i64,
    #[serde(default)]
    pub at_ms: i64,
    /// Empty when it was taken.
    #[serde(default)]
    pub fault: String,
}

impl View {
    pub fn is_seen_by(&self, person: &str) -> bool {
        self.shared || self.owner == format!("person/{person}")
    }
}

/// The views that there are, by name.
pub fn views<'a>(acts: impl IntoIterator<Item = &'a ViewAct>) -> Vec<View> {
    let mut views: Vec<View> = Vec::new();
    for act in acts {
        let text = |name: &str| act.data.get(name).and_then(Value::as_str).map(str::to_owned);
        let known = views.iter().position(|view| view.id == act.view);
        match (act.kind.as_str(), known) {
            ("view.saved", None) => {
                let (Some(name), Some(list)) = (text("name"), text("list")) else { continue };
                views.push(View {
                    id: act.view.clone(),
                    name,
                    list,
                    query: text("query").unwrap_or_default(),
                    shared: act.data.get("shared").and_then(Value::as_bool).unwrap_or(false),
                    owner: act.by.clone(),
                    changed_ms: act.at_ms,
                    mail: None,
                    mailed: None,
                    begun_ms: 0,
                    asked_ms: 0,
                });
            }
            ("view.removed", Some(at)) => drop(views.remove(at)),
            (kind, Some(at)) => change(&mut views[at], kind, act, text),
            _ => {}
        }
    }
    views.sort_by(|a, b| a.name.to_lowercase().cmp(&b.name.to_lowercase()).then_with(|| a.id.cmp(&b.id)));
    views
}

fn change(view: &mut View, kind: &str, act: &ViewAct, text: impl Fn(&str) -> Option<String>) {
    let whole = || Value::Object(act.data.clone());
    match kind {
        "view.changed" => {
            view.name = text("name").unwrap_or_else(|| view.name.clone());
            view.query = text("query").unwrap_or_else(|| view.query.clone());
            view.shared = act.data.get("shared").and_then(Value::as_bool).unwrap_or(view.shared);
            view.changed_ms = act.at_ms;
        }
        "view.mail_set" => {
            let set = serde_json::from_value::<Mailing>(whole()).ok();
            view.mail = set.map(|mail| Mailing { set_ms: act.at_ms, ..mail }).or_else(|| view.mail.take());
        }
        "view.mail_stopped" => view.mail = None,
        "view.mail_asked" => view.asked_ms = act.at_ms,
        "view.mail_begun" => {
            let slot_ms = act.data.get("slot_ms").and_then(Value::as_i64).unwrap_or(0);
            view.begun_ms = view.begun_ms.max(slot_ms);
        }
        "view.mailed" => {
            let sent = serde_json::from_value::<Mailed>(whole()).ok();
            view.mailed = sent.map(|sent| Mailed { at_ms: act.at_ms, ..sent }).or_else(|| view.mailed.take());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn act(view: &str, kind: &str, by: &str, data: &Value) -> ViewAct {
        let data = data.as_object().cloned().unwrap_or_default();
        ViewAct { view: view.into(), kind: format!("view.{kind}"), by: by.into(), at_ms: 7, data }
    }

    #[test]
    fn a_view_is_what_was_done_with_it() {
        let saved = json!({"name": "Late", "list": "workflows", "query": "status=breached", "shared": false});
        let mail = json!({"to": ["a@example.com"], "days": [1, 5], "minute": 450, "zone": "Europe/Berlin"});
        let acts = [
            act("1", "saved", "person/anna", &saved),
            act("2", "saved", "person/bert", &json!({"name": "all", "list": "held", "shared": true})),
            act("1", "changed", "person/anna", &json!({"name": "Very late"})),
            act("1", "mail_set", "person/anna", &mail),
            act("1", "mailed", "rule/mail", &json!({"slot_ms": 5})),
            act("3", "changed", "person/anna", &json!({"name": "never saved"})),
        ];
        let made = views(&acts);
        assert_eq!(made.iter().map(|view| view.name.as_str()).collect::<Vec<_>>(), ["all", "Very late"]);
        assert_eq!(made[1].query, "status=breached");
        assert_eq!(made[1].mail.as_ref().map(|mail| (mail.minute, mail.set_ms)), Some((450, 7)));
        assert_eq!(made[1].mailed.as_ref().map(|sent| sent.slot_ms), Some(5));
        assert!(made[0].is_seen_by("anna") && made[1].is_seen_by("anna") && !made[1].is_seen_by("bert"));
    }

    #[test]
    fn a_removed_view_stays_away() {
        let saved = json!({"name": "Late", "list": "workflows"});
        let acts = [
            act("1", "saved", "person/anna", &saved),
            act("1", "removed", "person/anna", &json!({})),
            act("1", "changed", "person/anna", &saved),
        ];
        assert_eq!(views(&acts), []);
    }
}
