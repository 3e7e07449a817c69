//! Data in few letters of a line: deflated, in base64. The only module that knows flate2 and base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read, Write};

/// A line of a damaged or hostile file must not fill the memory.
const MOST_BYTES: u64 = 256 << 20;

/// Packs a value as JSON.
///
/// # Errors
/// If it cannot be written as JSON, which is a bug of its type.
pub fn pack(value: &impl Serialize) -> io::Result<String> {
    pack_bytes(&serde_json::to_vec(value)?)
}

/// Packs bytes.
///
/// # Errors
/// If they cannot be deflated.
pub fn pack_bytes(bytes: &[u8]) -> io::Result<String> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes)?;
    Ok(STANDARD.encode(encoder.finish()?))
}

/// The value that was packed.
///
/// # Errors
/// If the text was not made by [`pack`] from such a value.
pub fn unpack<T: DeserializeOwned>(text: &str) -> io::Result<T> {
    Ok(serde_json::from_slice(&unpack_bytes(text)?)?)
}

/// The bytes that were packed.
///
/// # Errors
/// If the text was not made by [`pack_bytes`].
pub fn unpack_bytes(text: &str) -> io::Result<Vec<u8>> {
    let deflated = STANDARD.decode(text).map_err(io::Error::other)?;
    let mut bytes = Vec::new();
    let mut decoder = ZlibDecoder::new(&deflated[..]).take(MOST_BYTES);
    decoder.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked_and_damage_is_seen() {
        let value = vec!["no-loss · lost-write".to_owned(); 50];
        let text = pack(&value).unwrap();
        assert!(text.len() < 100, "{text}");
        assert_eq!(unpack::<Vec<String>>(&text).unwrap(), value);
        for cut in 0..text.len() {
            assert!(unpack::<Vec<String>>(&text[..cut]).is_err(), "{cut}");
        }
        let other = text.replacen(
            &text[20..21],
            if &text[20..21] == "A" { "B" } else { "A" },
            1,
        );
        assert!(
            unpack::<Vec<String>>(&other).is_err(),
            "the checksum is not looked at"
        );
    }
}
