//! A target as a file, `targets/*.toml`: where to, who we are there, which headers, how often again, when it counts as
//! taken, and which effect proves it. Reading a file is pure; secrets stay names until something is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, Uri};
use serde::Deserialize;

use super::breaker;
use super::schedule::{JITTER_PERCENT, STANDARD_S, Schedule};
use crate::domain::{DefinitionError, duration};

const TIMEOUT: Duration = Duration::from_secs(15);
/// Longest that one attempt may be given.
const MOST_TIMEOUT: Duration = Duration::from_secs(300);
/// How long an effect may take to show itself.
const WITHIN: Duration = Duration::from_secs(15 * 60);

/// Headers of the payload that a new request must not repeat: who sent it, over which connection, in which trace.
pub const DROPPED: [&str; 22] = [
    "host",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "content-encoding",
    "accept-encoding",
    "authorization",
    "cookie",
    "set-cookie",
    "traceparent",
    "tracestate",
    "baggage",
    "idempotency-key",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
];

#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub key: String,
    pub title: String,
    pub url: Uri,
    pub method: Method,
    /// Tenants that may use it; empty for all.
    pub tenants: Vec<String>,
    /// The tenant among whose own files it stands; for it, it takes the place of everybody's with the same key.
    pub own: Option<String>,
    pub allow_internal: bool,
    pub auth: Auth,
    pub keep: Vec<String>,
    pub drop: Vec<String>,
    pub set: Vec<(HeaderName, HeaderValue)>,
    pub timeout: Duration,
    pub schedule: Schedule,
    /// Statuses after which trying again is of no use, 410 apart, which stops everything.
    pub lasting: Vec<u16>,
    /// What the body of a good answer must say.
    pub taken: Option<Taken>,
    pub breaker_failures: u32,
    pub breaker_pause: Duration,
    /// Key of the target that is used when this one cannot be.
    pub fallback: Option<String>,
    pub effect: Option<Effect>,
    /// Requests under way at the same time.
    pub at_once: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    None,
    Header { name: HeaderName, value: Secret },
    Basic { user: String, password: Secret },
    OAuth2 { token_url: Uri, client_id: String, client_secret: Secret, scope: String },
    Webhook { secret: Secret },
}

/// Where a secret is; what it is nobody keeps.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Secret {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file; its last line break does not count.
    File(String),
    /// In clear, said so on purpose: for tests and trials.
    Clear(String),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env {name}"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Clear(_) => f.write_str("in clear"),
        }
    }
}

/// A JSON pointer into an answer, and the values that mean yes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    pub pointer: String,
    pub is: Vec<String>,
}

/// What is to be seen before something that was sent counts as done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    pub awaited: Awaited,
    pub within: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// An event of this type about the object, or about one linked to it.
    Event(String),
    /// This milestone of a workflow that the object belongs to.
    Milestone(String),
    /// Anything that this system says about the object.
    System(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    key: String,
    title: String,
    url: String,
    #[serde(default = "post")]
    method: String,
    #[serde(default)]
    tenants: Vec<String>,
    #[serde(default)]
    allow_internal: bool,
    #[serde(default)]
    auth: AuthEntry,
    #[serde(default)]
    headers: HeadersEntry,
    timeout: Option<String>,
    #[serde(default)]
    retry: RetryEntry,
    taken: Option<Taken>,
    #[serde(default)]
    breaker: BreakerEntry,
    fallback: Option<String>,
    effect: Option<EffectEntry>,
    #[serde(default = "eight")]
    at_once: usize,
}

