//! An amount in sixteen bytes: millionths, or not known.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    high: i64,
    low: u64,
}

/// No amount is that large: the store keeps 38 digits.
const UNKNOWN: i64 = i64::MIN;

impl Amount {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut in two halves")]
    pub fn new(millionths: Option<i128>) -> Self {
        millionths.map_or(Self { high: UNKNOWN, low: 0 }, |m| Self { high: (m >> 64) as i64, low: m as u64 })
    }

    pub fn get(self) -> Option<i128> {
        (self.high != UNKNOWN).then(|| (i128::from(self.high) << 64) | i128::from(self.low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_comes_back_the_same() {
        let most = 10_i128.pow(38) - 1;
        for amount in
            [None, Some(0), Some(1), Some(-1), Some(i128::from(u64::MAX)), Some(-(1 << 64)), Some(most), Some(-most)]
        {
            assert_eq!(Amount::new(amount).get(), amount);
        }
    }
}
