/* The counter of ../COUNTER.md without an SDK or a JSON library: the protocol on stdin and stdout, HTTP on the descriptor that it
   was given. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME_MAX = 8 * 1024 * 1024 }; /* Bytes of a frame, by the protocol. */

static atomic_long count; /* Read by the threads that serve, written by the one that speaks. */
static long step = 1;

/* Who waits for a sum, in order. The first is being stored, so that what is stored never goes backwards. */
static struct { char id[132]; long amount; } adding[64];
static int waiting;
static char start[132]; /* The id of `start` or `resume`, which is answered last. */

/* Past one JSON value: the end of a string, or of whatever stands between brackets. */
static const char *past(const char *at) {
    int depth = 0, quoted = 0;
    for (; *at; at++) {
        if (quoted) {
            if (*at == '\\' && at[1]) at++;
            else if (*at == '"') quoted = 0;
        } else if (*at == '"') quoted = 1;
        else if (*at == '{' || *at == '[') depth++;
        else if ((*at == '}' || *at == ']') && --depth < 0) return at;
        else if ((*at == ',' || *at == ':') && depth == 0) return at;
    }
    return at;
}

/* A copy of the object's member as its JSON text ("7", "\"a\"", "{…}"), or NULL. Nested objects are skipped over. */
static char *member(const char *object, const char *name) {
    const char *at = object + strspn(object, " \t\r");
    while (*at == '{' || *at == ',') {
        const char *key = at + 1 + strspn(at + 1, " \t"), *colon = past(key), *value, *end;
        if (*colon != ':') return NULL;
        value = colon + 1 + strspn(colon + 1, " \t");
        end = past(value);
        if (*key == '"' && !strncmp(key + 1, name, strlen(name)) && key[1 + strlen(name)] == '"')
            return strndup(value, end - value);
        at = end;
    }
    return NULL;
}

static void answer(const char *id, const char *kind, const char *json) {
    printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"%s\":%s}\n", id, kind, json);
    fflush(stdout);
}

static void refuse(const char *id, int code, const char *reason) {
    char error[160];
    snprintf(error, sizeof error, "{\"code\":%d,\"message\":\"%s\",\"data\":{\"reason\":\"%s\",\"retryable\":false}}", code, reason, reason);
    answer(id, "error", error);
}

/* One connection: heads are read, and each gets its answer. The supervisor is the only client, and well-behaved. */
static void *converse(void *connection) {
    char first[8192], line[8192], text[64];
    int fd = (int)(long)connection, more = 1;
    FILE *visitor = fdopen(fd, "r");
    while (visitor && more && fgets(first, sizeof first, visitor)) {
        long body = 0;
        while (fgets(line, sizeof line, visitor) && strcspn(line, "\r\n")) {
            if (!strncasecmp(line, "content-length:", 15)) body = atol(line + 15);
            if (!strncasecmp(line, "transfer-encoding:", 18)) more = 0; /* Who knows where it ends: this is the last one. */
        }
        while (body-- > 0 && getc(visitor) != EOF) continue;
        char *path = strchr(first, ' ');
        if (!strncmp(first, "POST ", 5) && path && strstr(strtok(path + 1, " "), "/crash")) _exit(3);
        int size = snprintf(text, sizeof text, "{\"count\":%ld}", count);
        dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s",
                size, more ? "" : "Connection: close\r\n", strncmp(first, "HEAD", 4) ? text : "");
    }
    shutdown(fd, SHUT_WR);
    while (visitor && getc(visitor) != EOF) continue; /* A body that was sent: closing on it would cut our answer off. */
    if (visitor) fclose(visitor);
    else close(fd);
    return NULL;
}

static void *serve(void *listener) {
    int door = (int)(long)listener;
    fcntl(door, F_SETFL, fcntl(door, F_GETFL) & ~O_NONBLOCK); /* Who handed it over may have waited on it differently. */
    for (;;) {
        pthread_t thread;
        int fd = accept(door, NULL, NULL);
        if (fd < 0) usleep(10000); /* Out of descriptors, say: they come back. */
        else if (pthread_create(&thread, NULL, converse, (void *)(long)fd) == 0) pthread_detach(thread);
        else close(fd);
    }
    return NULL;
}

/* Whether the line is one object and nothing after it. What stands inside is believed. */
static int whole(const char *line) {
    const char *end = *line == '{' ? past(line + 1) : "";
    while (*end == ',' || *end == ':') end = past(end + 1);
    return *end == '}' && !end[1 + strspn(end + 1, " \t\r\n")];
}

/* Whether version 1 is among those that the host offers. */
static int speaks(const char *params) {
    char *versions = params ? member(params, "protocolVersions") : NULL, *at = versions;
    int found = 0;
    while (at && !found && *at && *at != ']') found = strtol(at + 1, &at, 10) == 1;
    free(versions);
    return found;
}

static void say(const char *format, long number) {
    printf(format, number);
    putchar('\n');
    fflush(stdout);
}

static void say_log(const char *text) {
    printf("{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"level\":\"info\",\"tag\":\"Counter\",\"message\":\"%s\"}}\n", text);
    fflush(stdout);
}

/* The ids of our own calls; those from STORED on are of config.set, which is called once for each sum. */
enum { STEP = 1, COUNT, HANDLED, STORED };
static long stored = STORED;

static void store(void) {
    if (!waiting) return;
    printf("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"config.set\",\"params\":{\"key\":\"count\",\"value\":%ld}}\n", stored, count + adding[0].amount);
    fflush(stdout);
}

