//! The query string: read with its limits, changed one parameter at a time. A page's state is its address.

use chrono::{DateTime, FixedOffset};

use super::words;

const MAX_VALUE_BYTES: usize = 512;
const MAX_PAIRS: usize = 32;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub fn parse(text: &str) -> Self {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in text.split('&').filter(|part| !part.is_empty()).take(MAX_PAIRS) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let form = |text: &str| words::decode(&text.replace('+', " "));
            let (name, value) = (form(name), form(value));
            if value.len() > MAX_VALUE_BYTES || value.trim().is_empty() {
                continue;
            }
            // A parameter given twice is a list: forms with check boxes send it so.
            match pairs.iter_mut().find(|(known, _)| *known == name) {
                Some((_, list)) => {
                    list.push(',');
                    list.push_str(value.trim());
                }
                None => pairs.push((name, value.trim().to_owned())),
            }
        }
        Self { pairs }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn list(&self, name: &str) -> Vec<String> {
        let Some(value) = self.get(name) else { return Vec::new() };
        value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// The time that a parameter tells, or what is wrong with it.
    pub fn time(&self, name: &str) -> Result<Option<DateTime<FixedOffset>>, String> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let wrong = |_| format!("{name}: expected a time like 2026-11-22T10:00:00Z.");
        DateTime::parse_from_rfc3339(text).map(Some).map_err(wrong)
    }

    /// The same in milliseconds; where it is wrong, a complaint and none.
    pub fn moment(&self, name: &str, complaints: &mut Vec<String>) -> Option<i64> {
        let time = self.time(name).unwrap_or_else(|complaint| {
            complaints.push(complaint);
            None
        });
        time.map(|time| time.timestamp_millis())
    }

    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn without(&self, names: &[&str]) -> Self {
        Self { pairs: self.pairs.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect() }
    }

    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut changed = self.clone();
        match changed.pairs.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value.to_owned(),
            None => changed.pairs.push((name.to_owned(), value.to_owned())),
        }
        if value.is_empty() { changed.without(&[name]) } else { changed }
    }

    /// Adds the value to the list, or takes it out.
    pub fn toggled(&self, name: &str, value: &str) -> Self {
        let mut list = self.list(name);
        match list.iter().position(|known| known == value) {
            Some(place) => drop(list.remove(place)),
            None => list.push(value.to_owned()),
        }
        self.with(name, &list.join(","))
    }

    /// `?status=at_risk&q=acme`, or nothing.
    pub fn text(&self) -> String {
        let parts: Vec<String> = self
            .pairs
            .iter()
            .map(|(name, value)| format!("{}={}", words::encode(name), words::encode(value).replace("%2C", ",")))
            .collect();
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }

    /// One sentence for each parameter that this page does not know.
    pub fn unknown(&self, known: &[&str]) -> Vec<String> {
        let strangers =
            self.pairs.iter().filter(|(name, _)| !known.contains(&name.as_str()) && name != "tz" && name != "view");
        strangers
            .map(|(name, _)| format!("This page knows no filter “{}”; it was not used.", words::cut(name, 60)))
            .collect()
    }
}

/// Splits `customer:acme sla due` into the words that name a filter and the rest.
pub fn qualifiers(text: &str, known: &[&str]) -> (Vec<(String, String)>, String) {
    let mut named = Vec::new();
    let mut rest = Vec::new();
    for word in text.split_whitespace() {
        match word.split_once(':') {
            Some((name, value)) if known.contains(&name) && !value.is_empty() => {
                named.push((name.to_owned(), value.to_owned()));
            }
            _ => rest.push(word),
        }
    }
    (named, rest.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_toggled_and_written_back_as_they_were() {
        let query = Query::parse("status=at_risk,breached&q=M%C3%BCller+%26+Co&x=");
        assert_eq!(query.get("q"), Some("Müller & Co"));
        assert_eq!(query.get("x"), None);
        assert_eq!(query.toggled("status", "breached").text(), "?status=at_risk&q=M%C3%BCller%20%26%20Co");
        assert_eq!(query.toggled("status", "done").list("status"), ["at_risk", "breached", "done"]);
        assert_eq!(query.without(&["q", "status"]).text(), "");
    }

    #[test]
    fn check_boxes_make_a_list() {
        assert_eq!(Query::parse("status=a&status=b").list("status"), ["a", "b"]);
    }

    #[test]
    fn broken_escapes_and_floods_do_no_harm() {
        assert_eq!(Query::parse("a=%zz%4").get("a"), Some("%zz%4"));
        assert_eq!(Query::parse("a=%ff").get("a"), Some("\u{FFFD}"));
        assert_eq!(Query::parse(&format!("a={}", "x".repeat(600))).get("a"), None);
        assert_eq!(Query::parse(&"a&".repeat(1000)), Query::default());
    }

    #[test]
    fn qualifiers_are_told_from_text() {
        let (named, rest) = qualifiers("customer:acme SO-1 x:y status:", &["customer", "status"]);
        assert_eq!(named, [("customer".to_owned(), "acme".to_owned())]);
        assert_eq!(rest, "SO-1 x:y status:");
    }
}
