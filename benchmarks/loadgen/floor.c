/* What any client on this machine has to pay: one epoll, one recv per wake-up, no framework.
 *
 *   cc -O2 -o floor floor.c && ./floor PORT STREAMS SECONDS [plain]
 *
 * Streams of the truth server are read for SECONDS, each begun anew when it ends; chunks are counted by
 * their stamps. One JSON line. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BUFFER (1 << 17)
#define EVENTS 1024

struct stream {
    int fd;
    int live;
};

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static double cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int count, char **given) {
    if (count < 4) {
        fprintf(stderr, "usage: floor PORT STREAMS SECONDS [plain]\n");
        return 2;
    }
    int streams = atoi(given[2]), plain = count > 4, live = 0, one = 1;
    double duration = atof(given[3]);
    char body[512], request[1024], *buffer = malloc(BUFFER);
    snprintf(body, sizeof body,
             "{\"model\": \"truth\", \"messages\": [{\"role\": \"user\", \"content\": \"hello\"}], "
             "\"max_tokens\": 64, \"stream\": %s}", plain ? "false" : "true");
    int length = snprintf(request, sizeof request,
                          "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
                          "content-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
                          strlen(body), body);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(given[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct stream *all = calloc(streams, sizeof *all);
    int epoll = epoll_create1(0);
    double began = seconds(), spent = cpu();
    long long chunks = 0, requests = 0;
    for (int i = 0; i < streams; i++) {
        all[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(all[i].fd, (void *)&address, sizeof address)) {
            perror("connect");
            return 1;
        }
        setsockopt(all[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event);
        if (write(all[i].fd, request, length) != length) return 1;
        live++;
    }
    struct epoll_event events[EVENTS];
    while (live) {
        int ready = epoll_wait(epoll, events, EVENTS, 5000);
        if (ready <= 0) {
            fprintf(stderr, "no byte for 5 s\n");
            return 1;
        }
        for (int i = 0; i < ready; i++) {
            struct stream *s = events[i].data.ptr;
            ssize_t got = recv(s->fd, buffer, BUFFER - 1, 0);
            if (got <= 0) {
                fprintf(stderr, "closed\n");
                return 1;
            }
            char *at = buffer, *found;
            buffer[got] = 0;
            while ((found = memmem(at, got - (at - buffer), "\"ns\": \"", 7))) {
                chunks++;
                at = found + 27;
            }
            if (plain || (got >= 5 && !memcmp(buffer + got - 5, "0\r\n\r\n", 5))) {
                requests++;
                if (seconds() - began < duration) {
                    if (write(s->fd, request, length) != length) return 1;
                } else {
                    live--;
                    close(s->fd);
                }
            }
        }
    }
    spent = cpu() - spent;
    printf("{\"requests\": %lld, \"chunks\": %lld, \"seconds\": %.3f, \"cpu_seconds\": %.4f}\n",
           requests, chunks, seconds() - began, spent);
    return 0;
}
