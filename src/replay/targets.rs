//! The targets that there are now: read from files, looked at again while the server runs. A set that cannot be read
//! leaves the last good one in force, and the fault is shown.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::target::{Target, place};
use crate::domain::DefinitionError;

#[derive(Debug, Default)]
pub struct Targets {
    now: ArcSwap<Vec<Arc<Target>>>,
    fault: ArcSwap<Option<String>>,
}

/// Reads a set of files, `(name, text)` each; every fault of every file comes back. What stands under
/// `tenants/NAME/` is that tenant's own.
pub fn read(files: impl IntoIterator<Item = (String, String)>) -> Result<Vec<Arc<Target>>, Vec<DefinitionError>> {
    let (mut set, mut faults): (Vec<Arc<Target>>, Vec<DefinitionError>) = (Vec::new(), Vec::new());
    let fault = |file: &str, text: &str, what: String| DefinitionError::at(file, text, place(text, &what), what);
    let mut stand_ins: Vec<(Arc<Target>, String, String)> = Vec::new();
    for (file, text) in files {
        let own = file.strip_prefix("tenants/").and_then(|rest| Some(rest.split_once('/')?.0.to_owned()));
        match Target::parse(&file, &text).map(|target| Arc::new(Target { own, ..target })) {
            Err(fault) => faults.push(fault),
            Ok(target) if target.own.is_some() && !target.tenants.is_empty() => {
                faults.push(fault(&file, &text, "tenants: the folder says already whose it is".to_owned()));
            }
            Ok(target) if set.iter().any(|other| other.id() == target.id()) => {
                faults.push(fault(&file, &text, format!("key: `{}` stands in another file too", target.key)));
            }
            Ok(target) => {
                set.push(Arc::clone(&target));
                if target.fallback.is_some() {
                    stand_ins.push((target, file, text));
                }
            }
        }
    }
    for (target, file, text) in stand_ins {
        let wanted = target.fallback.as_deref().unwrap_or_default();
        let is_it = |other: &&Arc<Target>| other.key == wanted && (other.own.is_none() || other.own == target.own);
        if !set.iter().any(|other| is_it(&other)) {
            faults.push(fault(&file, &text, format!("fallback: there is no target `{wanted}`")));
        }
    }
    set.sort_by(|a, b| (&a.key, &a.own).cmp(&(&b.key, &b.own)));
    if faults.is_empty() { Ok(set) } else { Err(faults) }
}

impl Targets {
    pub fn new(set: Vec<Arc<Target>>) -> Self {
        Self { now: ArcSwap::from_pointee(set), fault: ArcSwap::default() }
    }

    /// Takes a set of files into force, or keeps what is and says what is wrong. False when it cannot be used.
    pub fn load(&self, files: impl IntoIterator<Item = (String, String)>) -> bool {
        match read(files) {
            Ok(set) => {
                self.now.store(Arc::new(set));
                self.fault.store(Arc::new(None));
                true
            }
            Err(faults) => {
                let text = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
                if self.fault.load().as_deref() != Some(text.as_str()) {
                    tracing::error!(fault = text, "the targets cannot be read; the last good ones stay in force");
                }
                self.fault.store(Arc::new(Some(text)));
                false
            }
        }
    }

    pub fn fault(&self) -> Option<String> {
        Option::clone(&self.fault.load())
    }

    pub fn all(&self) -> Vec<Arc<Target>> {
        self.now.load().to_vec()
    }

    /// Those that a tenant may use, its own in place of everybody's.
    pub fn of(&self, tenant: &str) -> Vec<Arc<Target>> {
        let all = self.now.load();
        let own = |key: &str| all.iter().any(|target| target.key == key && target.own.as_deref() == Some(tenant));
        let serves = |target: &&Arc<Target>| target.serves(tenant) && (target.own.is_some() || !own(&target.key));
        all.iter().filter(serves).cloned().collect()
    }

    pub fn get(&self, tenant: &str, key: &str) -> Option<Arc<Target>> {
        let all = self.now.load();
        let mut found = all.iter().filter(|target| target.key == key && target.serves(tenant));
        found.clone().find(|target| target.own.is_some()).or_else(|| found.next()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(key: &str, more: &str) -> (String, String) {
        (format!("{key}.toml"), format!("key = \"{key}\"\ntitle = \"T\"\nurl = \"https://x.example/\"\n{more}"))
    }

    #[test]
    fn the_example_is_a_target_and_a_stand_in_must_be_there() {
        let text = include_str!("../../docs/examples/targets/billing.toml");
        let set = read([("targets/billing.toml".to_owned(), text.to_owned())]).expect("read");
        assert_eq!(set[0].key, "billing");
        let faults = read([file("a", "fallback = \"b\"")]).expect_err("refused");
        assert_eq!(faults[0].to_string(), "a.toml:4:12: fallback: there is no target `b`");
    }

    #[test]
    fn a_tenants_own_target_takes_the_place_of_everybodys_for_it_alone() {
        let own = |key: &str, more: &str| {
            let (name, text) = file(key, more);
            (format!("tenants/acme/targets/{name}"), text.replace("x.example", "acme.example"))
        };
        let targets = Targets::new(read([file("a", ""), own("a", ""), own("b", "fallback = \"a\"")]).expect("read"));
        let host = |tenant: &str, key: &str| targets.get(tenant, key).map(|t| t.url.host().unwrap_or("").to_owned());
        assert_eq!(host("acme", "a").as_deref(), Some("acme.example"));
        assert_eq!(host("zenith", "a").as_deref(), Some("x.example"));
        assert_eq!((host("zenith", "b"), targets.of("acme").len(), targets.of("zenith").len()), (None, 2, 1));
        let ids: Vec<String> = targets.all().iter().map(|target| target.id()).collect();
        assert_eq!(ids, ["a", "acme/a", "acme/b"], "breakers and tokens are each one's own");
        assert!(read([own("a", ""), file("b", "fallback = \"a\"")]).is_err(), "no stand-in that others cannot use");
        assert!(read([own("a", "tenants = [\"zenith\"]")]).is_err());
    }

    #[test]
    fn a_bad_set_leaves_the_last_good_one_in_force() {
        let targets = Targets::new(read([file("a", ""), file("b", "tenants = [\"acme\"]")]).expect("good"));
        assert!(!targets.load([file("c", "fallback = \"nobody\"")]));
        assert!(targets.fault().is_some_and(|fault| fault.contains("nobody")));
        assert!(targets.get("acme", "a").is_some() && targets.get("acme", "b").is_some());
        assert!(targets.get("other", "b").is_none(), "a target serves those that it names");
        assert!(targets.load([file("c", "")]));
        assert_eq!((targets.fault(), targets.of("acme").len()), (None, 1));
    }
}
