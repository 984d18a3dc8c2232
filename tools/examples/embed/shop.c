/* A host of tmflow's engine: ships orders, and each of them once, however often it is killed.
 * README.md. */
#include <tmflow/tmflow.h>

#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORDER_BYTES_MAX 32
#define CARRIER_MS	40

struct shop {
	FILE *ledger; /* a line for each order that the carrier has taken */
	struct tmf_run *run;
};

static int
ledger_has(struct shop *shop, const char *order)
{
	char line[ORDER_BYTES_MAX + 2];

	rewind(shop->ledger);
	while (fgets(line, sizeof(line), shop->ledger) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, order) == 0)
			return 1;
	}
	return 0;
}

/* --- the carrier: an asynchronous call, which takes its time and then has taken the order --- */

struct carrier_call {
	struct tmf_call call; /* first */
	struct tmf_timer timer;
	struct shop *shop;
	char order[ORDER_BYTES_MAX];
};

static void
carrier_took(struct tmf_timer *timer)
{
	struct carrier_call *carrier =
	    (struct carrier_call *)((char *)timer - offsetof(struct carrier_call, timer));

	fseek(carrier->shop->ledger, 0, SEEK_END);
	fprintf(carrier->shop->ledger, "%s\n", carrier->order);
	fflush(carrier->shop->ledger);
	tmf_call_complete(&carrier->call, json_pack("{s:s}", "Carrier", "by-bike"));
}

static void
carrier_cancel(struct tmf_call *call)
{
	tmf_loop_timer_disarm(call->loop, &((struct carrier_call *)call)->timer);
}

static const struct tmf_call_ops carrier_ops = {.cancel = carrier_cancel};

static struct tmf_call *
carrier_ship(struct tmf_loop *loop, struct shop *shop, const char *order)
{
	struct carrier_call *carrier = calloc(1, sizeof(*carrier));

	if (carrier == NULL)
		abort();
	tmf_call_init(&carrier->call, &carrier_ops, loop);
	carrier->shop = shop;
	snprintf(carrier->order, sizeof(carrier->order), "%s", order);
	carrier->timer.fire = carrier_took;
	tmf_loop_timer_arm(loop, &carrier->timer, tmf_loop_mono_ms(loop) + CARRIER_MS);
	return &carrier->call;
}

/* --- the action: two stages over a frame that the engine keeps between them --- */

struct ship {
	char order[ORDER_BYTES_MAX];
};

static enum tmf_op_next
ship_taken(struct tmf_op *op)
{
	struct ship *f = op->frame;

	return tmf_op_done(op, json_pack("{s:s, s:O}", "Order", f->order, "By", op->reply));
}

static enum tmf_op_next
ship_start(struct tmf_op *op)
{
	struct shop *shop = op->env;
	struct ship *f = op->frame;
	const char *order;
	json_int_t attempt;

	if (json_unpack(op->input, "{s:s, s:I}", "Order", &order, "Attempt", &attempt) < 0 ||
	    strlen(order) >= sizeof(f->order))
		return tmf_op_fail(op, TMF_ERR_INVALID, "Order: not a short string");
	snprintf(f->order, sizeof(f->order), "%s", order);
	/* After a crash this may be the second time: look before doing it again. */
	if (ledger_has(shop, order))
		return tmf_op_done(op, json_pack("{s:s, s:n}", "Order", order, "By"));
	if (attempt == 0 && order[strlen(order) - 1] == '7') {
		tmf_err_set_name(&op->err, TMF_ERR_SERVICE, "Carrier.Busy", "no van for %s", order);
		return TMF_OP_FAIL;
	}
	return tmf_op_await(op, carrier_ship(op->loop, shop, order), ship_taken);
}

static const struct tmf_action_field ship_input[] = {
    {.name = "Order", .kind = "string", .required = true, .summary = "number of the order"},
    {.name = "Attempt", .kind = "number", .required = true, .summary = "0 for the first one"},
    {.name = NULL},
};

static const struct tmf_action action_ship = {
    .name = "ship",
    .summary = "Hands an order to the carrier",
    .input = ship_input,
    .frame_size = sizeof(struct ship),
    .start = ship_start,
};

/* --- the host --- */

