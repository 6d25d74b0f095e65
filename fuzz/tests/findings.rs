//! What the targets have found, where the code at fault has no test of its own for it.

use std::fs;
use std::path::Path;

use tunnelproof_fuzz::run;

/// `basic-toml` ends the lines of a longer text with LF, as TOML allows, and the target took that for a fault.
#[test]
fn readers_of_toml_may_differ_in_the_ends_of_lines_within_a_text() {
    // The last has an escaped CR before the one of the file.
    for text in ["\"\"\"x\r\ny\"\"\"", "'''x\r\ny'''", "\"\"\"x\\r\r\ny\\r\\n\"\"\""] {
        for file in [
            format!("[[known]]\npattern = 'a'\nreason = {text}\n"),
            format!("[[known]]\r\npattern = {text}\r\nreason = 'a'\r\n"),
        ] {
            assert_eq!(run("known_failures", file.as_bytes()), "ok 1", "{file:?}");
        }
    }
}

/// The harness ignores what it does not know; the target's own reader, and the serving side, refused it.
#[test]
fn an_unknown_field_of_a_shims_line_may_hold_an_escaped_lone_surrogate() {
    for (line, verdict) in [
        (r#"{"type":"reset","id":7,"later":"\ud800"}"#, "reset 0 1 true"),
        (r#"{"type":"reset","id":7,"later":{"a":1e999}}"#, "reset 0 1 true"),
        (r#"{"type":"run","id":7,"op":"cred.make","in":{},"later":"\udfff"}"#, "refused 1 0 true"),
        (
            r#"{"type":"answer","id":7,"outcome":"reject","error":{"code":"short","later":"\ud800"}}"#,
            "\"reject\" 0 0 false",
        ),
        (r#"{"type":"answer","id":7,"outcome":"ok","out":{"a":"\ud800"}}"#, "refused 0 0 false"),
    ] {
        assert_eq!(run("shim_line", line.as_bytes()), verdict, "{line}");
    }
}

/// An array of the fields' values passed for an object; the code of such an error was in no field of the line.
#[test]
fn an_array_is_no_object_of_the_shim_protocol() {
    for line in [
        r#"{"type":"answer","id":7,"outcome":"reject","error":["key","short",400,"no"]}"#,
        r#"["bye"]"#,
        r#"["reset",7]"#,
    ] {
        assert_eq!(run("shim_line", line.as_bytes()), "refused 0 0 false", "{line}");
    }
}

/// What comes first after the end of the release delay, here a message and the transport's end, was taken for the
/// reason of the failure: the target had no timer for the end of the look-up, which OBS-007 asks for.
#[test]
fn a_look_up_has_failed_when_the_release_delay_ends_whatever_comes_then() {
    for (seed, verdict) in [
        ("v-delay-end-before", "order 1005"),
        ("v-delay-message-as", "lookup_failed 1005"),
        ("v-delay-end-as", "lookup_failed 1005"),
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/server").join(seed);
        let octets = fs::read(&file).expect("a seed");
        assert_eq!(run("server", &octets), verdict, "{seed}");
    }
}

/// The model, which mutants are made of, panicked.
#[test]
fn a_request_of_tls_verify_without_a_peer_is_a_bad_request() {
    assert_eq!(
        run("operation", br#"{"in":{"now_ms":"1700000002500"},"op":"tls.verify"}"#),
        "bad request"
    );
}
