//! What came of a workflow, for figures of weeks: when it was delivered, proved, ready to be billed, invoiced and paid, and
//! whether its promise of delivery was kept.

use chrono::{DateTime, Utc};

use super::{Milestone, Reached, Sla, SlaKind, Verdict, Workflow};

/// Milestones that mean so, the first of them that a definition has.
const DELIVERED: [&str; 3] = ["delivered", "received", "settled"];
const PAID: [&str; 2] = ["paid", "closed"];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Landmarks {
    pub delivered_at: Option<DateTime<Utc>>,
    /// The delivery itself, where nobody asks for a proof.
    pub proved_at: Option<DateTime<Utc>>,
    pub ready_at: Option<DateTime<Utc>>,
    pub invoiced_at: Option<DateTime<Utc>>,
    pub paid_at: Option<DateTime<Utc>>,
    /// None without a promise, and until it is decided.
    pub promise: Option<Promise>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    Kept,
    Late,
}

impl Promise {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Late => "late",
        }
    }
}

impl Workflow {
    pub fn landmarks(&self) -> Landmarks {
        let delivery = self.first_of(&DELIVERED);
        let delivered_at = delivery.and_then(full);
        let proved_at = match self.first_of(&["pod"]) {
            Some(proof) if proof.reached != Reached::Skipped => full(proof),
            _ => delivered_at,
        };
        Landmarks {
            delivered_at,
            proved_at,
            ready_at: self.first_of(&["invoice_ready"]).and_then(full),
            invoiced_at: self.first_of(&["invoiced"]).and_then(full),
            paid_at: self.first_of(&PAID).and_then(full),
            promise: delivery.and_then(|delivery| self.promise(&delivery.key)),
        }
    }

    fn first_of(&self, keys: &[&str]) -> Option<&Milestone> {
        keys.iter().find_map(|key| self.milestones.iter().find(|milestone| milestone.key == *key))
    }

    /// By the clocks that wait for the delivery: one that was missed decides, whatever became of the others. That somebody
    /// was silent on the way is no word that was given.
    fn promise(&self, delivery: &str) -> Option<Promise> {
        let of = |verdict: Verdict| match verdict {
            Verdict::Met | Verdict::Waived | Verdict::Withdrawn => Some(Promise::Kept),
            Verdict::MetLate | Verdict::Breached => Some(Promise::Late),
            Verdict::Open | Verdict::AtRisk | Verdict::Cancelled => None,
        };
        let waits = |clock: &&Sla| clock.to == delivery && clock.kind != SlaKind::Silence;
        let decided = self.slas.iter().filter(waits).filter_map(|clock| of(clock.verdict));
        decided.max_by_key(|promise| *promise == Promise::Late)
    }
}

fn full(milestone: &Milestone) -> Option<DateTime<Utc>> {
    milestone.at.filter(|_| milestone.reached == Reached::Full)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::tests::{at, definitions, event, story};
    use crate::domain::{Entry, assemble};
    use milepost_ingest::ObjectRef;

    fn landmarks(story: Vec<Entry>) -> Landmarks {
        assemble(&definitions(), &ObjectRef::new("order", "O1"), story, at(1_000)).expect("a workflow").landmarks()
    }

    #[test]
    fn an_order_is_delivered_with_its_last_shipment_and_proved_with_its_last_proof() {
        let found = landmarks(story());
        let times = [found.delivered_at, found.proved_at, found.invoiced_at, found.paid_at];
        assert_eq!(times, [95, 101, 120, 200].map(|minute| Some(at(minute))));
        assert_eq!((found.ready_at, found.promise), (None, None), "nothing was triggered and nothing promised");
    }

    #[test]
    fn half_a_delivery_is_none_and_a_missing_proof_is_awaited() {
        let found = landmarks(story().into_iter().filter(|e| e.event.occurred_at < at(95)).collect());
        assert_eq!((found.delivered_at, found.proved_at), (None, None));
        let found = landmarks(story().into_iter().filter(|e| e.event.kind != "delivery.pod_received").collect());
        assert_eq!((found.delivered_at, found.proved_at), (Some(at(95)), None));
    }

    #[test]
    fn where_nobody_asks_for_a_proof_the_delivery_proves_itself() {
        let mut story: Vec<Entry> = story().into_iter().filter(|e| e.event.kind != "delivery.pod_received").collect();
        story[0].event.data.insert("pod_required".into(), json!(false));
        assert_eq!(landmarks(story).proved_at, Some(at(95)));
    }

    #[test]
    fn a_promise_is_kept_or_late_once_it_is_decided() {
        let promised = |minute: i64, delivered: bool| {
            let mut story = story();
            story.retain(|e| delivered || e.event.occurred_at < at(90));
            story[0].event.data.insert("promised_delivery".into(), json!(at(minute).to_rfc3339()));
            landmarks(story).promise
        };
        assert_eq!(promised(95, true), Some(Promise::Kept));
        assert_eq!(promised(94, true), Some(Promise::Late));
        assert_eq!(promised(2_000, false), None);
        assert_eq!(promised(500, false), Some(Promise::Late), "it has run out");
    }

    #[test]
    fn a_voided_delivery_takes_its_landmarks_back() {
        let mut story = story();
        let gone = story.iter().find(|e| e.event.object.id == "S2" && e.event.kind == "shipment.delivered");
        let void = json!({"event": gone.expect("told").event.id});
        story.push(event("tms", "event.voided", "shipment/S2", &[], 300, void));
        assert_eq!(landmarks(story).delivered_at, None);
    }
}
