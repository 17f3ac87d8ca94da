/*
 * The formats of the output read back, in code that shares nothing with what wrote it.
 *
 * Every function that returns a length writes at `out`, which has room for what it reads. -1: what
 * it reads is not of that format.
 */
#ifndef PGWAIT_DECODE_H
#define PGWAIT_DECODE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* The character at `s`, of *length bytes; -1 if none begins there. By arithmetic, not by ranges. */
static inline long
decode_character(const char *string, size_t n, size_t *length)
{
	static const long least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)string;
	int bytes = 0;
	long c;

	while (bytes < 8 && (s[0] << bytes & 0x80))
		bytes++;
	if (bytes == 0) {
		*length = 1;
		return s[0];
	}
	if (bytes == 1 || bytes > 4 || (size_t)bytes > n)
		return -1;
	c = s[0] & (0x7f >> bytes);
	for (int i = 1; i < bytes; i++) {
		if (s[i] >> 6 != 2)
			return -1;
		c = c * 64 + (s[i] & 63);
	}
	if (c < least[bytes] || c > 0x10ffff || c / 0x800 == 0xd800 / 0x800)
		return -1;
	*length = (size_t)bytes;
	return c;
}

static inline bool
decode_is_control(long c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* UTF-8 without any control character: what cannot drive a terminal. */
static inline bool
decode_is_printable(const char *s, size_t n)
{
	size_t length;

	for (; n; s += length, n -= length) {
		long c = decode_character(s, n, &length);

		if (c < 0 || decode_is_control(c))
			return false;
	}
	return true;
}

static inline int
decode_hex(const char *s, int digits)
{
	char number[5] = {0};

	memcpy(number, s, (size_t)digits);
	if (strspn(number, "0123456789abcdefABCDEF") != (size_t)digits)
		return -1;
	return (int)strtol(number, NULL, 16);
}

/* The escapes of text output. */
static inline ssize_t
decode_text(const char *s, size_t n, char *out)
{
	static const char letters[] = "\\tnr", bytes[] = "\\\t\n\r";
	char *start = out;

	for (size_t i = 0; i < n; i++) {
		const char *letter;

		if (s[i] != '\\') {
			*out++ = s[i];
			continue;
		}
		if (++i == n)
			return -1;
		letter = strchr(letters, s[i]);
		if (s[i] && letter) {
			*out++ = bytes[letter - letters];
		} else if (s[i] == 'x' && n - i > 2 && decode_hex(s + i + 1, 2) >= 0) {
			*out++ = (char)decode_hex(s + i + 1, 2);
			i += 2;
		} else {
			return -1;
		}
	}
	return out - start;
}

static inline char *
decode_put(char *out, long c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 63));
	} else {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 63));
		*out++ = (char)(0x80 | (c & 63));
	}
	return out;
}

/*
 * The JSON string at `s` (RFC 8259), with its quotes; *used is its length. \u is read below U+D800
 * only: pgwait writes no other.
 */
static inline ssize_t
decode_json_string(const char *s, size_t n, char *out, size_t *used)
{
	static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	char *start = out;
	size_t i = 1, length;

	if (n == 0 || s[0] != '"')
		return -1;
	while (i < n && s[i] != '"') {
		long c = decode_character(s + i, n - i, &length);
		const char *letter;

		if (c < 0x20)
			return -1;
		if (c != '\\') {
			memcpy(out, s + i, length);
			out += length, i += length;
			continue;
		}
		if (n - i < 2)
			return -1;
		letter = strchr(letters, s[i + 1]);
		if (s[i + 1] && letter) {
			*out++ = bytes[letter - letters];
			i += 2;
		} else if (s[i + 1] == 'u' && n - i > 6) {
			c = decode_hex(s + i + 2, 4);
			if (c < 0 || c >= 0xd800)
				return -1;
			out = decode_put(out, c);
			i += 6;
		} else {
			return -1;
		}
	}
	*used = i + 1;
	return i < n ? out - start : -1;
}

static inline ssize_t
decode_base64(const char *s, size_t n, char *out)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t padding = n && s[n - 1] == '=' ? 1 + (n > 1 && s[n - 2] == '=') : 0;
	char *start = out;
	uint32_t bits = 0;

	if (n % 4)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *digit = i < n - padding ? strchr(digits, s[i]) : digits;

		if (!digit || !s[i])
			return -1;
		bits = bits << 6 | (uint32_t)(digit - digits);
		if (i % 4 == 3) {
			*out++ = (char)(bits >> 16);
			*out++ = (char)(bits >> 8);
			*out++ = (char)bits;
		}
	}
	return out - start - (ssize_t)padding;
}

#endif
