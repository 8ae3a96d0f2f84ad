/* Receive side of the watchkeeper CAN contract: what an integrator's ECU has to do with each frame, in C99.
 *
 *     struct dms_receiver dms;
 *     dms_init(&dms);
 *     dms_on_frame(&dms, id, data, length, now_ms);            for every frame received
 *     if (dms_available(&dms, DMS_STATUS, now_ms)) ... dms.status.system_state ...
 *
 * Nothing is allocated, nothing blocks, time is whatever millisecond counter you have (wrapping is fine).
 * A frame that is not accepted is counted and never read. */
#ifndef DMS_RECEIVER_H
#define DMS_RECEIVER_H

#include "dms_contract.h"

/* A greater step could as well be an old frame; see docs/can.md, Protection. */
#define DMS_MAX_COUNTER_STEP 5u

enum dms_verdict {
    DMS_NOT_OURS,
    DMS_INITIAL,        /* accepted: the first one whose CRC holds */
    DMS_OK,             /* accepted: the counter stepped by one */
    DMS_OK_SOME_LOST,   /* accepted: stepped by up to DMS_MAX_COUNTER_STEP */
    DMS_REPEATED,       /* rejected: a stuck sender or a copy */
    DMS_WRONG_SEQUENCE, /* rejected: a jump; the next frame is judged from here */
    DMS_WRONG_CRC,      /* rejected: damaged, of the wrong length, or another message's */
    DMS_VERDICTS
};

struct dms_channel {
    bool has_counter;
    uint8_t counter;      /* of the last frame whose CRC held */
    bool has_data;        /* at least one frame was accepted */
    uint32_t accepted_ms; /* when the newest one was */
    uint32_t count[DMS_VERDICTS];
};

struct dms_receiver {
    struct dms_channel channel[DMS_MESSAGES];
    /* Written by accepted frames only. Ask dms_available before reading. */
    struct dms_status status;
    struct dms_warning warning;
    struct dms_driver driver;
    struct dms_geometry geometry;
    struct dms_health health;
    struct dms_identity identity;
};

/* What to show the driver, whatever happened on the bus. */
enum dms_display {
    DMS_SHOW_NOTHING,
    DMS_SHOW_WARNING,    /* dms.warning says which and how urgent */
    DMS_SHOW_UNAVAILABLE /* the tell-tale: driver monitoring does not work */
};

void dms_init(struct dms_receiver *dms);
enum dms_verdict dms_on_frame(struct dms_receiver *dms, uint32_t id, const uint8_t *data, unsigned length,
                              uint32_t now_ms);
bool dms_available(const struct dms_receiver *dms, enum dms_message message, uint32_t now_ms);
enum dms_display dms_show(const struct dms_receiver *dms, uint32_t now_ms);
uint8_t dms_crc8h2f(const uint8_t *data, unsigned length, uint8_t data_id);

#endif
