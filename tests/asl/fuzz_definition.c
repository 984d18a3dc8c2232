#include "asl/compile/compile.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any text as a definition: a machine that can be walked, or faults. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {size > 0 ? (const char *)data : "", size};
	struct tmf_err err = {0};
	struct doc *doc = doc_parse("fuzz", text, &err);
	struct diag_list diags;
	struct asl_machine *machine;

	assert((doc == NULL) == tmf_err_isset(&err));
	tmf_err_fini(&err);
	if (doc == NULL)
		return 0;
	diag_list_init(&diags, doc);
	machine = asl_compile(doc, NULL, &diags);
	assert((machine == NULL) == (diags.errors > 0));
	json_decref(diag_json(&diags));
	doc_free(doc); /* the machine does without */
	diags.doc = NULL;
	for (unsigned i = 0; machine != NULL && i < asl_machine_state_count(machine); i++) {
		const struct asl_state *state = asl_machine_state(machine, i);

		assert(asl_machine_find(machine, state->name) == state);
		assert(state->scope->start != NULL && state->pointer != NULL);
	}
	asl_machine_unref(machine);
	diag_list_fini(&diags);
	return 0;
}
