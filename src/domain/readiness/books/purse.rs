//! Money of several currencies, never added across, never rounded.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::domain::Money;

/// Amounts of one kind, a sum for each currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purse {
    pub sums: BTreeMap<String, Decimal>,
    /// Something in it has no price.
    pub is_open: bool,
    /// A sum has more digits than can be kept.
    pub is_too_large: bool,
}

impl Purse {
    pub fn add(&mut self, money: &Money) {
        let sum = self.sums.entry(money.currency.clone()).or_default();
        match sum.checked_add(money.value) {
            Some(new) => *sum = new,
            None => self.is_too_large = true,
        }
    }

    pub(super) fn add_product(&mut self, price: &Money, quantity: Decimal) {
        match product(price.value, quantity) {
            Some(value) => self.add(&Money { value, currency: price.currency.clone() }),
            None => self.is_too_large = true,
        }
    }

    pub(super) fn take(&mut self, money: &Money) {
        self.add(&Money { value: -money.value, currency: money.currency.clone() });
    }

    /// The one amount; None where there are several, or where it is not fully known.
    pub fn single(&self, currency: Option<&str>) -> Option<Money> {
        if self.is_open || self.is_too_large {
            return None;
        }
        let mut some = self.sums.iter().filter(|(_, value)| !value.is_zero());
        match (some.next(), some.next()) {
            (Some((currency, value)), None) => Some(Money { value: *value, currency: currency.clone() }),
            (None, _) => Some(Money { value: Decimal::ZERO, currency: currency?.to_owned() }),
            _ => None,
        }
    }
}

/// None where it could only be kept rounded.
pub fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b) = (a.normalize(), b.normalize());
    a.checked_mul(b).filter(|p| p.scale() == a.scale() + b.scale() || p.is_zero())
}
