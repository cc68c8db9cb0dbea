//! Drafts: a selection is frozen, with what goes and what is left out and why. A job that is started from it acts on
//! what is listed there and on nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;
use serde_json::json;

use super::edit;
use super::error::ReplayError;
use super::job::{self, MOST_RATE, Of, Options, Through, item, version};
use super::jobs::Replays;
use super::select::{self, Chosen, Excluded, Selection, Wanted};
use crate::pipeline::{By, NotKept, Ruling};
use crate::store::replays::{ReplayItemRow, ReplayRow, WHOLE};

/// Left-out records that are listed; the rest are counted.
const LISTED: usize = 1_000;

impl Replays {
    /// Freezes a selection: from here on it does not change. Nothing is sent.
    pub async fn draft(
        &self,
        by: &By,
        wanted: &Wanted,
        through: &Through,
        options: &Options,
    ) -> Result<ReplayRow, ReplayError> {
        let tenant = by.tenant.as_str();
        self.check(tenant, through, options)?;
        let mut selection = self.select(tenant, wanted, through, options.of).await?;
        if selection.more {
            return Err(ReplayError::TooMany);
        }
        if !options.edit.is_empty() {
            let edit = self.store.payload_edit(tenant, &options.edit).await?;
            let edit = edit.ok_or_else(|| ReplayError::NoEdit(options.edit.clone()))?;
            let own = |chosen: &Chosen| {
                chosen.payload == edit.payload && (chosen.record == edit.record || edit.record == WHOLE)
            };
            if !selection.chosen.iter().all(own) {
                return Err(ReplayError::EditAlone);
            }
            // An edit of the whole goes once, for all of its records.
            if edit.record == WHOLE {
                selection.chosen.truncate(1);
                selection.chosen.iter_mut().for_each(|chosen| chosen.record = WHOLE);
            }
        }
        let made = Made { again_of: String::new(), words: wanted.words.clone(), kind: "replay" };
        self.make(by, selection, through, options, made).await
    }

    /// A new draft of what an ended job did not bring through. `asked` is of the request, where it is to be one draft
    /// however often it comes.
    pub async fn rest_of(&self, by: &By, id: &str, asked: &str) -> Result<ReplayRow, ReplayError> {
        let old = self.row(&by.tenant, id).await?;
        if !job::is_over(&old.state) {
            return Err(ReplayError::State(old.state));
        }
        let most = job::MOST_ITEMS as u64;
        let items = self.store.replay_items(&by.tenant, id, &item::REST, 0, most).await?;
        let payloads = items.iter().map(|i| (i.payload, Some(i.record).filter(|record| *record != WHOLE)));
        let words = format!("The rest of replay {id}");
        let wanted = Wanted { payloads: payloads.collect(), filter: None, words: words.clone() };
        let through = Through::parse(&old.through).unwrap_or(Through::Pipeline);
        let options: Options = serde_json::from_str(&old.options).unwrap_or_default();
        let options = Options { asked: asked.to_owned(), ..options };
        let selection = self.select(&by.tenant, &wanted, &through, options.of).await?;
        let made = Made { again_of: id.to_owned(), words, kind: "replay" };
        self.make(by, selection, &through, &options, made).await
    }

    /// What matches now. What is to be read by rules of then that are not kept does not go; where none are, that is said.
    pub(super) async fn select(
        &self,
        tenant: &str,
        wanted: &Wanted,
        through: &Through,
        of: Of,
    ) -> Result<Selection, ReplayError> {
        let mut selection = select::select(&self.store, tenant, wanted, through).await?;
        if of == Of::Now || selection.chosen.is_empty() {
            return Ok(selection);
        }
        let payloads: Vec<u64> = selection.chosen.iter().map(|chosen| chosen.payload).collect();
        let versions: HashMap<u64, String> = self.store.payload_rules(tenant, &payloads).await?.into_iter().collect();
        let mut faults: HashMap<&str, Option<NotKept>> = HashMap::new();
        let mut chosen = Vec::with_capacity(selection.chosen.len());
        for one in std::mem::take(&mut selection.chosen) {
            let version = versions.get(&one.payload).map_or("", String::as_str);
            let fault = faults.entry(version).or_insert_with(|| self.ruling(of, version).err());
            if fault.is_none() {
                chosen.push(one);
                continue;
            }
            let (why, replay) = ("rules_not_kept".to_owned(), String::new());
            selection.excluded.push(Excluded { payload: one.payload, record: one.record, why, replay });
        }
        match faults.into_values().flatten().next() {
            Some(fault) if chosen.is_empty() => Err(fault.into()),
            None => Ok(Selection { chosen, ..selection }),
            // Fewer go, and they are worth less.
            Some(_) => {
                let value = select::value(&self.store, tenant, &chosen).await?;
                Ok(Selection { chosen, value, ..selection })
            }
        }
    }

