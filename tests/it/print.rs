//! Cases on paper, over the API: masked, marked, on record, for the session that made them alone;
//! and the way back from paper to the record.

use std::io::Cursor;

use bongham::disclosure::mark;
use data_encoding::BASE64;
use image::{GrayImage, ImageFormat, Luma};
use serde_json::{Value, json};

use crate::world::{Reply, World, ordinary, sensitive, walk};

fn order(cases: &[&str], form: &str) -> Value {
    json!({"purpose": "handling", "reason": "회의 자료", "cases": cases, "form": form,
        "receiver": "심의위원회"})
}

fn print(world: &World, login: &str, body: &Value) -> Reply {
    world.post(login, "/prints", body)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn document(world: &World, login: &str, serial: &str) -> Reply {
    world.get(login, &format!("/prints/{serial}/document"))
}

/// Prints and fetches: serial number and page.
/// Printed, with a second person where one is needed.
fn printed(world: &World, login: &str, body: &Value) -> (String, String) {
    let mut reply = print(world, login, body);
    if let Some(approval) = reply.json()["approval"].as_str() {
        world.approve(approval).expect(200);
        let mut body = body.clone();
        body["approval"] = json!(approval);
        reply = print(world, login, &body);
    }
    let made = reply.expect(201);
    let serial = text(&made["serial"]);
    let page = document(world, login, &serial);
    assert_eq!(page.status, 200);
    (serial, String::from_utf8(page.bytes).unwrap())
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    let said = (reply.status, reply.code());
    assert_eq!((said.0, said.1.as_str()), (status, code));
}

#[test]
fn a_print_is_masked_marked_on_record_and_in_no_file() {
    let world = World::new();
    let cases = [(); 2].map(|()| world.register("intake", &ordinary()));
    let mut body = order(&[&cases[0], &cases[1]], "html");
    body["copies"] = json!(2);
    let reply = print(&world, "officer", &body);
    let entry = reply.headers["bongham-log"].clone();
    let made = reply.expect(201);
    let serial = text(&made["serial"]);
    assert_eq!((&made["cases"], &made["people"]), (&json!(2), &json!(2)));

    let fetched = document(&world, "officer", &serial);
    assert!(fetched.headers.contains_key("bongham-log"));
    assert_eq!(fetched.headers["content-type"], "text/html; charset=utf-8");
    let page = String::from_utf8(fetched.bytes).unwrap();
    assert!(page.contains("홍*동") && page.contains("010-****-1234"));
    assert!(!page.contains("홍길동") && !page.contains("010-0000-1234"));
    assert!(page.contains("보도블록이 깨져"));
    assert_eq!(page.matches(&format!("일련번호 {serial}")).count(), 4);
    assert!(page.contains("출력자 officer (civil)") && page.contains("사본 2/2"));
    assert!(page.contains("url(#m)"));

    let record = world
        .get("officer", &format!("/prints/{serial}"))
        .expect(200);
    assert_eq!(record["state"], "ready");
    assert_eq!(record["fetched"], 1);
    assert_eq!(record["receiver"], "심의위원회");
    assert_eq!(record["form"], "print_html");
    let mine = world.get("officer", "/outputs?open=true").expect(200);
    assert_eq!(mine["rows"][0]["serial"], serial);

    // The list is an entry with both cases and both people; so is the end.
    let entries = world.log("&task=print");
    assert_eq!(entries.len(), 2, "{entries:#?}");
    let list = &entries[1];
    assert_eq!(list["index"].to_string(), entry.split('/').next().unwrap());
    assert_eq!(list["cases"].as_array().unwrap().len(), 2);
    assert_eq!(list["people"].as_array().unwrap().len(), 2);
    assert_eq!(list["reason"], "회의 자료");
    let end = text(&entries[0]["reason"]);
    assert!(end.contains(&serial) && end.contains("2 cases"), "{end}");
    let hash = text(&record["sha256"]);
    assert!(end.contains(&hash), "{end}");
    assert_eq!(world.log("&task=download").len(), 1);

    let mut files = Vec::new();
    walk(&world.settings.data, &mut files);
    assert!(!files.is_empty());
    for (path, bytes) in files {
        for canary in ["홍*동", "보도블록이", "심의위원회", serial.as_str()] {
            let found = bytes.windows(canary.len()).any(|w| w == canary.as_bytes());
            assert!(!found, "{canary} in {}", path.display());
        }
    }
}

#[test]
fn a_document_that_would_fill_the_memory_is_refused_and_its_record_closed() {
    let world = World::new();
    let mut long = ordinary();
    // Written as six letters each.
    long["narrative"] = json!("\"".repeat(200 << 10));
    let cases = [(); 2].map(|()| world.register("intake", &long));
    let mut body = order(&[&cases[0], &cases[1]], "html");
    assert_eq!(print(&world, "officer", &body).status, 201, "the control");
    body["copies"] = json!(20);
    let reply = print(&world, "officer", &body);
    refused(&reply, 422, "invalid");
    let said = String::from_utf8(reply.bytes).unwrap();
    assert!(said.contains("32 MiB"), "{said}");
    let mine = world.get("officer", "/outputs").expect(200);
    assert_eq!(mine["rows"][0]["state"], "interrupted");
}

/// A browser that obeys the policy of the answer keeps the style, and with it the second mark.
#[test]
fn the_page_for_browsers_may_load_its_own_style_and_nothing_else() {
    const CLOSED: &str = "default-src 'none'; frame-ancestors 'none'";
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let made = print(&world, "officer", &order(&[&case], "html")).expect(201);
    let serial = text(&made["serial"]);
    let fetched = document(&world, "officer", &serial);
    let page = fetched.page_as_shown();
    assert!(
        page.contains(".over{position:fixed"),
        "the second mark's place"
    );
    for other in [
        format!("/prints/{serial}"),
        "/prints/00000-00000/document".to_owned(),
    ] {
        let reply = world.get("officer", &other);
        assert_eq!(reply.headers["content-security-policy"], CLOSED, "{other}");
    }
}

#[test]
fn a_document_is_for_the_session_that_made_it_and_its_record_outlives_it() {
    let mut world = World::new();
    let case = world.register("intake", &ordinary());
    let (serial, _) = printed(&world, "officer", &order(&[&case], "html"));
    for other in ["officer2", "lead"] {
        refused(&document(&world, other, &serial), 404, "not_found");
        let record = world.get(other, &format!("/prints/{serial}"));
        refused(&record, 404, "not_found");
    }
    for inspector in ["privacy", "auditor"] {
        let record = world.get(inspector, &format!("/prints/{serial}"));
        assert_eq!(record.expect(200)["by"], "officer");
    }
    // The same person in another session.
    let before = world.token("officer").unwrap().to_owned();
    world.log_in("officer");
    assert_ne!(world.token("officer").unwrap(), before);
    refused(&document(&world, "officer", &serial), 404, "not_found");
    let path = format!("/api/v1/prints/{serial}/document");
    assert_eq!(world.send("GET", &path, Some(&before), None).status, 200);
    let unfetched = print(&world, "officer", &order(&[&case], "html")).expect(201);
    let unfetched = text(&unfetched["serial"]);
    world.restart();
    refused(&document(&world, "officer", &serial), 404, "not_found");
    let state = |serial: &str| {
        let record = world.get("officer", &format!("/prints/{serial}"));
        record.expect(200)["state"].clone()
    };
    // What somebody has fetched may be on paper; what nobody has died with the server.
    assert_eq!(state(&serial), "ready");
    assert_eq!(state(&unfetched), "expired");
    let out = world.get("officer", "/outputs?open=true").expect(200);
    assert_eq!(out["rows"].as_array().unwrap().len(), 1);
}

#[test]
fn one_case_that_is_not_there_stops_it_all_and_none_is_told_apart() {
    let world = World::new();
    let mine = world.register("intake", &ordinary());
    let forbidden = world.register("intake", &sensitive());
    let gone = "a".repeat(26);
    let absent = world.read("officer", &gone, "handling");
    let before = world.log("&task=print").len();
    for other in [gone.as_str(), "no id at all", &forbidden] {
        let reply = print(&world, "officer", &order(&[&mine, other], "html"));
        assert_eq!(
            (reply.status, &reply.bytes),
            (404, &absent.bytes),
            "{other}"
        );
    }
    let entries = world.log("&task=print");
    assert_eq!(entries.len() - before, 3);
    assert!(entries.iter().all(|entry| entry["decision"] == "deny"));
    let outputs = world.get("officer", "/outputs").expect(200);
    assert_eq!(outputs["rows"], json!([]));
    refused(
        &print(&world, "officer", &order(&[], "html")),
        422,
        "invalid",
    );
}

#[test]
fn a_report_against_somebody_is_printed_without_who_made_it() {
    let world = World::new();
    let mut draft = sensitive();
    draft["narrative"] = json!("임꺽정이 변학도를 신고하였다.");
    let case = world.register("intake", &draft);
    let body = order(&[&case], "html");
    let (_, page) = printed(&world, "rights", &body);
    assert!(
        page.contains("변*도") && page.contains("[민원인]이"),
        "{page}"
    );
    assert!(
        !page.contains("임*정") && !page.contains("임꺽정"),
        "masked, then left out"
    );
    assert!(!page.contains("5678"));
    let mut keep = body.clone();
    keep["identity"] = json!("keep");
    let (_, page) = printed(&world, "rights", &keep);
    assert!(page.contains("임*정") && page.contains("변*도"));
    // Unmasked, the texts still do not say who made it.
    let mut unmasked = body.clone();
    unmasked["unmasked"] = json!(true);
    let (_, page) = printed(&world, "rights", &unmasked);
    assert!(page.contains("변학도"));
    assert!(!page.contains("임꺽정"), "{page}");
}

/// A coordinator sees no people, so nothing could be masked in a text.
#[test]
fn who_may_not_see_the_people_gets_no_text_on_paper() {
    let world = World::new();
    let mut draft = ordinary();
    draft["narrative"] = json!("홍길동이 신고하였다.");
    let case = world.register("intake", &draft);
    let mut body = order(&[&case], "html");
    body["purpose"] = json!("supervision");
    body["template"] = json!("summary");
    for identity in [Value::Null, json!("keep"), json!("omit")] {
        if !identity.is_null() {
            body["identity"] = identity.clone();
        }
        let (_, page) = printed(&world, "coordinator", &body);
        assert!(page.contains("내용 제외"), "{identity}: {page}");
        assert!(!page.contains("홍길동"), "{identity}: {page}");
    }
    let (_, page) = printed(&world, "lead", &body);
    assert!(
        !page.contains("내용 제외") && !page.contains("홍길동"),
        "{page}"
    );
}

#[test]
fn unmasking_is_an_entry_of_its_own_and_takes_two_people() {
    let world = World::new();
    let cases = [(); 2].map(|()| world.register("intake", &ordinary()));
    let mut one = order(&[&cases[0]], "html");
    one["unmasked"] = json!(true);
    let asked = print(&world, "officer", &one).expect(202);
    assert!(asked.get("serial").is_none(), "{asked}");
    assert_eq!(world.log("&task=unmask").len(), 0);
    let (_, page) = printed(&world, "officer", &one);
    assert!(page.contains("홍길동") && page.contains("010-0000-1234"));
    let entries = world.log("&task=unmask");
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["cases"].as_array().unwrap().len(), 1);

    let mut two = order(&[&cases[0], &cases[1]], "html");
    two["unmasked"] = json!(true);
    let asked = print(&world, "officer", &two).expect(202);
    two["approval"] = asked["approval"].clone();
    refused(&print(&world, "officer", &two), 409, "not_approved");
    world.approve(&text(&asked["approval"])).expect(200);
    for (key, value) in [
        ("copies", json!(2)),
        ("identity", json!("keep")),
        ("receiver", json!("다른 곳")),
        ("cases", json!([cases[0]])),
    ] {
        let mut other = two.clone();
        other[key] = value;
        refused(&print(&world, "officer", &other), 409, "not_approved");
    }
    let (_, page) = printed(&world, "officer", &two);
    assert_eq!(page.matches("홍길동").count(), 2);
    refused(&print(&world, "officer", &two), 410, "expired");
}

