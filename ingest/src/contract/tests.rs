//! Contracts that hold, and those that cannot be read.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn own(name: &str, text: &str) -> Result<Contracts, Vec<ContractError>> {
    Contracts::load(Contracts::shipped_files().chain([(name.to_owned(), text.to_owned())]))
}

fn refused(name: &str, text: &str, expected: &str) {
    let errors = own(name, text).err().unwrap();
    assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}

#[test]
fn every_shipped_contract_says_the_same_as_the_vocabulary() {
    let contracts = Contracts::load(Contracts::shipped_files()).map_err(|e| format!("{e:?}")).unwrap();
    let in_files: Vec<_> = contracts
        .types()
        .map(|t| {
            (t.name.as_str(), t.objects.iter().map(String::as_str).collect(), t.system.as_str(), t.meaning.as_str())
        })
        .collect();
    let mut in_code: Vec<(&str, Vec<&str>, &str, &str)> =
        crate::EVENT_TYPES.iter().map(|t| (t.name, t.objects.to_vec(), t.system, t.meaning)).collect();
    in_code.sort_unstable();
    assert_eq!(in_files, in_code);
    assert!(contracts.types().all(|t| t.versions().eq([1])));
}

#[test]
fn no_contract_file_is_forgotten_in_the_vocabulary() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts");
    let mut there: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "common.json")
        .collect();
    there.sort();
    assert_eq!(there, Contracts::shipped().types().map(|t| t.name.clone()).collect::<Vec<_>>());
}

#[test]
fn a_users_own_file_adds_a_type_or_a_version() {
    let text = r#"{"description": "Scanned at the gate.", "x-objects": ["load"], "x-system": "yard",
        "type": "object", "required": ["gate"], "properties": {"gate": {"$ref": "../common.json#/$defs/key"}}}"#;
    let contracts = own("contracts/load.gated/v1.json", text).unwrap_or_else(|e| panic!("{e:?}"));
    let gated = contracts.find("load.gated").unwrap();
    assert!(gated.check(1, &serde_json::json!({"gate": "7"})).unwrap().is_ok());
    assert_eq!(gated.check(1, &serde_json::json!({})).unwrap().unwrap_err().code, crate::Code::MissingField);

    let contracts = own("/etc/milepost/contracts/order.created/v2.json", "{}").unwrap_or_else(|e| panic!("{e:?}"));
    assert!(contracts.find("order.created").unwrap().versions().eq([1, 2]));
}

#[test]
fn a_contract_that_cannot_be_used_says_why() {
    refused("order.created.json", "{}", "order.created.json: name it like order.created/v1.json");
    refused("order/v1.json", "{}", "order/v1.json: \"order\" is no event type; say object.verb");
    refused("a.b/v1.json", "[]", "a.b/v1.json: is no JSON object");
    refused(
        "a.b/v1.json",
        r#"{"x-objects": ["truck"]}"#,
        "a.b/v1.json: \"x-objects\" names \"truck\", which is no object type",
    );
    let not_fetched = own("a.b/v1.json", r#"{"$ref": "https://example.com/schema.json"}"#).err().unwrap();
    assert_eq!(not_fetched[0].file, "a.b/v1.json");
}

#[test]
fn decimals_are_exact_or_refused() {
    let shipped = Contracts::shipped().find("charge.final").unwrap();
    let check = |value: &str| {
        let data = format!(r#"{{"amount": {{"value": {value}, "currency": "EUR"}}}}"#);
        let data = crate::json::value(&data, &crate::Limits::default()).unwrap();
        shipped.check(1, &data).unwrap().map_err(|v| v.code)
    };
    use crate::Code::{InexactNumber, WrongFormat, WrongType};
    for value in ["\"5\"", "5", "-0.25", "\"123456789012345678.123456\"", "1e2", "1.5000000000", "0"] {
        assert_eq!(check(value), Ok(()), "{value}");
    }
    for value in ["1e400", "0.1234567", "\"79228162514264337593543950336\"", "\"1e2\""] {
        assert_eq!(check(value), Err(InexactNumber), "{value}");
    }
    for value in ["\"five\"", "\"\"", "\" 5\"", "\"1,5\"", "\"5.\"", "\"NaN\""] {
        assert_eq!(check(value), Err(WrongFormat), "{value}");
    }
    assert_eq!(check("true"), Err(WrongType));
}
