//! What of a payload is not shown until somebody gives a reason: secrets and personal data, told by the names of fields and
//! by the look of values. Works on bytes, so that text, JSON, XML and the hex view hide the same.

use std::ops::Range;

use serde_json::Value;

/// What stands in place of a value.
pub const DOTS: &str = "••••";

/// Parts of field names, lower case and without separators, whose values are hidden.
const NAMES: [&str; 41] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "authorization",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "cookie",
    "sessionid",
    "pincode",
    "cvv",
    "cvc",
    "iban",
    "cardnumber",
    "creditcard",
    "accountnumber",
    "bankaccount",
    "ssn",
    "socialsecurity",
    "passport",
    "taxnumber",
    "email",
    "phone",
    "mobile",
    "birth",
    "firstname",
    "lastname",
    "fullname",
    "surname",
    "contactname",
    "contactperson",
    "signer",
    "signedby",
    "signature",
    "street",
    "personname",
    "nationalid",
];
/// Names that mean such a value only when they stand alone.
const WHOLE: [&str; 6] = ["pan", "pin", "auth", "fax", "tel", "dob"];
/// Names that contain a hidden part and are harmless.
const HARMLESS: [&str; 4] = ["tokentype", "signaturerequired", "emailsent", "mobileapp"];

/// Which of `NAMES` begin with a byte, a bit each: asked of every name in bodies of 64 MiB.
const BEGINNINGS: [u64; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < NAMES.len() {
        table[NAMES[at].as_bytes()[0] as usize] |= 1 << at;
        at += 1;
    }
    table
};

/// Longest name of a field that is looked at, in letters and digits.
const NAME: usize = 100;

/// Is this the name of a field whose value is hidden?
pub fn hides(name: &str) -> bool {
    let (mut plain, mut length) = ([0; NAME], 0);
    if name.is_ascii() {
        for byte in name.bytes().filter(u8::is_ascii_alphanumeric).take(NAME) {
            plain[length] = byte.to_ascii_lowercase();
            length += 1;
        }
        return hides_plain(&plain[..length]);
    }
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(NAME).collect();
    hides_plain(plain.as_bytes())
}

fn hides_plain(name: &[u8]) -> bool {
    let is = |known: &&str| known.as_bytes() == name;
    let within = |(at, byte): (usize, &u8)| {
        let mut left = BEGINNINGS[usize::from(*byte)];
        while left != 0 {
            if name[at..].starts_with(NAMES[left.trailing_zeros() as usize].as_bytes()) {
                return true;
            }
            left &= left - 1;
        }
        false
    };
    !HARMLESS.iter().any(is) && (WHOLE.iter().any(is) || name.iter().enumerate().any(within))
}

/// Does a JSON pointer lead through a field whose value is hidden?
pub fn hides_at(pointer: &str) -> bool {
    pointer.split('/').any(|part| !part.is_empty() && hides(part))
}

/// A value at a pointer, as it may be shown.
pub fn value(pointer: &str, value: &str) -> String {
    if hides_at(pointer) && !value.is_empty() { instead(value.chars().count()) } else { text(value) }
}

/// `•••• (12)`: that there is something, and how long.
pub fn instead(chars: usize) -> String {
    format!("{DOTS} ({chars})")
}

/// Text without what looks like a secret.
pub fn text(text: &str) -> String {
    let found = ranges(text.as_bytes());
    if found.is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in found {
        out.push_str(&text[at..range.start]);
        out.push_str(&instead(text[range.clone()].chars().count()));
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}

/// Every text within a JSON value; `under` a field whose values are hidden, all of them.
pub fn json(value: &mut Value, under: bool) {
    match value {
        Value::String(text) if under && !text.is_empty() => *text = instead(text.chars().count()),
        Value::String(shown) => *shown = text(shown),
        Value::Number(number) if under => *value = instead(number.to_string().chars().count()).into(),
        Value::Array(items) => items.iter_mut().for_each(|item| json(item, under)),
        Value::Object(fields) => {
            // OTLP wraps values in pairs: the name stands beside the value.
            let named = fields.get("key").and_then(Value::as_str).is_some_and(hides);
            for (name, field) in fields {
                json(field, under || hides(name) || (named && name == "value"));
            }
        }
        _ => {}
    }
}

/// Where secrets stand: in order, apart from each other, and never within a character.
pub fn ranges(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if is_edge(bytes[at]) {
            at += 1;
            continue;
        }
        if let Some(end) = private_key(bytes, at) {
            found.push(at..end);
            at = end;
            continue;
        }
        if let Some(end) = spaced_card(bytes, at) {
            found.push(at..end);
            at = end;
            continue;
        }
        let end = bytes[at..].iter().position(|byte| is_edge(*byte)).map_or(bytes.len(), |length| at + length);
        let word = &bytes[at..end];
        match secret_after(bytes, word, end) {
            Some(range) => {
                at = range.end;
                found.push(range);
            }
            None => {
                // A dot at the end closes the sentence.
                let word = &word[..word.len() - word.iter().rev().take_while(|byte| **byte == b'.').count()];
                if looks_secret(word) {
                    found.push(at..at + word.len());
                }
                at = end;
            }
        }
    }
    found
}

