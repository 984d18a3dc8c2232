#include "asl/jsonata/calls.h"

#include "asl/jsonata/pattern.h"

#include <assert.h>
#include <string.h>

/* Functions as values, and what happens when one is called. */

/* The context of a call that another function makes: a signature with - finds null there. */
static const struct value no_context = {.type = VALUE_NULL};

/* Callers fill a function on their stack; the value needs one that outlives them. */
static struct value
make_function(struct evaluator *ev, const struct function *function)
{
	struct function *copy = heap_alloc(&ev->heap, sizeof(*copy));

	*copy = *function;
	return value_function(copy);
}

/* A lambda is a closure: it keeps the frame and the context of its definition. */
struct value
evaluate_function(
    struct evaluator *ev, const struct node *node, const struct value *input, struct frame *frame)
{
	struct function function = {.type = FUNCTION_LAMBDA};

	if (node->type == NODE_LAMBDA) {
		function.u.lambda.node = (const struct lambda_node *)node;
		function.u.lambda.frame = frame;
		function.u.lambda.input = *input;
	} else if (node->type == NODE_REGEX) {
		function.type = FUNCTION_REGEX;
		function.u.regex.regex = ((const struct regex_node *)node)->regex;
	} else {
		assert(node->type == NODE_TRANSFORM);
		function.type = FUNCTION_TRANSFORM;
		function.u.transform.node = (const struct transform_node *)node;
		function.u.transform.frame = frame;
	}
	return make_function(ev, &function);
}

/* A function such as $map passes as many arguments as the callee takes. Of a partial application
 * that is the number of open places; a chain and a transform take one. */
size_t
evaluator_arity(const struct function *function)
{
	size_t open = 0;

	switch (function->type) {
	case FUNCTION_BUILTIN:
		return function->u.builtin->arity;
	case FUNCTION_LAMBDA:
		return function->u.lambda.node->node.count;
	case FUNCTION_PARTIAL:
		for (size_t i = 0; i < function->u.partial.count; i++)
			open += function->u.partial.open[i];
		return open;
	case FUNCTION_REGEX: /* the text, and where to begin, which nobody gives */
		return 2;
	case FUNCTION_CHAIN:
	case FUNCTION_NEXT_MATCH:
	case FUNCTION_TRANSFORM:
	case FUNCTION_TAIL_CALL:
		break;
	}
	return 1;
}

/* What a built-in function may do with one argument: $sum of 1,000,000 numbers is not
 * one step. */
static uint64_t
argument_steps(const struct value *value)
{
	if (value->type == VALUE_ARRAY)
		return value_count(value) / 4;
	if (value->type == VALUE_OBJECT)
		return value_member_count(value) / 4;
	return value->type == VALUE_STRING ? value->len / 16 : 0;
}

/* Parsed when the function is called first: a loop calls one function many times. */
static const struct signature *
builtin_signature(struct evaluator *ev, const struct builtin *builtin)
{
	const struct signature **known;

	if (ev->signatures == NULL)
		ev->signatures = heap_array(&ev->heap, functions_count(), sizeof(void *));
	known = &ev->signatures[builtin->number];
	if (*known == NULL)
		*known = signature_parse(builtin->signature, strlen(builtin->signature),
		    ev->call_position, &ev->heap, ev->fault);
	return *known;
}

/* The name and position are restored, since the function may have called others: an error after
 * that must still name this call. */
static struct value
call_builtin(struct evaluator *ev, const struct builtin *builtin, struct arguments args,
    const struct value *context)
{
	const char *name = ev->call_name;
	uint32_t position = ev->call_position;
	struct value result;

	ev->fault->call_position = position;
	if (builtin->signature != NULL) {
		args = signature_apply(builtin_signature(ev, builtin), args, context, builtin->name,
		    &ev->heap, ev->fault);
	}
	for (size_t i = 0; i < args.count; i++)
		heap_spend(&ev->heap, argument_steps(&args.at[i]));
	result = builtin->run(ev, args.at, args.count, context);
	ev->call_name = name;
	ev->call_position = position;
	return result;
}

/* The context of a body is that of the place where the function was made, not of its call: in
 * a.(function(){b})() the b is a member of a. Missing arguments are undefined, surplus ones are
 * dropped. Each call has a frame of its own, so a recursion does not overwrite its variables. */
