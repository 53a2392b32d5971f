//! Base URLs: where a provider is reached.
//!
//! Read from an account's credentials when it is set. Invariant: https, or http to this machine
//! only; no user, query or fragment; no slash at the end. Deliberately absent: name resolution.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Longest text of a base URL.
const LENGTH_MAX: usize = 500;

/// Scheme, host, optional port and optional path prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

/// Why a text is no base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseUrlError {
    /// Neither `https://host` nor `http://host`.
    Malformed,
    /// Plain http leaves the machine.
    Insecure,
}

impl fmt::Display for BaseUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "must be https://host[:port][/path] without user, query or fragment",
            Self::Insecure => "must be https unless the host is this machine",
        })
    }
}

impl std::error::Error for BaseUrlError {}

impl BaseUrl {
    /// Reads a base URL; slashes at its end are dropped.
    ///
    /// # Errors
    /// When it is malformed, or plain http to another machine.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let text = text.trim().trim_end_matches('/');
        let (secure, rest) = if let Some(rest) = text.strip_prefix("https://") {
            (true, rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (false, rest)
        } else {
            return Err(BaseUrlError::Malformed);
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let host = host(authority).ok_or(BaseUrlError::Malformed)?;
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"@?#\\%\"<>^`{|}".contains(&byte);
        if text.len() > LENGTH_MAX || !rest.bytes().all(plain) || rest.contains("..") {
            return Err(BaseUrlError::Malformed);
        }
        if !secure && !is_this_machine(host) {
            return Err(BaseUrlError::Insecure);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The host of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (host, after) = inner.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (
                host,
                after
                    .strip_prefix(':')
                    .or(after.is_empty().then_some("0"))?,
            )
        }
        None => authority.split_once(':').unwrap_or((authority, "0")),
    };
    port.parse::<u16>().ok()?;
    (!host.is_empty()).then_some(host)
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_https_and_loopback() {
        for (text, kept) in [
            ("https://api.example.test", "https://api.example.test"),
            (
                " https://api.example.test:8443/proxy/ ",
                "https://api.example.test:8443/proxy",
            ),
            ("http://localhost:4010", "http://localhost:4010"),
            ("http://127.0.0.1:4010/", "http://127.0.0.1:4010"),
            ("http://[::1]:4010", "http://[::1]:4010"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ] {
            assert_eq!(BaseUrl::parse(text).map(|url| url.0), Ok(kept.to_owned()));
        }
    }

    #[test]
    fn refuses_what_could_leak_or_mislead() {
        for text in [
            "",
            "api.example.test",
            "ftp://api.example.test",
            "https://",
            "https:///path",
            "https://user:pass@host",
            "https://host?x=1",
            "https://host#x",
            "https://host/../x",
            "https://host:99999",
            "https://host:",
            "https://[::1",
            "https://[::zz]",
            "https://ho st",
            "https://host\r\nX: y",
        ] {
            assert_eq!(BaseUrl::parse(text), Err(BaseUrlError::Malformed), "{text}");
        }
        for text in [
            "http://api.example.test",
            "http://10.0.0.1",
            "http://localhost.evil.test",
            "http://127.0.0.1.evil.test",
        ] {
            assert_eq!(BaseUrl::parse(text), Err(BaseUrlError::Insecure), "{text}");
        }
    }
}
