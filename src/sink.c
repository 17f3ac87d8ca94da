#include "config.h"

#include "sink.h"

#include <assert.h>

#include "record.h"

void
sinks_add(struct sinks *sinks, struct sink *s)
{
	assert(sinks->count < SINKS_MAX);
	sinks->list[sinks->count++] = s;
}

void
sinks_take(struct sinks *sinks, const struct record *r)
{
	for (size_t i = 0; i < sinks->count; i++) {
		struct sink *s = sinks->list[i];

		if (!(s->kinds & RECORD_BIT(r->kind)))
			continue;
		s->in++;
		s->ops->take(s, r);
	}
}

bool
sinks_room(const struct sinks *sinks)
{
	for (size_t i = 0; i < sinks->count; i++)
		if (sinks->list[i]->ops->room && !sinks->list[i]->ops->room(sinks->list[i]))
			return false;
	return true;
}

bool
sinks_working(const struct sinks *sinks)
{
	for (size_t i = 0; i < sinks->count; i++)
		if (sinks->list[i]->ops->working && sinks->list[i]->ops->working(sinks->list[i]))
			return true;
	return false;
}

uint64_t
sinks_delivered(const struct sinks *sinks)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sinks->count; i++)
		sum += sinks->list[i]->out;
	return sum;
}

static bool
has_passed(const struct sinks *sinks, const struct fence *f)
{
	for (size_t i = 0; i < sinks->count; i++)
		if (sinks->list[i]->out < f->marks[i])
			return false;
	return true;
}

void
sinks_pass(struct sinks *sinks)
{
	for (size_t i = 0; i < sinks->count; i++)
		if (sinks->list[i]->ops->pass)
			sinks->list[i]->ops->pass(sinks->list[i]);
	while (sinks->fences && has_passed(sinks, sinks->fences)) {
		struct fence *f = sinks->fences;

		sinks->fences = f->next;
		f->passed(f, f->arg);
	}
}

void
sinks_fence(struct sinks *sinks, struct fence *f)
{
	struct fence **at = &sinks->fences;

	for (size_t i = 0; i < sinks->count; i++)
		f->marks[i] = sinks->list[i]->in;
	f->next = NULL;
	while (*at)
		at = &(*at)->next;
	*at = f;
}
