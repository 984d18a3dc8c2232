#include "world_internal.h"

#include "base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_TOKEN_BYTES_MAX 64u
#define SCALE_OF_SERIALS       4000 /* salts of world_hash that belong to this file */

static uint64_t
token_key(const struct sim_call *c, struct str token)
{
	return hash_text(token, hash_text(str_of(c->action->name), 3)) >> 1;
}

int
token_find(struct sim_call *c, uint64_t *ret_resource)
{
	struct str token = params_get(&c->params, "ClientToken");
	uint64_t index;

	if (token.len == 0)
		return 0;
	if (token.len > CLIENT_TOKEN_BYTES_MAX)
		return call_fail(c, 400, "InvalidParameterValue",
		    "Value for parameter ClientToken is invalid. Token length exceeds %u.",
		    CLIENT_TOKEN_BYTES_MAX);
	if (!idmap_get(&c->w->token_of, token_key(c, token), &index))
		return 0;
	if (c->w->tokens[index].params != params_hash(&c->params))
		return call_fail(c, 400, "IdempotentParameterMismatch",
		    "The client token is already used and the parameters differ.");
	*ret_resource = c->w->tokens[index].resource;
	c->replayed = true;
	return 1;
}

void
token_keep(struct sim_call *c, uint64_t resource)
{
	struct str token = params_get(&c->params, "ClientToken");
	struct sim_world *w = c->w;

	c->replayed = false;
	if (token.len == 0)
		return;
	if ((w->tokens_count & (w->tokens_count - 1)) == 0)
		w->tokens = mem_resize(w->tokens, w->tokens_count == 0 ? 1 : w->tokens_count * 2,
		    sizeof(w->tokens[0]));
	w->tokens[w->tokens_count] =
	    (struct token_use){.params = params_hash(&c->params), .resource = resource};
	idmap_set(&w->token_of, token_key(c, token), w->tokens_count);
	w->tokens_count++;
}

/* A page token: start, serial of the request that made it, and a check that binds both to the
 * world and the request's parameters. */
struct page_token {
	uint64_t start;
	uint64_t serial;
	uint64_t check;
};

static uint64_t
page_check(const struct sim_call *c, const struct page_token *t)
{
	return world_hash(c->w, SCALE_OF_SERIALS,
	    world_hash(c->w, t->start, t->serial) ^ params_hash(&c->params));
}

static int
page_resume(struct sim_call *c, struct str text, struct page *page)
{
	struct buf bytes = {0};
	struct page_token t = {0};
	bool good = text.len < 100 && digest_base64_decode(text, &bytes, NULL) == 0 &&
		    bytes.len == sizeof(t);

	if (good)
		memcpy(&t, bytes.p, sizeof(t));
	buf_fini(&bytes);
	if (!good || t.check != page_check(c, &t))
		return call_fail(
		    c, 400, "InvalidNextToken", "The token is not valid for this request.");
	if (t.serial <= c->w->tokens_expired ||
	    (c->w->opts.token_ttl > 0 && c->w->serial - t.serial > c->w->opts.token_ttl))
		return call_fail(c, 400, "InvalidNextToken", "The token has expired.");
	page->start = t.start;
	return 0;
}

int
page_begin(struct sim_call *c, size_t min, size_t max, struct page *ret_page)
{
	struct str token = params_get(&c->params, "NextToken");
	int64_t results = 0;
	bool set;

	*ret_page = (struct page){0};
	if (call_int(c, "MaxResults", 0, INT32_MAX, &results, &set) < 0)
		return -1;
	if (set && results < (int64_t)min)
		return call_fail(c, 400, "InvalidParameterValue",
		    "Value ( %lld ) for parameter maxResults is invalid. Expecting a value greater "
		    "than %zu.",
		    (long long)results, min);
	if (set && results > (int64_t)max)
		return call_fail(c, 400, "InvalidParameterValue",
		    "Value ( %lld ) for parameter maxResults is invalid. Expecting a value less "
		    "than or equal to %zu.",
		    (long long)results, max);
	ret_page->max = (size_t)results;
	if (token.len > 0 && !set)
		ret_page->max = max;
	if (token.len > 0 && page_resume(c, token, ret_page) < 0)
		return -1;
	ret_page->empty = ret_page->max > 0 && world_chance(c->w, SCALE_OF_SERIALS + 1,
						   c->w->serial) < c->w->opts.empty_pages;
	return 0;
}

void
page_next(struct sim_call *c, uint64_t next)
{
	struct page_token t = {.start = next, .serial = c->w->serial};
	struct buf text = {0};

	t.check = page_check(c, &t);
	digest_base64_encode((struct str){(const char *)&t, sizeof(t)}, &text);
	xml_str(c->out, "nextToken", buf_str(&text));
	buf_fini(&text);
}

void
world_expire_tokens(struct sim_world *world)
{
	world->tokens_expired = world->serial;
}
