/*
 * An outlet in the event loop, which tells when there is room and when the reader leaves.
 */
#ifndef PGWAIT_STREAM_H
#define PGWAIT_STREAM_H

#include <stddef.h>
#include <sys/types.h>

#include "base/util.h"

struct event_base;
struct stream;

/* Called from the loop: the reader has closed its end, or there is room again. */
typedef void stream_event(void *arg);

struct stream *stream_open(
    struct event_base *base, int fd, stream_event *writable, stream_event *gone, void *arg);

/* Bytes written, 0 where nothing can be now; -1 with errno. */
MUST_CHECK ssize_t stream_write(struct stream *s, const char *bytes, size_t n);

/* Calls `writable` once there is room. False with errno where the system does not tell. */
MUST_CHECK bool stream_wait(struct stream *s);

/* Closes the original descriptor too; false with errno where that loses something. */
MUST_CHECK bool stream_close(struct stream *s);

#endif
