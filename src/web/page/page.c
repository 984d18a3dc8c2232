#include "web/page/page.h"

#include "base/digest.h"
#include "base/jsonx.h"
#include "web/page/asset.h"

#include <assert.h>

#define PAGE_STYLE "style.css"

/* Both quotes too, so that the text may stand in an attribute. */
void
page_escape(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '<' || *text == '>' || *text == '&' || *text == '"' || *text == '\'')
			buf_printf(out, "&#%d;", *text);
		else
			buf_add_char(out, *text);
	}
}

/* All in one element: a policy then needs one hash. */
static void
page_script(const struct page *page, struct buf *out)
{
	buf_add_cstr(out, "'use strict';\n");
	for (const char *const *name = page->scripts; *name != NULL; name++)
		buf_add_str(out, web_asset(*name));
}

/* As a policy names the text of a script or style that it allows: sha256-BASE64. */
static void
page_add_hash(struct buf *out, struct str text)
{
	uint8_t hash[DIGEST_SHA256_BYTES];

	digest_sha256(text, hash);
	buf_add_cstr(out, "'sha256-");
	digest_base64_encode((struct str){(const char *)hash, sizeof(hash)}, out);
	buf_add_cstr(out, "'");
}

/* The policy allows this page's script and style by their hashes and nothing else: what gets into a
 * page by way of a tag or a name cannot run. */
void
page_begin(const struct page *page, FILE *out)
{
	struct str style = web_asset(PAGE_STYLE);
	struct buf script = {0};
	struct buf head = {0};

	assert(page->title != NULL);
	page_script(page, &script);
	buf_add_cstr(&head,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\""
	    "default-src 'none'; base-uri 'none'; form-action 'none'; script-src ");
	page_add_hash(&head, buf_str(&script));
	buf_add_cstr(&head, "; style-src ");
	page_add_hash(&head, style);
	buf_add_cstr(&head, "\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
			    "<meta name=\"viewport\" content=\"width=device-width,"
			    " initial-scale=1\">\n<title>");
	page_escape(&head, page->title);
	buf_add_cstr(&head, "</title>\n<style>");
	buf_add_str(&head, style);
	buf_add_cstr(&head, "</style>\n</head>\n<body>\n<main>"
			    "<noscript>This page needs JavaScript, which it holds itself."
			    "</noscript></main>\n");
	fwrite(head.p, 1, head.len, out);
	buf_fini(&script);
	buf_fini(&head);
}

void
page_data_begin(FILE *out, const char *id)
{
	fprintf(out, "<script type=\"application/json\" id=\"%s\">", id);
}

void
page_data_end(FILE *out)
{
	fputs("</script>\n", out);
}

/* "</script>" or "<!--" within a text would end the block: JSON has another way to write '<'. */
void
page_data_json(FILE *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '<' || text.p[i] == '>' || text.p[i] == '&')
			fprintf(out, "\\u%04x", (unsigned char)text.p[i]);
		else
			fputc(text.p[i], out);
	}
}

void
page_put_json(FILE *out, const char *id, const json_t *value)
{
	struct buf text = {0};

	assert(value != NULL);
	jsonx_write(value, &text);
	page_data_begin(out, id);
	page_data_json(out, buf_str(&text));
	page_data_end(out);
	buf_fini(&text);
}

/* At the end, where the data stands before it. The same bytes as those that were hashed. */
void
page_end(const struct page *page, FILE *out)
{
	struct buf script = {0};

	page_script(page, &script);
	fputs("<script>", out);
	fwrite(script.p, 1, script.len, out);
	fputs("</script>\n</body>\n</html>\n", out);
	buf_fini(&script);
}
