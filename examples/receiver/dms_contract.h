/* The watchkeeper CAN contract 1.0 for a receiver in C99. Generated from supervisor/spec.py by
 * `watchkeeper dbc --as c --out examples/receiver/dms_contract.h`. Do not edit. */
#ifndef DMS_CONTRACT_H
#define DMS_CONTRACT_H

#include <stdbool.h>
#include <stdint.h>

#define DMS_CONTRACT_HASH 0xDF1D94u /* what DMS_Identity.DbcHash must be */
#define DMS_BASE_ID 0x3A0u
#define DMS_PAYLOAD_BYTES 8u

/* In the order of the tables below. */
enum dms_message {
    DMS_STATUS,
    DMS_WARNING,
    DMS_DRIVER,
    DMS_GEOMETRY,
    DMS_HEALTH,
    DMS_IDENTITY,
    DMS_MESSAGES
};

struct dms_message_info {
    const char *name;
    uint32_t id;
    uint32_t cycle_ms;
    uint32_t timeout_ms; /* without an accepted frame; then nothing in it is available */
    uint8_t data_ids[16];
};

static const struct dms_message_info dms_messages[DMS_MESSAGES] = {
    {"DMS_Status", 0x3A0u, 50u, 500u,
     {87, 78, 98, 99, 110, 80, 127, 170, 155, 107, 123, 226, 209, 72, 165, 179}},
    {"DMS_Warning", 0x3A1u, 50u, 500u,
     {74, 46, 186, 131, 22, 169, 12, 184, 1, 129, 187, 11, 56, 64, 65, 172}},
    {"DMS_Driver", 0x3A2u, 50u, 500u,
     {222, 31, 113, 101, 173, 157, 6, 9, 30, 83, 202, 252, 136, 214, 235, 206}},
    {"DMS_Geometry", 0x3A3u, 100u, 1000u,
     {67, 220, 225, 51, 94, 130, 62, 239, 236, 36, 194, 42, 164, 38, 135, 75}},
    {"DMS_Health", 0x3A4u, 1000u, 10000u,
     {40, 17, 241, 121, 82, 20, 240, 93, 145, 106, 10, 217, 192, 54, 207, 249}},
    {"DMS_Identity", 0x3A5u, 1000u, 10000u,
     {152, 193, 182, 104, 13, 176, 71, 212, 128, 84, 233, 102, 203, 124, 41, 153}},
};

enum dms_status_system_state {
    DMS_STATUS_SYSTEM_STATE_INIT = 0,
    DMS_STATUS_SYSTEM_STATE_STANDBY = 1,
    DMS_STATUS_SYSTEM_STATE_ACTIVE = 2,
    DMS_STATUS_SYSTEM_STATE_DEGRADED = 3,
    DMS_STATUS_SYSTEM_STATE_UNAVAILABLE = 4,
    DMS_STATUS_SYSTEM_STATE_FAULT = 5,
    DMS_STATUS_SYSTEM_STATE_SNA = 15,
};

enum dms_status_cause {
    DMS_STATUS_CAUSE_NONE = 0,
    DMS_STATUS_CAUSE_STARTING = 1,
    DMS_STATUS_CAUSE_ENGINE_BUILD = 2,
    DMS_STATUS_CAUSE_CALIBRATING = 3,
    DMS_STATUS_CAUSE_CAMERA_LOST = 4,
    DMS_STATUS_CAUSE_CAMERA_FROZEN = 5,
    DMS_STATUS_CAUSE_CAMERA_COVERED = 6,
    DMS_STATUS_CAUSE_TOO_DARK = 7,
    DMS_STATUS_CAUSE_TOO_BRIGHT = 8,
    DMS_STATUS_CAUSE_NO_FACE = 9,
    DMS_STATUS_CAUSE_EYES_HIDDEN = 10,
    DMS_STATUS_CAUSE_STALE_VISION = 11,
    DMS_STATUS_CAUSE_VISION_RESTARTING = 12,
    DMS_STATUS_CAUSE_OVERRUN = 13,
    DMS_STATUS_CAUSE_OVER_TEMPERATURE = 14,
    DMS_STATUS_CAUSE_UNDER_VOLTAGE = 15,
    DMS_STATUS_CAUSE_SPEED_MISSING = 16,
    DMS_STATUS_CAUSE_MODEL_INVALID = 17,
    DMS_STATUS_CAUSE_CONFIG_INVALID = 18,
    DMS_STATUS_CAUSE_BUS_RECOVERED = 19,
    DMS_STATUS_CAUSE_INTERNAL_ERROR = 20,
};

