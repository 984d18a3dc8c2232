/* Hooks: Lua source that is loaded, and whose functions are called with an instance and a rule. */
#include "base/jsonx.h"
#include "script/script.h"

#include <stdint.h>
#include <stdlib.h>

#define INSTANCE                                                                                   \
	"{\"InstanceId\":\"i-1\",\"InstanceType\":\"m5.large\",\"Tags\":[{\"Key\":\"a\","          \
	"\"Value\":\"b\"}],"                                                                       \
	"\"NetworkInterfaces\":[{\"DeviceIndex\":0}],\"SubnetId\":null}"
#define RULE "{\"Name\":\"r\",\"Kind\":\"tags\",\"Number\":1.5}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Results or an error, never both; and what came over can be written. */
static void
call(struct script *script, const char *function, json_t *const *args, size_t count)
{
	json_t *results[SCRIPT_RESULTS_MAX] = {NULL};
	struct tmf_err err = {0};

	if (script_call(script, function, args, count, results, &err) < 0) {
		if (err.code != TMF_ERR_HOOK)
			abort();
		tmf_err_fini(&err);
		return;
	}
	for (size_t i = 0; i < SCRIPT_RESULTS_MAX; i++) {
		char *text = jsonx_text(results[i]);

		if (text == NULL)
			abort();
		free(text);
		json_decref(results[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const functions[] = {"match", "eligible", "priority", "f"};
	static json_t *args[2];
	struct tmf_err err = {0};
	struct script *script;

	if (args[0] == NULL) {
		args[0] = jsonx_parse(str_of(INSTANCE), &err);
		args[1] = jsonx_parse(str_of(RULE), &err);
	}
	script = script_new("fuzz.lua", (struct str){(const char *)data, size}, &err);
	if ((script == NULL) != tmf_err_isset(&err))
		abort();
	for (size_t i = 0; script != NULL && i < sizeof(functions) / sizeof(functions[0]); i++)
		if (script_has(script, functions[i]))
			call(script, functions[i], args, 2);
	script_free(script);
	tmf_err_fini(&err);
	return 0;
}
