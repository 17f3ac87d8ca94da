#include "config.h"

#include "base/shell_words.h"

#include <stdlib.h>
#include <string.h>

struct scanner {
	const char *line, *at, *end;
	char *word, *out; /* the current word is word .. out; the line's length is enough for it */
	char **error;
};

/* Counts in characters: a byte that continues one in UTF-8 does not count. */
static size_t
position(const struct scanner *s, const char *place)
{
	size_t n = 1;

	for (const char *p = s->line; p < place; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	return n;
}

static bool
fail(const struct scanner *s, const char *what, const char *place)
{
	*s->error = xasprintf("%s at character %zu", what, position(s, place));
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Behind an opening ' */
static bool
single_quoted(struct scanner *s)
{
	const char *open = s->at - 1;
	const char *close = memchr(s->at, '\'', (size_t)(s->end - s->at));
	size_t length;

	if (!close)
		return fail(s, "single quote without an end", open);
	length = (size_t)(close - s->at);
	memcpy(s->out, s->at, length);
	s->out += length;
	s->at = close + 1;
	return true;
}

/* Behind an opening " */
static bool
double_quoted(struct scanner *s)
{
	const char *open = s->at - 1;

	while (s->at < s->end) {
		char c = *s->at++;

		if (c == '"')
			return true;
		if (c == '\\' && s->at < s->end && strchr("\"\\$`", *s->at))
			c = *s->at++;
		*s->out++ = c;
	}
	return fail(s, "double quote without an end", open);
}

/* Reads up to `most` digits; how many there were. */
static int
number(struct scanner *s, int base, int most, int *value)
{
	int n = 0;

	for (*value = 0; n < most && s->at < s->end; n++) {
		int digit = parse_hex_digit(*s->at);

		if (digit < 0 || digit >= base)
			break;
		*value = *value * base + digit;
		s->at++;
	}
	return n;
}

/* Behind a backslash in $'...' */
static bool
c_escape(struct scanner *s)
{
	static const char letters[] = "abeEfnrtv\\'\"?";
	static const char bytes[] = "\a\b\033\033\f\n\r\t\v\\'\"?";
	const char *backslash = s->at - 1;
	const char *letter = s->at < s->end ? strchr(letters, *s->at) : NULL;
	int value, digits;

	if (letter) {
		s->at++;
		*s->out++ = bytes[letter - letters];
		return true;
	}
	if (s->at < s->end && *s->at == 'x') {
		s->at++;
		digits = number(s, 16, 2, &value);
	} else {
		digits = number(s, 8, 3, &value);
	}
	if (digits == 0)
		return fail(s,
		    "invalid escape, accepted are \\a \\b \\e \\f \\n \\r \\t \\v \\\\ \\' \\\" "
		    "\\? \\NNN \\xHH,",
		    backslash);
	if (value == 0 || value > 0xff)
		return fail(s, "escape that is no byte from 1 to 255", backslash);
	*s->out++ = (char)value;
	return true;
}

/* Behind $' */
static bool
c_quoted(struct scanner *s)
{
	const char *open = s->at - 2;

	while (s->at < s->end) {
		char c = *s->at++;

		if (c == '\'')
			return true;
		if (c != '\\')
			*s->out++ = c;
		else if (!c_escape(s))
			return false;
	}
	return fail(s, "$' without an end", open);
}

/* From the first character of a word to the first after it. */
static bool
take_word(struct scanner *s)
{
	bool ok = true;

	s->out = s->word;
	while (ok && s->at < s->end && !is_blank(*s->at)) {
		char c = *s->at++;

		if (c == '\'') {
			ok = single_quoted(s);
		} else if (c == '"') {
			ok = double_quoted(s);
		} else if (c == '$' && s->at < s->end && *s->at == '\'') {
			s->at++;
			ok = c_quoted(s);
		} else if (c != '\\') {
			*s->out++ = c;
		} else if (s->at < s->end) {
			*s->out++ = *s->at++;
		} else {
			ok = fail(s, "backslash with nothing after it", s->at - 1);
		}
	}
	return ok;
}

static void
append(struct shell_words *words, const char *word, size_t length)
{
	words->list = xrealloc(words->list, (words->count + 1) * sizeof *words->list);
	words->list[words->count++] = xstrndup(word, length);
}

bool
shell_words_split(const char *line, size_t length, struct shell_words *words, char **error)
{
	struct scanner s = {.line = line, .at = line, .end = line + length, .error = error};
	const char *nul = memchr(line, '\0', length);
	bool ok = true;

	*words = (struct shell_words){0};
	if (nul)
		return fail(&s, "NUL byte", nul);
	s.word = xmalloc(length);
	while (ok) {
		while (s.at < s.end && is_blank(*s.at))
			s.at++;
		if (s.at == s.end || *s.at == '#')
			break;
		ok = take_word(&s);
		if (ok)
			append(words, s.word, (size_t)(s.out - s.word));
	}
	free(s.word);
	if (!ok)
		shell_words_free(words);
	return ok;
}

void
shell_words_free(struct shell_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->list[i]);
	free(words->list);
	*words = (struct shell_words){0};
}
