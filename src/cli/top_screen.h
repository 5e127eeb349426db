/* top_screen.h: the terminal of `sluice top`: its other screen while it runs, as it was afterwards.
 * However the process ends, but by SIGKILL, the terminal is given back. */
#pragma once

#include <uv.h>

#include "base/buf.h"

/* Standard output as the screen, standard input as the keys if it is a terminal, too. */
struct top_screen {
    uv_loop_t *loop;
    uv_tty_t keys;
    bool reads_keys;
    char pressed[32];
    void (*key)(void *user, char key);
    void *user;
};

void top_screen_open(struct top_screen *screen, uv_loop_t *loop, void (*key)(void *user, char key),
                     void *user);
void top_screen_size(size_t *columns, size_t *rows);
void top_screen_show(struct str frame);
/* Stops the process, as Ctrl-Z does, and takes the terminal again when it goes on. */
void top_screen_suspend(struct top_screen *screen);
/* Gives the terminal back; handles are closed by the loop. */
void top_screen_close(struct top_screen *screen);