#[derive(Default, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum AuthEntry {
    #[default]
    None,
    Header {
        name: String,
        value: Secret,
    },
    Basic {
        user: String,
        password: Secret,
    },
    Oauth2 {
        token_url: String,
        client_id: String,
        client_secret: Secret,
        #[serde(default)]
        scope: String,
    },
    Webhook {
        secret: Secret,
    },
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct HeadersEntry {
    keep: Vec<String>,
    drop: Vec<String>,
    set: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RetryEntry {
    waits: Option<Vec<String>>,
    jitter_percent: Option<u64>,
    lasting: Option<Vec<u16>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct BreakerEntry {
    failures: Option<u32>,
    pause: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EffectEntry {
    event: Option<String>,
    milestone: Option<String>,
    system: Option<String>,
    within: Option<String>,
}

fn post() -> String {
    "POST".to_owned()
}

fn eight() -> usize {
    8
}

/// Wrong credentials, wrong address, wrong content: the same request will be refused again.
const LASTING: [u16; 12] = [400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 422, 501];

impl Target {
    pub fn parse(file: &str, text: &str) -> Result<Self, DefinitionError> {
        let read: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            DefinitionError::at(file, text, at, error.message().trim().to_owned())
        })?;
        Self::of(read).map_err(|what| DefinitionError::at(file, text, place(text, &what), what))
    }

    fn of(read: File) -> Result<Self, String> {
        if read.key.is_empty() || !read.key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
            return Err(format!("key: `{}` is no name of letters, digits, `-`, `_` and `.`", read.key));
        }
        let time = |name: &str, text: &Option<String>, default: Duration| match text {
            None => Ok(default),
            Some(text) => duration(text)
                .and_then(|time| time.to_std().ok())
                .ok_or_else(|| format!("{name}: `{text}` is no duration: expected for example `15s` or `5m`")),
        };
        let timeout = time("timeout", &read.timeout, TIMEOUT)?;
        if timeout > MOST_TIMEOUT {
            return Err(format!("timeout: at most {} s", MOST_TIMEOUT.as_secs()));
        }
        let waits = match &read.retry.waits {
            None => STANDARD_S.map(Duration::from_secs).to_vec(),
            Some(waits) => {
                waits.iter().map(|text| time("retry.waits", &Some(text.clone()), TIMEOUT)).collect::<Result<_, _>>()?
            }
        };
        let mut set = Vec::new();
        for (name, value) in &read.headers.set {
            let name =
                HeaderName::try_from(name.as_str()).map_err(|_| format!("headers.set: `{name}` is no header"))?;
            let value = HeaderValue::try_from(value.as_str())
                .map_err(|_| format!("headers.set.{name}: not allowed in a header"))?;
            set.push((name, value));
        }
        let auth = match read.auth {
            AuthEntry::None => Auth::None,
            AuthEntry::Header { name, value } => {
                let name =
                    HeaderName::try_from(name.as_str()).map_err(|_| format!("auth.name: `{name}` is no header"))?;
                Auth::Header { name, value }
            }
            AuthEntry::Basic { user, password } => Auth::Basic { user, password },
            AuthEntry::Oauth2 { token_url, client_id, client_secret, scope } => {
                let token_url = address("auth.token_url", &token_url)?;
                Auth::OAuth2 { token_url, client_id, client_secret, scope }
            }
            AuthEntry::Webhook { secret } => Auth::Webhook { secret },
        };
        let effect = match read.effect {
            None => None,
            Some(entry) => {
                let awaited = match (entry.event, entry.milestone, entry.system) {
                    (Some(kind), None, None) => Awaited::Event(kind),
                    (None, Some(key), None) => Awaited::Milestone(key),
                    (None, None, Some(system)) => Awaited::System(system),
                    _ => return Err("effect: expected one of event, milestone and system".to_owned()),
                };
                Some(Effect { awaited, within: time("effect.within", &entry.within, WITHIN)? })
            }
        };
        if read.fallback.as_deref() == Some(read.key.as_str()) {
            return Err("fallback: a target cannot stand in for itself".to_owned());
        }
        let lower = |names: Vec<String>| names.into_iter().map(|name| name.to_ascii_lowercase()).collect();
        Ok(Self {
            url: address("url", &read.url)?,
            method: Method::from_bytes(read.method.as_bytes())
                .ok()
                .filter(|method| [Method::POST, Method::PUT, Method::PATCH].contains(method))
                .ok_or_else(|| format!("method: `{}`; expected POST, PUT or PATCH", read.method))?,
            key: read.key,
            title: read.title,
            tenants: read.tenants,
            own: None,
            allow_internal: read.allow_internal,
            auth,
            keep: lower(read.headers.keep),
            drop: lower(read.headers.drop),
            set,
            timeout,
            schedule: Schedule::new(waits, read.retry.jitter_percent.unwrap_or(JITTER_PERCENT)),
            lasting: read.retry.lasting.unwrap_or_else(|| LASTING.to_vec()),
            taken: read.taken,
            breaker_failures: read.breaker.failures.unwrap_or(breaker::FAILURES),
            breaker_pause: time("breaker.pause", &read.breaker.pause, breaker::PAUSE)?,
            fallback: read.fallback,
            effect,
            at_once: read.at_once.clamp(1, 64),
        })
    }

    /// Among all targets: a tenant's own is another than everybody's of the same key.
    pub fn id(&self) -> String {
        self.own.as_ref().map_or_else(|| self.key.clone(), |tenant| format!("{tenant}/{}", self.key))
    }

    pub fn serves(&self, tenant: &str) -> bool {
        if let Some(own) = &self.own {
            return own == tenant;
        }
        self.tenants.is_empty() || self.tenants.iter().any(|name| name == tenant)
    }

    /// Whether a header of the payload goes along: named ones do, and its content type; `ce-*` names all that begin so.
    pub fn keeps(&self, name: &str) -> bool {
        let named = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => pattern == name,
        };
        if DROPPED.contains(&name) || self.drop.iter().any(named) {
            return false;
        }
        name == "content-type" || self.keep.iter().any(named)
    }
}

