//! What may name a tenant and what may name a source. Both end up in addresses, file names and metrics.

/// Longest tenant name.
const TENANT_CHARS: usize = 63;
/// Longest source name.
const SOURCE_CHARS: usize = 128;

/// A name that may not be used. The text says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error(
        "tenant {0:?}: use 1 to {TENANT_CHARS} of a-z, 0-9, '-' and '_', beginning with a letter or digit, for example acme-eu"
    )]
    Tenant(String),
    #[error(
        "source {0:?}: use 1 to {SOURCE_CHARS} printable characters without blanks at the ends, for example wms/east-2"
    )]
    Source(String),
}

/// A tenant is a part of every address under `/t/`, so it is kept to what needs no escaping anywhere.
pub fn check_tenant(name: &str) -> Result<(), NameError> {
    let first = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let rest = |c: u8| first(c) || c == b'-' || c == b'_';
    let bytes = name.as_bytes();
    match bytes {
        [head, tail @ ..] if bytes.len() <= TENANT_CHARS && first(*head) && tail.iter().all(|c| rest(*c)) => Ok(()),
        _ => Err(NameError::Tenant(cut(name))),
    }
}

/// A source is the name of a system as its people write it; it is only kept from confusing a reader.
pub fn check_source(name: &str) -> Result<(), NameError> {
    let long = name.chars().count() > SOURCE_CHARS;
    if name.is_empty() || long || name.trim() != name || name.chars().any(unprintable) {
        return Err(NameError::Source(cut(name)));
    }
    Ok(())
}

/// Control characters, and the invisible ones that turn or hide text.
fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn cut(name: &str) -> String {
    name.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::{check_source, check_tenant};

    #[test]
    fn tenants_are_plain_address_parts() {
        let long = "a".repeat(64);
        for good in ["a", "acme", "acme-eu_2", "0day", &long[..63]] {
            assert!(check_tenant(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "_a", "Acme", "a b", "a/b", "..", "ä", "a\n", &long] {
            assert!(check_tenant(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sources_are_anything_that_can_be_read() {
        let long = "s".repeat(129);
        for good in ["wms/east-2", "SAP PRD 100", "Lager Süd", &long[..128]] {
            assert!(check_source(good).is_ok(), "{good}");
        }
        for bad in ["", " wms", "wms ", "a\nb", "a\u{202e}b", "a\u{0}", &long] {
            assert!(check_source(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_error_shows_the_name_and_a_good_one() {
        let error = check_tenant("Acme Ltd").expect_err("capitals are refused").to_string();
        assert!(error.contains("\"Acme Ltd\"") && error.contains("acme-eu"), "{error}");
    }
}