#define DMS_STATUS_FRAME_AGE_SNA (1023) /* not available */

#define DMS_STATUS_CALIBRATION_SNA (127) /* not available */

#define DMS_STATUS_FRAME_RATE_SNA (255) /* not available */

enum dms_status_profile {
    DMS_STATUS_PROFILE_EURO_NCAP2026 = 0,
    DMS_STATUS_PROFILE_EURO_NCAP2023 = 1,
    DMS_STATUS_PROFILE_EU_GSR = 2,
    DMS_STATUS_PROFILE_R171 = 3,
    DMS_STATUS_PROFILE_EXPERIMENTAL = 14,
    DMS_STATUS_PROFILE_SNA = 15,
};

enum dms_warning_active_warning {
    DMS_WARNING_ACTIVE_WARNING_NONE = 0,
    DMS_WARNING_ACTIVE_WARNING_LONG_DISTRACTION = 1,
    DMS_WARNING_ACTIVE_WARNING_SHORT_DISTRACTION = 2,
    DMS_WARNING_ACTIVE_WARNING_PHONE_USE = 3,
    DMS_WARNING_ACTIVE_WARNING_DROWSY = 4,
    DMS_WARNING_ACTIVE_WARNING_MICROSLEEP = 5,
    DMS_WARNING_ACTIVE_WARNING_SLEEP = 6,
    DMS_WARNING_ACTIVE_WARNING_UNRESPONSIVE = 7,
    DMS_WARNING_ACTIVE_WARNING_SYSTEM_UNAVAILABLE = 8,
};

enum dms_warning_level {
    DMS_WARNING_LEVEL_NONE = 0,
    DMS_WARNING_LEVEL_ADVISE = 1,
    DMS_WARNING_LEVEL_WARN = 2,
    DMS_WARNING_LEVEL_URGENT = 3,
};

enum dms_warning_distraction_level {
    DMS_WARNING_DISTRACTION_LEVEL_NONE = 0,
    DMS_WARNING_DISTRACTION_LEVEL_ADVISE = 1,
    DMS_WARNING_DISTRACTION_LEVEL_WARN = 2,
    DMS_WARNING_DISTRACTION_LEVEL_URGENT = 3,
};

enum dms_warning_drowsiness_level {
    DMS_WARNING_DROWSINESS_LEVEL_NONE = 0,
    DMS_WARNING_DROWSINESS_LEVEL_ADVISE = 1,
    DMS_WARNING_DROWSINESS_LEVEL_WARN = 2,
    DMS_WARNING_DROWSINESS_LEVEL_URGENT = 3,
};

enum dms_warning_acoustic_request {
    DMS_WARNING_ACOUSTIC_REQUEST_NONE = 0,
    DMS_WARNING_ACOUSTIC_REQUEST_ADVISE = 1,
    DMS_WARNING_ACOUSTIC_REQUEST_WARN = 2,
    DMS_WARNING_ACOUSTIC_REQUEST_URGENT = 3,
};

#define DMS_WARNING_AGE_SNA (255) /* not available */

enum dms_driver_driver_present {
    DMS_DRIVER_DRIVER_PRESENT_ABSENT = 0,
    DMS_DRIVER_DRIVER_PRESENT_PRESENT = 1,
    DMS_DRIVER_DRIVER_PRESENT_UNKNOWN = 2,
    DMS_DRIVER_DRIVER_PRESENT_SNA = 3,
};

