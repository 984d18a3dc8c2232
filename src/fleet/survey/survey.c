#include "fleet/survey/survey.h"

#include "aws/pace/retry.h"
#include "aws/services/pager.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/filters/filters.h"
#include "mirror/gather.h"
#include "mirror/members/members.h"
#include "mirror/targets/targets.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/* What is being waited for. The first two come once, the others for each page. */
enum survey_stage {
	SURVEY_TARGETS,
	SURVEY_MEMBERS,
	SURVEY_INSTANCES,
	SURVEY_SESSIONS,
	SURVEY_FILTERS
};

/* The first wait after an error that passes; each next one is twice as long. The client has by then
 * tried by itself for a minute or more. */
#define SURVEY_WAIT_MS 2000

/* The frame of the sequence. */
struct survey {
	struct survey_opts opts;
	enum survey_stage stage;
	bool waits; /* for the time after an error */
	int retries;
	int restarts;
	int pages;
	json_t *page; /* the reply with the instances */
	json_t *sessions;
	char *next_token; /* of the page to ask for; NULL: the first */
};

static void
survey_free(void *frame)
{
	struct survey *survey = frame;

	json_decref(survey->page);
	json_decref(survey->sessions);
	free(survey->next_token);
	free(survey);
}

/* --- waiting --- */

struct survey_wait {
	struct tmf_call call; /* first */
	struct tmf_timer timer;
};

static void
survey_wait_cancel(struct tmf_call *call)
{
	tmf_loop_timer_disarm(call->loop, &((struct survey_wait *)call)->timer);
}

static const struct tmf_call_ops survey_wait_ops = {.cancel = survey_wait_cancel};

static void
survey_wait_over(struct tmf_timer *timer)
{
	struct survey_wait *wait =
	    (struct survey_wait *)((char *)timer - offsetof(struct survey_wait, timer));

	tmf_call_complete(&wait->call, json_object());
}

/* A call that ends by itself, so that a wait is a step of the sequence like any other. */
static struct tmf_call *
survey_wait(struct tmf_loop *loop, int64_t delay_ms)
{
	struct survey_wait *wait = mem_zalloc(1, sizeof(*wait));
	struct tmf_clock *clock = tmf_loop_clock(loop);

	tmf_call_init(&wait->call, &survey_wait_ops, loop);
	wait->timer.fire = survey_wait_over;
	tmf_loop_timer_arm(loop, &wait->timer, clock->mono_ms(clock) + delay_ms);
	return &wait->call;
}

/* --- asking --- */

static struct account *
survey_account(const struct survey *survey)
{
	return survey->opts.mirror->account;
}

/* All interfaces, since also what no rule takes may be mirrored by others. */
static struct tmf_call *
survey_ask_sessions(const struct survey *survey)
{
	json_t *ids = json_array();
	struct tmf_call *call;
	json_t *instance;
	size_t i;

	json_array_foreach (jsonx_get_array(survey->page, "Instances"), i, instance) {
		json_t *interface;
		size_t k;

		json_array_foreach (jsonx_get_array(instance, "NetworkInterfaces"), k, interface) {
			json_t *id = json_object_get(interface, "NetworkInterfaceId");

			if (json_is_string(id))
				json_array_append(ids, id);
		}
	}
	call = gather_ask(survey_account(survey)->sessions, ids);
	json_decref(ids);
	return call;
}

/* Of the sessions that the page's interfaces have: most filters are known from pages before. */
static struct tmf_call *
survey_ask_filters(const struct survey *survey)
{
	json_t *ids = json_array();
	struct tmf_call *call;
	const char *interface_id;
	json_t *sessions;

	json_object_foreach (survey->sessions, interface_id, sessions) {
		json_t *session;
		size_t i;

		json_array_foreach (sessions, i, session) {
			json_t *id = json_object_get(session, "TrafficMirrorFilterId");

			if (json_is_string(id))
				json_array_append(ids, id);
		}
	}
	call = filters_load(survey_account(survey)->filters, ids);
	json_decref(ids);
	return call;
}

static struct tmf_call *
survey_ask(const struct survey *survey)
{
	struct account *account = survey_account(survey);
	struct mirror *mirror = survey->opts.mirror;

	switch (survey->stage) {
	case SURVEY_TARGETS:
		return targets_load_lives(account->targets);
	case SURVEY_MEMBERS:
		return members_load(account->members, &(struct members_opts){
							  .config = mirror->config,
							  .account_of = mirror_account_of,
							  .arg = mirror,
						      });
	case SURVEY_INSTANCES:
		return ec2_describe_instances(account->ec2, &(struct ec2_describe){
								.next_token = survey->next_token,
								.max_results = SURVEY_PAGE_RESULTS,
							    });
	case SURVEY_SESSIONS:
		return survey_ask_sessions(survey);
	case SURVEY_FILTERS:
		return survey_ask_filters(survey);
	}
	assert(false);
	return NULL;
}

