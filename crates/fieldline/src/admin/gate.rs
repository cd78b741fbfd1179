//! Which requests are answered at all. Every web page that is open in a browser on this machine can send requests to
//! this listener; none of them may read or change anything.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use fieldline_api::COMMAND_HEADER;

use super::problem::problem;

/// Lets a request through, or says why not.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    match refusal(&request) {
        Some((status, reason)) => problem(status, &reason),
        None => next.run(request).await,
    }
}

fn refusal(request: &Request) -> Option<(StatusCode, &'static str)> {
    let headers = request.headers();
    let Some(host) = own_host(request) else {
        return Some((
            StatusCode::FORBIDDEN,
            "this `Host` is not answered; ask for `localhost` or a loopback address such as `127.0.0.1`",
        ));
    };
    let origins = headers.get_all(header::ORIGIN);
    if origins.iter().any(|origin| origin.as_bytes() != format!("http://{host}").as_bytes()) {
        return Some((StatusCode::FORBIDDEN, "requests of other web pages are not answered"));
    }
    if request.method() == Method::POST && !is_on_purpose(headers) {
        return Some((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "a POST needs the header `Content-Type: application/json` or `X-Fieldline: 1`",
        ));
    }
    None
}

/// The host that is asked for, if it is this machine. A name that a foreign page has made point here (DNS rebinding)
/// is none of ours. The port may differ: that of a tunnel is its own.
fn own_host(request: &Request) -> Option<&str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    let host = host.to_str().ok()?;
    let authority: Authority = host.parse().ok()?;
    let same = request.uri().authority().is_none_or(|target| *target == authority);
    (same && !host.contains('@') && is_loopback(authority.host())).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether a header says so that a foreign page cannot send unless it is allowed to, which it never is.
fn is_on_purpose(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    headers.contains_key(COMMAND_HEADER)
        || kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn is_let_through(method: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri("/v1/status");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        refusal(&request.body(Body::empty()).expect("a request")).is_none()
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for host in
            ["localhost", "LocalHost:9464", "127.0.0.1:9464", "127.8.9.1", "[::1]:9464", "localhost:80"]
        {
            assert!(is_let_through("GET", &[("host", host)]), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9464",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "evil.example@127.0.0.1",
            "192.168.1.5:9464",
            "0.0.0.0:9464",
            "[::]",
            "",
            ":9464",
            "2130706433",
        ] {
            assert!(!is_let_through("GET", &[("host", host)]), "{host}");
        }
        assert!(!is_let_through("GET", &[]));
        assert!(!is_let_through("GET", &[("host", "localhost"), ("host", "evil.example")]));
    }

    #[test]
    fn only_its_own_origin_is_answered() {
        let from = |origin| is_let_through("GET", &[("host", "localhost:9464"), ("origin", origin)]);
        assert!(from("http://localhost:9464"));
        for origin in [
            "http://evil.example",
            "null",
            "",
            "http://localhost:8000",
            "http://127.0.0.1:9464",
            "https://localhost:9464",
        ] {
            assert!(!from(origin), "{origin}");
        }
    }

    #[test]
    fn a_post_needs_what_a_form_cannot_send() {
        let host = ("host", "localhost");
        assert!(is_let_through("POST", &[host, ("content-type", "application/json; charset=utf-8")]));
        assert!(is_let_through("POST", &[host, ("x-fieldline", "1"), ("content-type", "text/plain")]));
        assert!(!is_let_through("POST", &[host]));
        for kind in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx"]
        {
            assert!(!is_let_through("POST", &[host, ("content-type", kind)]), "{kind}");
        }
    }
}
