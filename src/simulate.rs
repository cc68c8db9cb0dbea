//! A landscape of four systems and their middleware that talk to the public ports only: each over its own protocol, each knowing
//! only its own ids. `story` says what happens, `timeline` when, `wire` in which form, `senders` brings it. Milepost's insides are
//! not used here; the landscape is a client like any other.

pub mod dice;
pub mod senders;
pub mod story;
pub mod timeline;
pub mod troubles;
pub mod wire;
pub mod world;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use self::senders::{Lines, SendError, Sender, Tally};
use self::story::{CHAPTER, Pace, Plot, Said, Voice, chapter};
use self::timeline::Timeline;
use self::troubles::{Mix, Setting};

/// What the landscape is like and where it sends.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = troubles::help())]
pub struct SimulateSettings {
    /// Address of the events API.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Address of OTLP/gRPC.
    #[arg(long, default_value = "http://127.0.0.1:4317")]
    pub otlp_grpc: String,
    /// Address of OTLP/HTTP.
    #[arg(long, default_value = "http://127.0.0.1:4318")]
    pub otlp_http: String,
    /// Key to send with, from `milepost key create`.
    #[arg(long, env = "MILEPOST_KEY", hide_env_values = true)]
    pub key: String,
    /// The same seed, first number and start tell the same events again.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// New orders a minute.
    #[arg(long, default_value_t = 20.0, value_parser = positive)]
    pub rate: f64,
    /// How much faster than life an order travels; at 600 two days take five minutes.
    #[arg(long, default_value_t = 600.0, value_parser = positive)]
    pub speed: f64,
    /// Number of new orders; then it ends when all is told. Without it, it goes on until stopped.
    #[arg(long)]
    pub orders: Option<u64>,
    /// Tell the past first, as fast as it is taken, in the order of time: `7d`, `36h`.
    #[arg(long, value_parser = span)]
    pub history: Option<TimeDelta>,
    /// Orders of that past.
    #[arg(long, default_value_t = 500)]
    pub history_orders: u64,
    /// Number of the first order. By default taken from the clock, so that two runs do not tell of the same orders.
    #[arg(long)]
    pub first: Option<u64>,
    /// Business time at which it starts, for runs that are to be the same to the letter. Now, by default.
    #[arg(long)]
    pub start: Option<DateTime<Utc>>,
    /// Troubles: NAME=SHARE sets one, `none` switches all off; may be given several times.
    #[arg(long, value_delimiter = ',')]
    pub trouble: Vec<Setting>,
}

/// How far it is, for a progress bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records of the past that have been handed to the senders, and all of them.
    pub past: (u64, u64),
    /// New orders begun.
    pub orders: u64,
    pub sent: u64,
    pub accepted: u64,
    pub duplicates: u64,
    pub rejected: u64,
    pub retried: u64,
}

impl SimulateSettings {
    /// The usual landscape, against a server on this machine.
    pub fn local(url: String, otlp_grpc: String, otlp_http: String, key: String) -> Self {
        Self {
            url,
            otlp_grpc,
            otlp_http,
            key,
            seed: 1,
            rate: 20.0,
            speed: 600.0,
            orders: None,
            history: None,
            history_orders: 500,
            first: None,
            start: None,
            trouble: Vec::new(),
        }
    }

    fn plot(&self, now: DateTime<Utc>) -> Plot {
        let first = self.first.unwrap_or_else(|| number_of(now));
        Plot { seed: self.seed, first, mix: Mix::changed(&self.trouble), pace: Pace::fast(self.speed) }
    }
}

/// Tells the past, where one is asked for, then goes on live. Ends when all orders are told, or at the shutdown.
pub async fn run(
    settings: SimulateSettings,
    progress: impl Fn(Progress) + Send + Sync,
    shutdown: CancellationToken,
) -> Result<Progress, SendError> {
    let tally = Arc::new(Tally::default());
    let doors = (settings.url.as_str(), settings.otlp_grpc.as_str(), settings.otlp_http.as_str());
    let now = settings.start.unwrap_or_else(Utc::now);
    let lines = Lines::new(doors, &settings.key, now, Arc::clone(&tally), shutdown.clone())?;
    let mut landscape =
        Landscape { senders: BTreeMap::new(), lines, tally, progress: &progress, seen: Progress::default() };

    // Business time runs beside the wall clock, from the same moment on.
    let ahead = now - Utc::now();
    let live = settings.plot(now);
    let rest = match settings.history {
        Some(span) => landscape.past(&live, now, span, settings.history_orders, &shutdown).await,
        None => Timeline::default(),
    };
    let told = landscape.live(&settings, &live, rest, ahead, &shutdown).await;
    let ended = landscape.end().await;
    told.and(ended)
}

struct Landscape<'p, P: Fn(Progress)> {
    senders: BTreeMap<Voice, Sender>,
    lines: Lines,
    tally: Arc<Tally>,
    progress: &'p P,
    seen: Progress,
}

