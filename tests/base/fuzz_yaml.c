/* Any bytes as a document: parsed or refused, never a crash. */
#include "base/doc/doc.h"
#include "base/jsonx.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_parse("fuzz", (struct str){(const char *)data, size}, &err);

	if (doc != NULL) {
		free(jsonx_text(doc_root(doc)));
		doc_value_pos(doc, "/a/0/b");
	}
	doc_free(doc);
	tmf_err_fini(&err);
	return 0;
}
