#include "credentials_fixture.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *
look_up(void *arg, const char *name)
{
	const struct keys_fixture *f = arg;
	size_t len = strlen(name);

	for (size_t i = 0; i < f->words_count; i++)
		if (strncmp(f->words[i], name, len) == 0 && f->words[i][len] == '=')
			return f->words[i] + len + 1;
	return NULL;
}

void
keys_init(struct keys_fixture *f, const struct scripted_opts *script)
{
	struct scripted_opts opts = script != NULL ? *script : (struct scripted_opts){.loop = NULL};

	*f = (struct keys_fixture){.calls = 0};
	fake_clock_init(&f->clock, KEYS_WALL_MS);
	f->loop = tmf_loop_new(&f->clock.clock);
	opts.loop = f->loop;
	f->scripted = scripted_transport_new(&opts);
	rng_seed(&f->rng, 1);
}

static void
answer(void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body)
{
	struct service *service = arg;
	char *body = mem_strndup(request->body.p, request->body.len);

	service->timeout_ms = request->total_timeout_ms;
	service->by_proxy |= !request->no_proxy;
	for (size_t i = 0; service->routes[i].method != NULL; i++) {
		const struct route *route = &service->routes[i];

		if (strcmp(route->method, request->method) != 0 ||
		    (strstr(request->url, route->where) == NULL &&
			strstr(body, route->where) == NULL) ||
		    (route->times > 0 && service->used[i] == route->times))
			continue;
		service->used[i]++;
		*ret_status = route->status;
		buf_add_cstr(ret_body, route->body);
		free(body);
		return;
	}
	ck_abort_msg("nobody answers %s %s %s", request->method, request->url, body);
}

void
keys_init_service(struct keys_fixture *f, struct service *service, const struct route *routes)
{
	*service = (struct service){.routes = routes};
	keys_init(f, &(struct scripted_opts){.answer = answer, .answer_arg = service});
}

void
keys_fini(struct keys_fixture *f)
{
	credentials_provider_free(f->provider);
	aws_settings_fini(&f->settings);
	scripted_transport_free(f->scripted);
	tmf_loop_free(f->loop);
	for (size_t i = 0; i < f->words_count; i++)
		free(f->words[i]);
	for (size_t i = 0; i < f->paths_count; i++) {
		unlink(f->paths[i]);
		free(f->paths[i]);
	}
	tmf_err_fini(&f->err);
}

void
keys_env(struct keys_fixture *f, const char *name, const char *value)
{
	assert(f->words_count < KEYS_WORDS_MAX);
	f->words[f->words_count++] = mem_printf("%s=%s", name, value);
}

const char *
keys_file(struct keys_fixture *f, const char *name, const char *text)
{
	char path[] = "/tmp/tmflow-keys-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	ck_assert_uint_lt(f->paths_count, KEYS_WORDS_MAX);
	f->paths[f->paths_count++] = mem_strdup(path);
	keys_env(f, name, path);
	return f->paths[f->paths_count - 1];
}

void
keys_open(struct keys_fixture *f)
{
	struct tmf_err err = {0};
	const char *profile = f->opts.profile;

	f->opts = (struct credentials_opts){
	    .env = {.get = look_up, .arg = f},
	    .profile = profile,
	    .loop = f->loop,
	    .transport = scripted_transport_http(f->scripted),
	    .rng = &f->rng,
	    .settings = &f->settings,
	};
	int ret = aws_settings_load(&f->opts.env, "us-east-1", profile, &f->settings, &err);

	assert(ret == 0); /* the fuzz target is no suite, so Check is not at hand */
}

static void
take(void *arg, const struct credentials *credentials, struct tmf_err *err)
{
	struct keys_fixture *f = arg;

	f->calls++;
	tmf_loop_stop(f->loop);
	f->id[0] = f->secret[0] = f->token[0] = '\0';
	if (credentials == NULL) {
		tmf_err_move(&f->err, err);
		return;
	}
	f->serial = credentials->serial;
	snprintf(f->id, sizeof(f->id), "%s", credentials->access_key_id);
	snprintf(
	    f->secret, sizeof(f->secret), "%s", secret_reveal(&credentials->secret_access_key));
	snprintf(f->token, sizeof(f->token), "%s", secret_reveal(&credentials->session_token));
}

void
keys_get(struct keys_fixture *f)
{
	struct tmf_err err = {0};
	int before = f->calls;

	if (f->opts.loop == NULL)
		keys_open(f);
	if (f->provider == NULL)
		f->provider = credentials_chain_new(&f->opts);
	f->provider->get(f->provider, take, f);
	if (f->calls == before)
		ck_assert_int_eq(tmf_loop_run(f->loop, &err), 0);
	ck_assert_int_eq(f->calls, before + 1);
}

static void
stop_waiting(struct tmf_timer *timer)
{
	timer->fire = NULL;
}

void
keys_wait(struct keys_fixture *f, int64_t by_ms)
{
	struct tmf_timer timer = {.fire = stop_waiting};
	struct tmf_err err = {0};

	tmf_loop_timer_arm(f->loop, &timer, f->clock.now_mono_ms + by_ms);
	ck_assert_int_eq(tmf_loop_run(f->loop, &err), 0);
	ck_assert_ptr_null(timer.fire);
}

void
keys_expect_fault(struct keys_fixture *f, const char *part)
{
	ck_assert_msg(tmf_err_isset(&f->err), "no fault, but keys: %s", f->id);
	ck_assert_int_eq(f->err.code, f->serial > 0 ? TMF_ERR_EXPIRED : TMF_ERR_CREDENTIALS);
	ck_assert_msg(strstr(tmf_err_text(&f->err), part) != NULL, "%s", tmf_err_text(&f->err));
	tmf_err_fini(&f->err);
}

void
keys_expect(const struct keys_fixture *f, const char *id, const char *secret, const char *token)
{
	ck_assert_msg(!tmf_err_isset(&f->err), "%s", tmf_err_text(&f->err));
	ck_assert_str_eq(f->id, id);
	ck_assert_str_eq(f->secret, secret);
	ck_assert_str_eq(f->token, token);
}

size_t
keys_sent(const struct keys_fixture *f)
{
	return scripted_transport_sent(f->scripted);
}

const struct scripted_request *
keys_request(const struct keys_fixture *f, size_t i)
{
	return scripted_transport_request(f->scripted, i);
}
