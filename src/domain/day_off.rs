//! Days on which an office rests: weekends and public holidays (관공서의 공휴일에 관한 규정).

use std::ops::RangeInclusive;

use jiff::civil::{Date, Weekday, date};

/// Years whose public holidays are known here.
pub const COVERED: RangeInclusive<i16> = 2026..=2030;

/// Public holidays that are not on a weekend, with substitutes (대체공휴일) and the elections whose
/// day the law fixes. 노동절 and 제헌절 are among them from 2026 on. Not here: days that the government
/// sets for once (임시공휴일) and the election of a president, whose term may end early; an office adds
/// them in its configuration.
const HOLIDAYS: [Date; 81] = [
    date(2026, 1, 1),
    date(2026, 2, 16),
    date(2026, 2, 17),
    date(2026, 2, 18),
    date(2026, 3, 2),
    date(2026, 5, 1),
    date(2026, 5, 5),
    date(2026, 5, 25),
    date(2026, 6, 3),
    date(2026, 7, 17),
    date(2026, 8, 17),
    date(2026, 9, 24),
    date(2026, 9, 25),
    date(2026, 10, 5),
    date(2026, 10, 9),
    date(2026, 12, 25),
    date(2027, 1, 1),
    date(2027, 2, 8),
    date(2027, 2, 9),
    date(2027, 3, 1),
    date(2027, 5, 3),
    date(2027, 5, 5),
    date(2027, 5, 13),
    date(2027, 7, 19),
    date(2027, 8, 16),
    date(2027, 9, 14),
    date(2027, 9, 15),
    date(2027, 9, 16),
    date(2027, 10, 4),
    date(2027, 10, 11),
    date(2027, 12, 27),
    date(2028, 1, 26),
    date(2028, 1, 27),
    date(2028, 1, 28),
    date(2028, 3, 1),
    date(2028, 4, 12),
    date(2028, 5, 1),
    date(2028, 5, 2),
    date(2028, 5, 5),
    date(2028, 6, 6),
    date(2028, 7, 17),
    date(2028, 8, 15),
    date(2028, 10, 2),
    date(2028, 10, 3),
    date(2028, 10, 4),
    date(2028, 10, 5),
    date(2028, 10, 9),
    date(2028, 12, 25),
    date(2029, 1, 1),
    date(2029, 2, 12),
    date(2029, 2, 13),
    date(2029, 2, 14),
    date(2029, 3, 1),
    date(2029, 5, 1),
    date(2029, 5, 7),
    date(2029, 5, 21),
    date(2029, 6, 6),
    date(2029, 7, 17),
    date(2029, 8, 15),
    date(2029, 9, 21),
    date(2029, 9, 24),
    date(2029, 10, 3),
    date(2029, 10, 9),
    date(2029, 12, 25),
    date(2030, 1, 1),
    date(2030, 2, 4),
    date(2030, 2, 5),
    date(2030, 3, 1),
    date(2030, 5, 1),
    date(2030, 5, 6),
    date(2030, 5, 9),
    date(2030, 6, 6),
    date(2030, 6, 12),
    date(2030, 7, 17),
    date(2030, 8, 15),
    date(2030, 9, 11),
    date(2030, 9, 12),
    date(2030, 9, 13),
    date(2030, 10, 3),
    date(2030, 10, 9),
    date(2030, 12, 25),
];

/// Whether it is a Saturday, a Sunday or a public holiday. A holiday that is missing only makes an
/// office's own due date earlier than the law's, never later.
pub fn is_public(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) || HOLIDAYS.contains(&day)
}

/// Whether the public holidays of this day's year are known here.
pub fn is_covered(day: Date) -> bool {
    COVERED.contains(&day.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the rule gives a year: the fixed days, three days around 설날 and 추석 each, 부처님오신날,
    /// and a substitute where the rule has one. Days of the moon are those of the national calendar.
    fn by_rule(year: i16) -> Vec<Date> {
        let (seollal, buddha, chuseok) = match year {
            2026 => (date(2026, 2, 17), date(2026, 5, 24), date(2026, 9, 25)),
            2027 => (date(2027, 2, 7), date(2027, 5, 13), date(2027, 9, 15)),
            2028 => (date(2028, 1, 27), date(2028, 5, 2), date(2028, 10, 3)),
            2029 => (date(2029, 2, 13), date(2029, 5, 20), date(2029, 9, 22)),
            _ => (date(2030, 2, 3), date(2030, 5, 9), date(2030, 9, 12)),
        };
        let around = |day: Date| [day.yesterday().unwrap(), day, day.tomorrow().unwrap()];
        let moons = [around(seollal), around(chuseok)].concat();
        // New Year's Day and 현충일 have no substitute.
        let bare = [date(year, 1, 1), date(year, 6, 6)];
        let fixed = [
            (3, 1),
            (5, 1),
            (5, 5),
            (7, 17),
            (8, 15),
            (10, 3),
            (10, 9),
            (12, 25),
        ];
        let fixed = fixed.map(|(month, day)| date(year, month, day));
        let fixed = [&fixed[..], &[buddha]].concat();
        let mut days: Vec<Date> = [&moons[..], &bare, &fixed].concat();
        let weekend = |day: Date| matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let mut missed: Vec<Date> = fixed.iter().copied().filter(|day| weekend(*day)).collect();
        missed.extend(moons.iter().filter(|day| day.weekday() == Weekday::Sunday));
        // On a working day with another one: one of the two is made good.
        let same = |day: &&Date| !weekend(**day) && fixed.contains(day);
        missed.extend(moons.iter().filter(same));
        missed.sort_unstable();
        for day in missed {
            let mut next = day.tomorrow().unwrap();
            while weekend(next) || days.contains(&next) {
                next = next.tomorrow().unwrap();
            }
            days.push(next);
        }
        days.extend([date(2026, 6, 3), date(2028, 4, 12), date(2030, 6, 12)]);
        days.retain(|day| day.year() == year && !weekend(*day));
        days.sort_unstable();
        days.dedup();
        days
    }

    #[test]
    fn the_table_is_what_the_rule_gives_for_every_year_that_is_covered() {
        for year in COVERED {
            let table: Vec<Date> = HOLIDAYS
                .into_iter()
                .filter(|day| day.year() == year)
                .collect();
            assert_eq!(table, by_rule(year), "{year}");
        }
        assert!(HOLIDAYS.iter().all(|day| is_covered(*day)));
    }

    #[test]
    fn days_off_are_weekends_and_public_holidays() {
        for day in [date(2026, 10, 3), date(2026, 10, 4), date(2026, 10, 5)] {
            assert!(is_public(day), "{day}");
        }
        assert!(!is_public(date(2026, 10, 6)), "the control");
        assert!(is_covered(date(2030, 12, 31)) && !is_covered(date(2031, 1, 1)));
    }
}
