/* Opens many streaming chat requests at once and measures how their chunks arrive: one thread, epoll.
 *
 *   streams --port N --body FILE [--path P] [--header "Name: value"]... [--count N] [--interval-ms N]
 *           [--seconds N] [--leave-after N] [--settle-ms N]
 *
 * --count        connections, each with one request, all opened at once
 * --interval-ms  what the upstream keeps between two chunks
 * --seconds      when to stop waiting and leave
 * --leave-after  close each connection after that many chunks
 * --settle-ms    delay and jitter are taken from then on, when all streams are open, until the first one ends
 *
 * Prints one JSON object; times in milliseconds:
 *   delay   arrival of a chunk less the moment the mock upstream wrote it (its `~` stamp, see mock.c)
 *   jitter  how far the time between two arrivals on one stream is from the interval, while all streams are open
 *   ending  the same from the end of the first stream on: streams opened at once and of one length all end at once
 *   first   from the request to the first content chunk
 *
 * It reads HTTP chunked coding and server-sent events across any cutting, and knows nothing of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 65536, HEAD = 32768, READ = 65536, MAX_EVENTS = 512 };

enum stage { CONNECTING, READING_HEAD, READING_BODY, OVER };
enum coding { CHUNK_SIZE, CHUNK_DATA, CHUNK_END, PLAIN };

struct stream {
    int fd;
    enum stage stage;
    enum coding coding;
    size_t chunk_left;
    char *line;
    size_t line_used;
    int status, done, whole;
    unsigned chunks;
    uint64_t asked, last;
};

struct samples {
    uint32_t *values; /* tenths of a microsecond */
    size_t used, size;
};

static struct samples delays, jitters, endings, firsts;
static uint64_t chunks, events, bytes, complete, left, cut, refused, failed, timed_out;
static int poller, live;
static uint64_t interval_ns = 20000000, settled;
static unsigned leave_after;
static int ended; /* a stream has come to its end */
static char *request;
static size_t request_size;

