//! The route × role list: what every route answers to every role, and which access-log entry that
//! leaves. A route of the document without a line here fails; there are no exceptions.

mod office;

use std::collections::BTreeSet;

use office::*;
use serde_json::{Value, json};

use crate::deletion;
use crate::retained;
use crate::world::{PASSPHRASE, World, here, in_a_year, ordinary, password, secret, sensitive};

/// The columns: logins of [`World`], one per role, and nobody.
const ROLES: [&str; 10] = [
    "admin",
    "privacy",
    "intake",
    "officer",
    "rights",
    "lead",
    "coordinator",
    "auditor",
    "custodian",
    "",
];

/// Method, path, what is asked for, task of the entry; then for each role the status and the
/// entry: `+` allowed, `-` denied, `*` done or refused without policies (log-ins and the like),
/// `.` none. A task behind the sign stands in place of the line's.
const LIST: &str = include_str!("coverage.txt");

struct Line<'a> {
    method: &'a str,
    path: &'a str,
    about: &'a str,
    task: &'a str,
    cells: Vec<&'a str>,
}

fn lines(list: &str) -> Vec<Line<'_>> {
    let read = |line| {
        let mut words = str::split_whitespace(line);
        let mut next = || words.next().unwrap();
        let (method, path, about, task) = (next(), next(), next(), next());
        let cells: Vec<_> = words.collect();
        assert_eq!(cells.len(), ROLES.len(), "{line}");
        Line {
            method,
            path,
            about,
            task,
            cells,
        }
    };
    list.trim_matches('\n').lines().skip(1).map(read).collect()
}

/// Routes of the document that have no line, and lines that have no route.
fn unmatched(document: &Value, list: &str) -> Vec<String> {
    let described = document["paths"].as_object().unwrap().iter();
    let described: BTreeSet<String> = described
        .flat_map(|(path, operations)| {
            let methods = operations.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let listed = lines(list).into_iter();
    let listed: BTreeSet<_> = listed.map(|l| format!("{} {}", l.method, l.path)).collect();
    described.symmetric_difference(&listed).cloned().collect()
}

/// What a cell says, with the task written out.
fn expected(line: &Line<'_>, cell: &str) -> String {
    let bare = cell.ends_with(['+', '-', '*']);
    let task = if bare { line.task } else { "" };
    format!("{cell}{task}")
}

/// Every cell that is not as it came.
fn differences(office: &mut Office, list: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in lines(list) {
        for (role, cell) in ROLES.into_iter().zip(&line.cells) {
            let (came, expected) = (office.came(&line, role), expected(&line, cell));
            if came != expected {
                let Line {
                    method,
                    path,
                    about,
                    ..
                } = line;
                found.push(format!(
                    "{method} {path} {about} by {role:?}: {expected} → {came}"
                ));
            }
        }
    }
    found
}

#[test]
fn every_route_answers_every_role_and_logs_it_as_listed() {
    let mut office = Office::new();
    let document = office
        .world
        .send("GET", "/api/v1/openapi.json", None, None)
        .expect(200);
    assert_eq!(unmatched(&document, LIST), Vec::<String>::new());
    assert_eq!(differences(&mut office, LIST), Vec::<String>::new());
}

/// The control: a missing line, a wrong status, a wrong sign and a wrong task are found.
#[test]
fn the_list_finds_what_is_missing_or_wrong() {
    let mut office = Office::new();
    let document = office
        .world
        .send("GET", "/api/v1/openapi.json", None, None)
        .expect(200);
    let without: Vec<_> = LIST.lines().filter(|l| !l.contains("/log/key")).collect();
    assert_eq!(
        unmatched(&document, &without.join("\n")),
        ["GET /api/v1/log/key"]
    );

    let wrong = "
        header
        GET /api/v1/accounts - manage_account 200+ 403- 403- 403- 403- 403- 403- 403- 403- 401.
        GET /api/v1/accounts - manage_account 200- 200- 403+ 403. 403- 403- 403- 403- 403- 401.
        GET /api/v1/accounts - approve 200+manage_account 403- 403- 403- 403- 403- 403- 403- 403- 401.
    ";
    assert_eq!(differences(&mut office, wrong.trim()).len(), 4 + 8);
}