#[test]
fn without_a_font_the_answer_says_so_and_is_an_entry() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let mut settings = world.settings.clone();
    let dir = world.leave();
    let empty = dir.path().join("no-fonts");
    std::fs::create_dir(&empty).unwrap();
    settings.print.font = Some(empty);
    let mut world = World::over(&settings).unwrap();
    world.log_in("officer");
    world.log_in("auditor");
    let reply = print(&world, "officer", &order(&[&case], "pdf"));
    refused(&reply, 503, "font_missing");
    let entries = world.log("&task=print");
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["query"], "failed");
    print(&world, "officer", &order(&[&case], "html")).expect(201);
}

/// A photograph of marks: those of this number, at 200 dots an inch.
fn photograph(serial: &str) -> Vec<u8> {
    let mut picture = GrayImage::from_pixel(500, 500, Luma([255]));
    let scale = 200.0 / 72.0;
    for tile in 0..9 {
        let (left, top) = ((tile % 3) as f32, (tile / 3) as f32);
        for (x, y) in mark::dots(serial.parse().unwrap()) {
            let at = |p: f32, tile: f32| ((tile * mark::PERIOD + p) * scale).round() as u32;
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let (x, y) = (at(x, left) + dx, at(y, top) + dy);
                if x < 500 && y < 500 {
                    picture.put_pixel(x, y, Luma([0]));
                }
            }
        }
    }
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn file(bytes: &[u8]) -> Value {
    json!({"file": BASE64.encode(bytes)})
}

