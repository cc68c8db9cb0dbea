//! A notice in the form of each receiver. Pure: from words to a request; sending is `post`'s business.

pub mod email;
mod pagerduty;
mod slack;
mod teams;
mod webhook;

pub use webhook::Secret;

use super::notice::Notice;

/// A request that is ready to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Request {
    fn json(url: &str, body: &serde_json::Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { url: url.to_owned(), headers, body: body.to_string() }
    }
}

pub fn webhook(notice: &Notice, url: &str, secret: &Secret, now_s: i64) -> Request {
    webhook::request(notice, url, secret, now_s)
}

pub fn slack(notice: &Notice, url: &str) -> Request {
    Request::json(url, &slack::body(notice))
}

pub fn teams(notice: &Notice, url: &str) -> Request {
    Request::json(url, &teams::body(notice))
}

pub fn pagerduty(notice: &Notice, url: &str, routing_key: &str) -> Request {
    Request::json(url, &pagerduty::body(notice, routing_key))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::notice::{Action, Line, Sum};
    use super::webhook::sign;
    use super::*;

    fn notice(action: Action) -> Notice {
        Notice {
            id: "msg_1".into(),
            alert: "a1-1".into(),
            action,
            tenant: "acme".into(),
            route: "late".into(),
            title: "SLA breached · ERP".into(),
            severity: "critical".into(),
            escalated: false,
            exceptions: 2,
            orders: 2,
            customers: vec!["Acme <GmbH> & Co".into()],
            money: vec![Sum { value: "12480.5".parse().unwrap(), currency: "EUR".into() }],
            since: "2026-11-22T10:00:00Z".into(),
            lines: vec![Line {
                order: "order/SO-1".into(),
                customer: "Acme <GmbH> & Co".into(),
                value: "12480.50 EUR".into(),
                why: "Order release: due 10:30".into(),
                since: "2026-11-22T10:30:00Z".into(),
                link: "http://mp/t/acme/exceptions/00ff".into(),
            }],
            more: 1,
            link: "http://mp/t/acme/exceptions".into(),
            runbook: String::new(),
        }
    }

    #[test]
    fn every_form_carries_order_customer_value_why_and_link() {
        let notice = notice(Action::Trigger);
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let forms = [
            webhook(&notice, "http://r/", &secret, 1).body,
            slack(&notice, "http://r/").body,
            teams(&notice, "http://r/").body,
            pagerduty(&notice, "http://r/", "k").body,
            notice.text(),
        ];
        for form in forms {
            let plain = form.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("\\\\_", "_");
            for wanted in ["SO-1", "Acme <GmbH> & Co", "12480.50 EUR", "Order release: due 10:30", "/exceptions/00ff"] {
                assert!(plain.contains(wanted), "{wanted} is not in {form}");
            }
        }
    }

    #[test]
    fn pagerduty_is_told_of_one_incident_from_trigger_to_resolve() {
        let event = |action| {
            let body: serde_json::Value =
                serde_json::from_str(&pagerduty(&notice(action), "http://r/", "k").body).unwrap();
            (body["event_action"].as_str().unwrap().to_owned(), body["dedup_key"].as_str().unwrap().to_owned())
        };
        let key = "a1-1".to_owned();
        assert_eq!(event(Action::Trigger), ("trigger".into(), key.clone()));
        assert_eq!(event(Action::Update), ("trigger".into(), key.clone()));
        assert_eq!(event(Action::Acknowledge), ("acknowledge".into(), key.clone()));
        assert_eq!(event(Action::Resolve), ("resolve".into(), key));
    }

    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        // The example of the specification's reference libraries.
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(Secret::parse("whsec_short").is_none(), "less than 24 bytes is no secret");
    }

    #[test]
    fn a_strangers_text_stays_text_in_slack() {
        let body = slack(&notice(Action::Trigger), "http://r/").body;
        assert!(body.contains("Acme &lt;GmbH&gt; &amp; Co") && !body.contains("<GmbH>"), "{body}");
    }
}
