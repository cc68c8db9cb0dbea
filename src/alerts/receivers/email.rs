//! A notice as a mail: plain text, threaded by alert, with one id for all attempts.

use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};

use super::super::notice::{Action, Notice};

/// None when an address is none, which the routes have checked.
pub fn message(notice: &Notice, from: &str, to: &[String]) -> Option<Message> {
    let from: Mailbox = from.parse().ok()?;
    let domain = from.email.domain().to_owned();
    let thread = format!("<{}@{domain}>", notice.alert);
    let mut mail: MessageBuilder = Message::builder()
        .from(from)
        .subject(notice.subject().replace(['\r', '\n'], " "))
        .message_id(Some(format!("<{}@{domain}>", notice.id)))
        .references(thread.clone());
    if notice.action != Action::Trigger {
        mail = mail.in_reply_to(thread);
    }
    for address in to {
        mail = mail.to(address.parse().ok()?);
    }
    mail.header(ContentType::TEXT_PLAIN).body(notice.text()).ok()
}