/// Bytes between words. Everything beyond ASCII belongs to a word, so no character is cut.
fn is_edge(byte: u8) -> bool {
    EDGES[usize::from(byte)]
}

const EDGES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 33 {
        table[byte] = true;
        byte += 1;
    }
    table[127] = true;
    let (marks, mut at) = (b"\"'`<>,;:=()[]{}|&?!\\", 0);
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
};

/// After a name that hides, or after `Bearer`: the value that follows.
fn secret_after(bytes: &[u8], word: &[u8], end: usize) -> Option<Range<usize>> {
    let scheme = word.eq_ignore_ascii_case(b"bearer") || word.eq_ignore_ascii_case(b"basic");
    if !scheme && word.len() > NAME {
        return None;
    }
    let (mut at, mut assigned, mut quote) = (end, scheme, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b':' | b'=' | b'>' => assigned = true,
            b'"' | b'\'' if assigned && quote == 0 && !scheme => quote = byte,
            b'"' | b'\'' | b'\\' | b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => break,
        }
        at += 1;
        if quote != 0 {
            break;
        }
    }
    if !assigned || at >= bytes.len() || matches!(bytes[at], b'{' | b'[' | b'<' | b',' | b'}' | b']') {
        return None;
    }
    // The last question: most words are no names of anything.
    if !scheme && !std::str::from_utf8(word).is_ok_and(hides) {
        return None;
    }
    let mut to = at;
    while let Some(&byte) = bytes.get(to) {
        let over = match quote {
            // A word outside quotes ends where the next field begins. `Bearer` and what follows are one value.
            0 => {
                matches!(byte, b'<' | b',' | b';' | b'&' | b'}' | b']' | b'"' | b'\'' | b'\r' | b'\n')
                    || (byte == b' ' && !matches!(&bytes[at..to], b"Bearer" | b"bearer" | b"Basic" | b"basic"))
            }
            quote => byte == quote,
        };
        if over {
            break;
        }
        to += if byte == b'\\' && quote != 0 { 2 } else { 1 };
    }
    let to = to.min(bytes.len());
    let word = &bytes[at..to];
    let plain = scheme && (word.len() < 6 || !word.iter().any(u8::is_ascii_digit));
    (to > at && !plain && !matches!(word, b"null" | b"true" | b"false")).then_some(at..to)
}

fn private_key(bytes: &[u8], at: usize) -> Option<usize> {
    if !bytes[at..].starts_with(b"-----BEGIN ") {
        return None;
    }
    let rest = &bytes[at..];
    let head = rest.iter().skip(11).position(|byte| *byte == b'-')? + 11;
    let end = find(rest, b"-----END ").unwrap_or(rest.len());
    rest[..head].ends_with(b"PRIVATE KEY").then_some(at + end)
}

/// A payment card as it is printed, in groups of digits: 4 4 4 4 or 4 6 5.
fn spaced_card(bytes: &[u8], at: usize) -> Option<usize> {
    if !bytes[at].is_ascii_digit() {
        return None;
    }
    for groups in [&[4, 4, 4, 4][..], &[4, 6, 5][..]] {
        let length = groups.iter().sum::<usize>() + groups.len() - 1;
        let Some(text) = bytes.get(at..at + length).and_then(|text| std::str::from_utf8(text).ok()) else { continue };
        let ends = bytes.get(at + length).is_none_or(|byte| is_edge(*byte) || *byte == b'.');
        let parts = text.split(' ').map(str::len);
        if ends && parts.eq(groups.iter().copied()) && is_card(&text.replace(' ', "-")) {
            return Some(at + length);
        }
    }
    None
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn looks_secret(word: &[u8]) -> bool {
    let Ok(word) = std::str::from_utf8(word) else { return false };
    if word.len() < 6 || word.len() > 8192 {
        return false;
    }
    is_jwt(word) || is_email(word) || is_card(word) || is_iban(word) || is_access_key(word)
}

fn is_jwt(word: &str) -> bool {
    word.starts_with("eyJ") && word.len() > 30 && word.matches('.').count() == 2
}

fn is_email(word: &str) -> bool {
    let Some((name, host)) = word.split_once('@') else { return false };
    let plain = |c: char| c.is_alphanumeric() || "._%+-".contains(c);
    let top = host.rsplit_once('.').is_some_and(|(_, top)| top.len() >= 2 && top.chars().all(char::is_alphabetic));
    !name.is_empty() && name.chars().all(plain) && host.chars().all(plain) && top
}

/// Payment cards: fifteen or sixteen digits of a network's range with the right check digit. Pallet and tracking numbers
/// have other lengths.
fn is_card(word: &str) -> bool {
    if !word.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return false;
    }
    let digits: Vec<u32> = word.chars().filter_map(|c| c.to_digit(10)).collect();
    let head = digits.iter().take(2).fold(0, |n, d| n * 10 + d);
    let network = match digits.len() {
        16 => {
            (40..50).contains(&head) || (51..56).contains(&head) || (22..28).contains(&head) || matches!(head, 60 | 65)
        }
        15 => matches!(head, 34 | 37),
        _ => false,
    };
    let luhn = |(place, digit): (usize, &u32)| if place % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit };
    network && digits.iter().rev().enumerate().map(luhn).sum::<u32>() % 10 == 0
}

