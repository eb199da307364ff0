//! The JSON door: parse, call the service, answer. Every route stands on this page.
//!
//! What an answer may hold is decided below, in [`crate::service`]; this folder decides how it is
//! written. A thing that is absent and one that the asker may not know of answer with the same
//! status, headers and body.

mod accounts;
mod approvals;
mod backups;
mod body;
mod budget;
mod cases;
mod code;
mod control;
mod crowd;
mod deletion;
mod departments;
mod download;
mod entry;
mod error;
mod evidence;
mod exports;
mod extract;
mod headers;
mod health;
mod imports;
mod inspections;
mod ledger;
mod limits;
mod log;
mod metrics;
mod openapi;
mod page;
mod prints;
mod retained;
mod retained_term;
mod retention;
mod seal;
mod searches;
mod server;
mod sessions;
mod stall;
mod tls;
mod trace;
mod traces;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::service::Service;
use code::Code;
use error::Problem;
use health::Description;
use limits::{Bounds, Gate, IMPORTS_MAX, STRANGERS_MAX, TRACES_MAX};
use metrics::Metrics;

pub use server::{Drained, ServeError, Server, serve_stream};
pub use tls::{Tls, TlsError};

type Routes = OpenApiRouter<Arc<Service>>;

/// Probes: they answer under any load, sealed or not.
fn probes() -> Routes {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
}

/// What the operator finds on the control socket and nobody elsewhere.
fn operations() -> Routes {
    OpenApiRouter::default().routes(routes!(metrics::show))
}

/// What everybody may know to exist.
fn office(time: Duration) -> Routes {
    let chunks = from_fn_with_state(Gate::new(IMPORTS_MAX, time), limits::admit);
    let pictures = from_fn_with_state(Gate::new(TRACES_MAX, time), limits::admit);
    let strangers = from_fn_with_state(Gate::new(STRANGERS_MAX, time), limits::admit);
    let anybody = OpenApiRouter::default()
        .routes(routes!(health::description))
        .routes(routes!(seal::state, seal::change))
        .routes(routes!(sessions::log_in))
        .routes(routes!(sessions::enrol))
        .layer(strangers);
    OpenApiRouter::default()
        .merge(anybody)
        .routes(routes!(sessions::log_out))
        .routes(routes!(sessions::step_up))
        .routes(routes!(budget::show, budget::raise))
        .routes(routes!(budget::alerts))
        .routes(routes!(budget::acknowledge))
        .routes(routes!(accounts::add, accounts::list))
        .routes(routes!(accounts::change_roles))
        .routes(routes!(accounts::disable))
        .routes(routes!(accounts::reset))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::decide))
        .routes(routes!(departments::add, departments::list))
        .routes(routes!(departments::propose_desk))
        .routes(routes!(cases::register, cases::list))
        .routes(routes!(cases::read, upkeep::amend))
        .routes(routes!(cases::assign))
        .routes(routes!(cases::reclassify))
        .routes(routes!(upkeep::hold))
        .routes(routes!(deletion::take_in, deletion::list))
        .routes(routes!(deletion::show))
        .routes(routes!(deletion::identity))
        .routes(routes!(deletion::review))
        .routes(routes!(deletion::form))
        .routes(routes!(deletion::approve))
        .routes(routes!(deletion::refuse))
        .routes(routes!(deletion::cancel))
        .routes(routes!(deletion::execute))
        .routes(routes!(deletion::notice, deletion::deliver))
        .routes(routes!(retention::rules, retention::set_rules))
        .routes(routes!(retention::sweep))
        .routes(routes!(backups::begin))
        .routes(routes!(backups::file))
        .routes(routes!(backups::list))
        .routes(routes!(backups::end))
        .routes(routes!(backups::escrow, backups::holders))
        .routes(routes!(backups::acknowledge))
        .routes(routes!(retained::draw))
        .routes(routes!(evidence::give))
        .routes(routes!(inspections::make, inspections::list))
        .routes(routes!(inspections::show))
        .routes(routes!(inspections::report))
        .routes(routes!(inspections::judge))
        .routes(routes!(inspections::sign))
        .routes(routes!(inspections::findings))
        .routes(routes!(inspections::explain))
        .routes(routes!(searches::search))
        .routes(routes!(exports::begin))
        .routes(routes!(exports::show, exports::cancel))
        .routes(routes!(exports::content))
        .routes(routes!(exports::list))
        .routes(routes!(exports::close))
        .routes(routes!(prints::make))
        .routes(routes!(prints::show))
        .routes(routes!(prints::document))
        .routes(routes!(traces::trace).layer(pictures))
        .routes(routes!(imports::open))
        .routes(routes!(imports::rows).layer(chunks))
}

/// What auditors use and nobody else finds.
fn inspection() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(log::entries))
        .routes(routes!(log::checkpoint))
        .routes(routes!(log::key))
        .routes(routes!(log::inclusion))
        .routes(routes!(log::consistency))
        .routes(routes!(log::bundle))
        .routes(routes!(log::ledger_checkpoint))
        .routes(routes!(log::ledger_key))
        .routes(routes!(log::ledger_bundle))
        .routes(routes!(ledger::entries))
        .routes(routes!(ledger::inclusion))
        .routes(routes!(ledger::consistency))
        .routes(routes!(ledger::form))
        .routes(routes!(ledger::certificate))
}

/// What retention custodians use and nobody else finds.
fn apart() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(retained::list))
        .routes(routes!(retained::hand_over))
        .routes(routes!(retained::share))
        .routes(routes!(retained::open))
        .routes(routes!(retained::end))
        .routes(routes!(retained_term::cancel))
        .routes(routes!(retained_term::hold))
        .routes(routes!(retained_term::renew))
}

/// The door of a service: routes inside limits, trace and headers.
pub fn router(service: Arc<Service>) -> Router {
    bounded(service, &Bounds::default())
}

fn bounded(service: Arc<Service>, bounds: &Bounds) -> Router {
    let time = bounds.request_time;
    let metrics = Arc::<Metrics>::default();
    let (probes, mut document) = probes().split_for_parts();
    let (office, offered) = office(time).split_for_parts();
    let (inspection, inspected) = inspection().merge(apart()).split_for_parts();
    let (operations, operated) = operations().split_for_parts();
    document.merge(operated);
    document = document.nest("/api/v1", offered).nest("/api/v1", inspected);
    let api = office.method_not_allowed_fallback(wrong_method);
    let api = api.merge(inspection.method_not_allowed_fallback(absent));
    let api = Router::new().nest("/api/v1", api).layer(from_fn_with_state(
        Gate::new(bounds.requests, time),
        limits::admit,
    ));
    let routes = api
        .merge(probes.method_not_allowed_fallback(wrong_method))
        .merge(operations.method_not_allowed_fallback(absent))
        .fallback(absent)
        .layer(Extension(Description::of(&document)))
        .layer(CatchPanicLayer::custom(trace::panicked))
        .layer(from_fn_with_state(Arc::clone(&metrics), trace::line))
        .layer(Extension(metrics))
        .with_state(service);
    // Outside of all routing, so that it sees every answer as it will be sent.
    Router::new()
        .fallback_service(routes)
        .layer(from_fn(headers::secure))
}

async fn absent() -> Response {
    Problem::new(Code::NotFound).into_response()
}

async fn wrong_method() -> Response {
    Problem::new(Code::MethodNotAllowed).into_response()
}

#[cfg(test)]
mod tests;
