//! Users of this machine whom the settings name, by name or by number.
//!
//! Asked when the options are read, before anything runs: a name service may take its time. Must not know what they may do.

use nix::unistd::{Group, User};

use crate::failure::{Failure, Outcome};
use crate::settings::{Account, Settings};

/// The gid of `[http] socket_group`, where it is set.
///
/// # Errors
/// A usage failure that names a group which is not there.
pub(super) fn socket_group(settings: &Settings) -> Outcome<Option<u32>> {
    let Some(account) = &settings.options.http.socket_group else { return Ok(None) };
    let group = |name: &str| Group::from_name(name).map(|group| group.map(|group| group.gid.as_raw()));
    number(account, "group", group).map(Some).map_err(|why| wrong(settings, "socket_group", &why))
}

/// The uids of `[http] allowed_users`.
///
/// # Errors
/// A usage failure that names a user who is not there.
pub(crate) fn allowed(settings: &Settings) -> Outcome<Vec<u32>> {
    let named = settings.options.http.allowed_users.iter();
    let user = |name: &str| User::from_name(name).map(|user| user.map(|user| user.uid.as_raw()));
    let numbers = named.map(|account| number(account, "user", user));
    numbers.map(|number| number.map_err(|why| wrong(settings, "allowed_users", &why))).collect()
}

fn wrong(settings: &Settings, key: &str, why: &str) -> Failure {
    Failure::usage(format!("{}: `http.{key}`: {why}", settings.place_of(&["http", key])))
}

fn number(
    account: &Account,
    what: &str,
    look: impl Fn(&str) -> nix::Result<Option<u32>>,
) -> Result<u32, String> {
    let name = match account {
        Account::Number(number) => return Ok(*number),
        Account::Name(name) => name,
    };
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    match look(name) {
        Ok(Some(number)) => Ok(number),
        Ok(None) => Err(format!("there is no {what} {name:?} on this machine; give its name or number")),
        Err(error) => Err(format!("the {what} {name:?} cannot be looked up: {error}; give its number")),
    }
}
