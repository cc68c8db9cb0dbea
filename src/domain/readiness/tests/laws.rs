//! The laws of money: whatever the order of events, the parts are the whole, in each currency apart.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Sum per currency over units; None where one of them is not known.
fn sums(workflow: &Workflow, of: impl Fn(&Billable) -> Option<Money>) -> Option<BTreeMap<String, Decimal>> {
    let mut sums = BTreeMap::new();
    for unit in &workflow.readiness.units {
        let money = of(unit)?;
        *sums.entry(money.currency).or_insert(Decimal::ZERO) += money.value;
    }
    sums.retain(|_, sum| !sum.is_zero());
    Some(sums)
}

/// Events of one order in every mixture: shipments, deliveries, returns, invoices, credits.
fn anything() -> impl Strategy<Value = Vec<Entry>> {
    let quantity = (0..=6_u32, 0..=4_u32).prop_map(|(whole, part)| format!("{whole}.{}", part * 25));
    let step = (0..6_u8, 0..3_usize, prop_oneof!["10", "20"], quantity, 1..90_i64);
    (proptest::collection::vec(step, 0..14), "[1-9]\\.[0-9]{2}", "[1-9]{1,3}\\.[0-9]{2}").prop_map(
        |(steps, first, second)| {
            let mut entries = vec![created(&[line("10", "5", &first), line("20", "2.5", &second)], json!({}))];
            for (nth, (what, id, line, quantity, minute)) in steps.into_iter().enumerate() {
                let parts = [(line.as_str(), quantity.as_str())];
                let (shipment, refs) = (format!("S{id}"), format!("shipment/S{id}"));
                let mut entry = match what {
                    0 | 1 => shipped(&shipment, minute, &parts),
                    2 => delivered(&shipment, minute),
                    3 => {
                        let data = json!({"lines": [{"line": line, "quantity": quantity}], "amount": eur("1.00")});
                        event(
                            "billing",
                            "invoice.issued",
                            &format!("invoice/I{nth}"),
                            &[if id == 0 { "order/O1" } else { &refs }],
                            minute,
                            data,
                        )
                    }
                    4 => {
                        event("wms", "return.received", &format!("return/R{nth}"), &["order/O1"], minute, moved(&parts))
                    }
                    _ => event(
                        "finance",
                        "credit_note.issued",
                        &format!("credit_note/C{nth}"),
                        &["order/O1"],
                        minute,
                        moved(&parts),
                    ),
                };
                entry.event.id = format!("e{nth}");
                entries.push(entry);
            }
            entries
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// What remains to be billed is the same sum however it is cut into invoices, and the units' lines add up to it.
    #[test]
    fn the_parts_are_the_whole_under_every_policy(entries in anything()) {
        let whole = order("[policy]\nbill = 'complete'", entries.clone(), 100);
        let parts = order("[policy]\nbill = 'per_shipment'", entries, 100);
        let remaining = |w: &Workflow| sums(w, |u| u.remaining.clone());
        prop_assert_eq!(remaining(&whole), remaining(&parts));
        for w in [&whole, &parts] {
            let by_line: Option<BTreeMap<String, Decimal>> = sums(w, |u| {
                let amounts: Option<Vec<Money>> = u.lines.iter().map(|l| l.remaining_amount.clone()).collect();
                Some(Money { value: amounts?.iter().map(|m| m.value).sum(), currency: "EUR".to_owned() })
            });
            prop_assert_eq!(by_line, remaining(w));
            for u in &w.readiness.units {
                prop_assert!(u.lines.iter().all(|l| l.remaining >= Decimal::ZERO));
            }
        }
        // Quantities billed are cut up, never lost.
        let billed = |w: &Workflow, id: &str| -> Decimal {
            w.readiness.units.iter().flat_map(|u| &u.lines).filter(|l| l.line == id).map(|l| l.invoiced - l.credited).sum()
        };
        for line in &whole.lines {
            prop_assert_eq!(billed(&whole, &line.line), line.invoiced - line.credited);
            prop_assert_eq!(billed(&parts, &line.line), line.invoiced - line.credited);
        }
    }

    /// The order of arrival and repetition change neither state nor money nor discrepancies.
    #[test]
    fn money_does_not_depend_on_the_order_of_events(entries in anything(), seed in any::<u64>()) {
        let mut shuffled = entries.clone();
        shuffled.extend(entries.iter().take(3).cloned());
        let mut state = seed;
        for at in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
        }
        for policy in ["complete", "per_shipment"] {
            let rules = format!("[policy]\nbill = '{policy}'");
            let (a, b) = (order(&rules, entries.clone(), 100), order(&rules, shuffled.clone(), 100));
            prop_assert_eq!(&a.readiness, &b.readiness);
            prop_assert_eq!(&a.discrepancies, &b.discrepancies);
        }
    }
}
