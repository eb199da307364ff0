use super::*;
use crate::domain::random::SeededSource;
use crate::domain::role::Role;
use crate::domain::time::SteppedClock;

const MINUTE: Duration = Duration::from_secs(60);

fn limits() -> SessionLimits {
    SessionLimits {
        idle: 15 * MINUTE,
        absolute: 8 * 60 * MINUTE,
        per_account: 3,
    }
}

fn sessions() -> (Sessions, Arc<SteppedClock>) {
    let clock = Arc::new(SteppedClock::at(Timestamp::from_millis(1_000)));
    let random = Arc::new(SeededSource::new(1));
    let sessions = Sessions::new(limits(), random, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    (sessions, clock)
}

fn officer(n: u8) -> Subject {
    Subject {
        account: AccountId::from_bytes([n; 16]),
        roles: Roles::new([Role::Officer]).unwrap(),
        department: Some(DepartmentId::from_bytes([9; 16])),
    }
}

fn here() -> Origin {
    Origin {
        address: None,
        device: "test".to_owned(),
    }
}

fn key(n: u8) -> PrivateKey {
    PrivateKey::new(Secret::new([n; 32]))
}

#[test]
fn token_text_round_trips_and_nothing_else_parses() {
    let (sessions, _) = sessions();
    let (token, _) = sessions.start(officer(1), None).unwrap();
    let text = token.reveal();
    assert_eq!(text.len(), 56);
    assert!(text.starts_with("bgs_"));
    let again = Token::parse(&text).unwrap();
    assert!(sessions.resume(&again, here()).is_ok());

    let body = &text[4..];
    // 52 characters carry 260 bits: the last four must be zero, or one token had many texts.
    let loose = format!(
        "{}{}",
        &text[..55],
        if text.ends_with('a') { "b" } else { "7" }
    );
    for bad in [
        "",
        "bgs_",
        body,
        &format!("bgh_{body}"),
        &format!("BGS_{body}"),
        &format!("bgs_{}", body.to_uppercase()),
        &format!("{text}a"),
        &text[..55],
        &format!(" {text}"),
        &format!("bgs_{}", "1".repeat(52)),
        &format!("bgs_{}", "가".repeat(18)),
        &loose,
    ] {
        assert!(Token::parse(bad).is_none(), "{bad}");
    }
}

#[test]
fn a_session_says_who_and_opens_the_key() {
    let (sessions, _) = sessions();
    let (token, _) = sessions.start(officer(1), Some(key(5))).unwrap();
    let session = sessions.resume(&token, here()).unwrap();
    assert_eq!(session.account(), officer(1).account);
    assert_eq!(session.roles(), officer(1).roles);
    assert_eq!(session.department(), officer(1).department);
    assert_eq!(session.origin(), &here());
    assert_eq!(session.private_key().unwrap().secret().expose(), &[5; 32]);

    let (token, _) = sessions.start(officer(2), None).unwrap();
    assert!(
        sessions
            .resume(&token, here())
            .unwrap()
            .private_key()
            .is_none()
    );
}

#[test]
fn what_lies_in_memory_opens_no_key_without_the_token() {
    let (sessions, _) = sessions();
    let (token, _) = sessions.start(officer(1), Some(key(5))).unwrap();
    let (other, _) = sessions.start(officer(1), Some(key(6))).unwrap();
    let state = sessions.state();
    let sealed = state.live[&token.digest()].key.clone().unwrap();
    drop(state);
    assert!(
        !sealed.bytes.windows(8).any(|w| w == [5; 8]),
        "plaintext key in memory"
    );
    // The hash by which the session is found is in memory too, so it must not open it either.
    let by_digest = Token(Secret::new(token.digest()));
    for wrong in [&other, &by_digest] {
        let opening = SealingKey::derive(&sessions.process, wrong).unwrap();
        assert!(opening.open(&sealed).is_none());
    }
    let other_process = SealingKey::derive(&Secret::new([0; 32]), &token).unwrap();
    assert!(other_process.open(&sealed).is_none());
    // Positive control: token and process key together do.
    let opening = SealingKey::derive(&sessions.process, &token).unwrap();
    assert!(opening.open(&sealed).is_some());
}

#[test]
fn idle_and_absolute_limits_end_a_session_by_the_monotonic_clock() {
    let (sessions, clock) = sessions();
    let (token, until) = sessions.start(officer(1), None).unwrap();
    assert_eq!(until.as_millis(), 1_000 + 8 * 3_600_000);
    clock.jump(365 * 86_400_000);
    assert!(
        sessions.resume(&token, here()).is_ok(),
        "wall time ended a session"
    );
    clock.advance(15 * MINUTE - Duration::from_millis(1));
    assert!(sessions.resume(&token, here()).is_ok());
    clock.advance(15 * MINUTE);
    assert_eq!(
        sessions.resume(&token, here()).err(),
        Some(SessionError::Ended)
    );

    let (token, _) = sessions.start(officer(1), None).unwrap();
    for _ in 0..47 {
        clock.advance(10 * MINUTE);
        assert!(sessions.resume(&token, here()).is_ok());
    }
    clock.advance(10 * MINUTE);
    assert_eq!(
        sessions.resume(&token, here()).err(),
        Some(SessionError::Ended)
    );
}

#[test]
fn the_oldest_session_of_the_account_makes_room() {
    let (sessions, _) = sessions();
    let (bystander, _) = sessions.start(officer(2), None).unwrap();
    let tokens: Vec<Token> = (0..4)
        .map(|_| sessions.start(officer(1), None).unwrap().0)
        .collect();
    let alive: Vec<bool> = tokens
        .iter()
        .map(|t| sessions.resume(t, here()).is_ok())
        .collect();
    assert_eq!(alive, [false, true, true, true]);
    assert!(sessions.resume(&bystander, here()).is_ok());
}

#[test]
fn expired_sessions_do_not_pile_up() {
    let (sessions, clock) = sessions();
    for n in 0..100 {
        sessions.start(officer(n), None).unwrap();
    }
    assert_eq!(sessions.state().live.len(), 100);
    clock.advance(16 * MINUTE);
    sessions.start(officer(200), None).unwrap();
    assert_eq!(sessions.state().live.len(), 1);
}

#[test]
fn end_revoke_and_end_all_are_immediate() {
    let (sessions, _) = sessions();
    let start = |n| sessions.start(officer(n), None).unwrap().0;
    let (a, b, c, d) = (start(1), start(1), start(2), start(3));
    let alive = |token: &Token| sessions.resume(token, here()).is_ok();
    assert!(alive(&a) && alive(&b) && alive(&c) && alive(&d));
    assert_eq!(sessions.end(&a), Some(officer(1)));
    assert_eq!(sessions.end(&a), None);
    assert!(!alive(&a) && alive(&b) && alive(&c) && alive(&d));
    sessions.revoke(officer(1).account);
    assert!(!alive(&b) && alive(&c) && alive(&d));
    sessions.end_all();
    assert!(!alive(&c) && !alive(&d));
}

#[test]
fn a_token_of_another_process_is_no_session() {
    let (one, _) = sessions();
    let (token, _) = one.start(officer(1), Some(key(5))).unwrap();
    let (two, _) = sessions();
    assert_eq!(two.resume(&token, here()).err(), Some(SessionError::Ended));
}

#[test]
fn work_under_a_session_feels_its_end_whatever_ends_it() {
    let (sessions, _) = sessions();
    let begin = |n| {
        let (token, _) = sessions.start(officer(n), None).unwrap();
        let pulse = sessions.resume(&token, here()).unwrap().pulse();
        (token, pulse)
    };
    let (token, logged_out) = begin(1);
    let (_, pushed_out) = begin(2);
    let (_, revoked) = begin(3);
    let (_, other) = begin(4);
    for pulse in [&logged_out, &pushed_out, &revoked, &other] {
        assert!(pulse.beats().is_ok());
    }
    sessions.end(&token);
    for _ in 0..3 {
        begin(2);
    }
    sessions.revoke(AccountId::from_bytes([3; 16]));
    for pulse in [&logged_out, &pushed_out, &revoked] {
        assert_eq!(pulse.beats(), Err(SessionError::Ended));
    }
    assert!(other.beats().is_ok());
    sessions.end_all();
    assert_eq!(other.beats(), Err(SessionError::Ended));
}

#[test]
fn a_session_that_nobody_asks_for_any_more_ends_at_the_next_look() {
    let (sessions, clock) = sessions();
    let (token, _) = sessions.start(officer(1), None).unwrap();
    let session = sessions.resume(&token, here()).unwrap();
    let pulse = session.without_key().pulse();
    clock.advance(14 * MINUTE);
    sessions.tidy();
    assert!(pulse.beats().is_ok(), "the control");
    clock.advance(2 * MINUTE);
    assert!(pulse.beats().is_ok(), "nobody has looked");
    sessions.tidy();
    assert_eq!(pulse.beats(), Err(SessionError::Ended));
}
