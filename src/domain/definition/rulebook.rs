//! All rules that hold: the shipped and own files, and for each tenant what its overlays make of them. A rulebook is
//! made whole or not at all; the shelf holds the last good one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::overlay::{self, Difference};
use super::{DefinitionError, Definitions};

/// Folder of the overlays, `tenants/acme/order-to-cash.toml`.
const TENANTS: &str = "tenants/";

/// Files by their path within the folder of definitions, `/` between parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, String>);

impl Files {
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// Path and text of the files right in a folder (`""`, `"calendars/"`) that end so, in the order of their names.
    pub fn in_folder<'a>(&'a self, folder: &'a str, extension: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let files = self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        files.filter(move |(path, _)| {
            path.strip_prefix(folder).is_some_and(|name| !name.contains('/'))
                && path.rsplit_once('.').is_some_and(|(_, end)| end == extension)
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Tenants that have files of their own.
    pub fn tenants(&self) -> BTreeSet<String> {
        let inside = self.0.keys().filter_map(|path| path.strip_prefix(TENANTS)?.split_once('/'));
        inside.map(|(tenant, _)| tenant.to_owned()).collect()
    }
}

impl<P: Into<String>, T: Into<String>> FromIterator<(P, T)> for Files {
    fn from_iter<I: IntoIterator<Item = (P, T)>>(files: I) -> Self {
        Self(files.into_iter().map(|(path, text)| (path.into(), text.into())).collect())
    }
}

/// The rules of all tenants.
#[derive(Debug, Default)]
pub struct Rulebook {
    everybody: Arc<Definitions>,
    tenants: BTreeMap<String, Own>,
}

#[derive(Debug)]
struct Own {
    definitions: Arc<Definitions>,
    files: Files,
    /// By file.
    differences: BTreeMap<String, Vec<Difference>>,
}

impl Rulebook {
    /// Reads everything; all errors of all files come back together.
    pub fn load(files: &Files) -> Result<Self, Vec<DefinitionError>> {
        let own = |path: &str| path.starts_with(TENANTS);
        let shared: Files =
            files.0.iter().filter(|(path, _)| !own(path)).map(|(p, t)| (p.clone(), t.clone())).collect();
        let everybody = Arc::new(Definitions::load(&shared)?);
        let mut tenants = BTreeMap::new();
        let mut errors = Vec::new();
        for tenant in files.tenants() {
            match Own::read(&tenant, &shared, files) {
                Ok(own) => drop(tenants.insert(tenant, own)),
                Err(mut found) => errors.append(&mut found),
            }
        }
        if errors.is_empty() { Ok(Self { everybody, tenants }) } else { Err(errors) }
    }

    /// What holds for a tenant.
    pub fn of(&self, tenant: &str) -> &Arc<Definitions> {
        self.tenants.get(tenant).map_or(&self.everybody, |own| &own.definitions)
    }

    /// What holds for a tenant without overlays.
    pub fn everybody(&self) -> &Arc<Definitions> {
        &self.everybody
    }

    /// Fields in which a tenant's rules differ from everybody's, by file.
    pub fn differences(&self, tenant: &str) -> Option<&BTreeMap<String, Vec<Difference>>> {
        self.tenants.get(tenant).map(|own| &own.differences)
    }

    /// An error in one of a tenant's laid files, told where the tenant wrote it.
    pub fn at_home(&self, tenant: &str, files: &Files, error: DefinitionError) -> DefinitionError {
        match self.files(tenant) {
            Some(laid) => at_home(error, &format!("{TENANTS}{tenant}/"), files, laid),
            None => error,
        }
    }

    /// A tenant's files with its overlays laid over them; None for a tenant without any.
    pub fn files(&self, tenant: &str) -> Option<&Files> {
        self.tenants.get(tenant).map(|own| &own.files)
    }
}

