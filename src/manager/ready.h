/* Tells the process that started pgwait, and systemd, that every connection listens. */
#ifndef PGWAIT_READY_H
#define PGWAIT_READY_H

struct systemd;

/* A newline to `fd`, which is closed then if it is above 2 (negative: there is none), and READY=1 to systemd (or NULL). */
void ready_tell(int fd, struct systemd *systemd);

#endif
