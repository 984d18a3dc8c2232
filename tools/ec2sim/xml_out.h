#ifndef EC2SIM_XML_OUT_H
#define EC2SIM_XML_OUT_H

#include "tmflow/base/buf.h"

#include <stdint.h>

/* XML as EC2 writes it: no indentation. Names are given as they are; text is escaped. */

/* <name> */
void xml_open(struct buf *out, const char *name);
/* </name> */
void xml_close(struct buf *out, const char *name);
/* <name>text</name>, or <name/> where text is NULL or empty */
void xml_text(struct buf *out, const char *name, const char *text);
void xml_str(struct buf *out, const char *name, struct str text);
void xml_int(struct buf *out, const char *name, int64_t value);
/* <name/> */
void xml_empty(struct buf *out, const char *name);
/* text with &, <, > and " as entities, and control characters that XML cannot hold as ? */
void xml_escape(struct buf *out, struct str text);

#endif
