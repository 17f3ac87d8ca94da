#include "config.h"

#include "sinks/chart.h"

#include <string.h>

void
chart_start(struct chart *c, int64_t now)
{
	*c = (struct chart){.start = now, .width = CHART_WIDTH};
}

/* Joins each two columns into one. */
static void
halve(struct chart *c)
{
	for (size_t i = 0; i < CHART_COLUMNS / 2; i++)
		c->counts[i] = c->counts[2 * i] + c->counts[2 * i + 1];
	memset(c->counts + CHART_COLUMNS / 2, 0, sizeof c->counts / 2);
	c->width *= 2;
}

static size_t
column(struct chart *c, int64_t time)
{
	int64_t since = time > c->start ? time - c->start : 0;

	while (since / c->width >= CHART_COLUMNS)
		halve(c);
	return (size_t)(since / c->width);
}

void
chart_add(struct chart *c, int64_t time)
{
	size_t i = column(c, time); /* column() may halve the chart */

	c->counts[i]++;
}

size_t
chart_used(struct chart *c, int64_t now)
{
	size_t used = column(c, now) + 1;

	/* The clock may have been set back. */
	for (size_t i = used; i < CHART_COLUMNS; i++)
		if (c->counts[i])
			used = i + 1;
	return used;
}

uint64_t
chart_most(const struct chart *c)
{
	uint64_t most = 0;

	for (size_t i = 0; i < CHART_COLUMNS; i++)
		if (c->counts[i] > most)
			most = c->counts[i];
	return most;
}

void
chart_row(
    const struct chart *c, size_t row, size_t columns, uint64_t most, char out[CHART_COLUMNS + 1])
{
	size_t level = CHART_ROWS - row; /* a column is drawn in this row if it is that high */

	for (size_t i = 0; i < columns; i++) {
		double height = most ? (double)c->counts[i] / (double)most * CHART_ROWS : 0;

		if (height + 0.5 >= (double)level)
			out[i] = '#';
		else
			out[i] = level == 1 && c->counts[i] ? '.' : ' ';
	}
	while (columns && out[columns - 1] == ' ')
		columns--;
	out[columns] = '\0';
}
