/* The list of places, and the lists of names that options take. */
#include "cli/places/places.h"

#include "aws/arn.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* Doubled when full: thousands are added one by one. */
int
places_append(struct places *places, const struct place *place, struct tmf_err *err)
{
	size_t count = places->count;

	assert(count <= PLACES_MAX);
	if (count == PLACES_MAX)
		return tmf_err_set(err, TMF_ERR_LIMIT,
		    "more than %d pairs of account and region: take fewer at a time", PLACES_MAX);
	if ((count & (count - 1)) == 0)
		places->at =
		    mem_resize(places->at, count == 0 ? 1 : 2 * count, sizeof(places->at[0]));
	places->at[places->count++] = (struct place){
	    .account = mem_strdup(place->account),
	    .region = mem_strdup(place->region),
	    .assume_role = arn_fill_in(place->assume_role, place->account, place->region),
	    .external_id = mem_strdup(place->external_id),
	};
	return 0;
}

int
places_split(const char *list, const char *option, json_t **ret_items, struct tmf_err *err)
{
	json_t *items = json_array();

	for (const char *at = list; at != NULL; at++) {
		size_t len = strcspn(at, ",");

		if (len == 0) {
			json_decref(items);
			return tmf_err_set(
			    err, TMF_ERR_INVALID, "--%s: empty name in \"%s\"", option, list);
		}
		json_array_append_new(items, json_stringn(at, len));
		at += len;
		if (*at == '\0')
			break;
	}
	*ret_items = items;
	return 0;
}
