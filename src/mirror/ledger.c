#include "mirror/ledger.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "mirror/config/instance.h"
#include "mirror/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Returns 0, which asks for the next row. */
static int
ledger_append_id(void *arg, const char *instance_id)
{
	json_array_append_new(arg, json_string(instance_id));
	return 0;
}

/* By the last id of the page before rather than by a count: rows stop being failed while the pages
 * are gone through, and a count would skip as many. */
int
ledger_failed_page(
    struct mirror *mirror, const char *after, int limit, json_t **ret_ids, struct tmf_err *err)
{
	json_t *ids = json_array();

	assert(mirror->only_failed && limit > 0);
	if (store_failed_instances(mirror->account->store, mirror->run_id,
		after != NULL ? after : "", limit, ledger_append_id, ids, err) < 0) {
		json_decref(ids);
		return -1;
	}
	*ret_ids = ids;
	return 0;
}

/* With matching: all each rule that takes an interface has an outcome of its own there. Otherwise
 * an interface has one, whatever is said of it. */
static const char *
ledger_slot(const struct mirror *mirror, const char *interface_id, const char *rule)
{
	return interface_id != NULL && mirror->config != NULL &&
		       mirror_config_matches_all(mirror->config)
		   ? rule
		   : NULL;
}

/* Of a row among those of its instance: the interface, and the slot behind a space, which no id
 * has. JSON has no NULL key: the row of the instance alone has "". */
static char *
ledger_row_key(const char *interface_id, const char *slot)
{
	return mem_printf("%s%s%s", interface_id != NULL ? interface_id : "",
	    slot != NULL ? " " : "", slot != NULL ? slot : "");
}

/* Fills in whose row a key is. Borrows key, which it cuts in two. */
static void
ledger_row_of(char *key, struct outcome *row)
{
	char *space = strchr(key, ' ');

	if (space != NULL)
		*space = '\0';
	row->interface_id = key;
	row->slot = space != NULL ? space + 1 : NULL;
}

static int
ledger_add_row(void *arg, const struct outcome *outcome)
{
	char *key = ledger_row_key(outcome->interface_id, outcome->slot);

	json_object_set_new(arg, key, json_boolean(outcome->kind == OUTCOME_FAILED));
	free(key);
	return 0;
}

bool
ledger_rows_take(
    const struct mirror *mirror, json_t *rows, const char *interface_id, const char *rule)
{
	char *key = ledger_row_key(interface_id, ledger_slot(mirror, interface_id, rule));
	bool takes = !json_is_false(json_object_get(rows, key));

	if (takes)
		json_object_del(rows, key);
	free(key);
	return takes;
}

/* Read for each instance: earlier ones of the same page may have changed rows of it, and the
 * store's index makes it cheap. */
int
ledger_rows(struct mirror *mirror, const char *instance_id, json_t **ret_rows, struct tmf_err *err)
{
	json_t *rows = json_object();

	if (store_outcomes_of(mirror->account->store, mirror->run_id, instance_id, ledger_add_row,
		rows, err) < 0) {
		json_decref(rows);
		return -1;
	}
	*ret_rows = rows;
	return 0;
}

/* An instance is failed as soon as one of its rows is: the others keep their outcome. */
bool
ledger_rows_failed(const json_t *rows)
{
	const char *interface;
	json_t *failed;

	json_object_foreach ((json_t *)rows, interface, failed)
		if (json_is_true(failed))
			return true;
	return false;
}

/* What is not a string is passed over here, since describe-page hands on what the workflow gave,
 * and AWS would refuse it. */
int
ledger_failed_among(struct mirror *mirror, json_t *ids, json_t **ret_ids, struct tmf_err *err)
{
	json_t *failed = json_array();
	json_t *rows;
	json_t *id;
	size_t i;

	json_array_foreach (ids, i, id) {
		if (!json_is_string(id))
			continue;
		if (ledger_rows(mirror, json_string_value(id), &rows, err) < 0) {
			json_decref(failed);
			return -1;
		}
		if (ledger_rows_failed(rows))
			json_array_append(failed, id);
		json_decref(rows);
	}
	*ret_ids = failed;
	return 0;
}

/* One row, in the store and in the account's counts. */
static int
ledger_write(struct mirror *mirror, const struct outcome *row, struct tmf_err *err)
{
	if (store_outcome_put(mirror->account->store, mirror->run_id, row, err) < 0)
		return -1;
	outcome_tally_add(&mirror->account->outcomes, row);
	return 0;
}

/* What holds for the whole instance holds for each of its failed rows. An instance that was
 * `failed` on two interfaces and is terminated since has two rows `ineligible: terminated`. Returns
 * how many rows it had. */
