//! Nothing personal outside sealed bytes: the whole flow through the real binary, with values that
//! occur nowhere else, and then a search of every file and every word it wrote.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::program::{Program, Served, ask, call, log_in, run};
use crate::search::{Search, forms, percent};
use crate::world::password;

/// One value for each place that may hold something personal. The logins are such values, too.
const CANARIES: [(&str, &str); 26] = [
    ("petitioner", "카나리홍길순"),
    ("telephone", "010-7341-9265"),
    ("email", "kanari.hong@canary-mail.example"),
    ("address", "카나리시 금당구 새장로 4821"),
    ("note", "카나리메모 새벽에만 통화"),
    ("subject", "카나리변학수"),
    ("title", "카나리제목 폭언신고"),
    ("narrative", "카나리본문 상급자의 폭언이 있었습니다"),
    ("class", "카나리분류"),
    ("attribute", "카나리속성값 8817"),
    ("external", "CANARYEXT-55120"),
    ("assign_reason", "카나리배정사유 휴직"),
    ("tier_reason", "카나리등급사유 피해자"),
    ("row_name", "카나리행이름 박새"),
    ("row_phone", "010-5520-1187"),
    ("row_title", "카나리행제목 소음"),
    ("row_text", "카나리행본문 밤마다 시끄럽습니다"),
    ("bad_row", "카나리거절행 김참새"),
    ("login", "canarychoi77"),
    ("login2", "canaryjung78"),
    ("unknown_login", "canaryghost79"),
    ("wrong_password", "canary-wrong-password-80"),
    ("bad_json", "canarybadjson81"),
    ("bad_path", "canarybadpath82"),
    ("searched_name", "카나리검색 두루미"),
    ("searched_phone", "010-6630-2298"),
];

pub fn canary(name: &str) -> &'static str {
    CANARIES.iter().find(|(known, _)| *known == name).unwrap().1
}

/// A made office: the server, and a token for everybody.
pub struct Staff {
    pub served: Served,
    pub tokens: BTreeMap<&'static str, String>,
}

