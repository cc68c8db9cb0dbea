//! Chance that can be repeated: the same seed and the same words give the same numbers, on every machine and in every version.
//! Own few lines, because `rand` keeps the right to change what its generators give.

/// A stream of numbers that belongs to one question, so that a new question elsewhere moves none of the answers here.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64, topic: &str, number: u64) -> Self {
        let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
        for byte in topic.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        Self(mix(state ^ mix(number)))
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From 0 up to, but not including, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn share(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Both ends included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.number() % (high - low + 1)
    }

    pub fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[usize::try_from(self.number() % from.len() as u64).unwrap_or(0)]
    }
}

/// The finalizer of SplitMix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_has_the_same_answers() {
        let answers = |topic| {
            let mut dice = Dice::new(7, topic, 3);
            [dice.number(), dice.number(), dice.number()]
        };
        assert_eq!(answers("credit"), answers("credit"));
        assert_ne!(answers("credit"), answers("stock"));
    }

    #[test]
    fn shares_come_true() {
        let mut dice = Dice::new(1, "share", 0);
        let hits = (0..10_000).filter(|_| dice.happens(0.25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits} of 10000");
    }
}
