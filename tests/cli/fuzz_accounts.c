/* The file of --accounts, with regions of the command line or without them. */
#include "cli/places/places.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_places(const struct places *places)
{
	if (places->count == 0 || places->count > PLACES_MAX)
		abort();
	for (size_t i = 0; i < places->count; i++) {
		const struct place *place = &places->at[i];

		if (place->account == NULL || strspn(place->account, "0123456789") != 12 ||
		    place->assume_role == NULL ||
		    (place->region != NULL && place->region[0] == '\0'))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct cli_opts opts = {
	    .region = size > 0 && data[0] == '#' ? "us-east-1,eu-west-1" : NULL};
	struct doc *doc = doc_parse("fuzz", (struct str){(const char *)data, size}, NULL);
	struct places places = {0};
	struct diag_list diags;
	struct tmf_err err = {0};

	if (doc == NULL)
		return 0;
	diag_list_init(&diags, doc);
	if (places_of_doc(doc, &opts, &diags, &places, &err) == 0)
		check_places(&places);
	else if ((diags.errors > 0) == tmf_err_isset(&err))
		abort();
	places_fini(&places);
	diag_list_fini(&diags);
	doc_free(doc);
	tmf_err_fini(&err);
	return 0;
}
