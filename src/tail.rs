//! `milepost tail`: follows a tenant's events in the terminal, over the same websocket as the pages.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

/// Pauses between attempts to come back, the last one for ever.
const PAUSES: [u64; 5] = [1, 2, 4, 8, 15];
/// The server says something at least every 2 s; after this much silence the line is dead.
const SILENCE: Duration = Duration::from_secs(10);

/// What to follow, and where.
#[derive(Clone, Debug, clap::Args)]
pub struct TailSettings {
    /// Address of the server.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Whose events.
    #[arg(long)]
    pub tenant: String,
    /// Key to read with, from `milepost key create --tenant TENANT --read`.
    #[arg(long, env = "MILEPOST_READ_KEY", hide_env_values = true)]
    pub key: String,
    /// One JSON object a line, as the server tells it.
    #[arg(long)]
    pub json: bool,
    /// Only lines that hold this text, in type, object, source or id. May be given several times.
    #[arg(long = "match", value_name = "TEXT")]
    pub matching: Vec<String>,
}

/// What ends one connection.
enum Ended {
    /// Come back after a pause; `heard` when it had worked.
    Lost { why: String, heard: bool },
    /// Nobody reads our output any more.
    Closed,
}

/// One event as the server tells it. A copy of its form, not its type: this is a client like any other.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct EventLine {
    #[serde(rename = "type")]
    kind: String,
    object: String,
    source: String,
    system: String,
    id: String,
    occurred_ms: i64,
    received_ms: i64,
}

#[derive(Deserialize)]
struct Nudge {
    #[serde(default)]
    events: Vec<EventLine>,
    #[serde(default)]
    skipped: u64,
}

/// Follows until the shutdown, or until nobody reads the output. Comes back by itself when the connection is lost.
pub async fn run(settings: TailSettings, shutdown: CancellationToken) -> anyhow::Result<()> {
    let printer = Printer::new(&settings);
    let mut lost = 0;
    loop {
        let ended = tokio::select! {
            ended = follow(&settings, &printer) => ended?,
            () = shutdown.cancelled() => return Ok(()),
        };
        let Ended::Lost { why, heard } = ended else { return Ok(()) };
        if heard {
            lost = 0;
        }
        let pause = PAUSES[lost.min(PAUSES.len() - 1)];
        lost += 1;
        let _ = writeln!(io::stderr(), "{why}; again in {pause} s");
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(pause)) => {}
            () = shutdown.cancelled() => return Ok(()),
        }
    }
}

async fn follow(settings: &TailSettings, printer: &Printer) -> anyhow::Result<Ended> {
    let mut request = address(&settings.url, &settings.tenant)?.into_client_request().context("the address")?;
    let bearer =
        format!("Bearer {}", settings.key).parse().context("the key holds characters that no header may hold")?;
    request.headers_mut().insert("authorization", bearer);
    let lost = |why: String, heard| Ok(Ended::Lost { why, heard });
    let mut socket = match connect_async(request).await {
        Ok((socket, _)) => socket,
        Err(Error::Http(answer)) if answer.status().is_client_error() && answer.status() != 429 => {
            anyhow::bail!(
                "the server says {}: is the key one to read tenant `{}` with?",
                answer.status(),
                settings.tenant
            )
        }
        Err(error) => return lost(format!("cannot reach {}: {error}", settings.url), false),
    };
    if let Err(error) = socket.send(Message::text(r#"{"watch":["events"]}"#)).await {
        return lost(error.to_string(), false);
    }
    loop {
        let message = match tokio::time::timeout(SILENCE, socket.next()).await {
            Err(_) => return lost("the server fell silent".to_owned(), true),
            Ok(None) => return lost("the server closed the connection".to_owned(), true),
            Ok(Some(Err(error))) => return lost(format!("the connection is lost: {error}"), true),
            Ok(Some(Ok(Message::Text(text)))) => text,
            Ok(Some(Ok(_))) => continue,
        };
        let Ok(nudge) = serde_json::from_str::<Nudge>(&message) else { continue };
        for event in nudge.events.iter().filter(|e| printer.wants(e)) {
            if printer.print(event).is_err() {
                return Ok(Ended::Closed);
            }
        }
        if nudge.skipped > 0 {
            let _ = writeln!(io::stderr(), "{} events came too fast to be shown", nudge.skipped);
        }
    }
}

/// `ws://host/t/tenant/live` of `http://host`.
fn address(url: &str, tenant: &str) -> anyhow::Result<String> {
    let rest = url.strip_prefix("http").with_context(|| format!("`{url}` begins with neither http:// nor https://"))?;
    Ok(format!("ws{}/t/{tenant}/live", rest.trim_end_matches('/')))
}

struct Printer {
    json: bool,
    colour: bool,
    matching: Vec<String>,
}

impl Printer {
    fn new(settings: &TailSettings) -> Self {
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        Self { json: settings.json, colour, matching: settings.matching.clone() }
    }

    fn wants(&self, event: &EventLine) -> bool {
        let holds = |text: &String| {
            [&event.kind, &event.object, &event.source, &event.id].iter().any(|field| field.contains(text))
        };
        self.matching.iter().all(holds)
    }

    fn print(&self, event: &EventLine) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let line = if self.json { serde_json::to_string(event)? } else { line(event, self.colour) };
        writeln!(out, "{line}")?;
        out.flush()
    }
}

