//! Where the shadow service is: what the command line says, and for the rest what a connection of a pipeline says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use fieldline_compiler::Node;
use fieldline_components::shadow::token_prefix;
use fieldline_core::{BuildCx, Built, Clock, Kind};
use fieldline_mqtt::tls::{Identity, PemFile, TlsOptions};
use fieldline_mqtt::{Address, Connection, Options, Scheme};
use fieldline_runtime::SystemTime;

use super::failure::Failure;
use crate::cli::shadow::Place;
use crate::cli::{Format, Paths};
use crate::exit::Exit;
use crate::{disk, output};

/// The port on which AWS IoT answers REST.
const REST_PORT: &str = "8443";

/// Where to ask, and how.
pub(super) enum Target {
    /// Through a broker.
    Mqtt(Box<Options>),
    /// A server of HTTPS.
    Rest(Box<RestServer>),
}

/// A server of HTTPS.
pub(super) struct RestServer {
    /// Host and port.
    pub(super) address: Address,
    /// Whom to trust, and who asks.
    pub(super) tls: TlsOptions,
}

/// Finds out where to ask.
pub(super) fn find(place: &Place) -> Result<Target, Failure> {
    let known = match &place.pipeline {
        Some(file) => Some(of_pipeline(file, place)?),
        None => None,
    };
    let (address, is_rest) = match (&place.url, &known) {
        (Some(url), _) => read_url(url)?,
        (None, Some(known)) => (known.address.clone(), false),
        (None, None) => return Err(Failure::usage("neither --url nor --pipeline says where to ask")),
    };
    let tls = tls(place, known.as_ref().and_then(|known| known.tls.as_ref()), &address, is_rest)?;
    if is_rest {
        let tls =
            tls.ok_or_else(|| Failure::usage("`https` needs --ca, and AWS IoT --cert and --key too"))?;
        return Ok(Target::Rest(Box::new(RestServer { address, tls })));
    }
    let client_id = || format!("fieldline-{}", token_prefix("shadow"));
    let client_id = place.client_id.clone().unwrap_or_else(client_id);
    let base = known.unwrap_or_else(|| Options::new(address.clone(), ""));
    let options = Options { address, tls, client_id, clean_session: true, will: None, birth: None, ..base };
    Connection::check(&options).map_err(Failure::usage)?;
    Ok(Target::Mqtt(Box::new(options)))
}

/// The address, and whether it speaks REST.
fn read_url(url: &str) -> Result<(Address, bool), Failure> {
    let Some(authority) = url.strip_prefix("https://") else {
        return Ok((Address::parse(url).map_err(Failure::usage)?, false));
    };
    let authority = authority.trim_end_matches('/');
    let port = if authority.contains(':') { String::new() } else { format!(":{REST_PORT}") };
    let address = Address::parse(&format!("mqtts://{authority}{port}"));
    let wrong =
        |_| Failure::usage(format!("`{url}` is no host and port; write for example `https://host:8443`"));
    Ok((address.map_err(wrong)?, true))
}

/// What was given, and for the rest what the connection has; on port 443 AWS IoT tells its protocols apart by ALPN.
fn tls(
    place: &Place,
    known: Option<&TlsOptions>,
    address: &Address,
    is_rest: bool,
) -> anyhow::Result<Option<TlsOptions>> {
    if address.scheme == Scheme::Mqtt && !is_rest && place.ca.is_none() {
        return Ok(None);
    }
    let authorities = match &place.ca {
        Some(file) => Some(pem(file)?),
        None => known.map(|tls| tls.authorities.clone()),
    };
    let identity = match (&place.cert, &place.key) {
        (Some(certificate), Some(key)) => Some(Identity { certificate: pem(certificate)?, key: pem(key)? }),
        _ => known.and_then(|tls| tls.identity.clone()),
    };
    let alpn = match (address.port, is_rest) {
        (443, true) => vec!["x-amzn-http-ca".to_owned()],
        (443, false) => vec!["x-amzn-mqtt-ca".to_owned()],
        _ => Vec::new(),
    };
    let server_name = known.and_then(|tls| tls.server_name.clone());
    Ok(authorities.map(|authorities| TlsOptions { authorities, identity, alpn, server_name }))
}

