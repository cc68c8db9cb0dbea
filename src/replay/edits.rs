//! Edits that are kept: another version of a payload, or of one record, beside the original, with what is still wrong
//! with it.

use std::collections::HashSet;

use bytes::Bytes;
use chrono::Utc;
use milepost_ingest::{Form, ObjectRef, Refusal};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::dispatch::{editable, edited_form};
use super::edit::{self, EditError};
use super::error::ReplayError;
use super::job::Of;
use super::jobs::Replays;
use super::records;
use crate::pipeline::{By, Ruling};
use crate::store::replays::{EditRow, WHOLE};
use crate::store::rows::PayloadRow;

/// An edit that was kept, and what is still wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Edited {
    pub id: String,
    pub problems: Vec<Refusal>,
}

/// A payload, or one record of it, as it may be edited.
#[derive(Clone, Debug)]
pub struct Original {
    pub row: PayloadRow,
    /// `WHOLE` for all of it.
    pub record: u32,
    /// JSON on lines of its own, OTLP as OTLP/JSON; empty where it is no text.
    pub text: String,
    pub is_text: bool,
    /// What an edit of it is read as.
    form: Form,
}

impl Replays {
    pub async fn original(&self, tenant: &str, payload: u64, record: Option<u32>) -> Result<Original, ReplayError> {
        let row = self.store.payload(tenant, payload).await?;
        let row = row.ok_or_else(|| ReplayError::NoPayload(format!("{payload:x}")))?;
        // A payload of one record is that record.
        let record = record.unwrap_or(if row.events + row.refused == 1 { 0 } else { WHOLE });
        let healed = self.store.healed(tenant, &[payload]).await?;
        if let Some(healed) = healed.into_iter().find(|h| h.record == record || h.record == WHOLE || record == WHOLE) {
            return Err(ReplayError::Healed(healed.replay));
        }
        let form = Form::parse(&row.form).unwrap_or(Form::Json);
        let found = editable(form, &Bytes::from(row.body.clone()), record);
        let is_text = found.is_some();
        let (form, text) = found.unwrap_or_else(|| (edited_form(form), String::new()));
        Ok(Original { row, record, text, is_text, form })
    }

    /// What would be wrong with another version. Who speaks and which event it is must stay.
    pub fn judge(&self, original: &Original, body: &[u8], of: Of) -> Result<Vec<Refusal>, ReplayError> {
        let parsed = |text: &[u8]| serde_json::from_slice::<Value>(text).ok();
        if let (Some(before), Some(after)) = (parsed(original.text.as_bytes()), parsed(body))
            && let Some(place) = edit::locked_change(&before, &after)
        {
            return Err(EditError::Locked(place.to_owned()).into());
        }
        let row = &original.row;
        let ruling = self.ruling(of, &row.rules)?;
        match self.gate.trial(&ruling, original.form, &row.headers, &Bytes::copy_from_slice(body), &row.source) {
            Err(refusal) => Ok(vec![refusal]),
            Ok(reading) if self.is_foreign(&ruling, original, &reading.events) => {
                Err(EditError::Locked("/id".to_owned()).into())
            }
            Ok(reading) => Ok(reading.refusals),
        }
    }

    /// Keeps another version beside the original.
    pub async fn edit(
        &self,
        by: &By,
        payload: u64,
        record: Option<u32>,
        body: &[u8],
        of: Of,
    ) -> Result<Edited, ReplayError> {
        let tenant = by.tenant.as_str();
        let original = self.original(tenant, payload, record).await?;
        let problems = self.judge(&original, body, of)?;
        let rules = self.ruling(of, &original.row.rules)?.version.clone();
        let mut digest = Sha256::new();
        digest.update(tenant.as_bytes());
        digest.update(payload.to_le_bytes());
        digest.update(original.record.to_le_bytes());
        digest.update(body);
        let id = hex::encode(&digest.finalize()[..12]);
        let row = EditRow {
            tenant: tenant.to_owned(),
            payload,
            record: original.record,
            id: id.clone(),
            body: body.to_vec(),
            by: by.source.clone(),
            made_ms: Utc::now().timestamp_millis(),
            problems: serde_json::to_string(&problems).unwrap_or_default(),
            rules,
        };
        self.store.write_edit(&row).await?;
        let data = [("edit", json!(id)), ("problems", json!(problems.len()))];
        self.note_on(by, "payload.edited", ObjectRef::new("payload", format!("{payload:x}")), data).await;
        Ok(Edited { id, problems })
    }

    /// Events of an edit must be those of the original where these could be read.
    fn is_foreign(&self, ruling: &Ruling, original: &Original, events: &[milepost_ingest::Event]) -> bool {
        let row = &original.row;
        let Some(form) = Form::parse(&row.form) else { return false };
        let Some((form, before)) = records::record(form, &Bytes::from(row.body.clone()), original.record) else {
            return false;
        };
        let Ok(reading) = self.gate.trial(ruling, form, &row.headers, &before, &row.source) else { return false };
        let mut ids: HashSet<&str> = reading.events.iter().map(|event| event.id.as_str()).collect();
        ids.extend(reading.refusals.iter().map(|refusal| refusal.hint.event_id.as_str()));
        ids.remove("");
        events.iter().any(|event| !ids.is_empty() && !ids.contains(event.id.as_str()))
    }
}
