#ifndef TMFLOW_WEB_UI_UI_SERVER_H
#define TMFLOW_WEB_UI_UI_SERVER_H

#include "store/store.h"
#include "tmflow/error.h"
#include "tmflow/loop.h"

/*
 * The live view: a server on a loop, read-only, over the store.
 */

#define UI_CONNECTIONS_MAX 200
#define UI_STREAMS_MAX	   32	/* pages that follow live */
#define UI_STREAM_MS	   1000 /* between two looks whether the store has changed */

struct ui_server;

/*
 * Listens on address, "127.0.0.1:8080", "[::1]:0" or "0.0.0.0:8080"; port 0: a free one.
 * Borrows: loop and store. Errors: TMF_ERR_INVALID for an address, TMF_ERR_SYSTEM.
 */
struct ui_server *ui_server_start(
    struct tmf_loop *loop, struct store *store, const char *address, struct tmf_err *err);

/* Ends all connections. NULL is fine. */
void ui_server_stop(struct ui_server *server);

/* "http://127.0.0.1:8080/?token=...": opens the view, once or often. Borrowed. */
const char *ui_server_url(const struct ui_server *server);

#endif
