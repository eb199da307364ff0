use std::collections::BTreeMap;

use super::*;
use crate::cases::draft::{Channel, Classification, Part};
use crate::cases::view::{AdditionView, CaseState, GoneView, PersonView};
use crate::domain::tier::UnitKind;

fn table(rule: fn(&str) -> String, rows: &[(&str, &str)]) {
    for (value, masked) in rows {
        assert_eq!(rule(value), *masked, "{value}");
    }
}

#[test]
fn names_are_masked_by_letter() {
    table(
        name,
        &[
            ("", ""),
            ("홍", "*"),
            ("홍길", "홍*"),
            ("홍길동", "홍*동"),
            ("남궁민수", "남**수"),
            ("독고영재민", "독***민"),
            ("홍 길동", "홍 *동"),
            ("洪吉童", "洪*童"),
            ("李白", "李*"),
            ("Alexander Smith", "Alex***** *****"),
            ("Kim", "K**"),
            ("Anna", "An**"),
            ("Bo", "B*"),
            ("José María", "José *****"),
            ("Wu-Lin", "Wu-***"),
            ("홍길동(Hong)", "홍*******)"),
            ("Иван Петров", "И*** *****в"),
        ],
    );
}

#[test]
fn a_letter_is_what_a_reader_takes_for_one() {
    // Decomposed jamo, as some systems send them.
    let decomposed: String = "홍길동".nfd().collect();
    assert_ne!(decomposed, "홍길동");
    assert_eq!(name(&decomposed), "홍*동");
    // Old Hangul, a Hanja with a variation selector, a family: each one letter.
    table(
        name,
        &[
            (
                "\u{1112}\u{119e}\u{11ab}길동",
                "\u{1112}\u{119e}\u{11ab}*동",
            ),
            ("葛\u{e0100}城太", "葛\u{e0100}*太"),
            ("👨‍👩‍👧나다", "👨‍👩‍👧*다"),
            ("e\u{301}ва", "é*а"),
        ],
    );
}

#[test]
fn telephones_keep_area_and_last_four() {
    table(
        telephone,
        &[
            ("010-1234-5678", "010-****-5678"),
            ("01012345678", "010****5678"),
            ("011-234-5678", "011-***-5678"),
            ("02-123-4567", "02-***-4567"),
            ("02-1234-5678", "02-****-5678"),
            ("031) 123-4567", "031) ***-4567"),
            ("0504-1234-5678", "0504-****-5678"),
            ("+82 10-1234-5678", "+82 10-****-5678"),
            ("+82-2-123-4567", "+82-2-***-4567"),
            ("０１０－１２３４－５６７８", "０１０－****－５６７８"),
            ("555-1234", "***-1234"),
            ("12345", "*****"),
            ("없음", "**"),
            ("010-1234-5678 (아들)", "010-****-5678 (**)"),
        ],
    );
}

#[test]
fn e_mail_addresses_keep_two_letters_and_the_host() {
    table(
        email,
        &[
            ("gildong@example.org", "gi***@example.org"),
            ("ab@example.org", "a***@example.org"),
            ("a@example.org", "***@example.org"),
            ("홍길동@예시.한국", "홍길***@예시.한국"),
            ("no address", "***"),
        ],
    );
}

#[test]
fn addresses_end_at_the_road_or_the_village() {
    table(
        address,
        &[
            (
                "서울특별시 중구 세종대로 110",
                "서울특별시 중구 세종대로 ***",
            ),
            (
                "서울특별시 중구 세종대로110, 5층",
                "서울특별시 중구 세종대로 ***",
            ),
            (
                "(04524) 서울 중구 세종대로 110 (태평로1가)",
                "서울 중구 세종대로 ***",
            ),
            (
                "서울 강남구 테헤란로 123길 45, 101동 1203호",
                "서울 강남구 테헤란로 123길 ***",
            ),
            (
                "경기도 양평군 용문면 용문로12번길 3-4",
                "경기도 양평군 용문면 용문로12번길 ***",
            ),
            ("서울 중구 태평로1가 31-2", "서울 중구 태평로1가 ***"),
            (
                "전북 완주군 소양면 화심리 산 12",
                "전북 완주군 소양면 화심리 ***",
            ),
            ("서울시 강남구 101동 203호", "서울시 강남구 ***"),
            ("12 High Street, London", "***"),
            ("홍길동네 집", "***"),
            ("", "***"),
        ],
    );
}

