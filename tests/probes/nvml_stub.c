/* A stand-in for NVIDIA's driver library, told by a script what to answer. The tests compile it with the soname of the real
 * library, so that the unmodified nvidia-ml-py loads it. Interfaces: NVML API reference; symbols: what nvidia-ml-py looks up.
 *
 * NVML_STUB_SCRIPT names the script. A line of it is one of
 *   gpu NAME UUID TOTAL_BYTES [mig] [steps] [energy=FACTOR]   the next GPU in the driver's order; energy: counter over integral
 *   at UUID SECONDS CURVE=VALUE ...   a point of the GPU's curves, linear between points (constant with `steps`) and constant
 *                                     outside; a curve without points is not supported. Curves: util, memutil (percent), used,
 *                                     reserved (bytes), power (watts), temp (Celsius), sm, mem (hertz), throttle (bit mask)
 *   proc UUID PID BYTES|hidden [from=S] [to=S] [graphics]
 *   err FUNCTION|* CODE [gpu=UUID] [from=S] [to=S] [calls=FIRST-LAST]   the function fails; its calls are counted from 1
 *   hang FUNCTION [from=S]            the function does not return
 *   slow FUNCTION SECONDS             the function takes so long
 *   tick FUNCTION SECONDS             each call sets the script's clock forward; it starts at 0
 *   start SECONDS                     reading of CLOCK_MONOTONIC at the script's second 0; else the library's initialisation
 * Blank lines and those that begin with # are left out. With NVML_STUB_CLOCK the clock is the number in that file, read at each call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OK, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, MISMATCH = 25 };
enum { UTIL, MEMUTIL, USED, RESERVED, POWER, TEMP, SM, MEM, THROTTLE, CURVES };
static const char *const curve_names[CURVES] = {"util", "memutil", "used", "reserved", "power", "temp", "sm", "mem", "throttle"};

typedef struct { double t, value; } Point;
typedef struct { Point *points; int count; } Curve;
typedef struct { char name[64], uuid[96]; double total, energy_factor; int mig, steps; Curve curves[CURVES]; } Gpu;
typedef struct { int gpu, graphics; unsigned pid; unsigned long long used; double from, to; } Process;
typedef struct { char kind, function[64]; int code, gpu; double from, to, seconds; long first, last; } Rule;
typedef struct { char function[64]; long calls; } Count;

static Gpu gpus[8];
static Process processes[64];
static Rule rules[512];
static Count counts[64];
static int n_gpus, n_processes, n_rules, n_counts;
static double start = -1, ticked, ticks;

static double monotonic(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double now(void) {
    const char *path = getenv("NVML_STUB_CLOCK");
    double t = 0;
    if (!path) return ticks > 0 ? ticked : monotonic() - start;
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%lf", &t) != 1) abort();
    fclose(file);
    return t;
}

static int find(const char *uuid) {
    for (int i = 0; i < n_gpus; i++)
        if (!strcmp(gpus[i].uuid, uuid)) return i;
    return -1;
}

/* Returns what follows "NAME=" in a line, or NULL. */
static const char *option(const char *line, const char *name) {
    char key[32];
    snprintf(key, sizeof key, " %s=", name);
    const char *found = strstr(line, key);
    return found ? found + strlen(key) : NULL;
}

static double option_number(const char *line, const char *name, double otherwise) {
    const char *text = option(line, name);
    return text ? atof(text) : otherwise;
}

static void read_gpu(const char *line) {
    Gpu *gpu = &gpus[n_gpus++];
    sscanf(line, "gpu %63s %95s %lf", gpu->name, gpu->uuid, &gpu->total);
    gpu->mig = strstr(line, " mig") != NULL;
    gpu->steps = strstr(line, " steps") != NULL;
    gpu->energy_factor = option_number(line, "energy", 1);
}

static void read_points(const char *line) {
    char uuid[96];
    double t;
    sscanf(line, "at %95s %lf", uuid, &t);
    for (int i = 0; i < CURVES; i++) {
        const char *text = option(line, curve_names[i]);
        if (!text) continue;
        Curve *curve = &gpus[find(uuid)].curves[i];
        curve->points = realloc(curve->points, (size_t)(curve->count + 1) * sizeof(Point));
        curve->points[curve->count++] = (Point){t, atof(text)};
    }
}

static void read_process(const char *line) {
    char uuid[96], used[32];
    Process *process = &processes[n_processes++];
    sscanf(line, "proc %95s %u %31s", uuid, &process->pid, used);
    process->gpu = find(uuid);
    process->used = strcmp(used, "hidden") ? strtoull(used, NULL, 10) : ~0ull;
    process->graphics = strstr(line, " graphics") != NULL;
    process->from = option_number(line, "from", -1e300);
    process->to = option_number(line, "to", 1e300);
}

