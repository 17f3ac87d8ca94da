/*
 * A histogram over time with a fixed number of columns. When the time does not fit any more, every
 * column stands for twice as long.
 */
#ifndef PGWAIT_CHART_H
#define PGWAIT_CHART_H

#include <stddef.h>
#include <stdint.h>

#define CHART_COLUMNS 60
#define CHART_ROWS    5
#define CHART_WIDTH   INT64_C(100000) /* microseconds of a column, at first */

struct chart {
	int64_t start; /* Unix time, microseconds */
	int64_t width; /* microseconds of a column */
	uint64_t counts[CHART_COLUMNS];
};

void chart_start(struct chart *c, int64_t now);
/* Counts one notification. A time before the start counts in the first column. */
void chart_add(struct chart *c, int64_t time);

/* How many columns there are until `now`. */
size_t chart_used(struct chart *c, int64_t now);
/* The largest count of a column. */
uint64_t chart_most(const struct chart *c);

/* Writes row `row` of CHART_ROWS, 0 at the top, with `columns` columns, as a string. The highest column has `most`. */
void chart_row(
    const struct chart *c, size_t row, size_t columns, uint64_t most, char out[CHART_COLUMNS + 1]);

#endif
