//! Messages on a byte stream: a length of four octets before each (section 6.2).

/// The longest message that may be received.
const LONGEST: usize = 1 << 24;

/// A message with its length.
///
/// # Panics
/// If it is longer than a u32 can say.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("far below 4 GiB");
    [&length.to_be_bytes()[..], message].concat()
}

/// Takes the first whole message off what was received; an error if there can't be one.
pub fn take(inbox: &mut Vec<u8>) -> Option<Result<Vec<u8>, String>> {
    let length = inbox.first_chunk::<4>().map(|octets| u32::from_be_bytes(*octets))? as usize;
    if length == 0 || length > LONGEST {
        return Some(Err(format!("the length {length}")));
    }
    if inbox.len() < 4 + length {
        return None;
    }
    let message = inbox[4..4 + length].to_vec();
    inbox.drain(..4 + length);
    Some(Ok(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_when_they_are_whole() {
        let mut inbox = [frame(b"ab"), frame(b"c")].concat();
        inbox.pop();
        assert_eq!(take(&mut inbox), Some(Ok(b"ab".to_vec())));
        assert_eq!(take(&mut inbox), None);
        inbox.push(b'c');
        assert_eq!(take(&mut inbox), Some(Ok(b"c".to_vec())));
        assert_eq!(take(&mut vec![0, 0, 0, 0]), Some(Err("the length 0".into())));
    }
}