fn is_iban(word: &str) -> bool {
    let bytes = word.as_bytes();
    let shaped = (15..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if !shaped {
        return false;
    }
    // The check digits: letters count as 10 to 35, the first four stand last.
    let turned = bytes.iter().skip(4).chain(bytes.iter().take(4));
    let rest = turned.fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    rest == 1
}

fn is_access_key(word: &str) -> bool {
    let upper = |rest: &str| rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    (word.len() == 20 && (word.starts_with("AKIA") || word.starts_with("ASIA")) && upper(word))
        || (word.starts_with("mp_") && word.len() > 20)
        || (word.len() > 30 && ["ghp_", "sk_live_", "xoxb-", "glpat-"].iter().any(|start| word.starts_with(start)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_and_personal_data_are_hidden_in_every_writing() {
        let cases = [
            r#"{"password": "s3cr3t \" x", "qty": 5}"#,
            r#"{"db": {"api_key":"s3cr3t"}}"#,
            "<Password>s3cr3t</Password>",
            "user=anna&pwd=s3cr3t&x=1",
            "Authorization: Bearer s3cr3t.42",
            "sent with Bearer abcs3cr3t7890",
            "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzM2NyM3QifQ.s3cr3tsignature",
            "mail s3cr3t@example.com about it",
            "-----BEGIN RSA PRIVATE KEY-----\ns3cr3t\n-----END RSA PRIVATE KEY-----",
            r#"{"Contact_Person":"s3cr3t"}"#,
        ];
        for case in cases {
            let shown = text(case);
            assert!(!shown.contains("s3cr3t") && shown.contains(DOTS), "{case} -> {shown}");
        }
        assert_eq!(text("card 4111111111111111 paid"), format!("card {DOTS} (16) paid"));
        assert_eq!(text("card 4111 1111 1111 1111 paid"), format!("card {DOTS} (19) paid"));
        assert_eq!(text("rows 4111 1111 1111 1112"), "rows 4111 1111 1111 1112", "no card by its check digit");
        assert_eq!(text("to DE89370400440532013000."), format!("to {DOTS} (22)."));
    }

    #[test]
    fn ids_quantities_and_tracking_numbers_stay() {
        for case in [
            r#"{"id":"SO-10234","quantity":"5","sscc":"340123450000000018","gtin":"4006381333931","token_type":"x"}"#,
            "1Z999AA10123456784 and 4111111111111112",
            "Bearer of news: the basic rate",
            "the password was wrong",
            r#"{"password": null, "tokens": []}"#,
            "a@b, @home, x@y.1",
        ] {
            assert_eq!(text(case), case);
        }
    }

    #[test]
    fn a_hidden_field_hides_what_was_found_there() {
        assert_eq!(value("/data/contact/email", "x"), format!("{DOTS} (1)"));
        assert_eq!(value("/data/lines/3/sku", "AB-77"), "AB-77");
        assert_eq!(value("/data/password", ""), "");
    }

    proptest! {
        #[test]
        fn any_bytes_are_searched_without_a_fall_and_text_stays_text(bytes in prop::collection::vec(any::<u8>(), 0..200), words in "[ -~é€]{0,120}") {
            for range in ranges(&bytes) {
                prop_assert!(range.start < range.end && range.end <= bytes.len());
            }
            let _ = text(&words);
            let _ = text(&format!("password=\"{words}"));
            let _ = text(&format!("{{\"token\":\"{words}\\"));
        }
    }
}
