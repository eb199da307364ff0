//! Outputs of a restored store: what the backup knows as not fetched may have been fetched since.

use super::scene::{Scene, opened, settings};
use crate::audit::{Outcome, Shown};
use crate::disclosure::output::{Form, Output, OutputState};
use crate::domain::id::AccountId;
use crate::domain::limit::Limit;
use crate::domain::purpose::Purpose;
use crate::domain::serial::Serial;
use crate::domain::time::Timestamp;
use crate::engine::Batch;
use crate::service::store::Store;

/// How an output stands when the backup is made, how it opens after a restore, and how it does
/// where nothing was restored.
type Stands = (Form, OutputState, u32, OutputState, OutputState);

const STANDS: [Stands; 8] = {
    use OutputState::{Cancelled, Closed, Expired, Interrupted, MayBeOut, Ready, Running};
    [
        (Form::Csv, Ready, 0, MayBeOut, Interrupted),
        (Form::Csv, Running, 0, MayBeOut, Interrupted),
        (Form::PrintHtml, Ready, 0, MayBeOut, Expired),
        (Form::PrintHtml, Running, 0, MayBeOut, Interrupted),
        (Form::Csv, Ready, 1, Ready, Ready),
        (Form::Csv, Expired, 0, Expired, Expired),
        (Form::Csv, Cancelled, 0, Cancelled, Cancelled),
        (Form::PrintPdf, Closed, 2, Closed, Closed),
    ]
};

/// One output that stands so; its receiver says which.
fn output(store: &Store, at: usize) -> Output {
    let (form, state, fetched, ..) = STANDS[at];
    let by = AccountId::from_bytes([9; 16]);
    Output {
        serial: Serial::random(store.random.as_ref()).unwrap(),
        form,
        by,
        department: None,
        purpose: Purpose::Handling,
        template: "handling".into(),
        unmasked: false,
        receiver: at.to_string(),
        responsible: by,
        destroy_by: Timestamp::from_millis(9),
        copies: 1,
        sensitive: false,
        manifest: [7; 32],
        cases: 1,
        people: 0,
        requested_at: store.clock.now(),
        entry: None,
        approval: None,
        file_until: None,
        fetched: (None, fetched),
        state,
        finished: None,
        closed: None,
        approver: None,
    }
}

pub(super) fn place(store: &Store) {
    for at in 0..STANDS.len() {
        let output = output(store, at);
        let mut batch = Batch::default();
        store.outputs.put_new(&mut batch, &output).unwrap();
        let event = Store::output_event(&output, Outcome::Done, "placed");
        let entered = store.log.event_about(event, Shown::default(), batch);
        entered.wait().unwrap();
    }
}

fn states(store: &Store) -> Vec<OutputState> {
    let all = store.outputs.newest(u64::MAX, Limit::rows(50), |_| true);
    let mut rows: Vec<Output> = all
        .unwrap()
        .0
        .into_iter()
        .map(|stored| stored.row)
        .collect();
    rows.sort_by_key(|output| output.receiver.clone());
    rows.iter().map(|output| output.state).collect()
}

#[test]
fn what_nobody_had_fetched_when_the_backup_was_made_may_be_out() {
    let scene = Scene::new();
    let report = scene.restore("keyring", &scene.request(true)).unwrap();
    let told = report.lines.join("\n");
    assert!(told.contains("outputs: 4 exports and prints"), "{told}");
    let store = scene.reopened("keyring");
    assert_eq!(
        states(&store),
        STANDS.map(|(_, _, _, restored, _)| restored)
    );
    let out = states(&store).into_iter().filter(|state| state.is_out());
    assert_eq!(out.count(), 5, "certificates and inspections name them");
    store.close().unwrap();
}

#[test]
fn what_nobody_had_fetched_when_the_store_was_closed_is_not_out() {
    let scene = Scene::new();
    let store = opened(&settings(scene.dir.path(), "data", "keyring")).unwrap();
    assert_eq!(states(&store), STANDS.map(|(_, _, _, _, not)| not));
    store.close().unwrap();
}
