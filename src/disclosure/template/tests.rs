use std::collections::BTreeMap;

use super::*;
use crate::cases::view::AdditionView;

pub(in crate::disclosure) fn case() -> CaseView {
    let person = |part, name: &str| PersonView {
        id: "1".into(),
        part,
        name: name.into(),
        telephone: Some("010-1234-5678".into()),
        email: None,
        address: Some("서울특별시 중구 세종대로 110".into()),
        note: None,
    };
    CaseView {
        id: "1".into(),
        number: "2018-00001".into(),
        receipt: "r".into(),
        tier: Classification::Sensitive,
        class: "인권침해".into(),
        state: CaseState::Assigned,
        channel: Channel::Visit,
        department: "D1".into(),
        registered_at: "2018-07-17T00:00:00Z".into(),
        received_at: "2018-07-17T00:00:00Z".into(),
        closed_at: None,
        external_number: Some("1AA-1".into()),
        assignees: vec!["kim".into(), "lee".into()],
        title: Some("title-canary".into()),
        narrative: Some("narrative-canary".into()),
        attributes: Some(BTreeMap::from([("k".into(), "attribute-canary".into())])),
        additions: vec![AdditionView {
            id: "2".into(),
            added_at: "2018-07-18T00:00:00Z".into(),
            statement: "addition-canary".into(),
        }],
        people: Some(vec![
            person(Part::Petitioner, "홍길동"),
            person(Part::Petitioner, "임꺽정"),
            person(Part::Subject, "장길산"),
        ]),
        gone: Vec::new(),
    }
}

fn json(template: Template, masking: Masking) -> String {
    serde_json::to_string(&template.show(case(), masking)).unwrap()
}

#[test]
fn a_template_shows_its_fields_and_no_others() {
    let content = [
        "title-canary",
        "narrative-canary",
        "attribute-canary",
        "addition-canary",
        "홍길동",
        "1234-5678",
        "세종대로 110",
    ];
    let there = |template| {
        let text = json(template, Masking::Unmasked);
        content.map(|value| text.contains(value))
    };
    let (yes, no) = (true, false);
    assert_eq!(there(Template::CaseFile), [yes; 7]);
    assert_eq!(there(Template::Summary), [yes, yes, yes, yes, yes, no, no]);
    assert_eq!(there(Template::Contacts), [no, no, no, no, yes, yes, yes]);
    assert_eq!(there(Template::Register), [no; 7]);
    for template in Template::ALL {
        assert!(json(template, Masking::Unmasked).contains("2018-00001"));
    }
}

#[test]
fn masked_is_masked_in_every_template() {
    for template in Template::ALL {
        let text = json(template, Masking::Masked);
        for value in ["홍길동", "임꺽정", "장길산", "1234-5678", "세종대로 110"] {
            assert!(!text.contains(value), "{value} in {template:?}");
        }
    }
    assert!(json(Template::CaseFile, Masking::Masked).contains("홍*동"));
}

#[test]
fn masked_without_the_people_is_the_head_alone_and_opens_them_where_it_opens_texts() {
    let serial: Serial = "7KQ4M-2XA0D".parse().unwrap();
    for template in Template::ALL {
        let fields = template.fields();
        assert!(!fields.has(Field::Narrative) || fields.has(Field::People));
        let mut without = case();
        without.people = None;
        let view = template.show(without, Masking::Masked);
        let rows = template.rows(serial, &view);
        let cells: Vec<&String> = rows.iter().flat_map(Row::cells).collect();
        for value in ["title", "narrative", "attribute", "addition"] {
            let canary = format!("{value}-canary");
            assert!(!cells.iter().any(|cell| cell.contains(&canary)), "{value}");
        }
        let said = cells.iter().any(|cell| *cell == mask::WITHHELD);
        assert_eq!(said, fields.has(Field::Narrative), "{template:?}");
    }
}

#[test]
fn a_purpose_has_its_templates_and_no_others() {
    for purpose in Purpose::ALL {
        let of = Template::of(purpose);
        assert_eq!(Template::choose(purpose, None), of.first().copied());
        for template in Template::ALL {
            let chosen = Template::choose(purpose, Some(template.code()));
            assert_eq!(chosen.is_some(), of.contains(&template));
        }
    }
    assert_eq!(
        Template::choose(Purpose::Supervision, Some("case_file")),
        None
    );
    assert_eq!(Template::choose(Purpose::Handling, Some("x")), None);
    assert_eq!(Template::choose(Purpose::Audit, None), None);
}

#[test]
fn rows_have_a_cell_for_each_column() {
    let serial: Serial = "7KQ4M-2XA0D".parse().unwrap();
    for template in Template::ALL {
        let rows = template.rows(serial, &template.show(case(), Masking::Unmasked));
        let wanted = if template == Template::Contacts { 3 } else { 1 };
        assert_eq!(rows.len(), wanted);
        for row in rows {
            assert_eq!(row.cells().len(), template.columns().len());
            assert_eq!(row.cells()[0], "7KQ4M-2XA0D");
        }
    }
    let view = Template::CaseFile.show(case(), Masking::Masked);
    let rows = Template::CaseFile.rows(serial, &view);
    let columns = Template::CaseFile.columns();
    let cell = |column| {
        let at = columns.iter().position(|c| *c == column).unwrap();
        rows[0].cells()[at].clone()
    };
    assert_eq!(cell(Column::Names(Part::Petitioner)), "홍*동; 임*정");
    assert_eq!(
        cell(Column::Reach(Part::Subject)),
        "010-****-5678, 서울특별시 중구 세종대로 ***"
    );
    assert_eq!(cell(Column::Names(Part::Witness)), "");
    assert_eq!(cell(Column::Tier), "보안");
    assert_eq!(cell(Column::Attributes), "k: attribute-canary");
    let labels: Vec<&str> = columns.iter().map(|c| c.label()).collect();
    for (at, label) in labels.iter().enumerate() {
        assert!(!labels[..at].contains(label), "{label} twice");
    }
}
