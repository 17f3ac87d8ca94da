#include "config.h"

#include "base/work_queue.h"

static struct list {
	struct work_queue_job *first, **last;
} lists[] = {{NULL, &lists[0].first}, {NULL, &lists[1].first}};

static struct list *
list_of(const struct work_queue_job *job)
{
	return &lists[job->before ? 0 : 1];
}

void
work_queue_add(struct work_queue_job *job)
{
	struct list *l = list_of(job);

	if (job->at)
		return;
	job->next = NULL;
	job->at = l->last;
	*l->last = job;
	l->last = &job->next;
}

void
work_queue_remove(struct work_queue_job *job)
{
	if (!job->at)
		return;
	*job->at = job->next;
	if (job->next)
		job->next->at = job->at;
	else
		list_of(job)->last = job->at;
	job->at = NULL;
}

static struct work_queue_job *
next_job(void)
{
	return lists[0].first ? lists[0].first : lists[1].first;
}

bool
work_queue_waiting(void)
{
	return next_job();
}

static void
run(struct work_queue_job *job)
{
	work_queue_remove(job);
	job->run(job->arg);
}

void
work_queue_run(int64_t budget)
{
	struct work_queue_job *job = next_job();
	int64_t end = job ? clock_monotonic() + budget : 0;

	while (job) {
		run(job);
		job = clock_monotonic() < end ? next_job() : NULL;
	}
}

void
work_queue_finish(void)
{
	struct work_queue_job *job;

	while ((job = next_job()))
		run(job);
}
