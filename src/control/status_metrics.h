/*
 * What is known about pgwait (status_facts.h) in Prometheus' text format, as its node_exporter reads it from files.
 *
 * Every metric has the label `process`, so that several processes can write files into one directory.
 */
#ifndef PGWAIT_STATUS_METRICS_H
#define PGWAIT_STATUS_METRICS_H

struct buffer;
struct status_facts;

/* Of everything but the time. `process` need not be UTF-8. */
void status_metrics_write(struct buffer *out, const struct status_facts *f, const char *process);

/* Of the time of the facts. */
void status_metrics_write_time(
    struct buffer *out, const struct status_facts *f, const char *process);

#endif