enum dms_driver_eye_left {
    DMS_DRIVER_EYE_LEFT_OPEN = 0,
    DMS_DRIVER_EYE_LEFT_CLOSED = 1,
    DMS_DRIVER_EYE_LEFT_UNKNOWN = 2,
    DMS_DRIVER_EYE_LEFT_SNA = 3,
};

enum dms_driver_eye_right {
    DMS_DRIVER_EYE_RIGHT_OPEN = 0,
    DMS_DRIVER_EYE_RIGHT_CLOSED = 1,
    DMS_DRIVER_EYE_RIGHT_UNKNOWN = 2,
    DMS_DRIVER_EYE_RIGHT_SNA = 3,
};

enum dms_driver_gaze_zone {
    DMS_DRIVER_GAZE_ZONE_ROAD_AHEAD = 0,
    DMS_DRIVER_GAZE_ZONE_WINDSCREEN = 1,
    DMS_DRIVER_GAZE_ZONE_LEFT_MIRROR = 2,
    DMS_DRIVER_GAZE_ZONE_RIGHT_MIRROR = 3,
    DMS_DRIVER_GAZE_ZONE_INTERIOR_MIRROR = 4,
    DMS_DRIVER_GAZE_ZONE_CLUSTER = 5,
    DMS_DRIVER_GAZE_ZONE_INFOTAINMENT = 6,
    DMS_DRIVER_GAZE_ZONE_LAP = 7,
    DMS_DRIVER_GAZE_ZONE_LEFT_WINDOW = 8,
    DMS_DRIVER_GAZE_ZONE_RIGHT_WINDOW = 9,
    DMS_DRIVER_GAZE_ZONE_PASSENGER = 10,
    DMS_DRIVER_GAZE_ZONE_UNKNOWN = 15,
};

#define DMS_DRIVER_AWAY_TIME_SNA (255) /* not available */

#define DMS_DRIVER_CLOSED_TIME_SNA (255) /* not available */

#define DMS_DRIVER_PERCLOS_SNA (255) /* not available */

#define DMS_DRIVER_DROWSINESS_SNA (15) /* not available */

enum dms_driver_confidence {
    DMS_DRIVER_CONFIDENCE_NONE = 0,
    DMS_DRIVER_CONFIDENCE_LOW = 1,
    DMS_DRIVER_CONFIDENCE_MEDIUM = 2,
    DMS_DRIVER_CONFIDENCE_HIGH = 3,
};

#define DMS_GEOMETRY_HEAD_YAW_SNA (-512) /* not available */

#define DMS_GEOMETRY_HEAD_PITCH_SNA (-512) /* not available */

#define DMS_GEOMETRY_HEAD_ROLL_SNA (-512) /* not available */

#define DMS_GEOMETRY_GAZE_YAW_SNA (-512) /* not available */

#define DMS_GEOMETRY_GAZE_PITCH_SNA (-512) /* not available */

#define DMS_HEALTH_TEMPERATURE_SNA (255) /* not available */

#define DMS_HEALTH_LOAD_SNA (63) /* not available */

/* `length` bits from bit `start` of an 8-byte payload, Intel order. */
static inline uint32_t dms_bits(const uint8_t *data, unsigned start, unsigned length) {
    uint64_t word = 0;
    for (unsigned i = 0; i < DMS_PAYLOAD_BYTES; i++) word |= (uint64_t)data[i] << (8u * i);
    return (uint32_t)((word >> start) & ((UINT64_C(1) << length) - 1u));
}

static inline int32_t dms_signed(uint32_t raw, unsigned length) {
    return (raw >> (length - 1u)) ? (int32_t)raw - (int32_t)(UINT32_C(1) << length) : (int32_t)raw;
}