#[test]
fn numbers_of_people_in_a_text_are_found_however_they_are_written() {
    let none = Known::default();
    for (value, masked) in [
        (
            "주민번호 850203-9012342 입니다",
            "주민번호 850203-******* 입니다",
        ),
        ("8502039012342", "850203-*******"),
        ("850203 9012342", "850203-*******"),
        ("850203 - 9012342.", "850203-*******."),
        ("８５０２０３－９０１２３４２", "８５０２０３-*******"),
        ("(991231-0001231)", "(991231-*******)"),
        // No day that anybody was born on; a number that is longer; another one.
        ("851303-9012342", "851303-9012342"),
        ("850233-9012342", "850233-9012342"),
        ("850203-90123421", "850203-90123421"),
        ("18502039012342", "18502039012342"),
        ("접수 2018-00001", "접수 2018-00001"),
        ("전화는 010-1234-5678로", "전화는 010-****-5678로"),
        ("01012345678", "010****5678"),
        ("+82 10-1234-5678", "+82 10-****-5678"),
        ("전화010-1234-5678", "전화010-****-5678"),
        ("연락처는01012345678입니다", "연락처는010****5678입니다"),
        ("(02) 123-4567", "(02) ***-4567"),
        ("031) 123-4567", "031) ***-4567"),
        ("010 - 1234 - 5678", "010 - **** - 5678"),
        ("010. 1234. 5678", "010. ****. 5678"),
        ("０１０－１２３４－５６７８", "０１０－****－５６７８"),
        ("+82 010-1234-5678", "+82 01*-****-5678"),
        ("+82 (0)10-1234-5678", "+82 (0)1*-****-5678"),
        ("0 1 0 1 2 3 4 5 6 7 8", "0 1 0 * * * * 5 6 7 8"),
        ("1588-1234", "****-1234"),
        // What follows it, and what stands before it, is no part of it.
        ("010-1234-5678. 2026년 3월", "010-****-5678. 2026년 3월"),
        ("010-1234-5678 2026-11-25", "010-****-5678 2026-11-25"),
        ("010-1234-5678 02-123-4567", "010-****-5678 02-***-4567"),
        ("2026-11-25 010-1234-5678", "2026-11-25 010-****-5678"),
        ("2026. 11. 02. 010-1234-5678", "2026. 11. 02. 010-****-5678"),
        // Dates, register numbers, amounts, a number of something else.
        ("2026-11-25", "2026-11-25"),
        ("2026. 01. 25. 09. 30. 15", "2026. 01. 25. 09. 30. 15"),
        ("접수2026-000123", "접수2026-000123"),
        (
            "접수번호 2026-000123 - 2026-000124",
            "접수번호 2026-000123 - 2026-000124",
        ),
        ("금액 1,012,345,678원", "금액 1,012,345,678원"),
        (
            "금액 12,000,000 - 15,000,000원",
            "금액 12,000,000 - 15,000,000원",
        ),
        ("1588 - 1592", "1588 - 1592"),
        ("SN01012345678", "SN01012345678"),
        // Behind a dash, a bullet, or what telephones are called by.
        ("연락처-010-1234-5678", "연락처-010-****-5678"),
        ("- 전화-01012345678", "- 전화-010****5678"),
        ("-010-1234-5678", "-010-****-5678"),
        ("HP010-1234-5678", "HP010-****-5678"),
        ("hp-010-1234-5678", "hp-010-****-5678"),
        ("tel02-123-4567", "tel02-***-4567"),
        ("T.010-1234-5678", "T.010-****-5678"),
        ("M010 1234 5678", "M010 **** 5678"),
        ("Mobile:+82-10-1234-5678", "Mobile:+82-10-****-5678"),
        ("010/1234/5678", "010/****/5678"),
        ("010·1234·5678", "010·****·5678"),
        ("010\n1234-5678", "010\n****-5678"),
        ("850203.9012342", "850203-*******"),
        ("850203/9012342", "850203-*******"),
        ("850203\t9012342", "850203-*******"),
        ("850203\r\n9012342", "850203-*******"),
        ("850203 _ 9012342", "850203-*******"),
        // Numbers of cases, of receipts and of things, dates and amounts.
        ("1AA-1804-0123456", "1AA-1804-0123456"),
        ("2018-010-1234567", "2018-010-1234567"),
        ("SN-01012345678", "SN-01012345678"),
        ("ABC010-1234-5678", "ABC010-1234-5678"),
        ("XT01012345678", "XT01012345678"),
        ("제2026-0123-4567호", "제2026-0123-4567호"),
        ("7KQ4M-2XA0D", "7KQ4M-2XA0D"),
        ("s2026-000123", "s2026-000123"),
        ("07/17/2018 1030", "07/17/2018 1030"),
        ("02/28 12:30", "02/28 12:30"),
        ("850203 그리고 9012342", "850203 그리고 9012342"),
        ("850203 ~~~ 9012342", "850203 ~~~ 9012342"),
        ("메일 gildong@example.org.", "메일 gi***@example.org."),
        ("@팀장 a@b", "@팀장 a@b"),
        ("2018년 7월 17일 12:30", "2018년 7월 17일 12:30"),
    ] {
        assert_eq!(text(value, &none), masked, "{value}");
    }
}

