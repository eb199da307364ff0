//! A case as blocks of a document, and whose identity stays out of it.

use zeroize::Zeroize;

use super::{Block, Document};
use crate::cases::draft::Part;
use crate::cases::view::{CaseView, PersonView};
use crate::disclosure::mask::{self, Known};
use crate::disclosure::template::{Column, Template};
use crate::domain::serial::Serial;
use crate::domain::time::Timestamp;

/// Whether those who speak in a case are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// They are.
    Keep,
    /// Petitioner, agent and witnesses are left out, also of the texts.
    Omit,
}

impl Identity {
    /// What a case calls for where nobody says otherwise: a report against somebody is printed
    /// without who made it (민원 처리에 관한 법률 제7조). Where not all of its people are known, any
    /// case may be one.
    pub fn of(view: &CaseView) -> Self {
        let against = |person: &PersonView| person.part == Part::Subject;
        match view.everybody() {
            Some(people) if !people.iter().any(against) => Self::Keep,
            _ => Self::Omit,
        }
    }
}

/// Leaves the identity of petitioner, agent and witnesses out: the people themselves, and in the
/// texts whatever names them; where not all of the people are known, the texts whole. To be done
/// before anything is masked: a masked name still says much.
pub fn omit_identity(view: &mut CaseView) {
    let all_known = view.everybody().is_some();
    let speaks = |part| matches!(part, Part::Petitioner | Part::Agent | Part::Witness);
    let people = view.people.take().map(|people| {
        let (mut omitted, kept) = people.into_iter().partition(|p| speaks(p.part));
        view.people = Some(kept);
        let known = Known::omitted(&omitted);
        forget_people(&mut omitted);
        known
    });
    match people {
        Some(known) if all_known => mask::texts(view, |text| mask::text(text, &known)),
        _ => mask::withhold(view),
    }
}

fn forget_people(people: &mut [PersonView]) {
    for person in people {
        person.name.zeroize();
        for text in [
            &mut person.telephone,
            &mut person.email,
            &mut person.address,
            &mut person.note,
        ] {
            text.zeroize();
        }
    }
}

/// Times as people write them, not machines.
pub fn date(view: &mut CaseView) {
    let times = [&mut view.registered_at, &mut view.received_at];
    let times = times.into_iter().chain(&mut view.closed_at);
    let added = view.additions.iter_mut().map(|added| &mut added.added_at);
    for time in times.chain(added) {
        if let Some(at) = Timestamp::parse_rfc3339(time) {
            *time = at.official();
        }
    }
}

/// The blocks of one case as its template shows it: short values first, then the texts. `view` is
/// masked and reduced already.
pub fn blocks(template: Template, serial: Serial, view: &CaseView) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut heading = String::new();
    for row in template.rows(serial, view) {
        let mut pairs = Vec::new();
        let mut texts = Vec::new();
        let mut head = String::new();
        for (column, cell) in template.columns().iter().zip(row.cells()) {
            match column {
                // It stands on every page.
                Column::Output => {}
                Column::Number => head.clone_from(cell),
                _ if cell.is_empty() => {}
                Column::Narrative | Column::Additions | Column::Attributes => {
                    texts.push((column.label(), cell.clone()));
                }
                _ => pairs.push((column.label().to_owned(), cell.clone())),
            }
        }
        if head != heading {
            heading.clone_from(&head);
            blocks.push(Block::Heading(head));
        }
        blocks.push(Block::Pairs(pairs));
        for (label, text) in texts {
            blocks.push(Block::Heading(label.to_owned()));
            blocks.push(Block::Paragraph(text));
        }
    }
    blocks
}

