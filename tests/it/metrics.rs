//! The operator's figures: on the control socket, nowhere else, and nothing personal in them.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::program::{Program, ask, log_in};
use crate::search::Search;
use crate::world::{World, ordinary, sensitive};

/// One request on the control socket.
fn on_the_socket(program: &Program, path: &str) -> String {
    let mut stream = UnixStream::connect(program.data.join("control.sock")).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: store\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The value of a line that begins with these words.
fn figure(text: &str, begin: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(begin))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn figures_are_the_operators_alone_and_tell_nothing_of_cases_and_people() {
    let world = World::new();
    let secret_case = world.register("intake", &sensitive());
    let case = world.register("intake", &ordinary());
    let office = world.leave();
    let program = Program::on(office.path());
    let served = program.serve();
    let address = &served.address;
    let officer = log_in(address, "officer");
    let admin = log_in(address, "admin");
    let get = |path: &str, token: Option<&str>| {
        let heard = ask(address, "GET", path, token, None);
        heard.reply.unwrap()
    };
    let read = |case: &str| {
        let path = format!("/api/v1/cases/{case}?purpose=handling");
        get(&path, Some(&officer)).status
    };
    assert_eq!([read(&case), read(&secret_case)], [200, 404]);
    get("/metricscanary", None);

    // Over the network nobody finds them, and a wrong method is as absent.
    let nowhere = get("/nowhere", None);
    for (method, token) in [
        ("GET", None),
        ("GET", Some(&*admin)),
        ("POST", Some(&*admin)),
        ("PUT", None),
    ] {
        let reply = ask(address, method, "/metrics", token, None).reply.unwrap();
        assert_eq!(
            (reply.status, &reply.bytes),
            (404, &nowhere.bytes),
            "{method}"
        );
    }

    let told = on_the_socket(&program, "/metrics");
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    let of_cases = "method=\"GET\",route=\"/api/v1/cases/{id}\"";
    let answers = |class: &str| {
        let begin = format!("bongham_requests_total{{{of_cases},status=\"{class}\"}}");
        figure(&told, &begin)
    };
    assert_eq!([answers("2xx"), answers("4xx")], [Some(1), Some(1)]);
    let counted = format!("bongham_request_seconds_count{{{of_cases}}}");
    assert_eq!(figure(&told, &counted), Some(2));
    assert_eq!(figure(&told, "bongham_open"), Some(1));
    assert_eq!(figure(&told, "bongham_ready"), Some(1));
    let commits = figure(&told, "bongham_commits_total").unwrap();
    let groups = figure(&told, "bongham_groups_total").unwrap();
    assert!(commits >= groups && groups > 0, "{told}");
    let unmatched = "bongham_requests_total{method=\"GET\",route=\"unmatched\"";
    assert!(figure(&told, unmatched).is_some(), "{told}");

    let values = [
        ("case", case.as_str()),
        ("secret case", secret_case.as_str()),
        ("path", "metricscanary"),
        ("title", "괴롭힘 신고"),
        ("token", officer.as_str()),
    ];
    let search = Search::new(&values);
    for word in [
        "officer",
        "홍길동",
        "ordinary",
        "sensitive",
        "civil",
        "rights",
    ] {
        assert!(!told.contains(word), "{word}");
    }
    assert_eq!(search.hits(told.as_bytes()), Vec::<&str>::new());
    let planted = format!("{told}{secret_case}");
    assert!(!search.hits(planted.as_bytes()).is_empty(), "the control");
    // A durable commit more is one more.
    read(&case);
    let later = on_the_socket(&program, "/metrics");
    assert!(figure(&later, "bongham_commits_total").unwrap() > commits);
    assert_eq!(served.stop(), Some(0));
}
