//! What is remembered, what is not, and for how long.

use bytes::Bytes;

use super::*;

fn memory(keep_hours: u64, answers: usize) -> Memory {
    let settings = Settings { idempotency_hours: keep_hours, idempotency_keys: answers, ..Settings::default() };
    Memory::new(&settings)
}

fn answer(status: u16, body: &'static str) -> Answer {
    Answer::new(status, "application/json", Bytes::from_static(body.as_bytes()))
}

fn first(memory: &Memory, key: &str, body: u8, now: Instant) -> Ticket {
    match memory.begin("me", key, [body; 32], now) {
        Ok(Turn::First(ticket)) => ticket,
        Ok(Turn::Again(answer)) => panic!("{key}: answered before: {answer:?}"),
        Err(stop) => panic!("{key}: {stop}"),
    }
}

fn again(memory: &Memory, key: &str, body: u8, now: Instant) -> Option<Answer> {
    match memory.begin("me", key, [body; 32], now) {
        Ok(Turn::Again(answer)) => Some(answer),
        _ => None,
    }
}

#[test]
fn the_same_request_gets_the_first_answer() {
    let (memory, now) = (memory(24, 10), Instant::now());
    let ticket = first(&memory, "k", 1, now);
    assert_eq!(memory.begin("me", "k", [1; 32], now).err(), Some(Stop::InWork));
    assert_eq!(memory.begin("me", "k", [2; 32], now).err(), Some(Stop::OtherBody));
    ticket.settle(&answer(200, "one"), now);
    assert_eq!(again(&memory, "k", 1, now), Some(answer(200, "one")));
    assert_eq!(memory.begin("me", "k", [2; 32], now).err(), Some(Stop::OtherBody));
    assert!(matches!(memory.begin("you", "k", [2; 32], now), Ok(Turn::First(_))), "keys of others are others");
}

#[test]
fn an_answer_that_may_change_is_not_remembered() {
    let (memory, now) = (memory(24, 10), Instant::now());
    for status in [401, 408, 409, 429, 503] {
        first(&memory, "k", 1, now).settle(&answer(status, ""), now);
    }
    drop(first(&memory, "k", 1, now));
    first(&memory, "k", 2, now).settle(&answer(400, "unreadable"), now);
    assert!(again(&memory, "k", 2, now).is_some());
}

#[test]
fn the_oldest_answers_go_first() {
    let (memory, now) = (memory(24, 2), Instant::now());
    for key in ["a", "b", "c"] {
        first(&memory, key, 1, now).settle(&answer(200, "x"), now);
    }
    assert!(again(&memory, "b", 1, now).is_some() && again(&memory, "c", 1, now).is_some());
    drop(first(&memory, "a", 1, now));
    let tomorrow = now + Duration::from_secs(24 * 3600);
    drop(first(&memory, "b", 1, tomorrow));
    assert_eq!(memory.inner.lock().bytes, 0, "all are forgotten, and their bytes with them");
}

#[test]
fn a_key_is_a_word_with_or_without_quotes() {
    assert_eq!(parse_key(b"4711").as_deref(), Ok("4711"));
    assert_eq!(parse_key(b" \"8e03978e-40d5\" ").as_deref(), Ok("8e03978e-40d5"));
    for bad in [&b""[..], b"\"\"", b"a b", "ä".as_bytes(), b"\xff", &[b'x'; 256]] {
        assert_eq!(parse_key(bad), Err(Stop::BadIdempotencyKey), "{bad:?}");
    }
}