fn case() -> CaseView {
    let person = |name: &str, telephone: Option<&str>| PersonView {
        id: "1".into(),
        part: Part::Petitioner,
        name: name.into(),
        telephone: telephone.map(str::to_owned),
        email: Some("gildong@example.org".into()),
        address: Some("서울특별시 중구 세종대로 110".into()),
        note: Some("홍길동의 형 850203-9012342".into()),
    };
    CaseView {
        id: "1".into(),
        number: "2018-00001".into(),
        receipt: "r".into(),
        tier: Classification::Ordinary,
        class: "질의".into(),
        state: CaseState::Assigned,
        channel: Channel::Visit,
        department: "D1".into(),
        registered_at: "2018-07-17T00:00:00Z".into(),
        received_at: "2018-07-17T00:00:00Z".into(),
        closed_at: None,
        external_number: None,
        assignees: vec!["kim".into()],
        title: Some("홍길동의 민원".into()),
        narrative: Some("저는 홍길동, 서울특별시 중구 세종대로 110에 삽니다. 7000-1.".into()),
        attributes: Some(BTreeMap::from([("연락".into(), "010-1234-5678".into())])),
        additions: vec![AdditionView {
            id: "2".into(),
            added_at: "2018-07-18T00:00:00Z".into(),
            statement: "홍길동 올림".into(),
        }],
        people: Some(vec![
            person("홍길동", Some("010-1234-5678")),
            person("김", None),
        ]),
        gone: Vec::new(),
    }
}

#[test]
fn a_name_is_found_however_it_is_set_apart() {
    let mut people = case().people.unwrap();
    people[1].name = "김 구".into();
    people[1].telephone = Some("02-123-4567".into());
    let mut latin = people[1].clone();
    latin.name = "Alex Smith".into();
    people.push(latin);
    let known = Known::of(&people);
    for (value, masked) in [
        ("홍 길동이 왔다", "홍 *동이 왔다"),
        ("홍  길\n동", "홍  * 동"),
        ("홍길동씨", "홍*동씨"),
        ("김구", "김*"),
        ("김  구의", "김  *의"),
        ("ALEX SMITH", "ALEX *****"),
        ("02)1234567", "02)***4567"),
        ("gildong @example.org", "gi***@example.org"),
        (
            "서울특별시 중구\n세종대로 110에",
            "서울특별시 중구 세종대로 ***에",
        ),
        // No names.
        ("홍, 길동", "홍, 길동"),
        ("홍   길동", "홍   길동"),
        ("물김 구이", "물김 구이"),
        ("길동이", "길동이"),
    ] {
        assert_eq!(text(value, &known), masked, "{value}");
    }
    let omitted = Known::omitted(&people);
    assert_eq!(text("홍 길동과 김구", &omitted), "[민원인]과 [민원인]");
}

