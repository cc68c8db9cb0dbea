//! Microsoft Teams' webhooks: an adaptive card. Text blocks understand a little Markdown, so its signs are taken out of
//! what strangers wrote.

use serde_json::{Value, json};

use super::super::notice::{Action, Notice};

pub fn body(notice: &Notice) -> Value {
    let colour = match (notice.action, notice.severity.as_str()) {
        (Action::Resolve, _) => "Good",
        (_, "critical") => "Attention",
        _ => "Warning",
    };
    let mut card = vec![
        json!({"type": "TextBlock", "size": "Large", "weight": "Bolder", "wrap": true, "color": colour, "text": escape(&notice.subject())}),
        json!({"type": "TextBlock", "isSubtle": true, "wrap": true,
            "text": format!("Tenant {} · since {}", escape(&notice.tenant), escape(&notice.since))}),
    ];
    for line in &notice.lines {
        let facts = [("Customer", &line.customer), ("Value", &line.value), ("Why", &line.why)];
        let facts: Vec<Value> = facts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(title, value)| json!({"title": title, "value": escape(value)}))
            .collect();
        card.push(json!({"type": "TextBlock", "weight": "Bolder", "wrap": true,
            "text": format!("[{}]({})", escape(&line.order), line.link)}));
        card.push(json!({"type": "FactSet", "facts": facts}));
    }
    if notice.more > 0 {
        card.push(json!({"type": "TextBlock", "wrap": true, "text": format!("and {} more", notice.more)}));
    }
    let mut actions = vec![json!({"type": "Action.OpenUrl", "title": "All of them", "url": notice.link})];
    if !notice.runbook.is_empty() {
        actions.push(json!({"type": "Action.OpenUrl", "title": "What to do", "url": notice.runbook}));
    }
    json!({"type": "message", "attachments": [{
        "contentType": "application/vnd.microsoft.card.adaptive",
        "content": {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard", "version": "1.4", "body": card, "actions": actions,
        },
    }]})
}

fn escape(text: &str) -> String {
    let special = |c: char| matches!(c, '*' | '_' | '[' | ']' | '(' | ')' | '`' | '#');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Brackets and underscores of ids stay readable behind a backslash; links cannot be made from them.
        if special(c) && matches!(c, '[' | ']' | '_' | '*' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
