#include "config.h"

#include "base/offload.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/portable.h"
#include "base/util.h"

/* Shared by loop and thread: who comes last frees it. */
struct shared {
	pthread_mutex_t lock;
	const struct offload_job *kind;
	void *job;
	int fd; /* the thread's end of the pipe; its closing is the report */
	bool finished, cancelled;
};

struct offload {
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
	struct offload *o = arg;
	struct shared *s = o->shared;

	(void)what;
	event_del(&o->readable);
	close(fd);
	/*
	 * The thread's last touch of `s` came before it closed the pipe; but what makes its writes
	 * visible is the lock.
	 */
	pthread_mutex_lock(&s->lock);
	pthread_mutex_unlock(&s->lock);
	s->kind->done(s->job, o->arg);
	shared_free(s);
	free(o);
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

struct offload *
offload_start(struct event_base *base, const struct offload_job *kind, void *job, void *arg)
{
	struct offload *o;
	int fds[2], error;

	if (!portable_pipe(fds))
		return NULL;
	o = xcalloc(1, sizeof *o);
	o->shared = xcalloc(1, sizeof *o->shared);
	o->fd = fds[0];
	o->arg = arg;
	pthread_mutex_init(&o->shared->lock, NULL);
	o->shared->kind = kind;
	o->shared->job = job;
	o->shared->fd = fds[1];
	event_assign(&o->readable, base, fds[0], EV_READ, on_readable, o);
	error = event_add(&o->readable, NULL) < 0 ? ENOMEM : start_thread(o->shared);
	if (error == 0)
		return o;
	event_del(&o->readable);
	close(fds[0]);
	close(fds[1]);
	shared_free(o->shared);
	free(o);
	errno = error;
	return NULL;
}

void
offload_cancel(struct offload *o)
{
	struct shared *s = o->shared;
	bool finished;

	event_del(&o->readable);
	close(o->fd);
	pthread_mutex_lock(&s->lock);
	s->cancelled = true;
	finished = s->finished;
	pthread_mutex_unlock(&s->lock);
	if (finished) {
		s->kind->drop(s->job);
		shared_free(s);
	}
	free(o);
}
