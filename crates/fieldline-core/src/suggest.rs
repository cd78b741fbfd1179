//! Finds the name somebody meant.

/// The candidate nearest to `name` by edit distance, if one is near enough to be meant: within a third of
/// the length, at least one edit, transpositions counted as one.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let most = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= most || candidate.eq_ignore_ascii_case(name))
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_a_stranger_is_not() {
        let names = ["telemetry", "kelvin", "bme680"];
        assert_eq!(nearest("kelvn", names), Some("kelvin"));
        assert_eq!(nearest("bme860", names), Some("bme680"));
        assert_eq!(nearest("Telemetry", names), Some("telemetry"));
        assert_eq!(nearest("press", names), None);
    }
}