static struct value
call_lambda(struct evaluator *ev, const struct function *function, struct arguments args,
    const struct value *context)
{
	const struct lambda_node *lambda = function->u.lambda.node;
	struct frame *frame = frame_new(ev, function->u.lambda.frame);

	ev->fault->call_position = ev->call_position;
	if (lambda->signature != NULL)
		args = signature_apply(lambda->signature, args, context,
		    ev->call_name != NULL ? ev->call_name : "lambda", &ev->heap, ev->fault);
	for (size_t i = 0; i < lambda->node.count; i++)
		frame_bind(ev, frame, lambda->parameters[i]->name, lambda->parameters[i]->node.len,
		    i < args.count ? args.at[i] : value_undefined());
	return evaluate(ev, lambda->body, &function->u.lambda.input, frame);
}

static struct value call_apply(struct evaluator *ev, const struct function *function,
    struct arguments args, const struct value *context, bool claimed);

/* The open places are filled in their order: $substring(?, 0, ?) takes the text, then the
 * length. */
static struct value
call_partial(struct evaluator *ev, const struct function *function, struct arguments args)
{
	size_t count = function->u.partial.count;
	struct value *all = heap_array(&ev->heap, count + 1, sizeof(*all));
	size_t used = 0;
	struct value result;

	for (size_t i = 0; i < count; i++) {
		if (!function->u.partial.open[i])
			all[i] = function->u.partial.args[i];
		else
			all[i] = used < args.count ? args.at[used++] : value_undefined();
	}
	/* A loop may wrap a function in one partial application after another. */
	heap_enter(&ev->heap);
	result = call_apply(
	    ev, function->u.partial.whole, (struct arguments){all, count}, &no_context, false);
	heap_leave(&ev->heap);
	return result;
}

/* |pattern|update, removal| on a copy of the argument. The update is evaluated in the context of
 * each match and merged into it: {"a": 1} ~> |$|{"b": 2}| is {"a": 1, "b": 2}. Members are removed
 * after the update, so a removal wins. The argument itself stays unchanged. */
static struct value
call_transform(struct evaluator *ev, const struct function *function, struct arguments args)
{
	const struct transform_node *node = function->u.transform.node;
	struct frame *frame = function->u.transform.frame;
	struct value result, matches;

	if (args.count == 0 || args.at[0].type == VALUE_UNDEFINED)
		return value_undefined();
	if (args.at[0].type != VALUE_OBJECT && args.at[0].type != VALUE_ARRAY)
		fault_raise(ev->fault, ev->call_position, "T0410", "1", "transform");
	result = value_clone(&ev->heap, &args.at[0]);
	matches = evaluate(ev, node->pattern, &result, frame);
	if (matches.type == VALUE_UNDEFINED)
		return result;
	for (size_t i = 0; i < (value_is_array(&matches) ? value_count(&matches) : 1); i++) {
		struct value match = value_is_array(&matches) ? value_at(&matches, i) : matches;
		struct value update = evaluate(ev, node->update, &match, frame);
		struct value removal = node->removal != NULL
					   ? evaluate(ev, node->removal, &match, frame)
					   : value_undefined();
		struct member_cursor cursor = {0};

		if (update.type != VALUE_UNDEFINED && update.type != VALUE_OBJECT)
			fault_raise(ev->fault, node->update->position, "T2011",
			    evaluator_show(ev, &update));
		if (match.type != VALUE_OBJECT || match.is_json)
			continue; /* not a part of the copy: nothing to change */
		while (update.type == VALUE_OBJECT && value_next_member(&update, &cursor))
			object_set(&ev->heap, match.u.object, cursor.key, cursor.len, cursor.value);
		for (size_t k = 0; removal.type != VALUE_UNDEFINED &&
				   k < (value_is_array(&removal) ? value_count(&removal) : 1);
		     k++) {
			struct value key =
			    value_is_array(&removal) ? value_at(&removal, k) : removal;

			if (key.type != VALUE_STRING)
				fault_raise(ev->fault, node->removal->position, "T2012",
				    evaluator_show(ev, &removal));
			object_remove(&ev->heap, match.u.object, key.u.text, key.len);
		}
	}
	return result;
}

/* One call; a tail call comes back as such. A regular expression is a function too: it returns its
 * first match, with `next` for those after it. */
