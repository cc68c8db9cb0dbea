//! Pages that say one thing: the first run, nothing found, several found, something went wrong.

use serde::Serialize;

use super::render::Page;
use super::words;

/// How to begin, with commands to copy.
#[derive(Debug, Serialize)]
pub struct FirstRun {
    pub key: String,
    pub curl: String,
    pub check: String,
    pub waiting: bool,
}

impl Page for FirstRun {
    const TEMPLATE: &'static str = "first.html";
}

pub fn first_run(host: &str, data_dir: &str, now: &str) -> FirstRun {
    let event = concat!(
        r#"{"id":"1","type":"order.created","schema_version":1,"source":"erp/main","time":"NOW","#,
        r#""object":{"type":"order","id":"SO-1"},"data":{"customer":"Acme","lines":[{"line":"10","sku":"AB-77","quantity":"5","unit":"EA"}]}}"#
    );
    let event = event.replace("NOW", now);
    FirstRun {
        key: format!("milepost key create --data-dir {data_dir} --tenant acme --source erp/main"),
        curl: format!(
            "curl -s http://{host}/v1/events \\\n  -H 'Authorization: Bearer KEY' \\\n  -H 'Content-Type: application/json' \\\n  -d '{event}'"
        ),
        check: format!("http://{host}/t/acme/w/order/SO-1"),
        waiting: true,
    }
}

/// What a search found, when it is not exactly one.
#[derive(Debug, Serialize)]
pub struct Search {
    pub text: String,
    pub hits: Vec<Hit>,
    pub missing: Vec<String>,
}

impl Page for Search {
    const TEMPLATE: &'static str = "search.html";
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hit {
    pub kind: String,
    pub id: String,
    pub href: String,
    pub note: String,
}

/// A page about a problem: what failed, what still works, and an id to name it by.
#[derive(Debug, Serialize)]
pub struct Problem {
    pub title: String,
    pub text: String,
    pub hint: String,
    pub error_id: String,
    pub retry: String,
    pub links: Vec<Hit>,
}

impl Page for Problem {
    const TEMPLATE: &'static str = "problem.html";
}

impl Problem {
    pub fn not_found(tenant: &str, what: &str) -> Self {
        Self {
            title: "Not found".into(),
            text: format!("{what} is not known here."),
            hint: "It may not have arrived yet, or its id may be written differently.".into(),
            error_id: String::new(),
            retry: String::new(),
            links: if tenant.is_empty() { Vec::new() } else { ways(tenant) },
        }
    }

    pub fn bad_request(tenant: &str, text: &str) -> Self {
        Self {
            title: "This cannot be done as asked".into(),
            text: text.into(),
            hint: String::new(),
            ..Self::not_found(tenant, "")
        }
    }

    pub fn foreign(tenant: &str) -> Self {
        Self {
            title: "This form came from another site".into(),
            text: "Nothing was changed.".into(),
            hint: "Open the page here and send the form again.".into(),
            ..Self::not_found(tenant, "")
        }
    }

    pub fn busy(tenant: &str) -> Self {
        Self {
            title: "Nothing can be taken down right now".into(),
            text: "Nothing was changed. The server is starting, stopping, or its disk is full.".into(),
            hint: "Go back and send the form again in a few seconds.".into(),
            ..Self::not_found(tenant, "")
        }
    }

    pub fn store_away(error_id: &str, here: &str) -> Self {
        Self {
            title: "The store does not answer".into(),
            text: "Pages cannot be read right now. Events are still being taken and kept; nothing is lost.".into(),
            hint: "It is tried again by itself. If it stays away, look at the log of milepost and of ClickHouse."
                .into(),
            error_id: error_id.into(),
            retry: here.into(),
            links: Vec::new(),
        }
    }

    pub fn fault(error_id: &str, here: &str) -> Self {
        Self {
            title: "This page could not be drawn".into(),
            text: "That is a fault of ours. The data is not affected.".into(),
            hint: "The log of milepost has the details under the id below.".into(),
            error_id: error_id.into(),
            retry: here.into(),
            links: Vec::new(),
        }
    }
}

fn ways(tenant: &str) -> Vec<Hit> {
    let way = |key: &str| Hit {
        kind: words::title(key),
        id: String::new(),
        href: words::tenant_path(tenant, key),
        note: String::new(),
    };
    ["board", "workflows", "held", "failures"].map(way).into()
}
