//! Data in few letters of a line: deflated, in base64. The only module that knows flate2 and base64.
//!
//! Lines of a journal are packed so, and what a page or a JSON file holds of distributions, which a reader's
//! browser unpacks.

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

/// Lists of values that increase, each with how often it occurs.
pub type Lists = Vec<Vec<(u64, u64)>>;

/// Packs lists: how many there are, then for each its length and its pairs, each value as the distance from the
/// one before it. All numbers have seven bits a byte, the lowest first, with the eighth bit on all but the last.
///
/// # Errors
/// If they cannot be deflated.
pub fn pack_lists(lists: &[Vec<(u64, u64)>]) -> io::Result<String> {
    let mut bytes = Vec::new();
    number_to(&mut bytes, lists.len() as u64);
    for list in lists {
        number_to(&mut bytes, list.len() as u64);
        let mut before = 0;
        for (value, count) in list {
            number_to(&mut bytes, value - before);
            number_to(&mut bytes, *count);
            before = *value;
        }
    }
    pack_bytes(&bytes)
}

/// The lists that were packed.
///
/// # Errors
/// If the text was not made by [`pack_lists`].
pub fn unpack_lists(text: &str) -> io::Result<Lists> {
    let bytes = unpack_bytes(text)?;
    let mut rest = &bytes[..];
    let lists = read_lists(&mut rest).filter(|_| rest.is_empty());
    lists.ok_or_else(|| io::Error::other("its lists are damaged"))
}

fn read_lists(rest: &mut &[u8]) -> Option<Lists> {
    let mut lists = Lists::new();
    for _ in 0..number_of(rest)? {
        let (mut list, mut value) = (Vec::new(), 0_u64);
        for _ in 0..number_of(rest)? {
            value = value.checked_add(number_of(rest)?)?;
            list.push((value, number_of(rest)?));
        }
        lists.push(list);
    }
    Some(lists)
}

/// Appends a number.
pub fn number_to(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a number off the front; none if the bytes end within it.
pub fn number_of(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0_u64, 0);
    loop {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f).checked_shl(shift)?;
        if *first < 0x80 {
            return Some(number);
        }
        shift += 7;
    }
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

    #[test]
    fn lists_come_back_whole_and_damage_is_seen() {
        let lists: Lists = vec![
            vec![(0, 1), (700, 300), (u64::MAX / 2, u64::MAX)],
            vec![],
            vec![(5, 127), (6, 128)],
        ];
        let text = pack_lists(&lists).unwrap();
        assert_eq!(unpack_lists(&text).unwrap(), lists);
        assert_eq!(
            unpack_lists(&pack_lists(&[]).unwrap()).unwrap(),
            Lists::new()
        );
        let bytes = unpack_bytes(&text).unwrap();
        for cut in 0..bytes.len() {
            assert!(
                unpack_lists(&pack_bytes(&bytes[..cut]).unwrap()).is_err(),
                "{cut}"
            );
        }
    }
}
