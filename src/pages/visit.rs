//! One reader's request: whose data, which parameters, which clock; and the one way in which pages are answered.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::desk::Desk;
use super::export::Asked;
use super::frame::{Counts, Frame, Setting};
use super::params::Query;
use super::prefs::Prefs;
use super::problem::Trouble;
use super::render::{self, Page};
use super::time::Clock;
use super::{views, words};

/// What may run on our pages: our own files, nothing inline, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types milepost";

pub struct Visit {
    pub tenant: String,
    pub tenants: Vec<String>,
    pub query: Query,
    pub clock: Clock,
    pub as_of_ms: Option<i64>,
    pub notices: Vec<String>,
    pub here: String,
    /// Sets this reader's rendering apart from those of others, who see less.
    pub apart: String,
    pub prefs: Prefs,
    piece: bool,
}

/// What a page is called and which topics concern it.
pub struct Label {
    pub page: &'static str,
    pub title: String,
    pub watch: String,
}

impl Label {
    pub fn new(page: &'static str, title: impl Into<String>, watch: impl Into<String>) -> Self {
        Self { page, title: title.into(), watch: watch.into() }
    }
}

impl Visit {
    /// Refuses unknown names of this server and unknown tenants; notes what of the query was not understood.
    pub async fn new(desk: &Desk, request: &HttpRequest, known: &[&str]) -> Result<Self, Trouble> {
        let mut visit = Self::outside(desk, request)?;
        let tenant = super::routes::part(request, "tenant");
        visit.tenants = desk.tenants().await;
        if !visit.tenants.contains(&tenant) {
            return Err(Trouble::NotFound { tenant: String::new(), what: format!("A tenant “{tenant}”") });
        }
        visit.tenant = tenant;
        visit.notices.extend(visit.query.unknown(known));
        Ok(visit)
    }

    /// A visit to no tenant's page.
    pub fn outside(desk: &Desk, request: &HttpRequest) -> Result<Self, Trouble> {
        if !answers_to(desk, request) {
            return Err(Trouble::Misdirected);
        }
        let query = Query::parse(request.query_string());
        let mut prefs = Prefs::of(request);
        let mut notices = Vec::new();
        if let Some(zone) = query.get("tz") {
            prefs.zone = zone.to_owned();
        }
        let as_of_ms = query.get("as_of").and_then(|text| match DateTime::parse_from_rfc3339(text) {
            Ok(at) => Some(at.timestamp_millis()),
            Err(_) => {
                notices.push("as_of is no time like 2026-11-22T10:00:00Z; this is the state now.".into());
                None
            }
        });
        let now_ms = as_of_ms.unwrap_or_else(|| Utc::now().timestamp_millis());
        let clock = Clock::new(now_ms, &prefs.zone).unwrap_or_else(|| {
            notices.push("This time zone is not known; times are shown in UTC.".into());
            Clock::utc(now_ms)
        });
        Ok(Self {
            tenant: String::new(),
            tenants: Vec::new(),
            query,
            clock,
            as_of_ms,
            notices,
            here: request.uri().path_and_query().map_or_else(|| "/".into(), ToString::to_string),
            apart: String::new(),
            prefs,
            piece: request.headers().contains_key("x-milepost-piece"),
        })
    }

    /// The name under which the reader acts.
    pub fn person(&self) -> Option<&str> {
        self.prefs.person.as_deref()
    }

    /// The rendering of this page, made once for all who ask for it now.
    pub async fn show<P, F>(&self, desk: &Desk, make: F) -> Result<HttpResponse, Trouble>
    where
        P: Page,
        F: Future<Output = Result<(Label, P), Trouble>>,
    {
        let key = format!(
            "{} {} {} {} {} {} {}",
            self.tenant,
            self.apart,
            self.prefs.person.as_deref().map(words::encode).unwrap_or_default(),
            self.piece,
            self.clock.zone_name,
            self.prefs.theme.as_str(),
            self.here
        );
        let body = desk
            .rendering(&self.tenant, key, async {
                let counts = Box::pin(desk.counts(&self.tenant, Utc::now().timestamp_millis()));
                let (counts, made) = tokio::join!(counts, Box::pin(make));
                let (label, page) = made?;
                let mut frame = self.frame(desk, label, counts?);
                frame.views = views::tabs(desk, self, self.prefs.person.as_deref()).await?;
                Ok::<_, Trouble>(Bytes::from(render::page(&frame, &page, self.piece)?))
            })
            .await?;
        Ok(html(StatusCode::OK).body(body))
    }

    /// What this visit asks of a list.
    pub fn asked(&self, desk: &Desk, person: String) -> Asked {
        Asked {
            store: desk.store.clone(),
            shelf: Arc::clone(&desk.shelf),
            tenant: self.tenant.clone(),
            query: self.query.clone(),
            clock: self.clock.clone(),
            person,
        }
    }

    pub fn frame(&self, desk: &Desk, label: Label, counts: Counts) -> Frame {
        Frame::new(Setting {
            tenant: &self.tenant,
            tenants: &self.tenants,
            page: label.page,
            title: label.title,
            watch: if self.as_of_ms.is_some() { String::new() } else { label.watch },
            here: self.here.clone(),
            counts,
            freshness: desk.hub.freshness(),
            clock: &self.clock,
            prefs: &self.prefs,
            notices: self.notices.iter().cloned().chain(desk.fault()).collect(),
            store_up: true,
        })
    }
}

/// A page that belongs to no tenant and asks nothing.
pub fn alone<P: Page>(desk: &Desk, request: &HttpRequest, title: &str, page: &P) -> HttpResponse {
    let made = || {
        let visit = Visit::outside(desk, request)?;
        let frame = visit.frame(desk, Label::new("", title, ""), Counts::default());
        Ok(html(StatusCode::OK).body(render::page(&frame, page, false)?))
    };
    made().unwrap_or_else(|trouble: Trouble| trouble.answer(desk, request))
}

pub fn html(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "same-origin"))
        .insert_header(("Cross-Origin-Opener-Policy", "same-origin"))
        .insert_header(("Cross-Origin-Resource-Policy", "same-origin"))
        .insert_header(("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "X-Milepost-Piece, Cookie"));
    answer
}

/// A page of somebody else's that has pointed its own name at this machine is not answered.
pub fn answers_to(desk: &Desk, request: &HttpRequest) -> bool {
    let Some(host) = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()) else { return true };
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.parse::<std::net::IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || desk.hosts.iter().any(|known| known.eq_ignore_ascii_case(&name))
}