/* Raw values of DMS_Status. */
struct dms_status {
    uint8_t system_state; /* Availability of driver monitoring */
    uint8_t cause; /* The one primary reason for SystemState */
    uint16_t frame_age; /* raw * 1 ms; From end of exposure of the newest judged picture to this frame; saturates */
    uint8_t calibration; /* raw * 1 %; Progress of learning this driver and mounting */
    uint8_t frame_rate; /* raw * 0.5 1/s; Pictures judged per second */
    uint8_t profile; /* Rule set in use */
};

static inline void dms_status_unpack(const uint8_t *data, struct dms_status *out) {
    out->system_state = (uint8_t)dms_bits(data, 12u, 4u);
    out->cause = (uint8_t)dms_bits(data, 16u, 6u);
    out->frame_age = (uint16_t)dms_bits(data, 22u, 10u);
    out->calibration = (uint8_t)dms_bits(data, 32u, 7u);
    out->frame_rate = (uint8_t)dms_bits(data, 39u, 8u);
    out->profile = (uint8_t)dms_bits(data, 47u, 4u);
}

/* Raw values of DMS_Warning. */
struct dms_warning {
    uint8_t active_warning; /* The one warning that is active */
    uint8_t level; /* Urgency of ActiveWarning */
    uint8_t distraction_level; /* Distraction by itself, whatever the arbiter chose */
    uint8_t drowsiness_level; /* Drowsiness by itself, whatever the arbiter chose */
    uint8_t visual_request; /* 1: show the warning */
    uint8_t acoustic_request; /* Sound the warning, by urgency */
    uint8_t haptic_request; /* 1: vibrate seat, belt or wheel */
    uint8_t warning_count; /* Rolling; steps at each new warning */
    uint8_t age; /* raw * 0.1 s; Since the onset of ActiveWarning; saturates; SNA without one */
    uint8_t acknowledged; /* 1: the driver acknowledged ActiveWarning */
};

static inline void dms_warning_unpack(const uint8_t *data, struct dms_warning *out) {
    out->active_warning = (uint8_t)dms_bits(data, 12u, 4u);
    out->level = (uint8_t)dms_bits(data, 16u, 2u);
    out->distraction_level = (uint8_t)dms_bits(data, 18u, 2u);
    out->drowsiness_level = (uint8_t)dms_bits(data, 20u, 2u);
    out->visual_request = (uint8_t)dms_bits(data, 22u, 1u);
    out->acoustic_request = (uint8_t)dms_bits(data, 23u, 2u);
    out->haptic_request = (uint8_t)dms_bits(data, 25u, 1u);
    out->warning_count = (uint8_t)dms_bits(data, 26u, 8u);
    out->age = (uint8_t)dms_bits(data, 34u, 8u);
    out->acknowledged = (uint8_t)dms_bits(data, 42u, 1u);
}

/* Raw values of DMS_Driver. */
struct dms_driver {
    uint8_t driver_present; /* Somebody in the driver's seat */
    uint8_t eye_left; /* The driver's own left eye */
    uint8_t eye_right; /* The driver's own right eye */
    uint8_t gaze_zone; /* Where the driver looks */
    uint8_t away_time; /* raw * 0.1 s; Gaze away from the road; saturates */
    uint8_t closed_time; /* raw * 0.05 s; Eyes closed; saturates */
    uint8_t perclos; /* raw * 0.5 %; Share of time with eyes closed */
    uint8_t drowsiness; /* Estimate on the Karolinska sleepiness scale, 1 alert to 9 fighting sleep */
    uint8_t confidence; /* Trust in this message's values */
};

