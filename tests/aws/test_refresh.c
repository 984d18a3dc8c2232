/* Fresh keys ahead of time: a service that gives some for a while, and a clock that goes on. */
#include "aws/services/ec2.h"
#include "base/log.h"
#include "credentials_fixture.h"

#include "base/clock.h"
#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TWO_HOURS_MS (120 * MINUTE_MS)

/* A container's endpoint, or STS: each answer has keys of its own that last life_ms; while it is
 * down it does not answer. */
struct issuer {
	struct keys_fixture *f;
	int64_t life_ms;
	const char *operation; /* of STS */
	int issued;
	int asked;
	bool down;
};

static void
issue(void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body)
{
	struct issuer *issuer = arg;
	char until[CLOCK_ISO_BYTES];

	(void)request;
	issuer->asked++;
	if (issuer->down) {
		*ret_status = 0;
		buf_add_cstr(ret_body, "timed out");
		return;
	}
	*ret_status = 200;
	if (strstr(request->url, "token") != NULL) { /* the instance's */
		buf_add_cstr(ret_body, "T");
		return;
	}
	if (strstr(request->url, "security-credentials/") != NULL &&
	    request->url[strlen(request->url) - 1] == '/') {
		buf_add_cstr(ret_body, "role");
		return;
	}
	clock_iso(issuer->f->clock.now_wall_ms + issuer->life_ms, until);
	if (strcmp(request->method, "POST") == 0) {
		const char *operation = issuer->operation;

		buf_printf(ret_body,
		    "<%sResponse><%sResult><Credentials><AccessKeyId>AKID%d</AccessKeyId>"
		    "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
		    "<Expiration>%s</Expiration></Credentials></%sResult></%sResponse>",
		    operation, operation, ++issuer->issued, until, operation, operation);
		return;
	}
	buf_printf(ret_body,
	    "{\"AccessKeyId\":\"AKID%d\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":"
	    "\"%s\"}",
	    ++issuer->issued, until);
}

