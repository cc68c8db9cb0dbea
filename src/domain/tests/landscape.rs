//! Laws over whole landscapes: orders, loads, corrections, voids, aliases and what people did by hand, shuffled,
//! repeated, cut by restarts, driven out of memory and read back. The state is that of the events in their order.

use proptest::prelude::*;

use super::*;

pub(super) fn act(kind: &str, object: &str, refs: &[&str], minute: i64, data: serde_json::Value) -> Entry {
    let mut entry = event("milepost", kind, object, refs, minute, data);
    entry.event.source = "person/anna".to_owned();
    entry
}

/// Three orders on two loads, under many numbers, with everything that can be taken back taken back somewhere.
fn landscape() -> Vec<Entry> {
    let line = |order: &str, quantity: &str| json!({"lines": [{"order": order, "line": "10", "sku": "A", "quantity": quantity, "unit": "CS"}]});
    let mut all = Vec::new();
    for (n, order) in ["order/O1", "order/O2", "order/O3"].into_iter().enumerate() {
        let id = &order[6..];
        let n = n as i64;
        all.push(event(
            "erp",
            "order.created",
            order,
            &[],
            n,
            json!({"customer": format!("C{n}"), "lines": [{"line": "10", "sku": "A", "quantity": "24", "unit": "EA"}]}),
        ));
        all.push(event("erp", "order.released", order, &[], 5 + n, json!({})));
        // The warehouse has numbers of its own, and two of the orders' customers the same.
        all.push(event(
            "erp",
            "object.aliased",
            order,
            &[],
            6 + n,
            json!({"alias": {"system": "wms", "id": format!("W{n}")}}),
        ));
        all.push(event(
            "erp",
            "object.aliased",
            order,
            &[],
            7 + n,
            json!({"alias": {"system": "customer_po", "partner": format!("C{n}"), "id": "4711"}}),
        ));
        all.push(event("wms", "inventory.allocated", &format!("order/W{n}"), &[], 10 + n, line(id, "2")));
        let shipment = format!("shipment/S{n}");
        all.push(event("wms", "shipment.created", &shipment, &[&format!("order/W{n}")], 20 + n, line(id, "2")));
        all.push(event("wms", "shipment.shipped", &shipment, &["load/L1"], 30 + n, line(id, "2")));
        all.push(event("tms", "shipment.delivered", &shipment, &[], 60 + n, json!({})));
        all.push(event(
            "billing",
            "invoice.issued",
            &format!("invoice/I{n}"),
            &[&shipment],
            90 + n,
            json!({"amount": {"value": "10", "currency": "EUR"}}),
        ));
        all.push(event("billing", "price.validated", "order/4711", &[], 91 + n, json!({"customer": format!("C{n}")})));
    }
    all.push(event(
        "erp",
        "item.upserted",
        "item/A",
        &[],
        1,
        json!({"unit": "EA", "units": [{"unit": "CS", "quantity": "12"}]}),
    ));
    all.push(event(
        "tms",
        "load.departed",
        "load/L1",
        &["shipment/S0", "shipment/S1", "shipment/S2"],
        40,
        json!({"carrier": "DHL"}),
    ));
    all.push(event("tms", "load.departed", "load/L2", &["shipment/S2"], 41, json!({})));
    // W1 is an order of its own in the ERP, too.
    all.push(event("erp", "order.created", "order/W1", &[], 3, json!({"amount": {"value": "1", "currency": "EUR"}})));
    // A number that nobody knows yet, and one that leads in a circle.
    all.push(event("tms", "shipment.departed", "shipment/PRO-9", &[], 45, json!({})));
    all.push(event(
        "wms",
        "object.aliased",
        "shipment/S1",
        &[],
        46,
        json!({"alias": {"system": "pro", "id": "PRO-9"}}),
    ));
    all.push(event("wms", "object.aliased", "order/W2", &[], 47, json!({"alias": {"system": "erp", "id": "O3"}})));
    // Taken back, corrected, and the taking back taken back.
    let of = |all: &[Entry], kind: &str, id: &str| {
        all.iter().find(|e| e.event.kind == kind && e.event.object.id == id).unwrap().event.id.clone()
    };
    let aliased = of(&all, "object.aliased", "O2");
    all.push(event("erp", "event.voided", "order/O2", &[], 70, json!({"event": aliased})));
    let departed = of(&all, "load.departed", "L2");
    all.push(event(
        "tms",
        "event.corrected",
        "load/L2",
        &[],
        71,
        json!({"event": departed, "replace": {"refs": {"shipment": ["S0"]}, "time": at(42).to_rfc3339()}}),
    ));
    let delivered = of(&all, "shipment.delivered", "S0");
    all.push(event("tms", "event.voided", "shipment/S0", &[], 72, json!({"event": delivered})));
    let voided = of(&all, "event.voided", "S0");
    all.push(event("tms", "event.voided", "shipment/S0", &[], 73, json!({"event": voided})));
    // By hand.
    all.push(act("object.linked", "invoice/I0", &["order/O3"], 100, json!({"reason": "one bill"})));
    all.push(act("object.unlinked", "load/L1", &["shipment/S1"], 101, json!({"reason": "wrong truck"})));
    all.push(act("object.unlinked", "shipment/S2", &["load/L1"], 102, json!({"reason": "wrong truck"})));
    all.push(act("object.linked", "shipment/S2", &["load/L1"], 103, json!({"reason": "right after all"})));
    all.push(act("object.merged", "order/O3", &["order/O1"], 104, json!({"reason": "typed twice"})));
    let merged = of(&all, "object.merged", "O3");
    all.push(act("event.voided", "order/O3", &[], 105, json!({"event": merged, "reason": "not at all"})));
    all.push(act("object.merged", "invoice/I2", &["invoice/I1"], 106, json!({"reason": "one bill"})));
    // Senders cannot take back what a person did.
    let linked = of(&all, "object.linked", "I0");
    all.push(event("billing", "event.voided", "invoice/I0", &[], 107, json!({"event": linked})));
    // Bad input: itself, a circle.
    all.push(event("wms", "shipment.in_transit", "shipment/S0", &["shipment/S0", "shipment/S1"], 50, json!({})));
    all.push(event("wms", "shipment.in_transit", "shipment/S1", &["shipment/S0"], 51, json!({})));
    for (n, entry) in all.iter_mut().enumerate() {
        entry.event.id = format!("{}#{n}", entry.event.id);
        entry.received_at = at(200);
    }
    // Ids have changed: what names an event names the new one.
    let ids: Vec<(String, String)> =
        all.iter().map(|e| (e.event.id.split('#').next().unwrap().to_owned(), e.event.id.clone())).collect();
    for entry in &mut all {
        if let Some(named) = entry.event.data.get("event").and_then(|v| v.as_str()).map(str::to_owned) {
            let new = ids.iter().find(|(old, _)| *old == named).unwrap().1.clone();
            entry.event.data.insert("event".to_owned(), new.into());
        }
    }
    all
}

