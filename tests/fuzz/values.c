/*
 * Numbers and seconds: what is accepted, against the text of the manual, and to what they come.
 */
#include "config.h"

#include <errno.h>

#include "fuzz.h"
#include "postgres/target.h"

static bool
all_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr("0123456789", s[i]))
			return false;
	return true;
}

/* -1: not decimal digits only, or more than fits. */
static int64_t
value(const char *digits)
{
	char *end;
	long long n;

	if (!*digits || !all_digits(digits, strlen(digits)))
		return -1;
	errno = 0;
	n = strtoll(digits, &end, 10);
	return errno || *end ? -1 : n;
}

static void
check_seconds(const char *s)
{
	const char *dot = strchr(s, '.');
	const char *fraction = dot ? dot + 1 : "";
	char *whole = xstrndup(s, dot ? (size_t)(dot - s) : strlen(s)), micro[7] = "000000";
	int64_t us = 0, got, seconds = *whole ? value(whole) : 0;
	bool ok = seconds >= 0 && seconds <= 1000000000 && (*whole || *fraction) &&
		  all_digits(fraction, strlen(fraction));
	bool nothing = strspn(s, "0.") == strlen(s);

	if (ok) {
		memcpy(micro, fraction, strlen(fraction) < 6 ? strlen(fraction) : 6);
		us = seconds * SECOND + atoi(micro);
	}
	REQUIRE(parse_seconds(s, false, &got) == (ok && us >= SECOND / 100));
	REQUIRE(!ok || us < SECOND / 100 || got == us);
	REQUIRE(parse_seconds(s, true, &got) == (ok && (us >= SECOND / 100 || nothing)));
	free(whole);
}

static void
check_integer(const char *s)
{
	static const int64_t ranges[][2] = {{0, 0}, {1, 65535}, {0, INT32_MAX}, {1, INT64_MAX - 9}};

	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		int64_t n = value(s), got = -1;
		bool fits = n >= ranges[i][0] && n <= ranges[i][1];

		REQUIRE(parse_integer(s, ranges[i][0], ranges[i][1], &got) == fits);
		REQUIRE(!fits || got == n);
	}
}

static void
check_ports(const char *s)
{
	char *copy = xstrdup(s), *rest = copy, *port;
	bool ok = true;

	while ((port = strsep(&rest, ",")))
		ok = ok && (!*port || (value(port) >= 1 && value(port) <= 65535));
	REQUIRE(target_is_port_list(s) == ok);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	char *s = input_string(&in);

	check_seconds(s);
	check_integer(s);
	check_ports(s);
	free(s);
	return 0;
}