static inline void dms_driver_unpack(const uint8_t *data, struct dms_driver *out) {
    out->driver_present = (uint8_t)dms_bits(data, 12u, 2u);
    out->eye_left = (uint8_t)dms_bits(data, 14u, 2u);
    out->eye_right = (uint8_t)dms_bits(data, 16u, 2u);
    out->gaze_zone = (uint8_t)dms_bits(data, 18u, 4u);
    out->away_time = (uint8_t)dms_bits(data, 22u, 8u);
    out->closed_time = (uint8_t)dms_bits(data, 30u, 8u);
    out->perclos = (uint8_t)dms_bits(data, 38u, 8u);
    out->drowsiness = (uint8_t)dms_bits(data, 46u, 4u);
    out->confidence = (uint8_t)dms_bits(data, 50u, 2u);
}

/* Raw values of DMS_Geometry. */
struct dms_geometry {
    int16_t head_yaw; /* raw * 0.25 deg; Positive to the driver's left */
    int16_t head_pitch; /* raw * 0.25 deg; Positive up */
    int16_t head_roll; /* raw * 0.25 deg; Positive to the driver's right shoulder */
    int16_t gaze_yaw; /* raw * 0.25 deg; Positive to the driver's left */
    int16_t gaze_pitch; /* raw * 0.25 deg; Positive up */
};

static inline void dms_geometry_unpack(const uint8_t *data, struct dms_geometry *out) {
    out->head_yaw = (int16_t)dms_signed(dms_bits(data, 12u, 10u), 10u);
    out->head_pitch = (int16_t)dms_signed(dms_bits(data, 22u, 10u), 10u);
    out->head_roll = (int16_t)dms_signed(dms_bits(data, 32u, 10u), 10u);
    out->gaze_yaw = (int16_t)dms_signed(dms_bits(data, 42u, 10u), 10u);
    out->gaze_pitch = (int16_t)dms_signed(dms_bits(data, 52u, 10u), 10u);
}

/* Raw values of DMS_Health. */
struct dms_health {
    uint16_t frames_dropped; /* Rolling; pictures not judged since vision started */
    uint16_t deadline_misses; /* Rolling; pictures judged later than the budget since vision started */
    uint8_t temperature; /* raw * 1 - 40 degC; Hottest sensor of the box */
    uint8_t throttled; /* 1: the processor is slowed down */
    uint8_t under_voltage; /* 1: the supply is too low */
    uint8_t restarts; /* Restarts of vision since power on; saturates */
    uint8_t bus_off_count; /* Bus-off events since power on; saturates */
    uint8_t load; /* raw * 2 %; Share of the frame budget that the work takes */
};

static inline void dms_health_unpack(const uint8_t *data, struct dms_health *out) {
    out->frames_dropped = (uint16_t)dms_bits(data, 12u, 12u);
    out->deadline_misses = (uint16_t)dms_bits(data, 24u, 12u);
    out->temperature = (uint8_t)dms_bits(data, 36u, 8u);
    out->throttled = (uint8_t)dms_bits(data, 44u, 1u);
    out->under_voltage = (uint8_t)dms_bits(data, 45u, 1u);
    out->restarts = (uint8_t)dms_bits(data, 46u, 6u);
    out->bus_off_count = (uint8_t)dms_bits(data, 52u, 6u);
    out->load = (uint8_t)dms_bits(data, 58u, 6u);
}

/* Raw values of DMS_Identity. */
struct dms_identity {
    uint8_t version_major; /* Software version, first number */
    uint8_t version_minor; /* Software version, second number */
    uint8_t version_patch; /* Software version, third number */
    uint32_t dbc_hash; /* First 24 bits of the SHA-256 of this contract; stands in the DBC's VERSION */
    uint8_t board_id; /* Kind of board, from its board file */
};

static inline void dms_identity_unpack(const uint8_t *data, struct dms_identity *out) {
    out->version_major = (uint8_t)dms_bits(data, 12u, 6u);
    out->version_minor = (uint8_t)dms_bits(data, 18u, 6u);
    out->version_patch = (uint8_t)dms_bits(data, 24u, 8u);
    out->dbc_hash = (uint32_t)dms_bits(data, 32u, 24u);
    out->board_id = (uint8_t)dms_bits(data, 56u, 8u);
}

#endif
