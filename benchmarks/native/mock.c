/* A very fast OpenAI-compatible upstream for benchmarks: one thread, epoll, HTTP/1.1 keep-alive.
 *
 *   mock [--port N] [--interval-ms N] [--chunks N] [--name NAME]
 *
 * It prints the port it listens on (loopback only) and serves
 *   POST /v1/chat/completions   a fixed answer with usage; or, when the body has "stream":true, server-sent events:
 *                               one chunk every interval, `max_tokens` of them (--chunks when the body names none),
 *                               then finish_reason, usage and [DONE]
 *   GET  /v1/models, GET /stats, POST /reset
 *
 * Each content chunk carries `~` and 16 letters a-p: the CLOCK_MONOTONIC nanoseconds at which it was written, four bits a
 * letter, so that a client on this machine knows how long the chunk was on its way. Letters, because a run of digits
 * could be taken for personal data by a gateway that looks for it.
 *
 * Words in the body set the pace of one stream, [[mock:interval=50]] (milliseconds), or ask for trouble: [[mock:500]],
 * [[mock:429]], and [[mock:cut]], which ends a stream half way. [[mock:echo=WORD]] makes the answer tell whose it is and who
 * gave it: a plain one says NAME.WORD, and chunk number k of a stream says " NAME.WORD.k" instead of the time.
 *
 * It knows nothing of JSON: it looks for the byte patterns above. It is not a test double; tests have their own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WORD = 40, MAX_CONNECTIONS = 65536, FIRST_BUFFER = 8192, MAX_REQUEST = 16 << 20, MAX_EVENTS = 512 };

struct connection {
    int fd, open, streaming, cut;
    char *in, *out;
    size_t in_size, in_used, out_size, out_used;
    unsigned sent, total;
    int wants_usage;
    uint64_t due, interval_ns;
    char echo[MAX_WORD];
};

static struct {
    uint64_t plain, streams, finished, left, chunks, bytes, left_chunks, left_unsent, refused;
} stats;

static struct connection *connections[MAX_CONNECTIONS];
static int *heap, heap_used, heap_size; /* descriptors of streaming connections, the earliest due first */
static int poller, timer;
static uint64_t interval_ns = 20000000, phase;
static unsigned default_chunks = 50;
static const char *own_name = "mock";

static uint64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* ---- the heap of due times ------------------------------------------------------------------------------------- */

static uint64_t due_of(int slot) { return connections[heap[slot]]->due; }

static void swap_slots(int a, int b) {
    int kept = heap[a];
    heap[a] = heap[b];
    heap[b] = kept;
}

static void sink(int slot) {
    for (;;) {
        int least = slot, left = 2 * slot + 1, right = left + 1;
        if (left < heap_used && due_of(left) < due_of(least)) least = left;
        if (right < heap_used && due_of(right) < due_of(least)) least = right;
        if (least == slot) return;
        swap_slots(slot, least);
        slot = least;
    }
}

static void push_due(int fd) {
    if (heap_used == heap_size) {
        heap_size = heap_size ? heap_size * 2 : 1024;
        heap = realloc(heap, (size_t)heap_size * sizeof *heap);
        if (!heap) die("realloc");
    }
    int slot = heap_used++;
    heap[slot] = fd;
    while (slot && due_of(slot) < due_of((slot - 1) / 2)) {
        swap_slots(slot, (slot - 1) / 2);
        slot = (slot - 1) / 2;
    }
}

static void pop_due(void) {
    heap[0] = heap[--heap_used];
    if (heap_used) sink(0);
}

static void drop_due(int fd) {
    for (int slot = 0; slot < heap_used; slot++)
        if (heap[slot] == fd) {
            heap[slot] = heap[--heap_used];
            for (int at = heap_used / 2; at >= 0; at--) sink(at);
            return;
        }
}

static void arm_timer(void) {
    struct itimerspec when = {0};
    if (heap_used) {
        uint64_t due = due_of(0);
        when.it_value.tv_sec = (time_t)(due / 1000000000u);
        when.it_value.tv_nsec = (long)(due % 1000000000u);
    }
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* ---- connections ----------------------------------------------------------------------------------------------- */

static void hang_up(struct connection *c) {
    if (!c->open) return;
    if (c->streaming) {
        drop_due(c->fd);
        if (!c->cut) {
            stats.left++;
            stats.left_chunks += c->sent;
            stats.left_unsent += c->total - c->sent;
        }
    }
    close(c->fd);
    c->open = c->streaming = c->cut = 0;
    c->in_used = c->out_used = 0;
}

static void watch(struct connection *c, int writing) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | (writing ? EPOLLOUT : 0u), .data.fd = c->fd};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

