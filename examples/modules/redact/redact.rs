// SPDX-License-Identifier: Apache-2.0
//! Takes e-mail addresses and card numbers out of a text. Safe Rust, knows nothing of the gateway.

/// The text with `[email]` and `[card]` in their place, and how many there were.
pub fn redact(text: &str) -> (String, usize) {
    let mut clean = String::with_capacity(text.len());
    let (mut at, mut count) = (0, 0);
    while at < text.len() {
        let begins = at == 0 || !is_mail(text.as_bytes()[at - 1]);
        let found = if begins { email(&text[at..]).map(|size| (size, "[email]")) } else { None };
        let begins = at == 0 || !text.as_bytes()[at - 1].is_ascii_digit();
        let found = found.or_else(|| {
            if begins { card(&text[at..]).map(|size| (size, "[card]")) } else { None }
        });
        if let Some((size, mark)) = found {
            clean.push_str(mark);
            count += 1;
            at += size;
        } else if let Some(character) = text[at..].chars().next() {
            clean.push(character);
            at += character.len_utf8();
        }
    }
    (clean, count)
}

fn is_mail(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte)
}

/// How many bytes of an address the text begins with: NAME@HOST.TOP.
fn email(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let name = bytes.iter().take_while(|byte| is_mail(**byte)).count();
    if name == 0 || bytes.get(name) != Some(&b'@') {
        return None;
    }
    let host = bytes[name + 1..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        .count();
    let host = text[name + 1..name + 1 + host].trim_end_matches(|c| c == '.' || c == '-');
    let (domain, top) = host.rsplit_once('.')?;
    let good = !domain.is_empty() && top.len() >= 2 && top.bytes().all(|b| b.is_ascii_alphabetic());
    if good { Some(name + 1 + host.len()) } else { None }
}

/// How many bytes of a card number the text begins with: 13 … 19 digits whose check digit is right,
/// in groups or not.
fn card(text: &str) -> Option<usize> {
    let mut digits = Vec::new();
    let mut size = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => {
                digits.push(u32::from(byte - b'0'));
                size = at + 1;
                if digits.len() > 19 {
                    return None; // nor look further: each position is the begin of a search
                }
            }
            b' ' | b'-' if at > 0 && at == size => {} // one between two groups
            _ => break,
        }
    }
    if digits.len() >= 13 && luhn(&digits) { Some(size) } else { None }
}

fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, twice) if twice > 9 => twice - 9,
            (_, twice) => twice,
        })
        .sum();
    sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::redact;

    fn assert_redacted(text: &str, expected: &str, count: usize) {
        assert_eq!(redact(text), (expected.to_string(), count), "{text}");
    }

    #[test]
    fn addresses() {
        assert_redacted("write to ada.l+x@mail.example.org.", "write to [email].", 1);
        assert_redacted("a@b.de, c@d.com", "[email], [email]", 2);
        assert_redacted("über@ö.de @home a@b a@b.c", "über@ö.de @home a@b a@b.c", 0);
    }

    #[test]
    fn card_numbers() {
        assert_redacted("4111 1111 1111 1111!", "[card]!", 1);
        assert_redacted("no 4111-1111-1111-1111 here", "no [card] here", 1);
        assert_redacted("4111111111111112", "4111111111111112", 0); // wrong check digit
        assert_redacted("41111111111111110000000", "41111111111111110000000", 0); // too long
        assert_redacted("2024-01-31 12:00", "2024-01-31 12:00", 0);
    }

    #[test]
    fn text_that_holds_neither() {
        assert_redacted("", "", 0);
        assert_redacted("größer — 😀", "größer — 😀", 0);
    }
}
