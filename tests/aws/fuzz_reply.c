/* A service's replies, by way of the whole client: the first byte chooses status, pieces and
 * operation. */
#include "fuzz_reply.h"

#include <stdint.h>
#include <stdlib.h>

#define STATUSES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[STATUSES] = {200, 400, 503, 200};
	struct scripted_reply reply = {.operation = NULL};
	struct aws_fixture f;
	char *body;

	if (size == 0)
		return 0;
	body = scripted_text(data + 1, size - 1);
	reply.status = statuses[data[0] % STATUSES];
	reply.body = body;
	aws_fixture_init(&f,
	    &(struct scripted_opts){.replies = &reply,
		.replies_count = 1,
		.request_id = (data[0] & 64) != 0 ? "id" : NULL,
		.piece_bytes = (data[0] & 128) != 0 ? 3 : 0},
	    1);
	aws_fixture_service(&f, fuzz_service);
	aws_fixture_run(&f, fuzz_start(f.client, data[0] / STATUSES));
	/* One of the two, and an error is never without a name. */
	if ((f.result != NULL) == tmf_err_isset(&f.err) ||
	    (f.result != NULL && reply.status != 200) ||
	    (tmf_err_isset(&f.err) && f.err.name[0] == '\0'))
		abort();
	aws_fixture_fini(&f);
	free(body);
	return 0;
}
