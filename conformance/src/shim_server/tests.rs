use std::cell::RefCell;
use std::rc::Rc;

use super::*;

/// Answers `echo` with its input, refuses `refuse`, panics at `panic`.
struct Toy {
    resets: usize,
}

impl Implementation for Toy {
    fn hello(&self) -> Hello {
        Hello {
            name: "toy".into(),
            version: "0".into(),
            language: "Rust".into(),
            url: String::new(),
            ops: vec!["echo", "refuse", "panic"],
            profiles: vec![],
            features: vec![],
            error_detail: "code",
            max_inflight: 1,
        }
    }

    fn run(&mut self, op: &str, input: &Map<String, Value>) -> Outcome {
        match op {
            "echo" => Outcome::Ok(input.clone()),
            "refuse" => Outcome::Reject(Rejection {
                class: "auth",
                code: "expired",
                status: Some(Some(401)),
                native: "no".into(),
                out: None,
            }),
            _ => panic!("boom"),
        }
    }

    fn reset(&mut self) {
        self.resets += 1;
    }
}

fn served(requests: &str) -> (io::Result<()>, Vec<Value>, usize) {
    let mut toy = Toy { resets: 0 };
    let mut output = Vec::new();
    let result = serve(&mut toy, requests.as_bytes(), &mut output);
    let lines = output.split(|&octet| octet == b'\n').filter(|line| !line.is_empty());
    (result, lines.map(|line| serde_json::from_slice(line).unwrap()).collect(), toy.resets)
}

fn run(id: u64, op: &str, input: Value) -> String {
    json!({"type": "run", "id": id, "case": "a/b/c", "op": op, "in": input}).to_string() + "\n"
}

#[test]
fn every_kind_of_answer() {
    let requests = r#"{"type":"hello","protocol":{"min":1,"max":3},"suite":"1","suite_hash":"0"}"#
        .to_owned()
        + "\n"
        + &run(1, "echo", json!({"x": "00"}))
        + &run(2, "refuse", json!({}))
        + &run(3, "panic", json!({}))
        + &run(4, "no.such", json!({}))
        + "{\"type\":\"reset\",\"id\":5}\n{\"type\":\"bye\"}\n{\"type\":\"nonsense\"}\n";
    let (result, answers, resets) = served(&requests);
    result.unwrap();
    assert_eq!(answers.len(), 6);
    assert_eq!(answers[0]["protocol"], 1);
    assert_eq!(answers[0]["implementation"]["name"], "toy");
    let expected = json!({"type": "answer", "id": 1, "outcome": "ok", "out": {"x": "00"}});
    assert_eq!(answers[1], expected);
    let error = json!({"class": "auth", "code": "expired", "status": 401, "native": "no"});
    assert_eq!(answers[2]["outcome"], "reject");
    assert_eq!(answers[2]["error"], error);
    assert_eq!(answers[3]["outcome"], "fault");
    assert_eq!(answers[3]["error"]["native"], "panic: boom");
    assert_eq!(answers[4]["outcome"], "unsupported");
    assert_eq!(answers[5], json!({"type": "reset", "id": 5}));
    assert_eq!(resets, 1);
}

#[test]
fn the_last_line_may_lack_its_end() {
    let (result, answers, _) = served(run(9, "echo", json!({})).trim_end());
    result.unwrap();
    assert_eq!(answers[0]["id"], 9);
}

/// A request with an escaped lone surrogate in a field that nobody reads was refused.
#[test]
fn an_unknown_field_may_hold_any_json() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    for value in [r#""\ud800""#, r#"{"a":["\udc00"]}"#, "1e999", &deep] {
        let requests = format!(
            "{{\"type\":\"hello\",\"protocol\":{{\"min\":1,\"max\":1,\"later\":{value}}}}}\n\
             {{\"type\":\"run\",\"later\":{value},\"id\":1,\"op\":\"echo\",\"in\":{{}}}}\n\
             {{\"type\":\"reset\",\"id\":2,\"later\":{value}}}\n\
             {{\"type\":\"bye\",\"later\":{value}}}\n"
        );
        let (result, answers, resets) = served(&requests);
        result.unwrap();
        assert_eq!((answers.len(), resets), (3, 1), "{value}");
    }
}

