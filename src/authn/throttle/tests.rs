use super::*;
use crate::domain::time::{SteppedClock, Timestamp};

const SECOND: Duration = Duration::from_secs(1);
const VICTIM: [u8; 16] = [1; 16];

fn throttle() -> (Throttle, Arc<SteppedClock>) {
    let clock = Arc::new(SteppedClock::at(Timestamp::from_millis(0)));
    (Throttle::new(Arc::clone(&clock) as Arc<dyn Clock>), clock)
}

fn address(n: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 0, 2, n]))
}

/// Waits as told, then fails; says how long it had to wait.
fn fail_when_admitted(throttle: &Throttle, clock: &SteppedClock, known: bool) -> Duration {
    let waited = match throttle.admit(VICTIM, None, known) {
        Ok(()) => Duration::ZERO,
        Err(RetryAfter(wait)) => {
            clock.advance(wait);
            throttle.admit(VICTIM, None, known).unwrap();
            wait
        }
    };
    throttle.failed(VICTIM, None, known);
    waited
}

#[test]
fn the_delay_doubles_to_a_minute_and_stays_there() {
    let (throttle, clock) = throttle();
    let waits: Vec<u64> = (0..10)
        .map(|_| fail_when_admitted(&throttle, &clock, false).as_secs())
        .collect();
    assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn nobody_can_lock_out_a_known_device() {
    let (throttle, clock) = throttle();
    // The attacker tries without pause, from many addresses, until every brake is on.
    for n in 0..20_000_u32 {
        let from = Some(IpAddr::from(n.to_be_bytes()));
        let account = if n % 2 == 0 {
            VICTIM
        } else {
            [n.to_be_bytes()[3]; 16]
        };
        if throttle.admit(account, from, false).is_ok() {
            throttle.failed(account, from, false);
        }
        if n % 64 == 0 {
            clock.advance(SECOND);
        }
    }
    // Positive control: a stranger's device is slowed.
    assert!(throttle.admit(VICTIM, address(1), false).is_err());
    assert_eq!(throttle.admit(VICTIM, address(1), true), Ok(()));
    throttle.succeeded(VICTIM, address(1));
    assert_eq!(throttle.admit(VICTIM, address(1), true), Ok(()));
}

#[test]
fn a_known_device_has_its_own_delay() {
    let (throttle, clock) = throttle();
    let waits: Vec<u64> = (0..4)
        .map(|_| fail_when_admitted(&throttle, &clock, true).as_secs())
        .collect();
    assert_eq!(waits, [0, 1, 2, 4]);
    assert_eq!(throttle.admit(VICTIM, None, false), Ok(()));
}

#[test]
fn tries_in_parallel_are_no_way_round() {
    let (throttle, _) = throttle();
    assert_eq!(throttle.admit(VICTIM, None, false), Ok(()));
    assert_eq!(throttle.admit(VICTIM, None, false), Err(RetryAfter(SECOND)));
    assert_eq!(throttle.admit([2; 16], None, false), Ok(()));
}

#[test]
fn success_and_time_make_the_delay_forgotten() {
    let (throttle, clock) = throttle();
    for _ in 0..6 {
        fail_when_admitted(&throttle, &clock, false);
    }
    assert!(throttle.admit(VICTIM, None, false).is_err());
    throttle.succeeded(VICTIM, None);
    assert_eq!(fail_when_admitted(&throttle, &clock, false), Duration::ZERO);
    assert_eq!(fail_when_admitted(&throttle, &clock, false), SECOND);
    clock.advance(FORGET);
    assert_eq!(fail_when_admitted(&throttle, &clock, false), Duration::ZERO);
    assert_eq!(fail_when_admitted(&throttle, &clock, false), SECOND);
}

#[test]
fn the_wall_clock_counts_for_nothing() {
    let (throttle, clock) = throttle();
    for _ in 0..4 {
        fail_when_admitted(&throttle, &clock, false);
    }
    let before = throttle.admit(VICTIM, None, false);
    assert!(before.is_err());
    clock.jump(86_400_000);
    assert_eq!(throttle.admit(VICTIM, None, false), before);
}

/// How many accounts one can try from `from` before a wait.
fn tries_from(throttle: &Throttle, from: impl Fn(u32) -> Option<IpAddr>) -> u32 {
    (0..1_000_u32)
        .take_while(|n| {
            let mut account = [0; 16];
            account[..4].copy_from_slice(&n.to_be_bytes());
            let admitted = throttle.admit(account, from(*n), false).is_ok();
            if admitted {
                throttle.failed(account, from(*n), false);
            }
            admitted
        })
        .count() as u32
}

#[test]
fn one_address_cannot_try_many_accounts() {
    let (throttle, clock) = throttle();
    assert_eq!(tries_from(&throttle, |_| address(1)), PER_ADDRESS.burst);
    assert_eq!(throttle.admit([9; 16], address(2), false), Ok(()));
    assert!(throttle.admit([8; 16], address(1), false).is_err());
    clock.advance(PER_ADDRESS.every);
    assert_eq!(throttle.admit([8; 16], address(1), false), Ok(()));
}

#[test]
fn a_success_buys_no_further_guesses() {
    let (throttle, _) = throttle();
    tries_from(&throttle, |_| address(1));
    for _ in 0..10 {
        throttle.admit([7; 16], address(1), true).unwrap();
        throttle.succeeded([7; 16], address(1));
    }
    assert!(throttle.admit([8; 16], address(1), false).is_err());
}

#[test]
fn a_v6_subscriber_and_a_mapped_v4_count_once() {
    let (throttle, _) = throttle();
    let host = |n: u32| {
        Some(IpAddr::from(Ipv6Addr::from_bits(
            0x2001_0db8 << 96 | u128::from(n),
        )))
    };
    assert_eq!(tries_from(&throttle, host), PER_ADDRESS.burst);
    let subnet = Some(IpAddr::from(Ipv6Addr::from_bits(
        0x2001_0db8 << 96 | 1 << 64,
    )));
    assert_eq!(throttle.admit([9; 16], subnet, false), Ok(()));

    let (throttle, _) = self::throttle();
    tries_from(&throttle, |_| address(3));
    let mapped = Some(IpAddr::from([0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0203]));
    assert!(throttle.admit([8; 16], mapped, false).is_err());
}

#[test]
fn all_addresses_together_are_braked() {
    let (throttle, _) = throttle();
    let spread = |n: u32| Some(IpAddr::from(n.to_be_bytes()));
    assert_eq!(tries_from(&throttle, spread), OFFICE.burst);
}

#[test]
fn the_message_names_the_wait() {
    let text = RetryAfter(Duration::from_millis(200)).to_string();
    assert_eq!(text, "too many failures: wait 1 s");
}

#[test]
fn tries_turned_away_in_a_flood_are_counted_and_not_told_one_by_one() {
    let (throttle, clock) = throttle();
    for _ in 0..TOLD.burst {
        assert_eq!(throttle.tell(), Some(0));
    }
    for _ in 0..1000 {
        assert_eq!(throttle.tell(), None);
    }
    clock.advance(TOLD.every);
    assert_eq!(throttle.tell(), Some(1000), "none is lost from the count");
    assert_eq!(throttle.tell(), None);
}
