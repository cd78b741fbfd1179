//! Finds the ways in a graph that lead back to where they begin.

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

/// A node on the way from the start to here, the edges that were not followed yet, and the one that was taken.
struct Step<E> {
    node: usize,
    waiting: Vec<(usize, E)>,
    taken: Option<E>,
}

/// Cycles among nodes `0..count`, at least one of every knot: the nodes in the order in which they follow each
/// other, each with the edge that leads on. `next` gives the edges of a node and where they lead.
pub(super) fn cycles<E: Copy>(count: usize, next: impl Fn(usize) -> Vec<(usize, E)>) -> Vec<Vec<(usize, E)>> {
    let mut marks = vec![Mark::New; count];
    let mut found = Vec::new();
    for start in 0..count {
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::Open;
        let mut way = vec![Step { node: start, waiting: next(start), taken: None }];
        while let Some(step) = way.last_mut() {
            let Some((to, edge)) = step.waiting.pop() else {
                marks[step.node] = Mark::Done;
                way.pop();
                continue;
            };
            step.taken = Some(edge);
            match marks[to] {
                Mark::Done => {}
                Mark::New => {
                    marks[to] = Mark::Open;
                    way.push(Step { node: to, waiting: next(to), taken: None });
                }
                Mark::Open => {
                    let begin = way.iter().position(|step| step.node == to).unwrap_or(0);
                    let steps = way[begin..].iter();
                    found.push(steps.filter_map(|step| Some((step.node, step.taken?))).collect());
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::cycles;

    fn found(edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
        let next = |node| edges.iter().filter(|(from, _)| *from == node).map(|(_, to)| (*to, ())).collect();
        cycles(5, next).into_iter().map(|way| way.into_iter().map(|(node, ())| node).collect()).collect()
    }

    #[test]
    fn a_way_back_is_found_once_wherever_it_is_entered() {
        assert_eq!(found(&[(0, 1), (1, 2), (2, 1), (3, 2)]), [[1, 2]]);
        assert_eq!(found(&[(4, 4)]), [[4]]);
        assert_eq!(found(&[(0, 1), (1, 0), (2, 3), (3, 2)]), [[0, 1], [2, 3]]);
    }

    #[test]
    fn two_ways_to_one_node_are_no_cycle() {
        assert!(found(&[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)]).is_empty());
    }
}
