use super::distinct::REMEMBERED;
use super::*;
use crate::domain::time::SteppedClock;

const HOUR: Duration = Duration::from_secs(3600);

fn case(number: u64) -> CaseId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    CaseId::from_bytes(bytes)
}

fn account(byte: u8) -> AccountId {
    AccountId::from_bytes([byte; 16])
}

fn at_noon() -> (Arc<SteppedClock>, Usage) {
    let start = Timestamp::parse_rfc3339("2026-03-03T12:00:00+09:00").unwrap();
    let clock = Arc::new(SteppedClock::at(start));
    let usage = Usage::new(clock.clone(), None);
    (clock, usage)
}

fn disclose(usage: &Usage, who: u8, cases: &[CaseId], people: &[UnitId]) {
    let load = Load {
        cases,
        people,
        outputs: 0,
    };
    drop(usage.charge(account(who), load));
}

fn units(range: std::ops::Range<u64>) -> Vec<UnitId> {
    range.map(UnitId::from_u64).collect()
}

#[test]
fn distinct_ids_count_once_until_their_day_is_over() {
    let (clock, usage) = at_noon();
    disclose(&usage, 1, &[case(1)], &units(0..3));
    disclose(&usage, 1, &[case(1), case(2)], &units(1..4));
    disclose(&usage, 2, &[case(1)], &[]);
    let totals = usage.totals(account(1));
    assert_eq!((totals.people, totals.cases), (4, 2));
    assert_eq!(
        usage.totals(account(2)).cases,
        1,
        "nobody counts for another"
    );
    clock.advance(HOUR * 23);
    disclose(&usage, 1, &[case(1)], &units(0..1));
    clock.advance(HOUR + Duration::from_secs(301));
    let totals = usage.totals(account(1));
    assert_eq!((totals.people, totals.cases), (1, 1), "seen again: renewed");
    clock.advance(HOUR * 23);
    assert_eq!(usage.totals(account(1)), Totals::default());
}

#[test]
fn a_whole_day_counts_and_never_less() {
    let (clock, usage) = at_noon();
    disclose(&usage, 1, &[case(1)], &[]);
    clock.advance(HOUR * 24 - Duration::from_secs(1));
    assert_eq!(usage.totals(account(1)).cases, 1);
    clock.advance(Duration::from_secs(302));
    assert_eq!(usage.totals(account(1)).cases, 0);
}

#[test]
fn a_wall_clock_that_leaps_opens_no_new_window() {
    let (clock, usage) = at_noon();
    disclose(&usage, 1, &[case(1)], &[]);
    clock.jump(48 * 3_600_000);
    assert_eq!(usage.totals(account(1)).cases, 1);
    clock.jump(-96 * 3_600_000);
    assert_eq!(usage.totals(account(1)).cases, 1);
    clock.advance(HOUR * 25);
    assert_eq!(usage.totals(account(1)).cases, 0, "the control");
}

#[test]
fn what_is_reserved_counts_and_is_given_back() {
    let (_, usage) = at_noon();
    let people = units(0..5);
    let load = Load {
        cases: &[],
        people: &people,
        outputs: 1,
    };
    let judge = |before: Totals, after: Totals| Ok::<_, ()>((before.people, after.people));
    let (seen, first) = usage.reserve(account(1), load, judge).unwrap();
    assert_eq!(seen, (0, 5));
    let (seen, second) = usage.reserve(account(1), load, judge).unwrap();
    assert_eq!(seen, (5, 5), "the same people twice at once");
    drop(first);
    assert_eq!(usage.totals(account(1)).people, 5);
    let charge = usage.charge(account(1), load);
    drop(second);
    assert_eq!(usage.totals(account(1)).people, 5);
    charge.release();
    assert_eq!(usage.totals(account(1)), Totals::default());
    drop(usage.charge(account(1), load));
    let totals = usage.totals(account(1));
    assert_eq!((totals.people, totals.outputs), (5, 1), "the control");
    let refused = usage.reserve(account(1), load, |_, _| Err::<(), _>("no"));
    assert_eq!(refused.err(), Some("no"));
    assert_eq!(usage.totals(account(1)).outputs, 1);
}

#[test]
fn many_at_once_cannot_overshoot() {
    let (_, usage) = at_noon();
    let passed = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for thread in 0..64_u64 {
            let (usage, passed) = (&usage, &passed);
            scope.spawn(move || {
                for n in 0..20 {
                    let ids = [case(thread * 100 + n)];
                    let load = Load {
                        cases: &ids,
                        ..Load::default()
                    };
                    let judge = |_, after: Totals| (after.cases <= 100).then_some(()).ok_or(());
                    let Ok(((), reserved)) = usage.reserve(account(1), load, judge) else {
                        continue;
                    };
                    let charge = usage.charge(account(1), load);
                    drop(reserved);
                    std::thread::yield_now();
                    drop(charge);
                    passed.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(passed.into_inner(), 100);
    assert_eq!(usage.totals(account(1)).cases, 100);
}

#[test]
fn memory_is_bounded_and_what_is_forgotten_counts_again() {
    let (clock, usage) = at_noon();
    let most = REMEMBERED as u64;
    disclose(&usage, 1, &[], &units(0..most));
    disclose(&usage, 1, &[], &units(most..most + 10));
    disclose(&usage, 1, &[], &units(most..most + 10));
    let shared = usage.shared(account(1), 0);
    assert_eq!(tally(&shared).people.seen.len(), REMEMBERED);
    assert_eq!(
        usage.totals(account(1)).people,
        u32::try_from(most).unwrap() + 20
    );
    clock.advance(HOUR * 25);
    disclose(&usage, 1, &[], &units(0..1));
    disclose(&usage, 1, &[], &units(most..most + 1));
    assert_eq!(tally(&shared).people.seen.len(), 2);
    assert_eq!(usage.totals(account(1)).people, 2);
}

#[test]
fn recent_is_the_last_minutes() {
    let (clock, usage) = at_noon();
    disclose(&usage, 1, &[], &units(0..7));
    assert_eq!(usage.totals(account(1)).recent_people, 7);
    clock.advance(RECENT);
    assert_eq!(usage.totals(account(1)).recent_people, 0);
    disclose(&usage, 1, &[], &units(5..9));
    let totals = usage.totals(account(1));
    assert_eq!((totals.people, totals.recent_people), (9, 4));
}
