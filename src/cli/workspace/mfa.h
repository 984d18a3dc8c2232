#ifndef TMFLOW_CLI_WORKSPACE_MFA_H
#define TMFLOW_CLI_WORKSPACE_MFA_H

#include "tmflow/call.h"

#include <stdbool.h>

/* Where the code of an MFA device comes from: --mfa-token, once, or the user at the terminal. */
struct mfa {
	struct tmf_loop *loop;
	const char *token; /* --mfa-token; NULL: not given. Borrowed */
	bool token_used;
};

/*
 * Asks for the code that the device of that serial number shows, without blocking the loop: a call
 * with {"Code": six digits}. arg is a struct mfa, which outlives the call.
 * Errors: TMF_ERR_CREDENTIALS where no terminal can be asked, or what was typed is not six digits.
 */
struct tmf_call *mfa_ask(void *arg, const char *serial_number);

#endif
