//! Who may connect to the address that people reach, and which of the usual reverse proxies on this machine may not.

use nix::unistd::User;

use super::{Finding, Verdict};
use crate::failure::Outcome;
use crate::run::allowed_users;
use crate::settings::Settings;

/// As whom reverse proxies run: Debian's nginx and Apache, others' nginx, Caddy, HAProxy, Apache elsewhere.
const PROXIES: [&str; 6] = ["www-data", "nginx", "caddy", "haproxy", "apache", "http"];

/// # Errors
/// A usage failure where the settings name a user who is not there.
pub(super) fn look(settings: &Settings) -> Outcome<Vec<Finding>> {
    const WHAT: &str = "peers";
    let allowed = allowed_users(settings)?;
    if let Err(error) = outboard_gateway::can_tell_users() {
        let sentence = format!(
            "this system does not tell which user connects over TCP ({error}): every program needs the token of `token_file`, or \
             `trust_unknown_peers` below [http]"
        );
        return Ok(vec![Finding::new(WHAT, Verdict::Degraded, sentence)]);
    }
    let own = rustix::process::geteuid().as_raw();
    let mut may = vec![own, 0];
    may.extend(&allowed);
    may.sort_unstable();
    may.dedup();
    let may: Vec<String> = may.iter().map(u32::to_string).collect();
    let mut sentence = format!("users of this machine that may connect: uid {}; no others", may.join(", "));
    let found = PROXIES.iter().filter_map(|name| User::from_name(name).ok().flatten());
    for proxy in found.filter(|proxy| !allowed.contains(&proxy.uid.as_raw()) && proxy.uid.as_raw() != own) {
        sentence.push_str(&format!(
            "; a reverse proxy that runs as {} (uid {}) is refused until `allowed_users` below [http] names it",
            proxy.name, proxy.uid
        ));
    }
    Ok(vec![Finding::new(WHAT, Verdict::Enforced, sentence)])
}
