#include "aws/tally.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* The members of a row that tally_add sums, beside the replies. */
static const char *const counters[] = {"requests", "retries", "throttled", "failed"};

#define REPLIES	      "replies"
#define OTHER_REPLIES "other"

/* The object that is a member of another, made where it is missing. Borrowed. */
static json_t *
tally_object_in(json_t *object, const char *key)
{
	json_t *member = json_object_get(object, key);

	if (json_is_object(member))
		return member;
	member = json_object();
	json_object_set_new(object, key, member);
	return member;
}

/* A number that would be 0 is left out, so that an operation that never failed does not list
 * failures. */
static void
tally_count(json_t *object, const char *key, json_int_t more)
{
	json_t *number = json_object_get(object, key);

	if (more <= 0)
		return;
	if (json_is_integer(number))
		json_integer_set(number, json_integer_value(number) + more);
	else
		json_object_set_new(object, key, json_integer(more));
}

/* A server that invents codes must not make the tally grow: further kinds are one. */
static void
tally_count_reply(json_t *row, const char *kind, json_int_t more)
{
	json_t *replies = tally_object_in(row, REPLIES);

	if (json_object_get(replies, kind) == NULL &&
	    json_object_size(replies) >= TALLY_REPLIES_MAX)
		kind = OTHER_REPLIES;
	tally_count(replies, kind, more);
}

/* A retry is a request too: both counters grow. */
void
tally_request(json_t *tally, const char *operation, bool again)
{
	json_t *row = tally_object_in(tally, operation);

	tally_count(row, "requests", 1);
	tally_count(row, "retries", again);
}

/* "503 RequestLimitExceeded": the status beside the code, since EC2 sends one code under
 * several. Status 0 stands for no reply: then the transport's own error is the kind. */
void
tally_reply(json_t *tally, const char *operation, int status, const char *error, bool throttled)
{
	json_t *row = tally_object_in(tally, operation);
	char *kind = status == 0     ? mem_strdup(error)
		     : error != NULL ? mem_printf("%d %s", status, error)
				     : mem_printf("%d", status);

	tally_count_reply(row, kind, 1);
	tally_count(row, "throttled", throttled);
	free(kind);
}

/* Counted once a call, however many attempts it had. */
void
tally_failure(json_t *tally, const char *operation)
{
	tally_count(tally_object_in(tally, operation), "failed", 1);
}

/* The numbers may come from a file that somebody edited: what is not an integer counts as 0. */
static void
tally_add_row(json_t *row, const json_t *more)
{
	const char *kind;
	json_t *number;

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		tally_count(
		    row, counters[i], json_integer_value(json_object_get(more, counters[i])));
	json_object_foreach (json_object_get(more, REPLIES), kind, number)
		tally_count_reply(row, kind, json_integer_value(number));
}

/* Rows of the same operation are summed, so that a resumed run continues its counts. */
void
tally_add(json_t *tally, const json_t *more)
{
	const char *operation;
	json_t *row;

	json_object_foreach ((json_t *)more, operation, row)
		if (json_is_object(row))
			tally_add_row(tally_object_in(tally, operation), row);
}
