//! Where the gateway says that a browser on this machine finds pages.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use outboard_gateway::{Address, GatewayOptions, PluginOrigin, pages};

fn ui(listen: &Address, change: impl FnOnce(&mut GatewayOptions)) -> Option<String> {
    let mut options = GatewayOptions::default();
    change(&mut options);
    pages(&options, listen).map(|pages| (pages.ui)("fleet"))
}

#[test]
fn a_plugins_ui_is_at_its_own_origin_or_at_the_shared_one_or_nowhere() {
    let loopback = Address::Tcp(([127, 0, 0, 1], 2066).into());
    let says = |at: &str| Some(format!("{at}/_outboard/shell/fleet"));
    assert_eq!(ui(&loopback, |_| {}), says("http://fleet.localhost:2066"));
    assert_eq!(ui(&loopback, |options| options.isolate_origins = false), says("http://127.0.0.1:2066"));
    let elsewhere = Address::Tcp(([192, 0, 2, 1], 2066).into());
    assert_eq!(ui(&elsewhere, |_| {}), None);
    let public = PluginOrigin::new("https://{id}.plugins.example").ok();
    assert_eq!(
        ui(&elsewhere, |options| options.plugin_origin = public),
        says("https://fleet.plugins.example")
    );
}