static void read_rule(const char *line) {
    Rule *rule = &rules[n_rules++];
    char uuid[96];
    const char *gpu = option(line, "gpu"), *calls = option(line, "calls");
    rule->kind = line[0];
    sscanf(line, "%*s %63s %lf", rule->function, &rule->seconds);
    rule->code = (int)rule->seconds;
    rule->gpu = gpu && sscanf(gpu, "%95s", uuid) == 1 ? find(uuid) : -1;
    rule->from = option_number(line, "from", -1e300);
    rule->to = option_number(line, "to", 1e300);
    rule->last = 1l << 60;
    if (calls) sscanf(calls, "%ld-%ld", &rule->first, &rule->last);
    if (rule->kind == 't') ticks = rule->seconds;
}

static void read_script(void) {
    char line[1024];
    const char *path = getenv("NVML_STUB_SCRIPT");
    FILE *file = path ? fopen(path, "r") : NULL;
    start = monotonic();
    if (!file) abort();
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (!line[0] || line[0] == '#') continue;
        if (!strncmp(line, "gpu ", 4)) read_gpu(line);
        else if (!strncmp(line, "at ", 3)) read_points(line);
        else if (!strncmp(line, "proc ", 5)) read_process(line);
        else if (!strncmp(line, "start ", 6)) start = atof(line + 6);
        else if (strspn(line, "ehst")) read_rule(line);
        else abort();
    }
    fclose(file);
}

static long called(const char *function) {
    int i = 0;
    while (i < n_counts && strcmp(counts[i].function, function)) i++;
    if (i == n_counts) snprintf(counts[n_counts++].function, sizeof counts[0].function, "%s", function);
    return ++counts[i].calls;
}

/* Counts a call and does what the script has for it; returns the code that the call is to fail with, or OK. */
static int enter(const char *function, const Gpu *gpu) {
    long call = called(function);
    for (int i = 0; i < n_rules; i++) {
        const Rule *rule = &rules[i];
        if (strcmp(rule->function, "*") && strcmp(rule->function, function)) continue;
        if (rule->gpu >= 0 && (!gpu || gpu != &gpus[rule->gpu])) continue;
        if (rule->kind == 't') { ticked += rule->seconds; continue; }
        double t = now();
        if (t < rule->from || t > rule->to || call < rule->first || call > rule->last) continue;
        while (rule->kind == 'h') pause();
        if (rule->kind == 's') usleep((useconds_t)(1e6 * rule->seconds));
        if (rule->kind == 'e') return rule->code;
    }
    return OK;
}
#define ENTER(gpu) do { int code_ = enter(__func__, gpu); if (code_) return code_; } while (0)

static double at(const Gpu *gpu, int which, double t) {
    const Curve *curve = &gpu->curves[which];
    const Point *point = curve->points;
    int i = 0;
    while (i < curve->count && point[i].t <= t) i++;
    if (i == 0) return point[0].value;
    if (i == curve->count || gpu->steps) return point[i - 1].value;
    double share = (t - point[i - 1].t) / (point[i].t - point[i - 1].t);
    return point[i - 1].value + share * (point[i].value - point[i - 1].value);
}

/* Integral of the power curve from the script's second 0 to t. */
static double energy(const Gpu *gpu, double t) {
    const Curve *curve = &gpu->curves[POWER];
    double from = 0, joules = 0;
    for (int i = 0; i <= curve->count && from < t; i++) {
        double to = i < curve->count && curve->points[i].t < t ? curve->points[i].t : t;
        if (to <= from) continue;
        double first = at(gpu, POWER, from), last = gpu->steps ? first : at(gpu, POWER, to);
        joules += 0.5 * (first + last) * (to - from);
        from = to;
    }
    return joules * gpu->energy_factor;
}

static int read_curve(const Gpu *gpu, int which, double scale, unsigned *out) {
    if (!gpu->curves[which].count || (gpu->mig && which != USED)) return NOT_SUPPORTED;
    *out = (unsigned)(at(gpu, which, now()) * scale + 0.5);
    return OK;
}

int nvmlInitWithFlags(unsigned flags) { (void)flags; if (start < 0) read_script(); ENTER(NULL); return OK; }
int nvmlShutdown(void) { return OK; }
const char *nvmlErrorString(int code) { static char text[32]; snprintf(text, sizeof text, "scripted error %d", code); return text; }
int nvmlSystemGetDriverVersion(char *out, unsigned length) { ENTER(NULL); snprintf(out, length, "999.1"); return OK; }
int nvmlDeviceGetCount_v2(unsigned *count) { ENTER(NULL); *count = (unsigned)n_gpus; return OK; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Gpu **out) {
    ENTER(NULL);
    if (index >= (unsigned)n_gpus) return INVALID_ARGUMENT;
    *out = &gpus[index];
    return OK;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, Gpu **out) {
    ENTER(NULL);
    if (find(uuid) < 0) return NOT_FOUND;
    *out = &gpus[find(uuid)];
    return OK;
}

