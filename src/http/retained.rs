//! What another law keeps: drawing it from a case; and for retention custodians, with a second
//! person, the list, opening, hand-over and end. Everybody else gets the answer of routes that are
//! not there.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::body;
use super::error::Problem;
use super::extract::{self, Id, Params, Who};
use super::openapi::{ReadProblems, WriteProblems};
use super::page::Page;
use crate::audit::Position;
use crate::authn::session::Session;
use crate::domain::id::{ApprovalId, CaseId, RetainedId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::role::Role;
use crate::domain::tier::UnitKind;
use crate::retained::basis::LegalBasis;
use crate::retained::view::ItemRow;
use crate::service::{
    Consented, Draw, Drawn, End, ItemView, Ordered, PageRequest, Reasons, Service, Shared, Transfer,
};

/// A custodian's session and body. For anybody else the body is not read: what they sent changes
/// nothing about an answer that says that there is no such route.
pub(super) struct Custodian<T> {
    pub(super) session: Session,
    pub(super) asked: Option<T>,
}

impl<T: DeserializeOwned> FromRequest<Arc<Service>> for Custodian<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Self, Problem> {
        let (mut parts, rest) = request.into_parts();
        let Who(session) = Who::from_request_parts(&mut parts, service).await?;
        if !session.roles().has(Role::RetentionCustodian) {
            return Ok(Self {
                session,
                asked: None,
            });
        }
        let request = Request::from_parts(parts, rest);
        let body::Json(asked) = body::Json::<T>::from_request(request, service).await?;
        Ok(Self {
            session,
            asked: Some(asked),
        })
    }
}

/// Parts of a case by what they are.
#[derive(Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Title, narrative, attributes.
    Narrative,
    /// Everybody in it.
    People,
}

/// What another law keeps of a case.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Drawing {
    /// Purpose code: `handling` or `legal`.
    purpose: String,
    /// Every part of these kinds.
    #[serde(default)]
    parts: Vec<Kind>,
    /// And these people, by the ids that the case shows.
    #[serde(default)]
    units: Vec<String>,
    /// The law. It goes into the ledger: no personal data.
    law: String,
    /// Its article. It goes into the ledger: no personal data.
    article: String,
    /// What is kept, by kind. It goes into the ledger: no personal data.
    items: String,
    /// Until when, RFC 3339.
    until: String,
}

impl Drawing {
    fn draw(self) -> Result<Draw, Problem> {
        let units = self.units.iter().map(|unit| {
            let id = unit.parse().map(UnitId::from_u64);
            id.map_err(|_| Problem::invalid("units", "are not ids of people in this case"))
        });
        let until = extract::time("until", Some(&self.until))?;
        Ok(Draw {
            kinds: self
                .parts
                .iter()
                .map(|kind| match kind {
                    Kind::Narrative => UnitKind::Narrative,
                    Kind::People => UnitKind::Person,
                })
                .collect(),
            units: units.collect::<Result<_, _>>()?,
            basis: LegalBasis {
                law: self.law,
                article: self.article,
                items: self.items,
                until: until.ok_or_else(|| Problem::invalid("until", "is needed"))?,
            },
        })
    }
}

/// Which items.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ItemParams {
    /// `true` for those whose end has come.
    #[param(value_type = Option<bool>)]
    due: Option<String>,
    /// At most this many rows, 1 to 200.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Why an item is opened.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    /// Purpose code: `legal` or `subject_request`.
    purpose: String,
    /// Why; sealed in the access log.
    reason: String,
    /// Id of the approval, once a second person has approved exactly this.
    approval: Option<String>,
}

/// Which items go to which archive.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandOver {
    /// Ids of the items, 1 to 100.
    items: Vec<String>,
    /// The archive's public key, X25519, 64 hexadecimal digits.
    public_key: String,
    /// Why; sealed in the access log.
    reason: String,
    /// Id of the approval, once a second person has approved exactly this.
    approval: Option<String>,
}

