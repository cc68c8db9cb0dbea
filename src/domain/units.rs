//! Units of measure: how much of one unit another is. Fractions, so that thirty pieces of a box of twelve are
//! two and a half boxes to the last digit.

use rust_decimal::Decimal;

/// One `unit` is `quantity` of `of`: one CS is 12 of EA.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversion {
    pub unit: Box<str>,
    pub quantity: Decimal,
    pub of: Box<str>,
}

/// Conversions of one item that are looked through; more are a sender's mistake.
const MAX_CONVERSIONS: usize = 64;

/// `EA` and `ea` are one unit.
pub fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// How many of `to` one `from` is, as a fraction; None when nothing leads from one to the other. Of several ways the
/// shortest counts, and of equally short ones that whose conversions stand first.
pub fn ratio(conversions: &[Conversion], from: &str, to: &str) -> Option<(Decimal, Decimal)> {
    let mut reached: Vec<(&str, Decimal, Decimal)> = vec![(from, Decimal::ONE, Decimal::ONE)];
    let mut next = 0;
    while let Some((unit, up, down)) = reached.get(next).copied() {
        next += 1;
        if is_same(unit, to) {
            return Some((up, down));
        }
        for conversion in conversions.iter().take(MAX_CONVERSIONS).filter(|c| c.quantity > Decimal::ZERO) {
            let step = if is_same(&conversion.unit, unit) {
                up.checked_mul(conversion.quantity).map(|up| (&*conversion.of, up, down))
            } else if is_same(&conversion.of, unit) {
                down.checked_mul(conversion.quantity).map(|down| (&*conversion.unit, up, down))
            } else {
                None
            };
            if let Some(step) = step
                && !reached.iter().any(|(known, ..)| is_same(known, step.0))
            {
                reached.push(step);
            }
        }
    }
    None
}

/// A quantity in another unit. None when it cannot be counted exactly enough.
pub fn convert(quantity: Decimal, (up, down): (Decimal, Decimal)) -> Option<Decimal> {
    Some(quantity.checked_mul(up)?.checked_div(down)?.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(unit: &str, quantity: i64, of: &str) -> Conversion {
        Conversion { unit: unit.into(), quantity: Decimal::from(quantity), of: of.into() }
    }

    #[test]
    fn units_convert_both_ways_and_over_others() {
        let known = [one("PAL", 40, "CS"), one("CS", 12, "EA")];
        let in_unit = |n: i64, from, to| convert(Decimal::from(n), ratio(&known, from, to)?);
        assert_eq!(in_unit(2, "PAL", "ea"), Some(Decimal::from(960)));
        assert_eq!(in_unit(30, "EA", "CS"), Some(Decimal::new(25, 1)));
        assert_eq!(in_unit(7, "KG", "EA"), None);
        assert_eq!(in_unit(7, "KG", "KG"), Some(Decimal::from(7)));
    }

    #[test]
    fn circles_zeros_and_wild_factors_end() {
        let huge = Conversion { unit: "A".into(), quantity: Decimal::MAX, of: "B".into() };
        let known =
            [huge.clone(), Conversion { unit: "B".into(), of: "C".into(), ..huge }, one("C", 1, "A"), one("D", 0, "A")];
        assert_eq!(ratio(&known, "A", "D"), None);
        assert!(ratio(&known, "B", "A").is_some());
    }
}