static uint64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void add(struct samples *s, uint64_t ns) {
    if (s->used == s->size) {
        s->size = s->size ? s->size * 2 : 65536;
        s->values = realloc(s->values, s->size * sizeof *s->values);
        if (!s->values) die("realloc");
    }
    uint64_t value = ns / 100;
    s->values[s->used++] = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void print_samples(const char *name, struct samples *s) {
    static const double ranks[] = {0.5, 0.9, 0.99, 0.999};
    static const char *names[] = {"p50", "p90", "p99", "p999"};
    if (s->used) qsort(s->values, s->used, sizeof *s->values, ascending);
    printf("\"%s\":{", name);
    for (int i = 0; i < 4; i++) {
        if (!s->used) printf("\"%s\":null,", names[i]);
        else printf("\"%s\":%.4f,", names[i], s->values[(size_t)(ranks[i] * (double)(s->used - 1) + 0.5)] / 1e4);
    }
    if (!s->used) printf("\"max\":null},");
    else printf("\"max\":%.4f},", s->values[s->used - 1] / 1e4);
}

/* ---- one stream ------------------------------------------------------------------------------------------------ */

static void finish(struct stream *s, uint64_t *counter) {
    if (s->stage == OVER) return;
    ++*counter;
    close(s->fd);
    s->stage = OVER;
    live--;
}

/* The end of the body, or of the connection: whole only if [DONE], or Anthropic's message_stop, was seen. */
static void finish_body(struct stream *s) { finish(s, s->status != 200 ? &refused : s->done ? &complete : &cut); }

static uint64_t stamp_of(const char *letters) {
    uint64_t value = 0;
    for (int i = 0; i < 16; i++) {
        if (letters[i] < 'a' || letters[i] > 'p') return 0;
        value = value << 4 | (uint64_t)(letters[i] - 'a');
    }
    return value;
}

static void count_chunk(struct stream *s, uint64_t sent, uint64_t now) {
    chunks++;
    s->chunks++;
    if (s->chunks == 1) add(&firsts, now - s->asked);
    if (now >= settled) {
        if (!ended) add(&delays, now > sent ? now - sent : 0);
        uint64_t gap = now - s->last;
        if (s->last) add(ended ? &endings : &jitters, gap > interval_ns ? gap - interval_ns : interval_ns - gap);
        s->last = now;
    }
    if (leave_after && s->chunks >= leave_after) finish(s, &left);
}

static void take_line(struct stream *s, uint64_t now) {
    char *line = s->line;
    size_t size = s->line_used;
    if (size && line[size - 1] == '\r') size--;
    line[size] = 0;
    s->line_used = 0;
    if (strncmp(line, "data:", 5)) return;
    events++;
    if (strstr(line, "[DONE]") || strstr(line, "\"message_stop\"")) {
        s->done = ended = 1;
        return;
    }
    char *mark = strchr(line, '~');
    uint64_t sent = mark && strlen(mark) >= 17 ? stamp_of(mark + 1) : 0;
    if (sent) count_chunk(s, sent, now);
}

static void take_text(struct stream *s, const char *text, size_t size, uint64_t now) {
    while (size && s->stage != OVER) {
        const char *end = memchr(text, '\n', size);
        size_t part = end ? (size_t)(end - text) : size;
        if (s->line_used + part >= LINE) {
            finish(s, &failed);
            return;
        }
        memcpy(s->line + s->line_used, text, part);
        s->line_used += part;
        if (!end) return;
        take_line(s, now);
        text += part + 1;
        size -= part + 1;
    }
}

static void take_body(struct stream *s, const char *data, size_t size, uint64_t now) {
    while (size && s->stage != OVER) {
        if (s->coding == PLAIN) {
            take_text(s, data, size, now);
            return;
        }
        if (s->coding == CHUNK_DATA) {
            size_t part = size < s->chunk_left ? size : s->chunk_left;
            take_text(s, data, part, now);
            data += part;
            size -= part;
            s->chunk_left -= part;
            if (!s->chunk_left) s->coding = CHUNK_END;
            continue;
        }
        char byte = *data++;
        size--;
        if (s->coding == CHUNK_END) {
            if (byte == '\n') {
                s->coding = CHUNK_SIZE;
                s->chunk_left = 0;
            }
        } else if (byte == '\n') {
            if (!s->chunk_left) {
                finish_body(s);
                return;
            }
            s->coding = CHUNK_DATA;
        } else if (byte != '\r') {
            int digit = byte >= '0' && byte <= '9' ? byte - '0' : (byte | 32) >= 'a' && (byte | 32) <= 'f' ? (byte | 32) - 'a' + 10 : -1;
            if (digit >= 0) s->chunk_left = s->chunk_left * 16 + (size_t)digit;
        }
    }
}

/* The response head gathers in `line`; what follows it is body. */
static void take_head(struct stream *s, const char *data, size_t size, uint64_t now) {
    size_t before = s->line_used, part = size < HEAD - before ? size : HEAD - before;
    memcpy(s->line + before, data, part);
    s->line_used += part;
    char *end = memmem(s->line, s->line_used, "\r\n\r\n", 4);
    if (!end) {
        if (s->line_used == HEAD) finish(s, &failed);
        return;
    }
    *end = 0;
    size_t head = (size_t)(end - s->line) + 4;
    s->status = !strncmp(s->line, "HTTP/1.1 ", 9) ? atoi(s->line + 9) : 0;
    s->coding = strcasestr(s->line, "transfer-encoding: chunked") ? CHUNK_SIZE : PLAIN;
    s->stage = READING_BODY;
    s->line_used = 0;
    if (s->status != 200) {
        finish(s, &refused);
        return;
    }
    take_body(s, data + (head - before), size - (head - before), now);
}

static void receive(struct stream *s) {
    static char data[READ];
    ssize_t got = read(s->fd, data, sizeof data);
    if (got < 0 && errno == EAGAIN) return;
    uint64_t now = now_ns();
    if (got <= 0) {
        if (s->stage == READING_BODY) finish_body(s);
        else finish(s, &failed);
        return;
    }
    bytes += (uint64_t)got;
    if (s->stage == READING_HEAD) take_head(s, data, (size_t)got, now);
    else take_body(s, data, (size_t)got, now);
}

static void ask(struct stream *s) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    s->asked = now_ns();
    if (error || write(s->fd, request, request_size) != (ssize_t)request_size) {
        finish(s, &failed);
        return;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    epoll_ctl(poller, EPOLL_CTL_MOD, s->fd, &event);
    s->stage = READING_HEAD;
}

static void open_stream(struct stream *s, int port) {
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    s->line = malloc(LINE);
    if (s->fd < 0 || !s->line) die("socket");
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    live++;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = s};
    epoll_ctl(poller, EPOLL_CTL_ADD, s->fd, &event);
    if (connect(s->fd, (struct sockaddr *)&where, sizeof where) && errno != EINPROGRESS) finish(s, &failed);
}

