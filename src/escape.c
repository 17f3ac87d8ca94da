#include "config.h"

#include "escape.h"

#include <stdint.h>
#include <string.h>

#include "util.h"

static const char hex[] = "0123456789abcdef";

#define ONES UINT64_C(0x0101010101010101)
#define HIGH UINT64_C(0x8080808080808080)

/* True if some byte of `word` equals `byte`. */
static inline uint64_t
has_byte(uint64_t word, unsigned char byte)
{
	uint64_t x = word ^ (ONES * byte);

	return (x - ONES) & ~x & HIGH;
}

/*
 * Copies the longest prefix, in steps of eight bytes, that is printable ASCII with neither a
 * backslash nor `quote`; most payloads are nothing else. Returns how many bytes it copied.
 */
static size_t
copy_plain(char *out, const char *s, size_t n, unsigned char quote)
{
	size_t done;

	for (done = 0; n - done >= 8; done += 8) {
		uint64_t w;

		memcpy(&w, s + done, 8);
		if ((w & HIGH) | ((w - ONES * 0x20) & HIGH) | has_byte(w, 0x7f) |
		    has_byte(w, '\\') | has_byte(w, quote))
			break;
		memcpy(out + done, &w, 8);
	}
	return done;
}

size_t
utf8_sequence(const char *string, size_t n)
{
	const unsigned char *s = (const unsigned char *)string;
	unsigned char low = 0x80, high = 0xbf; /* the range of the second byte */
	size_t length;

	if (n == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n < length)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

bool
utf8_valid(const char *s, size_t n)
{
	while (n) {
		size_t length;

		for (; n >= 8; s += 8, n -= 8) {
			uint64_t w;

			memcpy(&w, s, 8);
			if (w & HIGH)
				break;
		}
		if (n == 0)
			break;
		length = utf8_sequence(s, n);
		if (length == 0)
			return false;
		s += length;
		n -= length;
	}
	return true;
}

static char *
text_byte(char *out, unsigned char c)
{
	*out++ = '\\';
	switch (c) {
	case '\\':
		*out++ = '\\';
		break;
	case '\t':
		*out++ = 't';
		break;
	case '\n':
		*out++ = 'n';
		break;
	case '\r':
		*out++ = 'r';
		break;
	default:
		*out++ = 'x';
		*out++ = hex[c >> 4];
		*out++ = hex[c & 15];
	}
	return out;
}

/* U+0080 to U+009F are control characters too: terminals obey them. */
static bool
is_c1(const char *s)
{
	return (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0;
}

char *
escape_text(char *out, const char *s, size_t n)
{
	while (n) {
		size_t length = copy_plain(out, s, n, '\\');

		out += length, s += length, n -= length;
		if (n == 0)
			break;
		length = utf8_sequence(s, n);
		if (length == 1 && (unsigned char)*s >= 0x20 && *s != 0x7f && *s != '\\') {
			*out++ = *s;
		} else if (length <= 1) {
			out = text_byte(out, (unsigned char)*s);
			length = 1;
		} else if (is_c1(s)) {
			out = text_byte(out, (unsigned char)s[0]);
			out = text_byte(out, (unsigned char)s[1]);
		} else {
			memcpy(out, s, length);
			out += length;
		}
		s += length, n -= length;
	}
	return out;
}

static char *
json_control(char *out, unsigned char c)
{
	*out++ = '\\';
	switch (c) {
	case '"':
	case '\\':
		*out++ = (char)c;
		break;
	case '\b':
		*out++ = 'b';
		break;
	case '\f':
		*out++ = 'f';
		break;
	case '\n':
		*out++ = 'n';
		break;
	case '\r':
		*out++ = 'r';
		break;
	case '\t':
		*out++ = 't';
		break;
	default:
		memcpy(out, "u00", 3);
		out[3] = hex[c >> 4];
		out[4] = hex[c & 15];
		out += 5;
	}
	return out;
}

char *
escape_json(char *out, const char *s, size_t n)
{
	while (n) {
		size_t length = copy_plain(out, s, n, '"');

		out += length, s += length, n -= length;
		if (n == 0)
			break;
		length = utf8_sequence(s, n);
		if (length == 0) {
			memcpy(out, "\xef\xbf\xbd", 3);
			out += 3;
			length = 1;
		} else if (length == 1) {
			unsigned char c = (unsigned char)*s;

			if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
				out = json_control(out, c);
			else
				*out++ = *s;
		} else if (is_c1(s)) {
			out = json_control(out, (unsigned char)s[1]);
		} else {
			memcpy(out, s, length);
			out += length;
		}
		s += length, n -= length;
	}
	return out;
}

char *
escape_text_dup(const char *s, size_t n)
{
	char *out = xmalloc(n * ESCAPE_TEXT_WORST + 1);

	*escape_text(out, s, n) = '\0';
	return out;
}

char *
base64(char *out, const char *string, size_t n)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *s = (const unsigned char *)string;

	for (; n >= 3; s += 3, n -= 3) {
		*out++ = digits[s[0] >> 2];
		*out++ = digits[(s[0] & 3) << 4 | s[1] >> 4];
		*out++ = digits[(s[1] & 15) << 2 | s[2] >> 6];
		*out++ = digits[s[2] & 63];
	}
	if (n) {
		unsigned char second = n == 2 ? s[1] : 0;

		*out++ = digits[s[0] >> 2];
		*out++ = digits[(s[0] & 3) << 4 | second >> 4];
		*out++ = n == 2 ? digits[(second & 15) << 2] : '=';
		*out++ = '=';
	}
	return out;
}
