#include "web/page/asset.h"

#include <stdlib.h>
#include <string.h>

/* Names come from our own sources only, so that a missing one is a fault of the build. */
struct str
web_asset(const char *name)
{
	for (const struct web_asset *asset = web_assets; asset->name != NULL; asset++)
		if (strcmp(asset->name, name) == 0)
			return asset->text;
	abort();
}
