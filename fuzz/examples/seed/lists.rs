//! Lists of operations that reach the far states, encoded as `arbitrary` reads them.

/// Octets that `arbitrary` turns into values, in the order in which they are written.
#[derive(Clone, Default)]
struct Octets(Vec<u8>);

impl Octets {
    /// Variant `index` of `count`: `arbitrary` multiplies a u32 by `count` and takes the upper half.
    fn variant(mut self, index: u64, count: u64) -> Self {
        let value = u32::try_from((index << 32).div_ceil(count)).expect("an index below the count");
        self.0.extend(value.to_le_bytes());
        self
    }

    fn octets(mut self, octets: &[u8]) -> Self {
        self.0.extend(octets);
        self
    }

    /// A further element of the last list, an event after `wait` milliseconds.
    fn event(self, wait: u16, index: u64) -> Self {
        self.octets(&[1]).octets(&wait.to_le_bytes()).variant(index, 5)
    }
}

/// Target, name and octets.
pub(crate) fn lists() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut lists = Vec::new();
    servers(&mut |name, octets| lists.push(("server", name, octets.0)));
    clients(&mut |name, octets| lists.push(("client", name, octets.0)));
    logins(&mut |name, octets| lists.push(("login", name, octets.0)));
    lists
}

/// An M2 with these variants of id and password; `nonce` is XORed into its first octet.
fn m2(id: u64, password: u64, nonce: Option<u8>) -> Octets {
    let start = Octets::default().octets(&[0]).variant(0, 4); // no delay, the usual clock
    let request = start.event(5, 0).octets(&[0]).variant(id, 5).variant(password, 3);
    let request = match nonce {
        Some(with) => request.octets(&[1, 0, with]),
        None => request.octets(&[0]),
    };
    request.octets(&[0, 0]).variant(0, 6) // bound here, the right length, unchanged
}

fn servers(put: &mut impl FnMut(String, Octets)) {
    for answer in 0..5 {
        for ahead in [0_i8, 9, -9, 10, -10] {
            let list = m2(0, 0, None).event(20, 1).variant(answer, 5);
            let list = list.octets(&ahead.to_le_bytes());
            put(format!("answer-{answer}-ahead-{ahead}"), list.clone());
            for (kind, payload, n, c2s) in [
                (2, 0, 0, 1),
                (0, 0, 0, 1),
                (1, 0, 0, 1),
                (3, 0, 0, 1),
                (2, 1, 0, 1),
                (2, 0, 1, 1),
                (2, 0, 0, 0),
            ] {
                let open = list.clone().event(30, 2).octets(&[kind, payload, n, c2s]).variant(0, 6);
                put(format!("answer-{answer}-ahead-{ahead}-open-{kind}{payload}{n}{c2s}"), open);
            }
        }
    }
    for (id, password) in [(0, 1), (0, 2), (1, 0), (2, 0), (3, 0), (4, 0)] {
        let list = m2(id, password, None).event(20, 1).variant(0, 5).octets(&[0]);
        put(format!("id-{id}-password-{password}"), list);
    }
    put("nonce".to_owned(), m2(0, 0, Some(1)));
}

fn clients(put: &mut impl FnMut(String, Octets)) {
    for pin in 0..3 {
        for attackers in 0..2 {
            let start = Octets::default().variant(pin, 3).variant(0, 4);
            let m1 = start.event(5, 0).octets(&[attackers]).variant(0, 6);
            let request = m1.event(5, 1);
            for (password, ahead, nonce, length, elsewhere) in [
                (0, 0_i8, &[0][..], 0, 0),
                (0, 10, &[0], 0, 0),
                (0, -10, &[0], 0, 0),
                (0, 11, &[0], 0, 0),
                (0, -11, &[0], 0, 0),
                (1, 0, &[0], 0, 0),
                (2, 0, &[0], 0, 0),
                (0, 0, &[1, 29, 1], 0, 0),
                (0, 0, &[0], 1, 0),
                (0, 0, &[0], 2, 0),
                (0, 0, &[0], 0, 1),
            ] {
                let m3 = request.clone().event(5, 2).variant(password, 3);
                let m3 = m3.octets(&ahead.to_le_bytes()).octets(nonce).variant(length, 3);
                let name = format!("pin-{pin}-{attackers}-{password}{ahead}{length}{elsewhere}");
                let name = format!("{name}-{}", nonce.len());
                put(name, m3.octets(&[elsewhere]).variant(0, 6));
            }
        }
    }
}

fn logins(put: &mut impl FnMut(String, Octets)) {
    for pinned in 0..2 {
        for attacks in
            [[0; 4], [3; 4], [2, 2, 2, 2], [0, 2, 0, 2], [0, 4, 3, 3], [3, 3, 3, 0], [0, 3, 0, 0]]
        {
            let start = Octets::default().octets(&[pinned, 0, 0, 0]);
            let list = attacks.iter().fold(start, |list, attack| list.variant(*attack, 5));
            let name: String = attacks.iter().map(ToString::to_string).collect();
            put(format!("pinned-{pinned}-{name}"), list);
        }
    }
}
