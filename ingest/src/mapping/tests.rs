//! Mappings that are read, and those that are refused with their place.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn refused(text: &str, expected: &str) {
    assert_eq!(Mapping::parse(text).unwrap_err().to_string(), expected);
}

/// What a mapping gives to a record with these attributes.
fn given(mapping: &Mapping, service: &str, span: &str, attributes: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let find = |name: &str| attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let mut given = Vec::new();
    let subject = Subject { service, span, event: "" };
    let outcome = mapping.apply(&subject, find, str::to_owned, |name, value| {
        given.push(match value {
            Given::Constant(text) | Given::Attribute(text) => format!("{name}={text}"),
        });
    });
    outcome.map(|()| given).map_err(|unlisted| format!("{}={}", unlisted.attribute, unlisted.found))
}

#[test]
fn the_shipped_file_maps_the_demo_shop() {
    let mapping = Mapping::parse(include_str!("../../../definitions/mapping.toml")).unwrap();
    let attributes = [("app.order.id", "o-1"), ("app.user.id", "u-1")];
    let named = given(&mapping, "checkout", "oteldemo.CheckoutService/PlaceOrder", &attributes).unwrap();
    assert!(named.contains(&"biz.event.type=order.created".to_owned()), "{named:?}");
    assert!(named.contains(&"biz.data.customer=u-1".to_owned()), "{named:?}");
    assert_eq!(
        given(&mapping, "payment", "charge", &attributes).unwrap(),
        ["biz.object.id=o-1", "biz.object.type=order"]
    );
    assert_eq!(given(&mapping, "payment", "charge", &[]).unwrap(), [""; 0]);
}

#[test]
fn a_value_goes_through_the_list_or_is_refused() {
    let text = r#"
[[rule]]
copy = { "biz.data.priority" = { from = "app.prio", values = { "1" = "high", "2" = "normal" } } }
"#;
    let mapping = Mapping::parse(text).unwrap();
    assert_eq!(given(&mapping, "", "", &[("app.prio", "1")]).unwrap(), ["biz.data.priority=high"]);
    assert_eq!(given(&mapping, "", "", &[("app.prio", "9")]), Err("app.prio=9".to_owned()));
    let mapping = Mapping::parse(&text.replace("values", "default = \"low\", values")).unwrap();
    assert_eq!(given(&mapping, "", "", &[("app.prio", "9")]).unwrap(), ["biz.data.priority=low"]);
}

#[test]
fn a_broken_file_says_where_and_what() {
    refused("[[rule]\n", "line 1, column 8: unclosed array table, expected `]`");
    refused(
        "[[rule]]\nset = { \"biz.object.typ\" = \"order\" }\nwhen = { service = \"x\" }",
        "line 2, column 9: \"biz.object.typ\" is no name of the biz namespace; did you mean \"biz.object.type\"?",
    );
    refused(
        "[[rule]]\nwhen = { service = \"x\" }\nset = { \"biz.object.type\" = \"truck\" }",
        "line 3, column 9: \"truck\" is no object type",
    );
    refused(
        "[[rule]]\ncopy = { \"biz.ref.truck\" = \"app.truck\" }",
        "line 2, column 10: \"truck\" in \"biz.ref.truck\" is no object type",
    );
    refused(
        "\n[[rule]]\nset = { \"biz.object.type\" = \"order\" }",
        "line 2, column 1: a rule that copies nothing needs \"when\", else it would fit every record",
    );
    refused("[[rule]]\nwhen = { service = \"x\" }", "line 1, column 1: a rule needs \"set\" or \"copy\"");
    let error = Mapping::parse("[[rule]]\nwhenn = { service = \"x\" }").unwrap_err();
    assert_eq!((error.line, error.column), (2, 1));
    assert!(error.detail.contains("unknown field `whenn`"), "{error}");
}
