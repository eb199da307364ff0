//! The entries of a list name the policies by which its cases were taken out, as those of reads do.

use super::*;
use crate::inspection::month::Month;
use crate::inspection::rule::Rule;
use crate::inspection::view::InspectionDraft;

/// What an office might add: everybody takes out everything ordinary.
const COLLEAGUES: &str = r#"@id("ordinary_colleagues_take_out")
@basis("the office's own rules")
@fields("head,narrative,people")
permit (
  principal in Role::"officer",
  action in [Action::"export", Action::"print", Action::"unmask"],
  resource
)
when {
  resource.tier == Tier::"ordinary" && context.purpose == Purpose::"handling"
};
"#;

fn office(policies: &Path) -> Office {
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("policies"),
        policies,
    );
    fs::write(policies.join("own.cedar"), COLLEAGUES).unwrap();
    let office = Office::with(|settings| {
        settings.policies = Some(policies.to_owned());
        settings.inspection.neighbour_reads = 2;
    });
    office.join("officer2", Role::Officer);
    office
}

/// Policies and number of cases of each entry of a task, newest first.
fn entries(office: &Office, task: Task) -> Vec<(Vec<String>, u64)> {
    let query = crate::audit::query::Query {
        task: Some(task),
        ..Default::default()
    };
    let page = PageRequest {
        limit: Limit::rows(50),
        cursor: None,
    };
    let rows = office
        .store
        .log_entries(&office.session("auditor"), query, page);
    let rows = serde_json::to_value(rows.unwrap().wait().unwrap().rows).unwrap();
    let entry = |row: &serde_json::Value| {
        let policies = serde_json::from_value(row["policies"].clone()).unwrap();
        (policies, row["counts"]["cases"].as_u64().unwrap())
    };
    let rows = rows.as_array().unwrap().iter();
    rows.filter(|row| row["counts"]["cases"] != 0)
        .map(entry)
        .collect()
}

#[test]
fn cases_of_others_in_a_list_are_told_from_ones_own() {
    let policies = tempfile::tempdir().unwrap();
    let office = office(policies.path());
    let own = [(); 3].map(|()| office.register("officer"));
    let others = [(); 2].map(|()| office.register("officer2"));
    office.finished("officer", &own);
    let both = ["ordinary_colleagues_take_out", "ordinary_own_takes_out"];
    let mine = (both.map(str::to_owned).to_vec(), 3);
    assert_eq!(entries(&office, Task::Export), std::slice::from_ref(&mine));
    let findings = || {
        let month = Month::of(office.clock.now()).to_string();
        let made = office
            .store
            .make_inspection(&office.session("auditor"), InspectionDraft { month });
        let made = made.unwrap().wait().unwrap().sheet.findings;
        let strange = made.iter().filter(|f| f.rule == Rule::NeighbourRead);
        strange.map(|finding| finding.count).collect::<Vec<_>>()
    };
    assert_eq!(findings(), [0; 0], "the control");

    let mixed = [own[0], others[0], own[1], others[1], own[2]];
    let serial = office.finished("officer", &mixed);
    let theirs = (vec![both[0].to_owned()], 2);
    let entries = entries(&office, Task::Export);
    assert_eq!(entries, [theirs, mine.clone(), mine]);
    assert_eq!(findings(), [2]);
    assert_eq!(office.look("officer", serial).cases, 5);
    let paper = office.print("officer", &mixed).unwrap();
    assert_eq!(office.look("officer", paper).cases, 5);
}