fn add(graph: &mut Graph, entry: &Entry) {
    graph.add(&entry.event.object, Fact::of(&entry.event, entry.received_at));
}

/// Everything that can be said of every name and every workflow.
fn state(graph: &Graph, names: &[ObjectRef]) -> String {
    let definitions = definitions();
    let mut said = String::new();
    for name in names {
        let Some(object) = graph.get(name) else { continue };
        // A number that was only named by what was taken back is nothing.
        if object.count() == 0 && object.links().is_empty() {
            continue;
        }
        let (facts, acts) = object.told();
        let ids = |facts: &[Fact]| facts.iter().map(|f| f.id.to_string()).collect::<Vec<_>>();
        said += &format!(
            "{name} is {} as {:?}: {:?} links {:?} facts {:?} acts {:?}\n",
            object.name(),
            object.aliases(),
            graph.standing(&definitions, &object.name()),
            object.links(),
            ids(&facts),
            ids(&acts)
        );
        for definition in definitions.iter() {
            if let Some(workflow) = derive(definition, graph, name, at(300)) {
                said += &format!("{workflow:?}\n");
            }
        }
    }
    said
}

fn names() -> Vec<ObjectRef> {
    let mut names: Vec<ObjectRef> = landscape()
        .iter()
        .flat_map(|e| e.event.refs.iter().chain([&e.event.object]).cloned().collect::<Vec<_>>())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn in_order() -> Graph {
    let mut graph = Graph::default();
    landscape().iter().for_each(|e| add(&mut graph, e));
    graph
}

#[test]
fn the_landscape_is_read_as_it_is_meant() {
    let graph = in_order();
    let shown = |name: &str| graph.get(&ObjectRef::parse(name).unwrap()).unwrap().name().to_string();
    assert_eq!(shown("order/W0"), "order/O1", "the warehouse's number");
    assert_eq!(shown("order/W1"), "order/W1", "an order of its own, and the alias was voided");
    assert_eq!(shown("order/W2"), "order/O3", "both ways");
    assert_eq!(shown("shipment/PRO-9"), "shipment/S1", "a number of its own, told by the carrier");
    assert_eq!(shown("invoice/I2"), "invoice/I1", "merged by hand");
    assert_eq!(shown("order/O3"), "order/O3", "merged, and taken back");
    let o1 = graph.get(&ObjectRef::new("order", "O1")).unwrap();
    assert_eq!(o1.aliases(), ["customer_po@C0:4711", "wms:W0"]);
    assert!(o1.facts().iter().any(|f| &*f.kind == "price.validated"), "told by the customer's number");
    assert!(o1.facts().iter().any(|f| &*f.kind == "inventory.allocated"), "told by the warehouse's number");
    let linked =
        |a: &str, b: &str| graph.get(&ObjectRef::parse(a).unwrap()).unwrap().is_linked(&ObjectRef::parse(b).unwrap());
    assert!(linked("invoice/I0", "order/O3") && !linked("load/L1", "shipment/S1") && linked("load/L1", "shipment/S2"));
    assert!(linked("load/L2", "shipment/S0") && !linked("load/L2", "shipment/S2"), "links are corrected");
    let w = derive(definitions().of_root("order").unwrap(), &graph, &ObjectRef::new("order", "O1"), at(300)).unwrap();
    assert_eq!(w.lines[0].allocated, Decimal::from(24));
    assert_eq!(
        w.milestones.iter().find(|m| m.key == "delivered").unwrap().reached,
        Reached::Full,
        "the void was voided"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_landscape_shuffled_repeated_and_cut_is_the_same(
        order in Just((0..landscape().len()).collect::<Vec<_>>()).prop_shuffle(),
        again in proptest::collection::vec(0..landscape().len(), 0..20),
        cut in 0..landscape().len(),
        evicted in proptest::collection::vec(0..names().len(), 0..12),
    ) {
        let (all, names) = (landscape(), names());
        let mut graph = Graph::default();
        for at in &order[..cut] {
            add(&mut graph, &all[*at]);
        }
        // A restart: what is stored is read in the order of the store.
        let mut stored: Vec<&Entry> = order[..cut].iter().map(|at| &all[*at]).collect();
        stored.sort_by(|a, b| (&a.event.object, a.event.occurred_at, &a.event.id).cmp(&(&b.event.object, b.event.occurred_at, &b.event.id)));
        let mut restarted = Graph::default();
        stored.iter().for_each(|e| add(&mut restarted, e));
        prop_assert_eq!(state(&graph, &names), state(&restarted, &names));
        // Driven out of memory with all that is linked, and read back.
        for name in evicted.iter().map(|at| &names[*at]) {
            let mut out = vec![name.clone()];
            let mut next = 0;
            while next < out.len() {
                let Some(known) = restarted.get(&out[next]) else { next += 1; continue };
                for near in known.links().into_iter().chain(known.names()) {
                    if !out.contains(&near) {
                        out.push(near);
                    }
                }
                next += 1;
            }
            out.iter().for_each(|o| restarted.evict(o));
            for entry in stored.iter().filter(|e| out.contains(&e.event.object)) {
                add(&mut restarted, entry);
            }
        }
        for at in order[cut..].iter().chain(&again) {
            add(&mut restarted, &all[*at]);
        }
        prop_assert_eq!(state(&restarted, &names), state(&in_order(), &names));
    }
}
