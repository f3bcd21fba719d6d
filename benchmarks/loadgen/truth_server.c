/* A server whose latencies are known: every stream's chunks leave on an absolute schedule.
 *
 *   cc -O2 -o truth_server truth_server.c
 *   ./truth_server [--port N] [--ttft-ms 200] [--spread-ms 20] [--itl-ms 20] [--chunks 64] [--max-seconds 600]
 *
 * One thread and one epoll, in C so that a thousand streams take a fraction of a core and a busy neighbour moves
 * little. What moves all the same is measured: a request's time begins when the kernel had received it
 * (SO_TIMESTAMPNS), however late this process reads it, and the moments at which chunks were really handed to the
 * kernel are kept. `GET /truth` answers their distribution and begins a new one; load tools are held against that.
 * Each chunk carries, as the field `ns`, the CLOCK_MONOTONIC time at which it was sent. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 512
#define READ (1 << 16)
#define PEERS (1 << 16)
#define STAMP "1111111111111111111" /* 19 digits: the width of a stamp, replaced by one */
#define HEAD                                                                                      \
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"           \
    "transfer-encoding: chunked\r\n\r\n"
#define COMMON                                                                                    \
    "\"id\": \"chatcmpl-truth\", \"object\": \"%s\", \"created\": 1, \"model\": \"truth\""

typedef int64_t ns_t;

struct text { char *bytes; size_t length, room; };
struct series { uint64_t *values; size_t count, room; };
struct peer {
    int fd, serial, sent, live;
    struct text in, out;
    ns_t asked, base, last, wall;
};
struct due { ns_t at; int fd, serial; };

static double ttft_ms = 200, spread_ms = 20, itl_ms = 20, phase;
static int chunks = 64, epoll, listener, serials;
static long requests, live, peak;
static struct peer *peers[PEERS];
static struct due *heap;
static size_t heaped, heap_room;
static struct series first, gaps, late;
static struct text chunk, tail, plain, models;
static size_t stamp_at;
static double cpu_before;

static void *must(void *memory) {
    if (!memory) { perror("truth_server"); exit(1); }
    return memory;
}

