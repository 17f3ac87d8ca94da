#include "config.h"

#include "manager/backoff.h"

#include "base/random.h"

int64_t
backoff_next(struct backoff *b, int64_t lasted)
{
	int64_t half;

	if (lasted >= BACKOFF_STABLE)
		b->bound = 0;
	b->bound = b->bound ? b->bound * 2 : BACKOFF_LEAST * 2;
	if (b->bound > BACKOFF_MOST)
		b->bound = BACKOFF_MOST;
	half = b->bound / 2;
	return half + (int64_t)(random_number() % (uint64_t)(half + 1));
}