static int
ledger_put_over_failed(struct mirror *mirror, const struct outcome *outcome, struct tmf_err *err)
{
	struct outcome row = *outcome;
	const char *key;
	json_t *failed;
	json_t *rows;
	int put = 0;
	int ret = 0;

	assert(outcome->interface_id == NULL);
	if (ledger_rows(mirror, outcome->instance_id, &rows, err) < 0)
		return -1;
	json_object_foreach (rows, key, failed) {
		char *copy = mem_strdup(key);

		ledger_row_of(copy, &row);
		row.beside = row.slot != NULL;
		if (ret == 0 && json_is_true(failed)) {
			ret = ledger_write(mirror, &row, err);
			put++;
		}
		free(copy);
	}
	json_decref(rows);
	return ret < 0 ? -1 : put;
}

/* In a normal run the row of an instance has no interface, since none is known. In a retry there
 * are rows already, and one more would count the instance twice. So it is with what is gone where
 * the ledger is that of many events: one of them may have failed on it. */
int
ledger_put(struct mirror *mirror, const struct outcome *outcome, struct tmf_err *err)
{
	struct outcome row;

	if (outcome->interface_id == NULL &&
	    (mirror->only_failed || (mirror->shares_run && outcome->kind == OUTCOME_GONE))) {
		int put = ledger_put_over_failed(mirror, outcome, err);

		if (put != 0 || mirror->only_failed)
			return put < 0 ? -1 : 0;
	}
	row = *outcome;
	row.beside = outcome->slot != NULL;
	if (outcome->slot == NULL)
		row.slot = ledger_slot(mirror, outcome->interface_id, outcome->rule);
	return ledger_write(mirror, &row, err);
}

/* What is known about one of an instance's interfaces, which may lie in another subnet. */
static int
ledger_note_interface(
    struct mirror *mirror, const json_t *instance, const json_t *interface, struct tmf_err *err)
{
	const char *own = jsonx_get_string(instance, "SubnetId");
	const struct store_instance place = {
	    .vpc_id = jsonx_get_string(interface, "VpcId"),
	    .subnet_id = jsonx_get_string(interface, "SubnetId"),
	};
	const char *id = jsonx_get_string(interface, "NetworkInterfaceId");

	if (id == NULL || place.subnet_id == NULL ||
	    (own != NULL && strcmp(own, place.subnet_id) == 0))
		return 0;
	return store_instance_put(mirror->account->store, mirror->run_id,
	    jsonx_get_string(instance, "InstanceId"), id, &place, err);
}

int
ledger_note_instance(struct mirror *mirror, const json_t *instance, struct tmf_err *err)
{
	const struct store_instance known = {
	    .type = jsonx_get_string(instance, "InstanceType"),
	    .vpc_id = jsonx_get_string(instance, "VpcId"),
	    .subnet_id = jsonx_get_string(instance, "SubnetId"),
	    .zone = jsonx_get_string(instance, "AvailabilityZone"),
	    .name = tag_value(instance, TAG_NAME),
	};
	json_t *interface;
	size_t i;

	if (store_instance_put(mirror->account->store, mirror->run_id,
		jsonx_get_string(instance, "InstanceId"), NULL, &known, err) < 0)
		return -1;
	json_array_foreach (jsonx_get_array(instance, "NetworkInterfaces"), i, interface)
		if (ledger_note_interface(mirror, instance, interface, err) < 0)
			return -1;
	return 0;
}

/* The run goes on after this: one failed interface must not keep the others from being mirrored. */
void
ledger_put_failed(struct mirror *mirror, const struct outcome *item, const struct tmf_err *failure)
{
	struct outcome outcome = *item;
	struct tmf_err err = {0};

	assert(item->instance_id != NULL && tmf_err_isset(failure));
	mirror->progress.failed++;
	outcome.kind = OUTCOME_FAILED;
	outcome.operation = failure->operation[0] != '\0' ? failure->operation : NULL;
	outcome.error = failure->name;
	outcome.cause = tmf_err_text(failure);
	outcome.request_id = failure->request_id[0] != '\0' ? failure->request_id : NULL;
	log_event(log_level_of_items(), "instance.failed", LOG_STR("instance", outcome.instance_id),
	    LOG_STR("interface", outcome.interface_id), LOG_STR("rule", outcome.rule),
	    LOG_STR("target", outcome.target_id), LOG_STR("operation", outcome.operation),
	    LOG_STR("error", outcome.error), LOG_STR("cause", outcome.cause),
	    LOG_STR("request_id", outcome.request_id));
	if (ledger_put(mirror, &outcome, &err) < 0)
		log_event(LOG_ERROR, "outcome.lost", LOG_STR("instance", outcome.instance_id),
		    LOG_STR("interface", outcome.interface_id), LOG_STR("error", outcome.error),
		    LOG_STR("cause", tmf_err_text(&err)));
	tmf_err_fini(&err);
}

/* rows has what no rule took in this pass, as match has taken the others out of it. Without this
 * they would stay `failed` for ever, and each retry would come back to them. */
