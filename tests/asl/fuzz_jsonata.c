#include "asl/jsonata/jsonata.h"
#include "base/jsonx.h"
#include "base/rng.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define FUZZ_STEPS_MAX 500000u /* an endless loop must not look like a hang in slow builds */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char standard[] = "{\"a\":[1,2.5,\"x\",null,{\"b\":\"\\u00e9\",\"c\":[[1]]}],"
			       "\"o\":{\"k\":1},\"s\":\"a,b\",\"n\":-1.5}";

/* Input data are looked at in place: an evaluation must leave them as they were. */
static void
evaluate_once(const struct jsonata *jsonata, json_t *input)
{
	struct rng rng;
	struct jsonata_opts opts = {
	    .input = input, .steps_max = FUZZ_STEPS_MAX, .now_wall_ms = 1500000000000, .rng = &rng};
	struct jsonata_error err = {.position = 0};
	json_t *before = json_deep_copy(input);
	json_t *result = NULL;
	int ret;

	rng_seed(&rng, 1);
	ret = jsonata_evaluate(jsonata, &opts, &result, &err);
	assert((ret < 0) == (err.code[0] != '\0'));
	assert((ret < 0) == (err.message[0] != '\0') || strcmp(err.code, "D3137") == 0 ||
	       strcmp(err.code, "D3141") == 0);
	assert(ret == 0 || result == NULL);
	assert(json_equal(before, input));
	json_decref(before);
	json_decref(result);
}

/* An expression, and after a line feed the JSON that it is tried on. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size > 0 ? (const char *)data : "";
	const char *end = memchr(text, '\n', size);
	struct str first = {text, end != NULL ? (size_t)(end - text) : size};
	struct str json = end != NULL ? (struct str){end + 1, size - first.len - 1}
				      : (struct str){standard, sizeof(standard) - 1};
	struct jsonata_error err = {.position = 0};
	struct jsonata *jsonata = jsonata_compile(first, &err);
	json_t *input = jsonx_parse(json, NULL);

	assert((jsonata == NULL) == (err.code[0] != '\0'));
	if (jsonata != NULL && input != NULL)
		evaluate_once(jsonata, input);
	json_decref(input);
	jsonata_free(jsonata);
	return 0;
}