int nvmlDeviceGetUUID(Gpu *gpu, char *out, unsigned length) { ENTER(gpu); snprintf(out, length, "%s", gpu->uuid); return OK; }
int nvmlDeviceGetName(Gpu *gpu, char *out, unsigned length) { ENTER(gpu); snprintf(out, length, "%s", gpu->name); return OK; }
int nvmlDeviceGetIndex(Gpu *gpu, unsigned *out) { ENTER(gpu); *out = (unsigned)(gpu - gpus); return OK; }
int nvmlDeviceGetMigMode(Gpu *gpu, unsigned *current, unsigned *pending) { ENTER(gpu); *current = *pending = (unsigned)gpu->mig; return OK; }
int nvmlDeviceGetPowerUsage(Gpu *gpu, unsigned *out) { ENTER(gpu); return read_curve(gpu, POWER, 1e3, out); }
int nvmlDeviceGetTemperature(Gpu *gpu, int sensor, unsigned *out) { ENTER(gpu); (void)sensor; return read_curve(gpu, TEMP, 1, out); }

struct temperature { unsigned version; int sensor, celsius; };
int nvmlDeviceGetTemperatureV(Gpu *gpu, struct temperature *out) { ENTER(gpu); return read_curve(gpu, TEMP, 1, (unsigned *)&out->celsius); }

struct utilization { unsigned gpu, memory; };
int nvmlDeviceGetUtilizationRates(Gpu *gpu, struct utilization *out) {
    ENTER(gpu);
    out->memory = 0;
    read_curve(gpu, MEMUTIL, 1, &out->memory);
    return read_curve(gpu, UTIL, 1, &out->gpu);
}

int nvmlDeviceGetClockInfo(Gpu *gpu, int type, unsigned *out) { ENTER(gpu); return read_curve(gpu, type == 2 ? MEM : SM, 1e-6, out); }

int nvmlDeviceGetTotalEnergyConsumption(Gpu *gpu, unsigned long long *millijoules) {
    ENTER(gpu);
    if (!gpu->curves[POWER].count || gpu->mig) return NOT_SUPPORTED;
    *millijoules = (unsigned long long)(energy(gpu, now()) * 1e3 + 0.5);
    return OK;
}

static int throttle(const Gpu *gpu, unsigned long long *out) {
    unsigned bits = 0;
    int code = read_curve(gpu, THROTTLE, 1, &bits);
    *out = bits;
    return code;
}
int nvmlDeviceGetCurrentClocksEventReasons(Gpu *gpu, unsigned long long *out) { ENTER(gpu); return throttle(gpu, out); }
int nvmlDeviceGetCurrentClocksThrottleReasons(Gpu *gpu, unsigned long long *out) { ENTER(gpu); return throttle(gpu, out); }

static double reserved(const Gpu *gpu) { return gpu->curves[RESERVED].count ? at(gpu, RESERVED, now()) : 0; }

struct memory_v2 { unsigned version; unsigned long long total, reserved, free, used; };
int nvmlDeviceGetMemoryInfo_v2(Gpu *gpu, struct memory_v2 *out) {
    ENTER(gpu);
    if (out->version != 0x2000028) return MISMATCH;
    if (!gpu->curves[USED].count) return NOT_SUPPORTED;
    double used = at(gpu, USED, now()), kept = reserved(gpu);
    out->total = (unsigned long long)gpu->total;
    out->reserved = (unsigned long long)kept;
    out->free = (unsigned long long)(gpu->total - used - kept);
    out->used = (unsigned long long)used;
    return OK;
}

struct memory { unsigned long long total, free, used; };
int nvmlDeviceGetMemoryInfo(Gpu *gpu, struct memory *out) {
    ENTER(gpu);
    if (!gpu->curves[USED].count) return NOT_SUPPORTED;
    double used = at(gpu, USED, now()) + reserved(gpu);
    out->total = (unsigned long long)gpu->total;
    out->free = (unsigned long long)(gpu->total - used);
    out->used = (unsigned long long)used;
    return OK;
}

struct process { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; };
static int list(const Gpu *gpu, int graphics, unsigned *count, struct process *out) {
    unsigned room = *count, n = 0;
    double t = now();
    for (int i = 0; i < n_processes; i++) {
        const Process *p = &processes[i];
        if (&gpus[p->gpu] != gpu || p->graphics != graphics || t < p->from || t > p->to) continue;
        if (n < room) out[n] = (struct process){p->pid, p->used, ~0u, ~0u};
        n++;
    }
    *count = n;
    return n > room ? INSUFFICIENT_SIZE : OK;
}
int nvmlDeviceGetComputeRunningProcesses_v3(Gpu *gpu, unsigned *count, struct process *out) { ENTER(gpu); return list(gpu, 0, count, out); }
int nvmlDeviceGetGraphicsRunningProcesses_v3(Gpu *gpu, unsigned *count, struct process *out) { ENTER(gpu); return list(gpu, 1, count, out); }
