/*
 * --status-file: a file that says what pgwait does, for probes and dashboards: JSON (status.h), or if its name ends in
 * ".prom" Prometheus' text format (status_metrics.h).
 *
 * It is replaced as a whole: soon after a state changed, within a second after anything else did, and every 5 s whatever
 * happens, so that its age tells whether pgwait is alive. Writing never takes more than about a twentieth of the time.
 */
#ifndef PGWAIT_STATUS_FILE_H
#define PGWAIT_STATUS_FILE_H

struct manager;
struct status_file;

/* Writes it for the first time. NULL: it cannot be written, which has been said. Both outlive the object. */
struct status_file *status_file_new(struct manager *m, const char *path);

/* The manager makes no further pass; before manager_finish(). May be NULL. */
void status_file_stop(struct status_file *f);

/* After manager_finish(): removes the file, unless it is another process's now. May be NULL. */
void status_file_free(struct status_file *f);

#endif
