/*
 * Writes bytes of unknown origin so that they are safe: as text, as JSON, as base64.
 *
 * Every function writes at `out`, which must have room for the stated worst case, and returns one
 * past the last byte written. Input is `n` bytes at `s`, of any content, zero bytes included.
 */
#ifndef PGWAIT_ESCAPE_H
#define PGWAIT_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#define ESCAPE_TEXT_WORST 4 /* bytes written for one byte read */
#define ESCAPE_JSON_WORST 6
#define BASE64_LENGTH(n)  (((n) + 2) / 3 * 4)

/*
 * The length of the UTF-8 sequence at `s`, 1 to 4, or 0 if there is no valid one: overlong forms,
 * surrogates and what lies above U+10FFFF are none (RFC 3629).
 */
size_t utf8_sequence(const char *s, size_t n);
bool utf8_valid(const char *s, size_t n);

/*
 * UTF-8 on one line, reversible: backslash, tab, newline and carriage return as \\ \t \n \r;
 * other control characters (C0, DEL, C1) and bytes that are not UTF-8 as \xHH, byte by byte.
 */
char *escape_text(char *out, const char *s, size_t n);

/* The inside of a JSON string (RFC 8259), always valid UTF-8: other bytes become U+FFFD. */
char *escape_json(char *out, const char *s, size_t n);

/*
 * As escape_text(), for what people read. A terminal of a locale other than UTF-8 gets nothing but ASCII, and
 * the rest as \xHH: to one of eight bits, bytes within a character of UTF-8 are control characters.
 */
char *escape_shown(char *out, const char *s, size_t n, bool terminal);

/* The same into a new string. */
char *escape_shown_dup(const char *s, size_t n, bool terminal);

char *base64(char *out, const char *s, size_t n);

#endif
