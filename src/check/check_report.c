#include "config.h"

#include "check/check_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/escape.h"
#include "base/tty.h"
#include "check/diagnosis.h"
#include "postgres/subscription.h"
#include "record/format.h"
#include "record/json_writer.h"
#include "record/wrap.h"

static const struct {
	const char *text, *json;
} verdicts[] = {
    [VERDICT_THROUGH] = {"notifications get through", "ok"},
    [VERDICT_UNREACHED] = {"NOT REACHED", "not_reached"},
    [VERDICT_REFUSED] = {"REFUSED", "refused"},
    [VERDICT_UNDELIVERED] = {"NOT DELIVERED", "not_delivered"},
};

static const struct {
	const char *text, *json;
} poolers[] = {
    [POOLER_UNKNOWN] = {"not known", NULL},
    [POOLER_NONE] = {"none", "none"},
    [POOLER_SESSION] = {"in session mode", "session"},
    [POOLER_OTHER] = {"in transaction or statement mode", "transaction_or_statement"},
    [POOLER_CONSOLE] = {"its console, with no database", "console"},
};

/* A section of text that is being put together. */
struct section {
	struct buffer *out;
	bool terminal;
};

static void
add_escaped(const struct section *s, const char *text)
{
	size_t n = strlen(text);
	char *to = buffer_reserve(s->out, n * ESCAPE_TEXT_WORST);

	buffer_add_end(s->out, escape_shown(to, text, n, s->terminal));
}

/* One line; takes `text`. */
static void
row(const struct section *s, const char *name, char *text)
{
	buffer_addf(s->out, "  %-9s ", name);
	add_escaped(s, text);
	buffer_add(s->out, "\n", 1);
	free(text);
}

static void
row_channels(const struct section *s, const struct subscription *wanted)
{
	struct buffer names = {0};
	char *hint = subscription_hint(wanted);

	for (size_t i = 0; i < wanted->count; i++)
		buffer_addf(&names, "%s%s", i ? ", " : "", wanted->channels[i]);
	if (wanted->count)
		row(s, "channels", xstrndup(buffer_content(&names), buffer_length(&names)));
	buffer_free(&names);
	if (hint)
		row(s, "hint", hint);
}

static void
rows_of_server(const struct section *s, const struct findings *f)
{
	const char *security = f->security         ? f->security
			       : f->host[0] == '/' ? "a local socket"
						   : "not encrypted";

	row(s, "reached", xasprintf("%s, port %s, %s", f->host, f->port, security));
	row(s, "server",
	    xasprintf("%s%s%s", f->pooler == POOLER_CONSOLE ? "" : "PostgreSQL ",
		f->version ? f->version : "of unknown version",
		!f->asked    ? ""
		: f->standby ? ", standby"
			     : ", primary"));
	if (f->asked)
		row(s, "role", xasprintf("%s, in database %s", f->role, f->database));
	row(s, "encoding", xstrdup(f->encoding ? f->encoding : "unknown"));
	row(s, "pooler", xstrdup(poolers[f->pooler].text));
}

static void
rows_of_delivery(const struct section *s, const struct findings *f)
{
	if (f->delivered)
		row(s, "delivery",
		    xasprintf("%d of %d, median %.2f ms", f->delivered, f->sent,
			(double)f->median / 1000));
	else if (f->sent)
		row(s, "delivery", xasprintf("0 of %d", f->sent));
	if (f->asked && f->queue >= 0)
		row(s, "queue", xasprintf("%.1f %% used", 100 * f->queue));
}

void
check_report_text(struct buffer *out, const struct subscription *wanted, const struct findings *f,
    const struct problems *p, bool terminal)
{
	const struct section s = {out, terminal};

	add_escaped(&s, wanted->target->label);
	buffer_addf(out, ": %s%s\n", verdicts[f->verdict].text,
	    f->verdict == VERDICT_THROUGH && p->count ? ", but see below" : "");
	if (f->host)
		rows_of_server(&s, f);
	row_channels(&s, wanted);
	rows_of_delivery(&s, f);
	for (size_t i = 0; i < p->count; i++) {
		row(&s, "PROBLEM", xstrdup(p->list[i].text));
		row(&s, "  to do", xstrdup(p->list[i].advice));
	}
}

