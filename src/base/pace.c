#include "config.h"

#include "base/pace.h"

static struct pace_job *first, **last = &first;

void
pace_add(struct pace_job *job)
{
	if (job->queued)
		return;
	job->queued = true;
	job->next = NULL;
	*last = job;
	last = &job->next;
}

void
pace_remove(struct pace_job *job)
{
	struct pace_job **at = &first;

	if (!job->queued)
		return;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (last == &job->next)
		last = at;
	job->queued = false;
}

bool
pace_waiting(void)
{
	return first != NULL;
}

void
pace_run(int64_t budget)
{
	int64_t end = clock_monotonic() + budget;

	while (first) {
		struct pace_job *job = first;

		pace_remove(job);
		job->run(job->arg);
		if (clock_monotonic() >= end)
			break;
	}
}
