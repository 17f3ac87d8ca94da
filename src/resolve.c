#include "config.h"

#include "resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "offload.h"

struct lookup {
	char *host;
	struct addresses found;
	resolve_done *done;
};

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
	struct lookup *l = job;

	l->done(&l->found, arg);
	lookup_drop(l);
}

struct offload *
resolve_start(struct event_base *base, const char *host, resolve_done *done, void *arg)
{
	static const struct offload_job kind = {lookup_work, lookup_done, lookup_drop};
	struct lookup *l = xcalloc(1, sizeof *l);
	struct offload *o;

	l->host = xstrdup(host);
	l->done = done;
	o = offload_start(base, &kind, l, arg);
	if (!o) {
		int error = errno;

		lookup_drop(l);
		errno = error;
	}
	return o;
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
