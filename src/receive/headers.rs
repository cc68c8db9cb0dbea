//! Which headers are kept with a payload. An allow list: a secret in a header nobody thought of never reaches the disk.

use super::cut;
use super::settings::Settings;

const KEPT: [&str; 8] = [
    "content-type",
    "content-encoding",
    "grpc-encoding",
    "user-agent",
    "traceparent",
    "idempotency-key",
    "x-request-id",
    "milepost-import",
];

/// `ce-` headers are kept whole, since in binary mode they are the event; `header_bytes` bounds them. Others are cut.
pub(super) fn kept<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    settings: &Settings,
) -> Vec<(String, String)> {
    headers
        .filter_map(|(name, value)| {
            let name = name.to_ascii_lowercase();
            let most = match name.as_str() {
                ce if ce.starts_with("ce-") => settings.header_bytes,
                known if KEPT.contains(&known) => settings.kept_header_bytes,
                _ => return None,
            };
            let value = String::from_utf8_lossy(value);
            Some((name, cut(&value, most).to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_outside() {
        let long = "ü".repeat(2_000);
        let headers = [
            ("Content-Type", "application/json"),
            ("Authorization", "Bearer mp_1_2"),
            ("Cookie", "sid=1"),
            ("X-Api-Key", "secret"),
            ("ce-id", "4711"),
            ("ce-subject", &long),
            ("user-agent", &long),
        ];
        let kept = kept(headers.iter().map(|(n, v)| (*n, v.as_bytes())), &Settings::default());
        let names: Vec<&str> = kept.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["content-type", "ce-id", "ce-subject", "user-agent"]);
        assert_eq!(kept[2].1, long, "a cloud event is not cut");
        assert_eq!(kept[3].1.len(), 1024);
    }
}
