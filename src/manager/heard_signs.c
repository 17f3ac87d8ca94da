#include "config.h"

#include "manager/heard_signs.h"

#include <string.h>

static int64_t
last(const struct heard_signs *h)
{
	return h->count ? h->list[h->count - 1].number : h->delivered;
}

void
heard_signs_add(struct heard_signs *h, int64_t number, uint64_t at)
{
	if (number <= last(h) || h->count == HEARD_SIGNS_MAX)
		return;
	h->list[h->count].number = number;
	h->list[h->count++].at = at;
}

bool
heard_signs_deliver(struct heard_signs *h, uint64_t number)
{
	size_t n = 0;

	while (n < h->count && h->list[n].at <= number)
		n++;
	if (!n)
		return false;
	h->delivered = h->list[n - 1].number;
	h->count -= n;
	memmove(h->list, h->list + n, h->count * sizeof *h->list);
	return true;
}

void
heard_signs_hold_back(struct heard_signs *h, int64_t delivered, uint64_t at)
{
	if (last(h) <= delivered)
		return;
	h->list[0].number = last(h);
	h->list[0].at = at;
	h->count = 1;
	if (h->delivered > delivered)
		h->delivered = delivered;
}
