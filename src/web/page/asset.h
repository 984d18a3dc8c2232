#ifndef TMFLOW_WEB_PAGE_ASSET_H
#define TMFLOW_WEB_PAGE_ASSET_H

#include "base/buf.h"

/* The styles and scripts of src/web/assets, which the build writes into the program. */
struct web_asset {
	const char *name; /* of the file; NULL ends the list */
	struct str text;
};
extern const struct web_asset web_assets[];

/* The text of an asset that is known to be there. Static. */
struct str web_asset(const char *name);

#endif
