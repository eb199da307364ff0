//! What a request is bound to, and for how long.

use super::*;

fn account(byte: u8) -> AccountId {
    AccountId::from_bytes([byte; 16])
}

fn person(byte: u8, version: u32) -> Person {
    Person {
        account: account(byte),
        key: KeyShown {
            version,
            fingerprint: None,
        },
    }
}

fn grant() -> Asked {
    Asked::GrantRole {
        to: person(2, 1),
        role: Role::HumanRightsOfficer,
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn asked_at(asked: Asked, created: Timestamp) -> Approval {
    let id = ApprovalId::from_bytes([1; 16]);
    Approval::new(id, asked, account(3), vec![account(4)], created)
}

#[test]
fn an_open_request_dies_with_time_and_with_a_clock_that_jumps_back() {
    let created = at(1_000_000_000);
    let approval = asked_at(grant(), created);
    assert_eq!(approval.state_at(created), ApprovalState::Open);
    let late = approval.state_at(created.plus(LIFETIME));
    assert_eq!(late, ApprovalState::Expired);
    assert_eq!(approval.state_at(at(0)), ApprovalState::Expired);
}

#[test]
fn an_approval_that_waits_to_be_spent_dies_too_but_one_carried_out_stays() {
    let created = at(1_000_000_000);
    let decided = created.plus(LIFETIME / 2);
    let approved = |asked| Approval {
        state: ApprovalState::Approved,
        decided: Some(Decided {
            by: account(9),
            roles: Roles::default(),
            at: decided,
        }),
        ..asked_at(asked, created)
    };
    let deferred = approved(hand_over(1));
    // Half an hour from the decision, not from the request.
    let in_time = deferred.state_at(created.plus(LIFETIME));
    assert_eq!(in_time, ApprovalState::Approved);
    for now in [created, decided.plus(LIFETIME)] {
        assert_eq!(deferred.state_at(now), ApprovalState::Expired);
    }
    let carried_out = approved(grant());
    let later = carried_out.state_at(decided.plus(LIFETIME * 9));
    assert_eq!(later, ApprovalState::Approved);
}

fn hand_over(hash: u8) -> Asked {
    Asked::HandOver {
        count: 1,
        named: vec![RetainedId::from_bytes([1; 16])],
        archive: "a".to_owned(),
        reason: "r".to_owned(),
        items_hash: [hash; 32],
    }
}

/// One changed thing of the hand-over, and of the destruction of an item.
fn handed_over() -> Vec<Asked> {
    let with = |count, named: &[u8], archive: &str, reason: &str| Asked::HandOver {
        count,
        named: named
            .iter()
            .map(|byte| RetainedId::from_bytes([*byte; 16]))
            .collect(),
        archive: archive.to_owned(),
        reason: reason.to_owned(),
        items_hash: [1; 32],
    };
    vec![
        hand_over(1),
        hand_over(2),
        with(2, &[1], "a", "r"),
        with(1, &[2], "a", "r"),
        with(1, &[], "a", "r"),
        with(1, &[1], "b", "r"),
        with(1, &[1], "a", "s"),
    ]
}

fn destroyed() -> Vec<Asked> {
    let order = |(item, units),
                 (law, article): (&str, &str),
                 decision: Option<&str>,
                 reason: &str,
                 hash| {
        Asked::Destroy {
            item: RetainedId::from_bytes([item; 16]),
            units,
            basis: (law.to_owned(), article.to_owned()),
            decision: decision.map(str::to_owned),
            reason: reason.to_owned(),
            order_hash: [hash; 32],
        }
    };
    vec![
        order((1, 3), ("l", "a"), None, "r", 1),
        order((2, 3), ("l", "a"), None, "r", 1),
        order((1, 4), ("l", "a"), None, "r", 1),
        order((1, 3), ("m", "a"), None, "r", 1),
        order((1, 3), ("l", "b"), None, "r", 1),
        order((1, 3), ("l", "a"), Some("d"), "r", 1),
        order((1, 3), ("l", "a"), None, "s", 1),
        order((1, 3), ("l", "a"), None, "r", 2),
    ]
}

/// Requests of one kind: the first, and one for each part of it that differs from the first in that
/// part alone.
fn variants() -> Vec<Vec<Asked>> {
    let keyed = |fingerprint: u8| {
        let key = crate::crypto::wrap::PublicKey::from_bytes([fingerprint; 32]);
        Person {
            key: KeyShown {
                version: 1,
                fingerprint: Some(key.fingerprint()),
            },
            ..person(2, 1)
        }
    };
    // A person is who, by which version, with which fingerprint.
    let people = [person(2, 1), person(5, 1), person(2, 2), keyed(1), keyed(2)];
    let of_each = |asked: fn(Person) -> Asked| people.map(asked).to_vec();
    let role_of = |asked: fn(Person, Role) -> Asked| {
        let mut all: Vec<Asked> = people.map(|to| asked(to, Role::Officer)).to_vec();
        all.push(asked(people[0], Role::Lead));
        all
    };
    let seat = |department, members: &[Person]| Asked::SeatDesk {
        department: DepartmentId::from_bytes([department; 16]),
        members: members.to_vec(),
    };
    let mut seats: Vec<Asked> = people.map(|member| seat(1, &[member])).to_vec();
    seats.extend([
        seat(2, &people[..1]),
        seat(1, &[]),
        seat(1, &people[..2]),
        seat(1, &[people[1], people[0]]),
    ]);
    let item = |byte| RetainedId::from_bytes([byte; 16]);
    let open = |item, purpose, reason| Asked::OpenRetained {
        item,
        purpose,
        reason: String::from(reason),
    };
    let holds = |all: &[(u8, i64)]| -> Vec<Standing> {
        let one = |(by, millis): &(u8, i64)| Standing {
            by: account(*by),
            at: at(*millis),
        };
        all.iter().map(one).collect()
    };
    let case = |byte| CaseId::from_bytes([byte; 16]);
    let lift = |case, ground: &str, reason: &str, standing: &[(u8, i64)]| Asked::LiftHold {
        case,
        ground: ground.to_owned(),
        reason: reason.to_owned(),
        standing: holds(standing),
    };
    let lift_item =
        |item, ground: &str, reason: &str, standing: &[(u8, i64)]| Asked::LiftItemHold {
            item,
            ground: ground.to_owned(),
            reason: reason.to_owned(),
            standing: holds(standing),
        };
    let renew = |item, until, decision: Option<&str>, reason: &str| Asked::RenewTerm {
        item,
        until: at(until),
        decision: decision.map(str::to_owned),
        reason: reason.to_owned(),
    };
    let more = |people, cases, reason: &str| Asked::RaiseBudget {
        people,
        cases,
        reason: reason.to_owned(),
    };
    vec![
        role_of(|to, role| Asked::GrantRole { to, role }),
        role_of(|of, role| Asked::TakeRole { of, role }),
        seats,
        of_each(|of| Asked::ResetAccount { of }),
        of_each(|of| Asked::DisableAccount { of }),
        vec![
            open(item(1), Purpose::Legal, "a"),
            open(item(2), Purpose::Legal, "a"),
            open(item(1), Purpose::SubjectRequest, "a"),
            open(item(1), Purpose::Legal, "b"),
        ],
        handed_over(),
        destroyed(),
        vec![
            lift(case(1), "a", "r", &[(1, 1)]),
            lift(case(2), "a", "r", &[(1, 1)]),
            lift(case(1), "b", "r", &[(1, 1)]),
            lift(case(1), "a", "s", &[(1, 1)]),
            lift(case(1), "a", "r", &[(2, 1)]),
            lift(case(1), "a", "r", &[(1, 2)]),
            lift(case(1), "a", "r", &[(1, 1), (1, 1)]),
        ],
        vec![
            lift_item(item(1), "a", "r", &[(1, 1)]),
            lift_item(item(2), "a", "r", &[(1, 1)]),
            lift_item(item(1), "b", "r", &[(1, 1)]),
            lift_item(item(1), "a", "s", &[(1, 1)]),
            lift_item(item(1), "a", "r", &[(2, 1)]),
            lift_item(item(1), "a", "r", &[(1, 2)]),
            lift_item(item(1), "a", "r", &[(1, 1), (1, 1)]),
        ],
        vec![
            renew(item(1), 1, None, "r"),
            renew(item(2), 1, None, "r"),
            renew(item(1), 2, None, "r"),
            renew(item(1), 1, Some("d"), "r"),
            renew(item(1), 1, None, "s"),
        ],
        vec![
            more(1, 2, "r"),
            more(2, 2, "r"),
            more(1, 1, "r"),
            more(1, 2, "s"),
        ],
        taken_out(),
    ]
}

fn taken_out() -> Vec<Asked> {
    let first = TakeOut {
        manifest_hash: [1; 32],
        form: "csv".to_owned(),
        purpose: Purpose::Legal,
        reason: "r".to_owned(),
        template: "t".to_owned(),
        copies: 1,
        cases: 2,
        sensitive: 0,
        people: 3,
        unmasked: false,
        receiver: "a".to_owned(),
        lock: Lock::Passphrase,
        responsible: account(2),
        destroy_by: Some(at(1)),
        named: vec!["1".to_owned()],
    };
    let changes: [fn(&mut TakeOut); 18] = [
        |_| (),
        |t| t.manifest_hash = [2; 32],
        |t| t.form = "xlsx".to_owned(),
        |t| t.purpose = Purpose::Handling,
        |t| t.reason = "s".to_owned(),
        |t| t.template = "u".to_owned(),
        |t| t.copies = 2,
        |t| t.cases = 3,
        |t| t.sensitive = 1,
        |t| t.people = 4,
        |t| t.unmasked = true,
        |t| t.receiver = "b".to_owned(),
        |t| t.lock = Lock::Paper,
        |t| t.lock = Lock::Key("age1".to_owned()),
        |t| t.responsible = account(5),
        |t| t.destroy_by = Some(at(2)),
        |t| t.destroy_by = None,
        |t| t.named = vec!["2".to_owned()],
    ];
    let changed = |change: fn(&mut TakeOut)| {
        let mut taken = first.clone();
        change(&mut taken);
        Asked::TakeOut(Box::new(taken))
    };
    changes.map(changed).to_vec()
}

#[test]
fn every_part_of_a_request_is_in_its_hash() {
    let kinds = variants();
    let all: Vec<&Asked> = kinds.iter().flatten().collect();
    let mut hashes: Vec<_> = all.iter().map(|asked| asked.hash(account(3))).collect();
    // Who asks is a part, and so is the kind: some kinds hold the same.
    hashes.push(all[0].hash(account(4)));
    for (n, hash) in hashes.iter().enumerate() {
        let same = hashes.iter().position(|other| other == hash);
        assert_eq!(same, Some(n), "{:?}", all.get(n));
    }
    let names: std::collections::BTreeSet<_> = all.iter().map(|asked| asked.kind()).collect();
    assert_eq!(names.len(), KINDS, "a kind is not in this table");
    assert_eq!(kinds.len(), KINDS);
    // The control: the same request has the same hash.
    assert_eq!(grant().hash(account(3)), grant().hash(account(3)));
}

/// How many kinds there are; a new one has its place in [`place`], or nothing here compiles.
const KINDS: usize = 13;

#[test]
fn the_number_of_kinds_is_that_of_the_table() {
    const fn place(asked: &Asked) -> usize {
        match asked {
            Asked::GrantRole { .. } => 0,
            Asked::TakeRole { .. } => 1,
            Asked::SeatDesk { .. } => 2,
            Asked::ResetAccount { .. } => 3,
            Asked::DisableAccount { .. } => 4,
            Asked::OpenRetained { .. } => 5,
            Asked::HandOver { .. } => 6,
            Asked::Destroy { .. } => 7,
            Asked::LiftHold { .. } => 8,
            Asked::LiftItemHold { .. } => 9,
            Asked::RenewTerm { .. } => 10,
            Asked::RaiseBudget { .. } => 11,
            Asked::TakeOut(_) => 12,
        }
    }
    let places: Vec<usize> = variants().iter().map(|kind| place(&kind[0])).collect();
    assert_eq!(places, (0..KINDS).collect::<Vec<_>>());
}

#[test]
fn parts_cannot_be_shifted_into_each_other_and_labels_keep_things_apart() {
    let hash = |label, parts: &[&[u8]]| content_hash(label, parts.iter().copied());
    let whole = hash("items", &[b"ab", b"c"]);
    assert_ne!(whole, hash("items", &[b"a", b"bc"]));
    assert_ne!(whole, hash("items", &[b"abc"]));
    assert_ne!(whole, hash("items", &[b"ab", b"c", b""]));
    assert_ne!(whole, hash("order", &[b"ab", b"c"]));
    assert_eq!(whole, hash("items", &[b"ab", b"c"]));
}

#[test]
fn the_encoding_of_a_request_is_the_one_written_down() {
    // By hand: eight bytes of length before each part, and before each part of the content.
    let part = |bytes: &[u8]| {
        let mut all = (bytes.len() as u64).to_be_bytes().to_vec();
        all.extend(bytes);
        all
    };
    let content = [
        part(&[2; 16]),
        part(&1_u32.to_be_bytes()),
        part(b""),
        part(b"human_rights_officer"),
    ]
    .concat();
    let whole = [
        part(b"bongham approval request v1"),
        part(b"grant_role"),
        part(&content),
        part(&[3; 16]),
    ]
    .concat();
    let digest = ring::digest::digest(&ring::digest::SHA256, &whole);
    assert_eq!(grant().hash(account(3)), digest.as_ref());
}

#[test]
fn nobody_with_a_part_in_it_is_the_second_person() {
    let approval = asked_at(grant(), at(0));
    for barred in [2, 3, 4] {
        assert!(approval.bars(account(barred)), "{barred}");
    }
    assert!(!approval.bars(account(5)));
}

#[test]
fn a_request_belongs_to_who_made_it_and_to_what_was_asked() {
    let approval = asked_at(grant(), at(0));
    assert!(approval.is_for(&grant(), account(3)));
    assert!(!approval.is_for(&grant(), account(4)));
    let other = Asked::GrantRole {
        to: person(2, 2),
        role: Role::HumanRightsOfficer,
    };
    assert!(!approval.is_for(&other, account(3)));
}
