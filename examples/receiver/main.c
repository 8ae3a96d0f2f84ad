/* Feeds a `candump -L` log on stdin to the receiver and says what it made of it.
 *
 *     gcc -std=c99 -Wall -Wextra -Werror -o dms_example main.c dms_receiver.c && ./dms_example < can.log
 *
 * Prints `milliseconds show NAME` whenever what the driver is shown changes (looked at every 10 ms of the log's time, so
 * that silence shows too), `milliseconds MESSAGE VERDICT` for every frame that is not in order, and counts at the end.
 * An argument is a time in seconds to go on for after the last frame. */
#include "dms_receiver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_MS 10u

static const char *const verdict_names[DMS_VERDICTS] = {
    "not_ours", "initial", "ok", "ok_some_lost", "repeated", "wrong_sequence", "wrong_crc",
};
static const char *const display_names[] = {"nothing", "warning", "unavailable"};

struct state {
    struct dms_receiver dms;
    int shown;
    uint32_t looked_ms;
};

static void look(struct state *state, uint32_t now_ms) {
    const int show = (int)dms_show(&state->dms, now_ms);
    if (show == state->shown) return;
    state->shown = show;
    printf("%" PRIu32 " show %s\n", now_ms, display_names[show]);
}

static void look_until(struct state *state, uint32_t now_ms) {
    if (now_ms - state->looked_ms > UINT32_MAX / 2u) state->looked_ms = now_ms; /* the log's clock was set back */
    while (now_ms - state->looked_ms >= LOOK_EVERY_MS) {
        state->looked_ms += LOOK_EVERY_MS;
        look(state, state->looked_ms);
    }
}

/* The data bytes of the part of a line behind '#'; -1 for what is no data frame. */
static int parse_data(const char *text, uint8_t *data) {
    int length = 0;
    unsigned value;
    while (length < 8 && sscanf(text + 2 * length, "%2x", &value) == 1) data[length++] = (uint8_t)value;
    return text[0] == 'R' ? -1 : length;
}

int main(int argc, char **argv) {
    static struct state state;
    char line[256], channel[64], payload[64];
    unsigned long seconds, micros;
    unsigned id;
    bool started = false;
    uint32_t now_ms = 0;
    dms_init(&state.dms);
    state.shown = -1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint8_t data[8] = {0};
        payload[0] = '\0'; /* a frame without data has none */
        if (sscanf(line, "(%lu.%6lu) %63s %x#%63s", &seconds, &micros, channel, &id, payload) < 4) continue;
        const int length = parse_data(payload, data);
        if (length < 0) continue;
        now_ms = (uint32_t)(seconds * 1000u + micros / 1000u);
        if (!started) state.looked_ms = now_ms;
        started = true;
        look_until(&state, now_ms);
        const enum dms_verdict verdict = dms_on_frame(&state.dms, id, data, (unsigned)length, now_ms);
        for (unsigned i = 0; i < DMS_MESSAGES && verdict > DMS_OK; i++) {
            if (dms_messages[i].id == id) printf("%" PRIu32 " %s %s\n", now_ms, dms_messages[i].name, verdict_names[verdict]);
        }
        look(&state, now_ms);
    }
    if (argc > 1) look_until(&state, now_ms + (uint32_t)(strtod(argv[1], NULL) * 1000.0));
    for (unsigned i = 0; i < DMS_MESSAGES; i++) {
        printf("count %s", dms_messages[i].name);
        for (unsigned v = DMS_INITIAL; v < DMS_VERDICTS; v++) {
            printf(" %s=%" PRIu32, verdict_names[v], state.dms.channel[i].count[v]);
        }
        printf("\n");
    }
    return 0;
}
