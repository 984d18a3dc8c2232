#ifndef TMFLOW_ASL_JSONATA_FAULT_H
#define TMFLOW_ASL_JSONATA_FAULT_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How parsing and evaluation end early. A fault leaves by longjmp to the one place that began: an
 * interpreter that looks at a result at each of its some hundred recursive calls is hard to read,
 * and all memory is the heap's, so nothing has to be undone on the way.
 */

#define FAULT_CODE_BYTES    6 /* "T2001" */
#define FAULT_MESSAGE_BYTES 400

struct fault {
	char code[FAULT_CODE_BYTES];
	char message[FAULT_MESSAGE_BYTES];
	char token[64];	   /* what the message is about, as the suite's `token`; "" if nothing */
	uint32_t position; /* bytes of the expression up to the end of the token */
	uint32_t call_position; /* of the call whose arguments are being checked */
	uint32_t claimed;	/* whatever fails is reported at this position; 0: at its own */
	/* The first of those that wait until the whole text is read; "": none. */
	char deferred_code[FAULT_CODE_BYTES];
	char deferred_text[40];
	uint32_t deferred_position;
	jmp_buf out;
};

/* Fills in the fault of that code, whose message is a format of the table in fault.c, and jumps.
 * Each %s in it takes a const char *, which is cut off where it is long. */
_Noreturn void fault_raise(struct fault *fault, uint32_t position, const char *code, ...);

/* Notes a fault that counts only where the rest of the text has none of its own: jsonata parses all
 * of it before it looks at what the parts mean. text: what the message is about. */
void fault_defer(struct fault *fault, uint32_t position, const char *code, const char *text);

/* Raises what has been deferred; returns where nothing has. */
void fault_raise_deferred(struct fault *fault);

/* Whatever fails from now on is reported at position: as in jsonata, of a call and of the right
 * side of `and` and `or`. What was claimed first counts, since it is outermost. Returns what
 * fault_unclaim takes. */
static inline bool
fault_claim(struct fault *fault, uint32_t position)
{
	if (fault->claimed != 0)
		return false;
	fault->claimed = position;
	return true;
}

static inline void
fault_unclaim(struct fault *fault, bool claimed)
{
	if (claimed)
		fault->claimed = 0;
}

/* Notes what the next fault is about. */
void fault_set_token(struct fault *fault, const char *text, size_t len);

#endif
