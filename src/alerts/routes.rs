//! Who is told of what: routes, receivers, quiet hours and maintenance windows, read from `alerts.toml`. A file that
//! does not make sense is refused with its place; secrets stand in files of their own and never in this one.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use toml::Spanned;

use super::quiet::Quiet;
use crate::domain::{DefinitionError, duration};

/// Everything that `alerts.toml` says. The default tells nobody.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    pub smtp: Option<Smtp>,
    pub receivers: Vec<Receiver>,
    pub routes: Vec<Route>,
    pub quiet: Vec<Quiet>,
    pub maintenance: Vec<Maintenance>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    pub server: String,
    #[serde(default = "submission")]
    pub port: u16,
    pub from: String,
    #[serde(default)]
    pub user: String,
    #[serde(default)]
    pub password_file: String,
    /// `starttls`, `tls` or `none`.
    #[serde(default)]
    pub security: Security,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    #[default]
    Starttls,
    Tls,
    None,
}

fn submission() -> u16 {
    587
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    pub key: String,
    pub how: How,
    /// Stands inside: addresses of the own network may be connected.
    pub internal: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    Email {
        to: Vec<String>,
    },
    /// Signed by Standard Webhooks.
    Webhook {
        url: String,
        secret_file: String,
    },
    /// Their addresses are secrets.
    Slack {
        url_file: String,
    },
    Teams {
        url_file: String,
    },
    PagerDuty {
        url: String,
        routing_key_file: String,
    },
}

impl How {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Email { .. } => "email",
            Self::Webhook { .. } => "webhook",
            Self::Slack { .. } => "slack",
            Self::Teams { .. } => "teams",
            Self::PagerDuty { .. } => "pagerduty",
        }
    }

    /// Takes changes of an alert in place; a message cannot be taken back, so it is followed up rarely.
    pub fn updates(&self) -> bool {
        matches!(self, Self::Webhook { .. } | Self::PagerDuty { .. })
    }
}

const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

#[derive(Clone, Debug)]
pub struct Route {
    pub key: String,
    pub narrowed: Narrowed,
    pub to: Vec<String>,
    pub group_by: Vec<GroupBy>,
    /// How long others of the same cause may join before the first message.
    pub wait: TimeDelta,
    /// How often a message is followed up while the cause grows.
    pub update_every: TimeDelta,
    pub quiet: String,
    pub escalate: Vec<Escalation>,
}

#[derive(Clone, Debug)]
pub struct Escalation {
    pub after: TimeDelta,
    pub to: Vec<String>,
}

/// What a route or a window is narrowed to; an empty list does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowed {
    pub tenants: Vec<String>,
    pub kinds: Vec<String>,
    pub severities: Vec<String>,
    pub systems: Vec<String>,
    pub customers: Vec<String>,
    pub warehouses: Vec<String>,
    pub carriers: Vec<String>,
    pub teams: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupBy {
    Kind,
    System,
    Customer,
    Warehouse,
    Carrier,
    Object,
}

