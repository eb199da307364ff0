//! One page of a list.

use axum::Json;
use serde::{Deserialize, Serialize};

use super::error::Problem;
use super::extract;
use crate::service::{PageRequest, Rows};

/// One page; `next` is the cursor of the page after it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Page<T> {
    /// The rows.
    rows: Vec<T>,
    /// Where the next page starts; null on the last one.
    next: Option<String>,
}

impl<T> Page<T> {
    /// The page as an answer.
    pub(super) fn json(rows: Rows<T>) -> Json<Self> {
        Json(Self {
            rows: rows.rows,
            next: rows.next,
        })
    }
}

/// Which page.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageParams {
    /// At most this many rows, 1 to 200.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl PageParams {
    /// Which page was asked for.
    pub(super) fn page(self) -> Result<PageRequest, Problem> {
        extract::page(self.limit.as_deref(), self.cursor)
    }
}
