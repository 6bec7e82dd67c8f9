//! Users of this machine whom the settings name, by name or by number.
//!
//! Asked when the options are read, before anything runs: a name service may take its time. Must not know what they may do.

use nix::unistd::User;

use crate::failure::{Failure, Outcome};
use crate::settings::{Account, Settings};

/// The uids of `[http] allowed_users`.
///
/// # Errors
/// A usage failure that names a user who is not there.
pub(super) fn allowed(settings: &Settings) -> Outcome<Vec<u32>> {
    let named = settings.file.http.allowed_users.iter().flatten();
    named.map(|account| uid(account).map_err(|why| wrong(settings, &why))).collect()
}

fn wrong(settings: &Settings, why: &str) -> Failure {
    Failure::usage(format!("{}: `http.allowed_users`: {why}", settings.place_of(&["http", "allowed_users"])))
}

fn uid(account: &Account) -> Result<u32, String> {
    let name = match account {
        Account::Number(number) => return Ok(*number),
        Account::Name(name) => name,
    };
    match (name.parse(), User::from_name(name)) {
        (Ok(number), _) => Ok(number),
        (_, Ok(Some(user))) => Ok(user.uid.as_raw()),
        (_, Ok(None)) => Err(format!("there is no user {name:?} on this machine; give a name or a uid")),
        (_, Err(error)) => Err(format!("the user {name:?} cannot be looked up: {error}; give the uid")),
    }
}
