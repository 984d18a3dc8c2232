#include "aws_fixture.h"

#include "aws/pace/retry.h"
#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void
give_keys(struct credentials_provider *provider, credentials_done_fn *done, void *arg)
{
	done(arg, &((struct fixture_keys *)provider)->credentials, NULL);
}

static void
refresh_keys(struct credentials_provider *provider, unsigned serial)
{
	(void)serial;
	((struct fixture_keys *)provider)->refreshes++;
}

void
aws_fixture_init(struct aws_fixture *f, const struct scripted_opts *script, int attempts_max)
{
	struct scripted_opts opts = *script;
	struct credentials *credentials = &f->keys.credentials;

	*f = (struct aws_fixture){0};
	fake_clock_init(&f->clock, FIXTURE_WALL_MS);
	f->loop = tmf_loop_new(&f->clock.clock);
	opts.loop = f->loop;
	f->scripted = scripted_transport_new(&opts);
	rng_seed(&f->rng, 1);
	f->keys.provider = (struct credentials_provider){.get = give_keys, .refresh = refresh_keys};
	snprintf(credentials->access_key_id, sizeof(credentials->access_key_id), "%s",
	    FIXTURE_ACCESS_KEY);
	secret_set(&credentials->secret_access_key, FIXTURE_SECRET_KEY);
	f->attempts_max = attempts_max;
	aws_fixture_service(f, "ec2");
}

void
aws_fixture_retry_mode(struct aws_fixture *f, const char *name)
{
	f->retry_mode = name != NULL ? retry_mode_find(name) : NULL;
	aws_fixture_service(f, f->service);
}

void
aws_fixture_service(struct aws_fixture *f, const char *service)
{
	struct tmf_err err = {0};

	f->service = service;
	aws_client_free(f->client);
	f->client = aws_client_new(
	    &(struct aws_client_opts){
		.loop = f->loop,
		.transport = scripted_transport_http(f->scripted),
		.credentials = &f->keys.provider,
		.rng = &f->rng,
		.pacer = f->pacer,
		.service = service,
		.region = "us-east-1",
		.endpoint = f->endpoint,
		.retry_mode = f->retry_mode,
		.attempts_max = f->attempts_max,
	    },
	    &err);
	assert(f->client != NULL);
}

void
aws_fixture_fini(struct aws_fixture *f)
{
	aws_client_free(f->client);
	pacer_free(f->pacer);
	scripted_transport_free(f->scripted);
	tmf_loop_free(f->loop);
	credentials_fini(&f->keys.credentials);
	json_decref(f->result);
	tmf_err_fini(&f->err);
}

void
aws_fixture_set_token(struct aws_fixture *f, const char *token)
{
	secret_set(&f->keys.credentials.session_token, token);
}

void
aws_fixture_completed(void *arg, struct tmf_call *call)
{
	struct aws_fixture *f = arg;

	f->completions++;
	json_decref(f->result);
	f->result = tmf_call_take_result(call);
	tmf_err_move(&f->err, &call->err);
}

void
aws_fixture_run(struct aws_fixture *f, struct tmf_call *call)
{
	struct tmf_err err = {0};
	int before = f->completions;
	int ret;

	tmf_call_on_done(call, aws_fixture_completed, f);
	assert(f->completions == before); /* never inside the function that started it */
	ret = tmf_loop_run(f->loop, &err);
	assert(ret == 0);
	assert(f->completions == before + 1);
	tmf_err_fini(&err);
}

/* Classified anew as what AWS said: what the client made of it must not decide. */
void
aws_fixture_expect_refusal(const struct aws_fixture *f, const char *name)
{
	struct tmf_err said = {0};

	assert(strcmp(f->err.name, name) == 0);
	tmf_err_set_name(&said, TMF_ERR_SERVICE, name, NULL);
	said.http_status = f->err.http_status;
	assert(f->err.code ==
	       (retry_classify(&said) == RETRY_CREDENTIALS ? TMF_ERR_EXPIRED : TMF_ERR_SERVICE));
	tmf_err_fini(&said);
}