impl<P: Fn(Progress)> Landscape<'_, P> {
    /// Sends all that was said up to now; what is still to come is handed back. A failed sender shows at the end.
    async fn past(
        &mut self,
        live: &Plot,
        now: DateTime<Utc>,
        span: TimeDelta,
        orders: u64,
        shutdown: &CancellationToken,
    ) -> Timeline {
        let mut timeline = past_of(live, now, span, orders);
        let past = timeline.due(now);
        self.seen.past = (0, past.len() as u64);
        for said in past {
            if shutdown.is_cancelled() || !self.say(said).await {
                break;
            }
            self.seen.past.0 += 1;
            if self.seen.past.0.is_multiple_of(100) {
                self.show();
            }
        }
        self.show();
        timeline
    }

    async fn live(
        &mut self,
        settings: &SimulateSettings,
        plot: &Plot,
        mut rest: Timeline,
        ahead: TimeDelta,
        shutdown: &CancellationToken,
    ) -> Result<(), SendError> {
        let limit = settings.orders.unwrap_or(u64::MAX);
        let gap = TimeDelta::milliseconds(
            Duration::from_secs_f64(60.0 / settings.rate).as_millis().try_into().unwrap_or(i64::MAX / 4),
        );
        let mut next_chapter = Utc::now() + ahead;
        let mut stories = Timeline::default();
        let mut number = 0;
        loop {
            let now = Utc::now() + ahead;
            while self.seen.orders < limit && next_chapter <= now {
                let count = CHAPTER.min(limit - self.seen.orders);
                let starts: Vec<DateTime<Utc>> =
                    (0..i32::try_from(count).unwrap_or(1)).map(|n| next_chapter + gap * n).collect();
                next_chapter += gap * i32::try_from(count).unwrap_or(1);
                stories.add(chapter(plot, number, &starts));
                number += 1;
                self.seen.orders += count;
            }
            for said in stories.due(now).into_iter().chain(rest.due(now)) {
                if !self.say(said).await {
                    return Ok(());
                }
            }
            self.show();
            let all_begun = self.seen.orders >= limit;
            if all_begun && stories.is_empty() {
                return Ok(());
            }
            let chapter_at = (!all_begun).then_some(next_chapter);
            let next = [chapter_at, stories.next_at(), rest.next_at()].into_iter().flatten().min().unwrap_or(now);
            let pause = (next - now).to_std().unwrap_or_default().min(Duration::from_secs(1));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.cancelled() => return Ok(()),
            }
        }
    }

    /// Hands it to its system's sender; false when that has ended.
    async fn say(&mut self, said: Said) -> bool {
        let voice = said.voice;
        let lines = &self.lines;
        let sender = self.senders.entry(voice).or_insert_with(|| lines.sender(voice));
        sender.queue.send(said).await.is_ok()
    }

    /// Lets the senders finish, and tells what became of it.
    async fn end(mut self) -> Result<Progress, SendError> {
        for (_, Sender { queue, task }) in std::mem::take(&mut self.senders) {
            drop(queue);
            if let Ok(ended) = task.await {
                ended?;
            }
        }
        self.show();
        Ok(self.seen)
    }

    fn show(&mut self) {
        self.seen.sent = self.tally.sent.load(Ordering::Relaxed);
        self.seen.accepted = self.tally.accepted.load(Ordering::Relaxed);
        self.seen.duplicates = self.tally.duplicates.load(Ordering::Relaxed);
        self.seen.rejected = self.tally.rejected.load(Ordering::Relaxed);
        self.seen.retried = self.tally.retried.load(Ordering::Relaxed);
        (self.progress)(self.seen);
    }
}

/// What `run` tells of the past that the settings ask for. Tests compare with it what became of it.
pub fn told_past(settings: &SimulateSettings, now: DateTime<Utc>) -> Vec<Said> {
    let span = settings.history.unwrap_or_default();
    past_of(&settings.plot(now), now, span, settings.history_orders).due(now)
}

/// The orders of the past have the numbers below those of the new ones, and the speed of life.
fn past_of(live: &Plot, now: DateTime<Utc>, span: TimeDelta, orders: u64) -> Timeline {
    let first = live.first.saturating_sub(orders + CHAPTER);
    let plot = Plot { first, pace: Pace::LIFE, ..live.clone() };
    timeline::history(&plot, now - span, now, orders)
}

/// Seconds since 2026: another number for each run, and room for the orders of a past below it.
fn number_of(now: DateTime<Utc>) -> u64 {
    const NEW_YEAR_2026: i64 = 1_767_225_600;
    u64::try_from(now.timestamp() - NEW_YEAR_2026).unwrap_or_default() + 1_000_000
}

/// Reads a number above 0.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err(format!("`{text}` is no number above 0")),
    }
}

/// Reads `7d`, `36h` or `90m`.
pub fn span(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("`{text}` is no span of time such as 7d, 36h or 90m");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let span = match unit {
        "d" => TimeDelta::try_days(number),
        "h" => TimeDelta::try_hours(number),
        "m" => TimeDelta::try_minutes(number),
        _ => None,
    };
    span.filter(|s| *s > TimeDelta::zero()).ok_or_else(wrong)
}
