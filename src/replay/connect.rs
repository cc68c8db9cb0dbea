//! Connections to targets: names are looked up here, and only addresses of the open internet are connected, unless
//! the target's file says that it stands inside. Nothing is redirected and no proxy of the environment is used.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use tower_service::Service;

use super::address::is_open;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(30);

pub type Http = Client<HttpsConnector<HttpConnector<Names>>, Full<Bytes>>;

/// A client that connects only what it may. Two clients never share connections.
pub fn client(allow_internal: bool) -> io::Result<Http> {
    let mut connector = HttpConnector::new_with_resolver(Names { allow_internal });
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_LIMIT));
    let connector =
        HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().wrap_connector(connector);
    Ok(Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector))
}

/// An address that stands in the URL itself is looked up by nobody, so it is judged here.
pub fn literal(uri: &Uri) -> Option<IpAddr> {
    let host = uri.host()?;
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.parse().ok()
}

/// Hosts that are an address in other clothes: `0x7f.1`, `2130706433`, `127.1`. The resolver of the system reads them
/// as addresses; what it makes of them is judged like any other answer, but an honest name does not look like that.
pub fn is_disguised(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_end_matches('.');
    let last = host.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    literal(uri).is_none()
        && !last.is_empty()
        && hex.unwrap_or(last).bytes().all(|b| if hex.is_some() { b.is_ascii_hexdigit() } else { b.is_ascii_digit() })
}

/// Every address that the name has lies inside.
#[derive(Debug, thiserror::Error)]
#[error("{host} leads to {address}, which is not on the open internet")]
pub struct Inside {
    pub host: String,
    pub address: IpAddr,
}

/// Looks names up and lets through what may be connected.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    allow_internal: bool,
}

impl Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allow_internal = self.allow_internal;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(allowed(name.as_str(), found, allow_internal)?.into_iter())
        })
    }
}

/// Those addresses that may be connected.
fn allowed(host: &str, found: Vec<SocketAddr>, allow_internal: bool) -> Result<Vec<SocketAddr>, Inside> {
    if allow_internal {
        return Ok(found);
    }
    let inside = found.iter().find(|address| !is_open(address.ip())).copied();
    let open: Vec<SocketAddr> = found.into_iter().filter(|address| is_open(address.ip())).collect();
    match inside {
        Some(address) if open.is_empty() => Err(Inside { host: host.to_owned(), address: address.ip() }),
        _ => Ok(open),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| SocketAddr::new(text.parse().expect("an address"), 443)).collect()
    }

    #[test]
    fn of_a_name_with_several_addresses_only_open_ones_are_connected() {
        let found = addresses(&["10.0.0.1", "8.8.8.8", "::1"]);
        assert_eq!(allowed("x", found, false).expect("one is open"), addresses(&["8.8.8.8"]));
        assert!(allowed("x", addresses(&["10.0.0.1", "::1"]), false).is_err());
        assert_eq!(allowed("x", addresses(&["10.0.0.1"]), true).expect("allowed"), addresses(&["10.0.0.1"]));
    }

    #[test]
    fn an_address_in_the_url_is_seen_in_any_clothes() {
        let uri = |text: &str| text.parse::<Uri>().expect("a uri");
        assert!(literal(&uri("http://[::ffff:127.0.0.1]/")).is_some_and(|address| !is_open(address)));
        assert!(literal(&uri("http://169.254.169.254/")).is_some());
        for text in
            ["http://2130706433/", "http://0x7f000001/", "http://127.1/", "http://0177.0.0.01/", "http://0x7f.1/"]
        {
            assert!(is_disguised(&uri(text)), "{text}");
        }
        for text in ["http://billing.example/", "http://8.8.8.8/", "http://a1/", "http://x.0cafe/"] {
            assert!(!is_disguised(&uri(text)), "{text}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_connected() {
        let mut names = Names { allow_internal: false };
        let name: Name = "localhost".parse().expect("a name");
        let error = names.call(name).await.expect_err("refused");
        assert!(error.downcast_ref::<Inside>().is_some(), "{error}");
    }
}
