/* How much is in a spool. */
#ifndef PGWAIT_SPOOL_COUNT_H
#define PGWAIT_SPOOL_COUNT_H

#include <stdint.h>

/* To count more would take too long: it is that many, or more. */
#define SPOOL_COUNT_MOST 10000

struct spool_count {
	uint64_t records;
	int64_t oldest; /* the time of the oldest, if there is one; Unix time in microseconds */
};

#endif
