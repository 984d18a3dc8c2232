#include "world_internal.h"

#include <string.h>

/* See: docs.aws.amazon.com/vpc/latest/mirroring, "supported instance types" and "quotas". Words
 * are separated by blanks. */

static const char *const source_families[] = {
    "a1 m4 m5 m5a m5ad m5d m5dn m5n m5zn m6a m6g m6gd m6i m6id m6idn m6in m7a m7g m7gd m7i "
    "m7i-flex t3 t3a t4g",
    "mac1 mac2 mac2-m1ultra mac2-m2 mac2-m2pro",
    "c4 c5 c5a c5ad c5d c5n c6a c6g c6gd c6gn c6i c6id c6in c7a c7g c7gd c7i c7i-flex",
    "r4 r5 r5a r5ad r5b r5d r5dn r5n r6a r6g r6gd r6i r6id r6idn r6in r7a r7g r7gd r7i r7iz x1 x1e "
    "x2gd x2idn x2iedn x2iezn z1d",
    "u-3tb1 u-6tb1 u-9tb1 u-12tb1 u-18tb1 u-24tb1 u7i-6tb u7i-8tb u7i-12tb u7in-16tb u7in-24tb "
    "u7in-32tb u7inh-32tb",
    "d2 d3 d3en h1 i3 i3en i4g i4i i7i im4gn is4gen",
    "dl1 dl2q f2 g3 g4ad g4dn g5 g5g g6 g6e g6f gr6 gr6f inf1 inf2 p3 p3dn p4d p4de p5 p5e trn1 "
    "trn1n vt1",
    "hpc6a hpc6id hpc7a",
};

static const char *const metal_families[] = {
    "a1 m5 m5d m6g m6gd mac1 mac2 mac2-m1ultra mac2-m2 mac2-m2pro c5 c5d c6g c6gd r5 r5b r5d r6g "
    "r6gd x2gd z1d i3 g5g",
};

/* Types whose interfaces take 100 sources: the sizes at the end of their family. */
static const struct {
	const char *size;
	const char *families;
} raised[] = {
    {"24xlarge", "m5 m5d m5dn m5n m8azn m8gb m8gn c5 c5d c8gb c8gn r5 r5b r5d r5dn r5n r8gb r8gn "
		 "x8aedz i3en dl1 dl2q g6e g7e inf1 p3dn p4d p4de vt1 hpc7a"},
    {"12xlarge", "m5zn m8ine c8ine x2iezn z1d g6e g7e hpc7a"},
    {"48xlarge",
	"m6a m7a m7i m8a m8g m8gb m8gd m8gn m8in m8idn m8ib m8idb c6a c7a c7i c8a c8g c8gb c8gd "
	"c8gn c8in c8ib r6a r7a r7i r8a r8g r8gb r8gd r8gn r8in r8idn r8ib r8idb"},
    {"48xlarge", "x8g i7i i7ie i8g i8ge f2 g5 g6 g6e g7e inf2 p5 p5e p5en p6-b200 p6-b300 trn2 "
		 "trn2u hpc6a hpc7a"},
    {"16xlarge", "m6g m6gd c6g c6gd c6gn c7gn r6g r6gd x2gd i4g im4gn g5g hpc7g"},
    {"32xlarge", "m6i m6id m6idn m6in c6i c6id c6in r6i r6id r6idn r6in r7iz x2idn x2iedn i4i trn1 "
		 "trn1n hpc6id"},
    {"96xlarge", "m8i m8id m8in m8idn m8ib m8idb c8i c8id c8in c8ib r8i r8id r8in r8idn r8ib r8idb "
		 "x8i hpc7a hpc8a"},
    {"18xlarge", "c5 c5d c5n"},
    {"36xlarge", "p6e-gb200"},
    {"4xlarge", "p5 hpc7g"},
    {"8xlarge", "hpc7g"},
    {"3xlarge", "trn2"},
    {"56xlarge", "u-6tb1"},
    {"112xlarge", "u-6tb1 u-9tb1 u-12tb1 u-18tb1 u-24tb1 u7i-6tb u7i-8tb"},
    {"224xlarge", "u7i-12tb u7in-16tb u7in-24tb u7in-32tb"},
    {"480xlarge", "u7inh-32tb"},
};

#define SOURCES_MAX	   10u
#define SOURCES_MAX_RAISED 100u

static bool
has_word(const char *words, struct str word)
{
	while (*words != '\0') {
		size_t len = strcspn(words, " ");

		if (len == word.len && memcmp(words, word.p, len) == 0)
			return true;
		words += len + strspn(words + len, " ");
	}
	return false;
}

static bool
any_has_word(const char *const *lists, size_t count, struct str word)
{
	for (size_t i = 0; i < count; i++) {
		if (has_word(lists[i], word))
			return true;
	}
	return false;
}

/* What stands before the first dot; *ret_size is what follows it. */
static struct str
family_of(const char *type, const char **ret_size)
{
	size_t len = strcspn(type, ".");

	*ret_size = type[len] == '.' ? type + len + 1 : "";
	return (struct str){type, len};
}

bool
type_can_be_source(const char *type)
{
	const char *size;
	struct str family = family_of(type, &size);

	if (strncmp(size, "metal", 5) == 0)
		return any_has_word(
		    metal_families, sizeof(metal_families) / sizeof(metal_families[0]), family);
	return any_has_word(
	    source_families, sizeof(source_families) / sizeof(source_families[0]), family);
}

unsigned
type_sources_max(const char *type)
{
	const char *size;
	struct str family = family_of(type, &size);

	for (size_t i = 0; i < sizeof(raised) / sizeof(raised[0]); i++) {
		if (strcmp(raised[i].size, size) == 0 && has_word(raised[i].families, family))
			return SOURCES_MAX_RAISED;
	}
	return SOURCES_MAX;
}
