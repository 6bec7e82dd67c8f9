//! Packs the shell's files, which are compiled in: a map library of a megabyte is a third of that in the program. Writes the
//! table that `src/pages/shell/files.rs` includes, so that a new file of the page is named nowhere else.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    let here = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let folder = Path::new(&here).join("assets/shell");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(&folder)? {
        names.push(
            entry?
                .file_name()
                .into_string()
                .map_err(|name| io::Error::other(format!("{}", name.display())))?,
        );
    }
    names.sort();
    let mut table = String::from("&[\n");
    for name in names {
        let content = fs::read(folder.join(&name))?;
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&content)?;
        let packed = Path::new(&out).join(format!("{name}.gz"));
        fs::write(&packed, packer.finish()?)?;
        writeln!(table, "({name:?}, include_bytes!({packed:?})),").map_err(io::Error::other)?;
    }
    table.push(']');
    fs::write(Path::new(&out).join("shell.rs"), table)
}