impl Own {
    fn read(tenant: &str, shared: &Files, files: &Files) -> Result<Self, Vec<DefinitionError>> {
        let folder = format!("{TENANTS}{tenant}/");
        let mut laid = shared.clone();
        let mut differences = BTreeMap::new();
        let mut errors = Vec::new();
        for (path, text) in files.0.iter().filter_map(|(path, text)| Some((path.strip_prefix(&folder)?, text))) {
            let Some(base) = shared.0.get(path).filter(|_| path.ends_with(".toml")) else {
                laid.0.insert(path.to_owned(), text.clone());
                continue;
            };
            match lay(base, text) {
                Ok((whole, changed)) => {
                    laid.0.insert(path.to_owned(), whole);
                    differences.insert(path.to_owned(), changed);
                }
                Err((offset, what)) => errors.push(place(&format!("{folder}{path}"), text, offset, what)),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        match Definitions::load(&laid) {
            Ok(mut definitions) => {
                definitions.tell_again(|warning| at_home(warning, &folder, files, &laid));
                Ok(Self { definitions: Arc::new(definitions), files: laid, differences })
            }
            Err(found) => Err(found.into_iter().map(|error| at_home(error, &folder, files, &laid)).collect()),
        }
    }
}

fn lay(base: &str, own: &str) -> Result<(String, Vec<Difference>), (usize, String)> {
    let fault = |error: toml::de::Error| (error.span().map_or(0, |s| s.start), error.message().trim().to_owned());
    let own: toml::Table = own.parse().map_err(fault)?;
    // What is wrong with the base is told where the base is read.
    let mut whole: toml::Table = base.parse().unwrap_or_default();
    let differences = overlay::lay(&mut whole, own);
    let text = toml::to_string(&whole).map_err(|error| (0, error.to_string()))?;
    Ok((text, differences))
}

/// An error in a laid file, told where the tenant wrote it: at the line that says the same, else at the top.
fn at_home(error: DefinitionError, folder: &str, files: &Files, laid: &Files) -> DefinitionError {
    let path = format!("{folder}{}", error.file);
    let Some(own) = files.get(&path) else { return error };
    let squeeze =
        |line: &str| line.chars().filter(|c| !c.is_whitespace() && *c != '\'' && *c != '"').collect::<String>();
    let said = laid.get(&error.file).and_then(|text| text.lines().nth(error.line - 1)).map(squeeze).unwrap_or_default();
    let line = own.lines().position(|line| !said.is_empty() && squeeze(line) == said);
    DefinitionError { file: path, line: line.map_or(1, |l| l + 1), column: 1, what: error.what }
}

fn place(file: &str, text: &str, offset: usize, what: String) -> DefinitionError {
    let mut reader = super::Reader::new(file, text);
    reader.fault(offset, what);
    reader.faults.swap_remove(0)
}

/// Where the house looks for the rules. They may change while it runs; what cannot be used changes nothing but is told.
#[derive(Debug, Default)]
pub struct Shelf {
    book: ArcSwap<Rulebook>,
    fault: ArcSwapOption<String>,
}

impl Shelf {
    pub fn new(book: Rulebook) -> Self {
        Self { book: ArcSwap::from_pointee(book), fault: ArcSwapOption::empty() }
    }

    pub fn book(&self) -> Arc<Rulebook> {
        self.book.load_full()
    }

    pub fn of(&self, tenant: &str) -> Arc<Definitions> {
        Arc::clone(self.book.load().of(tenant))
    }

    /// Why the newest files are not used, while they are not.
    pub fn fault(&self) -> Option<Arc<String>> {
        self.fault.load_full()
    }

    pub fn put(&self, book: Rulebook) {
        self.book.store(Arc::new(book));
        self.fault.store(None);
    }

    pub fn keep(&self, fault: String) {
        self.fault.store(Some(Arc::new(fault)));
    }
}

#[cfg(test)]
mod tests {
    use super::{Files, Rulebook};

    const BASE: &str = r#"
key = "x"
version = 1
title = "X"
root = "order"
[[milestones]]
key = "created"
title = "Created"
system = "erp"
events = ["order.created"]
[[slas]]
key = "a"
title = "A"
from = "created"
to = "created"
within = "1h"
"#;

    fn book(own: &str) -> Result<Rulebook, Vec<String>> {
        let files: Files = [("x.toml", BASE), ("tenants/acme/x.toml", own)].into_iter().collect();
        Rulebook::load(&files).map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_overlay_holds_for_its_tenant_only() {
        let book = book("[[slas]]\nkey = 'a'\ntitle = 'Ours'").expect("good");
        let title = |tenant: &str| book.of(tenant).by_key("x").map(|d| d.slas[0].title.clone());
        assert_eq!((title("acme").as_deref(), title("globex").as_deref()), (Some("Ours"), Some("A")));
        assert_eq!(book.differences("acme").map(|d| d["x.toml"].len()), Some(1));
    }

    #[test]
    fn a_fault_in_an_overlay_is_told_where_it_was_written() {
        let errors = book("# ours\n[[slas]]\nkey = 'a'\nwithin = 'soon'").expect_err("refused");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].starts_with("tenants/acme/x.toml:4:1: `soon` is no duration"), "{errors:?}");
        let odd =
            book("[[slas]]\nkey = 'b'\ntitle = 'B'\nfrom = 'created'\nto = 'created'\nwithin = '30m'").expect("odd");
        let told: Vec<String> = odd
            .of("acme")
            .by_key("x")
            .map(|d| d.warnings.iter().map(ToString::to_string).collect())
            .unwrap_or_default();
        assert!(told.iter().all(|w| w.starts_with("tenants/acme/x.toml:")) && !told.is_empty(), "{told:?}");
        let errors = book("[[slas]]\nkey = ").expect_err("refused");
        assert!(errors[0].starts_with("tenants/acme/x.toml:2:7:"), "{errors:?}");
    }
}
