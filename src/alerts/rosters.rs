//! Who is told of what, for everybody and for each tenant that has it otherwise: `tenants/NAME/alerts.toml` is laid over
//! `alerts.toml` as the tenant's other files are laid over theirs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::routes::Routes;
use crate::domain::{DefinitionError, Files, Rulebook};

pub const FILE: &str = "alerts.toml";

#[derive(Debug, Default)]
pub struct Rosters {
    everybody: Arc<Routes>,
    tenants: BTreeMap<String, Arc<Routes>>,
}

impl Rosters {
    /// Reads everything; all that is wrong comes back together, where it was written.
    pub fn read(files: &Files, book: &Rulebook) -> Result<Self, Vec<DefinitionError>> {
        let everybody = Routes::parse(FILE, files.get(FILE).unwrap_or_default())?;
        let mut tenants = BTreeMap::new();
        let mut errors = Vec::new();
        for tenant in files.tenants() {
            let own = format!("tenants/{tenant}/{FILE}");
            let Some(laid) = book.files(&tenant).and_then(|laid| laid.get(FILE)).filter(|_| files.get(&own).is_some())
            else {
                continue;
            };
            match Routes::parse(FILE, laid) {
                Ok(routes) => drop(tenants.insert(tenant, Arc::new(routes))),
                Err(found) => errors.extend(found.into_iter().map(|error| book.at_home(&tenant, files, error))),
            }
        }
        if errors.is_empty() { Ok(Self { everybody: Arc::new(everybody), tenants }) } else { Err(errors) }
    }

    pub fn of(&self, tenant: &str) -> &Arc<Routes> {
        self.tenants.get(tenant).unwrap_or(&self.everybody)
    }

    /// Nobody is told of anything.
    pub fn is_silent(&self) -> bool {
        self.everybody.routes.is_empty() && self.tenants.values().all(|routes| routes.routes.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "
[[receivers]]
key = 'chat'
kind = 'slack'
url_file = '/run/secrets/chat'
[[receivers]]
key = 'pager'
kind = 'pagerduty'
routing_key_file = '/run/secrets/pager'
[[routes]]
key = 'late'
kinds = ['sla_breached']
to = ['chat']
";

    fn read(own: &str) -> Result<Rosters, Vec<String>> {
        let files: Files = [(FILE, BASE), ("tenants/acme/alerts.toml", own)].into_iter().collect();
        let told = |errors: Vec<DefinitionError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
        let book = Rulebook::load(&files).map_err(told)?;
        Rosters::read(&files, &book).map_err(told)
    }

    #[test]
    fn a_tenant_has_its_own_words_and_shares_the_rest() {
        let own = "[[routes]]\nkey = 'late'\nto = ['pager']\n[[routes]]\nkey = 'silent'\nkinds = ['source_silent']\n\
            to = ['chat']\n[[receivers]]\nkey = 'pager'\nrouting_key_file = '/run/secrets/acme'\n";
        let rosters = read(own).expect("read");
        let to = |tenant: &str| rosters.of(tenant).routes.iter().map(|r| r.to.join(",")).collect::<Vec<_>>();
        assert_eq!(to("acme"), ["pager", "chat"]);
        assert_eq!(to("globex"), ["chat"]);
        assert_eq!(rosters.of("acme").routes[0].narrowed.kinds, ["sla_breached"], "what it does not say is as there");
        assert_ne!(rosters.of("acme").receiver("pager"), rosters.of("globex").receiver("pager"));
    }

    #[test]
    fn a_tenant_may_take_a_route_away() {
        let rosters = read("[[routes]]\nkey = 'late'\nremove = true\n").expect("read");
        assert_eq!((rosters.of("acme").routes.len(), rosters.of("globex").routes.len()), (0, 1));
        assert!(!rosters.is_silent());
    }

    #[test]
    fn a_fault_is_told_where_the_tenant_wrote_it() {
        let errors = read("# ours\n[[routes]]\nkey = 'late'\nto = ['nobody']\n").expect_err("refused");
        assert_eq!(errors, ["tenants/acme/alerts.toml:4:1: no receiver `nobody`"]);
    }
}