static struct value
call_apply_once(struct evaluator *ev, const struct function *function, struct arguments args,
    const struct value *context)
{
	struct value first = args.count > 0 ? args.at[0] : value_undefined();

	switch (function->type) {
	case FUNCTION_BUILTIN:
		return call_builtin(ev, function->u.builtin, args, context);
	case FUNCTION_LAMBDA:
		return call_lambda(ev, function, args, context);
	case FUNCTION_PARTIAL:
		return call_partial(ev, function, args);
	case FUNCTION_CHAIN:
		heap_enter(&ev->heap);
		first = call_apply(ev, function->u.chain.first, args, context, false);
		first = call_apply(
		    ev, function->u.chain.second, (struct arguments){&first, 1}, context, false);
		heap_leave(&ev->heap);
		return first;
	case FUNCTION_REGEX:
		return function_match(ev, function->u.regex.regex, &first, 0);
	case FUNCTION_NEXT_MATCH:
		return function_match(
		    ev, function->u.regex.regex, &function->u.regex.text, function->u.regex.start);
	case FUNCTION_TRANSFORM:
		return call_transform(ev, function, args);
	case FUNCTION_TAIL_CALL:
		break;
	}
	assert(!"a tail call is not a function");
	return value_undefined();
}

static const struct function *find_procedure(struct evaluator *ev, const struct call_node *call,
    const struct value *input, struct frame *frame);
static struct arguments evaluate_arguments(struct evaluator *ev, const struct call_node *call,
    const struct value *input, struct frame *frame, const struct value *first);
static void require_function(
    struct evaluator *ev, const struct call_node *call, const struct function *function);

/*
 * Calls function, and what it ends with: a function whose last act is a call gives that call back
 * here instead of making it, so that a recursion of that kind goes on for ever in one place.
 */
/* A tail call thus takes steps of the budget but no depth. claimed: the call has claimed the
 * faults; those of a tail call are reported at what it calls. */
static struct value
call_apply(struct evaluator *ev, const struct function *function, struct arguments args,
    const struct value *context, bool claimed)
{
	struct value result = call_apply_once(ev, function, args, context);

	while (result.type == VALUE_FUNCTION && result.u.function->type == FUNCTION_TAIL_CALL) {
		const struct function *tail = result.u.function;
		const struct value *input = &tail->u.tail.input;

		fault_unclaim(ev->fault, claimed);
		function = find_procedure(ev, tail->u.tail.node, input, tail->u.tail.frame);
		args = evaluate_arguments(ev, tail->u.tail.node, input, tail->u.tail.frame, NULL);
		require_function(ev, tail->u.tail.node, function);
		ev->call_position = tail->u.tail.node->node.position;
		if (claimed)
			fault_claim(ev->fault, tail->u.tail.node->procedure->position);
		result = call_apply_once(ev, function, args, input);
	}
	return result;
}

/* The context is null, so a signature with - does not find one: inside $map a function sees only
 * its arguments. */
struct value
evaluator_call(
    struct evaluator *ev, const struct function *function, const struct value *args, size_t count)
{
	const char *name = ev->call_name;
	uint32_t position = ev->call_position;
	struct value result =
	    call_apply(ev, function, (struct arguments){args, count}, &no_context, false);

	ev->call_name = name;
	ev->call_position = position;
	return result;
}

/* The name by which a call names its function; NULL where it has none. jsonata names only calls by
 * a name or a path that begins with one. */
static const struct name_node *
procedure_name(const struct node *procedure)
{
	if (procedure->type == NODE_NAME || procedure->type == NODE_VARIABLE)
		return (const struct name_node *)procedure;
	if (procedure->type == NODE_PATH) {
		const struct node *first = ((const struct path_node *)procedure)->first->node;

		return first->type == NODE_NAME || first->type == NODE_VARIABLE
			   ? (const struct name_node *)first
			   : NULL;
	}
	return NULL;
}

/* What a call calls; NULL where it is not a function, which counts only once the arguments are
 * evaluated. Raises T1005 and T1007 where a $ was forgotten: sum(1) is T1005 since $sum exists. */
static const struct function *
find_procedure(struct evaluator *ev, const struct call_node *call, const struct value *input,
    struct frame *frame)
{
	struct value procedure = evaluate(ev, call->procedure, input, frame);
	const struct name_node *name = procedure_name(call->procedure);
	const char *text = name != NULL ? heap_text(&ev->heap, name->name, name->node.len) : "";
	bool partial = call->node.type == NODE_PARTIAL;

	ev->call_name = name != NULL ? text : NULL;
	ev->call_position = call->node.position;
	if (procedure.type == VALUE_FUNCTION)
		return procedure.u.function;
	fault_set_token(ev->fault, text, strlen(text));
	if (procedure.type == VALUE_UNDEFINED && name != NULL &&
	    call->procedure->type != NODE_VARIABLE &&
	    frame_find(ev, frame, name->name, name->node.len).type != VALUE_UNDEFINED)
		fault_raise(
		    ev->fault, call->node.position, partial ? "T1007" : "T1005", text, text);
	return NULL;
}