/* ---- the request ----------------------------------------------------------------------------------------------- */

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    char *text = malloc(1 << 20);
    if (!text) die("malloc");
    *size = fread(text, 1, 1 << 20, file);
    fclose(file);
    return text;
}

static void make_request(const char *path, const char *headers, const char *body_path, int port) {
    size_t body_size;
    char *body = read_file(body_path, &body_size);
    request = malloc(body_size + strlen(headers) + strlen(path) + 512);
    if (!request) die("malloc");
    int head = sprintf(request, "POST %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\ncontent-type: application/json\r\n%scontent-length: %zu\r\n\r\n",
                       path, port, headers, body_size);
    memcpy(request + head, body, body_size);
    request_size = (size_t)head + body_size;
    free(body);
}

static void print_result(int count, double seconds) {
    printf("{\"count\":%d,\"seconds\":%.3f,\"chunks\":%lu,\"events\":%lu,\"bytes\":%lu,\"complete\":%lu,\"left\":%lu,\"cut\":%lu,"
           "\"refused\":%lu,\"failed\":%lu,\"timed_out\":%lu,",
           count, seconds, chunks, events, bytes, complete, left, cut, refused, failed, timed_out);
    print_samples("delay", &delays);
    print_samples("jitter", &jitters);
    print_samples("ending", &endings);
    print_samples("first", &firsts);
    printf("\"interval_ms\":%.3f}\n", (double)interval_ns / 1e6);
}

int main(int argc, char **argv) {
    int port = 0, count = 1;
    double seconds = 30;
    const char *path = "/v1/chat/completions", *body = NULL;
    static char headers[8192];
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (!strcmp(name, "--port")) port = atoi(value);
        else if (!strcmp(name, "--body")) body = value;
        else if (!strcmp(name, "--path")) path = value;
        else if (!strcmp(name, "--count")) count = atoi(value);
        else if (!strcmp(name, "--interval-ms")) interval_ns = (uint64_t)(atof(value) * 1e6);
        else if (!strcmp(name, "--seconds")) seconds = atof(value);
        else if (!strcmp(name, "--settle-ms")) settled = (uint64_t)(atof(value) * 1e6);
        else if (!strcmp(name, "--leave-after")) leave_after = (unsigned)atoi(value);
        else if (!strcmp(name, "--header") && strlen(headers) + strlen(value) + 3 < sizeof headers) {
            strcat(headers, value);
            strcat(headers, "\r\n");
        } else {
            fprintf(stderr, "unknown option %s\n", name);
            return 2;
        }
    }
    if (!port || !body || count < 1) {
        fprintf(stderr, "--port, --body and a --count of at least 1 are needed\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files = {(rlim_t)count + 64, (rlim_t)count + 64}, had;
    if (!getrlimit(RLIMIT_NOFILE, &had) && had.rlim_cur < files.rlim_cur) {
        if (had.rlim_max > files.rlim_max) files.rlim_max = had.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    make_request(path, headers, body, port);
    poller = epoll_create1(0);
    struct stream *streams = calloc((size_t)count, sizeof *streams);
    if (!streams) die("calloc");
    uint64_t start = now_ns();
    settled += start;
    uint64_t stop = start + (uint64_t)(seconds * 1e9);
    for (int i = 0; i < count; i++) open_stream(&streams[i], port);
    static struct epoll_event ready[MAX_EVENTS];
    while (live && now_ns() < stop) {
        int got = epoll_wait(poller, ready, MAX_EVENTS, 100);
        for (int i = 0; i < got; i++) {
            struct stream *s = ready[i].data.ptr;
            if (s->stage == OVER) continue;
            if (s->stage == CONNECTING) ask(s);
            else receive(s);
        }
    }
    for (int i = 0; i < count; i++) finish(&streams[i], &timed_out);
    print_result(count, (double)(now_ns() - start) / 1e9);
    return 0;
}
