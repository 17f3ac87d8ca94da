/*
 * The command for a row of `queue send`: writes the microseconds since then. It needs no libpq, which would take longer
 * to load than all that is measured.
 */
#include <stdio.h>
#include <stdlib.h>

#include "listener.h"

int
main(void)
{
	int64_t now = clock_us(CLOCK_MONOTONIC);
	const char *payload = getenv("PGWAIT_PAYLOAD");

	if (!payload)
		return 1;
	printf("%lld\n", (long long)now - atoll(payload));
	return 0;
}