/* Writes now; what the socket does not take is kept and written when it does. */
static void put(struct connection *c, const char *bytes, size_t size) {
    if (!c->open) return;
    ssize_t took = 0;
    if (!c->out_used) {
        took = write(c->fd, bytes, size);
        if (took < 0) {
            if (errno != EAGAIN) {
                hang_up(c);
                return;
            }
            took = 0;
        }
    }
    size_t rest = size - (size_t)took;
    if (!rest) return;
    if (c->out_used + rest > c->out_size) {
        c->out_size = (c->out_used + rest) * 2;
        c->out = realloc(c->out, c->out_size);
        if (!c->out) die("realloc");
    }
    memcpy(c->out + c->out_used, bytes + took, rest);
    if (!c->out_used) watch(c, 1);
    c->out_used += rest;
}

static void flush_out(struct connection *c) {
    ssize_t took = write(c->fd, c->out, c->out_used);
    if (took < 0) {
        if (errno != EAGAIN) hang_up(c);
        return;
    }
    c->out_used -= (size_t)took;
    memmove(c->out, c->out + took, c->out_used);
    if (!c->out_used) watch(c, 0);
}

static void put_json(struct connection *c, int status, const char *extra, const char *body) {
    char head[512];
    const char *phrase = status == 200 ? "OK" : status == 429 ? "Too Many Requests" : status == 404 ? "Not Found" : "Error";
    int size = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\ncontent-type: application/json\r\n%scontent-length: %zu\r\n\r\n%s",
                        status, phrase, extra, strlen(body), strlen(body) < 256 ? body : "");
    put(c, head, (size_t)size);
    if (strlen(body) >= 256) put(c, body, strlen(body));
}

/* ---- answers --------------------------------------------------------------------------------------------------- */

static char plain_reply[2048];
static size_t plain_size;

static void make_plain_reply(void) {
    static const char body[] =
        "{\"id\":\"chatcmpl-9f1c0b7e52d84a6f8a7d3c21e6b0f4aa\",\"object\":\"chat.completion\",\"created\":1767225600,"
        "\"model\":\"mock\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"The journal is written "
        "before the reply ends, so an answer that a client has seen can always be found again, even after the power was "
        "cut. The hash of each record covers the one before it, which is why nobody can take one out in silence.\","
        "\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":34,"
        "\"completion_tokens\":52,\"total_tokens\":86,\"prompt_tokens_details\":{\"cached_tokens\":0},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":0}},\"system_fingerprint\":\"fp_3c1a7e90b2\"}";
    plain_size = (size_t)snprintf(plain_reply, sizeof plain_reply,
                                  "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
                                  sizeof body - 1, body);
}

#define CHUNK_HEAD "data: {\"id\":\"chatcmpl-9f1c0b7e52d84a6f8a7d3c21e6b0f4aa\",\"object\":\"chat.completion.chunk\"," \
                   "\"created\":1767225600,\"model\":\"mock\",\"system_fingerprint\":\"fp_3c1a7e90b2\",\"choices\":"

static void put_event(struct connection *c, const char *tail) {
    char piece[768];
    int body = (int)(sizeof CHUNK_HEAD - 1 + strlen(tail) + 2);
    int size = snprintf(piece, sizeof piece, "%x\r\n" CHUNK_HEAD "%s\n\n\r\n", body, tail);
    stats.bytes += (uint64_t)body;
    put(c, piece, (size_t)size);
}

