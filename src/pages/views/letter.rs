//! A saved view as a mail: when it is due, and what it says, in the words of the page, with totals.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use jiff::civil::Weekday;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _, Zoned};

use crate::domain::views::{Mailing, View};
use crate::pages::export::{Asked, Cell, Fault, Format, Kind, List, Written, file_name, folder, write};
use crate::pages::params::Query;
use crate::pages::time::Clock;
use crate::pages::words;

/// Larger files are not sent; the mail says where they are.
const MAX_ATTACHED: u64 = 8 << 20;
/// A server that was down for longer does not send what it missed.
const LATE_MS: i64 = 12 * 3_600_000;
const COLUMNS: usize = 7;

/// What is sent.
pub struct Letter {
    pub subject: String,
    pub text: String,
    pub attached: Option<(String, Vec<u8>)>,
}

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap_or(TimeZone::UTC)
}

fn weekday(at: &Zoned) -> u8 {
    match at.weekday() {
        Weekday::Monday => 1,
        Weekday::Tuesday => 2,
        Weekday::Wednesday => 3,
        Weekday::Thursday => 4,
        Weekday::Friday => 5,
        Weekday::Saturday => 6,
        Weekday::Sunday => 7,
    }
}

/// The slots around a moment, in order. A time that a day lacks when clocks go forward comes after the gap.
fn slots(mail: &Mailing, now_ms: i64) -> Vec<i64> {
    let Ok(now) = Timestamp::from_millisecond(now_ms) else { return Vec::new() };
    let zone = zone(&mail.zone);
    let today = now.to_zoned(zone.clone());
    let slot = |days: i64| {
        let day = today.date().checked_add(days.days()).ok()?;
        let at = day.at((mail.minute / 60) as i8, (mail.minute % 60) as i8, 0, 0).to_zoned(zone.clone()).ok()?;
        mail.days.contains(&weekday(&at)).then(|| at.timestamp().as_millisecond())
    };
    (-8..=8).filter_map(slot).collect()
}

/// When it is sent next.
pub fn next_slot(mail: &Mailing, now_ms: i64) -> Option<i64> {
    slots(mail, now_ms).into_iter().find(|slot| *slot > now_ms)
}

/// The slot to be served now, when there is one.
pub fn due(view: &View, now_ms: i64) -> Option<i64> {
    let mail = view.mail.as_ref()?;
    let served = |slot: i64| view.mailed.as_ref().is_some_and(|sent| sent.slot_ms >= slot);
    if view.asked_ms > 0 && !served(view.asked_ms) && now_ms - view.asked_ms < LATE_MS {
        return Some(view.asked_ms);
    }
    let slot = slots(mail, now_ms).into_iter().rfind(|slot| *slot <= now_ms)?;
    (slot > mail.set_ms && !served(slot) && now_ms - slot < LATE_MS).then_some(slot)
}

/// Writes the mail. `home` is the address of the pages, without a slash at its end.
pub async fn write_letter(
    view: &View,
    list: &'static List,
    asked: Asked,
    data_dir: &str,
    home: &str,
) -> Result<Letter, Fault> {
    let mail = view.mail.clone().unwrap_or_default();
    let clock = Clock::new(asked.clock.now_ms, &mail.zone).unwrap_or_else(|| asked.clock.clone());
    let asked = Asked { query: Query::parse(&view.query), clock, ..asked };
    let tenant = asked.tenant.clone();
    let name = file_name(list, Format::Xlsx, &asked);
    let written = write(list, Format::Xlsx, false, asked, &folder(data_dir)?, Arc::new(AtomicU64::new(0))).await?;
    let link = format!("{home}{}", super::path(&tenant, view));
    let size = written.bytes;
    let (mut subject, mut text) = said(view, &written, &link);
    let mut attached = None;
    if mail.attached && size <= MAX_ATTACHED {
        let mut file = written.file;
        let bytes = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut bytes).map(|_| bytes)
        });
        attached = Some((name, bytes.await.map_err(std::io::Error::other)??));
    } else if mail.attached {
        let _ = writeln!(text, "\nThe file is too large for a mail; it is at the address above under “Export”.");
    }
    // A subject is one line, whatever somebody called the view.
    subject.retain(|c| !c.is_control());
    Ok(Letter { subject, text, attached })
}

