/* What counts as an event, wherever it comes from; and when a run has not done what its event is
 * for. */
#include "base/jsonx.h"
#include "serve/events.h"

#include "run_suite.h"

#include <check.h>
#include <string.h>

#define EVENT "{\"detail-type\": \"GuardDuty Finding\", \"detail\": {\"id\": \"f\"}}"
#define EVENT_ESCAPED                                                                              \
	"{\\\"detail-type\\\": \\\"GuardDuty Finding\\\", \\\"detail\\\": {\\\"id\\\": "           \
	"\\\"f\\\"}}"

static const struct {
	const char *body;
	const char *fault; /* NULL: the event above */
} bodies[] = {
    {EVENT, NULL},
    {"{\"Type\": \"Notification\", \"Message\": \"" EVENT_ESCAPED "\"}", NULL},
    {"{\"Type\": \"Notification\", \"Message\": \"no json\"}", "the notification's message"},
    {"{\"Type\": \"SubscriptionConfirmation\", \"Message\": \"" EVENT_ESCAPED "\"}",
	"not an EventBridge event"},
    {"no json", "the message's body"},
    {"", "the message's body"},
    {"[]", "not an EventBridge event"},
    {"{\"detail-type\": \"x\"}", "not an EventBridge event"},
    {"{\"detail-type\": \"x\", \"detail\": []}", "not an EventBridge event"},
    {"{\"detail-type\": 1, \"detail\": {}}", "not an EventBridge event"},
};

START_TEST(event_of_each_body)
{
	struct tmf_err err = {0};
	json_t *wanted = jsonx_parse(STR(EVENT), NULL);
	json_t *event = event_of_body(str_of(bodies[_i].body), &err);

	if (bodies[_i].fault == NULL) {
		ck_assert(jsonx_same(event, wanted));
		ck_assert(event_is(event));
	} else {
		ck_assert_ptr_null(event);
		ck_assert_int_eq(err.code, TMF_ERR_INVALID);
		ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), bodies[_i].fault));
	}
	json_decref(event);
	json_decref(wanted);
	tmf_err_fini(&err);
}
END_TEST

START_TEST(a_failed_instance_fails_the_event)
{
	struct job_end end = {.output = json_object()};

	event_judge(&end);
	ck_assert(!tmf_err_isset(&end.err));
	ck_assert_ptr_nonnull(end.output);
	end.instances_failed = 2;
	event_judge(&end);
	ck_assert_ptr_null(end.output);
	ck_assert_str_eq(end.err.name, "TMFlow.InstancesFailed");
	tmf_err_fini(&end.err);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("serve/events");
	TCase *tcase = tcase_create("events");

	tcase_add_loop_test(tcase, event_of_each_body, 0, sizeof(bodies) / sizeof(bodies[0]));
	tcase_add_test(tcase, a_failed_instance_fails_the_event);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