/* Keys of an object that is being put together. NULL is null. */
static void
put_string(struct buffer *json, const char *key, const char *value)
{
	json_writer_item(json, key);
	if (value)
		json_writer_string(json, value, strlen(value));
	else
		buffer_add(json, "null", 4);
}

static void
put_number(struct buffer *json, const char *key, bool known, double value, int decimals)
{
	json_writer_item(json, key);
	if (known)
		buffer_addf(json, "%.*f", decimals, value);
	else
		buffer_add(json, "null", 4);
}

static void
put_time(struct buffer *json, const char *key, int64_t us)
{
	char text[FORMAT_TIME_LENGTH + 1];

	*format_time(text, us) = '\0';
	put_string(json, key, text);
}

static void
put_open(struct buffer *json, const char *key, const char *bracket)
{
	json_writer_item(json, key);
	buffer_add(json, bracket, 1);
}

static void
put_close(struct buffer *json, const char *bracket)
{
	buffer_add(json, bracket, 1);
}

static void
put_server(struct buffer *json, const struct findings *f)
{
	put_string(json, "host", f->host);
	put_number(json, "port", f->port != NULL, f->port ? strtod(f->port, NULL) : 0, 0);
	put_string(json, "security", f->security);
	put_string(json, "server_version", f->version);
	put_string(json, "server_encoding", f->encoding);
	put_string(json, "role", f->role);
	put_string(json, "database", f->database);
	json_writer_item(json, "standby");
	buffer_addf(json, "%s", !f->asked ? "null" : f->standby ? "true" : "false");
	put_string(json, "pooler", poolers[f->pooler].json);
}

static void
put_channels(struct buffer *json, const struct subscription *s)
{
	char *hint = subscription_hint(s);

	put_open(json, "channels", "[");
	for (size_t i = 0; i < s->count; i++)
		put_string(json, NULL, s->channels[i]);
	put_close(json, "]");
	put_string(json, "hint", hint);
	free(hint);
}

static void
put_holders(struct buffer *json, const struct findings *f)
{
	put_open(json, "queue_holders", "[");
	for (size_t i = 0; i < f->holder_count; i++) {
		const struct holder *h = &f->holders[i];

		put_open(json, NULL, "{");
		put_number(json, "pid", true, (double)h->pid, 0);
		put_string(json, "role", h->role);
		put_string(json, "database", h->database);
		put_string(json, "application", h->application);
		put_string(json, "state", h->state);
		put_time(json, "since", h->since);
		put_close(json, "}");
	}
	put_close(json, "]");
}

static void
put_problems(struct buffer *json, const struct problems *p)
{
	put_open(json, "problems", "[");
	for (size_t i = 0; i < p->count; i++) {
		put_open(json, NULL, "{");
		put_string(json, "code", p->list[i].code);
		put_string(json, "text", p->list[i].text);
		put_string(json, "advice", p->list[i].advice);
		put_close(json, "}");
	}
	put_close(json, "]");
}

void
check_report_json(struct buffer *out, const struct subscription *s, const struct findings *f,
    const struct problems *p, bool terminal)
{
	struct wrap canvas = {.out = out, .ascii = terminal && !tty_reads_utf8()};
	struct buffer json = {0};

	put_string(&json, "connection", s->target->label);
	put_time(&json, "time", clock_realtime());
	put_string(&json, "status", verdicts[f->verdict].json);
	put_string(&json, "sqlstate", f->sqlstate[0] ? f->sqlstate : NULL);
	put_server(&json, f);
	put_channels(&json, s);
	put_number(&json, "sent", true, f->sent, 0);
	put_number(&json, "delivered", true, f->delivered, 0);
	put_number(&json, "delivery_ms", f->median >= 0, (double)f->median / 1000, 3);
	put_number(&json, "queue_usage", f->asked && f->queue >= 0, f->queue, 6);
	put_holders(&json, f);
	put_problems(&json, p);
	buffer_add(out, "{", 1);
	wrap_json(&canvas, buffer_content(&json), buffer_length(&json));
	buffer_add(out, "}\n", 2);
	buffer_free(&json);
}
