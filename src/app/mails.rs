//! Sends saved views by mail when they are due. That a view was sent is an act on it, under an id made of the view and
//! its slot, so that no slot is served twice, whatever stops in between.

use std::sync::Arc;
use std::time::Duration;

use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use milepost_ingest::ObjectRef;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::alerts::{Board, Outcome, hand_over};
use crate::domain::views::{VIEW, View};
use crate::pages::Desk;
use crate::pages::export::{Asked, list};
use crate::pages::params::Query;
use crate::pages::time::Clock;
use crate::pages::views::letter::{self, Letter};
use crate::pages::words;
use crate::pipeline::{Act, By};

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A mail that could not be handed over is tried again after so long, until its slot is too old.
const AGAIN: Duration = Duration::from_secs(300);
const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub struct Mails {
    pub desk: Arc<Desk>,
    pub board: Arc<Board>,
    /// Address of the pages, for links.
    pub home: String,
    pub shutdown: CancellationToken,
}

impl Mails {
    pub async fn run(self) {
        let mut waiting: Vec<(String, i64, tokio::time::Instant)> = Vec::new();
        while tokio::time::timeout(LOOK_EVERY, self.shutdown.cancelled()).await.is_err() {
            waiting.retain(|(_, _, until)| *until > tokio::time::Instant::now());
            for tenant in self.desk.tenants().await {
                // Without a store there is nothing to send; the next look finds what is due.
                let Ok(views) = self.desk.views(&tenant).await else { continue };
                let now_ms = chrono::Utc::now().timestamp_millis();
                for view in views.iter() {
                    let Some(slot) = letter::due(view, now_ms) else { continue };
                    if waiting.iter().any(|(id, at, _)| *id == view.id && *at == slot) {
                        continue;
                    }
                    if let Err(fault) = self.send(&tenant, view, slot, now_ms).await {
                        tracing::warn!(tenant, view = view.id, fault, "a view could not be mailed");
                        waiting.push((view.id.clone(), slot, tokio::time::Instant::now() + AGAIN));
                    }
                }
            }
        }
    }

    /// Err when it is worth trying again.
    async fn send(&self, tenant: &str, view: &View, slot: i64, now_ms: i64) -> Result<(), String> {
        let Some(list) = list(&view.list) else { return self.note(tenant, view, slot, "this list is no more").await };
        let rosters = self.board.rosters();
        let routes = rosters.of(tenant);
        let Some(smtp) = routes.smtp.as_ref() else {
            return self.note(tenant, view, slot, "no mail server is set up ([smtp] in alerts.toml)").await;
        };
        let asked = Asked {
            store: self.desk.store.clone(),
            shelf: Arc::clone(&self.desk.shelf),
            tenant: tenant.to_owned(),
            query: Query::default(),
            clock: Clock::utc(now_ms),
            person: words::actor(&view.owner),
        };
        let written = letter::write_letter(view, list, asked, &self.desk.data_dir, &self.home).await;
        let letter = written.map_err(|fault| fault.to_string())?;
        let Some(message) = message(letter, view, slot, &smtp.from) else {
            return self.note(tenant, view, slot, "an address is none").await;
        };
        match hand_over(smtp, message).await {
            Outcome::Taken(_) => self.note(tenant, view, slot, "").await,
            Outcome::Never(fault) => self.note(tenant, view, slot, &fault).await,
            Outcome::Later(fault) => Err(fault),
        }
    }

    async fn note(&self, tenant: &str, view: &View, slot: i64, fault: &str) -> Result<(), String> {
        let data = json!({"slot_ms": slot, "fault": fault.chars().take(300).collect::<String>()});
        let act = Act {
            id: format!("mailed-{}-{slot}", view.id),
            kind: "view.mailed".into(),
            object: ObjectRef::new(VIEW, view.id.clone()),
            refs: Vec::new(),
            data: data.as_object().cloned().unwrap_or_default(),
        };
        let by = By { tenant: tenant.to_owned(), source: "rule/mail".into(), key_id: String::new() };
        let acts = self.desk.acts.as_ref().ok_or("nothing can be taken down")?;
        acts.act(&by, vec![act]).await.map_err(|pressure| pressure.to_string())?;
        self.desk.forget_views(tenant);
        Ok(())
    }
}

/// One id for all attempts. None when an address is none, which the form has checked.
fn message(letter: Letter, view: &View, slot: i64, from: &str) -> Option<Message> {
    let from: Mailbox = from.parse().ok()?;
    let id = format!("<view-{}-{slot}@{}>", view.id, from.email.domain());
    let mut mail = Message::builder().from(from).subject(letter.subject).message_id(Some(id));
    for address in &view.mail.as_ref()?.to {
        mail = mail.to(address.parse().ok()?);
    }
    match letter.attached {
        None => mail.header(ContentType::TEXT_PLAIN).body(letter.text).ok(),
        Some((name, bytes)) => {
            let sheet = Attachment::new(name).body(bytes, ContentType::parse(SHEET).ok()?);
            mail.multipart(MultiPart::mixed().singlepart(SinglePart::plain(letter.text)).singlepart(sheet)).ok()
        }
    }
}
