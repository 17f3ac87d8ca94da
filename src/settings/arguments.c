#include "config.h"

#include "settings/arguments.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/suggestion.h"
#include "postgres/redact.h"

/* Stands for an empty value, and is known by its address: see pass_on(). */
static char empty_value[] = "empty", dashes[] = "--";

/*
 * The arguments as argtable2 gets them: argv's strings, but with `--format=` and `--format ""` as
 * `--format` and empty_value, since argtable2 takes no empty value after a long option.
 */
struct words {
	char **list;
	int count;
};

enum scan { SCAN_OK, SCAN_TAKES_NEXT, SCAN_HELP, SCAN_VERSION, SCAN_ERROR };

static bool
make_table(struct arguments *a, int most)
{
#define MAKE_VALUE(member, letter, name) .member = arg_strn(letter, name, NULL, 0, most, NULL),
#define MAKE_FLAG(member, letter, name)  .member = arg_litn(letter, name, 0, INT_MAX, NULL),
	*a = (struct arguments){.operands = arg_strn(NULL, NULL, NULL, 0, most, NULL),
	    .end = arg_end(20),
	    ARGUMENTS(MAKE_VALUE, MAKE_FLAG)};
	return arg_nullcheck((void **)a) == 0;
}

/* The table is a struct of pointers, which argtable2 takes as an array that ends at `end`. */
static struct arg_hdr **
table(struct arguments *a)
{
	return (struct arg_hdr **)a;
}

static bool
is_end(const struct arg_hdr *h)
{
	return h->flag & ARG_TERMINATOR;
}

const char *
arguments_last(const struct arg_str *values)
{
	return values->count ? values->sval[values->count - 1] : NULL;
}

static bool
is_given(const struct arg_hdr *h)
{
	if (h->flag & ARG_HASVALUE)
		return ((const struct arg_str *)h->parent)->count > 0;
	return ((const struct arg_lit *)h->parent)->count > 0;
}

static bool
is_among(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

const char *
arguments_beyond(const struct arguments *a, const char *const *names)
{
	for (struct arg_hdr *const *h = (struct arg_hdr *const *)a; !is_end(*h); h++) {
		if ((*h)->longopts && is_given(*h) && !is_among(names, (*h)->longopts))
			return (*h)->longopts;
	}
	return NULL;
}

void
arguments_error(const char *fmt, ...)
{
	va_list ap;
	char *message;

	va_start(ap, fmt);
	xvasprintf(&message, fmt, ap);
	va_end(ap);
	log_error("%s", message);
	free(message);
	log_hint("\"pgwait --help\" lists what is accepted");
}

static const struct arg_hdr *
find_short(struct arguments *a, char letter)
{
	for (struct arg_hdr **h = table(a); !is_end(*h); h++)
		if ((*h)->shortopts && strchr((*h)->shortopts, letter))
			return *h;
	return NULL;
}

static const struct arg_hdr *
find_long(struct arguments *a, const char *name, size_t length)
{
	for (struct arg_hdr **h = table(a); !is_end(*h); h++)
		if ((*h)->longopts && strlen((*h)->longopts) == length &&
		    strncmp((*h)->longopts, name, length) == 0)
			return *h;
	return NULL;
}

/* Of a word that is no option, what can be the name of one is shown: a password may follow it. */
static enum scan
unknown_long(struct arguments *a, const char *word, size_t length)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_";
	size_t shown = strspn(word + 2, letters);
	struct suggestion nearest = {.word = word + 2, .length = length};
	char *question;

	for (struct arg_hdr **h = table(a); !is_end(*h); h++)
		if ((*h)->longopts)
			suggestion_offer(&nearest, (*h)->longopts);
	question = suggestion_question(&nearest, "--");
	arguments_error("unknown option \"%.*s%s\"%s", (int)shown + 2, word,
	    shown < length ? "..." : "", question);
	free(question);
	return SCAN_ERROR;
}

static enum scan
scan_found(struct arguments *a, const struct arg_hdr *h)
{
	if (h == &a->help->hdr)
		return SCAN_HELP;
	return h == &a->version->hdr ? SCAN_VERSION : SCAN_OK;
}

static enum scan
scan_long(struct arguments *a, struct words *words, char *word)
{
	size_t length = strcspn(word + 2, "=");
	char *equals = word[2 + length] ? word + 2 + length : NULL;
	const struct arg_hdr *h = find_long(a, word + 2, length);

	if (!h)
		return unknown_long(a, word, length);
	if (!(h->flag & ARG_HASVALUE)) {
		if (!equals)
			return scan_found(a, h);
		arguments_error("option \"--%s\" takes no value", h->longopts);
		return SCAN_ERROR;
	}
	if (!equals)
		return SCAN_TAKES_NEXT;
	if (!equals[1]) {
		*equals = '\0';
		words->list[words->count++] = empty_value;
	}
	return SCAN_OK;
}