/// Zeroes what people wrote in a document that has been written.
pub fn forget(mut document: Document) {
    for block in &mut document.blocks {
        match block {
            Block::Paragraph(text) | Block::Heading(text) => text.zeroize(),
            Block::Pairs(pairs) => pairs.iter_mut().for_each(|(_, value)| value.zeroize()),
            Block::Table(table) => table.rows.iter_mut().flatten().for_each(Zeroize::zeroize),
            Block::Chart(_) | Block::NewPage => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::view::GoneView;
    use crate::disclosure::mask::WITHHELD;
    use crate::disclosure::template::Masking;
    use crate::disclosure::template::tests::case;
    use crate::domain::tier::UnitKind;

    #[test]
    fn who_made_a_report_is_left_out_whatever_the_permit_opens() {
        let mut report = case();
        report.narrative = Some("홍길동이 장길산을 신고하였다.".into());
        assert_eq!(Identity::of(&report), Identity::Omit);
        let mut with_people = report.clone();
        omit_identity(&mut with_people);
        let narrative = with_people.narrative.as_deref();
        assert_eq!(narrative, Some("[민원인]이 장길산을 신고하였다."));

        report.people = None;
        assert_eq!(Identity::of(&report), Identity::Omit);
        omit_identity(&mut report);
        for masking in [Masking::Masked, Masking::Unmasked] {
            let view = Template::Summary.show(report.clone(), masking);
            let blocks = blocks(Template::Summary, "7KQ4M-2XA0D".parse().unwrap(), &view);
            let said = |text: &str| {
                blocks.iter().any(|block| match block {
                    Block::Paragraph(paragraph) => paragraph.contains(text),
                    Block::Pairs(pairs) => pairs.iter().any(|(_, value)| value.contains(text)),
                    _ => false,
                })
            };
            assert!(said(WITHHELD));
            for value in [
                "홍길동",
                "title-canary",
                "addition-canary",
                "attribute-canary",
            ] {
                assert!(!said(value), "{value}");
            }
        }

        let mut nobody = case();
        nobody.people = Some(Vec::new());
        assert_eq!(Identity::of(&nobody), Identity::Keep);
    }

    #[test]
    fn times_on_paper_are_written_as_officials_do() {
        let mut view = case();
        view.closed_at = Some("2018-07-19T01:02:03Z".into());
        let rfc3339 = |view: &CaseView| {
            let cells = Template::CaseFile.rows("7KQ4M-2XA0D".parse().unwrap(), view);
            let cells: Vec<String> = cells.iter().flat_map(|row| row.cells().to_vec()).collect();
            cells
                .iter()
                .filter(|cell| cell.contains(":00Z") || cell.contains(":03Z"))
                .count()
        };
        assert_eq!(rfc3339(&view), 4, "the control");
        date(&mut view);
        assert_eq!(rfc3339(&view), 0);
        assert_eq!(view.registered_at, "2018. 7. 17. 09:00");
        assert_eq!(view.closed_at.as_deref(), Some("2018. 7. 19. 10:02"));
        assert_eq!(view.additions[0].added_at, "2018. 7. 18. 09:00");
    }

    #[test]
    fn a_destroyed_person_may_be_the_one_that_a_report_is_against_or_who_made_it() {
        let json = |view: &CaseView| serde_json::to_string(view).unwrap();
        for destroyed in [Part::Subject, Part::Petitioner] {
            let mut report = case();
            report.narrative = Some("홍길동이 장길산을 신고하였다.".into());
            let people = report.people.as_mut().unwrap();
            people.retain(|person| person.part != destroyed);
            let mut control = report.clone();
            report.gone = vec![GoneView {
                kind: UnitKind::Person,
                certificate: "c".into(),
            }];
            assert_eq!(Identity::of(&report), Identity::Omit);
            omit_identity(&mut report);
            let text = json(&report);
            for value in ["홍길동", "title-canary", "addition-canary", "k\":"] {
                assert!(!text.contains(value), "{value}: {text}");
            }
            assert_eq!(report.narrative.as_deref(), Some(WITHHELD));

            let against = destroyed == Part::Petitioner;
            let wanted = if against {
                Identity::Omit
            } else {
                Identity::Keep
            };
            assert_eq!(Identity::of(&control), wanted, "the control");
            omit_identity(&mut control);
            assert_eq!(json(&control).contains("홍길동"), against, "the control");
        }
    }

    #[test]
    fn who_made_a_report_is_left_out_of_every_text_in_every_spelling() {
        let mut report = case();
        report.title = Some("홍 길동의 신고".into());
        report.class = "홍길동 고충".into();
        report.external_number = Some("홍길동-1".into());
        report.attributes = Some([("홍길동".to_owned(), "임 꺽정".to_owned())].into());
        omit_identity(&mut report);
        let title = report.title.as_deref();
        assert_eq!(title, Some("[민원인]의 신고"));
        let text = serde_json::to_string(&report).unwrap();
        for value in ["홍", "길동", "꺽정"] {
            assert!(!text.contains(value), "{value}: {text}");
        }
    }
}
