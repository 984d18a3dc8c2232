#ifndef TMFLOW_TESTS_SUPPORT_REMOVE_TREE_H
#define TMFLOW_TESTS_SUPPORT_REMOVE_TREE_H

#include <ftw.h>
#include <stdio.h>

#define REMOVE_TREE_FILES 16 /* folders that are open at the same time */

static inline int
remove_tree_entry(const char *path, const struct stat *stat, int type, struct FTW *where)
{
	(void)stat;
	(void)type;
	(void)where;
	return remove(path);
}

/* Removes a folder with all that is in it; follows no link. Returns 0, or -1 with errno. */
static inline int
remove_tree(const char *path)
{
	return nftw(path, remove_tree_entry, REMOVE_TREE_FILES, FTW_DEPTH | FTW_PHYS);
}

#endif
