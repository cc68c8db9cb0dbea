//! What both HTTP doors read from a request before its body.

use actix_web::HttpRequest;

use super::headers;
use super::media::{Packing, packing};
use super::settings::Settings;
use super::stop::Stop;

/// Sizes, and no key in the address.
pub(super) fn check(request: &HttpRequest, settings: &Settings) -> Result<(), Stop> {
    let uri = request.uri();
    let url_bytes = uri.path_and_query().map_or(0, |path| path.as_str().len());
    if url_bytes > settings.url_bytes {
        return Err(Stop::UrlTooLong { limit: settings.url_bytes });
    }
    let header_bytes: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if header_bytes > settings.header_bytes {
        return Err(Stop::HeadTooLarge { limit: settings.header_bytes });
    }
    match uri.query() {
        Some(query) if query.contains("mp_") => Err(Stop::KeyInUrl),
        _ => Ok(()),
    }
}

pub(super) fn values<'a>(request: &'a HttpRequest, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    request.headers().get_all(name).map(|value| value.as_bytes())
}

/// Two content types are as wrong as a foreign one.
pub(super) fn content_type(request: &HttpRequest) -> Result<Option<&str>, Stop> {
    let mut all = request.headers().get_all("content-type");
    let found = match (all.next(), all.next()) {
        (None, _) => return Ok(None),
        (Some(one), None) => one.to_str().ok(),
        (Some(_), Some(_)) => None,
    };
    found.map(Some).ok_or(Stop::MediaType { found: "more than one, or not text".to_owned(), accepted: "one" })
}

pub(super) fn packing_of(request: &HttpRequest) -> Result<Packing, Stop> {
    packing(request.headers().get_all("content-encoding").map(|value| value.to_str().unwrap_or("not text")))
}

pub(super) fn announced(request: &HttpRequest) -> Option<u64> {
    request.headers().get("content-length")?.to_str().ok()?.parse().ok()
}

pub(super) fn kept(request: &HttpRequest, settings: &Settings) -> Vec<(String, String)> {
    headers::kept(request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())), settings)
}
