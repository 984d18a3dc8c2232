/* What a metadata endpoint answers, by way of the whole chain: the first byte chooses endpoint,
 * status and pieces. */
#include "credentials_fixture.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STATUSES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
hear(void *arg, const struct credentials *credentials, struct tmf_err *err)
{
	int *heard = arg;

	/* One of the two; keys are whole and fit into a header. */
	if ((credentials != NULL) == (err != NULL && tmf_err_isset(err)))
		abort();
	if (credentials != NULL &&
	    (credentials->access_key_id[0] == '\0' ||
		secret_reveal(&credentials->secret_access_key)[0] == '\0' ||
		strpbrk(secret_reveal(&credentials->session_token), "\r\n ") != NULL))
		abort();
	++*heard;
}

static void
look(struct keys_fixture *f)
{
	struct tmf_err err = {0};
	int heard = 0;

	keys_open(f);
	f->provider = credentials_chain_new(&f->opts);
	f->provider->get(f->provider, hear, &heard);
	if (tmf_loop_run(f->loop, &err) < 0 || heard != 1)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[STATUSES] = {200, 200, 404, 0};
	struct scripted_reply reply = {.operation = NULL};
	struct keys_fixture f;
	char *body;

	if (size == 0)
		return 0;
	body = scripted_text(data + 1, size - 1);
	reply.status = statuses[data[0] % STATUSES];
	reply.body = body;
	keys_init(&f, &(struct scripted_opts){.replies = &reply,
			  .replies_count = 1,
			  .piece_bytes = (data[0] & 128) != 0 ? 3 : 0});
	keys_env(&f, "HOME", "/nonexistent");
	if ((data[0] & 64) != 0)
		keys_env(&f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/k");
	look(&f);
	keys_fini(&f);
	free(body);
	return 0;
}
