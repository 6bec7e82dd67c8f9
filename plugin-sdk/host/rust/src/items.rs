//! What a subscription tells, over the lives of several supervisors.
//!
//! Begun again by whoever reads it, so that nothing is gathered for somebody who does not. Must not know how a connection is made.

use jsonrpsee::core::client::Subscription as Following;
use outboard_protocol::control::methods::Subscription;

use crate::{Error, Outboard};

/// A subscription. It ends when it is dropped.
pub struct Items<S: Subscription> {
    outboard: Outboard,
    params: S::Params,
    following: Following<S::Item>,
    connection: std::sync::Arc<crate::connection::Connection>,
}

impl<S: Subscription> std::fmt::Debug for Items<S> {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Items").field("of", &S::NAME).finish_non_exhaustive()
    }
}

impl<S: Subscription> Items<S> {
    pub(crate) async fn begin(outboard: Outboard, params: S::Params) -> Result<Self, Error> {
        let limit = outboard.limits().call;
        let connection = outboard.connected(S::NAME, limit).await?;
        let following = connection.follow::<S>(&params, limit).await?;
        Ok(Self { outboard, params, following, connection })
    }

    /// The next item. After a restart of the supervisor, the first that comes once it is there again. Cancel safe but for that.
    ///
    /// # Errors
    /// [`Error::SubscriptionEnded`] where the supervisor ended it; else as [`Outboard::call`].
    pub async fn next(&mut self) -> Result<S::Item, Error> {
        loop {
            match self.following.next().await {
                Some(Ok(item)) => return Ok(item),
                Some(Err(error)) => {
                    return Err(Error::SubscriptionEnded(format!(
                        "an item is not what this version expects ({error}); are the program and this crate of the same version?"
                    )));
                }
                None if self.connection.is_open() => {
                    return Err(Error::SubscriptionEnded("it was not read fast enough".to_owned()));
                }
                None => self.again().await?,
            }
        }
    }

    async fn again(&mut self) -> Result<(), Error> {
        let limit = self.outboard.limits().call;
        loop {
            let connection = self.outboard.connected(S::NAME, limit).await?;
            match connection.follow::<S>(&self.params, limit).await {
                Ok(following) => {
                    (self.following, self.connection) = (following, connection);
                    return Ok(());
                }
                // This one is gone as well.
                Err(Error::Lost(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
