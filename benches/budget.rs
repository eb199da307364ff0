//! What the budget costs on the way of a read: the check with its reservation, and the charge of
//! the entry, for one account that has opened much already, and for many threads.
#![expect(clippy::print_stdout, reason = "a benchmark is read by people")]

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bongham::audit::usage::{Load, Totals, Usage};
use bongham::config::budgets::Budgets;
use bongham::disclosure::budget::{Over, Situation};
use bongham::domain::id::{AccountId, CaseId, UnitId};
use bongham::domain::time::SystemClock;

const READS: u64 = 200_000;
/// People of one case.
const PEOPLE: u64 = 3;
/// What the issue allows for one read.
const MOST: Duration = Duration::from_micros(5);

fn case(number: u64) -> CaseId {
    let mut bytes = [0; 16];
    if let Some(begin) = bytes.first_chunk_mut::<8>() {
        *begin = number.to_le_bytes();
    }
    CaseId::from_bytes(bytes)
}

fn judge(limits: &Budgets, before: Totals, after: Totals) -> Result<(), Over> {
    let situation = Situation {
        first: limits.first(None),
        second: limits.second(None),
        raised: (0, 0),
        before,
        after,
        leaves: None,
        stepped_up: false,
        consented: false,
        night: false,
        burst: limits.burst_people,
    };
    situation.judge(|_| true).map(drop)
}

/// One read: check and reserve, charge, entry durable.
fn read(usage: &Usage, limits: &Budgets, account: AccountId, number: u64) {
    let cases = [case(number)];
    let mut people = [UnitId::from_u64(0); PEOPLE as usize];
    for (nth, unit) in (0..).zip(&mut people) {
        *unit = UnitId::from_u64(number * PEOPLE + nth);
    }
    let load = Load {
        cases: &cases,
        people: &people,
        outputs: 0,
    };
    let judged = usage.reserve(account, load, |before, after| judge(limits, before, after));
    let charge = usage.charge(account, load);
    drop(judged);
    drop(charge);
}

fn told(what: &str, took: Duration, reads: u64) -> bool {
    let each = took.as_nanos() / u128::from(reads.max(1));
    println!("{what}: {each} ns a read");
    each <= MOST.as_nanos()
}

fn main() -> Result<(), String> {
    let usage = Arc::new(Usage::new(Arc::new(SystemClock::default()), None));
    let limits = Arc::new(Budgets::unbounded());
    let account = |n| AccountId::from_bytes([n; 16]);
    let mut good = true;
    for (what, modulus) in [
        ("the same 100 cases again and again", 100),
        (
            "every case new, up to what is remembered and beyond",
            u64::MAX,
        ),
    ] {
        let start = Instant::now();
        for number in 0..READS {
            read(&usage, &limits, account(1), number % modulus);
        }
        good &= told(what, start.elapsed(), READS);
    }
    let threads = 8;
    let start = Instant::now();
    let working: Vec<_> = (0..threads)
        .map(|n: u8| {
            let (usage, limits) = (Arc::clone(&usage), Arc::clone(&limits));
            thread::spawn(move || {
                for number in 0..READS / 8 {
                    read(&usage, &limits, AccountId::from_bytes([10 + n; 16]), number);
                }
            })
        })
        .collect();
    for thread in working {
        thread.join().map_err(|_| "a thread stopped".to_owned())?;
    }
    good &= told("8 people at once", start.elapsed(), READS);
    if good {
        Ok(())
    } else {
        Err("slower than 5 µs a read".to_owned())
    }
}