static void start_stream(struct connection *c, unsigned total, unsigned interval_ms, int wants_usage, int cut) {
    static const char head[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
                               "transfer-encoding: chunked\r\n\r\n";
    stats.streams++;
    c->streaming = 1;
    c->cut = cut;
    c->sent = 0;
    c->total = total;
    c->interval_ns = interval_ms ? interval_ms * 1000000ull : interval_ns;
    c->wants_usage = wants_usage;
    put(c, head, sizeof head - 1);
    put_event(c, "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}");
    if (!c->open) return;
    /* Streams that start together are spread over one interval by the golden ratio, as those of real users are. */
    phase += 11400714819323198485u;
    c->due = now_ns() + (uint64_t)((double)(phase >> 11) / 9007199254740992.0 * (double)c->interval_ns);
    push_due(c->fd);
}

static void end_stream(struct connection *c) {
    char tail[256];
    static const char done[] = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
    put_event(c, "[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}");
    if (c->wants_usage) {
        snprintf(tail, sizeof tail, "[],\"usage\":{\"prompt_tokens\":34,\"completion_tokens\":%u,\"total_tokens\":%u}}",
                 c->total, c->total + 34);
        put_event(c, tail);
    }
    put(c, done, sizeof done - 1);
    if (!c->open) return;
    stats.finished++;
    c->streaming = c->cut = 0;
}

static void send_echo(struct connection *c) {
    char tail[256];
    stats.chunks++;
    snprintf(tail, sizeof tail, "[{\"index\":0,\"delta\":{\"content\":\" %.32s.%s.%u\"},\"logprobs\":null,\"finish_reason\":null}]}",
             own_name, c->echo, c->sent++);
    put_event(c, tail);
}

static void send_chunk(struct connection *c) {
    if (c->echo[0]) {
        send_echo(c);
        return;
    }
    char tail[160] = "[{\"index\":0,\"delta\":{\"content\":\" ~aaaaaaaaaaaaaaaa\"},\"logprobs\":null,\"finish_reason\":null}]}";
    uint64_t stamp = now_ns();
    char *letters = strchr(tail, '~') + 1;
    for (int i = 15; i >= 0; i--, stamp >>= 4) letters[i] = (char)('a' + (stamp & 15));
    stats.chunks++;
    c->sent++;
    put_event(c, tail);
}

static void run_due(void) {
    uint64_t now = now_ns();
    while (heap_used && due_of(0) <= now) {
        struct connection *c = connections[heap[0]];
        if (c->sent == c->total) {
            pop_due();
            end_stream(c);
        } else if (c->cut && c->sent >= c->total / 2) {
            hang_up(c);
        } else {
            send_chunk(c);
            if (!c->open) continue; /* hang_up took it off the heap */
            c->due += c->sent == c->total ? 0 : c->interval_ns;
            sink(0);
        }
    }
    arm_timer();
}

static void put_stats(struct connection *c) {
    char body[512];
    snprintf(body, sizeof body,
             "{\"plain\":%lu,\"streams\":%lu,\"finished\":%lu,\"left\":%lu,\"open\":%d,\"chunks\":%lu,\"bytes\":%lu,"
             "\"left_chunks\":%lu,\"left_unsent\":%lu,\"refused\":%lu}",
             stats.plain, stats.streams, stats.finished, stats.left, heap_used, stats.chunks, stats.bytes, stats.left_chunks,
             stats.left_unsent, stats.refused);
    put_json(c, 200, "", body);
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

static int holds(const char *body, size_t size, const char *pattern) {
    return memmem(body, size, pattern, strlen(pattern)) != NULL;
}

static unsigned number_after(const char *body, size_t size, const char *key, unsigned otherwise) {
    const char *at = memmem(body, size, key, strlen(key));
    if (!at) return otherwise;
    at += strlen(key);
    while (at < body + size && (*at == ' ' || *at == ':')) at++;
    unsigned value = 0;
    const char *first = at;
    while (at < body + size && *at >= '0' && *at <= '9' && value < 1000000) value = value * 10 + (unsigned)(*at++ - '0');
    return at == first ? otherwise : value;
}

/* The word of letters after a key; empty without the key. */
static void word_after(const char *body, size_t size, const char *key, char *word) {
    const char *at = memmem(body, size, key, strlen(key));
    size_t used = 0;
    if (at)
        for (at += strlen(key); at < body + size && used < MAX_WORD - 1 && *at >= 'a' && *at <= 'z'; at++) word[used++] = *at;
    word[used] = 0;
}

static void put_echo(struct connection *c) {
    char body[512];
    snprintf(body, sizeof body,
             "{\"id\":\"chatcmpl-9f1c0b7e52d84a6f8a7d3c21e6b0f4aa\",\"object\":\"chat.completion\",\"created\":1767225600,"
             "\"model\":\"mock\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%.32s.%s\"},"
             "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":34,\"completion_tokens\":5,\"total_tokens\":39}}",
             own_name, c->echo);
    put_json(c, 200, "", body);
}

static void answer_chat(struct connection *c, const char *body, size_t size) {
    word_after(body, size, "[[mock:echo=", c->echo);
    if (holds(body, size, "[[mock:500]]") || holds(body, size, "[[mock:429]]")) {
        int limited = holds(body, size, "[[mock:429]]");
        stats.refused++;
        put_json(c, limited ? 429 : 500, limited ? "retry-after: 1\r\n" : "",
                 "{\"error\":{\"message\":\"The mock was asked for this.\",\"type\":\"server_error\",\"param\":null,\"code\":null}}");
    } else if (holds(body, size, "\"stream\":true") || holds(body, size, "\"stream\": true")) {
        unsigned total = number_after(body, size, "\"max_tokens\"", default_chunks);
        total = number_after(body, size, "\"max_completion_tokens\"", total);
        int usage = holds(body, size, "\"include_usage\":true") || holds(body, size, "\"include_usage\": true");
        unsigned interval_ms = number_after(body, size, "[[mock:interval=", 0);
        start_stream(c, total, interval_ms, usage, holds(body, size, "[[mock:cut]]"));
    } else {
        stats.plain++;
        if (c->echo[0]) put_echo(c);
        else put(c, plain_reply, plain_size);
    }
}

static void answer(struct connection *c, const char *line, const char *body, size_t size) {
    if (!strncmp(line, "POST ", 5) && strstr(line, "/chat/completions"))
        answer_chat(c, body, size);
    else if (!strncmp(line, "GET /stats", 10))
        put_stats(c);
    else if (!strncmp(line, "POST /reset", 11)) {
        memset(&stats, 0, sizeof stats);
        put_json(c, 200, "", "{}");
    } else if (!strncmp(line, "GET ", 4) && strstr(line, "/models"))
        put_json(c, 200, "", "{\"object\":\"list\",\"data\":[{\"id\":\"mock\",\"object\":\"model\",\"created\":1767225600,\"owned_by\":\"mock\"}]}");
    else
        put_json(c, 404, "", "{\"error\":{\"message\":\"No such path.\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}");
}

/* The value of a header of the request head, or NULL. `head` ends in a NUL. */
static const char *header(const char *head, const char *name) {
    size_t size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (!strncasecmp(line + 2, name, size) && line[2 + size] == ':') {
            const char *value = line + 3 + size;
            while (*value == ' ') value++;
            return value;
        }
    }
    return NULL;
}

/* Answers the first whole request in the buffer; returns the bytes it took, or 0 when more must come. */
static size_t take_request(struct connection *c) {
    char *end = memmem(c->in, c->in_used, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t head = (size_t)(end - c->in) + 4, body = 0;
    char kept = end[2];
    end[2] = 0; /* keep the last header's \r\n, so that every header line is followed by one */
    const char *length = header(c->in, "content-length"), *coding = header(c->in, "transfer-encoding");
    if (length)
        body = strtoul(length, NULL, 10);
    else if (coding && !strncasecmp(coding, "chunked", 7)) {
        char *last = memmem(c->in + head, c->in_used - head, "0\r\n\r\n", 5);
        body = last ? (size_t)(last - c->in) + 5 - head : c->in_used;
    }
    if (head + body > c->in_used) {
        end[2] = kept;
        return 0;
    }
    answer(c, c->in, c->in + head, body);
    return head + body;
}

static void take_requests(struct connection *c) {
    while (c->open && !c->streaming && c->in_used) {
        size_t took = take_request(c);
        if (!took || !c->open) return;
        c->in_used -= took;
        if (c->in_used) memmove(c->in, c->in + took, c->in_used);
    }
}

static void receive(struct connection *c) {
    if (c->in_used + FIRST_BUFFER > c->in_size) {
        if (c->in_size >= MAX_REQUEST) {
            hang_up(c);
            return;
        }
        c->in_size = c->in_size ? c->in_size * 2 : 2 * FIRST_BUFFER;
        c->in = realloc(c->in, c->in_size);
        if (!c->in) die("realloc");
    }
    ssize_t got = read(c->fd, c->in + c->in_used, c->in_size - c->in_used);
    if (got > 0) {
        c->in_used += (size_t)got;
        take_requests(c);
    } else if (got == 0 || errno != EAGAIN)
        hang_up(c);
}

static void accept_all(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) return;
        if (fd >= MAX_CONNECTIONS) {
            close(fd);
            return;
        }
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (!connections[fd] && !(connections[fd] = calloc(1, sizeof(struct connection)))) die("calloc");
        connections[fd]->fd = fd;
        connections[fd]->open = 1;
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&where, sizeof where) || listen(fd, 4096)) die("listen");
    socklen_t size = sizeof where;
    getsockname(fd, (struct sockaddr *)&where, &size);
    printf("%d\n", ntohs(where.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv) {
    int port = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--port")) port = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--interval-ms")) interval_ns = (uint64_t)(atof(argv[i + 1]) * 1e6);
        else if (!strcmp(argv[i], "--name")) own_name = argv[i + 1];
        else if (!strcmp(argv[i], "--chunks")) default_chunks = (unsigned)atoi(argv[i + 1]);
        else {
            fprintf(stderr, "unknown option %s\n", argv[i]);
            return 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    make_plain_reply();
    poller = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    int listener = listen_on(port);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = timer;
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
    static struct epoll_event events[MAX_EVENTS];
    for (;;) {
        int count = epoll_wait(poller, events, MAX_EVENTS, -1);
        int ticked = 0;
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) accept_all(listener);
            else if (fd == timer) {
                uint64_t ticks;
                ticked = read(timer, &ticks, sizeof ticks) > 0;
            } else {
                struct connection *c = connections[fd];
                int streams = heap_used;
                if (events[i].events & EPOLLOUT && c->open) flush_out(c);
                if (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) && c->open) receive(c);
                ticked |= heap_used != streams;
            }
        }
        if (ticked) run_due();
    }
}
