#ifndef EC2SIM_XML_OUT_H
#define EC2SIM_XML_OUT_H

#include "base/buf.h"

#include <stdint.h>
#include <string.h>

/* XML as EC2 writes it: no indentation. Names are given as they are; text is escaped. Inline
 * where the compiler then knows the length of the name. */

/* before NAME after: a tag */
void xml_tag(struct buf *out, struct str before, struct str name, struct str after);
/* <name>text</name>, or <name/> where text is empty */
void xml_element(struct buf *out, struct str name, struct str text);
/* text with &, <, > and " as entities, and control characters that XML cannot hold as ? */
void xml_escape(struct buf *out, struct str text);

/* <name> */
static inline void
xml_open(struct buf *out, const char *name)
{
	xml_tag(out, STR("<"), (struct str){name, strlen(name)}, STR(">"));
}

/* </name> */
static inline void
xml_close(struct buf *out, const char *name)
{
	xml_tag(out, STR("</"), (struct str){name, strlen(name)}, STR(">"));
}

/* <name/> */
static inline void
xml_empty(struct buf *out, const char *name)
{
	xml_tag(out, STR("<"), (struct str){name, strlen(name)}, STR("/>"));
}

static inline void
xml_str(struct buf *out, const char *name, struct str text)
{
	xml_element(out, (struct str){name, strlen(name)}, text);
}

/* NULL is an empty text. */
static inline void
xml_text(struct buf *out, const char *name, const char *text)
{
	xml_str(out, name, (struct str){text, text != NULL ? strlen(text) : 0});
}

void xml_int(struct buf *out, const char *name, int64_t value);

#endif