/* Of what find_procedure gave. $f(1) is T1006 where $f is not there. */
static void
require_function(
    struct evaluator *ev, const struct call_node *call, const struct function *function)
{
	if (function == NULL)
		fault_raise(ev->fault, call->node.position,
		    call->node.type == NODE_PARTIAL ? "T1008" : "T1006");
}

/* first: goes before the others, or NULL. Arguments are evaluated from left to right, in the
 * context of the call. */
static struct arguments
evaluate_arguments(struct evaluator *ev, const struct call_node *call, const struct value *input,
    struct frame *frame, const struct value *first)
{
	struct value *args = heap_array(&ev->heap, (size_t)call->node.count + 1, sizeof(*args));
	size_t count = 0;

	if (first != NULL)
		args[count++] = *first;
	for (uint32_t i = 0; i < call->node.count; i++)
		args[count++] = evaluate(ev, call->arguments[i], input, frame);
	return (struct arguments){args, count};
}

/* A tail call keeps its own context and scope until call_apply makes it: by then the caller's have
 * gone. `first` is the left side of ~>, which such a call could not carry along. */
struct value
evaluate_call(struct evaluator *ev, const struct call_node *call, const struct value *input,
    struct frame *frame, const struct value *first)
{
	const struct function *function;
	struct arguments args;
	struct value result;
	const char *name;
	bool claimed;

	if ((call->node.flags & NODE_TAIL) != 0 && first == NULL)
		return make_function(
		    ev, &(struct function){.type = FUNCTION_TAIL_CALL,
			    .u.tail = {.node = call, .frame = frame, .input = *input}});
	function = find_procedure(ev, call, input, frame);
	name = ev->call_name;
	args = evaluate_arguments(ev, call, input, frame, first);
	require_function(ev, call, function);
	ev->call_name = name;
	ev->call_position = call->node.position;
	if (name != NULL)
		fault_set_token(ev->fault, name, strlen(name));
	claimed = fault_claim(ev->fault, call->node.position);
	result = call_apply(ev, function, args, input, claimed);
	fault_unclaim(ev->fault, claimed);
	return result;
}

/* The fixed arguments are evaluated once, when the partial application is made. */
struct value
evaluate_partial(struct evaluator *ev, const struct call_node *call, const struct value *input,
    struct frame *frame)
{
	struct function partial = {.type = FUNCTION_PARTIAL};
	struct value *args = heap_array(&ev->heap, call->node.count, sizeof(*args));
	bool *open = heap_array(&ev->heap, call->node.count, sizeof(*open));

	for (uint32_t i = 0; i < call->node.count; i++) {
		open[i] = call->arguments[i]->type == NODE_PLACEHOLDER;
		if (!open[i])
			args[i] = evaluate(ev, call->arguments[i], input, frame);
	}
	partial.u.partial.whole = find_procedure(ev, call, input, frame);
	require_function(ev, call, partial.u.partial.whole);
	partial.u.partial.args = args;
	partial.u.partial.open = open;
	partial.u.partial.count = call->node.count;
	return make_function(ev, &partial);
}

/* left ~> right. "abc" ~> $substring(1) inserts the left side as the first argument: "bc". Two
 * functions make a new one, which applies the left first: $trim ~> $uppercase. */
struct value
evaluate_apply(struct evaluator *ev, const struct binary_node *binary, const struct value *input,
    struct frame *frame)
{
	struct value left = evaluate(ev, binary->left, input, frame);
	const struct node *call = binary->right;
	struct value right;

	/* As in jsonata, what stands behind such a call is not looked at. */
	call = node_bare(call);
	if (call->type == NODE_CALL)
		return evaluate_call(ev, (const struct call_node *)call, input, frame, &left);
	right = evaluate(ev, binary->right, input, frame);
	if (right.type != VALUE_FUNCTION)
		fault_raise(ev->fault, binary->node.position, "T2006");
	if (left.type == VALUE_FUNCTION)
		return make_function(
		    ev, &(struct function){.type = FUNCTION_CHAIN,
			    .u.chain = {.first = left.u.function, .second = right.u.function}});
	ev->call_position = binary->node.position;
	return evaluator_call(ev, right.u.function, &left, 1);
}
