//! Topics and topic filters by the rules of MQTT 5, section 4.7.

const MAX_LENGTH: usize = 65_535;

/// Whether messages can be published to `topic`.
pub(super) fn is_topic(topic: &str) -> bool {
    is_text(topic) && !topic.contains(['+', '#'])
}

/// Whether `filter` can be subscribed to. Shared subscriptions are not filters here.
pub(super) fn is_filter(filter: &str) -> bool {
    let levels = filter.split('/').count();
    is_text(filter)
        && filter.split('/').enumerate().all(|(index, level)| match level {
            "+" => true,
            "#" => index + 1 == levels,
            level => !level.contains(['+', '#']),
        })
}

/// Whether `filter` covers `topic`. A wildcard in the first level does not cover topics that
/// begin with `$`.
pub(super) fn covers(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        if wanted == "#" {
            return true;
        }
        match levels.next() {
            Some(level) if wanted == "+" || wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

fn is_text(text: &str) -> bool {
    (1..=MAX_LENGTH).contains(&text.len()) && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::{covers, is_filter, is_topic};

    #[test]
    fn wildcards_cover_whole_levels() {
        for (filter, topic, expected) in [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/+", "a/b", true),
            ("a/+", "a", false),
            ("a/+", "a/", true),
            ("+/+", "/b", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/#", "ab", false),
            ("#", "a/b", true),
            ("a/+/c", "a/b/d", false),
        ] {
            assert_eq!(covers(filter, topic), expected, "{filter} {topic}");
        }
    }

    #[test]
    fn a_leading_wildcard_does_not_cover_reserved_topics() {
        assert!(!covers("#", "$aws/things/pi/shadow/get"));
        assert!(!covers("+/things/pi", "$aws/things/pi"));
        assert!(covers("$aws/#", "$aws/things/pi/shadow/get"));
        assert!(covers("$aws/things/+/shadow/update", "$aws/things/pi/shadow/update"));
    }

    #[test]
    fn wildcards_are_allowed_in_filters_only_and_only_as_whole_levels() {
        assert!(is_topic("$aws/things/pi"));
        for topic in ["", "a/+", "a/#", "a\0"] {
            assert!(!is_topic(topic), "{topic:?}");
        }
        for filter in ["#", "+", "a/+/b", "a/#", "/"] {
            assert!(is_filter(filter), "{filter:?}");
        }
        for filter in ["", "a#", "a/#/b", "a+/b", "a\0"] {
            assert!(!is_filter(filter), "{filter:?}");
        }
    }
}
