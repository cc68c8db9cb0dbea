//! Standard Webhooks: id, timestamp and signature in headers, the notice as JSON in the body.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::super::notice::Notice;
use super::Request;

/// 24 to 64 bytes, written as `whsec_` and base64.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bytes = BASE64_STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }
}

/// `v1,` and the signature of `id.timestamp.body`.
pub fn sign(secret: &Secret, id: &str, timestamp: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("any length is a key");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

pub fn request(notice: &Notice, url: &str, secret: &Secret, now_s: i64) -> Request {
    let body = json!({
        "type": format!("alert.{}", notice.action.as_str()),
        "timestamp": super::super::notice::time(now_s * 1000),
        "data": notice,
    });
    let mut request = Request::json(url, &body);
    let signature = sign(secret, &notice.id, now_s, &request.body);
    request.headers.extend([
        ("webhook-id", notice.id.clone()),
        ("webhook-timestamp", now_s.to_string()),
        ("webhook-signature", signature),
    ]);
    request
}
