//! [`Reservoir`]: a fair choice of a few from a stream whose length is not known (algorithm R, J. S. Vitter, 1985).

/// Decides which places of a stream are kept. The same seed makes the same choice.
#[derive(Clone, Debug)]
pub struct Reservoir {
    size: u64,
    seen: u64,
    state: u64,
}

impl Reservoir {
    /// Keeps `size` of what comes.
    pub fn new(size: u64, seed: u64) -> Self {
        Reservoir { size, seen: 0, state: seed }
    }

    /// The slot, from 0, that the next item takes, possibly from another one; `None` if it is not kept.
    pub fn next_slot(&mut self) -> Option<usize> {
        self.seen += 1;
        let slot = if self.seen <= self.size { self.seen - 1 } else { self.below(self.seen) };
        (slot < self.size).then_some(slot as usize)
    }

    /// Begins a new stream, with other luck.
    pub fn restart(&mut self) {
        self.seen = 0;
    }

    /// A number from 0 to below `limit`, by multiplication (D. Lemire, 2019); the bias is below 2^-40 for streams of
    /// millions.
    fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.random()) * u128::from(limit)) >> 64) as u64
    }

    /// SplitMix64 (G. L. Steele and others, 2014).
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::Reservoir;

    #[test]
    fn every_place_of_the_stream_is_kept_about_equally_often() {
        let mut kept_in = [0u32; 20];
        let mut reservoir = Reservoir::new(5, 7);
        for _ in 0..4000 {
            reservoir.restart();
            let mut slots = [0; 5];
            for place in 0..20 {
                if let Some(slot) = reservoir.next_slot() {
                    slots[slot] = place;
                }
            }
            slots.iter().for_each(|place| kept_in[*place] += 1);
        }
        // Binomial with 4000 tries and 1/4: mean 1000, deviation 27; five deviations.
        assert!(kept_in.iter().all(|count| (863..1137).contains(count)), "{kept_in:?}");
    }
}