    /// Contracts and mapping of now, or those of that version.
    pub(super) fn ruling(&self, of: Of, version: &str) -> Result<Arc<Ruling>, NotKept> {
        match of {
            Of::Now => Ok(self.gate.rules.now()),
            Of::Then => self.gate.rules.then(version),
        }
    }

    async fn make(
        &self,
        by: &By,
        mut selection: select::Selection,
        through: &Through,
        options: &Options,
        made: Made,
    ) -> Result<ReplayRow, ReplayError> {
        let tenant = by.tenant.as_str();
        let identity = select::identity(tenant, &selection.chosen, through, options);
        if let Some(same) = self.same(tenant, identity) {
            return Ok(same.stamp());
        }
        self.leave_claimed(tenant, &mut selection);
        if selection.chosen.is_empty() {
            return Err(ReplayError::Nothing);
        }
        let now_ms = Utc::now().timestamp_millis();
        let id = format!("{:012x}{:04x}", now_ms, rand::random::<u16>());
        let left_out = selection.excluded.len();
        selection.excluded.truncate(LISTED);
        let mut row = ReplayRow {
            tenant: tenant.to_owned(),
            id: id.clone(),
            kind: made.kind.to_owned(),
            state: job::DRAFT.to_owned(),
            through: through.to_string(),
            by: by.source.clone(),
            words: made.words,
            options: serde_json::to_string(options).unwrap_or_default(),
            selection: identity,
            count: u32::try_from(selection.chosen.len()).unwrap_or(u32::MAX),
            oldest_ms: selection.oldest_ms(),
            value: serde_json::to_string(&selection.value).unwrap_or_default(),
            excluded: json!({"count": left_out, "items": selection.excluded}).to_string(),
            created_ms: now_ms,
            again_of: made.again_of,
            version: version(),
            ..ReplayRow::default()
        };
        let items: Vec<ReplayItemRow> = (0_u32..)
            .zip(selection.chosen)
            .map(|(position, chosen)| item_of(&row, position, chosen, options))
            .collect();
        self.store.write_replay_items(&items).await?;
        row.version = version();
        self.store.write_replay(&row).await?;
        Ok(row)
    }

    /// What another job has under way is left to it.
    fn leave_claimed(&self, tenant: &str, selection: &mut select::Selection) {
        let active = self.active.lock();
        let (mut free, mut taken) = (Vec::new(), Vec::new());
        for chosen in std::mem::take(&mut selection.chosen) {
            match active.claimed(tenant, chosen.payload, chosen.record) {
                None => free.push(chosen),
                Some(replay) => taken.push(Excluded {
                    payload: chosen.payload,
                    record: chosen.record,
                    why: "in_replay".to_owned(),
                    replay: replay.clone(),
                }),
            }
        }
        selection.chosen = free;
        selection.excluded.extend(taken);
    }

    pub(super) fn check(&self, tenant: &str, through: &Through, options: &Options) -> Result<(), ReplayError> {
        if let Through::Target(key) = through
            && self.targets.get(tenant, key).is_none()
        {
            return Err(ReplayError::NoTarget(key.clone()));
        }
        if options.of == Of::Then && *through != Through::Pipeline {
            return Err(ReplayError::OfTarget);
        }
        if options.rate > MOST_RATE {
            return Err(ReplayError::Rate);
        }
        if !options.steps.is_empty() {
            edit::check(&options.steps)?;
        }
        Ok(())
    }
}

struct Made {
    again_of: String,
    words: String,
    kind: &'static str,
}

fn item_of(row: &ReplayRow, position: u32, chosen: Chosen, options: &Options) -> ReplayItemRow {
    ReplayItemRow {
        tenant: row.tenant.clone(),
        replay: row.id.clone(),
        position,
        payload: chosen.payload,
        record: chosen.record,
        object_type: chosen.object_type,
        object_id: chosen.object_id,
        event_id: chosen.event_id,
        fingerprint: chosen.fingerprint,
        edit: options.edit.clone(),
        state: item::WAITING.to_owned(),
        version: row.version,
        ..ReplayItemRow::default()
    }
}
