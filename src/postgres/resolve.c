#include "config.h"

#include "postgres/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/worker_thread.h"

/* One name being looked up, for everybody who waits for it. */
struct lookup {
	char *host;
	struct addresses found;
	struct resolve *waiting;
	struct worker_thread *thread; /* it may outlast everybody who waits, and pgwait */
	struct lookup *next;
};

struct resolve {
	struct lookup *lookup;
	resolve_done *done;
	void *arg;
	struct resolve *next;
};

static struct lookup *lookups; /* those that a thread is at */

bool
resolve_needed(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	return *host && *host != '/' && *host != '@' && inet_pton(AF_INET, host, address) != 1 &&
	       inet_pton(AF_INET6, host, address) != 1;
}

static void
add_address(struct addresses *a, const struct addrinfo *info)
{
	char text[INET6_ADDRSTRLEN + 32];

	if (getnameinfo(
		info->ai_addr, info->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
		return;
	a->list = xrealloc(a->list, (a->count + 1) * sizeof *a->list);
	a->list[a->count++] = xstrdup(text);
}

static void
lookup_work(void *job)
{
	struct lookup *l = job;
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
	int error = getaddrinfo(l->host, NULL, &hints, &list);

	for (struct addrinfo *i = list; i; i = i->ai_next)
		add_address(&l->found, i);
	if (list)
		freeaddrinfo(list);
	if (l->found.count == 0)
		l->found.error = xasprintf("could not translate host name \"%s\" to address: %s",
		    l->host, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
}

static void
lookup_drop(void *job)
{
	struct lookup *l = job;

	addresses_free(&l->found);
	free(l->host);
	free(l);
}

static void
lookup_done(void *job, void *arg)
{
	struct lookup *l = job, **at = &lookups;

	(void)arg;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	while (l->waiting) {
		struct resolve *r = l->waiting;

		l->waiting = r->next;
		r->done(&l->found, r->arg);
		free(r);
	}
	lookup_drop(l);
}

static struct lookup *
find_or_start(struct event_base *base, const char *host)
{
	static const struct worker_thread_job kind = {lookup_work, lookup_done, lookup_drop};
	struct lookup *l;

	for (l = lookups; l; l = l->next)
		if (strcmp(l->host, host) == 0)
			return l;
	l = xcalloc(1, sizeof *l);
	l->host = xstrdup(host);
	l->thread = worker_thread_start(base, &kind, l, NULL);
	if (!l->thread) {
		int error = errno;

		lookup_drop(l);
		errno = error;
		return NULL;
	}
	l->next = lookups;
	lookups = l;
	return l;
}

struct resolve *
resolve_start(struct event_base *base, const char *host, resolve_done *done, void *arg)
{
	struct lookup *l = find_or_start(base, host);
	struct resolve *r, **at;

	if (!l)
		return NULL;
	r = xcalloc(1, sizeof *r);
	r->lookup = l;
	r->done = done;
	r->arg = arg;
	for (at = &l->waiting; *at;)
		at = &(*at)->next;
	*at = r;
	return r;
}

void
resolve_cancel(struct resolve *r)
{
	struct resolve **at = &r->lookup->waiting;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	free(r);
}

void
addresses_copy(struct addresses *to, const struct addresses *from)
{
	*to = (struct addresses){.list = xcalloc(from->count, sizeof *to->list)};
	for (; to->count < from->count; to->count++)
		to->list[to->count] = xstrdup(from->list[to->count]);
}

void
addresses_free(struct addresses *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->list[i]);
	free(a->list);
	free(a->error);
	*a = (struct addresses){0};
}
