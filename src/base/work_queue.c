#include "config.h"

#include "base/work_queue.h"

static struct work_queue_job *first, **last = &first;

void
work_queue_add(struct work_queue_job *job)
{
	if (job->queued)
		return;
	job->queued = true;
	job->next = NULL;
	*last = job;
	last = &job->next;
}

void
work_queue_remove(struct work_queue_job *job)
{
	struct work_queue_job **at = &first;

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
work_queue_waiting(void)
{
	return first != NULL;
}

void
work_queue_run(int64_t budget)
{
	int64_t end = first ? clock_monotonic() + budget : 0;

	while (first) {
		struct work_queue_job *job = first;

		work_queue_remove(job);
		job->run(job->arg);
		if (clock_monotonic() >= end)
			break;
	}
}
