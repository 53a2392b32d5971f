//! HTTP: how a request goes out and what becomes of it. The only outbound network of the extension.
//!
//! Runs on threads that never touch Postgres; settings come in with [`Settings`], read by the
//! process. Invariants: TLS is verified, and plain http goes to this machine only; nothing is
//! redirected; every phase and every body is bounded; whether a request may have left is noted where
//! its bytes are handed to the connection, not guessed from an error. No text holds a header's value.

use chrono::{DateTime, Utc};
use owostack_provider::answer::{Answer, Headers, Response};
use owostack_provider::request::{Method, Request};
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use ureq::config::Config;
use ureq::http;
use ureq::tls::{PemItem, RootCerts, TlsConfig};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};
use ureq::{Agent, Proxy};

/// Longest body of an answer that is read.
const BODY_BYTES_MAX: u64 = 4 << 20;
/// Longest time until a connection stands, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// An idle connection is used again so long: a provider that closes it meanwhile would lose a request.
const IDLE: Duration = Duration::from_secs(5);
const USER_AGENT: &str = concat!("owostack/", env!("CARGO_PKG_VERSION"));

/// What the server's settings say about calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Proxy instead of the one that the environment names.
    pub proxy: Option<String>,
    /// Longest time of one call.
    pub timeout: Duration,
}

/// Ready to send; cheap to clone.
#[derive(Debug, Clone)]
pub struct Line {
    /// For this machine, which no proxy stands before.
    direct: Agent,
    proxied: Agent,
}

impl Line {
    /// A line with these settings.
    ///
    /// # Errors
    /// When the certificates or the proxy cannot be used; the text says which, never the proxy's
    /// password.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let proxy = match &settings.proxy {
            Some(text) => Some(
                Proxy::new(text)
                    .map_err(|_| "owostack.http_proxy is no address of a proxy".to_owned())?,
            ),
            None => Proxy::try_from_env(),
        };
        let roots = match &settings.ca_file {
            Some(path) => certificates(path)?,
            None => RootCerts::PlatformVerifier,
        };
        Ok(Self {
            direct: agent(settings, roots.clone(), None),
            proxied: agent(settings, roots, proxy),
        })
    }

    /// Sends a request and waits for the whole answer.
    pub fn send(&self, request: &Request) -> Answer {
        SENT.set(false);
        let outcome = self.exchange(request);
        let answer = match outcome {
            Ok(response) => Answer::Response(response),
            Err(why) if SENT.get() => Answer::Lost(why),
            Err(why) => Answer::NotSent(why),
        };
        SENT.set(false);
        answer
    }

    fn exchange(&self, request: &Request) -> Result<Response, String> {
        let url = request.url();
        let uri: http::Uri = url.parse().map_err(|_| "the address is malformed")?;
        let local = uri.host().is_some_and(is_this_machine);
        if uri.scheme_str() != Some("https") && !local {
            return Err("plain http leaves this machine".to_owned());
        }
        let agent = if local { &self.direct } else { &self.proxied };
        let mut parts = http::Request::builder()
            .uri(uri)
            .method(request.method.as_str());
        for (name, value) in &request.headers {
            let mut value = http::HeaderValue::from_str(value.expose())
                .map_err(|_| format!("the value of header {name} is malformed"))?;
            value.set_sensitive(true);
            parts = parts.header(*name, value);
        }
        let outcome =
            if request.body.is_empty() && matches!(request.method, Method::Get | Method::Delete) {
                let request = parts.body(()).map_err(|_| "the request is malformed")?;
                agent.run(request)
            } else {
                let body = request.body.as_slice();
                let request = parts.body(body).map_err(|_| "the request is malformed")?;
                agent.run(request)
            };
        read(outcome.map_err(|error| error.to_string())?)
    }
}

fn read(mut response: http::Response<ureq::Body>) -> Result<Response, String> {
    let headers = Headers::new(response.headers().iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    }));
    let status = response.status().as_u16();
    let body = response
        .body_mut()
        .with_config()
        .limit(BODY_BYTES_MAX)
        .read_to_vec()
        .map_err(|error| format!("status {status}, and the body did not come: {error}"))?;
    Ok(Response {
        status,
        headers,
        body,
        received_at: DateTime::<Utc>::from(SystemTime::now()),
    })
}

fn certificates(path: &PathBuf) -> Result<RootCerts, String> {
    let cannot = |why: &str| format!("owostack.ca_file \"{}\": {why}", path.display());
    let text = std::fs::read(path).map_err(|error| cannot(&error.to_string()))?;
    let mut found = Vec::new();
    for item in ureq::tls::parse_pem(&text) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(cannot("is not in PEM form")),
        }
    }
    if found.is_empty() {
        return Err(cannot("holds no certificate"));
    }
    Ok(RootCerts::Specific(Arc::new(found)))
}

fn agent(settings: &Settings, roots: RootCerts, proxy: Option<Proxy>) -> Agent {
    let config = Config::builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(false)
        .user_agent(USER_AGENT)
        .proxy(proxy)
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .max_idle_age(IDLE)
        .timeout_resolve(Some(CONNECT.min(settings.timeout)))
        .timeout_connect(Some(CONNECT.min(settings.timeout)))
        .timeout_global(Some(settings.timeout))
        .build();
    let connector = DefaultConnector::new().chain(Noting);
    Agent::with_parts(config, connector, DefaultResolver::default())
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

thread_local! {
    /// Whether bytes of the running request have been handed to its connection.
    static SENT: Cell<bool> = const { Cell::new(false) };
}

/// Puts [`Noted`] around every connection, TLS included: handshakes are no requests.
#[derive(Debug)]
struct Noting;

/// A connection that notes when something is handed to it.
#[derive(Debug)]
struct Noted<T>(T);

impl<In: Transport> Connector<In> for Noting {
    type Out = Noted<In>;

    fn connect(
        &self,
        _details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        Ok(chained.map(Noted))
    }
}

impl<T: Transport> Transport for Noted<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        SENT.set(true);
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.0.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}
