#include "config.h"

#include "base/random.h"

#include "base/portable.h"
#include "base/util.h"

uint32_t
random_number(void)
{
	uint32_t n;

	if (!portable_random(&n, sizeof n))
		n = (uint32_t)clock_realtime() * UINT32_C(2654435761);
	return n;
}

static void
swap(char *a, char *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

/* Fisher and Yates. */
void
random_shuffle(void *items, size_t count, size_t size)
{
	char *first = items;

	for (size_t i = count; i > 1; i--)
		swap(first + (i - 1) * size, first + random_number() % i * size, size);
}