static void
begin(struct keys_fixture *f, struct issuer *issuer, int64_t life_ms, bool container)
{
	*issuer = (struct issuer){.f = f, .life_ms = life_ms};
	keys_init(f, &(struct scripted_opts){.answer = issue, .answer_arg = issuer});
	if (container)
		keys_env(f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/k");
}

/* The number in the id that is in use. */
static int
issue_in_use(const struct keys_fixture *f)
{
	ck_assert_msg(!tmf_err_isset(&f->err), "%s", tmf_err_text(&f->err));
	return atoi(f->id + strlen("AKID"));
}

/* Two hours of asking every second, with keys of 15 minutes: none is ever used beyond its end,
 * and few are fetched. */
static void
ask_for_two_hours(struct keys_fixture *f, const struct issuer *issuer)
{
	int64_t issued_at_ms[32] = {0};

	while (f->clock.now_mono_ms < TWO_HOURS_MS) {
		int in_use;

		keys_get(f);
		in_use = issue_in_use(f);
		ck_assert_int_lt(in_use, 32);
		if (issued_at_ms[in_use] == 0)
			issued_at_ms[in_use] = f->clock.now_mono_ms + 1;
		ck_assert_int_lt(f->clock.now_mono_ms + 1 - issued_at_ms[in_use], 12 * MINUTE_MS);
		keys_wait(f, 1000);
	}
	/* A third ahead: every 10 minutes. */
	ck_assert_int_eq(issuer->issued, 12);
}

START_TEST(two_hours_with_keys_of_15_minutes)
{
	struct issuer issuer;
	struct keys_fixture f;

	begin(&f, &issuer, 15 * MINUTE_MS, true);
	ask_for_two_hours(&f, &issuer);
	keys_fini(&f);
}
END_TEST

START_TEST(two_hours_of_a_role)
{
	struct issuer issuer;
	struct keys_fixture f;

	begin(&f, &issuer, 15 * MINUTE_MS, false);
	issuer.operation = "AssumeRole";
	f.opts.profile = "r";
	keys_file(&f, "AWS_CONFIG_FILE",
	    "[profile r]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = b\n"
	    "duration_seconds = 900\n[profile b]\naws_access_key_id = AKIDB\n"
	    "aws_secret_access_key = s\n");
	ask_for_two_hours(&f, &issuer);
	keys_fini(&f);
}
END_TEST

START_TEST(two_hours_of_a_web_identity)
{
	struct issuer issuer;
	struct keys_fixture f;

	begin(&f, &issuer, 15 * MINUTE_MS, false);
	issuer.operation = "AssumeRoleWithWebIdentity";
	keys_file(&f, "AWS_WEB_IDENTITY_TOKEN_FILE", "eyJ.e30.sig");
	keys_env(&f, "AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
	ask_for_two_hours(&f, &issuer);
	keys_fini(&f);
}
END_TEST

/* The instance's own of 15 minutes count as those of a service in trouble, and are asked for at
 * least every 12 minutes: within their life. */
START_TEST(two_hours_of_an_instance)
{
	struct issuer issuer;
	struct keys_fixture f;
	int64_t ends_ms = 15 * MINUTE_MS;
	int last = 1;

	log_setup(LOG_NONE, LOG_LOGFMT, stderr);
	begin(&f, &issuer, 15 * MINUTE_MS, false);
	while (f.clock.now_mono_ms < TWO_HOURS_MS) {
		keys_get(&f);
		if (issue_in_use(&f) != last) {
			last = issue_in_use(&f);
			ends_ms = f.clock.now_mono_ms + 15 * MINUTE_MS;
		}
		ck_assert_int_lt(f.clock.now_mono_ms, ends_ms);
		keys_wait(&f, 1000);
	}
	ck_assert_int_ge(issuer.issued, 120 / 12);
	ck_assert_int_le(issuer.issued, 120 / 2);
	keys_fini(&f);
}
END_TEST

/* From 15 minutes before the end fresh keys are fetched beside, from 10 they are waited for. */
START_TEST(tried_first_then_waited_for)
{
	struct issuer issuer;
	struct keys_fixture f;

	begin(&f, &issuer, 60 * MINUTE_MS, true);
	keys_get(&f);
	keys_wait(&f, 44 * MINUTE_MS);
	keys_get(&f);
	ck_assert_int_eq(issuer.asked, 1);
	keys_wait(&f, 2 * MINUTE_MS);
	keys_get(&f); /* at once, with the old ones */
	ck_assert_int_eq(issue_in_use(&f), 1);
	ck_assert_int_eq(issuer.asked, 2);
	keys_wait(&f, 1);
	keys_get(&f);
	ck_assert_int_eq(issue_in_use(&f), 2);
	keys_wait(&f, 51 * MINUTE_MS);
	keys_get(&f);
	ck_assert_int_eq(issue_in_use(&f), 3);
	keys_fini(&f);
}
END_TEST

/* A service that is down is asked now and then, and the keys at hand are used to their end; then
 * it is a fault, until it is up. */
START_TEST(down_for_a_while)
{
	struct issuer issuer;
	struct keys_fixture f;

	log_setup(LOG_NONE, LOG_LOGFMT, stderr);
	begin(&f, &issuer, 60 * MINUTE_MS, true);
	keys_get(&f);
	keys_wait(&f, 46 * MINUTE_MS);
	issuer.down = true;
	issuer.asked = 0;
	for (int minute = 46; minute < 60; minute++) {
		for (int second = 0; second < 60; second++) {
			keys_get(&f);
			ck_assert_int_eq(issue_in_use(&f), 1);
			keys_wait(&f, 1000);
			if (f.clock.now_mono_ms >= 60 * MINUTE_MS - 5000)
				break;
		}
	}
	ck_assert_int_gt(issuer.asked, 30); /* three attempts each time */
	ck_assert_int_lt(issuer.asked, 14 * 60 / 30 * 3 + 3);
	keys_wait(&f, MINUTE_MS);
	keys_get(&f);
	keys_expect_fault(&f, "timed out");
	issuer.down = false;
	keys_get(&f);
	ck_assert_int_eq(issue_in_use(&f), 2);
	keys_fini(&f);
}
END_TEST

/* The instance's keys are used beyond their end while the service has none fresher, and asked
 * for every 2 to 12 minutes. */
START_TEST(the_instances_keys_are_kept_on)
{
	struct issuer issuer;
	struct keys_fixture f;
	int64_t started_ms;

	log_setup(LOG_NONE, LOG_LOGFMT, stderr);
	begin(&f, &issuer, -10 * MINUTE_MS, false);
	keys_get(&f);
	ck_assert_int_eq(issue_in_use(&f), 1);
	started_ms = f.clock.now_mono_ms;
	while (f.clock.now_mono_ms - started_ms < TWO_HOURS_MS) {
		keys_get(&f);
		ck_assert(!tmf_err_isset(&f.err));
		keys_wait(&f, 1000);
	}
	ck_assert_int_ge(issuer.issued, 10);
	ck_assert_int_le(issuer.issued, 60);
	issuer.down = true;
	keys_wait(&f, 20 * MINUTE_MS);
	keys_get(&f);
	ck_assert(!tmf_err_isset(&f.err));
	keys_fini(&f);
}
END_TEST

/* --- many at once --- */

struct asker {
	int heard;
	int faults;
};

static void
hear(void *arg, const struct credentials *credentials, struct tmf_err *err)
{
	struct asker *asker = arg;

	(void)err;
	asker->heard++;
	asker->faults += credentials == NULL;
}

/* Many ask, one look is made; who cancels does not hear. */
START_TEST(one_look_for_many)
{
	struct asker askers[100] = {{.heard = 0}};
	struct issuer issuer;
	struct keys_fixture f;
	struct tmf_err err = {0};

	begin(&f, &issuer, 60 * MINUTE_MS, true);
	keys_open(&f);
	f.provider = credentials_chain_new(&f.opts);
	for (int i = 0; i < 100; i++)
		f.provider->get(f.provider, hear, &askers[i]);
	for (int i = 0; i < 100; i += 3)
		f.provider->cancel(f.provider, hear, &askers[i]);
	ck_assert_int_eq(tmf_loop_run(f.loop, &err), 0);
	ck_assert_int_eq(issuer.asked, 1);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(askers[i].heard, i % 3 != 0);
	keys_fini(&f);
}
END_TEST

/* Freed in the middle of a look: nothing is left behind, and nobody hears. */
START_TEST(freed_while_looking)
{
	struct asker asker = {.heard = 0};
	struct issuer issuer;
	struct keys_fixture f;

	begin(&f, &issuer, 60 * MINUTE_MS, true);
	keys_open(&f);
	f.provider = credentials_chain_new(&f.opts);
	f.provider->get(f.provider, hear, &asker);
	keys_fini(&f);
	ck_assert_int_eq(asker.heard, 0);
}
END_TEST

/* A call that is cancelled while it waits for keys is not sent, and one beside it is. */
START_TEST(calls_that_wait_for_keys)
{
	struct issuer issuer;
	struct keys_fixture f;
	struct tmf_err err = {0};

	begin(&f, &issuer, 60 * MINUTE_MS, true);
	keys_open(&f);
	f.provider = credentials_chain_new(&f.opts);
	struct aws_client_opts opts = aws_client_opts_of(&f.settings, "ec2");
	opts.loop = f.loop;
	opts.transport = f.opts.transport;
	opts.rng = &f.rng;
	opts.credentials = f.provider;
	opts.attempts_max = 1;
	struct aws_client *ec2 = aws_client_new(&opts, &err);
	struct tmf_call *cancelled = ec2_delete_target(ec2, "tmt-cancelled");
	struct tmf_call *kept = ec2_delete_target(ec2, "tmt-kept");

	(void)kept; /* frees itself when it is over */
	tmf_call_cancel(cancelled);
	ck_assert_int_eq(tmf_loop_run(f.loop, &err), 0);
	ck_assert_uint_eq(keys_sent(&f), 2);
	ck_assert_ptr_nonnull(strstr(keys_request(&f, 1)->body, "tmt-kept"));
	ck_assert_ptr_nonnull(strstr(
	    scripted_request_header(keys_request(&f, 1), "Authorization"), "Credential=AKID1/"));
	aws_client_free(ec2);
	keys_fini(&f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("refresh");
	TCase *tests = tcase_create("refresh");

	tcase_add_test(tests, two_hours_with_keys_of_15_minutes);
	tcase_add_test(tests, two_hours_of_a_role);
	tcase_add_test(tests, two_hours_of_a_web_identity);
	tcase_add_test(tests, two_hours_of_an_instance);
	tcase_add_test(tests, tried_first_then_waited_for);
	tcase_add_test(tests, down_for_a_while);
	tcase_add_test(tests, the_instances_keys_are_kept_on);
	tcase_add_test(tests, one_look_for_many);
	tcase_add_test(tests, freed_while_looking);
	tcase_add_test(tests, calls_that_wait_for_keys);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