/* The channel `add`: with a whole number, or with none for the step. */
static void add(const char *id, const char *args) {
    const char *given = args ? args + 1 + strspn(args + 1, " ") : "]";
    char *end = (char *)given;
    long amount = *given == ']' ? step : strtol(given, &end, 10);
    if (*end != ']' && *end != ',' && *end != ' ')
        answer(id, "error", "{\"code\":-32603,\"message\":\"add takes a whole number\",\"data\":{\"reason\":\"internal_error\",\"retryable\":false}}");
    else if (waiting == sizeof adding / sizeof *adding) refuse(id, -32003, "limit_exceeded");
    else {
        snprintf(adding[waiting].id, sizeof adding->id, "%s", id);
        adding[waiting].amount = amount;
        if (waiting++ == 0) store();
    }
}

/* What the host answers to a call of ours. */
static void answered(long call, const char *result) {
    char *value = result ? member(result, "value") : NULL, text[64];
    if (call == STEP && value) step = atol(value);
    if (call == COUNT) {
        count = value ? atol(value) : 0;
        snprintf(text, sizeof text, "at %ld", count);
        say_log(text);
    }
    if (call == HANDLED) answer(start, "result", "{}");
    if (call == stored && waiting) {
        stored++;
        snprintf(text, sizeof text, "{\"count\":%ld}", count += adding[0].amount);
        printf("{\"jsonrpc\":\"2.0\",\"method\":\"ipc.send\",\"params\":{\"channel\":\"count\",\"payload\":%s}}\n", text);
        answer(adding[0].id, "result", text);
        memmove(adding, adding + 1, --waiting * sizeof *adding);
        store();
    }
    free(value);
}

static void begin(const char *id, const char *from) {
    char text[160];
    snprintf(start, sizeof start, "%s", id);
    snprintf(text, sizeof text, "resumed from %.*s", from ? (int)strlen(from) - 2 : 0, from ? from + 1 : "");
    if (from) say_log(text);
    say("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"config.get\",\"params\":{\"key\":\"step\",\"default\":1}}", STEP);
    say("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"config.get\",\"params\":{\"key\":\"count\",\"default\":0}}", COUNT);
    say("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"ipc.handle\",\"params\":{\"channel\":\"add\"}}", HANDLED);
}

static void respond(const char *id, const char *method, const char *params) {
    char *channel = params ? member(params, "channel") : NULL, *args = params ? member(params, "args") : NULL;
    char *from = params ? member(params, "fromVersion") : NULL;
    if (!strcmp(method, "\"initialize\"") && !speaks(params))
        answer(id, "error", "{\"code\":-32009,\"message\":\"counter-c speaks protocol version 1\",\"data\":{\"reason\":\"conflict\",\"retryable\":false,\"protocolVersions\":[1]}}");
    else if (!strcmp(method, "\"initialize\""))
        answer(id, "result", "{\"protocolVersion\":1,\"sdk\":{\"name\":\"none\",\"language\":\"c\"},\"hooks\":[\"onStart\",\"onStop\",\"onResume\"],\"features\":[\"http\"]}");
    else if (!strcmp(method, "\"start\"") || !strcmp(method, "\"resume\"")) begin(id, from);
    else if (!strcmp(method, "\"ping\"")) answer(id, "result", "{}");
    else if (!strcmp(method, "\"stop\"")) {
        say_log("stopped");
        answer(id, "result", "{}");
        exit(0);
    } else if (!strcmp(method, "\"ipc.invoke\"") && channel && !strcmp(channel, "\"add\"")) add(id, args);
    else if (!strcmp(method, "\"ipc.invoke\"")) refuse(id, -32008, "not_found");
    else refuse(id, -32601, "method_not_found");
    free(channel), free(args), free(from);
}

/* Another step, by whomever. */
static void told(const char *method, const char *params) {
    char *key = params ? member(params, "key") : NULL, *value = params ? member(params, "value") : NULL;
    if (!strcmp(method, "\"config.changed\"") && key && value && !strcmp(key, "\"step\"")) step = atol(value);
    free(key), free(value);
}

int main(void) {
    const char *listener = getenv("OUTBOARD_HTTP_FD");
    pthread_t thread;
    static char buffer[FRAME_MAX + 3];
    if (isatty(0)) return puts("This is an Outboard plugin: put its folder into the plugins folder, and `outboard run` starts it."), 2;
    if (listener) pthread_create(&thread, NULL, serve, (void *)atol(listener));
    while (fgets(buffer, sizeof buffer, stdin)) {
        char *line = buffer + strspn(buffer, " \t\r\n");
        if (strcspn(buffer, "\r\n") > FRAME_MAX) { /* The rest is skipped, and what began is not a message. */
            for (int byte = buffer[strlen(buffer) - 1]; byte != EOF && byte != '\n';) byte = getchar();
            refuse("null", -32003, "limit_exceeded");
            continue;
        }
        if (!strstr(line, "\"jsonrpc\"") || (*line != '{' && *line != '[')) continue; /* Text that somebody printed. */
        char *version = member(line, "jsonrpc"), *id = member(line, "id"), *method = member(line, "method"), *params = member(line, "params");
        char *result = member(line, "result");
        if (*line == '{' && !whole(line)) refuse("null", -32700, "parse_error");
        else if (*line == '[' || !version || strcmp(version, "\"2.0\"") || (method && id && *id != '"' && !strchr("-0123456789", *id)))
            refuse("null", -32600, "invalid_request");
        else if (method && id) respond(id, method, params);
        else if (method) told(method, params);
        else if (id) answered(atol(id), result);
        free(version), free(id), free(method), free(params), free(result);
    }
    return 0;
}