fn pem(file: &Path) -> anyhow::Result<PemFile> {
    Ok(PemFile { name: file.display().to_string(), bytes: disk::read_text(file)?.into_bytes() })
}

/// How the connection of a pipeline file connects.
fn of_pipeline(file: &Path, place: &Place) -> Result<Options, Failure> {
    let compiled =
        disk::compile_paths(&Paths { paths: vec![file.to_owned()], secrets: place.secrets.clone() });
    if !compiled.broken.is_empty() {
        output::diagnostics(&compiled, Format::Human);
        return Err(Failure { code: Exit::BadConfig, error: anyhow!("`{}` has errors", file.display()) });
    }
    let wanted = |node: &&Node| {
        let name = place.connection.as_deref();
        node.kind == Kind::Connection
            && node.component == "mqtt"
            && name.is_none_or(|name| [node.id.node(), node.id.as_str()].contains(&name))
    };
    let found: Vec<&Node> = compiled.plan.nodes.iter().filter(wanted).collect();
    let [node] = found.as_slice() else {
        let names: Vec<String> = found.iter().map(|node| format!("`{}`", node.id)).collect();
        let file = file.display();
        return Err(match names.as_slice() {
            [] => Failure::usage(format!("`{file}` has no such `mqtt` connection")),
            names => {
                Failure::usage(format!("`{file}` has {}; choose with --connection", names.join(" and ")))
            }
        });
    };
    let built = node.prepared.build(&BuildCx {
        node: node.id.as_str(),
        files: &compiled.plan.files,
        connections: &BTreeMap::new(),
        data_dir: Path::new(""),
        with: &[],
        clock: &Clock::new(SystemTime::default()),
        origins: &|_| None,
    });
    let options = options_of(built.map_err(|error| anyhow!("{error}"))?)?;
    if options.address.port == 0 {
        return Err(Failure::usage(format!(
            "the broker of `{}` takes any free port; add `listen: 127.0.0.1:1884` to it",
            node.id
        )));
    }
    Ok(options)
}

fn options_of(built: Built) -> anyhow::Result<Options> {
    let Built::Connection(connection) = built else {
        bail!("an `mqtt` connection was built as something else")
    };
    let handle: Arc<Connection> =
        connection.handle().downcast().ok().context("an `mqtt` connection has another handle")?;
    Ok(handle.options())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Host and port, whether it speaks REST, and the protocols that are offered.
    fn found(url: &str) -> Option<(String, bool, Vec<String>)> {
        let (address, is_rest) = read_url(url).ok()?;
        let authorities = PemFile { name: "ca.pem".to_owned(), bytes: Vec::new() };
        let known = TlsOptions { authorities, identity: None, alpn: Vec::new(), server_name: None };
        let place = Place {
            url: None,
            ca: None,
            cert: None,
            key: None,
            pipeline: None,
            connection: None,
            secrets: None,
            client_id: None,
            timeout: 10,
        };
        let tls = tls(&place, Some(&known), &address, is_rest).ok()?;
        Some((address.to_string(), is_rest, tls.map(|tls| tls.alpn).unwrap_or_default()))
    }

    fn expected(address: &str, is_rest: bool, alpn: &[&str]) -> Option<(String, bool, Vec<String>)> {
        Some((address.to_owned(), is_rest, alpn.iter().map(|&protocol| protocol.to_owned()).collect()))
    }

    #[test]
    fn the_scheme_decides_and_port_443_is_shared_by_name_of_the_protocol() {
        assert_eq!(found("https://host"), expected("host:8443", true, &[]));
        assert_eq!(found("https://host:443/"), expected("host:443", true, &["x-amzn-http-ca"]));
        assert_eq!(found("mqtts://host"), expected("host:8883", false, &[]));
        assert_eq!(found("mqtts://host:443"), expected("host:443", false, &["x-amzn-mqtt-ca"]));
        assert_eq!(found("mqtt://host"), expected("host:1883", false, &[]));
        for wrong in ["host", "http://host", "https://", "https://host/things", "https://host:0"] {
            assert_eq!(found(wrong), None, "{wrong}");
        }
    }
}
