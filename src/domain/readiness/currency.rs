//! What the currencies themselves ask of an amount.

use std::fmt;

use iso_currency::Currency;
use rust_decimal::Decimal;

use crate::domain::Money;

/// What is wrong with an amount in its currency, in words: yen have no cents, dinars have three places.
pub fn fault(value: Decimal, currency: &str) -> Option<String> {
    let Some(known) = Currency::from_code(currency) else {
        return Some(format!("{currency} is no currency of ISO 4217"));
    };
    let places = known.exponent().map_or(6, u32::from);
    let value = value.normalize();
    (value.scale() > places).then(|| match places {
        0 => format!("{value} {currency}: this currency has no smaller unit"),
        _ => format!("{value} {currency}: this currency has {places} places"),
    })
}

/// How many places an amount of it is written with: two where nobody knows.
pub fn places(currency: &str) -> u32 {
    Currency::from_code(currency).and_then(|known| known.exponent()).map_or(2, u32::from)
}

/// As many places as the currency has, where the value has no more: `819.90`, `12480`, `1.500`.
pub fn written(value: Decimal, currency: &str) -> String {
    let value = value.normalize();
    format!("{value:.0$}", value.scale().max(places(currency)) as usize)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", written(self.value, &self.currency), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_places_of_their_currency() {
        // value, currency, wrong; by hand from ISO 4217
        let cases = [
            ("100", "JPY", false),
            ("100.00", "JPY", false),
            ("100.50", "JPY", true),
            ("1.23", "EUR", false),
            ("1.230", "EUR", false),
            ("1.234", "EUR", true),
            ("1.234", "KWD", false),
            ("1.2345", "KWD", true),
            ("1", "EUX", true),
            ("-100.5", "KRW", true),
        ];
        for (value, currency, wrong) in cases {
            assert_eq!(fault(value.parse().expect("a decimal"), currency).is_some(), wrong, "{value} {currency}");
        }
    }

    #[test]
    fn amounts_are_written_with_the_places_of_their_currency_and_none_is_cut() {
        let cases = [
            ("819.9", "EUR", "819.90 EUR"),
            ("819.900", "EUR", "819.90 EUR"),
            ("-5", "USD", "-5.00 USD"),
            ("12480.0", "JPY", "12480 JPY"),
            ("1.5", "KWD", "1.500 KWD"),
            ("0.125", "EUR", "0.125 EUR"),
            ("1", "XYZ", "1.00 XYZ"),
        ];
        for (value, currency, expected) in cases {
            let money = Money { value: value.parse().expect("a decimal"), currency: currency.to_owned() };
            assert_eq!(money.to_string(), expected);
        }
    }
}
