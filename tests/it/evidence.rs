//! The evidence for a petitioner: who opened their case, what of it is proven, what is not.

use bongham::domain::id::AccountId;
use bongham::inspection::evidence::{Body, Evidence, Fault, Kept, verify};
use bongham::merkle::checkpoint::Verifier;
use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};

use crate::program::{Program, bongham, run};
use crate::world::{World, ordinary, sensitive};

const GONE: &str = "AAAA-BBBB-CCCC";

fn receipt_of(world: &World, draft: &Value) -> (String, String) {
    let made = world.post("intake", "/cases", draft).expect(201);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("receipt"))
}

/// An order for it, with who it is given to.
fn about(what: Value) -> Value {
    let mut body = what;
    body["identity"] = json!("resident_card");
    body["reason"] = json!("given to the petitioner");
    body
}

fn given(world: &World, what: &Value) -> (Vec<u8>, String) {
    let body = about(what.clone());
    let given = world.post("privacy", "/evidence", &body).expect(200);
    let part = |name: &str| given[name].as_str().unwrap().to_owned();
    (part("document").into_bytes(), part("page"))
}

fn verifier(world: &World) -> Verifier {
    Verifier::parse(world.log_key.trim()).unwrap()
}

fn tasks(body: &Body) -> Vec<(String, bool)> {
    let lines = body.entries.iter();
    lines.map(|l| (l.task.to_string(), l.attempt)).collect()
}

#[test]
fn a_petitioner_learns_roles_times_and_purposes_and_nothing_else() {
    let mut world = World::new();
    // Logins of the others are words of roles.
    let login = "zoe-of-the-desk";
    world.invite(login, &["officer"], Some("civil"));
    world.log_in(login);
    let (case, receipt) = receipt_of(&world, &sensitive());
    let (other, _) = receipt_of(&world, &sensitive());
    world.read("rights", &case, "handling").expect(200);
    world.read("rights", &other, "handling").expect(200);
    world.read(login, &case, "handling").expect(404);
    let (document, page) = given(&world, &json!({"receipt": receipt.to_lowercase()}));
    let body = verify(&document, &verifier(&world), None).unwrap().body;
    let expected = [("register", false), ("read", false), ("read", true)];
    let expected = expected.map(|(task, attempt)| (task.to_owned(), attempt));
    assert_eq!(tasks(&body), expected);
    let roles: Vec<String> = body
        .entries
        .iter()
        .map(|l| l.roles[0].to_string())
        .collect();
    assert_eq!(roles, ["intake", "human_rights_officer", "officer"]);
    let purpose = body.entries[1].purpose;
    assert_eq!(purpose, Some(bongham::domain::purpose::Purpose::Handling));
    assert_eq!((body.receipt, body.case), (receipt.clone(), case.clone()));
    // No login, no account, no text of the case, no address; the control is what is there.
    let text = String::from_utf8(document.clone()).unwrap();
    // The code of the role has a login's word in it.
    let [text, page_of_others] = [&text, &page].map(|t| t.replace("human_rights_officer", "role"));
    for hidden in [
        "임꺽정",
        "변학도",
        "rights2",
        "127.0.0.1",
        "rights",
        login,
        &world.ids["rights"],
        &world.ids[login],
        &other,
    ] {
        let there = text.contains(hidden) || page_of_others.contains(hidden);
        assert!(!there, "{hidden}");
    }
    // The opaque id stands in the leaf, which is proven, and nowhere else, in no form.
    let mut bare: Value = serde_json::from_slice(&document).unwrap();
    let lines = bare["entries"].as_array_mut().unwrap();
    let leaves: String = lines
        .iter_mut()
        .map(|l| l["leaf"].take().to_string())
        .collect();
    let bare = bare.to_string();
    for who in ["rights", login] {
        let id: AccountId = world.ids[who].parse().unwrap();
        let hex = HEXLOWER.encode(id.as_bytes());
        assert!(leaves.contains(&hex), "the control");
        for form in [hex, BASE64.encode(id.as_bytes())] {
            assert!(!bare.contains(&form) && !page.contains(&form), "{form}");
        }
    }
    assert!(page.contains("인권업무 담당자 (human_rights_officer)"));
    assert!(page.contains("거부된 시도") && page.contains("증명되지 않습니다"));
    // The telling is an entry about the case, and stands in what is told next.
    let (document, _) = given(&world, &json!({"case": case}));
    let body = verify(&document, &verifier(&world), None).unwrap().body;
    assert_eq!(
        body.entries.last().unwrap().task.to_string(),
        "give_evidence"
    );
    // To whom, and how it was known: in the entry, sealed, and in no document.
    let told = &world.log("&task=give_evidence")[0];
    assert_eq!(told["reason"], "resident_card: given to the petitioner");
    assert!(!String::from_utf8(document).unwrap().contains("resident"));
    for (field, bad) in [("identity", "a nod"), ("reason", "  ")] {
        let mut body = about(json!({"case": case}));
        body[field] = json!(bad);
        world.post("privacy", "/evidence", &body).expect(422);
        body.as_object_mut().unwrap().remove(field);
        world.post("privacy", "/evidence", &body).expect(400);
    }
}

