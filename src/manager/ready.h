/* Tells the process that started pgwait, or systemd, that every connection listens. */
#ifndef PGWAIT_READY_H
#define PGWAIT_READY_H

/* A newline to `fd` (negative: none), and READY=1 to systemd's NOTIFY_SOCKET (sd_notify(3)). */
void ready_tell(int fd);

#endif
