#include "config.h"

#include "record/origins.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "record/encoding.h"

struct origins_copy {
	struct origin origin;
	char *label;
	const char *encoding;
	struct origins_copy *next;
};

const struct origin *
origins_get(struct origins *all, const char *label, const char *encoding)
{
	struct origins_copy *c = all->first;

	while (c && (c->encoding != encoding || strcmp(c->label, label) != 0))
		c = c->next;
	if (c)
		return &c->origin;
	c = xcalloc(1, sizeof *c);
	c->label = xstrdup(label);
	c->encoding = encoding;
	c->origin = (struct origin){.label = c->label,
	    .label_length = strlen(c->label),
	    .encoding = encoding ? encoding_open(encoding) : NULL,
	    .serial = ++all->serial};
	c->next = all->first;
	all->first = c;
	return &c->origin;
}

void
origins_free(struct origins *all)
{
	struct origins_copy *next;

	for (struct origins_copy *c = all->first; c; c = next) {
		next = c->next;
		encoding_close(c->origin.encoding);
		free(c->label);
		free(c);
	}
	all->first = NULL;
}
