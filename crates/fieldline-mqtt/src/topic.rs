//! Topic names and topic filters: what is valid and which matches which (MQTT 3.1.1 and 5, chapter 4.7).
//! Nothing here knows of a connection.

/// The longest topic or filter in bytes: its length travels in two bytes.
const LONGEST: usize = 65_535;

/// Why a topic name or filter is not valid; `at` is the byte offset of the fault in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// The text is empty.
    #[error("a topic has at least one character")]
    Empty,
    /// The text is longer than the protocol can carry.
    #[error("a topic has at most 65535 bytes, this one has {length}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The text contains a character over which a broker may close the connection.
    #[error("a topic must not contain the character U+{:04X} (offset {at})", u32::from(*.character))]
    Character {
        /// A control character or a noncharacter.
        character: char,
        /// Where it stands.
        at: usize,
    },
    /// A topic name, to publish to, contains a wildcard.
    #[error("`{wildcard}` is a wildcard, a topic to publish to must not contain it (offset {at})")]
    WildcardInName {
        /// `+` or `#`.
        wildcard: char,
        /// Where it stands.
        at: usize,
    },
    /// A wildcard shares its level with other characters.
    #[error("`{wildcard}` must be alone between slashes (offset {at})")]
    WildcardNotAlone {
        /// `+` or `#`.
        wildcard: char,
        /// Where it stands.
        at: usize,
    },
    /// `#` is followed by a further level.
    #[error("`#` must be the last character (offset {at})")]
    HashNotLast {
        /// Where it stands.
        at: usize,
    },
    /// A shared subscription without a usable share name or without a filter behind it.
    #[error("a shared subscription reads `$share/NAME/FILTER`, NAME without wildcards (offset {at})")]
    Share {
        /// Where the missing or faulty part stands.
        at: usize,
    },
}

impl TopicError {
    /// The byte offset of the fault in the topic.
    pub fn offset(&self) -> usize {
        match *self {
            Self::Empty => 0,
            Self::TooLong { .. } => LONGEST,
            Self::Character { at, .. }
            | Self::WildcardInName { at, .. }
            | Self::WildcardNotAlone { at, .. }
            | Self::HashNotLast { at }
            | Self::Share { at } => at,
        }
    }
}

/// Checks the name of a topic to publish to.
pub fn check_name(name: &str) -> Result<(), TopicError> {
    check_text(name)?;
    match name.char_indices().find(|(_, character)| matches!(character, '+' | '#')) {
        Some((at, wildcard)) => Err(TopicError::WildcardInName { wildcard, at }),
        None => Ok(()),
    }
}

/// Checks a topic filter to subscribe to, `$share/NAME/FILTER` included.
pub fn check_filter(filter: &str) -> Result<(), TopicError> {
    check_text(filter)?;
    let levels = match filter.strip_prefix("$share/") {
        Some(shared) => {
            let at = filter.len() - shared.len();
            let (name, levels) = shared.split_once('/').ok_or(TopicError::Share { at: filter.len() })?;
            if name.is_empty() {
                return Err(TopicError::Share { at });
            }
            if let Some(offset) = name.find(['+', '#']) {
                return Err(TopicError::Share { at: at + offset });
            }
            if levels.is_empty() {
                return Err(TopicError::Share { at: filter.len() });
            }
            levels
        }
        None if filter == "$share" => return Err(TopicError::Share { at: filter.len() }),
        None => filter,
    };
    check_levels(levels, filter.len() - levels.len())
}

