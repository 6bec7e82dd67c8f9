//! Another protocol on the same connection: what is asked for, what the plugin agrees to, and the tunnel after that.
//!
//! Called by [`super::forward`]. A plugin can switch only to what the client offered. HTTP/2 in clear is never offered on: some
//! clients ask for it with each request, and a request that could end in a tunnel could not be sent again. Must not know the
//! protocols.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, header};
use hyper::upgrade::OnUpgrade;

use super::connection::Connection;
use super::tunnel;
use crate::client_connection::ClientConnection;
use crate::headers::{is_upgrade, protocols};
use crate::options::GatewayOptions;
use crate::reply::ReplyBody;

/// An upgrade that a client asked for.
pub(crate) struct Upgrade {
    /// The protocols that it offers, as they go to the plugin.
    pub(crate) offers: HeaderValue,
    on_upgrade: OnUpgrade,
}

impl Upgrade {
    /// What a request asks for, if it does.
    pub(crate) fn asked(parts: &mut Parts) -> Option<Self> {
        let headers = &parts.headers;
        if !headers.contains_key(header::UPGRADE) || !is_upgrade(parts.version, headers) {
            return None;
        }
        let offers: Vec<&[u8]> = headers.get_all(header::UPGRADE).iter().flat_map(protocols).collect();
        let offers = HeaderValue::from_bytes(&offers.join(&b", "[..])).ok()?;
        let on_upgrade = parts.extensions.remove::<OnUpgrade>()?;
        Some(Self { offers, on_upgrade })
    }

    /// The protocol to which the plugin switches, where that was offered.
    fn agreed(&self, plugins: Option<&HeaderValue>) -> Option<HeaderValue> {
        let offers: Vec<&[u8]> = protocols(&self.offers).collect();
        let Some(plugins) = plugins else {
            // Where there was one offer, it can be no other.
            return (offers.len() == 1).then(|| self.offers.clone());
        };
        let offered = |protocol: &[u8]| offers.iter().any(|offer| offer.eq_ignore_ascii_case(protocol));
        let mut agreed = protocols(plugins).peekable();
        (agreed.peek().is_some() && agreed.all(offered)).then(|| plugins.clone())
    }

    /// From here on the plugin speaks the other protocol; `None`: it is one that nobody offered. `plugins` is the plugin's own
    /// Upgrade header.
    pub(crate) fn switch(
        self,
        client: &Arc<ClientConnection>,
        connection: Connection,
        options: &GatewayOptions,
        plugins: Option<&HeaderValue>,
        headers: &mut HeaderMap,
    ) -> Option<Response<ReplyBody>> {
        let agreed = self.agreed(plugins)?;
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, agreed);
        let (idle, on_upgrade) = (options.tunnel_idle, self.on_upgrade);
        let mut stopping = client.stopping();
        let (plugin, from_plugin) = connection.into_parts();
        client.afterwards(Box::pin(async move {
            let Some((stream, from_client)) = crate::client_connection::upgraded(on_upgrade).await else {
                return;
            };
            tokio::select! {
                outcome = tunnel::run(stream, from_client, plugin, from_plugin, idle) => {
                    if let Err(error) = outcome {
                        tracing::debug!(%error, "an upgraded connection broke off");
                    }
                }
                // There is no request that could be finished first.
                () = crate::client_connection::stops(&mut stopping) => {}
            }
        }));
        Some(Response::new(ReplyBody::empty()))
    }
}
