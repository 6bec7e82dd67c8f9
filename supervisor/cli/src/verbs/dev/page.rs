//! What the plugin's open pages are told: what is wrong, that it is well again, that they are to load anew.
//!
//! Called where the terminal is told the same. Must not know how a page shows it.

use outboard_protocol::PluginId;
use outboard_protocol::control::methods::DevelopmentTell;
use outboard_protocol::control::{DevelopmentFault, DevelopmentParams};

use crate::client::{Client, QUESTION_WAIT};
use crate::failure::Outcome;

/// So much of what was said about a fault is shown over a page, in characters.
const DETAILS_MAX: usize = 16 * 1024;

/// Something is wrong.
pub(super) async fn fault(client: &Client, id: &PluginId, mut fault: DevelopmentFault) -> Outcome {
    for text in [&mut fault.message, &mut fault.details] {
        if let Some((end, _)) = text.char_indices().nth(DETAILS_MAX) {
            text.truncate(end);
            text.push_str("\n…");
        }
    }
    tell(client, DevelopmentParams { id: id.clone(), fault: Some(fault), reload: false }).await
}

/// All is well.
pub(super) async fn well(client: &Client, id: &PluginId, reload: bool) -> Outcome {
    tell(client, DevelopmentParams { id: id.clone(), fault: None, reload }).await
}

async fn tell(client: &Client, told: DevelopmentParams) -> Outcome {
    client.ask::<DevelopmentTell>(&told, QUESTION_WAIT).await.map(drop)
}