#[test]
fn a_kept_checkpoint_is_compared_where_there_is_a_proof_and_never_said_to_be_without() {
    let world = World::new();
    let (case, _) = receipt_of(&world, &ordinary());
    let checkpoint = |world: &World| {
        let note = world.get("auditor", "/log/checkpoint");
        String::from_utf8(note.bytes).unwrap()
    };
    let kept = checkpoint(&world);
    world.read("officer", &case, "handling").expect(200);
    let key = verifier(&world);
    let compared = |document: &[u8]| verify(document, &key, Some(&kept)).unwrap().kept;
    let (without, _) = given(&world, &json!({"case": case}));
    assert_eq!(compared(&without), Kept::NotCompared);
    assert_eq!(verify(&without, &key, None).unwrap().kept, Kept::None);
    let (with, _) = given(&world, &json!({"case": case, "since": kept}));
    assert_eq!(compared(&with), Kept::Compared);
    let another = checkpoint(&world);
    let other = verify(&without, &key, Some(&another));
    assert!(matches!(other, Err(Fault::Older { .. })), "{other:?}");
    // What no such checkpoint is, and another office's.
    let stranger = checkpoint(&World::new());
    for bad in ["", "not a note", &stranger] {
        let body = about(json!({"case": case, "since": bad}));
        let reply = world.post("privacy", "/evidence", &body);
        assert_eq!((reply.status, reply.code().as_str()), (422, "invalid"));
    }
}

#[test]
fn a_receipt_of_nobody_and_a_case_of_nobody_are_the_same() {
    let world = World::new();
    let (case, receipt) = receipt_of(&world, &ordinary());
    let nowhere = "a".repeat(26);
    // Somebody tried it: that alone makes no case of it.
    world.read("officer", &nowhere, "handling").expect(404);
    let asked = [
        json!({"receipt": GONE}),
        json!({"receipt": "no receipt at all"}),
        json!({"case": nowhere}),
        json!({"case": "../../etc/passwd"}),
    ];
    let answers = asked.map(|body| {
        let reply = world.post("privacy", "/evidence", &about(body));
        (reply.status, reply.bytes)
    });
    assert!(answers.iter().all(|a| *a == answers[0] && a.0 == 404));
    for body in [json!({}), json!({"case": case, "receipt": receipt})] {
        world.post("privacy", "/evidence", &about(body)).expect(422);
    }
    let roles = ["admin", "officer", "auditor", "lead"];
    for role in roles {
        let body = about(json!({"receipt": receipt}));
        world.post(role, "/evidence", &body).expect(403);
    }
    world
        .post("privacy", "/evidence", &about(json!({"case": case})))
        .expect(200);
}

/// A document with its body changed by `change`, signature and all else as it was.
fn forged(document: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(document).unwrap();
    change(&mut value);
    let evidence: Evidence = serde_json::from_value(value).unwrap();
    evidence.bytes().unwrap()
}

