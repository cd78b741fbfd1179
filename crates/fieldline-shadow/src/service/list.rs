//! The list of a thing's named shadows, page by page. The classic shadow and deleted ones are not in it.

use super::Denied;
use super::query::parameter;
use super::store::Store;
use crate::json::{Json, Object};
use crate::name::check_thing;
use crate::rejection::Rejection;

/// Names in a page unless the request says otherwise.
pub const DEFAULT_PAGE_SIZE: usize = 25;
/// The most names in a page.
pub const MAX_PAGE_SIZE: usize = 100;

/// The body `{"results":[…],"nextToken":…,"timestamp":…}`; the token is absent on the last page.
pub(super) fn list(store: &impl Store, thing: &str, query: &str, now: u64) -> Result<String, Denied> {
    check_thing(thing).map_err(Rejection::from)?;
    let page_size = match parameter(query, "pageSize") {
        None => DEFAULT_PAGE_SIZE,
        Some(size) => match size.parse() {
            Ok(size @ 1..=MAX_PAGE_SIZE) => size,
            _ => return Err(Rejection::InvalidParameter("pageSize").into()),
        },
    };
    let after = match parameter(query, "nextToken") {
        None => None,
        Some(token) => Some(name_in_token(&token, thing).ok_or(Rejection::InvalidParameter("nextToken"))?),
    };
    // One more than the page holds tells whether another page follows.
    let mut names = store
        .list(thing, after.as_deref(), page_size + 1)
        .map_err(|failure| Denied::failed(None, failure))?;
    let has_more = names.len() > page_size;
    names.truncate(page_size);
    let next_token = names.last().filter(|_| has_more).map(|last| token_after(last, thing));
    let mut body = Object::new();
    body.insert("results".to_owned(), Json::Array(names.into_iter().map(Json::from).collect()));
    if let Some(token) = next_token {
        body.insert("nextToken".to_owned(), token.into());
    }
    body.insert("timestamp".to_owned(), now.into());
    Ok(Json::Object(body).to_string())
}

/// Hexadecimal of `thing/name`, so that a token serves only the thing it was made for.
fn token_after(name: &str, thing: &str) -> String {
    format!("{thing}/{name}").bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn name_in_token(token: &str, thing: &str) -> Option<String> {
    let digits = token.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let bytes = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let text = String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()?;
    let name = text.strip_prefix(thing)?.strip_prefix('/')?;
    Some(name.to_owned())
}
