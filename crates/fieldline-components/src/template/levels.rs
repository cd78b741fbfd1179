//! [`Levels`]: some of the levels of a topic, written `[0]`, `[-1]`, `[1..]`, `[..2]` or `[1..-1]`.

/// Which levels of a topic; negative numbers count from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Levels {
    /// The one with this number, the first being 0.
    One(i64),
    /// Those from one number up to, and without, the other.
    Range {
        /// The first, or that of the topic.
        from: Option<i64>,
        /// The one behind the last, or none of the topic.
        to: Option<i64>,
    },
}

impl Levels {
    /// All of a topic.
    pub(super) const ALL: Levels = Levels::Range { from: None, to: None };

    /// Reads the brackets and what stands between them; `None` if that can name no level of any topic.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        let Some((from, to)) = inside.split_once("..") else {
            return number(inside.trim()).map(Levels::One);
        };
        let bound = |text: &str| match text.trim() {
            "" => Some(None),
            text => number(text).map(Some),
        };
        let (from, to) = (bound(from)?, bound(to)?);
        // `[2..1]`, `[-1..-1]` and `[..0]` are empty whatever the topic is.
        let same_end = |from: i64, to: i64| (from < 0) == (to < 0);
        match (from.unwrap_or(0), to) {
            (from, Some(to)) if same_end(from, to) && from >= to => None,
            _ => Some(Levels::Range { from, to }),
        }
    }

    /// Whether it is one level of every topic.
    pub(super) fn is_one(self) -> bool {
        matches!(self, Levels::One(_))
    }

    /// The levels of `topic`, which it may not have.
    pub(super) fn of(self, topic: &str) -> Option<&str> {
        let count = i64::try_from(topic.split('/').count()).ok()?;
        let from_start = |number: i64| if number < 0 { count + number } else { number };
        let (from, to) = match self {
            Levels::One(number) => (from_start(number), from_start(number) + 1),
            Levels::Range { from, to } => {
                (from.map_or(0, from_start).max(0), to.map_or(count, from_start).min(count))
            }
        };
        if from < 0 || from >= to || to > count {
            return None;
        }
        let start_of = |level: i64| {
            let before = topic.split('/').take(usize::try_from(level).unwrap_or(usize::MAX));
            before.map(|level| level.len() + 1).sum::<usize>()
        };
        topic.get(start_of(from)..start_of(to) - 1)
    }
}

fn number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain).filter(|number: &i64| number.abs() < 65_536)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_counted_from_both_ends() {
        for (written, expected) in [
            ("[0]", Some("a")),
            ("[2]", Some("c")),
            ("[-1]", Some("c")),
            ("[-3]", Some("a")),
            ("[3]", None),
            ("[-4]", None),
            ("[..]", Some("a/bb/c")),
            ("[1..]", Some("bb/c")),
            ("[..2]", Some("a/bb")),
            ("[..9]", Some("a/bb/c")),
            ("[3..]", None),
            ("[-2..]", Some("bb/c")),
            ("[-9..]", Some("a/bb/c")),
            ("[..-1]", Some("a/bb")),
            ("[ 1 .. 2 ]", Some("bb")),
            ("[2..-1]", None),
        ] {
            let levels = Levels::parse(written).expect(written);
            assert_eq!(levels.of("a/bb/c"), expected, "{written}");
        }
        assert_eq!(Levels::ALL.of("/a//"), Some("/a//"));
        assert_eq!(Levels::One(0).of("/a"), Some(""));
    }

    #[test]
    fn what_names_no_level_of_any_topic_is_refused() {
        for written in [
            "[]", "[x]", "[+1]", "[1", "[0][1]", "[1...2]", "[1..=2]", "[2..1]", "[1..1]", "[..0]",
            "[-1..-2]", "[1:2]", "[--1]",
        ] {
            assert_eq!(Levels::parse(written), None, "{written}");
        }
    }
}
