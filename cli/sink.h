/* presort sink - an SMTP server that accepts everything, for newcomers and
 * tests, and that misbehaves on request. `presort sink --help` lists what it
 * can do. Runs until SIGINT or SIGTERM; returns the exit status. */
#ifndef CLI_SINK_H
#define CLI_SINK_H

int sink_main(int argc, char **argv);
#endif
