//! Slack's incoming webhooks: blocks, with a text for notifications. What strangers wrote is escaped as Slack asks.

use serde_json::{Value, json};

use super::super::notice::Notice;

/// Slack refuses longer texts in a block.
const MAX_TEXT: usize = 2_900;

pub fn body(notice: &Notice) -> Value {
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": cut(&notice.subject(), 150)}}),
        context(&format!("Tenant {} · since {}", escape(&notice.tenant), escape(&notice.since))),
    ];
    for line in &notice.lines {
        let whose = [&line.customer, &line.value].into_iter().filter(|t| !t.is_empty());
        let whose = whose.map(|t| escape(t)).collect::<Vec<_>>().join(" · ");
        let text = format!("*<{}|{}>* {whose}\n{}", line.link, escape(&line.order), escape(&line.why));
        blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": cut(&text, MAX_TEXT)}}));
    }
    let more = if notice.more > 0 { format!("and {} more · ", notice.more) } else { String::new() };
    let runbook =
        if notice.runbook.is_empty() { String::new() } else { format!(" · What to do: {}", escape(&notice.runbook)) };
    blocks.push(context(&format!("{more}<{}|All of them>{runbook}", notice.link)));
    json!({"text": escape(&notice.subject()), "blocks": blocks})
}

fn context(text: &str) -> Value {
    json!({"type": "context", "elements": [{"type": "mrkdwn", "text": cut(text, MAX_TEXT)}]})
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max { text.to_owned() } else { text.chars().take(max - 1).chain(['…']).collect() }
}
