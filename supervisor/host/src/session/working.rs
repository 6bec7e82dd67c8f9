//! The context calls of one plugin that are being worked on, all of them in the reader's task: an answer costs a wake, and no
//! task of its own.
//!
//! Filled and driven by [`super::reader`]; what is left when the plugin's output has ended is driven by the session. Knows
//! neither frames nor methods.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::inbound::{Inbound, Slow};

/// The context calls that were still worked on when the reader ended.
pub(super) type Unfinished = Arc<Mutex<Working>>;

/// Bounded by whoever adds. Dropping it gives up what is in it.
#[derive(Debug, Default)]
pub(super) struct Working(FuturesUnordered<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Working {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, inbound: &Arc<Inbound>, call: Slow) {
        let inbound = Arc::clone(inbound);
        self.0.push(Box::pin(async move { inbound.run(call).await }));
    }

    /// Works on the calls until one is answered, and others that can be at once. Cancel safe. Ends at once where there is none.
    pub(super) async fn turn(&mut self) {
        self.0.next().await;
        self.now();
    }

    /// Answers those calls that can be answered at once.
    pub(super) fn now(&mut self) {
        while let Some(Some(())) = self.0.next().now_or_never() {}
    }

    /// Works on the calls until all are answered.
    pub(super) async fn finish(mut self) {
        while self.0.next().await.is_some() {}
    }
}
