//! The reader's own choices: name, theme and time zone, kept in cookies, changed by a form that works without script.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::board::SHIFTS;
use super::frame::Choice;
use super::time::Clock;
use super::words;
use crate::access::check_source;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Prefs {
    pub theme: Theme,
    /// As chosen; checked when the clock is made.
    pub zone: String,
    /// The name under which the reader acts.
    pub person: Option<String>,
    /// When the reader's shift began, as the board offers it; empty where none was chosen.
    pub shift: &'static str,
}

impl Default for Prefs {
    fn default() -> Self {
        Self { theme: Theme::Auto, zone: "UTC".into(), person: None, shift: "" }
    }
}

const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Warsaw",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Asia/Dubai",
    "Asia/Singapore",
    "Asia/Shanghai",
    "Asia/Tokyo",
];

impl Prefs {
    pub fn of(request: &HttpRequest) -> Self {
        Self {
            theme: cookie(request, "theme").and_then(Theme::parse).unwrap_or_default(),
            zone: cookie(request, "tz").filter(|zone| zone.len() <= 64).unwrap_or("UTC").to_owned(),
            person: cookie(request, "person").and_then(|name| person(&words::decode(name))),
            shift: cookie(request, "shift").and_then(|at| SHIFTS.into_iter().find(|s| *s == at)).unwrap_or_default(),
        }
    }

    pub fn themes(&self) -> Vec<Choice> {
        let words = [(Theme::Auto, "System"), (Theme::Light, "Light"), (Theme::Dark, "Dark")];
        words
            .into_iter()
            .map(|(theme, text)| Choice {
                value: theme.as_str().into(),
                text: text.into(),
                chosen: theme == self.theme,
            })
            .collect()
    }

    pub fn zones(&self, shown: &str) -> Vec<Choice> {
        let mut names: Vec<&str> = ZONES.to_vec();
        if !names.contains(&shown) {
            names.insert(1, shown);
        }
        names
            .into_iter()
            .map(|name| Choice { value: name.into(), text: name.replace('_', " "), chosen: name == shown })
            .collect()
    }
}

pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/prefs", web::post().to(choose));
}

#[derive(Deserialize)]
struct Form {
    theme: Option<String>,
    tz: Option<String>,
    person: Option<String>,
    back: Option<String>,
}

async fn choose(request: HttpRequest, form: web::Form<Form>) -> HttpResponse {
    if !same_site(&request) {
        return HttpResponse::Forbidden()
            .content_type("text/plain; charset=utf-8")
            .body("This form belongs to another site.\n");
    }
    let back = form.back.as_deref().filter(|path| is_own_path(path)).unwrap_or("/");
    let mut answer = HttpResponse::SeeOther();
    if let Some(theme) = form.theme.as_deref().and_then(Theme::parse) {
        answer.append_header((header::SET_COOKIE, kept("theme", theme.as_str())));
    }
    if let Some(zone) = form.tz.as_deref().and_then(|name| Clock::new(0, name)) {
        answer.append_header((header::SET_COOKIE, kept("tz", &zone.zone_name)));
    }
    if let Some(name) = form.person.as_deref().and_then(person) {
        answer.append_header((header::SET_COOKIE, kept_person(&name)));
    }
    answer.insert_header((header::LOCATION, back)).finish()
}

/// A name that can stand in a source: 1 to 60 printable characters, no slash.
pub fn person(text: &str) -> Option<String> {
    let name = text.trim();
    let fits = !name.is_empty() && name.chars().count() <= 60 && !name.contains('/') && check_source(name).is_ok();
    fits.then(|| name.to_owned())
}

pub fn kept_person(name: &str) -> String {
    kept("person", &words::encode(name))
}

/// One of the shifts, or none.
pub fn kept_shift(at: &str) -> String {
    kept("shift", SHIFTS.into_iter().find(|shift| *shift == at).unwrap_or_default())
}

/// The values are from our own lists or encoded, so that nothing needs quoting.
fn kept(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; SameSite=Lax; Max-Age=34560000")
}

fn cookie<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let all = request.headers().get(header::COOKIE)?.to_str().ok()?;
    all.split(';').find_map(|pair| pair.trim().split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

/// Browsers tell where a form came from; one that came from elsewhere changes nothing.
pub fn same_site(request: &HttpRequest) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = header("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let own =
        |origin: &str, host: &str| origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host));
    header("origin").is_none_or(|origin| header("host").is_some_and(|host| own(origin, host)))
}

pub fn is_own_path(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_back_to() {
        assert!(is_own_path("/t/acme/board?x=1"));
        for wrong in ["//evil", "https://evil", "/\\evil", "javascript:alert(1)", "/a\r\nSet-Cookie: x"] {
            assert!(!is_own_path(wrong), "{wrong}");
        }
    }
}