/// Whether every topic that matches `inner` matches `outer` too. Both must be valid; a shared subscription is
/// covered by none but itself.
pub fn covers(outer: &str, inner: &str) -> bool {
    let is_shared = |filter: &str| filter.starts_with("$share/");
    if is_shared(outer) || is_shared(inner) || inner.starts_with('$') && outer.starts_with(['+', '#']) {
        return outer == inner;
    }
    let mut levels = inner.split('/');
    for level in outer.split('/') {
        if level == "#" {
            return true;
        }
        match levels.next() {
            Some(wanted) if level == wanted || level == "+" && wanted != "#" => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// Whether a message to topic `name` belongs to the subscription `filter`. Both must be valid.
///
/// A wildcard in the first level does not match a topic that starts with `$`; of a shared subscription
/// only the part behind the share name counts.
pub fn matches(filter: &str, name: &str) -> bool {
    let filter = without_share(filter);
    if name.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut names = name.split('/');
    for level in filter.split('/') {
        if level == "#" {
            return true;
        }
        match names.next() {
            Some(name) if level == "+" || level == name => {}
            _ => return false,
        }
    }
    names.next().is_none()
}

/// The filter itself of `$share/NAME/FILTER`; any other filter unchanged.
fn without_share(filter: &str) -> &str {
    filter
        .strip_prefix("$share/")
        .and_then(|shared| shared.split_once('/'))
        .map_or(filter, |(_name, levels)| levels)
}

fn check_text(text: &str) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    if text.len() > LONGEST {
        return Err(TopicError::TooLong { length: text.len() });
    }
    match forbidden_character(text) {
        Some((at, character)) => Err(TopicError::Character { character, at }),
        None => Ok(()),
    }
}

/// The first character that no text of MQTT should have, and its byte offset: a receiver may close the connection over
/// control characters and noncharacters, and must over the null character (MQTT 3.1.1, section 1.5.3; MQTT 5, 1.5.4).
pub(crate) fn forbidden_character(text: &str) -> Option<(usize, char)> {
    let is_noncharacter = |character: char| {
        matches!(u32::from(character), 0xfdd0..=0xfdef) || u32::from(character) & 0xfffe == 0xfffe
    };
    text.char_indices().find(|(_, character)| character.is_control() || is_noncharacter(*character))
}

/// Checks the wildcards of a filter whose first byte stands at `start` of what the user wrote.
fn check_levels(levels: &str, start: usize) -> Result<(), TopicError> {
    let mut at = start;
    let end = start + levels.len();
    for level in levels.split('/') {
        if let Some(offset) = level.find(['+', '#']) {
            let wildcard = if level[offset..].starts_with('+') { '+' } else { '#' };
            if level.len() > 1 {
                return Err(TopicError::WildcardNotAlone { wildcard, at: at + offset });
            }
            if wildcard == '#' && at + 1 < end {
                return Err(TopicError::HashNotLast { at });
            }
        }
        at += level.len() + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rules of chapter 4.7 once more, level by level and without regard to speed.
    fn naive_match(filter: &[&str], name: &[&str]) -> bool {
        match (filter, name) {
            (["#"], _) => true,
            ([], []) => true,
            (["+", filter @ ..], [_, name @ ..]) => naive_match(filter, name),
            ([level, filter @ ..], [word, name @ ..]) if level == word => naive_match(filter, name),
            _ => false,
        }
    }

    #[test]
    fn a_fault_in_a_filter_is_reported_at_its_offset() {
        for (filter, offset) in [
            ("", 0),
            ("a/b+/c", 3),
            ("a/+b", 2),
            ("a/#/c", 2),
            ("#/", 0),
            ("a/b#", 3),
            ("a/\0", 2),
            ("a/\u{1f}", 2),
            ("a/\u{85}", 2),
            ("a/\u{fdd0}", 2),
            ("a/b\u{ffff}", 3),
            ("a/b\u{10fffe}", 3),
            ("$share", 6),
            ("$share/", 7),
            ("$share//a", 7),
            ("$share/g", 8),
            ("$share/g+/a", 8),
            ("$share/g/", 9),
            ("$share/g/a/#/b", 11),
        ] {
            let error = check_filter(filter).expect_err(filter);
            assert_eq!(error.offset(), offset, "{filter:?}: {error}");
        }
    }

    #[test]
    fn the_filters_of_the_standard_are_valid() {
        for filter in [
            "#",
            "+",
            "/",
            "a",
            "+/+",
            "/+",
            "a/+/#",
            "a//b",
            "$SYS/#",
            "$aws/things/+/shadow/#",
            "$share/g/#",
        ] {
            assert_eq!(check_filter(filter), Ok(()), "{filter}");
        }
    }

    #[test]
    fn a_topic_to_publish_to_has_no_wildcard() {
        assert_eq!(check_name("a/ü/+"), Err(TopicError::WildcardInName { wildcard: '+', at: 5 }));
        assert_eq!(check_name("a/b#"), Err(TopicError::WildcardInName { wildcard: '#', at: 3 }));
        assert_eq!(check_name(&"a".repeat(65_536)), Err(TopicError::TooLong { length: 65_536 }));
        assert_eq!(check_name(&"a".repeat(65_535)), Ok(()));
        assert_eq!(check_name("/"), Ok(()));
    }

    #[test]
    fn the_examples_of_the_standard_match() {
        for (filter, name, expected) in [
            ("sport/tennis/player1/#", "sport/tennis/player1", true),
            ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
            ("sport/#", "sport", true),
            ("sport/tennis/+", "sport/tennis/player1/ranking", false),
            ("sport/+", "sport", false),
            ("sport/+", "sport/", true),
            ("+/+", "/finance", true),
            ("/+", "/finance", true),
            ("+", "/finance", false),
            ("#", "$SYS/monitor/Clients", false),
            ("+/monitor/Clients", "$SYS/monitor/Clients", false),
            ("$SYS/#", "$SYS/monitor/Clients", true),
            ("$SYS/monitor/+", "$SYS/monitor/Clients", true),
            ("$share/group/a/+", "a/b", true),
            ("$share/group/#", "$SYS/a", false),
            ("a", "A", false),
        ] {
            assert_eq!(matches(filter, name), expected, "{filter} against {name}");
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_a_naive_matcher(
            filter in prop::collection::vec(prop_oneof!["[ab]?", Just("+".to_owned())], 1..5),
            hash in any::<bool>(),
            name in prop::collection::vec("[ab]?", 1..6),
        ) {
            let mut filter = filter;
            if hash {
                filter.push("#".to_owned());
            }
            let filter_text = filter.join("/");
            let name_text = name.join("/");
            prop_assume!(!filter_text.is_empty() && !name_text.is_empty());
            prop_assert_eq!(check_filter(&filter_text), Ok(()));
            prop_assert_eq!(check_name(&name_text), Ok(()));
            let filter: Vec<&str> = filter.iter().map(String::as_str).collect();
            let name: Vec<&str> = name.iter().map(String::as_str).collect();
            prop_assert_eq!(matches(&filter_text, &name_text), naive_match(&filter, &name));
        }

        #[test]
        fn a_checked_text_never_panics_and_its_offset_is_inside(text in "[a+#/$\0shre]{0,12}") {
            for checked in [check_filter(&text), check_name(&text)] {
                if let Err(error) = checked {
                    prop_assert!(error.offset() <= text.len());
                }
            }
        }
    }

    #[test]
    fn a_filter_covers_another_if_it_has_all_of_its_topics() {
        for (outer, inner) in [
            ("a/#", "a/b"),
            ("a/#", "a"),
            ("a/#", "a/+/c"),
            ("a/#", "a/b/#"),
            ("a/+", "a/b"),
            ("#", "+/a"),
            ("a", "a"),
        ] {
            assert!(covers(outer, inner), "{outer} {inner}");
            assert!(outer == inner || !covers(inner, outer), "{inner} {outer}");
        }
        for (outer, inner) in
            [("a/+", "a/#"), ("a/+", "+/b"), ("#", "$SYS/a"), ("+/a", "$SYS/a"), ("a/#", "$share/g/a/b")]
        {
            assert!(!covers(outer, inner), "{outer} {inner}");
        }
    }
}
