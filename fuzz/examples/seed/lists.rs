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

    /// A further operation of the last list, of a channel's party.
    fn operation(self, server: u8, index: u64) -> Self {
        self.octets(&[1, server]).variant(index, 12)
    }

    /// The next record arrives, with this change.
    fn deliver(self, server: u8, change: u64, with: &[u8]) -> Self {
        self.operation(server, 5).variant(change, 6).octets(with)
    }

    /// A further operation of the last list, of the token service.
    fn service(self, index: u64, with: &[u8]) -> Self {
        self.octets(&[1]).variant(index, 7).octets(with)
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
    channels(&mut |name, octets| lists.push(("channel", name, octets.0)));
    services(&mut |name, octets| lists.push(("service", name, octets.0)));
    lists
}

/// An M2 with these variants of id and password; `nonce` is XORed into its first octet.
fn m2(id: u64, password: u64, nonce: Option<u8>) -> Octets {
    m2_after(Octets::default().octets(&[0]), id, password, nonce) // no delay
}

fn m2_after(delay: Octets, id: u64, password: u64, nonce: Option<u8>) -> Octets {
    let start = delay.variant(0, 4); // the usual clock
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
    // A delay of 1,000 ms: what comes in its last millisecond, and what as it ends.
    let looks_up = m2_after(Octets::default().octets(&[1, 0xe7, 3]), 0, 0, None);
    for (when, wait) in [("before", 999), ("as", 1000)] {
        let next = |index| looks_up.clone().event(wait, index);
        let message = next(2).octets(&[2, 0, 0, 1]).variant(0, 6);
        put(format!("delay-message-{when}"), message);
        put(format!("delay-end-{when}"), next(4));
        // Before the end of the delay nothing comes of it; the answer of the look-up does.
        put(format!("delay-wake-{when}"), next(3).event(0, 1).variant(0, 5).octets(&[0]));
    }
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

/// Each way in which a record can fail, and then everything that must be dead.
fn channels(put: &mut impl FnMut(String, Octets)) {
    let handshake = Octets::default().variant(0, 2).deliver(1, 0, &[]);
    let near = |kind, before| {
        let start = Octets::default().variant(1, 2);
        start.variant(kind, 4).octets(&[before]).variant(kind, 4).octets(&[before])
    };
    let starts = [("open", handshake), ("generation", near(1, 2)), ("end", near(2, 2))];
    for (start, begun) in starts {
        let sent = begun.operation(0, 0).octets(&[3]).operation(0, 0).octets(&[4]);
        let right = sent.clone().deliver(1, 0, &[]).deliver(1, 0, &[]);
        let more = (0..4).fold(right.clone(), |list, length| {
            list.operation(0, 0).octets(&[length]).deliver(1, 0, &[])
        });
        let closed = right.clone().operation(0, 1).deliver(1, 0, &[]).operation(1, 1);
        let closed = closed.deliver(0, 0, &[]);
        let after = |list: &Octets| {
            let list = list.clone().operation(1, 0).octets(&[2]).operation(1, 2);
            list.octets(&[4, 32, 0]).operation(1, 1).operation(1, 4)
        };
        let faulty = |kind, payload| {
            let list = right.clone().operation(1, 11).octets(&[kind, payload]);
            list.deliver(1, 0, &[])
        };
        for (name, list) in [
            ("right", right.clone()),
            ("more", more),
            ("closed", closed.clone()),
            ("clean", closed.operation(0, 4).operation(1, 4)),
            (
                "after-close",
                right
                    .clone()
                    .operation(0, 1)
                    .deliver(1, 0, &[])
                    .operation(1, 10)
                    .octets(&[0, 0])
                    .deliver(1, 0, &[]),
            ),
            ("after-own-close", right.clone().operation(1, 1).operation(1, 0).octets(&[1])),
            ("flip", sent.clone().deliver(1, 1, &[0, 0, 0])),
            ("truncate", sent.clone().deliver(1, 2, &[1])),
            ("short", sent.clone().deliver(1, 2, &[9])),
            ("extend", sent.clone().deliver(1, 4, &[0])),
            ("empty", sent.clone().deliver(1, 5, &[])),
            ("drop", sent.clone().operation(1, 6).deliver(1, 0, &[])),
            ("repeat", sent.clone().operation(1, 7).deliver(1, 0, &[]).deliver(1, 0, &[])),
            ("reorder", sent.clone().operation(1, 8).deliver(1, 0, &[])),
            (
                "reflect",
                right.clone().operation(1, 0).octets(&[3]).operation(1, 9).deliver(1, 0, &[]),
            ),
            ("forge", sent.clone().operation(1, 10).octets(&[0, 0]).deliver(1, 0, &[])),
            ("transport", right.clone().operation(1, 3)),
            ("open-again", faulty(2, 0)),
            ("unknown-type", faulty(3, 0)),
            ("control-payload", faulty(1, 1)),
        ] {
            put(format!("{start}-{name}"), list.clone());
            put(format!("{start}-{name}-and-then"), after(&list));
        }
    }
}

/// A token by either server, and each fault of it.
fn services(put: &mut impl FnMut(String, Octets)) {
    let start = Octets::default().octets(&[0xe7, 3, 0, 0, 0xe7, 3, 0, 0, 0, 0, 1, 0]); // 1,000 ms each
    let unchanged = [0; 4];
    for server in 0..2 {
        for server_id in [&[0][..], &[1, 0], &[1, 1]] {
            let challenge = start.clone().service(2, &[server, 0]);
            let signed = challenge.service(3, &[&[0], server_id, &[0], &unchanged].concat());
            let issue = [&[server, 0, 0], &unchanged[..]].concat();
            let verify = [&[server, 0], &unchanged[..]].concat();
            let issued = signed.clone().service(4, &issue);
            let later = |list: Octets, ms: u16| list.service(0, &ms.to_le_bytes());
            let earlier = |list: Octets, ms: u16| list.service(1, &ms.to_le_bytes());
            let name =
                format!("{server}-{}", server_id.len() + usize::from(server_id.ends_with(&[1])));
            for (of, list) in [
                // Begun at 66,536 ms, dated 66 s: the last millisecond of both is 67,000.
                (
                    "challenge-last",
                    later(signed.clone(), 464).service(4, &issue).service(5, &verify),
                ),
                ("token-last", later(issued.clone(), 464).service(5, &verify)),
                ("challenge-over", later(signed.clone(), 465).service(4, &issue)),
                ("token-over", later(issued.clone(), 465).service(5, &verify)),
                ("right", issued.clone().service(5, &verify)),
                ("other-server", issued.clone().service(5, &[1 - server, 0, 0, 0, 0, 0])),
                ("other-client", signed.clone().service(4, &[server, 1, 0, 0, 0, 0, 0])),
                ("challenge-late", later(signed.clone(), 2_001).service(4, &issue)),
                ("challenge-early", earlier(signed.clone(), 1_001).service(4, &issue)),
                ("token-late", later(issued.clone(), 2_001).service(5, &verify)),
                ("token-early", earlier(issued.clone(), 1_001).service(5, &verify)),
                ("confused", issued.clone().service(6, &[server, 0])),
                (
                    "changed",
                    issued.service(
                        5,
                        &[&[server, 0][..], &Octets::default().variant(1, 6).0, &[70, 0, 1]]
                            .concat(),
                    ),
                ),
            ] {
                put(format!("{name}-{of}"), list);
            }
        }
    }
}
