/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_BASE_CRASH_H
#define STG_BASE_CRASH_H

/*
 * Points where a process can be made to die as by SIGKILL: before and after
 * each commit, each call of a store and each answer. They are there in a build
 * with --enable-crash-points only, and are nothing at all in any other.
 *
 * A point is armed by a file of its name in the folder that
 * STAGING_CRASH_FOLDER names. Whoever gets there first removes the file, and
 * dies. t/faults/test_800_crash_points.py finds the names in the sources and
 * has each of them reached.
 */
#ifdef STG_CRASH_POINTS
void stg_crash_point(const char *name);
#define STG_CRASH_POINT(name) stg_crash_point(name)
#else
#define STG_CRASH_POINT(name) ((void)0)
#endif

#endif
