//! The binary: wiring and exit codes.

mod wiring;

use std::process::ExitCode;

fn main() -> ExitCode {
    // A panic message may hold what a person typed; only its place may be told.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(%place, "a thread panicked");
    }));
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => {
            let host = wiring::host();
            ExitCode::from(runtime.block_on(bongham::cli::run(&host, std::env::args_os())))
        }
        Err(_) => ExitCode::FAILURE,
    }
}
