#include "config.h"

#include "base/worker_thread.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/portable.h"
#include "base/util.h"

/* The loop and the thread share this. The one that is done with it last frees it. */
struct shared {
	pthread_mutex_t lock;
	const struct worker_thread_job *kind;
	void *job;
	int fd; /* the thread's end of the pipe; its closing is the report */
	bool finished, cancelled;
};

struct worker_thread {
	struct shared *shared;
	struct event readable;
	int fd;
	void *arg;
};

static void
shared_free(struct shared *s)
{
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void *
thread_main(void *arg)
{
	struct shared *s = arg;
	bool cancelled;
	int fd = s->fd;

	s->kind->work(s->job);
	pthread_mutex_lock(&s->lock);
	s->finished = true;
	cancelled = s->cancelled;
	pthread_mutex_unlock(&s->lock);
	if (cancelled) {
		s->kind->drop(s->job);
		shared_free(s);
	}
	close(fd);
	return NULL;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct worker_thread *t = arg;
	struct shared *s = t->shared;

	(void)what;
	event_del(&t->readable);
	close(fd);
	/*
	 * The thread's last touch of `s` came before it closed the pipe; but what makes its writes
	 * visible is the lock.
	 */
	pthread_mutex_lock(&s->lock);
	pthread_mutex_unlock(&s->lock);
	s->kind->done(s->job, t->arg);
	shared_free(s);
	free(t);
}

static int
start_thread(struct shared *s)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;
	int error;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &attr, thread_main, s);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

struct worker_thread *
worker_thread_start(
    struct event_base *base, const struct worker_thread_job *kind, void *job, void *arg)
{
	struct worker_thread *t;
	int fds[2], error;

	if (!portable_pipe(fds))
		return NULL;
	t = xcalloc(1, sizeof *t);
	t->shared = xcalloc(1, sizeof *t->shared);
	t->fd = fds[0];
	t->arg = arg;
	pthread_mutex_init(&t->shared->lock, NULL);
	t->shared->kind = kind;
	t->shared->job = job;
	t->shared->fd = fds[1];
	event_assign(&t->readable, base, fds[0], EV_READ, on_readable, t);
	error = event_add(&t->readable, NULL) < 0 ? ENOMEM : start_thread(t->shared);
	if (error == 0)
		return t;
	event_del(&t->readable);
	close(fds[0]);
	close(fds[1]);
	shared_free(t->shared);
	free(t);
	errno = error;
	return NULL;
}

void
worker_thread_cancel(struct worker_thread *t)
{
	struct shared *s = t->shared;
	bool finished;

	event_del(&t->readable);
	close(t->fd);
	pthread_mutex_lock(&s->lock);
	s->cancelled = true;
	finished = s->finished;
	pthread_mutex_unlock(&s->lock);
	if (finished) {
		s->kind->drop(s->job);
		shared_free(s);
	}
	free(t);
}
