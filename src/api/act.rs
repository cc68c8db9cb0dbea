//! What a program does through the API: its key must allow it, its body is read with a pointer at every fault, and an
//! `Idempotency-Key` makes the same request the same act.

use actix_web::HttpRequest;
use milepost_ingest::ObjectRef;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Refused;
use crate::access::Grant;
use crate::pages::Desk;
use crate::pipeline::{Act, Acted, By};

/// Longest `Idempotency-Key`.
const MAX_KEY_BYTES: usize = 200;

/// Who acts, when the key allows it.
pub fn operator(desk: &Desk, request: &HttpRequest) -> Result<By, Refused> {
    let key = super::key(desk, request)?;
    match key.grant {
        Grant::Operate => Ok(By { tenant: key.tenant, source: format!("key/{}", key.id), key_id: key.id }),
        Grant::Read | Grant::Send { .. } => Err(Refused::may_not_act()),
    }
}

/// Reads a JSON body; what does not fit is told with its place.
pub fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer: String = error
            .path()
            .iter()
            .map(|part| format!("/{}", part.to_string().trim_matches(['[', ']', '.'])))
            .filter(|part| part != "/?")
            .collect();
        Refused::body(&pointer, &error.into_inner().to_string())
    })?;
    reader.end().map_err(|error| Refused::body("", &error.to_string()))?;
    Ok(read)
}

/// Ids for the acts of one request: of its `Idempotency-Key` where it has one, so that a repetition changes nothing.
pub struct Ids(String);

impl Ids {
    pub fn of(request: &HttpRequest) -> Result<Self, Refused> {
        Ok(Self(Self::given(request)?.unwrap_or_else(|| format!("{:032x}", rand::random::<u128>()))))
    }

    /// What the request's `Idempotency-Key` makes of its address, where it has one.
    pub fn given(request: &HttpRequest) -> Result<Option<String>, Refused> {
        let Some(key) = request.headers().get("idempotency-key") else { return Ok(None) };
        let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_KEY_BYTES);
        let key = key.ok_or_else(|| {
            Refused::parameter(&format!("Idempotency-Key: expected 1 to {MAX_KEY_BYTES} printable ASCII characters."))
        })?;
        let digest = Sha256::digest(format!("{}\n{key}", request.path()).as_bytes());
        Ok(Some(hex::encode(&digest[..16])))
    }

    /// The word that tells this request from every other.
    pub fn word(&self) -> String {
        self.0.clone()
    }

    /// The act at a position among those of the request.
    pub fn act(&self, position: usize, kind: &str, object: ObjectRef, data: Map<String, Value>) -> Act {
        let id = if position == 0 { self.0.clone() } else { format!("{}-{position}", self.0) };
        Act { id, kind: kind.to_owned(), object, refs: Vec::new(), data }
    }
}

/// Does it, and waits until it can be seen.
pub async fn act(desk: &Desk, by: &By, acts: Vec<Act>) -> Result<Acted, Refused> {
    let pipeline = desk.acts.as_ref().ok_or_else(Refused::closed)?;
    let acted = pipeline.act(by, acts).await.map_err(|pressure| Refused::pressure(&pressure))?;
    if acted.conflicts > 0 { Err(Refused::used_key()) } else { Ok(acted) }
}
