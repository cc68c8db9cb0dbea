//! What goes wrong in the landscape, how often, and how it is switched on the command line.
//! What each trouble does to an order is told in `story`; here are only their names and shares.

use std::collections::BTreeMap;
use std::str::FromStr;

/// A kind of trouble. Shares are of orders, unless the help says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    PartialShipment,
    ShortShipment,
    ConsolidatedLoad,
    CreditHold,
    Backorder,
    LateEvent,
    EarlyEvent,
    Duplicate,
    CorrectedTime,
    WrongPayload,
    SilentSource,
    StatusConflict,
    PrematureInvoice,
    WrongInvoice,
    Return,
    MissingPod,
    MessageFailed,
    TenderRejected,
    CarrierException,
    FreightOvercharge,
    DoubleInvoice,
    Unposted,
}

/// Name on the command line, usual share, and what it does.
pub const TROUBLES: [(Trouble, &str, f64, &str); 22] = [
    (Trouble::PartialShipment, "partial-shipment", 0.12, "an order leaves in two shipments"),
    (Trouble::ShortShipment, "short-shipment", 0.05, "less leaves than was asked for"),
    (Trouble::ConsolidatedLoad, "consolidated-load", 0.35, "shipments of several orders ride on one load"),
    (Trouble::CreditHold, "credit-hold", 0.07, "credit control holds the order; a third stays held"),
    (Trouble::Backorder, "backorder", 0.05, "stock for a line is missing and comes later"),
    (Trouble::LateEvent, "late-event", 0.03, "of events: sent hours after it happened"),
    (
        Trouble::EarlyEvent,
        "early-event",
        0.03,
        "of shipments: the proof of delivery comes before the shipment's own record",
    ),
    (Trouble::Duplicate, "duplicate", 0.03, "of events: sent twice, one in twelve of them with other content"),
    (Trouble::CorrectedTime, "corrected-time", 0.01, "of events: sent with a wrong time and corrected later"),
    (Trouble::WrongPayload, "wrong-payload", 0.06, "of hours: a mapping of one system is broken, in a burst"),
    (Trouble::SilentSource, "silent-source", 0.04, "of hours and sources: nothing is heard, all comes afterwards"),
    (Trouble::StatusConflict, "status-conflict", 0.04, "delivered for the TMS, still open in the WMS"),
    (Trouble::PrematureInvoice, "premature-invoice", 0.02, "invoiced before anything has left"),
    (Trouble::WrongInvoice, "wrong-invoice", 0.03, "more is invoiced than was shipped"),
    (Trouble::Return, "return", 0.05, "goods come back"),
    (Trouble::MissingPod, "missing-pod", 0.07, "no proof of delivery, or days late"),
    (Trouble::MessageFailed, "message-failed", 0.04, "the middleware cannot hand the order on at first"),
    (Trouble::TenderRejected, "tender-rejected", 0.06, "of loads: the first carrier declines"),
    (Trouble::CarrierException, "carrier-exception", 0.05, "of loads: the carrier reports a delay on the road"),
    (Trouble::FreightOvercharge, "freight-overcharge", 0.07, "of loads: the carrier bills more than was agreed"),
    (Trouble::DoubleInvoice, "double-invoice", 0.01, "of invoices: the same shipment is billed under two numbers"),
    (
        Trouble::Unposted,
        "unposted",
        0.12,
        "of receipts and stock corrections: the ERP posts another quantity, or nothing",
    ),
];

/// The shares of all troubles.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix(BTreeMap<Trouble, f64>);

impl Mix {
    pub fn usual() -> Self {
        Self(TROUBLES.iter().map(|(trouble, _, share, _)| (*trouble, *share)).collect())
    }

    pub fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// The usual mix as changed from left to right: `none` clears all, `return=0.2` sets one.
    pub fn changed(settings: &[Setting]) -> Self {
        let mut mix = Self::usual();
        for setting in settings {
            match setting {
                Setting::None => mix = Self::none(),
                Setting::Share(trouble, share) => mix = mix.with(*trouble, *share),
            }
        }
        mix
    }

    #[must_use]
    pub fn with(mut self, trouble: Trouble, share: f64) -> Self {
        self.0.insert(trouble, share);
        self
    }

    pub fn share(&self, trouble: Trouble) -> f64 {
        self.0.get(&trouble).copied().unwrap_or_default()
    }
}

/// One `--trouble` of the command line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Setting {
    None,
    Share(Trouble, f64),
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::None);
        }
        let (name, share) = text.split_once('=').ok_or_else(|| format!("`{text}` is neither `none` nor NAME=SHARE"))?;
        let share: f64 = share.parse().map_err(|_| format!("`{share}` is no number"))?;
        if !(0.0..=1.0).contains(&share) {
            return Err(format!("a share is from 0 to 1, not {share}"));
        }
        let found = TROUBLES.iter().find(|(_, known, ..)| *known == name);
        let (trouble, ..) = found.ok_or_else(|| unknown(name))?;
        Ok(Self::Share(*trouble, share))
    }
}

fn unknown(name: &str) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(known, name);
    let nearest = TROUBLES.iter().map(|(_, known, ..)| *known).max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let names: Vec<&str> = TROUBLES.iter().map(|(_, known, ..)| *known).collect();
    format!(
        "no trouble is called `{name}`; nearest is `{}`. There are: {}",
        nearest.unwrap_or_default(),
        names.join(", ")
    )
}

/// The list for `--help`.
pub fn help() -> String {
    let lines = TROUBLES.iter().map(|(_, name, share, what)| format!("  {name:<18} {share:<5} {what}"));
    format!("Troubles, their usual share, and what they do:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_changed_from_left_to_right() {
        let settings: Vec<Setting> =
            ["return=0.5", "none", "backorder=1"].iter().map(|t| t.parse().expect("a setting")).collect();
        assert_eq!(Mix::changed(&settings), Mix::none().with(Trouble::Backorder, 1.0));
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest_right_one() {
        let said = "creditt-hold=1".parse::<Setting>().expect_err("no such trouble");
        assert!(said.contains("nearest is `credit-hold`"), "{said}");
        assert!("return=2".parse::<Setting>().is_err());
    }
}
