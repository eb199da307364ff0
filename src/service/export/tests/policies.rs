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

/// Policies and number of cases of each export, newest first.
fn exports(office: &Office) -> Vec<(Vec<String>, u64)> {
    let rows = entries(&office.store, &office.session("auditor"), Task::Export);
    let said = |row: &serde_json::Value| {
        let policies = serde_json::from_value(row["policies"].clone()).unwrap();
        (policies, row["counts"]["cases"].as_u64().unwrap())
    };
    let listed = rows.iter().filter(|row| row["counts"]["cases"] != 0);
    listed.map(said).collect()
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
    assert_eq!(exports(&office), std::slice::from_ref(&mine));
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
    assert_eq!(exports(&office), [theirs, mine.clone(), mine]);
    assert_eq!(findings(), [2]);
    assert_eq!(office.look("officer", serial).cases, 5);
    let paper = office.print("officer", &mixed).unwrap();
    assert_eq!(office.look("officer", paper).cases, 5);
}
