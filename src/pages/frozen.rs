//! Lists that stand still: somebody freezes one, and from then on it can be shown and taken along as of that moment. Where
//! the tables forget nothing that is only an address; of others the rows are set aside.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::act::Submission;
use super::desk::Desk;
use super::export::{self, LISTS, List, Past};
use super::params::Query;
use super::problem::Trouble;
use super::routes::acted;
use super::time::{Clock, Time};
use super::visit::Visit;
use super::words;
use crate::store::{Freeze, Store, StoreError};

/// A list that was frozen moments ago is the same: a second click finds the first.
const AGAIN_MS: i64 = 5_000;

pub fn configure(cfg: &mut web::ServiceConfig) {
    type Shared = web::Data<Desk>;
    cfg.route(
        "/freeze",
        web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, freeze)),
    );
}

/// What stands above a list: how to make it stand still, or since when it does.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Standing {
    /// An address that is enough to freeze it.
    pub href: String,
    /// Where a form goes to have it frozen.
    pub form: String,
    /// As of when it is shown; empty when it moves.
    pub frozen: String,
    pub thaw: String,
}

/// Up to when everything that was taken is stored: what was so then will be told the same for ever.
pub fn settled_ms(desk: &Desk, now_ms: i64) -> i64 {
    desk.hub.freshness().map_or(now_ms, |fresh| fresh.stored_ms.min(now_ms))
}

pub fn standing(desk: &Desk, visit: &Visit, list: &List) -> Standing {
    let here = visit.query.without(&["after"]);
    let to = |query: &Query| words::tenant_path(&visit.tenant, &format!("{}{}", list.page, query.text()));
    match visit.as_of_ms {
        Some(ms) => {
            Standing { frozen: visit.clock.full(ms), thaw: to(&here.without(&["as_of"])), ..Standing::default() }
        }
        None => match list.past {
            Past::None => Standing::default(),
            Past::Kept => {
                let at = Clock::iso(settled_ms(desk, visit.clock.now_ms));
                Standing { href: to(&here.with("as_of", &at)), ..Standing::default() }
            }
            Past::Frozen(_) => Standing { form: words::tenant_path(&visit.tenant, "freeze"), ..Standing::default() },
        },
    }
}

/// Where the rows of a page are: those of now, or of the moment that it asks for. Told as a problem where nobody can.
pub async fn store(desk: &Desk, visit: &Visit, key: &str) -> Result<Store, Trouble> {
    let Some(list) = export::list(key).filter(|_| visit.as_of_ms.is_some()) else { return Ok(desk.store.clone()) };
    let asked = export::moment(list, visit.asked(desk, String::new())).await;
    asked.map(|asked| asked.store).map_err(|fault| match fault {
        export::Fault::Store(error) => error.into(),
        fault => Trouble::Bad { tenant: visit.tenant.clone(), text: fault.to_string() },
    })
}

/// Freezes a list, or finds that somebody just did: the moment of it.
pub async fn take(desk: &Desk, tenant: &str, list: &List, person: &str, now_ms: i64) -> Result<i64, StoreError> {
    let Past::Frozen(what) = list.past else { return Ok(settled_ms(desk, now_ms)) };
    let newest = desk.store.freezes(tenant).await?.into_iter().find(|freeze| freeze.list == what.table());
    if let Some(newest) = newest.filter(|freeze| now_ms - freeze.frozen_ms < AGAIN_MS) {
        return Ok(newest.frozen_ms);
    }
    desk.store.freeze(tenant, what, now_ms, person).await?;
    Ok(now_ms)
}

async fn freeze(desk: &Desk, _: &HttpRequest, form: Submission) -> Result<HttpResponse, Trouble> {
    let list = form.get("list").and_then(export::list).ok_or_else(|| form.bad("There is no such list."))?;
    if list.past == Past::None {
        return Err(form.bad("This list keeps no earlier states."));
    }
    let now_ms = chrono::Utc::now().timestamp_millis();
    let at = take(desk, &form.by.tenant, list, form.by.source.trim_start_matches("person/"), now_ms).await?;
    let query = Query::parse(form.get("query").unwrap_or_default()).with("as_of", &Clock::iso(at));
    Ok(form.answer(&words::tenant_path(&form.by.tenant, &format!("{}{}", list.page, query.text()))))
}

/// A moment that is kept.
#[derive(Debug, Serialize)]
pub struct Kept {
    pub key: String,
    pub title: &'static str,
    pub href: String,
    pub at: Time,
    pub person: String,
    pub rows: String,
}

/// The list that a freeze is of.
pub fn list_of(freeze: &Freeze) -> Option<&'static List> {
    LISTS.iter().find(|list| matches!(list.past, Past::Frozen(what) if what.table() == freeze.list))
}

pub fn kept(tenant: &str, clock: &Clock, freezes: &[Freeze]) -> Vec<Kept> {
    let one = |freeze: &Freeze| {
        let list = list_of(freeze)?;
        let query = Query::default().with("as_of", &Clock::iso(freeze.frozen_ms));
        Some(Kept {
            key: format!("{} {}", freeze.list, freeze.frozen_ms),
            title: list.title,
            href: words::tenant_path(tenant, &format!("{}{}", list.page, query.text())),
            at: clock.time(freeze.frozen_ms),
            person: freeze.person.clone(),
            rows: words::count(freeze.rows),
        })
    };
    freezes.iter().filter_map(one).collect()
}
