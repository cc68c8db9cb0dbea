//! What the currencies themselves ask of an amount.

use iso_currency::Currency;
use rust_decimal::Decimal;

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
}
