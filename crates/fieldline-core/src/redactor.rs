//! [`Redactor`]: takes known secrets, and passwords in URLs, out of texts that people read: logs, status, dead letters.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::{Map, Meta, Value};

/// What stands in the place of a secret.
const MASK: &str = "***";

/// The fewest bytes of a secret that is looked for: a shorter one stands in many words by chance.
const SHORTEST: usize = 4;

/// The fewest bytes of a secret that is looked for in data, which has to stay whole: a mask there is a loss.
const SHORTEST_IN_DATA: usize = 8;

/// The secrets that a program knows. Clones share them, and a secret stays known after it was changed: older texts may
/// hold it. `Debug` shows none of them.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Vec<String>>>);

impl Redactor {
    /// Knows `secrets`; those of less than 4 bytes are left out.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let redactor = Redactor::default();
        redactor.add(secrets);
        redactor
    }

    /// Learns all that `other` knows.
    pub fn learn(&self, other: &Redactor) {
        if !Arc::ptr_eq(&self.0, &other.0) {
            let theirs = other.0.read().unwrap_or_else(PoisonError::into_inner).clone();
            self.add(theirs);
        }
    }

    /// Adds secrets, each also as it stands in JSON; the longest first, because one may hold another.
    fn add(&self, secrets: impl IntoIterator<Item = String>) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for secret in secrets.into_iter().filter(|secret| secret.len() >= SHORTEST) {
            let quoted = secret.escape_debug().to_string();
            let json = serde_json::Value::from(secret.as_str()).to_string();
            let json = json.trim_start_matches('"');
            let json = json.strip_suffix('"').unwrap_or(json).to_owned();
            all.extend([secret, quoted, json]);
        }
        all.sort_by(|left, right| (Reverse(left.len()), left).cmp(&(Reverse(right.len()), right)));
        all.dedup();
    }

    /// The text with `***` for each secret and for the password of each URL.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let known = self.known(text, SHORTEST);
        match url_password(&known) {
            Some(_) => Cow::Owned(without_passwords(&known)),
            None => known,
        }
    }

    /// The text with `***` for each secret, in place.
    pub fn clean(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.text(text) {
            *text = clean;
        }
    }

    /// Data with `***` for each secret of at least 8 bytes; names of members stay, and so do bytes that are no text.
    pub fn data(&self, value: &mut Value) {
        match value {
            Value::Text(text) => {
                if let Cow::Owned(clean) = self.known(text, SHORTEST_IN_DATA) {
                    *text = clean.into();
                }
            }
            Value::List(list) => list.iter_mut().for_each(|element| self.data(element)),
            Value::Map(map) => self.members(map),
            _ => {}
        }
    }

    /// Metadata with `***` for each secret of at least 8 bytes.
    pub fn meta(&self, meta: &mut Meta) {
        let topic = meta.topic.as_deref().map(|topic| self.known(topic, SHORTEST_IN_DATA));
        if let Some(Cow::Owned(clean)) = topic {
            meta.topic = Some(clean.into());
        }
        self.members(&mut meta.fields);
    }

    fn members(&self, map: &mut Map) {
        map.values_mut().for_each(|value| self.data(value));
    }

    fn known<'t>(&self, text: &'t str, shortest: usize) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for secret in secrets.iter().filter(|secret| secret.len() >= shortest) {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), MASK));
            }
        }
        text
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Redactor")
    }
}

/// The place of the first password in a text that stands in a URL as `scheme://user:password@host`.
pub fn url_password(text: &str) -> Option<std::ops::Range<usize>> {
    let mut from = 0;
    while let Some(at) = text[from..].find("://") {
        from += at + "://".len();
        let end =
            |byte: char| byte.is_whitespace() || matches!(byte, '/' | '?' | '#' | '"' | '`' | '<' | '>');
        let authority = text[from..].split(end).next().unwrap_or("");
        let password = authority.rfind('@').and_then(|at| Some(authority[..at].find(':')? + 1..at));
        if let Some(password) = password.filter(|password| !password.is_empty()) {
            return Some(from + password.start..from + password.end);
        }
    }
    None
}

fn without_passwords(text: &str) -> String {
    let (mut clean, mut rest) = (String::new(), text);
    while let Some(password) = url_password(rest) {
        clean.push_str(&rest[..password.start]);
        clean.push_str(MASK);
        rest = &rest[password.end..];
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_of_texts_in_each_form_in_which_they_are_written() {
        let redactor =
            Redactor::new(["hunter2".to_owned(), "hunter2-long".to_owned(), "a\"b\\c'd".to_owned()]);
        for (text, clean) in [
            ("no `hunter2` here, hunter2-long", "no `***` here, ***"),
            (r#"{"error":"a\"b\\c'd"}"#, r#"{"error":"***"}"#),
            (r#"Error("a\"b\\c\'d")"#, r#"Error("***")"#),
            ("nothing", "nothing"),
        ] {
            assert_eq!(redactor.text(text), clean);
        }
        assert_eq!(format!("{redactor:?}"), "Redactor");
    }

    #[test]
    fn passwords_of_urls_are_taken_out_and_nothing_else_of_them() {
        for (text, clean) in [
            ("to `mqtt://user:pa:ss@host:1883`: no", "to `mqtt://user:***@host:1883`: no"),
            ("a://u:p@h/x b://v:q@w", "a://u:***@h/x b://v:***@w"),
            ("mqtt://user:p@ss@host", "mqtt://user:***@host"),
            ("mqtt://host:1883/a@b", "mqtt://host:1883/a@b"),
            ("mqtt://user@host:1883 at 12:30", "mqtt://user@host:1883 at 12:30"),
            ("://:@", "://:@"),
        ] {
            assert_eq!(Redactor::default().text(text), clean);
        }
    }

    #[test]
    fn short_secrets_are_no_words_to_look_for_and_data_keeps_what_may_be_there_by_chance() {
        let redactor = Redactor::new(["abc".to_owned(), "test".to_owned(), "long enough".to_owned()]);
        assert_eq!(redactor.text("abc test long enough"), "abc *** ***");
        let mut value = Value::List(vec!["test".into(), "so long enough".into(), Value::Int(1)]);
        redactor.data(&mut value);
        assert_eq!(value, Value::List(vec!["test".into(), "so ***".into(), Value::Int(1)]));
    }

    #[test]
    fn clones_share_what_they_learn() {
        let (one, two) = (Redactor::default(), Redactor::new(["hunter2".to_owned()]));
        let same = one.clone();
        one.learn(&two);
        one.learn(&same);
        assert_eq!(same.text("hunter2"), "***");
    }
}
