//! Forecasts: how long it still takes to a milestone, by how long it took for others that are alike. A quantile with the
//! size of its sample; and how good such forecasts were on workflows that came later.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use rustc_hash::FxHashMap;

use super::exceptions::foreseen;
use super::{Forecast, Milestone, Reached, Sla, SlaKind, Status, Verdict, Workflow};

/// So many of a hundred alike were done by the forecast time.
const PERCENT: u8 = 80;
/// Fewer alike tell nothing.
const MIN_SAMPLE: u32 = 30;
/// Quantiles of a curve: a twentieth, two twentieths, … nineteen.
const QUANTILES: usize = 19;

/// How long it took from one milestone to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    pub sample: u32,
    /// Milliseconds, by twentieths.
    pub twentieths: Vec<i64>,
}

/// By definition, from and to milestone, and what makes workflows alike (nothing, for all).
#[derive(Clone, Debug, Default)]
pub struct Forecasts(FxHashMap<(String, String), FxHashMap<(String, String), Curve>>);

/// What makes workflows alike.
#[derive(Clone, Copy, Debug)]
pub struct Alike<'a> {
    pub carrier: &'a str,
    pub warehouse: &'a str,
    pub lane: &'a str,
}

impl Forecasts {
    pub fn learn(&mut self, definition: &str, from: &str, to: &str, alike: &str, curve: Curve) {
        if curve.twentieths.len() == QUANTILES && curve.sample >= MIN_SAMPLE {
            let curves = self.0.entry((definition.to_owned(), from.to_owned())).or_default();
            curves.insert((to.to_owned(), alike.to_owned()), curve);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The curve of those that are most alike and enough; with what makes them so.
    pub fn curve(&self, way: (&str, &str, &str), alike: Alike<'_>, from_at: DateTime<Utc>) -> Option<(&Curve, String)> {
        let (definition, from, to) = way;
        let curves = self.0.get(&(definition.to_owned(), from.to_owned()))?;
        let Alike { carrier, warehouse, lane } = alike;
        let all_three = format!("carrier {carrier}, warehouse {warehouse}, lane {lane}");
        let names = [
            format!("{all_three}, {} h", from_at.hour() / 4 * 4),
            all_three,
            format!("lane {lane}"),
            format!("carrier {carrier}"),
            format!("warehouse {warehouse}"),
            String::new(),
        ];
        names.into_iter().find_map(|name| {
            let curve = curves.get(&(to.to_owned(), name.clone()))?;
            Some((curve, name))
        })
    }
}

impl Curve {
    /// Within this time so many of a hundred are done, of those that were not done after `elapsed` already. None when
    /// nearly all were done by then: history does not tell.
    pub fn within(&self, percent: u8, elapsed: TimeDelta) -> Option<TimeDelta> {
        let elapsed = elapsed.num_milliseconds();
        let passed = self.twentieths.iter().filter(|t| **t <= elapsed).count();
        if passed >= QUANTILES {
            return None;
        }
        // The same share of what is left, rounded up to the next twentieth.
        let left = QUANTILES + 1 - passed;
        let place = passed + (left * usize::from(percent)).div_ceil(100);
        let ms = self.twentieths.get(place.min(QUANTILES) - 1)?;
        Some(TimeDelta::milliseconds((*ms).max(elapsed)))
    }
}

/// Adds to every running clock between milestones when its end is to be expected. Where that is after the due time, it
/// is at risk already.
pub fn forecast(workflow: &mut Workflow, forecasts: &Forecasts) {
    if forecasts.is_empty() || workflow.closed_at.is_some() {
        return;
    }
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (carrier, warehouse, lane) = (text(&workflow.carrier), text(&workflow.warehouse), text(&workflow.lane));
    let alike = Alike { carrier: &carrier, warehouse: &warehouse, lane: &lane };
    let as_of = workflow.as_of;
    let mut seen = Vec::new();
    for sla in &mut workflow.slas {
        let between = matches!(sla.kind, SlaKind::Duration | SlaKind::Completion | SlaKind::Promise);
        if !between || !sla.runs() || sla.verdict == Verdict::Breached {
            continue;
        }
        let Some((from, at)) = stage(&workflow.milestones, sla) else { continue };
        let way = (workflow.definition.as_str(), from, sla.to.as_str());
        let Some((curve, name)) = forecasts.curve(way, alike, at) else { continue };
        let Some(time) = curve.within(PERCENT, as_of - at) else { continue };
        let Some(done_at) = at.checked_add_signed(time) else { continue };
        sla.forecast = Some(Forecast { at: done_at, percent: PERCENT, sample: curve.sample, alike: name });
        if done_at > sla.due_at && sla.verdict == Verdict::Open {
            sla.verdict = Verdict::AtRisk;
            seen.push(foreseen(sla, as_of));
        } else if done_at > as_of && done_at < sla.due_at {
            // By then it should be done: if it is not, the forecast is another.
            workflow.wakes_at = Some(workflow.wakes_at.map_or(done_at, |at| at.min(done_at)));
        }
    }
    if !seen.is_empty() && workflow.status == Status::OnTrack {
        workflow.status = Status::AtRisk;
    }
    workflow.exceptions.extend(seen);
}

/// The milestone that was reached last before the one that is waited for, and when.
fn stage<'m>(milestones: &'m [Milestone], sla: &Sla) -> Option<(&'m str, DateTime<Utc>)> {
    let to = milestones.iter().position(|m| m.key == sla.to)?;
    let reached = milestones[..to].iter().filter(|m| m.reached == Reached::Full);
    reached.filter_map(|m| Some((m.key.as_str(), m.at?))).max_by_key(|(_, at)| *at)
}

/// How good forecasts were: made from older workflows, tried on newer ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    pub tried: u32,
    /// Done by the time that was forecast for so many of a hundred.
    pub covered: u32,
    /// How far the middle forecast was off, in the middle, in milliseconds.
    pub error_ms: i64,
    errors: Vec<i64>,
}