/// Why an item shall be destroyed.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ending {
    /// Why; sealed in the access log.
    reason: String,
    /// Id of the decision 폐기 of the records appraisal, where the item needs one. It goes into the
    /// ledger: no personal data.
    decision: Option<String>,
    /// Id of the approval, once a privacy officer has approved exactly this.
    approval: Option<String>,
}

/// What waits for a second person.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Asked {
    /// Id of the approval.
    approval: String,
}

/// Id of an approval, where given.
pub(super) fn approval(text: Option<&str>) -> Result<Option<ApprovalId>, Problem> {
    extract::parsed("approval", "is not the id of an approval", text)
}

/// A second person was asked.
pub(super) fn asked(approval: ApprovalId) -> Response {
    let approval = approval.to_string();
    (StatusCode::ACCEPTED, Json(Asked { approval })).into_response()
}

pub(super) fn entry(position: Position) -> [(&'static str, String); 1] {
    let Position { index, size } = position;
    [("bongham-log", format!("{index}/{size}"))]
}

/// Copies parts of a case to the separate store, where the named law keeps them.
#[utoipa::path(post, path = "/cases/{id}/retained", tag = "cases", request_body = Drawing,
    params(("id" = String, Path, description = "Case id")), security(("session" = [])),
    responses((status = 201, body = Drawn), WriteProblems))]
pub(super) async fn draw(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<CaseId>,
    body::Json(asked): body::Json<Drawing>,
) -> Result<(StatusCode, Json<Drawn>), Problem> {
    let purpose = extract::purpose(Some(&asked.purpose))?;
    let case = id.known()?;
    let draw = asked.draw()?;
    let drawn = service
        .call(move |store| store.retain(&session, case, purpose, &draw))
        .await?;
    Ok((StatusCode::CREATED, Json(drawn)))
}

/// Lists items: law and dates, no content. For retention custodians.
#[utoipa::path(get, path = "/retained", tag = "retained", params(ItemParams),
    security(("session" = [])), responses((status = 200, body = Page<ItemRow>), ReadProblems))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    custodian: Listing,
) -> Result<Json<Page<ItemRow>>, Problem> {
    let Listing { session, due, page } = custodian;
    let rows = service
        .call(move |store| store.retained(&session, due, page))
        .await?;
    Ok(Page::json(rows))
}

/// A custodian's session and query; anybody else's query is not looked at.
pub(super) struct Listing {
    session: Session,
    due: bool,
    page: PageRequest,
}

impl FromRequestParts<Arc<Service>> for Listing {
    type Rejection = Problem;
    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        let Who(session) = Who::from_request_parts(parts, service).await?;
        if !session.roles().has(Role::RetentionCustodian) {
            let page = PageRequest {
                limit: Limit::rows(1),
                cursor: None,
            };
            return Ok(Self {
                session,
                due: false,
                page,
            });
        }
        let Params(asked) = Params::<ItemParams>::from_request_parts(parts, service).await?;
        let due = extract::parsed("due", "is true or false", asked.due.as_deref())?;
        Ok(Self {
            session,
            due: due.unwrap_or(false),
            page: extract::page(asked.limit.as_deref(), asked.cursor)?,
        })
    }
}

/// Opens an item, with a second person: the first call asks for one.
#[utoipa::path(post, path = "/retained/{id}/open", tag = "retained", request_body = Opening,
    params(("id" = String, Path, description = "Id of the item")), security(("session" = [])),
    responses((status = 200, body = ItemView, headers(
        ("Bongham-Log" = String, description = "`index/size` of the access-log entry of this opening")
    )), (status = 202, body = Asked, description = "A second person was asked"), WriteProblems))]