int
ledger_settle_rest(
    struct mirror *mirror, const json_t *instance, const json_t *rows, struct tmf_err *err)
{
	struct outcome outcome = {.instance_id = jsonx_get_string(instance, "InstanceId")};
	const char *key;
	json_t *failed;
	int ret = 0;

	assert(mirror->only_failed);
	json_object_foreach ((json_t *)rows, key, failed) {
		char *copy = mem_strdup(key);

		ledger_row_of(copy, &outcome);
		outcome.rule = NULL;
		/* A slot that no rule has is a session's. */
		if (outcome.slot != NULL &&
		    mirror_config_rule_named(mirror->config, outcome.slot) != NULL) {
			outcome.rule = outcome.slot;
			outcome.slot = NULL;
		}
		/* It can be detached from the instance between the run and its retry. */
		outcome.kind = instance_interface(instance, outcome.interface_id) != NULL
				   ? OUTCOME_UNMATCHED
				   : OUTCOME_GONE;
		if (ret == 0 && copy[0] != '\0' && json_is_true(failed))
			ret = ledger_put(mirror, &outcome, err);
		free(copy);
	}
	return ret;
}

struct ledger_claiming {
	const struct ledger_session *session;
	bool by_rule; /* each rule has a row of its own */
	enum ledger_claim claim;
	json_t *reason;
};

/*
 * What a row that stands for a session says. With the id of another one it says that this one is
 * not meant, unless it is another rule's row. Without an id, as where a modification failed, any
 * session that the row may be about is wanted.
 */
static enum ledger_claim
ledger_claim_of(const struct ledger_claiming *claiming, const struct outcome *row)
{
	const struct ledger_session *session = claiming->session;
	bool names_another = row->session_id != NULL && strcmp(row->session_id, session->id) != 0;

	if (row->session_id != NULL && !names_another)
		return row->kind == OUTCOME_REMOVED ? LEDGER_REMOVED : LEDGER_WANTS;
	if (claiming->by_rule &&
	    (row->slot == NULL || session->rule == NULL || strcmp(row->slot, session->rule) != 0))
		return LEDGER_SILENT;
	if (row->kind == OUTCOME_REMOVED)
		return LEDGER_SILENT;
	if (!names_another)
		return LEDGER_WANTS;
	/* A failed removal has its session's id. It is about that one only. */
	return row->kind == OUTCOME_FAILED ? LEDGER_SILENT : LEDGER_OTHER;
}

/* An interface that has moved has a row of each of its instances: one that wants it is enough. */
static int
ledger_claim_row(void *arg, const struct outcome *outcome)
{
	struct ledger_claiming *claiming = arg;
	enum ledger_claim claim = LEDGER_SILENT;

	switch (outcome->kind) {
	case OUTCOME_CREATED:
	case OUTCOME_PRESENT:
	case OUTCOME_UPDATED:
	case OUTCOME_SHADOWED:
	case OUTCOME_CONFLICT:
	case OUTCOME_FAILED:
	case OUTCOME_REMOVED:
		claim = ledger_claim_of(claiming, outcome);
		break;
	case OUTCOME_EXCLUDED:
	case OUTCOME_INELIGIBLE:
	case OUTCOME_UNWANTED:
		if (outcome->reason == NULL)
			break;
		if (strcmp(outcome->reason, SESSION_LIMIT_REASON) == 0) {
			claim = ledger_claim_of(claiming, outcome);
		} else if (strcmp(outcome->reason, OUTCOME_REASON_SURPLUS) != 0) {
			json_decref(claiming->reason);
			claiming->reason = jsonx_text_value(outcome->reason);
		}
		break;
	case OUTCOME_UNMATCHED:
	case OUTCOME_GONE:
	case OUTCOME_FOREIGN_ACCOUNT:
	case OUTCOME_COUNT:
		break;
	}
	if (claim > claiming->claim)
		claiming->claim = claim;
	return 0;
}

/* A process that serves many runs has one ledger: what that says of an interface may be a day old.
 * The reasons of a retried run are those of its first pass. */
int
ledger_claim(struct mirror *mirror, const struct ledger_session *session,
    enum ledger_claim *ret_claim, json_t **ret_reason, struct tmf_err *err)
{
	struct ledger_claiming claiming = {
	    .session = session,
	    .by_rule = mirror_config_matches_all(mirror->config),
	    .claim = LEDGER_SILENT,
	};

	assert(session->id != NULL && session->interface_id != NULL);
	*ret_claim = LEDGER_SILENT;
	*ret_reason = NULL;
	if (mirror->shares_run)
		return 0;
	if (store_outcomes_at(mirror->account->store, mirror->run_id, session->interface_id,
		ledger_claim_row, &claiming, err) < 0) {
		json_decref(claiming.reason);
		return -1;
	}
	*ret_claim = claiming.claim;
	if (mirror->only_failed || claiming.claim != LEDGER_SILENT)
		json_decref(claiming.reason);
	else
		*ret_reason = claiming.reason;
	return 0;
}
