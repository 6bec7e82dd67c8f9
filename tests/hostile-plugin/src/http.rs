//! HTTP by hand on the inherited socket: a thread a connection, and some ways to misbehave.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use listenfd::ListenFd;
use serde_json::json;

use crate::wire::Wire;

pub(crate) fn serve(wire: Arc<Wire>, starts: u64, data_dir: PathBuf) {
    let Ok(Some(listener)) = ListenFd::from_env().take_unix_listener(0) else { return };
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let (connection, wire, data_dir) = (connection.unwrap(), Arc::clone(&wire), data_dir.clone());
            std::thread::spawn(move || drop(talk(&connection, &wire, starts, &data_dir)));
        }
    });
}

fn talk(connection: &UnixStream, wire: &Wire, starts: u64, data_dir: &Path) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    loop {
        let head = read_head(&mut reader)?;
        let mut writer = connection;
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let body = read_body(&mut reader, &head)?;
        let path = target.split('?').next().unwrap_or_default();
        match path.rsplit('/').next().unwrap_or_default() {
            "die" => std::process::exit(7),
            // The first process that gets this request ends on it; whichever gets it after that answers.
            "die-once" => {
                let query = target.split('?').nth(1).unwrap_or_default();
                let line = format!("{} {query}", head.split(' ').next().unwrap_or_default());
                let before = std::fs::read_to_string(data_dir.join("served")).unwrap_or_default();
                crate::note(data_dir, "served", &line);
                if !before.lines().any(|served| served == line) {
                    std::process::exit(7);
                }
                answer(writer, "text/plain", b"alive")?;
            }
            "die-mid-chunks" => {
                write!(writer, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")?;
                writer.flush()?;
                std::thread::sleep(Duration::from_millis(100));
                std::process::exit(7);
            }
            "die-mid-body" => {
                write!(writer, "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nthe beginning")?;
                writer.flush()?;
                // The beginning has to be on its way before the end comes.
                std::thread::sleep(Duration::from_millis(100));
                std::process::exit(7);
            }
            "never" => crate::faults::sleep_for_ever(),
            "head" => answer(writer, "text/plain", head.as_bytes())?,
            "body" => answer(writer, "application/octet-stream", &body)?,
            "set" => {
                let (key, value) =
                    target.split_once('?').and_then(|(_, query)| query.split_once('=')).unwrap();
                let said = wire.ask("config.set", json!({"key": key, "value": value}));
                answer(writer, "application/json", said.to_string().as_bytes())?;
            }
            _ => {
                let said = json!({"pid": std::process::id(), "starts": starts, "path": target});
                answer(writer, "application/json", said.to_string().as_bytes())?;
            }
        }
    }
}

fn read_head(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

fn read_body(reader: &mut impl Read, head: &str) -> std::io::Result<Vec<u8>> {
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok(body)
}

fn answer(mut writer: impl Write, kind: &str, body: &[u8]) -> std::io::Result<()> {
    write!(writer, "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len())?;
    writer.write_all(body)?;
    writer.flush()
}
