//! Finding by id: whatever a person pastes, the page behind it. One match is gone to at once.

use actix_web::{HttpRequest, HttpResponse};
use milepost_ingest::{OBJECT_TYPES, ObjectRef};

use super::desk::Desk;
use super::notes::{Hit, Search};
use super::problem::Trouble;
use super::routes::{part, redirect};
use super::visit::{Label, Visit};
use super::{status, words};
use crate::store::{Cursor, StoreError, WorkflowFilter};

/// Ids that are looked for at once, and matches by beginning for each.
const MAX_IDS: usize = 50;
const MAX_HITS: u64 = 10;

pub async fn search(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &["q"]).await?;
    let text = visit.query.get("q").unwrap_or_default().to_owned();
    let found = look(desk, &visit.tenant, &text).await?;
    if let ([only], []) = (found.hits.as_slice(), found.missing.as_slice()) {
        return Ok(redirect(&only.href));
    }
    let title = if text.is_empty() { "Find".to_owned() } else { format!("Find {}", words::cut(&text, 60)) };
    visit.show(desk, async { Ok((Label::new("", title, ""), found)) }).await
}

/// `/go/SO-1`, `/go/https://host/t/acme/w/order/SO-1`: in every tenant there is.
pub async fn go(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    Visit::outside(desk, request)?;
    let text = part(request, "anything");
    if let Some(own) = own_path(&text) {
        return Ok(redirect(&own));
    }
    let tenants = desk.tenants_with_data().await?;
    let mut hits = Vec::new();
    for tenant in &tenants {
        hits.extend(look(desk, tenant, &text).await?.hits);
    }
    match (hits.as_slice(), tenants.first()) {
        ([only], _) => Ok(redirect(&only.href)),
        (_, Some(first)) => {
            Ok(redirect(&format!("{}?q={}", words::tenant_path(first, "search"), words::encode(&text))))
        }
        (_, None) => Err(Trouble::NotFound { tenant: String::new(), what: text }),
    }
}

/// The path of one of our own pages within a pasted address.
fn own_path(text: &str) -> Option<String> {
    let at = text.find("/t/")?;
    let is_address = at == 0 || text.starts_with("http:/") || text.starts_with("https:/");
    // Escapes were undone on the way in; each part is escaped anew.
    let path: Vec<String> = text[at + 1..].split('/').map(words::encode).collect();
    is_address.then(|| format!("/{}", path.join("/")))
}

async fn look(desk: &Desk, tenant: &str, text: &str) -> Result<Search, StoreError> {
    let terms: Vec<&str> =
        text.split([' ', ',', ';', '\n', '\t']).map(str::trim).filter(|term| !term.is_empty()).take(MAX_IDS).collect();
    let mut hits: Vec<Hit> = Vec::new();
    let mut missing = Vec::new();
    for term in &terms {
        let found = one(desk, tenant, term).await?;
        if found.is_empty() {
            missing.push((*term).to_owned());
        }
        hits.extend(found);
    }
    // A name with blanks in it is one name after all.
    if hits.is_empty() && terms.len() > 1 {
        hits = beginning(desk, tenant, text.trim()).await?;
        if !hits.is_empty() {
            missing.clear();
        }
    }
    let mut seen = std::collections::HashSet::new();
    hits.retain(|hit| seen.insert(hit.href.clone()));
    Ok(Search { text: text.to_owned(), hits, missing })
}

/// To the letter first; only when nothing is found, by beginning.
async fn one(desk: &Desk, tenant: &str, term: &str) -> Result<Vec<Hit>, StoreError> {
    let mut names: Vec<ObjectRef> = OBJECT_TYPES.iter().map(|kind| ObjectRef::new(*kind, term)).collect();
    names.extend(ObjectRef::parse(term));
    let mut hits: Vec<Hit> = desk
        .store
        .objects(tenant, &names)
        .await?
        .iter()
        .map(|row| match ObjectRef::parse(&row.same_as) {
            Some(shown) => object(desk, tenant, &shown.kind, &shown.id, &format!("also {}", row.object_id)),
            None => object(desk, tenant, &row.object_type, &row.object_id, &row.state),
        })
        .collect();
    if let Some((payload, index)) = words::parse_payload_id(term)
        && desk.store.payload(tenant, payload).await?.is_some()
    {
        let id = words::payload_id(payload, index);
        hits.push(hit("Payload", &id, words::tenant_path(tenant, &format!("payloads/{id}")), ""));
    }
    let trace = term.to_ascii_lowercase();
    if trace.len() == 32
        && trace.bytes().all(|b| b.is_ascii_hexdigit())
        && !desk.store.trace(tenant, &trace).await?.is_empty()
    {
        hits.push(hit("Trace", &trace, words::tenant_path(tenant, &format!("traces/{trace}")), ""));
    }
    if hits.is_empty() {
        hits = beginning(desk, tenant, term).await?;
    }
    Ok(hits)
}

async fn beginning(desk: &Desk, tenant: &str, term: &str) -> Result<Vec<Hit>, StoreError> {
    if term.chars().count() < 2 {
        return Ok(Vec::new());
    }
    let filter = WorkflowFilter { text: term.to_owned(), ..WorkflowFilter::default() };
    let rows = desk.store.workflows(tenant, &filter, &Cursor::start(), MAX_HITS).await?;
    let hits = rows.iter().map(|row| {
        let note = [status::workflow(&row.status).word, row.stage_title.as_str(), row.customer.as_str()];
        let note: Vec<&str> = note.into_iter().filter(|part| !part.is_empty()).collect();
        hit(
            &words::title(&row.root_type),
            &row.root_id,
            words::workflow_path(tenant, &row.root_type, &row.root_id),
            &note.join(" · "),
        )
    });
    Ok(hits.collect())
}

fn object(desk: &Desk, tenant: &str, kind: &str, id: &str, state: &str) -> Hit {
    let href = match desk.definitions(tenant).of_root(kind) {
        Some(_) => words::workflow_path(tenant, kind, id),
        None => words::object_path(tenant, kind, id),
    };
    hit(&words::title(kind), id, href, &state.replace('_', " "))
}

fn hit(kind: &str, id: &str, href: String, note: &str) -> Hit {
    Hit { kind: kind.into(), id: id.into(), href, note: note.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_pages_are_gone_to() {
        assert_eq!(own_path("https://host:1/t/acme/w/order/SO-1").as_deref(), Some("/t/acme/w/order/SO-1"));
        assert_eq!(own_path("/t/acme/board").as_deref(), Some("/t/acme/board"));
        assert_eq!(own_path("SO/t/1"), None);
        assert_eq!(own_path("//evil.example"), None);
        assert_eq!(
            own_path("https://evil.example/t/x\r\nSet-Cookie: a").as_deref(),
            Some("/t/x%0D%0ASet-Cookie%3A%20a")
        );
    }
}
