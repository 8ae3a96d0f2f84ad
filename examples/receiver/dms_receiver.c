#include "dms_receiver.h"

#include <string.h>

/* CRC-8H2F (polynomial 0x2F, initial 0xFF, final XOR 0xFF) over `length` bytes and then the Data ID. Bitwise, as seven
 * bytes 72 times a second need no table. */
uint8_t dms_crc8h2f(const uint8_t *data, unsigned length, uint8_t data_id) {
    uint8_t crc = 0xFFu;
    for (unsigned i = 0; i <= length; i++) {
        crc = (uint8_t)(crc ^ (i < length ? data[i] : data_id));
        for (unsigned bit = 0; bit < 8u; bit++) {
            crc = (uint8_t)((crc & 0x80u) ? ((crc << 1) ^ 0x2F) : (crc << 1));
        }
    }
    return (uint8_t)(crc ^ 0xFFu);
}

void dms_init(struct dms_receiver *dms) { memset(dms, 0, sizeof *dms); }

static enum dms_verdict judge(struct dms_channel *channel, const struct dms_message_info *info, const uint8_t *data,
                              unsigned length) {
    if (length != DMS_PAYLOAD_BYTES) return DMS_WRONG_CRC;
    const uint8_t counter = data[1] & 0x0Fu;
    if (data[0] != dms_crc8h2f(data + 1, DMS_PAYLOAD_BYTES - 1u, info->data_ids[counter])) return DMS_WRONG_CRC;

    const uint8_t step = (uint8_t)((counter - channel->counter) & 0x0Fu);
    const bool first = !channel->has_counter;
    channel->has_counter = true;
    channel->counter = counter;
    if (first) return DMS_INITIAL;
    if (step == 0u) return DMS_REPEATED;
    if (step == 1u) return DMS_OK;
    return step <= DMS_MAX_COUNTER_STEP ? DMS_OK_SOME_LOST : DMS_WRONG_SEQUENCE;
}

static void read_frame(struct dms_receiver *dms, enum dms_message message, const uint8_t *data) {
    switch (message) {
    case DMS_STATUS: dms_status_unpack(data, &dms->status); break;
    case DMS_WARNING: dms_warning_unpack(data, &dms->warning); break;
    case DMS_DRIVER: dms_driver_unpack(data, &dms->driver); break;
    case DMS_GEOMETRY: dms_geometry_unpack(data, &dms->geometry); break;
    case DMS_HEALTH: dms_health_unpack(data, &dms->health); break;
    case DMS_IDENTITY: dms_identity_unpack(data, &dms->identity); break;
    case DMS_MESSAGES: break;
    }
}

enum dms_verdict dms_on_frame(struct dms_receiver *dms, uint32_t id, const uint8_t *data, unsigned length,
                              uint32_t now_ms) {
    for (unsigned i = 0; i < DMS_MESSAGES; i++) {
        if (dms_messages[i].id != id) continue;
        struct dms_channel *channel = &dms->channel[i];
        const enum dms_verdict verdict = judge(channel, &dms_messages[i], data, length);
        channel->count[verdict]++;
        if (verdict == DMS_INITIAL || verdict == DMS_OK || verdict == DMS_OK_SOME_LOST) {
            read_frame(dms, (enum dms_message)i, data);
            channel->has_data = true;
            channel->accepted_ms = now_ms;
        }
        return verdict;
    }
    return DMS_NOT_OURS;
}

bool dms_available(const struct dms_receiver *dms, enum dms_message message, uint32_t now_ms) {
    const struct dms_channel *channel = &dms->channel[message];
    return channel->has_data && now_ms - channel->accepted_ms <= dms_messages[message].timeout_ms;
}

enum dms_display dms_show(const struct dms_receiver *dms, uint32_t now_ms) {
    if (!dms_available(dms, DMS_STATUS, now_ms) || !dms_available(dms, DMS_WARNING, now_ms)) {
        return DMS_SHOW_UNAVAILABLE;
    }
    switch (dms->status.system_state) {
    case DMS_STATUS_SYSTEM_STATE_INIT:
    case DMS_STATUS_SYSTEM_STATE_STANDBY: return DMS_SHOW_NOTHING;
    case DMS_STATUS_SYSTEM_STATE_ACTIVE:
    case DMS_STATUS_SYSTEM_STATE_DEGRADED:
        if (dms->warning.active_warning == DMS_WARNING_ACTIVE_WARNING_NONE) return DMS_SHOW_NOTHING;
        if (dms->warning.active_warning >= DMS_WARNING_ACTIVE_WARNING_SYSTEM_UNAVAILABLE) return DMS_SHOW_UNAVAILABLE;
        return DMS_SHOW_WARNING;
    default: return DMS_SHOW_UNAVAILABLE; /* Unavailable, Fault, SNA, and codes this receiver does not know */
    }
}
