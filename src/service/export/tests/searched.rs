//! A search and the budget: nothing is looked for where there is no room.

use super::*;
use crate::audit::usage::CHOOSES;
use crate::cases::search::SearchField;
use crate::service::Verdict;

#[test]
fn a_search_over_the_budget_looks_for_nothing_and_says_the_same_of_everything() {
    let office = Office::under(Budgets {
        cases: 2,
        ..Budgets::default()
    });
    for _ in 0..3 {
        office.register("rights");
    }
    let rights = office.session("rights");
    let search = |name: &str, cursor: Option<String>| {
        let page = PageRequest {
            limit: Limit::rows(50),
            cursor,
        };
        let value = SecretText::new(name.to_owned());
        let (name, handling) = (SearchField::Name, Purpose::Handling);
        let found = office
            .store
            .search_cases(&rights, name, value, handling, page);
        found
            .unwrap()
            .wait()
            .map(|page| (page.rows.len(), page.next))
    };
    let (rows, next) = search("임꺽정", None).unwrap();
    assert_eq!(rows, 2);
    assert!(next.is_some(), "the third waits for room");
    for (name, cursor) in [("임꺽정", next), ("임꺽정", None), ("아무개", None)] {
        assert_eq!(search(name, cursor), Err(ServiceError::StepUpRequired));
    }

    let rows = entries(&office.store, &office.session("auditor"), Task::Search);
    assert_eq!(rows.len(), 4, "each is an entry");
    let (refused, shown) = (&rows[0], &rows[3]);
    assert_eq!(refused["query"], "over_budget");
    assert_eq!(
        (&refused["decision"], &refused["result"]),
        (&"allow".into(), &"refused".into())
    );
    let opened = |entry: &serde_json::Value| entry["people"].as_array().map_or(0, Vec::len);
    assert_eq!((opened(refused), opened(shown)), (0, 2));
}

/// Neither the password nor a second person is asked for what there is and not for what there is not.
#[test]
fn an_export_by_search_over_the_budget_looks_for_nothing() {
    for (second, refusal) in [
        (5, ServiceError::StepUpRequired),
        (1, ServiceError::BudgetExceeded),
    ] {
        let office = Office::under(Budgets {
            downloads: 1,
            second,
            ..Budgets::default()
        });
        let case = office.register("rights");
        let export = |name: &str| {
            let value = SecretText::new(name.to_owned());
            let order = Order {
                selection: Selection::Search(SearchField::Name, value),
                ..office.order(&[case])
            };
            let begun = office.store.begin_export(office.session("rights"), order);
            let begun = begun.unwrap().wait().map(drop);
            office
                .store
                .exports
                .places
                .wait_idle(Duration::from_secs(60));
            begun
        };
        let none = export("아무개");
        assert!(matches!(none, Err(ServiceError::Invalid(_))), "the control");
        assert_eq!(export("임꺽정"), Ok(()), "the control");
        for name in ["임꺽정", "아무개"] {
            assert_eq!(export(name), Err(refusal.clone()), "{name}");
        }
    }
}

/// A consent to something else opens no search: found or not, it says the same.
#[test]
fn a_consent_to_another_export_tells_nothing_of_what_there_is() {
    let office = Office::under(Budgets {
        downloads: 1,
        ..Budgets::default()
    });
    let case = office.register("rights");
    let begin = |order| {
        let begun = office.store.begin_export(office.session("rights"), order);
        let begun = begun.unwrap().wait();
        let places = &office.store.exports.places;
        places.wait_idle(Duration::from_secs(60));
        begun
    };
    let unmasked = Order {
        unmasked: true,
        ..office.order(&[case])
    };
    let Ok(Consented::Asked(approval)) = begin(unmasked) else {
        panic!("no second person was asked");
    };
    let yes = Verdict {
        approve: true,
        hash: None,
    };
    let decided = office
        .store
        .decide_approval(&office.session("privacy"), approval, yes);
    assert!(decided.unwrap().wait().is_ok());
    assert!(begin(office.order(&[case])).is_ok(), "the budget is used");
    let by_name = |name: &str| {
        let value = SecretText::new(name.to_owned());
        Order {
            selection: Selection::Search(SearchField::Name, value),
            ..office.order(&[case])
        }
    };
    for (name, approval, refusal) in [
        ("임꺽정", Some(approval), ServiceError::NotApproved),
        ("아무개", Some(approval), ServiceError::NotApproved),
        ("아무개", None, ServiceError::StepUpRequired),
    ] {
        let order = Order {
            approval,
            ..by_name(name)
        };
        assert_eq!(begin(order).err(), Some(refusal), "{name}");
    }
    // Of whoever consented and is not who they were, nothing is left.
    let account = office.session("privacy").account();
    let mut demoted = office.store.directory.account(account).unwrap();
    demoted.roles = Roles::new([Role::Intake]).unwrap();
    office.store.directory.put_account(demoted);
    let order = Order {
        approval: Some(approval),
        ..by_name("임꺽정")
    };
    let refused = begin(order).err();
    assert_eq!(refused, Some(ServiceError::StepUpRequired));
}

#[test]
fn what_chooses_for_an_export_says_so() {
    let fields = [
        SearchField::Name,
        SearchField::Telephone,
        SearchField::Email,
        SearchField::Address,
        SearchField::Number,
    ];
    for field in fields {
        let named = field.choosing().strip_prefix(CHOOSES);
        assert_eq!(named, field.query().strip_prefix("search:"));
        assert!(named.is_some());
    }
}