#[test]
fn names_of_attributes_the_kind_and_other_numbers_are_texts_too() {
    let mut masked = case();
    masked.class = "홍길동 고충".into();
    masked.external_number = Some("010-1234-5678".into());
    let attributes = [
        ("홍길동", "1"),
        ("홍 길동", "2"),
        ("홍길동의 형 850203-9012342", "850203-9012342"),
    ];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
    masked.attributes = Some(attributes.into());
    let mut plain = masked.clone();
    plain.class = "인권침해".into();
    plain.external_number = Some("1AA-1804-0123456".into());
    view(&mut masked);
    assert_eq!(masked.class, "홍*동 고충");
    assert_eq!(masked.external_number.as_deref(), Some("010-****-5678"));
    let text = serde_json::to_string(&masked.attributes).unwrap();
    for value in ["홍길동", "홍 길동", "9012342"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
    view(&mut plain);
    assert_eq!(plain.class, "인권침해", "the control");
    let number = plain.external_number.as_deref();
    assert_eq!(number, Some("1AA-1804-0123456"), "the control");
}

#[test]
fn two_attributes_of_one_masked_name_keep_both_values() {
    let mut case = case();
    let two = [("홍길동", "a"), ("홍갈동", "b")];
    let mut people = case.people.take().unwrap();
    people[1].name = "홍갈동".into();
    case.people = Some(people);
    case.attributes = Some(two.map(|(n, v)| (n.to_owned(), v.to_owned())).into());
    view(&mut case);
    let kept: BTreeMap<String, String> = [("홍*동".to_owned(), "b; a".to_owned())].into();
    assert_eq!(case.attributes, Some(kept));
}

#[test]
fn where_a_person_was_destroyed_no_text_is_left() {
    let gone = |kind| GoneView {
        kind,
        certificate: "c".into(),
    };
    let kept = |kind| {
        let mut case = case();
        case.people.as_mut().unwrap().remove(0);
        case.gone = vec![gone(kind)];
        view(&mut case);
        serde_json::to_string(&case).unwrap()
    };
    let masked = kept(UnitKind::Person);
    for value in [
        "홍길동",
        "홍*동",
        "세종대로 110",
        "올림",
        "의 형",
        "9012342",
    ] {
        assert!(!masked.contains(value), "{value}: {masked}");
    }
    assert!(masked.contains(WITHHELD) && masked.contains("2018-00001"));
    assert!(masked.contains("\"gi***@example.org\""), "who is left");
    let control = kept(UnitKind::Addition);
    assert!(control.contains("홍길동") && !control.contains(WITHHELD));
}

/// Every field that a person wrote: the whole case as JSON holds none of the values.
#[test]
fn no_value_of_the_people_is_left_in_a_masked_case() {
    let values = ["홍길동", "1234-5678", "gildong", "세종대로 110", "9012342"];
    let clear = serde_json::to_string(&case()).unwrap();
    let mut masked = case();
    view(&mut masked);
    let text = serde_json::to_string(&masked).unwrap();
    for value in values {
        assert!(clear.contains(value), "the control: {value}");
        assert!(!text.contains(value), "{value}: {text}");
    }
    let title = masked.title.as_deref();
    assert_eq!(title, Some("홍*동의 민원"));
    assert_eq!(masked.number, "2018-00001");
    assert_eq!(masked.assignees, ["kim"]);
}

#[test]
fn without_the_people_no_text_is_left_and_it_says_so() {
    let mut without = case();
    without.people = None;
    view(&mut without);
    let text = serde_json::to_string(&without).unwrap();
    for value in ["홍길동", "1234-5678", "세종대로", "민원\"", "올림"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
    assert_eq!(without.narrative.as_deref(), Some(WITHHELD));
    assert_eq!(without.number, "2018-00001");
    // Of a case that has no text here, nothing is said to be missing.
    let mut head = case();
    (head.people, head.title, head.narrative, head.attributes) = (None, None, None, None);
    head.additions.clear();
    view(&mut head);
    assert_eq!(head.narrative, None);
    // A case with nobody in it is no case whose people are not shown.
    let mut nobody = case();
    nobody.people = Some(Vec::new());
    view(&mut nobody);
    assert_ne!(nobody.narrative.as_deref(), Some(WITHHELD));
}
