#include "web/coverage/coverage_page.h"

#include "web/page/page.h"

#include <assert.h>

static const char *const coverage_page_scripts[] = {"common.js", "coverage.js", NULL};

/* The numbers are those of -o json, and the page draws them: there is one place that counts. */
void
coverage_page_write(const json_t *document, int64_t read_wall_ms, FILE *out)
{
	const struct page page = {.title = "tmflow coverage", .scripts = coverage_page_scripts};
	json_t *data = json_copy((json_t *)document);

	assert(json_is_array(json_object_get(document, "groups")));
	json_object_set_new(data, "readMs", json_integer(read_wall_ms));
	page_begin(&page, out);
	page_put_json(out, "coverage", data);
	page_end(&page, out);
	json_decref(data);
}