/// Business time, system, type, object, source, and how long it took to reach us when that is long.
fn line(event: &EventLine, colour: bool) -> String {
    let at = DateTime::<Utc>::from_timestamp_millis(event.occurred_ms).unwrap_or_default();
    let mut line = format!(
        "{}  {:<10} {:<26} {:<28} {}",
        at.format("%Y-%m-%d %H:%M:%SZ"),
        plain(&event.system),
        plain(&event.kind),
        plain(&event.object),
        plain(&event.source)
    );
    let lag = TimeDelta::milliseconds(event.received_ms.saturating_sub(event.occurred_ms));
    if lag >= TimeDelta::minutes(1) {
        let _ = write!(line, "  ({} late)", words(lag));
    }
    if !colour {
        return line;
    }
    match event.system.as_str() {
        _ if event.kind.starts_with("message.") || event.kind.ends_with("exception") => {
            format!("\u{1b}[31m{line}\u{1b}[0m")
        }
        "erp" => format!("\u{1b}[34m{line}\u{1b}[0m"),
        "wms" => format!("\u{1b}[36m{line}\u{1b}[0m"),
        "tms" => format!("\u{1b}[35m{line}\u{1b}[0m"),
        "billing" | "finance" => format!("\u{1b}[32m{line}\u{1b}[0m"),
        _ => line,
    }
}

/// Control characters of a stranger's text do nothing to the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn words(span: TimeDelta) -> String {
    match (span.num_days(), span.num_hours(), span.num_minutes()) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> EventLine {
        EventLine {
            kind: "shipment.shipped".to_owned(),
            object: "shipment/SH-88".to_owned(),
            source: "wms/east-2".to_owned(),
            system: "wms".to_owned(),
            id: "wms-7781".to_owned(),
            occurred_ms: 1_795_338_000_000,
            received_ms: 1_795_338_000_000 + 7_500_000,
        }
    }

    #[test]
    fn a_line_says_when_what_and_how_late() {
        let shown = line(&event(), false);
        assert!(shown.starts_with("2026-11-22 09:00:00Z  wms        shipment.shipped"), "{shown}");
        assert!(shown.ends_with("wms/east-2  (2 h 5 min late)"), "{shown}");
    }

    #[test]
    fn a_stranger_s_text_cannot_steer_the_terminal() {
        let hostile = EventLine { object: "order/\u{1b}[2J\r\n".to_owned(), ..event() };
        assert!(!line(&hostile, false).chars().any(char::is_control));
    }

    #[test]
    fn the_address_follows_that_of_the_server() {
        assert_eq!(address("http://127.0.0.1:8080/", "acme").expect("an address"), "ws://127.0.0.1:8080/t/acme/live");
        assert_eq!(address("https://m.example", "acme").expect("an address"), "wss://m.example/t/acme/live");
        assert!(address("m.example", "acme").is_err());
    }
}