#[test]
fn a_number_a_file_and_a_photograph_lead_back_to_record_and_entry() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let reply = print(&world, "officer", &order(&[&case], "html"));
    let index = reply.headers["bongham-log"].clone();
    let serial = text(&reply.expect(201)["serial"]);
    let page = document(&world, "officer", &serial).bytes;
    for (read_from, evidence) in [
        ("text", json!({"serial": serial.to_lowercase()})),
        ("file", file(&page)),
        ("mark", file(&photograph(&serial))),
    ] {
        for who in ["auditor", "privacy"] {
            let traced = world.post(who, "/traces", &evidence).expect(200);
            let found = &traced["found"];
            assert_eq!(found.as_array().unwrap().len(), 1, "{read_from}");
            assert_eq!(found[0]["read_from"], read_from);
            assert_eq!(found[0]["serial"], serial);
            assert_eq!(found[0]["output"]["by"], "officer");
            assert_eq!(found[0]["output"]["purpose"], "handling");
            let entry = found[0]["entry"].to_string();
            assert_eq!(Some(entry.as_str()), index.split('/').next());
        }
        refused(
            &world.post("officer", "/traces", &evidence),
            403,
            "role_refused",
        );
    }
    let traces = world.log("&task=trace");
    let allowed = traces.iter().filter(|entry| entry["decision"] == "allow");
    assert_eq!((allowed.count(), traces.len()), (6, 9));

    // A number that somebody wrote behind the picture comes after the mark.
    let planted = [&photograph(&serial)[..], b"bongham-output-00000-00000"].concat();
    let traced = world
        .post("auditor", "/traces", &file(&planted))
        .expect(200);
    let found = |at: usize, key: &str| traced["found"][at][key].clone();
    assert_eq!(
        (found(0, "serial"), found(0, "read_from")),
        (json!(serial), json!("mark"))
    );
    assert_eq!(found(1, "read_from"), "file");

    // A mark of another office, a page without one, and what is no picture.
    let other = world
        .post("auditor", "/traces", &file(&photograph("00000-00000")))
        .expect(200);
    assert_eq!(other["found"][0]["serial"], "00000-00000");
    assert!(other["found"][0].get("output").is_none());
    let mut white = Cursor::new(Vec::new());
    GrayImage::from_pixel(200, 200, Luma([255]))
        .write_to(&mut white, ImageFormat::Png)
        .unwrap();
    let none = world
        .post("auditor", "/traces", &file(&white.into_inner()))
        .expect(200);
    assert_eq!(none["found"], json!([]));
    for bad in [
        file(b"no picture"),
        json!({"file": "***"}),
        json!({"serial": "x"}),
        json!({}),
        json!({"serial": serial, "file": ""}),
        file(&vec![0; (8 << 20) + 1]),
    ] {
        refused(&world.post("auditor", "/traces", &bad), 422, "invalid");
    }
}

