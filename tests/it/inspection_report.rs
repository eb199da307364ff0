//! What an inspection is on a page, on paper, and of outputs.

use serde_json::{Value, json};

use crate::export::text;
use crate::inspection::{
    DAY, busy_night, found, id, later, make, office, pair, taken_out, taken_out_for,
};
use crate::world::ordinary;

#[test]
fn the_report_is_a_page_with_a_chart_and_without_scripts_or_content() {
    let (world, _clock) = office("2026-10-14T23:00:00+09:00");
    busy_night(&world);
    let view = make(&world, "2026-10");
    let path = format!("/inspections/{}/report?form=html", id(&view));
    let reply = world.get("auditor", &path);
    let page = reply.page_as_shown();
    assert!(page.contains("<svg") && page.contains("fill-opacity") && page.contains(">lead<"));
    assert!(!page.contains("javascript:"));
    for content in ["보도블록", "홍길동", "괴롭힘", "임꺽정"] {
        assert!(!page.contains(content) && !view.to_string().contains(content));
    }
    assert!(page.contains("Cases a day") && page.contains("1000") && page.contains("2026-10-05"));
    world.get("officer", &path).expect(403);
    let absent = format!("/inspections/{}/report", "a".repeat(26));
    world.get("auditor", &absent).expect(404);
}

/// The report on paper says what the page says.
#[test]
#[ignore = "needs fonts-nanum and poppler-utils"]
fn the_report_on_paper_holds_rules_chart_periods_and_why_it_was_signed() {
    let (mut world, clock) = office("2026-10-14T23:00:00+09:00");
    busy_night(&world);
    later(&mut world, &clock, 20 * DAY);
    let view = make(&world, "2026-10");
    let path = format!("/inspections/{}", id(&view));
    let body = json!({"hash": view["hash"], "statement": "휴직으로 소명을 받지 못함"});
    let signed = world
        .post("auditor", &format!("{path}/sign"), &body)
        .expect(200);
    let pdf = world.get("auditor", &format!("{path}/report?form=pdf"));
    assert_eq!((pdf.status, pdf.bytes.starts_with(b"%PDF-")), (200, true));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.pdf");
    std::fs::write(&file, &pdf.bytes).unwrap();
    let out = std::process::Command::new("pdftotext")
        .args(["-layout", file.to_str().unwrap(), "-"])
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let text = bare(&text);
    for part in [
        "휴직으로 소명을 받지 못함",
        "Bodies gone",
        "Cases a day",
        "2026-10-05, 2026-10-09",
        "사용자별 시간대별 이용",
        "officer",
        &format!("접속기록 {}과 일치", signed["signed"]["entry"]),
    ] {
        assert!(text.contains(&bare(part)), "{part}: {text}");
    }
    // Cells break their lines: a period stands there by its days, and nothing else is of that day.
    assert!(text.contains("2026-10-14"), "{text}");
}

#[test]
fn outputs_of_a_month_are_confirmed_by_the_auditor_once_they_are_explained() {
    let (mut world, clock) = office("2026-10-14T12:00:00+09:00");
    let case = world.register("intake", &ordinary());
    let serials = [(); 2].map(|()| taken_out(&world, &[&case], "2027-01-01T00:00:00+09:00"));
    later(&mut world, &clock, 20 * DAY);
    let view = make(&world, "2026-10");
    let findings = view["sheet"]["findings"].as_array().unwrap();
    let about = |f: &&Value| f["rule"] == "unexplained_output";
    let mut outputs = findings.iter().filter(about);
    let finding = outputs.next().unwrap();
    assert!(outputs.next().is_none(), "one for a person");
    let named = finding["outputs"].as_array().unwrap();
    let mut told: Vec<String> = named.iter().map(|o| text(&o["serial"])).collect();
    told.sort();
    let mut expected = serials.to_vec();
    expected.sort();
    assert_eq!(told, expected);
    assert!(named.iter().all(|o| o["purpose"] == "handling"));
    let (id, number) = (id(&view), &finding["number"]);
    let verdict = |accepted: bool| {
        let path = format!("/inspections/{id}/findings/{number}/verdict");
        let body = json!({"accepted": accepted, "note": "대장과 대조함"});
        world.post("auditor", &path, &body)
    };
    assert_eq!(verdict(true).code(), "wrong_state", "nobody said why");
    let own = world.get("officer", "/findings").expect(200);
    let rows = own["rows"].as_array().unwrap();
    let mine = rows.iter().find(about).unwrap();
    assert_eq!(mine["outputs"], finding["outputs"]);
    let path = format!("/findings/{}/explanation", text(&mine["id"]));
    let said = json!({"text": "감사실 제출"});
    world.post("officer", &path, &said).expect(200);
    verdict(true).expect(200);
}

/// Who answers for a copy need not have been asked: who took it out has it.
#[test]
fn a_copy_past_its_date_is_about_both_and_stands_in_the_month_in_which_it_left() {
    let (mut world, clock) = office("2026-10-14T12:00:00+09:00");
    let case = world.register("intake", &ordinary());
    let october = taken_out_for(&world, "officer2", &[&case], "2026-10-20T00:00:00+09:00");
    taken_out(&world, &[&case], "2026-10-21T00:00:00+09:00");
    later(&mut world, &clock, 20 * DAY);
    taken_out(&world, &[&case], "2026-11-04T00:00:00+09:00");
    later(&mut world, &clock, 5 * DAY);
    let copies = |view: &Value| {
        let findings = view["sheet"]["findings"].as_array().unwrap();
        let late = findings.iter().filter(|f| f["rule"] == "copy_out");
        let mut counts: Vec<(String, Value)> = late
            .map(|f| {
                (
                    text(&view["people"][text(&f["person"])]),
                    f["count"].clone(),
                )
            })
            .collect();
        counts.sort_by(|(one, _), (other, _)| one.cmp(other));
        (counts, view["sheet"]["copies"].clone())
    };
    let expected = vec![
        ("officer".to_owned(), json!(2)),
        ("officer2".to_owned(), json!(1)),
    ];
    let of_october = (expected, json!({"total": 2, "overdue": 2}));
    assert_eq!(copies(&make(&world, "2026-10")), of_october);
    let (late, all) = copies(&make(&world, "2026-11"));
    assert_eq!(late[0], ("officer".to_owned(), json!(3)), "the control");
    assert_eq!(all, json!({"total": 3, "overdue": 3}));
    world.log_in("officer2");
    let path = format!("/outputs/{october}/close");
    world
        .post("officer2", &path, &json!({"method": "삭제"}))
        .expect(200);
    let after = found(&make(&world, "2026-11"));
    assert!(!after.contains(&pair("copy_out", "officer2")), "{after:?}");
}