static ns_t now_of(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (ns_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void append(struct text *text, const char *bytes, size_t length) {
    if (text->length + length + 1 > text->room) {
        text->room = 2 * (text->length + length + 1);
        text->bytes = must(realloc(text->bytes, text->room));
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->bytes[text->length += length] = 0;
}

static void print(struct text *text, const char *form, ...) {
    char line[4096];
    va_list given;
    va_start(given, form);
    int length = vsnprintf(line, sizeof line, form, given);
    va_end(given);
    append(text, line, length);
}

static void record(struct series *series, ns_t value) {
    if (series->count == series->room) {
        series->room = series->room ? 2 * series->room : 1 << 16;
        series->values = must(realloc(series->values, series->room * sizeof *series->values));
    }
    series->values[series->count++] = value < 0 ? 0 : value;
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Milliseconds: exact nearest-rank percentiles of all values. */
static void tell(struct text *text, const char *name, struct series *series) {
    static const struct { const char *name; double share; } shares[] = {
        {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1.0}};
    qsort(series->values, series->count, sizeof *series->values, by_value);
    print(text, "\"%s\": {\"count\": %zu", name, series->count);
    for (int i = 0; i < 4; i++) {
        double rank = shares[i].share * series->count;
        size_t at = (size_t)rank < rank ? (size_t)rank : (size_t)rank - (rank > 0);
        if (series->count) print(text, ", \"%s\": %.4f", shares[i].name, series->values[at] / 1e6);
        else print(text, ", \"%s\": null", shares[i].name);
    }
    print(text, "}, ");
    series->count = 0;
}

static void frame(struct text *text, const char *event) {
    print(text, "%zx\r\ndata: %s\n\n\r\n", strlen(event) + 8, event);
}

static void answer(struct text *text, const char *body) {
    print(text, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
          strlen(body), body);
}

/* The bytes of every answer, made once. */
static void write_script(void) {
    char event[4096], body[8192], message[2048] = "";
    snprintf(event, sizeof event,
             "{" COMMON ", \"ns\": \"" STAMP "\", \"choices\": [{\"index\": 0, \"delta\": {\"role\": "
             "\"assistant\", \"content\": \" tok\"}, \"finish_reason\": null}]}", "chat.completion.chunk");
    frame(&chunk, event);
    stamp_at = strstr(chunk.bytes, STAMP) - chunk.bytes;
    snprintf(event, sizeof event, "{" COMMON ", \"choices\": [{\"index\": 0, \"delta\": {}, "
             "\"finish_reason\": \"stop\"}]}", "chat.completion.chunk");
    frame(&tail, event);
    snprintf(event, sizeof event, "{" COMMON ", \"choices\": [], \"usage\": {\"prompt_tokens\": 10, "
             "\"completion_tokens\": %d, \"total_tokens\": %d}}", "chat.completion.chunk", chunks, 10 + chunks);
    frame(&tail, event);
    frame(&tail, "[DONE]");
    append(&tail, "0\r\n\r\n", 5);
    for (int i = 0; i < chunks && strlen(message) + 5 < sizeof message; i++) strcat(message, " tok");
    snprintf(body, sizeof body, "{" COMMON ", \"usage\": {\"prompt_tokens\": 10, \"completion_tokens\": %d, "
             "\"total_tokens\": %d}, \"choices\": [{\"index\": 0, \"message\": {\"role\": \"assistant\", "
             "\"content\": \"%s\"}, \"finish_reason\": \"stop\"}]}", "chat.completion", chunks, 10 + chunks, message);
    answer(&plain, body);
    answer(&models, "{\"object\": \"list\", \"data\": [{\"id\": \"truth\", \"object\": \"model\"}]}");
}

static void push(struct due due) {
    if (heaped == heap_room) {
        heap_room = heap_room ? 2 * heap_room : 4096;
        heap = must(realloc(heap, heap_room * sizeof *heap));
    }
    size_t at = heaped++;
    for (; at && heap[(at - 1) / 2].at > due.at; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = due;
}

static struct due pop(void) {
    struct due top = heap[0], last = heap[--heaped];
    size_t at = 0, child;
    while ((child = 2 * at + 1) < heaped) {
        if (child + 1 < heaped && heap[child + 1].at < heap[child].at) child++;
        if (heap[child].at >= last.at) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return top;
}

static void drop(struct peer *peer) {
    live -= peer->live;
    peers[peer->fd] = NULL;
    close(peer->fd);
    free(peer->in.bytes);
    free(peer->out.bytes);
    free(peer);
}

/* False when the peer is gone. */
static int send_to(struct peer *peer, const char *bytes, size_t length) {
    ssize_t sent = 0;
    if (!peer->out.length) {
        sent = send(peer->fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return drop(peer), 0;
        if (sent < 0) sent = 0;
        if ((size_t)sent == length) return 1;
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.fd = peer->fd};
        epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event);
    }
    append(&peer->out, bytes + sent, length - sent);
    return 1;
}

static int flush(struct peer *peer) {
    struct text rest = peer->out;
    peer->out = (struct text){0};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = peer->fd};
    epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event);
    int there = send_to(peer, rest.bytes, rest.length);
    free(rest.bytes);
    return there;
}

static int tell_truth(struct peer *peer) {
    struct text body = {0}, whole = {0};
    print(&body, "{\"requests\": %ld, \"chunks\": %zu, \"peak_streams\": %ld, ", requests, late.count, peak);
    tell(&body, "time_to_first_token", &first);
    tell(&body, "inter_token", &gaps);
    tell(&body, "late", &late);
    print(&body, "\"cpu_seconds\": %.3f}", cpu() - cpu_before);
    requests = 0, peak = live, cpu_before = cpu();
    answer(&whole, body.bytes);
    int there = send_to(peer, whole.bytes, whole.length);
    free(body.bytes);
    free(whole.bytes);
    return there;
}

static void begin_stream(struct peer *peer, ns_t arrived) {
    requests++, live++;
    if (live > peak) peak = live;
    phase += 0.6180339887; /* spreads any number of streams evenly */
    phase -= (int)phase;
    peer->live = 1, peer->sent = 0, peer->serial = ++serials;
    peer->asked = arrived;
    peer->base = arrived + (ns_t)((ttft_ms + phase * spread_ms) * 1e6);
    push((struct due){peer->base, peer->fd, peer->serial});
}

/* Answer every request that is whole; false when the peer is gone. */
static int read_requests(struct peer *peer, ns_t arrived) {
    char *end;
    while (peer->in.length && (end = memmem(peer->in.bytes, peer->in.length, "\r\n\r\n", 4))) {
        size_t head = end + 4 - peer->in.bytes, length = 0;
        *end = 0;
        char *told = strcasestr(peer->in.bytes, "\r\ncontent-length:");
        if (told) length = strtoul(told + 17, NULL, 10);
        int is_get = !strncmp(peer->in.bytes, "GET ", 4), is_truth = !strncmp(peer->in.bytes, "GET /truth ", 11);
        *end = '\r';
        if (peer->in.length < head + length) return 1;
        int streams = memmem(peer->in.bytes + head, length, "\"stream\": true", 14) ||
                      memmem(peer->in.bytes + head, length, "\"stream\":true", 13);
        memmove(peer->in.bytes, peer->in.bytes + head + length, peer->in.length - head - length + 1);
        peer->in.length -= head + length;
        if (is_truth) {
            if (!tell_truth(peer)) return 0;
        } else if (is_get) {
            if (!send_to(peer, models.bytes, models.length)) return 0;
        } else if (streams) {
            begin_stream(peer, arrived);
        } else {
            requests++;
            if (!send_to(peer, plain.bytes, plain.length)) return 0;
        }
    }
    return 1;
}

/* What came, and when the kernel had it, on the monotonic clock. */
static ssize_t receive(struct peer *peer, char *buffer, ns_t *arrived) {
    char ancillary[64];
    struct iovec into = {buffer, READ};
    struct msghdr message = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = ancillary,
                             .msg_controllen = sizeof ancillary};
    ssize_t got = recvmsg(peer->fd, &message, 0);
    ns_t mono = now_of(CLOCK_MONOTONIC), wall = now_of(CLOCK_REALTIME);
    *arrived = mono;
    struct cmsghdr *told = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (told && told->cmsg_type == SCM_TIMESTAMPNS) {
        struct timespec t;
        memcpy(&t, CMSG_DATA(told), sizeof t);
        ns_t lag = wall - ((ns_t)t.tv_sec * 1000000000 + t.tv_nsec);
        if (lag > 0 && lag < 60000000000) *arrived = mono - lag;
    }
    return got;
}

static void serve(int fd, uint32_t events, char *buffer) {
    struct peer *peer = peers[fd];
    if (!peer) return;
    if (events & EPOLLOUT && !flush(peer)) return;
    if (!(events & ~EPOLLOUT)) return;
    ns_t arrived;
    ssize_t got = receive(peer, buffer, &arrived);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) { drop(peer); return; }
    append(&peer->in, buffer, got);
    read_requests(peer, arrived);
}

static void accept_all(void) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= PEERS) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        peers[fd] = must(calloc(1, sizeof **peers));
        peers[fd]->fd = fd;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static void send_due(void) {
    while (heaped && heap[0].at <= now_of(CLOCK_MONOTONIC)) {
        struct due due = pop();
        struct peer *peer = peers[due.fd];
        if (!peer || peer->serial != due.serial || !peer->live) continue;
        char buffer[8192], digits[32];
        size_t length = 0;
        int is_first = !peer->sent++, is_last = peer->sent == chunks;
        if (is_first) memcpy(buffer, HEAD, length = sizeof HEAD - 1);
        ns_t now = now_of(CLOCK_MONOTONIC);
        snprintf(digits, sizeof digits, "%019lld", (long long)now);
        memcpy(chunk.bytes + stamp_at, digits, sizeof STAMP - 1);
        memcpy(buffer + length, chunk.bytes, chunk.length);
        length += chunk.length;
        if (is_last) {
            memcpy(buffer + length, tail.bytes, tail.length);
            length += tail.length;
            peer->live = 0, live--;
        } else {
            push((struct due){peer->base + (ns_t)(peer->sent * itl_ms * 1e6), due.fd, due.serial});
        }
        if (is_first) record(&first, now - peer->asked);
        else record(&gaps, now - peer->last);
        record(&late, now - due.at);
        peer->last = now;
        send_to(peer, buffer, length);
    }
}