impl Accuracy {
    pub fn take(&mut self, curve: &Curve, took_ms: i64) {
        let at = |percent: u8| curve.within(percent, TimeDelta::zero()).map(|t| t.num_milliseconds());
        let (Some(high), Some(middle)) = (at(PERCENT), at(50)) else { return };
        self.tried += 1;
        self.covered += u32::from(took_ms <= high);
        self.errors.push((took_ms - middle).abs());
    }

    /// To be called when all are taken.
    pub fn settle(mut self) -> Self {
        self.errors.sort_unstable();
        self.error_ms = self.errors.get(self.errors.len() / 2).copied().unwrap_or(0);
        self.errors = Vec::new();
        self
    }

    /// What the share of those that were done in time should be.
    pub fn aim(&self) -> u8 {
        PERCENT
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn curve() -> Curve {
        Curve { sample: 100, twentieths: (1..=19).map(|n| n * 60_000).collect() }
    }

    #[test]
    fn the_forecast_is_a_quantile_and_grows_with_the_time_that_has_passed() {
        let within = |minutes: i64| curve().within(80, TimeDelta::minutes(minutes)).map(|t| t.num_minutes());
        assert_eq!(within(0), Some(16));
        // After ten minutes half are done; of the other half eight of ten are done by the eighteenth.
        assert_eq!(within(10), Some(18));
        assert_eq!(within(17), Some(19));
        assert_eq!(within(19), None, "longer than nearly all: history does not tell");
    }

    #[test]
    fn those_most_alike_are_asked_first_and_a_few_tell_nothing() {
        let mut forecasts = Forecasts::default();
        let mut learn = |alike: &str, sample: u32| forecasts.learn("d", "a", "b", alike, Curve { sample, ..curve() });
        learn("", 500);
        learn("carrier DHL", 40);
        learn("lane X", 29);
        let asked = |carrier: &str| {
            let alike = Alike { carrier, warehouse: "east", lane: "X" };
            forecasts.curve(("d", "a", "b"), alike, DateTime::from_timestamp(0, 0).unwrap()).unwrap().1
        };
        assert_eq!((asked("DHL").as_str(), asked("UPS").as_str()), ("carrier DHL", ""));
    }

    #[test]
    fn forecasts_are_measured_on_what_came_later() {
        let mut accuracy = Accuracy::default();
        [5, 9, 12, 30].iter().for_each(|minutes| accuracy.take(&curve(), minutes * 60_000));
        let accuracy = accuracy.settle();
        assert_eq!((accuracy.tried, accuracy.covered, accuracy.error_ms), (4, 3, 5 * 60_000));
    }
}