fn said(view: &View, written: &Written, link: &str) -> (String, String) {
    let head = &written.head;
    let totals: Vec<String> = head
        .sums
        .totals
        .iter()
        .map(|(currency, total)| match words::stored_money(*total, currency) {
            Some(text) => text.trim_end().to_owned(),
            None => format!("{currency}: too large to add up"),
        })
        .collect();
    let rows = words::plural(head.sums.rows, "row", "rows");
    let mut subject = format!("{}: {rows}", view.name);
    for total in totals.iter().take(3) {
        let _ = write!(subject, ", {total}");
    }
    let _ = write!(subject, " ({})", head.tenant);

    let mut text = String::new();
    let _ =
        writeln!(text, "{}\n{} of {}, as of {}.\n", view.name, head.list, head.tenant, head.clock.full(head.as_of_ms));
    let filter = if head.filter.is_empty() { "everything".to_owned() } else { head.filter.join("; ") };
    let _ = writeln!(text, "Filter: {filter}\nRows: {}", words::count(head.sums.rows));
    for total in &totals {
        let _ = writeln!(text, "Total: {total}");
    }
    if head.sums.rows == 0 {
        let _ = writeln!(text, "\nNothing matches this view now.");
    }
    for record in &written.first {
        let _ = writeln!(text, "\n- {}", line(written, record));
    }
    let more = head.sums.rows.saturating_sub(written.first.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "\nand {} more.", words::count(more));
    }
    let _ = writeln!(text, "\nThe list: {link}\nTo stop these mails: {}", stop(link));
    (subject, text)
}

/// `Status: Breached · Key: SO-1 · …`: what is filled in of the first columns, with the money.
fn line(written: &Written, record: &[Cell]) -> String {
    let clock = &written.head.clock;
    let said = |at: usize| {
        let (column, cell) = (&written.columns[at], &record[at]);
        let text = match cell {
            Cell::Empty => return None,
            Cell::Amount(value) => {
                let currency = written.money.and_then(|(_, at)| record.get(at)).map(|cell| cell.text(clock));
                words::stored_money(Some(*value), &currency.unwrap_or_default())?
            }
            Cell::Time(ms) => clock.short(*ms),
            other => words::cut(&other.text(clock), 80),
        };
        Some(format!("{}: {}", column.title, text.trim()))
    };
    let money = written.money.map(|(amount, _)| amount);
    let first = (0..written.columns.len()).filter(|at| written.columns[*at].kind != Kind::Number);
    let mut places: Vec<usize> = first.take(COLUMNS).collect();
    places.extend(money.filter(|at| !places.contains(at)));
    places.into_iter().filter_map(said).collect::<Vec<_>>().join(" · ")
}

/// `…/t/acme/workflows?…` → `…/t/acme/views`
fn stop(link: &str) -> String {
    let bare = link.split('?').next().unwrap_or_default();
    bare.rsplit_once('/').map_or_else(|| bare.to_owned(), |(up, _)| format!("{up}/views"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::domain::views::Mailed;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn view(days: &[u8], minute: u16, set: &str) -> View {
        let mail = Mailing {
            to: vec!["a@example.com".into()],
            days: days.to_vec(),
            minute,
            zone: "Europe/Berlin".into(),
            attached: false,
            set_ms: ms(set),
        };
        View { mail: Some(mail), ..View::default() }
    }

    #[test]
    fn a_view_is_due_once_at_the_wall_clock_time_of_its_zone() {
        // 2026-11-23 is a Monday; Berlin is an hour ahead of UTC.
        let mut weekly = view(&[1], 450, "2026-11-20T00:00:00Z");
        assert_eq!(due(&weekly, ms("2026-11-23T06:29:59Z")), None);
        let slot = ms("2026-11-23T06:30:00Z");
        assert_eq!(due(&weekly, slot), Some(slot));
        weekly.mailed = Some(Mailed { slot_ms: slot, ..Mailed::default() });
        assert_eq!(due(&weekly, slot + 60_000), None);
        assert_eq!(next_slot(weekly.mail.as_ref().unwrap(), slot), Some(ms("2026-11-30T06:30:00Z")));
    }

    #[test]
    fn in_summer_it_comes_by_the_same_wall_clock() {
        let daily = view(&[1, 2, 3, 4, 5, 6, 7], 450, "2026-07-01T00:00:00Z");
        assert_eq!(due(&daily, ms("2026-07-02T05:30:00Z")), Some(ms("2026-07-02T05:30:00Z")));
    }

    #[test]
    fn what_was_due_before_it_was_set_or_long_ago_is_not_sent() {
        let daily = view(&[1, 2, 3, 4, 5, 6, 7], 450, "2026-11-23T07:00:00Z");
        assert_eq!(due(&daily, ms("2026-11-23T08:00:00Z")), None);
        assert_eq!(due(&daily, ms("2026-11-24T18:31:00Z")), None, "12 hours late");
        assert_eq!(due(&daily, ms("2026-11-24T18:29:00Z")), Some(ms("2026-11-24T06:30:00Z")));
    }

    #[test]
    fn mails_lead_to_the_page_where_they_are_stopped() {
        assert_eq!(stop("http://h/t/acme/workflows?view=1"), "http://h/t/acme/views");
    }
}