static double option(int count, char **given, const char *name, double otherwise) {
    for (int i = 1; i + 1 < count; i += 2)
        if (!strcmp(given[i], name)) return atof(given[i + 1]);
    return otherwise;
}

int main(int count, char **given) {
    int on = 1, port = option(count, given, "--port", 0);
    ttft_ms = option(count, given, "--ttft-ms", ttft_ms);
    spread_ms = option(count, given, "--spread-ms", spread_ms);
    itl_ms = option(count, given, "--itl-ms", itl_ms);
    chunks = option(count, given, "--chunks", chunks);
    ns_t end = now_of(CLOCK_MONOTONIC) + (ns_t)(option(count, given, "--max-seconds", 600) * 1e9);
    write_script();
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on); /* or the first requests come unstamped */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096) ||
        getsockname(listener, (void *)&address, &size)) {
        perror("truth_server");
        return 1;
    }
    printf("listening on http://127.0.0.1:%d/v1\n", ntohs(address.sin_port));
    fflush(stdout);
    epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[EVENTS];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    char *buffer = must(malloc(READ));
    cpu_before = cpu();
    for (ns_t now; (now = now_of(CLOCK_MONOTONIC)) < end;) {
        send_due();
        ns_t wait = heaped ? heap[0].at - now_of(CLOCK_MONOTONIC) : 50000000;
        if (wait < 0) wait = 0;
        if (wait > 50000000) wait = 50000000;
        struct timespec limit = {0, wait};
        int found = epoll_pwait2(epoll, ready, EVENTS, &limit, NULL);
        for (int i = 0; i < found; i++)
            if (ready[i].data.fd == listener) accept_all();
            else serve(ready[i].data.fd, ready[i].events, buffer);
    }
    return 0;
}