/// While it lasts, what it names alerts nobody.
#[derive(Clone, Debug)]
pub struct Maintenance {
    pub key: String,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub narrowed: Narrowed,
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    smtp: Option<Smtp>,
    #[serde(default)]
    receivers: Vec<ReceiverEntry>,
    #[serde(default)]
    routes: Vec<RouteEntry>,
    #[serde(default)]
    quiet: Vec<QuietEntry>,
    #[serde(default)]
    maintenance: Vec<MaintenanceEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiverEntry {
    key: Spanned<String>,
    kind: Spanned<String>,
    #[serde(default)]
    to: Vec<String>,
    #[serde(default)]
    url: String,
    #[serde(default)]
    url_file: String,
    #[serde(default)]
    secret_file: String,
    #[serde(default)]
    routing_key_file: String,
    #[serde(default)]
    internal: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteEntry {
    key: Spanned<String>,
    to: Spanned<Vec<String>>,
    group_by: Option<Vec<GroupBy>>,
    wait: Option<Spanned<String>>,
    update_every: Option<Spanned<String>>,
    quiet: Option<Spanned<String>>,
    #[serde(default)]
    escalate: Vec<EscalationEntry>,
    #[serde(default)]
    tenants: Vec<String>,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    severities: Vec<String>,
    #[serde(default)]
    systems: Vec<String>,
    #[serde(default)]
    customers: Vec<String>,
    #[serde(default)]
    warehouses: Vec<String>,
    #[serde(default)]
    carriers: Vec<String>,
    #[serde(default)]
    teams: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EscalationEntry {
    after: Spanned<String>,
    to: Spanned<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuietEntry {
    key: Spanned<String>,
    zone: Spanned<String>,
    from: Spanned<String>,
    to: Spanned<String>,
    #[serde(default)]
    days: Vec<String>,
    /// Severities that wake people all the same.
    #[serde(default)]
    except: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaintenanceEntry {
    key: Spanned<String>,
    from: Spanned<String>,
    to: Spanned<String>,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    tenants: Vec<String>,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    systems: Vec<String>,
    #[serde(default)]
    customers: Vec<String>,
    #[serde(default)]
    warehouses: Vec<String>,
    #[serde(default)]
    carriers: Vec<String>,
}

impl Routes {
    /// Reads `alerts.toml`. All that is wrong comes back together.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<DefinitionError>> {
        let mut reader = Reader { file, text, errors: Vec::new() };
        let read: File = match toml::from_str(text) {
            Ok(read) => read,
            Err(error) => {
                reader.fault(error.span().map_or(0, |s| s.start), error.message().trim().to_owned());
                return Err(reader.errors);
            }
        };
        let mut routes = Self { smtp: read.smtp, ..Self::default() };
        for entry in read.receivers {
            if let Some(receiver) = reader.receiver(entry, routes.smtp.is_some()) {
                routes.receivers.push(receiver);
            }
        }
        for entry in read.quiet {
            if let Some(quiet) = reader.quiet(entry) {
                routes.quiet.push(quiet);
            }
        }
        for entry in read.maintenance {
            if let Some(window) = reader.maintenance(entry) {
                routes.maintenance.push(window);
            }
        }
        for entry in read.routes {
            if let Some(route) = reader.route(entry, &routes) {
                routes.routes.push(route);
            }
        }
        if reader.errors.is_empty() { Ok(routes) } else { Err(reader.errors) }
    }

    pub fn receiver(&self, key: &str) -> Option<&Receiver> {
        self.receivers.iter().find(|r| r.key == key)
    }

    pub fn quiet(&self, key: &str) -> Option<&Quiet> {
        self.quiet.iter().find(|q| q.key == key)
    }
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    errors: Vec<DefinitionError>,
}

impl Reader<'_> {
    fn fault(&mut self, offset: usize, what: String) {
        self.errors.push(DefinitionError::at(self.file, self.text, offset, what));
    }

    fn time(&mut self, text: Option<&Spanned<String>>, default: TimeDelta) -> TimeDelta {
        let Some(text) = text else { return default };
        duration(text.get_ref()).unwrap_or_else(|| {
            self.fault(text.span().start, format!("`{}` is no duration: expected for example `15m`", text.get_ref()));
            default
        })
    }

    fn receiver(&mut self, entry: ReceiverEntry, smtp: bool) -> Option<Receiver> {
        let place = entry.kind.span().start;
        let mut needs = |what: &str, given: bool| {
            if !given {
                self.fault(place, format!("a receiver of kind `{}` needs `{what}`", entry.kind.get_ref()));
            }
            given
        };
        let filled = |text: &str| !text.is_empty();
        let how = match entry.kind.get_ref().as_str() {
            "email" => {
                let addresses = entry.to.iter().all(|a| a.parse::<lettre::message::Mailbox>().is_ok());
                (needs("to", !entry.to.is_empty())
                    & needs("[smtp] in this file", smtp)
                    & needs("addresses that are ones in `to`", addresses))
                .then_some(How::Email { to: entry.to })?
            }
            "webhook" => (needs("url", is_url(&entry.url)) & needs("secret_file", filled(&entry.secret_file)))
                .then_some(How::Webhook { url: entry.url, secret_file: entry.secret_file })?,
            "slack" => needs("url_file", filled(&entry.url_file)).then_some(How::Slack { url_file: entry.url_file })?,
            "teams" => needs("url_file", filled(&entry.url_file)).then_some(How::Teams { url_file: entry.url_file })?,
            "pagerduty" => {
                let url = if entry.url.is_empty() { PAGERDUTY.to_owned() } else { entry.url };
                (needs("routing_key_file", filled(&entry.routing_key_file)) & needs("url", is_url(&url)))
                    .then_some(How::PagerDuty { url, routing_key_file: entry.routing_key_file })?
            }
            other => {
                self.fault(place, format!("`{other}` is no kind: expected email, webhook, slack, teams or pagerduty"));
                return None;
            }
        };
        Some(Receiver { key: entry.key.into_inner(), how, internal: entry.internal })
    }

    fn known(&mut self, names: &Spanned<Vec<String>>, routes: &Routes) -> Vec<String> {
        if names.get_ref().is_empty() {
            self.fault(names.span().start, "expected at least one receiver".to_owned());
        }
        for name in names.get_ref().iter().filter(|n| routes.receiver(n).is_none()) {
            self.fault(names.span().start, format!("no receiver `{name}`"));
        }
        names.get_ref().clone()
    }

    fn route(&mut self, entry: RouteEntry, routes: &Routes) -> Option<Route> {
        let place = entry.key.span().start;
        if routes.routes.iter().any(|r| r.key == *entry.key.get_ref()) {
            self.fault(place, format!("route `{}` stands here twice", entry.key.get_ref()));
        }
        if let Some(quiet) = &entry.quiet
            && routes.quiet(quiet.get_ref()).is_none()
        {
            self.fault(quiet.span().start, format!("no quiet hours `{}`", quiet.get_ref()));
        }
        let mut escalate: Vec<Escalation> = Vec::new();
        for step in &entry.escalate {
            let after = self.time(Some(&step.after), TimeDelta::hours(1));
            if escalate.last().is_some_and(|last| last.after >= after) {
                self.fault(step.after.span().start, "each step comes later than the one before".to_owned());
            }
            escalate.push(Escalation { after, to: self.known(&step.to, routes) });
        }
        Some(Route {
            to: self.known(&entry.to, routes),
            wait: self.time(entry.wait.as_ref(), TimeDelta::seconds(10)),
            update_every: self.time(entry.update_every.as_ref(), TimeDelta::hours(1)),
            group_by: entry.group_by.unwrap_or_else(|| vec![GroupBy::Kind, GroupBy::System]),
            quiet: entry.quiet.map(Spanned::into_inner).unwrap_or_default(),
            escalate,
            narrowed: Narrowed {
                tenants: entry.tenants,
                kinds: entry.kinds,
                severities: entry.severities,
                systems: entry.systems,
                customers: entry.customers,
                warehouses: entry.warehouses,
                carriers: entry.carriers,
                teams: entry.teams,
            },
            key: entry.key.into_inner(),
        })
    }

    fn quiet(&mut self, entry: QuietEntry) -> Option<Quiet> {
        let days = entry.days.iter().map(String::as_str).collect::<Vec<_>>();
        match Quiet::new(entry.key.get_ref(), entry.zone.get_ref(), &days, entry.from.get_ref(), entry.to.get_ref()) {
            Ok(mut quiet) => {
                quiet.except = entry.except.into_iter().collect();
                Some(quiet)
            }
            Err(what) => {
                self.fault(entry.zone.span().start, what);
                None
            }
        }
    }

    fn maintenance(&mut self, entry: MaintenanceEntry) -> Option<Maintenance> {
        let mut moment = |text: &Spanned<String>| match DateTime::parse_from_rfc3339(text.get_ref()) {
            Ok(at) => Some(at.to_utc()),
            Err(_) => {
                self.fault(text.span().start, "expected a time like 2026-11-22T10:00:00Z".to_owned());
                None
            }
        };
        let (from, to) = (moment(&entry.from), moment(&entry.to));
        let (from, to) = (from?, to?);
        if from >= to {
            self.fault(entry.to.span().start, "a window ends after it begins".to_owned());
            return None;
        }
        Some(Maintenance {
            key: entry.key.into_inner(),
            from,
            to,
            reason: entry.reason,
            narrowed: Narrowed {
                tenants: entry.tenants,
                kinds: entry.kinds,
                systems: entry.systems,
                customers: entry.customers,
                warehouses: entry.warehouses,
                carriers: entry.carriers,
                ..Narrowed::default()
            },
        })
    }
}

fn is_url(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[smtp]
server = "127.0.0.1"
from = "Milepost <milepost@example.com>"

[[receivers]]
key = "ops"
kind = "email"
to = ["ops@example.com"]

[[receivers]]
key = "pager"
kind = "pagerduty"
routing_key_file = "/run/secrets/pager"

[[quiet]]
key = "nights"
zone = "Europe/Berlin"
from = "20:00"
to = "06:00"

[[routes]]
key = "late"
kinds = ["sla_breached"]
to = ["ops"]
quiet = "nights"
escalate = [{ after = "30m", to = ["pager"] }]
"#;

    #[test]
    fn a_file_that_makes_sense_is_read() {
        let routes = Routes::parse("alerts.toml", GOOD).expect("read");
        assert_eq!(routes.routes[0].escalate[0].after, TimeDelta::minutes(30));
        assert!(!routes.receivers[0].how.updates() && routes.receivers[1].how.updates());
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let cases = [
            ("to = [\"ops\"]\nquiet", "to = [\"nobody\"]\nquiet", "25:6: no receiver `nobody`"),
            ("Europe/Berlin", "Europe/Atlantis", "18:8: no time zone `Europe/Atlantis`"),
            ("30m", "soon", "`soon` is no duration"),
            ("quiet = \"nights\"", "quiet = \"days\"", "no quiet hours `days`"),
            ("kind = \"email\"", "kind = \"pigeon\"", "`pigeon` is no kind"),
            ("routing_key_file = \"/run/secrets/pager\"", "", "needs `routing_key_file`"),
            ("kinds =", "kind =", "unknown field"),
        ];
        for (good, bad, said) in cases {
            let errors = Routes::parse("alerts.toml", &GOOD.replace(good, bad)).expect_err(bad);
            let told = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            assert!(told.contains(said), "{bad}: {told}");
        }
    }
}