#[test]
fn what_was_forged_does_not_verify_and_is_named() {
    let world = World::new();
    let (case, _) = receipt_of(&world, &ordinary());
    world.read("officer", &case, "handling").expect(200);
    world.read("rights", &case, "handling").expect(404);
    let (document, _) = given(&world, &json!({"case": case}));
    let key = verifier(&world);
    let check = |bytes: &[u8]| verify(bytes, &key, None).map(|it| it.body.entries.len());
    assert_eq!(check(&document), Ok(3), "the control");
    let index = |n: usize| verify(&document, &key, None).unwrap().body.entries[n].index;
    let role = |v: &mut Value| v["entries"][1]["roles"] = json!(["lead"]);
    assert_eq!(check(&forged(&document, role)), Err(Fault::Says(index(1))));
    let attempt = |v: &mut Value| v["entries"][2]["attempt"] = json!(false);
    assert_eq!(
        check(&forged(&document, attempt)),
        Err(Fault::Says(index(2)))
    );
    let leaf = |v: &mut Value| {
        let text = v["entries"][1]["leaf"].as_str().unwrap().to_owned();
        let last = if text.ends_with('0') { "1" } else { "0" };
        v["entries"][1]["leaf"] = json!(format!("{}{last}", &text[..text.len() - 1]));
    };
    assert_eq!(check(&forged(&document, leaf)), Err(Fault::Leaf(index(1))));
    let removed = |v: &mut Value| drop(v["entries"].as_array_mut().unwrap().remove(1));
    assert_eq!(check(&forged(&document, removed)), Err(Fault::Text));
    let turned = |v: &mut Value| v["entries"].as_array_mut().unwrap().reverse();
    assert_eq!(
        check(&forged(&document, turned)),
        Err(Fault::Order(index(1)))
    );
    let softened = |v: &mut Value| v["leaves_open"]["en"] = json!("Everything is proven.");
    assert_eq!(check(&forged(&document, softened)), Err(Fault::Form));
    let receipt = |v: &mut Value| v["receipt"] = json!(GONE);
    assert_eq!(check(&forged(&document, receipt)), Err(Fault::Text));
    assert_eq!(check(&[&document[..], b"\n"].concat()), Err(Fault::Form));
    // Another office's key, and a newer checkpoint that was kept.
    let stranger = World::new();
    let theirs = verify(&document, &verifier(&stranger), None);
    assert!(matches!(theirs, Err(Fault::Checkpoint(_))));
    world.read("officer", &case, "handling").expect(200);
    let kept = world.get("auditor", "/log/checkpoint");
    let kept = String::from_utf8(kept.bytes).unwrap();
    let older = verify(&document, &key, Some(&kept));
    assert!(matches!(older, Err(Fault::Older { .. })), "{older:?}");
}

#[test]
fn the_program_verifies_it_without_a_store() {
    let world = World::new();
    let (case, receipt) = receipt_of(&world, &ordinary());
    world.read("officer", &case, "handling").expect(200);
    let key = world.log_key.clone();
    let kept = world.get("auditor", "/log/checkpoint").bytes;
    let office = world.leave();
    let program = Program::on(office.path());
    let key = program.note("log.vkey", key);
    let kept = program.note("kept.note", kept);
    let (document, page) = (program.file("evidence.json"), program.file("evidence.html"));
    let args = [
        "evidence",
        "give",
        "--receipt",
        &receipt,
        "--identity",
        "passport",
        "--reason",
        "given to the petitioner",
        "--since",
        kept.to_str().unwrap(),
        "--out",
        document.to_str().unwrap(),
        "--page",
        page.to_str().unwrap(),
    ];
    run(program.person("privacy", &args)).expect(0);
    run(program.person(
        "officer",
        &[
            "evidence",
            "give",
            "--receipt",
            &receipt,
            "--identity",
            "passport",
            "--reason",
            "r",
            "-o",
            "x",
        ],
    ))
    .expect(3);
    let verify = |file: &std::path::Path| {
        let mut command = bongham();
        command.args(["log", "verify-evidence"]).arg(file);
        command.arg("--key").arg(&key);
        command.arg("--checkpoint").arg(&kept);
        run(command)
    };
    let told = verify(&document).expect(0);
    assert!(told.out.contains("kept_checkpoint: compared"), "{told:?}");
    assert!(told.out.contains("entries: 2"), "{told:?}");
    assert!(told.err.contains("cannot be proven"), "{told:?}");
    let changed = forged(&std::fs::read(&document).unwrap(), |v| {
        v["entries"][1]["roles"] = json!(["lead"]);
    });
    let changed = verify(&program.note("changed.json", changed)).expect(1);
    assert!(
        changed.err.contains("what the document says of entry"),
        "{changed:?}"
    );
}
