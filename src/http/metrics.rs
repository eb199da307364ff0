//! Figures for the operator, in the text format of Prometheus (0.0.4).
//!
//! Routes by their pattern, statuses by their class, durations, groups of the journal. Nothing by
//! person, case, tier or department: what goes on in an office is not to be read from its figures.
//! Of a log there is the position of forwarding alone, to be held against what the collector has.
//! They are given on the control socket alone; elsewhere the route is absent.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::code::Code;
use super::error::Problem;
use super::extract::Peer;
use crate::service::Service;

/// Upper ends of the classes of durations, in microseconds and as Prometheus writes seconds.
const CLASSES: [(u64, &str); 8] = [
    (1_000, "0.001"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (10_000_000, "10"),
];

/// What is counted of one route and method.
#[derive(Default)]
struct Row {
    /// By class of status, from 1xx.
    answers: [AtomicU64; 5],
    micros: AtomicU64,
    /// By class of duration; what took longer than all is in none.
    durations: [AtomicU64; CLASSES.len()],
}

/// Counters since this process began to serve.
#[derive(Default)]
pub(super) struct Metrics {
    requests: AtomicU64,
    /// By the route's pattern and the method.
    rows: RwLock<BTreeMap<String, BTreeMap<&'static str, Row>>>,
}

impl Row {
    fn count(&self, status: u16, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let class = usize::from(status / 100).saturating_sub(1);
        let duration = CLASSES.iter().position(|(end, _)| micros <= *end);
        let counters = [
            self.answers.get(class),
            duration.and_then(|at| self.durations.get(at)),
        ];
        for counter in counters.into_iter().flatten() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn write(&self, labels: &str, requests: &mut String, durations: &mut String) {
        let mut all = 0;
        for (class, answers) in (1..).zip(&self.answers) {
            let answers = answers.load(Ordering::Relaxed);
            all += answers;
            if answers > 0 {
                line(
                    requests,
                    "bongham_requests_total",
                    &format!("{labels},status=\"{class}xx\""),
                    answers,
                );
            }
        }
        let bucket = "bongham_request_seconds_bucket";
        let mut within = 0;
        for ((_, end), counter) in CLASSES.iter().zip(&self.durations) {
            within += counter.load(Ordering::Relaxed);
            line(durations, bucket, &format!("{labels},le=\"{end}\""), within);
        }
        line(durations, bucket, &format!("{labels},le=\"+Inf\""), all);
        let seconds = Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64();
        line(durations, "bongham_request_seconds_sum", labels, seconds);
        line(durations, "bongham_request_seconds_count", labels, all);
    }
}

fn line(text: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    // Writing to a string does not fail.
    let _written = writeln!(text, "{name}{{{labels}}} {value}");
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _written = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn bare(text: &mut String, (name, kind, help): (&str, &str, &str), value: u64) {
    head(text, name, kind, help);
    let _written = writeln!(text, "{name} {value}");
}

fn forwarding(text: &mut String, service: &Service) {
    let Some(progress) = service.forwarding() else {
        return;
    };
    for (figure, value) in [
        (
            (
                "bongham_forward_position",
                "gauge",
                "Index of the first entry that was not forwarded yet.",
            ),
            progress.position,
        ),
        (
            (
                "bongham_forward_lag",
                "gauge",
                "Entries that wait to be forwarded.",
            ),
            progress.lag,
        ),
        (
            (
                "bongham_forward_failures_total",
                "counter",
                "How often forwarding failed since the store was opened.",
            ),
            progress.failures,
        ),
    ] {
        bare(text, figure, value);
    }
}

impl Metrics {
    /// A request begins; its number since the start, from 0.
    pub(super) fn begin(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// A request was answered. `route` is a pattern and `method` one of a few: the number of rows
    /// is bounded by the routes there are.
    pub(super) fn answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        {
            let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(row) = rows.get(route).and_then(|methods| methods.get(method)) {
                return row.count(status, took);
            }
        }
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let methods = rows.entry(route.to_owned()).or_default();
        methods.entry(method).or_default().count(status, took);
    }

    fn text(&self, service: &Service) -> String {
        let (mut requests, mut durations) = (String::new(), String::new());
        head(
            &mut requests,
            "bongham_requests_total",
            "counter",
            "Requests answered.",
        );
        head(
            &mut durations,
            "bongham_request_seconds",
            "histogram",
            "From the head of a request to the head of its answer.",
        );
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        for (route, methods) in rows.iter() {
            for (method, row) in methods {
                let labels = format!("method=\"{method}\",route=\"{route}\"");
                row.write(&labels, &mut requests, &mut durations);
            }
        }
        drop(rows);
        let written = service.written();
        let mut text = requests + &durations;
        for (name, kind, help, value) in [
            (
                "bongham_commits_total",
                "counter",
                "Commits made durable since the store was opened.",
                written.commits,
            ),
            (
                "bongham_groups_total",
                "counter",
                "Groups of commits, each synced once.",
                written.groups,
            ),
            (
                "bongham_open",
                "gauge",
                "Whether the store is open: 1, or sealed: 0.",
                u64::from(service.is_open()),
            ),
            (
                "bongham_ready",
                "gauge",
                "Whether a read could be logged now.",
                u64::from(service.ready().is_ok()),
            ),
        ] {
            bare(&mut text, (name, kind, help), value);
        }
        forwarding(&mut text, service);
        text
    }
}

/// Figures for the operator, on the control socket alone.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, body = String, content_type = "text/plain",
            description = "Text format of Prometheus"),
        (status = 404, description = "Not on the control socket")))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Extension(metrics): Extension<Arc<Metrics>>,
    peer: Option<Extension<Peer>>,
) -> Response {
    match peer {
        Some(Extension(Peer { address: None, .. })) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
            (kind, metrics.text(&service)).into_response()
        }
        _ => Problem::new(Code::NotFound).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_count_answers_and_durations() {
        let row = Row::default();
        for (status, micros) in [(200, 900), (204, 1_001), (404, 60), (503, 60_000_000)] {
            row.count(status, Duration::from_micros(micros));
        }
        let (mut requests, mut durations) = (String::new(), String::new());
        row.write("route=\"/x\"", &mut requests, &mut durations);
        assert_eq!(
            requests,
            "bongham_requests_total{route=\"/x\",status=\"2xx\"} 2\n\
             bongham_requests_total{route=\"/x\",status=\"4xx\"} 1\n\
             bongham_requests_total{route=\"/x\",status=\"5xx\"} 1\n"
        );
        for told in [
            "le=\"0.001\"} 2",
            "le=\"0.005\"} 3",
            "le=\"10\"} 3",
            "le=\"+Inf\"} 4",
            "bongham_request_seconds_count{route=\"/x\"} 4",
            "bongham_request_seconds_sum{route=\"/x\"} 60.001961",
        ] {
            assert!(durations.contains(told), "{told}\n{durations}");
        }
    }

    #[test]
    fn routes_and_methods_are_told_apart_and_added_up() {
        let metrics = Metrics::default();
        for (method, route) in [("GET", "/a"), ("GET", "/a"), ("PUT", "/a"), ("GET", "/b")] {
            metrics.answered(method, route, 200, Duration::ZERO);
        }
        let rows = metrics.rows.read().unwrap();
        let answers = |route: &str, method: &str| {
            let row = rows.get(route).unwrap().get(method).unwrap();
            row.answers[1].load(Ordering::Relaxed)
        };
        let counted = [("/a", "GET"), ("/a", "PUT"), ("/b", "GET")].map(|(r, m)| answers(r, m));
        assert_eq!(counted, [2, 1, 1]);
        assert_eq!((metrics.begin(), metrics.begin()), (0, 1));
    }
}
