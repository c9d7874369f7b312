/* base/files - how many files, and so connections, this process may have open.
 */
#ifndef BASE_FILES_H
#define BASE_FILES_H

/* As many as the system allows at most: shells and service managers often start
 * with a thousand. Logs where that is less than wanted. */
void files_allow(unsigned long wanted);
#endif
