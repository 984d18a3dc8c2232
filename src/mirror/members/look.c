#include "mirror/members/look.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void
look_init(struct look *look, struct account *account)
{
	*look = (struct look){.account = account, .warned = json_object()};
}

static void
look_free_question(struct question *question)
{
	json_decref(question->addresses);
	free(question->id);
	free(question->destination);
	free(question->marker);
	free(question->members_are);
	free(question->protocol);
	free(question->vpc_id);
	free(question);
}

/* One at a time: who asks while a lookup is under way waits for that one. */
void
look_begin(struct look *look, const char *configuration)
{
	assert(look->found == NULL);
	look->targets = json_object();
	look->found = json_object();
	look->health = json_object();
	look->configuration = mem_strdup(configuration);
}

/* What was warned of outlives the lookup, so that a process that serves does not say it again every
 * few minutes. */
void
look_end(struct look *look)
{
	for (size_t i = 0; i < look->question_count; i++)
		look_free_question(look->questions[i]);
	free(look->questions);
	free(look->balancers);
	free(look->configuration);
	json_decref(look->targets);
	json_decref(look->found);
	json_decref(look->health);
	*look = (struct look){.account = look->account, .warned = look->warned};
}

void
look_fini(struct look *look)
{
	look_end(look);
	json_decref(look->warned);
}

/* --- questions --- */

/* The id is borrowed from the key of `targets`, which lives as long as the balancer. */
struct balancer *
look_add_balancer(struct look *look, const char *target_id)
{
	struct balancer *balancer;

	if (json_object_get(look->targets, target_id) != NULL)
		return NULL;
	json_object_set_new(look->targets, target_id, json_true());
	look->balancers =
	    mem_resize(look->balancers, look->balancer_count + 1, sizeof(*look->balancers));
	balancer = &look->balancers[look->balancer_count++];
	*balancer = (struct balancer){
	    .target_id = json_object_iter_key(json_object_iter_at(look->targets, target_id)),
	};
	return balancer;
}

static struct question *
look_add_question(struct look *look, enum question_kind kind, size_t of)
{
	struct question *question = mem_zalloc(1, sizeof(*question));

	assert(of < look->balancer_count);
	question->kind = kind;
	question->of = of;
	look->questions =
	    mem_resize(look->questions, look->question_count + 1, sizeof(struct question *));
	look->questions[look->question_count++] = question;
	return question;
}

struct question *
look_add(struct look *look, enum question_kind kind, size_t of, const char *id)
{
	struct question *question;

	if (id == NULL)
		return NULL;
	question = look_add_question(look, kind, of);
	question->id = mem_strdup(id);
	return question;
}

/* A filter has a limit of values, hence the batches. */
struct question *
look_add_address(
    struct look *look, struct question *batch, const struct question *group, const char *address)
{
	if (batch == NULL || json_array_size(batch->addresses) == EC2_FILTER_VALUES_MAX) {
		batch = look_add_question(look, QUESTION_ADDRESSES, group->of);
		batch->addresses = json_array();
		batch->vpc_id = mem_strdup(group->vpc_id);
	}
	json_array_append_new(batch->addresses, json_string(address));
	return batch;
}

/* An ARN is a load balancer's, everything else an endpoint's id. */
void
look_add_destination(struct look *look, size_t of, const char *destination)
{
	const struct balancer *balancer = &look->balancers[of];
	const char *effect = "what stands behind it is not known: it belongs to an account that "
			     "is not asked, see guardduty.roleArn";
	bool is_arn = strncmp(destination, "arn:", 4) == 0;

	assert(of < look->balancer_count);
	if (balancer->asker != NULL)
		look_add(look, is_arn ? QUESTION_BALANCER : QUESTION_ENDPOINT, of, destination);
	else if (look_warns(look, balancer->target_id))
		log_event(LOG_WARN, "members.shared", LOG_STR("target", balancer->target_id),
		    LOG_STR("account", balancer->owner_id), LOG_STR("effect", effect));
}

const struct question *
look_question(const struct look *look)
{
	return look->next < look->question_count ? look->questions[look->next] : NULL;
}

/* --- what was found --- */

const struct balancer *
look_balancer(const struct look *look, const struct question *question)
{
	assert(question->of < look->balancer_count);
	return &look->balancers[question->of];
}

/* An instance behind two targets belongs to the one found last: that it is behind any is what
 * counts. */
void
look_note(struct look *look, const struct question *question, const char *instance_id)
{
	if (instance_id != NULL)
		jsonx_put_string(
		    look->found, instance_id, look_balancer(look, question)->target_id);
}

void
look_note_health(struct look *look, const struct question *question, bool healthy)
{
	const char *target_id = look_balancer(look, question)->target_id;

	if (healthy || json_object_get(look->health, target_id) == NULL)
		json_object_set_new(look->health, target_id, json_boolean(healthy));
}

bool
look_warns(struct look *look, const char *about)
{
	if (json_object_get(look->warned, about) != NULL)
		return false;
	json_object_set_new(look->warned, about, json_true());
	return true;
}
