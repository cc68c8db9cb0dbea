//! Sends saved views by mail when they are due, each slot at most once. Before a mail is handed over, that it begins is an
//! act on the view, under an id made of the view and its slot; what became of it is a second one. A server that finds the
//! first without the second knows that another life stopped in between: the mail may have come, so it is not sent again,
//! and the page says so. (The other way, sending again under the same Message-ID, leaves it to mail servers not to show
//! it twice, and not all are so kind.)

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use milepost_ingest::ObjectRef;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::alerts::{Board, Handed, hand_over_once};
use crate::domain::views::{VIEW, View};
use crate::pages::Desk;
use crate::pages::export::{Asked, list};
use crate::pages::params::Query;
use crate::pages::time::Clock;
use crate::pages::views::letter::{self, Letter};
use crate::pages::words;
use crate::pipeline::{Act, Acted, By};

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A mail that could not be handed over is tried again after so long, until its slot is too old.
const AGAIN: Duration = Duration::from_secs(300);
/// Of a slot that an earlier life of the server began.
const STOPPED: &str = "the server stopped while this was being sent; it may have come and is not sent again";
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
        // Slots that this life of the server began.
        let mut begun: HashSet<(String, i64)> = HashSet::new();
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
                    if let Err(fault) = self.serve(&tenant, view, slot, now_ms, &mut begun).await {
                        tracing::warn!(tenant, view = view.id, fault, "a view could not be mailed");
                        waiting.push((view.id.clone(), slot, tokio::time::Instant::now() + AGAIN));
                    }
                }
            }
        }
    }

    /// Err when it is worth trying again.
    async fn serve(
        &self,
        tenant: &str,
        view: &View,
        slot: i64,
        now_ms: i64,
        begun: &mut HashSet<(String, i64)>,
    ) -> Result<(), String> {
        let name = (view.id.clone(), slot);
        if !begun.contains(&name) {
            let data = json!({"slot_ms": slot});
            let acted = self.act(tenant, view, "view.mail_begun", format!("mailing-{}-{slot}", view.id), data).await?;
            // The act is on disk and was not there before, or another life did it.
            if acted.accepted == 0 || view.begun_ms >= slot {
                return self.note(tenant, view, slot, STOPPED).await;
            }
            begun.insert(name);
        }
        self.send(tenant, view, slot, now_ms).await
    }

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
        match hand_over_once(smtp, message).await {
            Handed::Taken => self.note(tenant, view, slot, "").await,
            Handed::Refused(fault) => self.note(tenant, view, slot, &fault).await,
            Handed::Missed(fault) => Err(fault),
            Handed::Unknown(fault) => {
                let fault = format!("the mail server broke off: {fault}; it may have come and is not sent again");
                self.note(tenant, view, slot, &fault).await
            }
        }
    }

    async fn note(&self, tenant: &str, view: &View, slot: i64, fault: &str) -> Result<(), String> {
        let data = json!({"slot_ms": slot, "fault": fault.chars().take(300).collect::<String>()});
        self.act(tenant, view, "view.mailed", format!("mailed-{}-{slot}", view.id), data).await.map(drop)
    }

    async fn act(&self, tenant: &str, view: &View, kind: &str, id: String, data: Value) -> Result<Acted, String> {
        let act = Act {
            id,
            kind: kind.into(),
            object: ObjectRef::new(VIEW, view.id.clone()),
            refs: Vec::new(),
            data: data.as_object().cloned().unwrap_or_default(),
        };
        let by = By { tenant: tenant.to_owned(), source: "rule/mail".into(), key_id: String::new() };
        let acts = self.desk.acts.as_ref().ok_or("nothing can be taken down")?;
        let acted = acts.act(&by, vec![act]).await.map_err(|pressure| pressure.to_string())?;
        self.desk.forget_views(tenant);
        Ok(acted)
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