pub(super) async fn open(
    State(service): State<Arc<Service>>,
    id: Id<RetainedId>,
    Custodian {
        session,
        asked: body,
    }: Custodian<Opening>,
) -> Result<Response, Problem> {
    let Some(body) = body else {
        return stranger(&service, session).await;
    };
    let reasons = Reasons {
        purpose: extract::purpose(Some(&body.purpose))?,
        approval: approval(body.approval.as_deref())?,
        reason: body.reason,
    };
    let id = id.known()?;
    let opened = service
        .call(move |store| store.open_retained(&session, id, reasons))
        .await?;
    Ok(match opened {
        Consented::Asked(approval) => asked(approval),
        Consented::Done(view, position) => (entry(position), Json(view)).into_response(),
    })
}

/// Hands items over to the archive, with a second person: the first call asks for one. The file is
/// sealed to the archive's public key and is read with `bongham retained unseal`.
#[utoipa::path(post, path = "/retained/hand-over", tag = "retained", request_body = HandOver,
    security(("session" = [])),
    responses((status = 200, body = [u8], content_type = "application/x-ndjson", headers(
        ("Bongham-Log" = String, description = "`index/size` of the access-log entry of this hand-over")
    )), (status = 202, body = Asked, description = "A second person was asked"), WriteProblems))]
pub(super) async fn hand_over(
    State(service): State<Arc<Service>>,
    Custodian {
        session,
        asked: body,
    }: Custodian<HandOver>,
) -> Result<Response, Problem> {
    let Some(body) = body else {
        return stranger(&service, session).await;
    };
    let items = body.items.iter().map(|id| {
        let id = id.parse::<RetainedId>();
        id.map_err(|_| Problem::invalid("items", "are not ids of items"))
    });
    let transfer = Transfer {
        items: items.collect::<Result<_, _>>()?,
        public_key: body.public_key,
        approval: approval(body.approval.as_deref())?,
        reason: body.reason,
    };
    let handed = service
        .call(move |store| store.hand_over(&session, transfer))
        .await?;
    Ok(match handed {
        Consented::Asked(approval) => asked(approval),
        Consented::Done(file, position) => {
            let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
            (entry(position), kind, file).into_response()
        }
    })
}

/// Orders the destruction of an item whose end has come, with a second person: the first call asks
/// for one. The order can be cancelled until its time.
#[utoipa::path(post, path = "/retained/{id}/destruction", tag = "retained", request_body = Ending,
    params(("id" = String, Path, description = "Id of the item")), security(("session" = [])),
    responses((status = 201, body = Ordered),
        (status = 202, body = Asked, description = "A second person was asked"), WriteProblems))]
pub(super) async fn end(
    State(service): State<Arc<Service>>,
    id: Id<RetainedId>,
    Custodian {
        session,
        asked: body,
    }: Custodian<Ending>,
) -> Result<Response, Problem> {
    let Some(body) = body else {
        return stranger(&service, session).await;
    };
    let approval = approval(body.approval.as_deref())?;
    let id = id.known()?;
    let ended = service
        .call(move |store| {
            let Ending {
                reason, decision, ..
            } = body;
            let asked = End {
                reason,
                decision,
                approval,
            };
            store.end_retained(&session, id, asked)
        })
        .await?;
    Ok(match ended {
        Consented::Asked(approval) => asked(approval),
        Consented::Done(order, position) => {
            (StatusCode::CREATED, entry(position), Json(order)).into_response()
        }
    })
}

/// Gives every item that the asker opens to all retention custodians of now: to those who came, or
/// got a new key, since it was drawn.
#[utoipa::path(post, path = "/retained/share", tag = "retained", security(("session" = [])),
    responses((status = 200, body = Shared), WriteProblems))]
pub(super) async fn share(
    State(service): State<Arc<Service>>,
    Who(session): Who,
) -> Result<Json<Shared>, Problem> {
    let shared = service
        .call(move |store| store.share_retained(&session))
        .await?;
    Ok(Json(shared))
}

pub(super) async fn stranger(
    service: &Arc<Service>,
    session: Session,
) -> Result<Response, Problem> {
    service
        .call(move |store| store.refuse_stranger::<()>(&session))
        .await?;
    Err(Problem::new(super::code::Code::NotFound))
}
