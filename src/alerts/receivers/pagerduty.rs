//! PagerDuty Events v2: one incident per alert, by its dedup key, from trigger to resolve.

use serde_json::{Value, json};

use super::super::notice::{Action, Notice};

/// Longest summary that PagerDuty takes.
const MAX_SUMMARY: usize = 1_024;

pub fn body(notice: &Notice, routing_key: &str) -> Value {
    let action = match notice.action {
        Action::Trigger | Action::Update => "trigger",
        Action::Acknowledge => "acknowledge",
        Action::Resolve => "resolve",
    };
    let mut event = json!({"routing_key": routing_key, "event_action": action, "dedup_key": notice.alert});
    if action != "trigger" {
        return event;
    }
    let severity =
        if matches!(notice.severity.as_str(), "critical" | "warning") { notice.severity.as_str() } else { "info" };
    let mut links = vec![json!({"href": notice.link, "text": "All of them"})];
    links.extend(notice.lines.iter().map(|line| json!({"href": line.link, "text": line.order})));
    if !notice.runbook.is_empty() {
        links.push(json!({"href": notice.runbook, "text": "What to do"}));
    }
    event["client"] = json!("Milepost");
    event["client_url"] = json!(notice.link);
    event["links"] = json!(links);
    event["payload"] = json!({
        "summary": notice.subject().chars().take(MAX_SUMMARY).collect::<String>(),
        "source": notice.tenant,
        "severity": severity,
        "component": notice.title,
        "group": notice.route,
        "custom_details": notice,
    });
    event
}