/// Where the field stands that a sentence begins with: `auth.name: …`.
pub fn place(text: &str, what: &str) -> usize {
    let path = what.split(':').next().unwrap_or_default();
    let Ok(whole) = toml::de::DeTable::parse(text) else { return 0 };
    let (mut table, mut at) = (whole.get_ref(), 0);
    for part in path.split('.') {
        let Some((_, value)) = table.iter().find(|(name, _)| name.get_ref() == part) else { break };
        at = value.span().start;
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    at
}

fn address(name: &str, text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|_| format!("{name}: `{text}` is no address"))?;
    let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    if authority.contains('@') {
        return Err(format!("{name}: credentials belong under auth, not into the address"));
    }
    match uri.scheme_str() {
        Some("https" | "http") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        _ => Err(format!("{name}: `{text}`: expected https://… or http://…")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_with_its_line_and_column() {
        let told = |more: &str| parse(more).expect_err("refused").to_string();
        assert_eq!(told("url = \"ftp://x/\""), "billing.toml:3:7: url: `ftp://x/`: expected https://… or http://…");
        let auth = "url = \"https://x.example/\"\n[auth]\nkind = \"header\"\nname = \"x y\"\nvalue = { env = \"K\" }";
        assert!(told(auth).starts_with("billing.toml:6:8: auth.name: "), "{}", told(auth));
        assert!(told("url = \"https://x.example/\"\ntimout = \"1s\"").starts_with("billing.toml:4:1: "));
    }

    fn parse(more: &str) -> Result<Target, DefinitionError> {
        Target::parse("billing.toml", &format!("key = \"billing\"\ntitle = \"Billing\"\n{more}"))
    }

    #[test]
    fn a_target_needs_a_key_a_title_and_an_address() {
        let target = parse("url = \"https://billing.example/v1/events\"").expect("read");
        assert_eq!((target.timeout, target.schedule.attempts(), target.breaker_failures), (TIMEOUT, 10, 5));
        assert!(!target.allow_internal);
        assert_eq!(target.auth, Auth::None);
    }

    #[test]
    fn addresses_that_are_no_web_addresses_are_refused() {
        for url in
            ["file:///etc/passwd", "gopher://x/", "ftp://x/", "/v1", "https://", "https://user:pw@billing.example/"]
        {
            assert!(parse(&format!("url = \"{url}\"")).is_err(), "{url}");
        }
    }

    #[test]
    fn a_secret_is_a_name_and_never_shown() {
        let text =
            "url = \"https://x.example/\"\n[auth]\nkind = \"basic\"\nuser = \"u\"\npassword = { clear = \"hunter2\" }";
        let target = parse(text).expect("read");
        assert!(!format!("{target:?}").contains("hunter2"));
        let text = "url = \"https://x.example/\"\n[auth]\nkind = \"header\"\nname = \"x-key\"\nvalue = \"plain\"";
        assert!(parse(text).is_err(), "a bare secret is no secret");
    }

    #[test]
    fn headers_of_connection_trace_and_credentials_never_go_along() {
        let text = "url = \"https://x.example/\"\n[headers]\nkeep = [\"*\"]\ndrop = [\"x-b*\"]";
        let target = parse(text).expect("read");
        assert!(target.keeps("x-a") && target.keeps("content-type"));
        assert!(!target.keeps("x-b-3") && !target.keeps("traceparent") && !target.keeps("authorization"));
    }

    #[test]
    fn one_effect_is_awaited_not_two() {
        let base = "url = \"https://x.example/\"\n[effect]\n";
        assert!(parse(&format!("{base}event = \"invoice.issued\"\nsystem = \"billing\"")).is_err());
        let target = parse(&format!("{base}milestone = \"invoiced\"\nwithin = \"1h\"")).expect("read");
        let awaited = Awaited::Milestone("invoiced".to_owned());
        assert_eq!(target.effect, Some(Effect { awaited, within: Duration::from_secs(3_600) }));
    }
}