static enum scan
scan_short(struct arguments *a, const char *word)
{
	for (const char *c = word + 1; *c; c++) {
		const struct arg_hdr *h = find_short(a, *c);
		enum scan found;

		if (!h) {
			/* What follows may be a password that somebody gave to -W. */
			if (word[2])
				arguments_error("unknown option \"-%c\" in \"%.*s%s\"", *c,
				    (int)(c + 1 - word), word, c[1] ? "..." : "");
			else
				arguments_error("unknown option \"%s\"", word);
			return SCAN_ERROR;
		}
		if (h->flag & ARG_HASVALUE)
			return c[1] ? SCAN_OK : SCAN_TAKES_NEXT;
		found = scan_found(a, h);
		if (found != SCAN_OK)
			return found;
	}
	return SCAN_OK;
}

/*
 * Looks argv through before argtable2 does: getopt would take abbreviations, and word errors in its
 * own way (fact F12). Operands come to the end, after "--", since not every getopt looks for options behind them.
 */
static enum scan
scan(struct arguments *a, struct words *words, int argc, char **argv)
{
	char **operands = xcalloc((size_t)argc + 1, sizeof *operands);
	enum scan found = SCAN_OK;
	bool options = true;
	int count = 0;

	words->list[words->count++] = argv[0];
	for (int i = 1; i < argc && found == SCAN_OK; i++) {
		char *word = argv[i];

		if (!options || word[0] != '-' || !word[1]) {
			operands[count++] = word;
			options &= !getenv("POSIXLY_CORRECT");
			continue;
		}
		if (strcmp(word, "--") == 0) {
			options = false;
			continue;
		}
		words->list[words->count++] = word;
		found = word[1] == '-' ? scan_long(a, words, word) : scan_short(a, word);
		if (found != SCAN_TAKES_NEXT)
			continue;
		found = SCAN_OK;
		if (++i < argc) {
			words->list[words->count++] = argv[i][0] ? argv[i] : empty_value;
		} else {
			arguments_error("option \"%s\" needs a value", word);
			found = SCAN_ERROR;
		}
	}
	words->list[words->count++] = dashes;
	for (int i = 0; i < count; i++)
		words->list[words->count++] = operands[i];
	free(operands);
	return found;
}

/* What the scan let pass, to argtable2. */
static bool
pass_on(struct arguments *a, const struct words *words)
{
	if (arg_parse(words->count, words->list, (void **)table(a)) > 0) {
		arg_print_errors(stderr, a->end, "pgwait: error");
		return false;
	}
	for (struct arg_hdr **h = table(a); !is_end(*h); h++) {
		struct arg_str *values = ((*h)->flag & ARG_HASVALUE) ? (*h)->parent : NULL;

		for (int i = 0; values && i < values->count; i++)
			if (values->sval[i] == empty_value)
				values->sval[i] = "";
	}
	return true;
}

/* A connection string that an option has taken for its value. */
static bool
is_misplaced(const char *option, const char *value)
{
	static const char *const own[] = {"dbname", "listen", NULL};
	static const char *const text[] = {"format", "notify-cmd", "batch-cmd", "idle-cmd",
	    "listen-cmd", "lost-cmd", "catchup-sql", "work-sql", NULL};
	bool uri = redact_scheme_length(value) && redact_finds_password(value);

	if (is_among(own, option))
		return false;
	if (uri || is_among(text, option))
		return uri;
	/* A key can well have a colon and an at sign. */
	return redact_finds_misplaced(strcmp(option, "exclusive") == 0 ? option : "user", value);
}

/* No message about a value needs to mind what it quotes, then. argtable2's strings are argv's own. */
static bool
check_secrets(struct arguments *a)
{
	const char *option = NULL;

	for (struct arg_hdr **h = table(a); !is_end(*h); h++) {
		struct arg_str *values = ((*h)->flag & ARG_HASVALUE) ? (*h)->parent : NULL;

		for (int i = 0; values && (*h)->longopts && i < values->count; i++)
			if (is_misplaced((*h)->longopts, values->sval[i])) {
				option = (*h)->longopts;
				redact_overwrite((char *)(uintptr_t)values->sval[i]);
			}
	}
	if (option)
		arguments_error("invalid --%s: its value seems to hold a password; accepted are "
				"connection strings as operands and after --dbname",
		    option);
	return !option;
}

enum arguments_result
arguments_parse(struct arguments *a, int argc, char **argv)
{
	struct words words = {.list = xcalloc(2 * (size_t)argc + 2, sizeof *words.list)};
	enum arguments_result result = ARGUMENTS_ERROR;

	if (!make_table(a, argc + 1)) {
		log_error("out of memory");
		goto out;
	}
	switch (scan(a, &words, argc, argv)) {
	case SCAN_HELP:
		result = ARGUMENTS_HELP;
		break;
	case SCAN_VERSION:
		result = ARGUMENTS_VERSION;
		break;
	case SCAN_ERROR:
		break;
	default:
		if (pass_on(a, &words) && check_secrets(a))
			result = ARGUMENTS_OK;
	}
out:
	free(words.list);
	return result;
}

void
arguments_free(struct arguments *a)
{
	arg_freetable((void **)table(a), sizeof *a / sizeof(void *));
}
