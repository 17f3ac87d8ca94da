#include "config.h"

#include "base/escape.h"

#include <stdint.h>
#include <string.h>

#include "base/tty.h"
#include "base/util.h"

static const char hex[] = "0123456789abcdef";

/* Where there are no such instructions gcc warns of how it passes them; these functions are nobody else's. */
#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

/* Sixteen bytes at once: compilers make vector instructions of it where there are any. */
#define BLOCK 16
typedef unsigned char block __attribute__((vector_size(BLOCK)));
typedef signed char signed_block __attribute__((vector_size(BLOCK)));
typedef uint64_t words __attribute__((vector_size(BLOCK)));

/*
 * Sets all bits of each byte that is odd, that is, not printable ASCII, or the backslash, or
 * `quote`. Most payloads have no odd byte.
 */
static inline words
odd_bytes(block b, unsigned char quote)
{
	/*
	 * Subtracts so that ' ' becomes the least signed number: then one comparison tests both
	 * ends of the range.
	 */
	signed_block shifted = (signed_block)(b + (unsigned char)(0x80 - ' '));

	return (words)(shifted > '~' - ' ' - 0x80) | (words)(b == '\\') | (words)(b == quote);
}

static inline bool
none_odd(words w)
{
	return (w[0] | w[1]) == 0;
}

/* Copies a block, whatever is in it, and marks what is odd. */
static inline words
copy_block(char *out, const char *s, unsigned char quote)
{
	block b;

	memcpy(&b, s, BLOCK);
	memcpy(out, &b, BLOCK);
	return odd_bytes(b, quote);
}

/* The same for 4 to 15 bytes, as two machine words that overlap. */
static inline words
copy_short(char *out, const char *s, size_t n, unsigned char quote)
{
	uint64_t first, last;
	uint32_t head, tail;

	if (n >= 8) {
		memcpy(&first, s, 8);
		memcpy(&last, s + n - 8, 8);
		memcpy(out, &first, 8);
		memcpy(out + n - 8, &last, 8);
	} else {
		memcpy(&head, s, 4);
		memcpy(&tail, s + n - 4, 4);
		memcpy(out, &head, 4);
		memcpy(out + n - 4, &tail, 4);
		first = last = (uint64_t)head << 32 | tail;
	}
	return odd_bytes((block)(words){first, last}, quote);
}

/*
 * Copies plain bytes from the front of `n` and returns how many: whole blocks, and what is left after
 * them if all of it is plain. What lies beyond at `out` is overwritten, up to `n` bytes.
 */
static inline __attribute__((always_inline)) size_t
copy_plain(char *out, const char *s, size_t n, unsigned char quote)
{
	size_t done = 0;

	if (n < BLOCK)
		return n >= 4 && none_odd(copy_short(out, s, n, quote)) ? n : 0;
	for (; n - done >= 4 * BLOCK; done += 4 * BLOCK) {
		words odd = {0, 0};

#pragma GCC unroll 4
		for (size_t i = 0; i < 4; i++)
			odd |= copy_block(out + done + i * BLOCK, s + done + i * BLOCK, quote);
		if (!none_odd(odd))
			break;
	}
	for (; n - done >= BLOCK; done += BLOCK)
		if (!none_odd(copy_block(out + done, s + done, quote)))
			return done;
	/* One more block, which overlaps the last, ends where the bytes do. */
	return none_odd(copy_block(out + n - BLOCK, s + n - BLOCK, quote)) ? n : done;
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
		words w;

		for (; n >= BLOCK; s += BLOCK, n -= BLOCK) {
			memcpy(&w, s, BLOCK);
			if ((w[0] | w[1]) & UINT64_C(0x8080808080808080))
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

/* Writes what is at `s`, one character or one byte that begins none, and returns its length. */
typedef size_t write_character(char **out, const char *s, size_t n);

static size_t
text_character(char **out, const char *s, size_t n)
{
	size_t length = utf8_sequence(s, n);

	if (length <= 1) {
		*out = text_byte(*out, (unsigned char)*s);
		return 1;
	}
	if (is_c1(s)) {
		*out = text_byte(*out, (unsigned char)s[0]);
		*out = text_byte(*out, (unsigned char)s[1]);
	} else {
		memcpy(*out, s, length);
		*out += length;
	}
	return length;
}

/*
 * Goes on where copy_plain() stopped: a block of bytes one by one, then copy_plain() again. So text
 * with many odd bytes is not examined twice.
 */
static char *
escape_rest(char *out, const char *s, size_t n, unsigned char quote, write_character *write_odd)
{
	const char *end = s + n;

	while (s < end) {
		const char *stop = end - s < BLOCK ? end : s + BLOCK;
		size_t plain;

		while (s < stop) {
			if (*s >= ' ' && *s <= '~' && *s != '\\' && *s != (char)quote)
				*out++ = *s++;
			else
				s += write_odd(&out, s, (size_t)(end - s));
		}
		plain = copy_plain(out, s, (size_t)(end - s), quote);
		out += plain;
		s += plain;
	}
	return out;
}

char *
escape_text(char *out, const char *s, size_t n)
{
	size_t plain = copy_plain(out, s, n, '\\');

	if (plain == n)
		return out + n;
	return escape_rest(out + plain, s + plain, n - plain, '\\', text_character);
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

static size_t
json_character(char **out, const char *s, size_t n)
{
	size_t length = utf8_sequence(s, n);

	if (length == 0) {
		memcpy(*out, "\xef\xbf\xbd", 3);
		*out += 3;
		return 1;
	}
	if (length == 1) {
		*out = json_control(*out, (unsigned char)*s);
	} else if (is_c1(s)) {
		*out = json_control(*out, (unsigned char)s[1]);
	} else {
		memcpy(*out, s, length);
		*out += length;
	}
	return length;
}

char *
escape_json(char *out, const char *s, size_t n)
{
	size_t plain = copy_plain(out, s, n, '"');

	if (plain == n)
		return out + n;
	return escape_rest(out + plain, s + plain, n - plain, '"', json_character);
}

char *
escape_shown(char *out, const char *s, size_t n, bool terminal)
{
	if (!terminal || tty_reads_utf8())
		return escape_text(out, s, n);
	for (size_t i = 0; i < n; i++)
		out = escape_text(out, s + i, 1); /* one byte of a character is none */
	return out;
}

char *
escape_shown_dup(const char *s, size_t n, bool terminal)
{
	char *out = xmalloc(n * ESCAPE_TEXT_WORST + 1);

	*escape_shown(out, s, n, terminal) = '\0';
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