impl Staff {
    pub fn call(
        &self,
        login: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> crate::world::Reply {
        let token = self.tokens.get(login).map(String::as_str);
        call(&self.served.address, method, path, token, body)
    }
    fn enrol(&mut self, login: &'static str, code: &str) {
        let body = json!({"account": login, "code": code, "password": password(login)});
        self.call("", "POST", "/enrolments", Some(&body))
            .expect(201);
        self.tokens
            .insert(login, log_in(&self.served.address, login));
    }
    fn approve(&self, asked: &Value) {
        for approval in asked["approvals"].as_array().unwrap() {
            let path = format!("/approvals/{}", approval.as_str().unwrap());
            let yes = json!({"decision": "approve"});
            self.call("privacy", "POST", &path, Some(&yes)).expect(200);
        }
    }
    fn invite(&mut self, login: &'static str, role: &str, department: Option<&str>) {
        let body = json!({"account": login, "roles": [role], "department": department});
        let invited = self
            .call("admin", "POST", "/accounts", Some(&body))
            .expect(201);
        self.enrol(login, invited["enrolment_code"].as_str().unwrap());
        self.approve(&invited);
        self.tokens
            .insert(login, log_in(&self.served.address, login));
    }
    pub fn register(&self, draft: &Value) -> String {
        let registered = self
            .call("intake", "POST", "/cases", Some(draft))
            .expect(201);
        registered["id"].as_str().unwrap().to_owned()
    }
    fn open(&self, login: &str, case: &str) -> String {
        let path = format!("/cases/{case}?purpose=handling");
        let reply = self.call(login, "GET", &path, None);
        assert_eq!(reply.status, 200, "{reply:?}");
        String::from_utf8(reply.bytes).unwrap()
    }
}

pub fn staff(served: Served, made: &Value) -> Staff {
    let mut staff = Staff {
        served,
        tokens: BTreeMap::new(),
    };
    for login in ["admin", "privacy"] {
        let code = made["enrolment_codes"][login].as_str().unwrap();
        staff.enrol(login, code);
    }
    for code in ["civil", "rights"] {
        let body = json!({"code": code, "name": code});
        staff
            .call("admin", "POST", "/departments", Some(&body))
            .expect(201);
    }
    staff.invite("intake", "intake", Some("civil"));
    staff.invite("officer", "officer", Some("civil"));
    staff.invite("coordinator", "coordinator", Some("civil"));
    staff.invite("auditor", "auditor", None);
    for login in [canary("login"), canary("login2")] {
        staff.invite(login, "human_rights_officer", Some("rights"));
    }
    let desk = json!({"members": [canary("login")]});
    let asked = staff
        .call("admin", "PUT", "/departments/rights/desk", Some(&desk))
        .expect(202);
    staff.approve(&asked);
    staff
}

pub fn draft(tier: &str) -> Value {
    let department = if tier == "ordinary" {
        "civil"
    } else {
        "rights"
    };
    let mut draft = json!({
        "tier": tier, "department": department, "channel": "letter", "class": canary("class"),
        "title": canary("title"), "narrative": canary("narrative"),
        "external_number": canary("external"), "attributes": {"항목": canary("attribute")},
        "people": [
            {"part": "petitioner", "name": canary("petitioner"), "telephone": canary("telephone"),
             "email": canary("email"), "address": canary("address"), "note": canary("note")},
            {"part": "subject", "name": canary("subject")}
        ]
    });
    if tier == "ordinary" {
        draft["assignees"] = json!(["officer"]);
    }
    draft
}

/// Everything that may go wrong with a canary in it.
fn go_wrong(staff: &Staff) {
    let (address, token) = (&staff.served.address, staff.tokens["intake"].as_str());
    let bodies = [
        format!("{{\"{}\": ", canary("bad_json")),
        json!({canary("bad_json"): canary("title")}).to_string(),
        json!({"tier": canary("bad_json"), "department": canary("petitioner")}).to_string(),
        json!({"tier": "ordinary", "department": canary("bad_path")}).to_string(),
    ];
    for body in bodies {
        let heard = ask(
            address,
            "POST",
            "/api/v1/cases",
            Some(token),
            Some(body.as_bytes()),
        );
        let status = heard.reply.unwrap().status;
        assert!((400..500).contains(&status), "{status} {body}");
    }
    let word = canary("bad_path");
    for path in [
        format!("/api/v1/cases/{word}?purpose=handling"),
        format!("/api/v1/cases?purpose={word}"),
        format!("/{word}?name={}", percent(canary("petitioner"))),
        format!("/api/v1/log/entries?account={word}"),
    ] {
        let status = ask(address, "GET", &path, Some(token), None)
            .reply
            .unwrap()
            .status;
        assert!((400..500).contains(&status), "{status} {path}");
        ask(address, "CANARYBADPATH82", &path, Some(word), None);
    }
    for (account, password) in [
        (canary("unknown_login"), canary("wrong_password")),
        (canary("login"), canary("wrong_password")),
    ] {
        let body = json!({"account": account, "password": password});
        staff.call("", "POST", "/sessions", Some(&body)).expect(401);
    }
}

/// Looks for what is there and for what is not, over the API and with the program.
fn search(program: &Program, staff: &Staff) {
    for (field, value, rows) in [
        ("name", canary("row_name"), 1),
        ("telephone", canary("row_phone"), 1),
        ("name", canary("searched_name"), 0),
        ("telephone", canary("searched_phone"), 0),
        ("email", canary("email"), 0),
        ("address", canary("address"), 0),
        ("number", canary("external"), 0),
    ] {
        let body = json!({"field": field, "value": value, "purpose": "handling"});
        let found = staff.call("officer", "POST", "/searches", Some(&body));
        let found = found.expect(200)["rows"].as_array().unwrap().len();
        assert_eq!(found, rows, "{field}");
    }
    for (field, value) in [
        ("name", canary("petitioner")),
        ("telephone", canary("telephone")),
        ("email", canary("email")),
        ("address", canary("address")),
        ("number", canary("external")),
    ] {
        let body = json!({"field": field, "value": value, "purpose": "handling"});
        let found = staff.call(canary("login"), "POST", "/searches", Some(&body));
        assert_eq!(
            found.expect(200)["rows"].as_array().unwrap().len(),
            1,
            "{field}"
        );
    }
    let brought = tempfile::tempdir().unwrap();
    let file = brought.path().join("value");
    std::fs::write(&file, canary("searched_phone")).unwrap();
    let file = file.to_string_lossy().into_owned();
    let args = [
        "case",
        "search",
        "--field",
        "telephone",
        "--value-file",
        &file,
    ];
    let more = ["--purpose", "intake", "--json"];
    let ran = run(program.person("intake", &[&args[..], &more[..]].concat())).expect(0);
    program.note("search.err", &ran.err);
    program.note("search.out", &ran.out);
    assert_eq!(ran.rows().len(), 0);
}

fn import(program: &Program) -> Value {
    let csv = format!(
        "이름,전화,제목,내용\r\n{},{},{},{}\r\n{},,,\r\n",
        canary("row_name"),
        canary("row_phone"),
        canary("row_title"),
        canary("row_text"),
        canary("bad_row"),
    );
    let map = r#"
        [case]
        tier = { value = "ordinary" }
        department = { value = "civil" }
        channel = { value = "online" }
        class = { value = "소음" }
        title = { column = "제목" }
        narrative = { column = "내용" }
        assignees = ["officer"]
        [[people]]
        part = "petitioner"
        name = { column = "이름" }
        telephone = { column = "전화" }
    "#;
    // What a person brings along is no trace of the program: it lies elsewhere.
    let brought = tempfile::tempdir().unwrap();
    let file = brought.path().join("rows.csv");
    std::fs::write(&file, csv).unwrap();
    let map = program.note("map.toml", map);
    let rejects = program.file("rejects.jsonl");
    let [file, map, rejects] = [file, map, rejects].map(|p| p.to_string_lossy().into_owned());
    let args = [
        "import",
        &file,
        "--map",
        &map,
        "--rejects",
        &rejects,
        "--json",
    ];
    let ran = run(program.person("intake", &args)).expect(0);
    program.note("import.err", &ran.err);
    program.note("import.out", &ran.out);
    ran.rows()[0].clone()
}

/// Makes the store.
pub fn made(program: &Program) -> Value {
    let init = [
        "init",
        "--json",
        "--admin",
        "admin",
        "--privacy-officer",
        "privacy",
    ];
    run(program.store(&init)).expect(0).rows()[0].clone()
}

/// The address in a line of the text format.
fn in_text(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("url=")?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// The operator's log as text says no more than the one as JSON.
#[test]
fn nothing_personal_stands_in_a_log_that_is_text() {
    let office = tempfile::tempdir().unwrap();
    let program = Program::on(office.path());
    let made = made(&program);
    let staff = staff(program.serve_telling("text", in_text), &made);
    let cases = ["ordinary", "sensitive"].map(|tier| staff.register(&draft(tier)));
    let read = staff.open("officer", &cases[0]) + &staff.open(canary("login"), &cases[1]);
    assert!(read.contains(canary("narrative")) && read.contains(canary("petitioner")));
    go_wrong(&staff);
    assert_eq!(staff.served.stop(), Some(0));
    let told = std::fs::read_to_string(program.file("serve.err")).unwrap();
    assert!(told.contains("/api/v1/cases/{id}"), "it told nothing");
    assert!(!told.starts_with('{'), "this is text");
    let search = Search::new(&CANARIES);
    assert_eq!(search.hits(told.as_bytes()), Vec::<&str>::new());
    assert_eq!(search.below(office.path()), []);
    let planted = format!("{told}\n{}", canary("subject"));
    assert!(!search.hits(planted.as_bytes()).is_empty(), "the control");
}

#[test]
fn nothing_personal_stands_in_any_file_or_output() {
    let office = tempfile::tempdir().unwrap();
    let program = Program::on(office.path());
    let made = made(&program);
    let staff = staff(program.serve(), &made);
    let (rights, rights2) = (canary("login"), canary("login2"));

    let ordinary = staff.register(&draft("ordinary"));
    let sensitive = staff.register(&draft("sensitive"));
    let imported = import(&program);
    assert_eq!(
        (&imported["accepted"], &imported["rejected"]),
        (&1.into(), &1.into())
    );

    // The positive half: every value is there and its holder reads it.
    let mut read = staff.open("officer", &ordinary) + &staff.open(rights, &sensitive);
    let list = staff
        .call("officer", "GET", "/cases?purpose=handling", None)
        .expect(200);
    for row in list["rows"].as_array().unwrap() {
        read += &staff.open("officer", row["id"].as_str().unwrap());
    }
    let both = json!({"purpose": "handling", "assignees": [rights, rights2],
        "reason": canary("assign_reason")});
    staff
        .call(
            rights,
            "PUT",
            &format!("/cases/{sensitive}/assignees"),
            Some(&both),
        )
        .expect(200);
    let one = json!({"purpose": "handling", "assignees": [rights2],
        "reason": canary("assign_reason")});
    staff
        .call(
            rights,
            "PUT",
            &format!("/cases/{sensitive}/assignees"),
            Some(&one),
        )
        .expect(200);
    let tier = json!({"purpose": "handling", "tier": "sensitive", "assignees": [rights],
        "reason": canary("tier_reason")});
    let path = format!("/cases/{ordinary}/classification");
    let moved =
        ["coordinator", "officer"].map(|who| staff.call(who, "PUT", &path, Some(&tier)).status);
    assert!(
        moved.iter().any(|status| [200, 202].contains(status)),
        "{moved:?}"
    );
    read += &staff.open(rights2, &sensitive);
    read += &staff.open(rights, &ordinary);
    go_wrong(&staff);
    search(&program, &staff);
    let log = staff.call("auditor", "GET", "/log/entries?limit=200", None);
    read += &String::from_utf8(log.bytes).unwrap();
    let not_kept = [
        "bad_row",
        "unknown_login",
        "wrong_password",
        "bad_json",
        "bad_path",
        "searched_name",
        "searched_phone",
    ];
    for (name, value) in CANARIES {
        assert_eq!(read.contains(value), !not_kept.contains(&name), "{name}");
    }

    let bundle = program.file("log.bundle").to_string_lossy().into_owned();
    run(program.person("auditor", &["log", "export", "--out", &bundle])).expect(0);
    assert_eq!(staff.served.stop(), Some(0));
    for login in ["auditor", "intake"] {
        std::fs::remove_file(program.file(&format!("password-{login}"))).unwrap();
    }

    let search = Search::new(&CANARIES);
    assert_eq!(search.below(office.path()), [], "in the store");
    assert_eq!(
        search.below(program.desk.path()),
        [],
        "in what the program wrote elsewhere"
    );
    let told = std::fs::read_to_string(program.file("serve.err")).unwrap();
    assert!(
        told.contains("/api/v1/cases/{id}"),
        "the server told nothing: {told}"
    );
    assert!(program.file("rejects.jsonl").metadata().unwrap().len() > 0);

    // The negative half of the search itself: planted, in every form, it is found.
    for (name, value) in CANARIES {
        for (form, bytes) in forms(value) {
            let around = [b"\0\x01{\"x\":\"", bytes.as_slice(), b"\",\xff"].concat();
            let planted = office.path().join("data/store/journal/planted");
            std::fs::write(&planted, around).unwrap();
            let hits = search.hits(&std::fs::read(&planted).unwrap());
            assert!(
                hits.contains(&format!("{name} as {form}").as_str()),
                "{name} {form}"
            );
        }
    }
    assert!(
        !search.below(office.path()).is_empty(),
        "the planted file is among those searched"
    );
}
