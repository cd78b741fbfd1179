//! Asking over REST: one request over HTTPS on a connection of its own.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use bytes::Bytes;
use fieldline_mqtt::tls;
use fieldline_shadow::client::{Answer, Question};
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::failure::Failure;
use super::target::RestServer;
use crate::disk;

/// The largest answer: two sections at the largest limit AWS grants, metadata, and room to spare.
const MAX_ANSWER: usize = 1 << 20;

/// Asks once.
pub(super) async fn ask(
    server: &RestServer,
    question: &Question,
    patience: Duration,
) -> Result<Answer, Failure> {
    let now = disk::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let config = tls::check(&server.tls, now).map_err(|error| {
        let hint = error.hint();
        Failure::usage(format!("{error} ({hint})"))
    })?;
    let answer = timeout(patience, exchange(server, TlsConnector::from(Arc::new(config)), question)).await;
    match answer {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Failure::unreachable(format!("{error:#}"))),
        Err(_) => {
            Err(Failure::unreachable(format!("no answer from `{}` within {patience:?}", server.address)))
        }
    }
}

async fn exchange(
    server: &RestServer,
    connector: TlsConnector,
    question: &Question,
) -> anyhow::Result<Answer> {
    let address = server.address.to_string();
    let name = ServerName::try_from(server.address.host.clone())?;
    let stream =
        TcpStream::connect(&address).await.with_context(|| format!("`{address}` cannot be reached"))?;
    let stream = connector.connect(name, stream).await.context("the TLS handshake failed")?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder()
        .method(question.method())
        .uri(question.path())
        .header(HOST, &address)
        .header(CONNECTION, "close")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(question.content())))?;
    let asking = async move {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let content = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let content = content.map_err(|error| anyhow!("the answer cannot be read: {error}"))?;
        anyhow::Ok(question.answer_of(status, &content.to_bytes()))
    };
    // The connection must be polled for anything to be sent; what it ends with says more than a request cut short.
    let (answer, ended) = tokio::join!(asking, connection);
    match (answer, ended) {
        (Err(_), Err(error)) => Err(anyhow!(error).context("the server ended the connection")),
        (answer, _) => answer,
    }
}