#[test]
#[ignore = "needs fonts-nanum and poppler-utils"]
fn a_pdf_is_printed_photographed_and_traced() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let made = print(&world, "officer", &order(&[&case], "pdf")).expect(201);
    let serial = text(&made["serial"]);
    let fetched = document(&world, "officer", &serial);
    assert_eq!(fetched.headers["content-type"], "application/pdf");
    let dir = tempfile::tempdir().unwrap();
    let pdf = dir.path().join("p.pdf");
    std::fs::write(&pdf, &fetched.bytes).unwrap();
    let said = std::process::Command::new("pdftotext")
        .args([pdf.as_os_str(), "-".as_ref()])
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("홍*동") && !said.contains("홍길동"), "{said}");
    let page = dir.path().join("page");
    let painted = std::process::Command::new("pdftoppm")
        .args(["-r", "200", "-gray", "-jpeg", "-singlefile"])
        .args([&pdf, &page])
        .status()
        .unwrap();
    assert!(painted.success());
    let photograph = std::fs::read(page.with_extension("jpg")).unwrap();
    for (read_from, bytes) in [("file", &fetched.bytes), ("mark", &photograph)] {
        let traced = world.post("auditor", "/traces", &file(bytes)).expect(200);
        assert_eq!(traced["found"][0]["read_from"], read_from);
        assert_eq!(traced["found"][0]["serial"], serial);
    }
}
