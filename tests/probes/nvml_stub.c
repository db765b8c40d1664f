/* A stand-in for NVIDIA's driver library, small enough to read: one GPU, whose readings come from environment variables.
 * NVML_STUB_<reading> is a number, or "!<code>" to make that call fail with an NVML error code. Compiled by the tests with
 * the soname of the real library, so that the unmodified nvidia-ml-py loads it. Interfaces: NVML API reference. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int nvmlReturn_t;
typedef void *nvmlDevice_t;

static int device;

static nvmlReturn_t reading(const char *name, unsigned long long *value) {
    char variable[64];
    snprintf(variable, sizeof variable, "NVML_STUB_%s", name);
    const char *text = getenv(variable);
    if (!text) return 3; /* NOT_SUPPORTED */
    if (text[0] == '!') return atoi(text + 1);
    *value = strtoull(text, NULL, 10);
    return 0;
}

nvmlReturn_t nvmlInitWithFlags(unsigned flags) { unsigned long long v = 0; nvmlReturn_t r = reading("INIT", &v); return r == 3 ? 0 : r; }
nvmlReturn_t nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(nvmlReturn_t code) { return code == 15 ? "GPU is lost" : code == 3 ? "Not Supported" : "scripted error"; }

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *handle) {
    const char *own = getenv("NVML_STUB_UUID");
    if (!own || strcmp(own, uuid)) return 6; /* NOT_FOUND */
    *handle = &device;
    return 0;
}

struct utilization { unsigned gpu, memory; };
nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t handle, struct utilization *out) {
    unsigned long long value = 0;
    nvmlReturn_t code = reading("UTILIZATION", &value);
    out->gpu = (unsigned)value;
    return code;
}

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t handle, unsigned *milliwatts) {
    unsigned long long value = 0;
    nvmlReturn_t code = reading("MILLIWATTS", &value);
    *milliwatts = (unsigned)value;
    return code;
}

struct memory_v2 { unsigned version; unsigned long long total, reserved, free, used; };
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t handle, struct memory_v2 *out) { return reading("USED", &out->used); }

struct memory { unsigned long long total, free, used; };
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t handle, struct memory *out) { return reading("USED_V1", &out->used); }

struct process { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; };
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t handle, unsigned *count, struct process *out) {
    unsigned long long pid = 0, used = ~0ull;
    nvmlReturn_t code = reading("PID", &pid);
    if (code) return code;
    reading("PROCESS_USED", &used);
    if (*count < 1) { *count = 1; return 7; /* INSUFFICIENT_SIZE */ }
    *count = 1;
    out[0].pid = (unsigned)pid;
    out[0].used = used;
    return 0;
}
