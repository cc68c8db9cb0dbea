//! Where a page ended, so that the next one begins behind it: the sort value and the names of its last row.
//! Pages carry it in their links as one opaque word.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use super::exceptions::ExceptionSort;
use super::failures::FailureGroup;
use super::rows::{ExceptionRow, FailureRow, ObjectRow, ReadinessRow, ReconciliationRow, SlaRow, WorkflowRow};
use super::workflows::Sort;

/// The default is the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(Option<Place>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub value: i64,
    pub kind: String,
    pub id: String,
    pub also: String,
}

impl Cursor {
    pub fn start() -> Self {
        Self::default()
    }

    pub fn is_start(&self) -> bool {
        self.0.is_none()
    }

    /// Behind a workflow of a list in this order.
    pub fn after_workflow(row: &WorkflowRow, sort: Sort) -> Self {
        let value = match sort {
            Sort::Due => row.due_ms.unwrap_or(i64::MAX),
            Sort::Updated => -row.updated_ms,
            Sort::Created => -row.created_ms,
        };
        Self::after(value, &row.root_type, &row.root_id, &row.definition)
    }

    /// Behind a clock of a list; `newest` as in its filter.
    pub fn after_sla(row: &SlaRow, newest: bool) -> Self {
        let value = if newest { -row.due_ms } else { row.due_ms };
        let clock = format!("{} {}/{}", row.policy, row.object_type, row.object_id);
        Self::after(value, &row.root_type, &row.root_id, &clock)
    }

    /// Behind an item of the readiness list.
    pub fn after_readiness(row: &ReadinessRow) -> Self {
        let object = format!("{}/{}", row.object_type, row.object_id);
        Self::after(row.delivered_ms.unwrap_or(i64::MAX), "", &row.root_id, &object)
    }

    /// Behind a discrepancy.
    pub fn after_discrepancy(row: &ReconciliationRow) -> Self {
        let place = format!("{}\n{}/{}\n{}", row.kind, row.object_type, row.object_id, row.line);
        Self::after(row.since_ms, "", &row.root_id, &place)
    }

    /// Behind an object of the held list.
    pub fn after_held(row: &ObjectRow) -> Self {
        Self::after(row.held_since_ms, &row.object_type, &row.object_id, "")
    }

    /// Behind an object of the list of objects.
    pub fn after_object(row: &ObjectRow) -> Self {
        Self::after(-row.last_ms, &row.object_type, &row.object_id, "")
    }

    /// Behind a refusal of the failures list.
    pub fn after_failure(row: &FailureRow) -> Self {
        Self::after(row.payload as i64, "", &row.index.to_string(), "")
    }

    /// Behind an exception of a list in this order.
    pub fn after_exception(row: &ExceptionRow, sort: ExceptionSort) -> Self {
        Self::after(sort.value(row), "", &row.id, "")
    }

    /// Behind a group of failures.
    pub fn after_group(group: &FailureGroup) -> Self {
        Self::after(group.last_ms, "", &group.group_id.to_string(), "")
    }

    /// Whether a group stands behind this place: the latest first, then by id.
    pub fn is_before_group(&self, group: &FailureGroup) -> bool {
        let Some(place) = &self.0 else { return true };
        let id = place.id.parse::<u64>().unwrap_or(0);
        group.last_ms < place.value || (group.last_ms == place.value && group.group_id > id)
    }

    fn after(value: i64, kind: &str, id: &str, also: &str) -> Self {
        Self(Some(Place { value, kind: kind.to_owned(), id: id.to_owned(), also: also.to_owned() }))
    }

    pub(super) fn place(&self) -> (bool, Place) {
        (self.0.is_some(), self.0.clone().unwrap_or_default())
    }

    pub(super) fn resumed(&self) -> Option<Place> {
        self.0.clone()
    }

    /// Reads what `Display` wrote; nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::start());
        }
        let (value, kind, id, also) = serde_json::from_slice(&BASE64.decode(text).ok()?).ok()?;
        Some(Self(Some(Place { value, kind, id, also })))
    }
}

/// Safe in a URL; empty for the beginning.
impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(place) = &self.0 else { return Ok(()) };
        let text =
            serde_json::to_vec(&(place.value, &place.kind, &place.id, &place.also)).map_err(|_| std::fmt::Error)?;
        f.write_str(&BASE64.encode(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_way_through_a_link() {
        let row = WorkflowRow { root_type: "order".into(), root_id: "SO/1 \"ü\"\0".into(), ..Default::default() };
        for cursor in
            [Cursor::start(), Cursor::after_workflow(&row, Sort::Due), Cursor::after_workflow(&row, Sort::Updated)]
        {
            let text = cursor.to_string();
            assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'), "{text}");
            assert_eq!(Cursor::parse(&text), Some(cursor));
        }
        assert_eq!(Cursor::parse("W10"), None);
        assert_eq!(Cursor::parse("%00"), None);
    }
}
