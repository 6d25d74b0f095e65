//! Random choices that depend on a seed alone, the same on every machine and in every version.

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): small, and
/// its sequence is fixed by its definition, which no library's default generator promises.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// The generator of case `number` of `seed`.
    pub fn of(seed: u64, number: u64) -> Self {
        let mut outer = Self(seed);
        let mut inner = Self(outer.next() ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03));
        Self(inner.next())
    }

    /// 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Another generator.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        let wide = u128::from(self.next()) * n as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number of `from` to `to`, both included.
    pub fn within(&mut self, from: u64, to: u64) -> u64 {
        let width = u128::from(to - from) + 1;
        let offset = (u128::from(self.next()) * width) >> 64;
        from + u64::try_from(offset).unwrap_or(0)
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of them; there is at least one.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// One of them, copied.
    pub fn one<T: Copy>(&mut self, items: &[T]) -> T {
        *self.pick(items)
    }

    /// An octet.
    pub fn octet(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    /// So many octets.
    pub fn octets(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.octet()).collect()
    }

    /// As [`Rng::octets`], for a length known when compiling.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.octet())
    }
}

/// The flaws that a case is to have. A generator asks at each place where it could do something wrong.
///
/// Each flaw draws from a generator of its own, so that a case without it is the same elsewhere.
#[derive(Debug)]
pub struct Flaws {
    seed: u64,
    chosen: Vec<usize>,
    asked: usize,
    names: Vec<&'static str>,
}

impl Flaws {
    /// No flaws, or those at these places.
    pub fn at(seed: u64, chosen: Vec<usize>) -> Self {
        Self { seed, chosen, asked: 0, names: Vec::new() }
    }

    /// What to draw the flaw from, if the case is to have it.
    pub fn hit(&mut self, name: &'static str) -> Option<Rng> {
        self.hits(1, name)
    }

    /// As [`Flaws::hit`], for something that can be wrong in many ways: chosen `weight` times as often.
    pub fn hits(&mut self, weight: usize, name: &'static str) -> Option<Rng> {
        let places = self.asked..self.asked + weight;
        self.asked += weight;
        let chosen = self.chosen.iter().copied().find(|place| places.contains(place))?;
        self.names.push(name);
        Some(Rng::of(self.seed, chosen as u64))
    }

    /// How many places there were.
    pub fn places(&self) -> usize {
        self.asked
    }

    /// What is wrong, in words.
    pub fn into_names(self) -> Vec<&'static str> {
        self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_splitmix64() {
        let mut rng = Rng(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| rng.next()).collect();
        assert_eq!(
            first,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn numbers_stay_within_their_bounds_and_reach_them() {
        let mut rng = Rng::of(1, 2);
        let drawn: Vec<u64> = (0..200).map(|_| rng.within(3, 5)).collect();
        assert!(drawn.iter().all(|n| (3..=5).contains(n)));
        assert!([3, 4, 5].iter().all(|n| drawn.contains(n)));
        assert_eq!(rng.within(u64::MAX, u64::MAX), u64::MAX);
        rng.within(0, u64::MAX);
    }

    #[test]
    fn a_flaw_draws_the_same_whatever_other_flaws_there_are() {
        let drawn = |chosen: &[usize]| {
            let mut flaws = Flaws::at(9, chosen.to_vec());
            let first = flaws.hit("first").map(|mut rng| rng.next());
            let second = flaws.hits(3, "second").map(|mut rng| rng.next());
            assert_eq!(flaws.places(), 4);
            (first, second, flaws.into_names())
        };
        let (first, second, names) = drawn(&[0, 2]);
        assert_eq!(names, ["first", "second"]);
        assert_eq!(drawn(&[2]), (None, second, vec!["second"]));
        assert_eq!(drawn(&[0]), (first, None, vec!["first"]));
        assert_eq!(drawn(&[]), (None, None, vec![]));
    }
}
