#include "web/http/microhttpd.h"

#include <dlfcn.h>

/* With the number of its interface, since the header that was compiled with says what it takes. */
#define MICROHTTPD_LIBRARY "libmicrohttpd.so.12"

_Static_assert(MHD_VERSION >= 0x00095000 && MHD_VERSION < 0x02000000,
    "libmicrohttpd of another interface: see MICROHTTPD_LIBRARY");

/* All functions at once, as the program's libraries are bound (-z now): none is missing later. */
int
microhttpd_load(struct microhttpd *ret, struct tmf_err *err)
{
	void *library = dlopen(MICROHTTPD_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	struct microhttpd loaded = {0};

	if (library == NULL)
		return tmf_err_set(err, TMF_ERR_SYSTEM,
		    "failed to load libmicrohttpd, which `tmflow ui` and --metrics-listen need: %s",
		    dlerror());
#define MICROHTTPD_FIND(name)                                                                      \
	loaded.name = (__typeof__(loaded.name))dlsym(library, "MHD_" #name);                       \
	if (loaded.name == NULL)                                                                   \
		return tmf_err_set(err, TMF_ERR_SYSTEM, MICROHTTPD_LIBRARY " has no MHD_" #name);
	MICROHTTPD_FUNCTIONS(MICROHTTPD_FIND)
#undef MICROHTTPD_FIND
	*ret = loaded;
	return 0;
}
