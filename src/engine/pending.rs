//! The hand-over between threads: a value that another thread will give, which the doors await
//! and commands block on, so that no pool thread sleeps while a group is being synced.

use super::slot::{Completer, Taker, slot};

/// A value to come.
#[must_use = "nothing may be released before the commit has answered"]
pub struct Pending<T>(Inner<T>);

enum Inner<T> {
    Ready(T),
    Given(Taker<T>),
    Later(Box<dyn Later<T>>),
}

trait Later<T>: Send {
    fn wait(self: Box<Self>) -> T;
    fn done(self: Box<Self>) -> std::pin::Pin<Box<dyn Future<Output = T> + Send>>;
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
            Inner::Given(taker) => taker.wait(),
            Inner::Later(later) => later.wait(),
        }
    }
    /// Awaits the value.
    pub async fn done(self) -> T {
        match self.0 {
            Inner::Ready(value) => value,
            Inner::Given(taker) => taker.await,
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
            later => Pending(Inner::Later(Box::new(Followed {
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
            later => Pending(Inner::Later(Box::new(Chained {
                before: Self(later),
                then,
            }))),
        }
    }
}

/// A pending value and its giving end; `lost` stands in when the giver is dropped.
pub fn pending<T: Send + 'static>(lost: fn() -> T) -> (Completer<T>, Pending<T>) {
    let (completer, taker) = slot(lost);
    (completer, Pending(Inner::Given(taker)))
}
