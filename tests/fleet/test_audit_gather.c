/* What an audit makes of lists that do not end. */
#include "../aws/aws_fixture.h"
#include "base/jsonx.h"
#include "fleet/audit/audit.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ENDLESS "DeleteTrafficMirrorTarget"

/* Nothing is mirrored in this account. The trail has no end of one name's events. */
static void
answer(void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body)
{
	char *body = strndup(request->body.p, request->body.len);
	const char *action = strstr(body, "Action=");

	(void)arg;
	*ret_status = 200;
	if (action != NULL && strncmp(action, "Action=GetCallerIdentity", 24) == 0)
		buf_add_cstr(ret_body,
		    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012"
		    "</Account><Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>u</UserId>"
		    "</GetCallerIdentityResult></GetCallerIdentityResponse>");
	else if (action != NULL)
		buf_printf(ret_body, "<%.*sResponse></%.*sResponse>", (int)strcspn(action + 7, "&"),
		    action + 7, (int)strcspn(action + 7, "&"), action + 7);
	else if (strstr(body, ENDLESS) != NULL)
		buf_add_cstr(ret_body, "{\"Events\": [], \"NextToken\": \"more\"}");
	else
		buf_add_cstr(ret_body, "{\"Events\": []}");
	free(body);
}

static struct aws_client *
client_of(struct aws_fixture *f, const char *service)
{
	struct tmf_err err = {0};
	struct aws_client *client = aws_client_new(
	    &(struct aws_client_opts){
		.loop = f->loop,
		.transport = scripted_transport_http(f->scripted),
		.credentials = &f->keys.provider,
		.rng = &f->rng,
		.service = service,
		.region = "us-east-1",
	    },
	    &err);

	ck_assert_msg(client != NULL, "%s", tmf_err_text(&err));
	return client;
}

/* How many lookups of the trail named the operation. */
static size_t
lookups_of(const struct aws_fixture *f, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < scripted_transport_sent(f->scripted); i++)
		count += strstr(scripted_transport_request(f->scripted, i)->body, name) != NULL;
	return count;
}

/* A trail that is cut off is not taken for a whole one: the audit says that it is incomplete, and
 * has asked for the names behind it, too. */
START_TEST(an_endless_trail_is_incomplete)
{
	struct aws_fixture f;
	struct aws_client *sts;
	struct aws_client *trail;
	struct audit *audit;
	const json_t *incomplete;

	aws_fixture_init(&f, &(struct scripted_opts){.answer = answer}, 1);
	sts = client_of(&f, "sts");
	trail = client_of(&f, "cloudtrail");
	audit = audit_new(
	    &(struct audit_opts){.loop = f.loop, .ec2 = f.client, .sts = sts, .trail = trail});
	aws_fixture_run(&f, audit_start(audit));
	ck_assert_msg(f.result != NULL, "%s", tmf_err_text(&f.err));
	ck_assert_str_eq(jsonx_get_string(f.result, "account"), "123456789012");
	incomplete = jsonx_get_array(f.result, "incomplete");
	ck_assert_uint_eq(json_array_size(incomplete), 1);
	ck_assert_str_eq(jsonx_get_string(json_array_get(incomplete, 0), "operation"),
	    "cloudtrail:LookupEvents");
	ck_assert_str_eq(jsonx_get_string(json_array_get(incomplete, 0), "error"), "TMFlow.Limit");
	ck_assert_uint_eq(lookups_of(&f, ENDLESS), 200);
	ck_assert_uint_eq(lookups_of(&f, "\"CreateTrafficMirrorFilter\""), 1);
	audit_free(audit);
	aws_client_free(trail);
	aws_client_free(sts);
	aws_fixture_fini(&f);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fleet/audit_gather");
	TCase *tests = tcase_create("all");

	tcase_add_test(tests, an_endless_trail_is_incomplete);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
