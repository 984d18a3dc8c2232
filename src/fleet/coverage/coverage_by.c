#include "base/buf.h"
#include "base/mem.h"
#include "fleet/coverage/coverage.h"
#include "mirror/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const coverage_key_names[] = {
#define X(id, name) [COVERAGE_KEY_##id] = name,
    COVERAGE_KEY_TABLE(X)
#undef X
	[COVERAGE_KEY_COUNT] = NULL,
};

void
coverage_by_fini(struct coverage_by *by)
{
	for (size_t i = 0; i < by->count; i++)
		free(by->at[i].name);
	*by = (struct coverage_by){.count = 0};
}

static int
coverage_by_unknown(const char *name, struct tmf_err *err)
{
	const char *nearest = str_nearest(str_of(name), coverage_key_names);

	return tmf_err_set(err, TMF_ERR_INVALID,
	    "--by: unknown key \"%s\"%s%s (account, region, vpc, subnet, zone, type, rule, target "
	    "or tag:KEY)",
	    name, nearest != NULL ? ": did you mean " : "", nearest != NULL ? nearest : "");
}

/* Takes name. */
static int
coverage_by_add(struct coverage_by *by, char *name, struct tmf_err *err)
{
	size_t prefix = strlen(COVERAGE_TAG_PREFIX);
	int key = 0;

	while (key < COVERAGE_KEY_COUNT && strcmp(coverage_key_names[key], name) != 0)
		key++;
	if (key == COVERAGE_KEY_COUNT &&
	    (strncmp(name, COVERAGE_TAG_PREFIX, prefix) != 0 || name[prefix] == '\0'))
		coverage_by_unknown(name, err);
	for (size_t i = 0; i < by->count; i++)
		if (strcmp(by->at[i].name, name) == 0)
			tmf_err_set(err, TMF_ERR_INVALID, "--by: given twice: %s", name);
	if (by->count == COVERAGE_BY_MAX)
		tmf_err_set(err, TMF_ERR_INVALID, "--by: more than %d keys", COVERAGE_BY_MAX);
	if (tmf_err_isset(err)) {
		free(name);
		return -1;
	}
	by->at[by->count++] = (struct coverage_by_key){.key = (enum coverage_key)key, .name = name};
	return 0;
}

/* Commas part the keys, so that the key of a tag cannot have one. */
int
coverage_by_parse(const char *text, struct coverage_by *ret_by, struct tmf_err *err)
{
	struct coverage_by by = {.count = 0};

	assert(!tmf_err_isset(err));
	for (const char *at = text;; at++) {
		size_t len = strcspn(at, ",");

		if (coverage_by_add(&by, mem_strndup(at, len), err) < 0) {
			coverage_by_fini(&by);
			return -1;
		}
		at += len;
		if (*at == '\0')
			break;
	}
	*ret_by = by;
	return 0;
}

bool
coverage_by_needs_tags(const struct coverage_by *by)
{
	for (size_t i = 0; i < by->count; i++)
		if (by->at[i].key == COVERAGE_KEY_COUNT &&
		    strcmp(by->at[i].name, COVERAGE_TAG_PREFIX TAG_NAME) != 0)
			return true;
	return false;
}
