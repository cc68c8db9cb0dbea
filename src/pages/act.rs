//! What a person does on a page: a form that comes from this very site, who signs it, and the way back. Works without
//! script: the answer to a form is the page that it was on.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use milepost_ingest::ObjectRef;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::desk::Desk;
use super::prefs::{self, Prefs, is_own_path, same_site};
use super::problem::Trouble;
use super::visit::answers_to;
use crate::pipeline::{Act, By};

/// A form with more fields than this is none of ours.
const MAX_FIELDS: usize = 2_000;

/// A form that a person sent.
pub struct Submission {
    pub by: By,
    /// Where the person was, and goes back to.
    pub back: String,
    fields: Vec<(String, String)>,
    /// Of all that was filled in.
    digest: String,
    /// Name to be remembered, where the form asked for it.
    named: Option<String>,
}

impl Submission {
    /// Reads a form of one of the tenant's pages. Refuses what another site sent, and a form that nobody signs.
    pub async fn read(desk: &Desk, request: &HttpRequest, body: &[u8]) -> Result<Self, Trouble> {
        if !answers_to(desk, request) {
            return Err(Trouble::Misdirected);
        }
        let tenant = super::routes::part(request, "tenant");
        if !desk.tenants().await.contains(&tenant) {
            return Err(Trouble::NotFound { tenant: String::new(), what: format!("A tenant “{tenant}”") });
        }
        if !same_site(request) {
            return Err(Trouble::Foreign { tenant });
        }
        let bad = |text: &str| Trouble::Bad { tenant: tenant.clone(), text: text.to_owned() };
        let fields = web::Query::<Vec<(String, String)>>::from_query(std::str::from_utf8(body).unwrap_or("\u{fffd}"));
        let fields = fields.map_err(|_| bad("The form cannot be read."))?.into_inner();
        if fields.len() > MAX_FIELDS {
            return Err(bad("The form has too many fields."));
        }
        let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
        let known = Prefs::of(request).person;
        let given = field("person").filter(|name| !name.is_empty()).map(str::to_owned);
        let Some(person) = given.clone().or(known) else { return Err(bad("Say who you are: the form needs a name.")) };
        let person = prefs::person(&person).ok_or_else(|| bad("A name has 1 to 60 printable characters."))?;
        let back = field("back").filter(|path| is_own_path(path)).map(str::to_owned);
        let back = back.unwrap_or_else(|| super::words::tenant_path(&tenant, "board"));
        let by = By { tenant, source: format!("person/{person}"), key_id: String::new() };
        let mut digest = Sha256::new();
        for (name, value) in &fields {
            digest.update(format!("{}:{name}={}:{value};", name.len(), value.len()).as_bytes());
        }
        let digest = hex::encode(&digest.finalize()[..16]);
        Ok(Self { by, back, named: given.map(|_| person), fields, digest })
    }

    /// The first value of a field, trimmed; None when it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// Every value of a field that may stand several times (check boxes).
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(key, _)| key == name).map(|(_, value)| value.trim()).collect()
    }

    /// The value of a field, or what to tell the person: `text` names the field in the person's words.
    pub fn need(&self, name: &str, text: &str) -> Result<&str, Trouble> {
        self.get(name).ok_or_else(|| self.bad(text))
    }

    pub fn bad(&self, text: &str) -> Trouble {
        Trouble::Bad { tenant: self.by.tenant.clone(), text: text.to_owned() }
    }

    /// An act of this form. Its id is made of all that was filled in, so that a second click is the same act and
    /// another word is another act.
    pub fn act(&self, position: usize, kind: &str, object: ObjectRef, data: Map<String, Value>) -> Act {
        Act { id: format!("{}-{position}", self.digest), kind: kind.to_owned(), object, refs: Vec::new(), data }
    }

    /// Does it, waits until it can be seen, and shows the page again.
    pub async fn done(&self, desk: &Desk, acts: Vec<Act>) -> Result<HttpResponse, Trouble> {
        self.perform(desk, acts).await?;
        Ok(self.answer(&self.back))
    }

    /// Does it, and leaves the answer to the caller.
    pub async fn perform(&self, desk: &Desk, acts: Vec<Act>) -> Result<(), Trouble> {
        let busy = || Trouble::Busy { tenant: self.by.tenant.clone() };
        let pipeline = desk.acts.as_ref().ok_or_else(busy)?;
        pipeline.act(&self.by, acts).await.map_err(|_| busy())?;
        Ok(())
    }

    /// The way to a page, with the person's name remembered.
    pub fn answer(&self, to: &str) -> HttpResponse {
        let mut answer = HttpResponse::SeeOther();
        if let Some(name) = &self.named {
            answer.append_header((header::SET_COOKIE, prefs::kept_person(name)));
        }
        answer.insert_header((header::LOCATION, to)).finish()
    }
}
