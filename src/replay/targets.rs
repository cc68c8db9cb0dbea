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

/// Reads a set of files, `(name, text)` each; every fault of every file comes back.
pub fn read(files: impl IntoIterator<Item = (String, String)>) -> Result<Vec<Arc<Target>>, Vec<DefinitionError>> {
    let (mut set, mut faults): (Vec<Arc<Target>>, Vec<DefinitionError>) = (Vec::new(), Vec::new());
    let fault = |file: &str, text: &str, what: String| DefinitionError::at(file, text, place(text, &what), what);
    let mut stand_ins: Vec<(String, String, String)> = Vec::new();
    for (file, text) in files {
        match Target::parse(&file, &text) {
            Err(fault) => faults.push(fault),
            Ok(target) if set.iter().any(|other| other.key == target.key) => {
                faults.push(fault(&file, &text, format!("key: `{}` stands in another file too", target.key)));
            }
            Ok(target) => {
                stand_ins.extend(target.fallback.clone().map(|fallback| (fallback, file, text)));
                set.push(Arc::new(target));
            }
        }
    }
    for (fallback, file, text) in stand_ins {
        if !set.iter().any(|other| other.key == fallback) {
            faults.push(fault(&file, &text, format!("fallback: there is no target `{fallback}`")));
        }
    }
    set.sort_by(|a, b| a.key.cmp(&b.key));
    if faults.is_empty() { Ok(set) } else { Err(faults) }
}

impl Targets {
    pub fn new(set: Vec<Arc<Target>>) -> Self {
        Self { now: ArcSwap::from_pointee(set), fault: ArcSwap::default() }
    }

    /// Takes a set of files into force, or keeps what is and says what is wrong.
    pub fn load(&self, files: impl IntoIterator<Item = (String, String)>) {
        match read(files) {
            Ok(set) => {
                self.now.store(Arc::new(set));
                self.fault.store(Arc::new(None));
            }
            Err(faults) => {
                let text = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
                if self.fault.load().as_deref() != Some(text.as_str()) {
                    tracing::error!(fault = text, "the targets cannot be read; the last good ones stay in force");
                }
                self.fault.store(Arc::new(Some(text)));
            }
        }
    }

    pub fn fault(&self) -> Option<String> {
        Option::clone(&self.fault.load())
    }

    pub fn all(&self) -> Vec<Arc<Target>> {
        self.now.load().to_vec()
    }

    /// Those that a tenant may use.
    pub fn of(&self, tenant: &str) -> Vec<Arc<Target>> {
        self.now.load().iter().filter(|target| target.serves(tenant)).cloned().collect()
    }

    pub fn get(&self, tenant: &str, key: &str) -> Option<Arc<Target>> {
        self.now.load().iter().find(|target| target.key == key && target.serves(tenant)).cloned()
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
    fn a_bad_set_leaves_the_last_good_one_in_force() {
        let targets = Targets::new(read([file("a", ""), file("b", "tenants = [\"acme\"]")]).expect("good"));
        targets.load([file("c", "fallback = \"nobody\"")]);
        assert!(targets.fault().is_some_and(|fault| fault.contains("nobody")));
        assert!(targets.get("acme", "a").is_some() && targets.get("acme", "b").is_some());
        assert!(targets.get("other", "b").is_none(), "a target serves those that it names");
        targets.load([file("c", "")]);
        assert_eq!((targets.fault(), targets.of("acme").len()), (None, 1));
    }
}
