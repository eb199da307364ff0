//! Serving the door: on TCP, on the control socket, and on a stream inside the process.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use super::control::{self, Control, Unbound};
use super::crowd::Crowd;
use super::extract::Peer;
use super::limits::{Bounds, HEADER_BYTES_MAX, QUEUE, SEND_BUFFER_BYTES};
use super::stall::Stall;
use super::tls::Tls;
use crate::config::limits::Limits;
use crate::service::Service;

/// A listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Plain HTTP may be heard by others.
    #[error(
        "{0} can be reached from other machines: give a certificate and a key, or listen on 127.0.0.1"
    )]
    PlainNotLoopback(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Another server answers there.
    #[error("{0}: another server answers on this control socket")]
    SocketInUse(PathBuf),
    /// Something else stands there.
    #[error("{0}: there is a file that is no socket; move it away")]
    SocketOccupied(PathBuf),
    /// The control socket cannot be made.
    #[error("{path}: cannot make the control socket: {source}")]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// How a server came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every request was answered.
    All,
    /// Time ran out for this many connections.
    Cut(usize),
}

/// A door and its listeners. Dropped without [`Server::stop`], it cuts every connection.
pub struct Server {
    door: Door,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<JoinSet<()>>>,
}

/// What a connection needs.
#[derive(Clone)]
struct Door {
    router: Router,
    room: Arc<Semaphore>,
    crowd: Crowd,
    stop: watch::Receiver<bool>,
    bounds: Bounds,
}

impl Server {
    /// A server of this service, within these limits, that does not listen yet.
    pub fn new(service: Arc<Service>, limits: Limits) -> Self {
        let bounds = limits.into();
        Self::of(super::bounded(service, &bounds), bounds)
    }

    fn of(router: Router, bounds: Bounds) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self {
            door: Door {
                router,
                room: Arc::new(Semaphore::new(bounds.connections)),
                crowd: Crowd::new(bounds.connections_per_address),
                stop: stopped,
                bounds,
            },
            stop,
            listeners: Vec::new(),
        }
    }

    /// Listens on `address`; gives the address it got, which differs for port 0. Without TLS only
    /// a loopback address is taken. Call within the runtime.
    pub async fn listen(
        &mut self,
        address: SocketAddr,
        tls: Option<Tls>,
    ) -> Result<SocketAddr, ServeError> {
        if tls.is_none() && !address.ip().to_canonical().is_loopback() {
            return Err(ServeError::PlainNotLoopback(address));
        }
        let bind = |source| ServeError::Bind { address, source };
        let listener = listener(address).map_err(bind)?;
        let bound = listener.local_addr().map_err(bind)?;
        let door = self.door.clone();
        self.listeners
            .push(tokio::spawn(accept_tcp(listener, tls, door)));
        Ok(bound)
    }

    /// Listens on a Unix socket at `path` that its owner alone may open. A socket left behind by
    /// a server that died is replaced. Call within the runtime.
    pub fn listen_control(&mut self, path: &Path) -> Result<(), ServeError> {
        let control = control::bind(path).map_err(|unbound| match unbound {
            Unbound::Answered => ServeError::SocketInUse(path.into()),
            Unbound::Occupied => ServeError::SocketOccupied(path.into()),
            Unbound::Io(source) => ServeError::Socket {
                path: path.into(),
                source,
            },
        })?;
        let door = self.door.clone();
        self.listeners
            .push(tokio::spawn(accept_control(control, door)));
        Ok(())
    }

    /// Takes no new connection, lets requests in work end for at most `limit`, cuts the rest.
    pub async fn stop(mut self, limit: Duration) -> Drained {
        self.stop.send_replace(true);
        let mut open = Vec::new();
        for listener in self.listeners.drain(..) {
            if let Ok(connections) = listener.await {
                open.push(connections);
            }
        }
        let drain = async {
            for connections in &mut open {
                while connections.join_next().await.is_some() {}
            }
        };
        if timeout(limit, drain).await.is_ok() {
            return Drained::All;
        }
        let left = open.iter().map(JoinSet::len).sum();
        for connections in &mut open {
            connections.shutdown().await;
        }
        Drained::Cut(left)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for listener in &self.listeners {
            listener.abort();
        }
    }
}

impl Door {
    async fn stopped(mut stop: watch::Receiver<bool>) {
        // A sender that is gone means the same.
        drop(stop.wait_for(|stop| *stop).await);
    }

    /// Serves one connection to its end. What goes wrong on it is the peer's affair.
    async fn converse<S>(self, stream: S, peer: Peer)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = self.router;
        let answer = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            router.clone().oneshot(request)
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.bounds.header_time)
            .max_header_size(HEADER_BYTES_MAX);
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), answer));
        let stop = Self::stopped(self.stop);
        tokio::select! {
            _ended = connection.as_mut() => return,
            () = stop => connection.as_mut().graceful_shutdown(),
        }
        drop(connection.await);
    }

    async fn connect(self, stream: TcpStream, from: SocketAddr, tls: Option<Tls>) {
        let Some(_place) = self.crowd.enter(from.ip()) else {
            return;
        };
        // Answers are small and awaited: no waiting for more to send.
        drop(stream.set_nodelay(true));
        let stream = Stall::new(stream, self.bounds.stall_time);
        let peer = Peer {
            address: Some(from.ip().to_canonical()),
            tls: tls.is_some(),
        };
        let Some(tls) = tls else {
            return self.converse(stream, peer).await;
        };
        if let Ok(Ok(stream)) =
            timeout(self.bounds.header_time, tls.acceptor().accept(stream)).await
        {
            self.converse(stream, peer).await;
        }
    }
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A server that starts again does not wait for the connections of the one before.
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

async fn accept_tcp(listener: TcpListener, tls: Option<Tls>, door: Door) -> JoinSet<()> {
    let mut connections = JoinSet::new();
    let mut stop = pin!(Door::stopped(door.stop.clone()));
    loop {
        while connections.try_join_next().is_some() {}
        let next = async {
            let room = door.room.clone().acquire_owned().await;
            (room, listener.accept().await)
        };
        let (room, accepted) = tokio::select! {
            () = &mut stop => return connections,
            next = next => next,
        };
        let Ok((stream, from)) = accepted else {
            pause().await;
            continue;
        };
        let (door, tls) = (door.clone(), tls.clone());
        connections.spawn(async move {
            let _room = room;
            door.connect(stream, from, tls).await;
        });
    }
}

/// The socket's owner is not counted among the connections: they must get in under any load. Nor
/// are they cut for reading slowly: who pauses a listing in a terminal harms nobody else.
async fn accept_control(control: Control, door: Door) -> JoinSet<()> {
    let mut connections = JoinSet::new();
    let mut stop = pin!(Door::stopped(door.stop.clone()));
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = &mut stop => return connections,
            accepted = control.listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            pause().await;
            continue;
        };
        connections.spawn(door.clone().converse(stream, INSIDE));
    }
}

/// The other end of the control socket, or of a stream inside the process.
const INSIDE: Peer = Peer {
    address: None,
    tls: false,
};

/// Out of file descriptors, mostly: a little later there may be some.
async fn pause() {
    tracing::warn!("a connection could not be accepted");
    sleep(Duration::from_millis(100)).await;
}

/// Serves one stream inside the process until the other end closes it, like a connection of the
/// control socket.
pub async fn serve_stream<S>(service: Arc<Service>, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Stopping is the other end's affair.
    let server = Server::new(service, Limits::default());
    server.door.clone().converse(stream, INSIDE).await;
}

#[cfg(test)]
mod tests;
