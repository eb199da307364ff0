//! The hand-over between threads: a value that another thread will give, which the doors await
//! and commands block on, so that no pool thread sleeps while a group is being synced.

use tokio::sync::oneshot;

/// A value to come.
#[must_use = "nothing may be released before the commit has answered"]
pub struct Pending<T>(Inner<T>);

enum Inner<T> {
    Ready(T),
    Later(Box<dyn Later<T>>),
}

trait Later<T>: Send {
    fn wait(self: Box<Self>) -> T;
    fn done(self: Box<Self>) -> std::pin::Pin<Box<dyn Future<Output = T> + Send>>;
}

struct Mapped<S, F> {
    source: oneshot::Receiver<S>,
    lost: fn() -> S,
    finish: F,
}

impl<S, T, F> Later<T> for Mapped<S, F>
where
    S: Send + 'static,
    T: Send + 'static,
    F: FnOnce(S) -> T + Send + 'static,
{
    fn wait(self: Box<Self>) -> T {
        let value = self
            .source
            .blocking_recv()
            .unwrap_or_else(|_| (self.lost)());
        (self.finish)(value)
    }
    fn done(self: Box<Self>) -> std::pin::Pin<Box<dyn Future<Output = T> + Send>> {
        Box::pin(async move {
            let value = self.source.await.unwrap_or_else(|_| (self.lost)());
            (self.finish)(value)
        })
    }
}

struct Chained<U, F> {
    before: Pending<U>,
    then: F,
}

impl<U, T, F> Later<T> for Chained<U, F>
where
    U: Send + 'static,
    T: Send + 'static,
    F: FnOnce(U) -> T + Send + 'static,
{
    fn wait(self: Box<Self>) -> T {
        (self.then)(self.before.wait())
    }
    fn done(self: Box<Self>) -> std::pin::Pin<Box<dyn Future<Output = T> + Send>> {
        Box::pin(async move { (self.then)(self.before.done().await) })
    }
}

struct Followed<U, F> {
    before: Pending<U>,
    then: F,
}

impl<U, T, F> Later<T> for Followed<U, F>
where
    U: Send + 'static,
    T: Send + 'static,
    F: FnOnce(U) -> Pending<T> + Send + 'static,
{
    fn wait(self: Box<Self>) -> T {
        (self.then)(self.before.wait()).wait()
    }
    fn done(self: Box<Self>) -> std::pin::Pin<Box<dyn Future<Output = T> + Send>> {
        Box::pin(async move { (self.then)(self.before.done().await).done().await })
    }
}

impl<T: Send + 'static> Pending<T> {
    /// A value that is there already.
    pub const fn ready(value: T) -> Self {
        Self(Inner::Ready(value))
    }
    /// Blocks until the value comes. Not for async code: use [`Pending::done`] there.
    pub fn wait(self) -> T {
        match self.0 {
            Inner::Ready(value) => value,
            Inner::Later(later) => later.wait(),
        }
    }
    /// Awaits the value.
    pub async fn done(self) -> T {
        match self.0 {
            Inner::Ready(value) => value,
            Inner::Later(later) => later.done().await,
        }
    }
    /// A second thing to wait for, made from the value on the thread that takes it.
    pub fn then<U, F>(self, then: F) -> Pending<U>
    where
        U: Send + 'static,
        F: FnOnce(T) -> Pending<U> + Send + 'static,
    {
        match self.0 {
            Inner::Ready(value) => then(value),
            later @ Inner::Later(_) => Pending(Inner::Later(Box::new(Followed {
                before: Self(later),
                then,
            }))),
        }
    }
    /// What `then` makes of the value, on the thread that takes it.
    pub fn map<U, F>(self, then: F) -> Pending<U>
    where
        U: Send + 'static,
        F: FnOnce(T) -> U + Send + 'static,
    {
        match self.0 {
            Inner::Ready(value) => Pending::ready(then(value)),
            later @ Inner::Later(_) => Pending(Inner::Later(Box::new(Chained {
                before: Self(later),
                then,
            }))),
        }
    }
}

/// The giving end of a [`Pending`].
pub struct Completer<S>(oneshot::Sender<S>);

impl<S> Completer<S> {
    /// Gives the value; a taker who has gone away is not an error.
    pub fn complete(self, value: S) {
        drop(self.0.send(value));
    }
}

/// A pending value and its giving end; `lost` stands in when the giver is dropped.
pub fn pending<S: Send + 'static>(lost: fn() -> S) -> (Completer<S>, Pending<S>) {
    let (sender, source) = oneshot::channel();
    let later = Mapped {
        source,
        lost,
        finish: std::convert::identity::<S>,
    };
    (Completer(sender), Pending(Inner::Later(Box::new(later))))
}
