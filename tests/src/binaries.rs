//! Where the built programs are. The scenarios run binaries of other packages, so they have to be built before.

use std::path::PathBuf;

/// The path of a built binary.
///
/// # Panics
/// When it is not there, with what to do.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/<profile>/deps/<test>: the binaries lie two folders above.
    let found = test.ancestors().skip(1).take(3).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "the binary {name} is not built beside {}; `cargo build --workspace --bins` builds it, and `make test` does so",
            test.display()
        )
    })
}
