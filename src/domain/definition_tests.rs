//! Definitions that make sense are read; others are refused with their place.

use super::{Definition, duration};

const GOOD: &str = r#"
key = "x"
version = 1
title = "X"
root = "order"
[[milestones]]
key = "created"
title = "Created"
system = "erp"
events = ["order.created"]
"#;

fn refused(text: &str) -> String {
    let errors = Definition::parse("x.toml", text).expect_err("refused");
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_unknown_milestone_in_an_sla_is_named_with_its_place() {
    let text = format!("{GOOD}[[slas]]\nkey='a'\ntitle='A'\nfrom='created'\nto='nowhere'\nwithin='1h'\n");
    assert_eq!(refused(&text), "x.toml:15:4: no milestone `nowhere`");
}

#[test]
fn an_unknown_key_is_refused() {
    assert!(refused(&format!("colour = 'red'\n{GOOD}")).contains("unknown field `colour`"));
}

#[test]
fn a_word_that_is_no_duration_is_refused() {
    let text = format!("{GOOD}[[slas]]\nkey='a'\ntitle='A'\nfrom='created'\nto='created'\nwithin='soon'\n");
    assert!(refused(&text).contains("`soon` is no duration"));
}

#[test]
fn durations_add_up() {
    assert_eq!(duration("1d 2h 30m 5s").map(|d| d.num_seconds()), Some(95_405));
    for bad in ["", "0m", "5", "h", "9223372036854775807d", "-1h"] {
        assert_eq!(duration(bad), None, "{bad}");
    }
}

#[test]
fn a_slip_is_told_with_the_nearest_known_word() {
    assert!(
        refused(&GOOD.replace("title", "titel")).contains("did you mean `title`?"),
        "{}",
        refused(&GOOD.replace("title", "titel"))
    );
    assert_eq!(
        refused(&format!("{GOOD}[reach]\norder = ['shipmnt']\n")),
        "x.toml:12:10: no business object has the type `shipmnt`; did you mean `shipment`?"
    );
    assert!(
        refused(&GOOD.replace("events =", "per = 'shipment'\nevents ="))
            .contains("x.toml:10:7: `shipment` is not in `reach`")
    );
    let group = format!("{GOOD}[[milestones]]\nkey='g'\ntitle='G'\nany=['craeted','created']\n");
    assert_eq!(refused(&group), "x.toml:14:5: no milestone `craeted` before this one; did you mean `created`?");
}

#[test]
fn what_is_only_odd_is_a_warning() {
    let odd = GOOD.replace("order.created", "order.createt");
    let read = Definition::parse("x.toml", &odd).expect("good");
    let said: Vec<String> = read.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["x.toml:10:10: no shipped contract knows `order.createt`; did you mean `order.created`?"]);
}

#[test]
fn a_policy_that_hardly_anybody_can_keep_is_a_warning_with_its_place() {
    let shipped = include_str!("../../definitions/order-to-cash.toml");
    let said = |text: &str| -> Vec<String> {
        let read = Definition::parse("o.toml", text).expect("good");
        read.warnings.iter().map(ToString::to_string).collect()
    };
    assert_eq!(said(shipped), [""; 0]);
    let hasty = shipped.replacen("within = \"30m\"", "within = \"1s\"", 1);
    let line = hasty.lines().position(|l| l == "within = \"1s\"").expect("the line") + 1;
    assert_eq!(said(&hasty), [format!("o.toml:{line}:10: less than a minute: that may breach it every time")]);
}
