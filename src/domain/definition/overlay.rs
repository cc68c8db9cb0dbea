//! A tenant's own words laid over a shipped file: tables by their keys, lists of tables by the `key` of their entries.
//! `remove = true` takes an entry away, `after = "picked"` says where a new one goes; everything else is replaced.

use serde::Serialize;
use toml::{Table, Value};

/// One field in which a tenant's definition differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `slas.order-release.within`
    pub field: String,
    /// As shipped; None where there was nothing.
    pub base: Option<String>,
    /// As the tenant has it; None where it was taken away.
    pub own: Option<String>,
}

/// Lays `own` over `base` and says what that changed.
pub fn lay(base: &mut Table, own: Table) -> Vec<Difference> {
    let mut differences = Vec::new();
    lay_table(base, own, "", &mut differences);
    differences
}

fn lay_table(base: &mut Table, own: Table, at: &str, differences: &mut Vec<Difference>) {
    for (name, value) in own {
        let field = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        match (base.get_mut(&name), value) {
            (Some(Value::Table(base)), Value::Table(own)) => lay_table(base, own, &field, differences),
            (Some(Value::Array(base)), Value::Array(own)) if is_keyed(base) && is_keyed(&own) => {
                lay_entries(base, own, &field, differences);
            }
            (known, value) => {
                let before = known.map(|value| value.to_string());
                if before.as_deref() != Some(&value.to_string()) {
                    differences.push(Difference { field, base: before, own: Some(value.to_string()) });
                }
                base.insert(name, value);
            }
        }
    }
}

fn lay_entries(base: &mut Vec<Value>, own: Vec<Value>, at: &str, differences: &mut Vec<Difference>) {
    for entry in own {
        let Value::Table(mut entry) = entry else { continue };
        let Some(key) = entry.get("key").and_then(Value::as_str).map(str::to_owned) else { continue };
        let field = format!("{at}.{key}");
        let place = base.iter().position(|known| key_of(known) == Some(&key));
        let remove = entry.remove("remove").is_some_and(|flag| flag.as_bool() == Some(true));
        let after = entry.remove("after");
        match place {
            Some(place) if remove => {
                let gone = base.remove(place);
                differences.push(Difference { field, base: Some(gone.to_string()), own: None });
            }
            Some(place) => {
                if let Value::Table(known) = &mut base[place] {
                    lay_table(known, entry, &field, differences);
                }
            }
            None if remove => {}
            None => {
                let after = after.as_ref().and_then(Value::as_str);
                let place = after.and_then(|after| base.iter().position(|known| key_of(known) == Some(after)));
                let entry = Value::Table(entry);
                differences.push(Difference { field, base: None, own: Some(entry.to_string()) });
                base.insert(place.map_or(base.len(), |place| place + 1), entry);
            }
        }
    }
}

fn is_keyed(list: &[Value]) -> bool {
    list.iter().all(|entry| key_of(entry).is_some())
}

fn key_of(entry: &Value) -> Option<&str> {
    entry.get("key")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::lay;

    fn laid(base: &str, own: &str) -> (String, Vec<String>) {
        let mut base: toml::Table = base.parse().expect("base");
        let differences = lay(&mut base, own.parse().expect("own"));
        let said = differences.iter().map(|d| format!("{}: {:?} -> {:?}", d.field, d.base, d.own));
        (toml::to_string(&base).expect("TOML"), said.collect())
    }

    #[test]
    fn entries_are_found_by_their_key_and_only_what_differs_is_told() {
        let (text, said) = laid(
            "title = 'X'\n[[slas]]\nkey = 'a'\nwithin = '1h'\nwarn = '0.5'\n[[slas]]\nkey = 'b'\nwithin = '2h'",
            "title = 'X'\n[[slas]]\nkey = 'a'\nwithin = '3h'\n[[slas]]\nkey = 'b'\nremove = true",
        );
        assert!(
            text.contains("within = \"3h\"") && text.contains("warn = \"0.5\"") && !text.contains("\"b\""),
            "{text}"
        );
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!(said[0], r#"slas.a.within: Some("\"1h\"") -> Some("\"3h\"")"#);
    }

    #[test]
    fn a_new_entry_goes_where_it_says() {
        let (text, said) = laid(
            "[[milestones]]\nkey = 'a'\n[[milestones]]\nkey = 'c'",
            "[[milestones]]\nkey = 'b'\nafter = 'a'\n[[milestones]]\nkey = 'd'",
        );
        let order: Vec<&str> = text.lines().filter(|line| line.starts_with("key")).collect();
        assert_eq!(order, ["key = \"a\"", "key = \"b\"", "key = \"c\"", "key = \"d\""]);
        assert_eq!(said.len(), 2);
    }
}
