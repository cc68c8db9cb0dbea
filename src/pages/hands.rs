//! What people do to the graph by hand: link, unlink, merge, release and discard what is held, and take it back. Each
//! is an act with a reason on the object itself, so that state made anew has it too. The API does the same through here.

use actix_web::{HttpRequest, HttpResponse};
use milepost_ingest::ObjectRef;
use serde_json::{Map, Value};

use super::act::Submission;
use super::desk::Desk;
use super::problem::Trouble;
use super::routes::part;
use super::words;
use crate::store::StoreError;

/// Longest reason; more is cut.
const MAX_REASON_CHARS: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Link,
    Unlink,
    Merge,
    Release,
    Discard,
    /// Takes an act back.
    Undo,
}

impl Deed {
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "link" => Self::Link,
            "unlink" => Self::Unlink,
            "merge" => Self::Merge,
            "release" => Self::Release,
            "discard" => Self::Discard,
            "undo" => Self::Undo,
            _ => return None,
        })
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Link => "object.linked",
            Self::Unlink => "object.unlinked",
            Self::Merge => "object.merged",
            Self::Release => "held.released",
            Self::Discard => "held.discarded",
            Self::Undo => "event.voided",
        }
    }
}

/// What is to be done, checked.
#[derive(Debug, PartialEq)]
pub struct Doing {
    pub kind: &'static str,
    pub object: ObjectRef,
    pub refs: Vec<ObjectRef>,
    pub data: Map<String, Value>,
}

/// Why it is not done: a field and a sentence.
#[derive(Debug)]
pub enum Objection {
    Field(&'static str, String),
    Unknown(ObjectRef),
    Store(StoreError),
}

impl From<StoreError> for Objection {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a person or program asks for.
#[derive(Clone, Debug, Default)]
pub struct Wish<'a> {
    /// `order/SO-1`, of link, unlink and merge.
    pub other: Option<&'a str>,
    pub reason: Option<&'a str>,
    /// Id of the act to take back.
    pub act: Option<&'a str>,
}

/// Holds a wish against what is known.
pub async fn check(
    desk: &Desk,
    tenant: &str,
    object: ObjectRef,
    deed: Deed,
    wish: &Wish<'_>,
) -> Result<Doing, Objection> {
    let field = |name, text: &str| Err(Objection::Field(name, text.to_owned()));
    let Some(reason) = wish.reason.map(str::trim).filter(|r| !r.is_empty()) else {
        return field("reason", "Say why: others will see it and may have to judge it.");
    };
    let row = desk.store.object(tenant, &object).await?.ok_or_else(|| Objection::Unknown(object.clone()))?;
    // Under another name it is still the same object.
    let object = ObjectRef::parse(&row.same_as).unwrap_or(object);
    let reason: String = reason.chars().take(MAX_REASON_CHARS).collect();
    let mut data: Map<String, Value> = [("reason".to_owned(), reason.into())].into_iter().collect();
    let mut refs = Vec::new();
    match deed {
        Deed::Link | Deed::Unlink | Deed::Merge => {
            let Some(other) = wish.other.and_then(|text| ObjectRef::parse(text.trim())) else {
                return field("other", "Name the other object by type and id, like order/SO-1.");
            };
            if !milepost_ingest::OBJECT_TYPES.contains(&other.kind.as_str()) {
                return field("other", &format!("There is no type {}.", other.kind));
            }
            if other == object {
                return field("other", "This is the object itself.");
            }
            if deed == Deed::Merge && other.kind != object.kind {
                let text = format!("A {} is no {}: only objects of one type can be one.", object.kind, other.kind);
                return field("other", &text);
            }
            if deed == Deed::Unlink && !row.links.contains(&other.to_string()) {
                return field("other", &format!("It is not linked with {other}."));
            }
            if deed == Deed::Merge && desk.store.object(tenant, &other).await?.is_none() {
                return Err(Objection::Unknown(other));
            }
            refs.push(other);
        }
        Deed::Release | Deed::Discard if !row.held => {
            return field("object", "It is not held (any more).");
        }
        Deed::Release | Deed::Discard => {}
        Deed::Undo => {
            let Some(act) = wish.act.map(str::trim).filter(|id| !id.is_empty()) else {
                return field("act", "Name the act to take back.");
            };
            data.insert("event".to_owned(), act.into());
        }
    }
    Ok(Doing { kind: deed.kind(), object, refs, data })
}

/// A form of an object's page or of the page of held objects.
pub async fn submitted(desk: &Desk, request: &HttpRequest, form: Submission) -> Result<HttpResponse, Trouble> {
    let tenant = form.by.tenant.clone();
    let object = ObjectRef::new(part(request, "type"), part(request, "id"));
    let missing = |what: String| Trouble::NotFound { tenant: tenant.clone(), what };
    let deed = Deed::parse(&part(request, "deed")).ok_or_else(|| missing(object.to_string()))?;
    let wish = Wish { other: form.get("other"), reason: form.get("reason"), act: form.get("act") };
    let doing = check(desk, &tenant, object, deed, &wish).await.map_err(|objection| match objection {
        Objection::Field(_, text) => form.bad(&text),
        Objection::Unknown(object) => missing(format!("{} {}", words::title(&object.kind), object.id)),
        Objection::Store(error) => error.into(),
    })?;
    let mut act = form.act(0, doing.kind, doing.object, doing.data);
    act.refs = doing.refs;
    form.done(desk, vec![act]).await
}
