//! A search that is over the budget has opened what it compared, and says so in the log.

use super::*;
use crate::cases::search::SearchField;

#[test]
fn a_search_over_the_budget_names_what_it_opened_and_counts_nothing() {
    let office = Office::under(Budgets {
        cases: 0,
        ..Budgets::default()
    });
    let case = office.register("rights");
    let rights = office.session("rights");
    let page = || PageRequest {
        limit: Limit::rows(50),
        cursor: None,
    };
    let value = SecretText::new("임꺽정".to_owned());
    let (name, handling) = (SearchField::Name, Purpose::Handling);
    let found = office
        .store
        .search_cases(&rights, name, value, handling, page());
    let found = found.unwrap().wait().map(|rows| rows.rows.len());
    assert_eq!(found, Err(ServiceError::BudgetExceeded));

    let query = crate::audit::query::Query {
        task: Some(Task::Search),
        ..Default::default()
    };
    let auditor = office.session("auditor");
    let rows = office.store.log_entries(&auditor, query, page());
    let rows = serde_json::to_value(rows.unwrap().wait().unwrap().rows).unwrap();
    let entry = &rows[0];
    assert_eq!(entry["query"], "over_budget");
    assert_eq!(
        (&entry["decision"], &entry["result"]),
        (&"allow".into(), &"refused".into())
    );
    assert_eq!(entry["cases"], serde_json::json!([case.to_string()]));
    assert_eq!(entry["people"].as_array().map(Vec::len), Some(1), "{entry}");
    let totals = office.store.log.usage().totals(rights.account());
    assert_eq!((totals.cases, totals.people), (0, 0));
}