/* Goes on with the run of this directory, or starts it. */
static struct tmf_run *
shop_open_run(
    struct tmf_engine *engine, struct tmf_registry *registry, char **argv, struct tmf_err *err)
{
	struct tmf_run_opts opts = {.run_id = "orders"};
	struct tmf_run *run = tmf_run_resume(engine, &opts, err);
	struct tmf_workflow *workflow;
	char *diagnostics = NULL;
	char order[ORDER_BYTES_MAX];

	if (run != NULL || err->code != TMF_ERR_NOT_FOUND)
		return run;
	tmf_err_fini(err);
	workflow = tmf_workflow_read(argv[1], registry, &diagnostics, err);
	if (diagnostics != NULL)
		fputs(diagnostics, stderr);
	free(diagnostics);
	if (workflow == NULL)
		return NULL;
	json_t *orders = json_array();
	for (int i = 1; i <= atoi(argv[3]); i++) {
		snprintf(order, sizeof(order), "order-%d", i);
		json_array_append_new(orders, json_string(order));
	}
	opts.workflow = workflow;
	opts.input = json_pack("{s:o}", "Orders", orders);
	run = tmf_run_start(engine, &opts, err);
	json_decref(opts.input);
	tmf_workflow_free(workflow);
	return run;
}

/*
 * The host's own loop: the engine's descriptor and timeout beside what else it waits for, which
 * here is standard input. A line on it interrupts the run.
 */
static int
shop_run_loop(struct tmf_loop *loop, struct shop *shop, struct tmf_err *err)
{
	struct pollfd fds[] = {
	    {.fd = tmf_loop_fd(loop, err), .events = POLLIN},
	    {.fd = STDIN_FILENO, .events = POLLIN},
	};
	char line[80];

	while (tmf_run_result(shop->run) == NULL) {
		poll(fds, 2, tmf_loop_timeout_ms(loop));
		if (fds[1].revents != 0) {
			if (read(STDIN_FILENO, line, sizeof(line)) > 0)
				tmf_run_interrupt(shop->run);
			fds[1].fd = -1; /* once is enough */
		}
		if (tmf_loop_turn(loop, 0, err) < 0)
			return -1;
	}
	return 0;
}

static int
shop_report(const struct shop *shop)
{
	const struct tmf_run_result *result = tmf_run_result(shop->run);

	printf("%s: %s, %zu shipped\n", tmf_run_id(shop->run), tmf_run_status_name(result->status),
	    json_array_size(result->output));
	if (result->error != NULL)
		printf("%s: %s\n", result->error, result->cause != NULL ? result->cause : "");
	return result->status == TMF_RUN_SUCCEEDED     ? 0
	       : result->status == TMF_RUN_INTERRUPTED ? 3
						       : 1;
}

static int
shop_main(struct shop *shop, char **argv, struct tmf_err *err)
{
	struct tmf_loop *loop = tmf_loop_new(NULL);
	struct tmf_registry *registry = tmf_registry_new();
	struct tmf_store *store = tmf_store_open(argv[2], err);
	struct tmf_engine *engine = NULL;
	int ret = -1;

	tmf_registry_add(registry, &action_ship);
	tmf_registry_set_env(registry, shop);
	if (store != NULL) {
		engine = tmf_engine_new(
		    &(struct tmf_engine_opts){.loop = loop, .registry = registry, .store = store});
		shop->run = shop_open_run(engine, registry, argv, err);
	}
	if (shop->run != NULL && shop_run_loop(loop, shop, err) == 0)
		ret = shop_report(shop);
	tmf_run_free(shop->run);
	tmf_engine_free(engine);
	tmf_store_close(store);
	tmf_registry_free(registry);
	tmf_loop_free(loop);
	return ret;
}

int
main(int argc, char **argv)
{
	struct shop shop = {0};
	struct tmf_err err = {0};
	int ret;

	if (argc != 5 || (shop.ledger = fopen(argv[4], "a+")) == NULL) {
		fprintf(stderr, "usage: shop WORKFLOW STATE-DIR COUNT LEDGER\n");
		return 2;
	}
	ret = shop_main(&shop, argv, &err);
	if (ret < 0)
		fprintf(stderr, "shop: %s: %s\n", err.name, tmf_err_text(&err));
	fclose(shop.ledger);
	tmf_err_fini(&err);
	return ret < 0 ? 1 : ret;
}
