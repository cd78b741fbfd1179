//! What can be reached in a graph.

/// Every node among `0..count` that is reached from those in `open`, they included, each once. `next` tells where a node
/// leads.
pub(super) fn reached<N>(count: usize, mut open: Vec<usize>, next: impl Fn(usize) -> N) -> Vec<usize>
where
    N: IntoIterator<Item = usize>,
{
    let mut seen = vec![false; count];
    let mut found = Vec::new();
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut seen[node], true) {
            found.push(node);
            open.extend(next(node));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::reached;

    #[test]
    fn each_node_is_reached_once_also_in_a_circle() {
        let next = |node: usize| [vec![1, 2], vec![2], vec![0], vec![3]][node].clone();
        assert_eq!(reached(4, vec![0], next), [0, 2, 1]);
    }
}