/* --- the answers --- */

static void
survey_forget_page(struct survey *survey)
{
	json_decref(survey->page);
	json_decref(survey->sessions);
	survey->page = survey->sessions = NULL;
}

/* Who reads the pages begins again, too: what it has counted would count twice. */
static void
survey_begin_again(struct survey *survey)
{
	free(survey->next_token);
	survey->next_token = NULL;
	survey->pages = 0;
	survey->restarts++;
	assert(survey->restarts <= EC2_PAGES_RESTARTS_MAX);
	survey->opts.on_restart(survey->opts.arg);
}

/* 0 where the same may be asked again, -1 with *err. */
static int
survey_failed(struct survey *survey, struct tmf_call *over, struct tmf_err *err)
{
	enum retry_class class = retry_classify(&over->err);

	if (survey->stage == SURVEY_INSTANCES && survey->next_token != NULL &&
	    ec2_refused_token(&over->err) && survey->restarts < EC2_PAGES_RESTARTS_MAX) {
		survey_begin_again(survey);
		return 0;
	}
	if ((class == RETRY_TRANSIENT || class == RETRY_THROTTLING) &&
	    survey->retries < SURVEY_RETRIES_MAX) {
		survey->retries++;
		survey->waits = true;
		return 0;
	}
	tmf_err_move(err, &over->err);
	return -1;
}

/* A page is handed on when all is known about it. */
static int
survey_page_over(struct survey *survey, struct tmf_err *err)
{
	const struct survey_page page = {
	    .instances = jsonx_get_array(survey->page, "Instances"),
	    .sessions = survey->sessions,
	};
	const char *next_token = jsonx_get_string(survey->page, "NextToken");

	assert(survey->page != NULL && survey->sessions != NULL);
	if (survey->opts.on_page(survey->opts.arg, &page, err) < 0)
		return -1;
	if (next_token != NULL && ++survey->pages == EC2_PAGES_MAX)
		return tmf_err_set(err, TMF_ERR_LIMIT,
		    "the list of instances has more than %d pages", EC2_PAGES_MAX);
	free(survey->next_token);
	survey->next_token = mem_strdup(next_token);
	survey_forget_page(survey);
	return 0;
}

/* Takes a stage's reply and goes to the next one. Returns 1 at the end, 0, or -1 with *err. */
static int
survey_came(struct survey *survey, json_t *reply, struct tmf_err *err)
{
	switch (survey->stage) {
	case SURVEY_TARGETS:
	case SURVEY_MEMBERS:
		survey->stage++;
		break;
	case SURVEY_INSTANCES:
		assert(survey->page == NULL && survey->sessions == NULL);
		account_note_id(survey_account(survey), reply);
		survey->page = json_incref(reply);
		survey->stage = SURVEY_SESSIONS;
		break;
	case SURVEY_SESSIONS:
		survey->sessions = json_incref(reply);
		survey->stage = SURVEY_FILTERS;
		break;
	case SURVEY_FILTERS:
		if (survey_page_over(survey, err) < 0)
			return -1;
		survey->stage = SURVEY_INSTANCES;
		return survey->next_token == NULL ? 1 : 0;
	}
	return 0;
}

/* One call at a time: the reply of a stage, or the end of a wait after which the stage asks
 * again. */
static struct tmf_call *
survey_step(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct survey *survey = frame;
	json_t *reply = tmf_call_take_result(over);
	int ret = 0;

	if (reply == NULL) {
		ret = survey_failed(survey, over, err);
	} else if (survey->waits) {
		survey->waits = false;
	} else {
		survey->retries = 0;
		ret = survey_came(survey, reply, err);
	}
	json_decref(reply);
	assert((ret < 0) == tmf_err_isset(err));
	if (ret < 0)
		return NULL;
	if (ret > 0) {
		*ret_result = json_object();
		return NULL;
	}
	if (survey->waits)
		return survey_wait(
		    survey_account(survey)->loop, (int64_t)SURVEY_WAIT_MS << (survey->retries - 1));
	return survey_ask(survey);
}

struct tmf_call *
survey_start(const struct survey_opts *opts)
{
	struct survey *survey = mem_zalloc(1, sizeof(*survey));

	assert(opts->mirror->config != NULL && opts->mirror->account->ec2 != NULL);
	survey->opts = *opts;
	return tmf_call_sequence(survey_ask(survey), survey_step, survey, survey_free);
}
