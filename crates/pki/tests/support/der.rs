//! Writes DER, right or wrong.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8: u8 = 0x0c;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// One element: tag, length in its shortest form, content.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let length = content.len().to_be_bytes();
            let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(length.len()).unwrap());
            out.extend(length);
        }
    }
    out.extend_from_slice(content);
    out
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// `SEQUENCE { identifier, critical, OCTET STRING { value } }`.
pub(crate) fn extension(identifier: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { element(BOOLEAN, &[0xff]) } else { Vec::new() };
    sequence(&[&element(IDENTIFIER, identifier), &critical, &element(OCTET_STRING, value)])
}

/// A name of one attribute.
pub(crate) fn common_name(text: &str) -> Vec<u8> {
    element(SEQUENCE, &attribute(&[0x55, 4, 3], UTF8, text.as_bytes()))
}

/// `SET { SEQUENCE { identifier, value } }`.
pub(crate) fn attribute(identifier: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
    element(SET, &sequence(&[&element(IDENTIFIER, identifier), &element(tag, value)]))
}

/// Base-128 groups of an identifier below 1.3.6.1.4.1 with one arc more.
pub(crate) fn private_identifier(arc: usize) -> Vec<u8> {
    let group = |shift: usize| u8::try_from((arc >> shift) & 0x7f).unwrap();
    vec![0x2b, 6, 1, 4, 1, 0x81 | group(14), 0x80 | group(7), group(0)]
}
