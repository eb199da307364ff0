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
    let deferred = approved(Asked::HandOver {
        items_hash: [7; 32],
    });
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

#[test]
fn every_part_of_a_request_is_in_its_hash() {
    let hash = [7; 32];
    let key = |fingerprint: u8| {
        let key = crate::crypto::wrap::PublicKey::from_bytes([fingerprint; 32]);
        Person {
            account: account(2),
            key: KeyShown {
                version: 1,
                fingerprint: Some(key.fingerprint()),
            },
        }
    };
    let department = |byte| DepartmentId::from_bytes([byte; 16]);
    let seat = |byte, members| Asked::SeatDesk {
        department: department(byte),
        members,
    };
    let open = |item, purpose, reason| Asked::OpenRetained {
        item: RetainedId::from_bytes([item; 16]),
        purpose,
        reason_hash: text_hash(reason),
    };
    let lift = |case, ground: &str| Asked::LiftHold {
        case: CaseId::from_bytes([case; 16]),
        ground: ground.to_owned(),
        standing_hash: [case; 32],
    };
    let role = |to, role| Asked::GrantRole { to, role };
    let all = [
        role(person(2, 1), Role::HumanRightsOfficer),
        role(person(2, 1), Role::Auditor),
        role(person(2, 2), Role::HumanRightsOfficer),
        role(person(5, 1), Role::HumanRightsOfficer),
        role(key(1), Role::HumanRightsOfficer),
        role(key(2), Role::HumanRightsOfficer),
        seat(1, vec![]),
        seat(1, vec![person(2, 1)]),
        seat(1, vec![person(2, 2)]),
        seat(1, vec![person(2, 1), person(5, 1)]),
        seat(1, vec![person(5, 1), person(2, 1)]),
        seat(2, vec![person(2, 1)]),
        Asked::ResetAccount { of: person(2, 1) },
        Asked::ResetAccount { of: person(2, 2) },
        open(1, Purpose::Legal, "a"),
        open(1, Purpose::Legal, "b"),
        open(1, Purpose::SubjectRequest, "a"),
        open(2, Purpose::Legal, "a"),
        Asked::HandOver { items_hash: hash },
        Asked::HandOver {
            items_hash: [8; 32],
        },
        Asked::Destroy { order_hash: hash },
        Asked::LiftItemHold {
            item: RetainedId::from_bytes([1; 16]),
            ground: "a".to_owned(),
            reason_hash: hash,
        },
        renew(1, None),
        renew(1, Some("d")),
        renew(2, None),
        lift(1, "a"),
        lift(1, "ab"),
        lift(2, "a"),
    ];
    let mut hashes: Vec<_> = all.iter().map(|asked| asked.hash(account(3))).collect();
    hashes.push(all[0].hash(account(4)));
    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
    // The control: the same request has the same hash.
    assert_eq!(grant().hash(account(3)), all[0].hash(account(3)));
}

fn renew(until: i64, decision: Option<&str>) -> Asked {
    Asked::RenewTerm {
        item: RetainedId::from_bytes([1; 16]),
        until: Timestamp::from_millis(until),
        decision: decision.map(str::to_owned),
        reason_hash: [7; 32],
    }
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
    assert_eq!(text_hash("사유"), hash("text", &["사유".as_bytes()]));
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
    let digest = ring::digest::digest(&SHA256, &whole);
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
