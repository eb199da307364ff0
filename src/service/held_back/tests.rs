//! Whoever an older row gives nothing back to has lost rights, and the log says so.

use serde_json::json;

use crate::domain::role::{Role, Roles};
use crate::domain::task::Task;
use crate::engine::Batch;
use crate::service::export::tests::{Office, entries};

#[test]
fn a_row_older_than_the_keyring_knows_gives_nothing_back_and_what_is_lost_is_noted() {
    let office = Office::new();
    let store = &office.store;
    let account = office.session("officer").account();
    let older = store.account(account).unwrap().row;
    let changed = store.change_roles(&office.session("admin"), account, vec![Role::Intake]);
    drop(changed.unwrap().wait().unwrap());
    let noted = || {
        let rows = entries(store, &office.session("auditor"), Task::ManageAccount);
        let of_it = |row: &&serde_json::Value| {
            let notes = row["notes"].as_array();
            let lost = |note: &serde_json::Value| {
                note["accounts"] == json!([account.to_string()]) && note["roles"] == json!([])
            };
            let reason = row["reason"].as_str().unwrap_or_default();
            reason.starts_with("older") && notes.is_some_and(|notes| notes.iter().any(lost))
        };
        rows.iter().filter(of_it).count()
    };
    store.hold_back().unwrap();
    assert_eq!(noted(), 0, "the control: nothing is older");

    let stored = store.account(account).unwrap();
    let mut batch = Batch::default();
    let put = store.people.put_changed(&mut batch, &stored, &older);
    put.unwrap();
    drop(store.engine.commit(batch).wait().unwrap());
    store.directory.put_account(older);
    store.hold_back().unwrap();
    let now = store.directory.account(account).unwrap();
    assert!(now.roles == Roles::default() && now.receives().is_none());
    assert_eq!(noted(), 1);
    store.hold_back().unwrap();
    assert_eq!(noted(), 1, "told once");
}
