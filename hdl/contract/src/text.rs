//! Text that strangers wrote, as it may be shown.
//!
//! A terminal obeys some characters instead of showing them: with escape sequences in a name, whoever made a file decides
//! what its reader sees. Names lose them here, when they are read; all that is printed does once more, at the door.

/// Characters that do something instead of being shown: control characters, those that break a line, and those that turn
/// the direction.
pub fn is_control(c: char) -> bool {
    let turns =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || turns
}

/// Whether a text can be shown as it is, in one line.
pub fn is_printable(text: &str) -> bool {
    !text.contains(is_control)
}

/// A name in one line: what is not to be shown is replaced.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if is_control(c) { '\u{fffd}' } else { c }).collect()
}

/// A text of several lines: line breaks and tabs stay.
pub fn printable_lines(text: &str) -> String {
    let stays = |c| matches!(c, '\n' | '\t') || !is_control(c);
    text.replace("\r\n", "\n").chars().map(|c| if stays(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_commands_a_terminal() {
        for bad in ["\u{1b}[2J", "\u{9b}2J", "\u{7}", "\r", "\u{8}", "\u{7f}", "\u{202e}", "\u{2028}"] {
            let text = format!("a{bad}b");
            assert!(!is_printable(&text), "{text:?}");
            for shown in [printable(&text), printable_lines(&text)] {
                assert!(is_printable(&shown) && shown.starts_with("a\u{fffd}"), "{shown:?}");
            }
        }
        assert_eq!(printable("a\nb\tc"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(printable_lines("a\r\nb\tc\n"), "a\nb\tc\n");
        assert_eq!(printable("Größe 中"), "Größe 中");
    }
}