#[test]
fn what_is_ignored_has_to_be_utf_8_too() {
    let mut toy = Toy { resets: 0 };
    let served = serve(&mut toy, &b"{\"type\":\"bye\",\"later\":\"\xff\"}\n"[..], Vec::new());
    assert_eq!(served.unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn lines_that_are_not_of_the_protocol_end_the_service() {
    for requests in [
        "nonsense\n",
        "[]\n",
        "[\"bye\"]\n",
        "{}\n",
        "{\"type\":\"run\",\"op\":\"echo\",\"in\":{}}\n",
        "{\"type\":\"run\",\"id\":1,\"in\":{}}\n",
        "{\"type\":\"run\",\"id\":1,\"op\":\"echo\",\"in\":7}\n",
        "{\"type\":\"reset\"}\n",
        "{\"type\":\"hello\",\"protocol\":{\"min\":2,\"max\":3}}\n",
        "{\"type\":\"hello\",\"protocol\":[1,3]}\n",
        &format!("{{\"type\":\"bye\",\"x\":\"{}\"}}\n", "y".repeat(MAX_LINE)),
    ] {
        let (result, answers, _) = served(requests);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidData, "{requests:.40}");
        assert!(answers.is_empty());
    }
}

/// A reader that hands out one piece at a time and notes how much had been written by then.
struct Pieces {
    pieces: Vec<&'static str>,
    written: Rc<RefCell<Vec<u8>>>,
    seen: Vec<usize>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.seen.push(self.written.borrow().iter().filter(|&&octet| octet == b'\n').count());
        if self.pieces.is_empty() {
            return Ok(0);
        }
        let piece = self.pieces.remove(0).as_bytes();
        buffer[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}

struct Written(Rc<RefCell<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn answers_are_flushed_before_the_input_is_waited_for() {
    const ONE: &str = "{\"type\":\"reset\",\"id\":1}\n";
    const TWO_AND_A_HALF: &str =
        "{\"type\":\"reset\",\"id\":2}\n{\"type\":\"reset\",\"id\":3}\n{\"type\":\"re";
    const REST: &str = "set\",\"id\":4}\n";
    let written = Rc::new(RefCell::new(Vec::new()));
    let mut pieces = Pieces {
        pieces: vec![ONE, TWO_AND_A_HALF, REST],
        written: Rc::clone(&written),
        seen: Vec::new(),
    };
    serve(&mut Toy { resets: 0 }, &mut pieces, Written(written)).unwrap();
    assert_eq!(pieces.seen, [0, 1, 3, 4]);
}

#[test]
fn octets_and_integers() {
    assert_eq!(octets_of(&json!("00ff")).unwrap(), [0, 255]);
    assert_eq!(
        octets_of(&json!({"repeat": "a1b2c3", "length": 4})).unwrap(),
        [0xa1, 0xb2, 0xc3, 0xa1]
    );
    assert_eq!(octets_of(&json!({"repeat": "", "length": 0})).unwrap(), [0u8; 0]);
    for bad in [
        json!("0"),
        json!("zz"),
        json!(7),
        json!({"repeat": "", "length": 1}),
        json!({"repeat": "00", "length": (1u64 << 26) + 1}),
        json!({"repeat": "00"}),
    ] {
        octets_of(&bad).unwrap_err();
    }
    assert_eq!(to_octets(&[1; 3]), json!("010101"));
    assert_eq!(to_octets(&vec![0; 4096]).as_str().map(str::len), Some(8192));
    assert_eq!(to_octets(&vec![0; 4097])["length"], 4097);

    let map = json!({"n": "18446744073709551615", "m": 5, "big": "18446744073709551616"});
    let input = Input::from(map.as_object().unwrap());
    assert_eq!(input.u64("n"), Ok(u64::MAX));
    assert_eq!(input.integer("m"), Ok(5));
    assert_eq!(input.optional_u64("absent"), Ok(None));
    input.u64("big").unwrap_err();
    input.u64("m").unwrap_err();
    input.integer("n").unwrap_err();
    assert_eq!(input.octets("q").unwrap_err().to_string(), "bad request: q is missing");
    assert_eq!(to_u64(u64::MAX), json!("18446744073709551615"));
}
