//! Asks the engine something as our user, with nothing but a socket: no runtime that could itself be stuck.
//! `/ping` would not do: another server may have taken the port.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::files::Prepared;

/// The engine's version, if it answers within `limit`.
pub(super) fn version(prepared: &Prepared, limit: Duration) -> io::Result<String> {
    let address = SocketAddr::from(([127, 0, 0, 1], prepared.port));
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    let request = format!(
        "GET /?query=SELECT%20version()%20FORMAT%20TSV HTTP/1.0\r\nHost: 127.0.0.1\r\nX-ClickHouse-User: {}\r\n\
         X-ClickHouse-Key: {}\r\nConnection: close\r\n\r\n",
        prepared.user, prepared.password
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(16 * 1024).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) == Some("200") {
        Ok(body.trim().to_owned())
    } else {
        Err(io::Error::other(format!("{status}: {}", body.trim())))
    }
}
