#include "queue/intake.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/memory.h"
#include "engine/queue/intake.sql.h"
#include "queue/batch.h"
#include "queue/copy.h"
#include "queue/db.h"
#include "queue/presort.h"
#include <endian.h>
#include <stdlib.h>

enum {
    /* COPY bytes are sent in pieces: the server works while we write on. */
    PIECE_BYTES = 128 * 1024,
    BINARY = 1, /* format of a parameter */
};

struct intake {
    struct copy_uuid campaign;
    int64_t project;
    struct presort *slice;
    struct buf out;
    int64_t *ids; /* of the slice's batches */
    bool planned; /* the transaction's settings are made */
    int64_t accepted, duplicates, suppressed;
};

static struct copy_uuid uuid_of(const char *text)
{
    struct copy_uuid uuid = {{0}};
    size_t digits = 0;

    for (; *text && digits < 2 * sizeof uuid.bytes; text++) {
        const char *hex = "0123456789abcdef", *at = strchr(hex, *text | 0x20);

        if (*text == '-')
            continue;
        if (!at)
            BUG("a campaign's id is no UUID");
        uuid.bytes[digits / 2] =
            (unsigned char)(uuid.bytes[digits / 2] << 4 | (at - hex));
        digits++;
    }
    if (digits != 2 * sizeof uuid.bytes)
        BUG("a campaign's id is no UUID");
    return uuid;
}

struct intake *intake_new(const struct config *config,
                          const unsigned char secret[MAILID_SECRET_BYTES],
                          struct intake_campaign campaign)
{
    struct intake *in = memory_new(1, sizeof *in);

    in->campaign = uuid_of(campaign.id);
    in->project = campaign.project;
    in->slice = presort_new(secret, (size_t)config->slice_mails,
                            (size_t)config->batch_mails_max);
    in->ids = memory_new((size_t)config->slice_mails, sizeof *in->ids);
    return in;
}

void intake_free(struct intake *in)
{
    if (!in)
        return;
    presort_free(in->slice);
    buf_fini(&in->out);
    free(in->ids);
    free(in);
}

bool intake_full(const struct intake *in)
{
    return presort_full(in->slice);
}

void intake_add(struct intake *in, const char *address, size_t address_len,
                const char *variables, size_t variables_len)
{
    presort_add(in->slice, address, address_len, variables, variables_len);
}

int64_t intake_accepted(const struct intake *in)
{
    return in->accepted;
}

int64_t intake_duplicates(const struct intake *in)
{
    return in->duplicates;
}

int64_t intake_suppressed(const struct intake *in)
{
    return in->suppressed;
}

/* SQLSTATE classes: 08 connection, 53 resources, 57P shut down. */
static enum status failed(const PGconn *pg, const PGresult *result,
                          struct error *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    char text[ERROR_TEXT_MAX];
    bool away = PQstatus(pg) != CONNECTION_OK ||
                (state && (strncmp(state, "08", 2) == 0 ||
                           strncmp(state, "53", 2) == 0 ||
                           strncmp(state, "57P", 3) == 0));

    return fail(err, away ? STATUS_UNAVAILABLE : STATUS_FAILED, "%s",
                db_error(pg, text));
}

struct param {
    const char *bytes;
    size_t len;
};

static enum status ask(PGconn *pg, const char *sql, int n,
                       const struct param *params, int expected_format,
                       PGresult **out, struct error *err)
{
    enum { PARAMS_MAX = 2 };
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];

    for (int i = 0; i < n; i++) {
        values[i] = params[i].bytes;
        lengths[i] = (int)params[i].len;
        formats[i] = BINARY;
    }
    *out = PQexecParams(pg, sql, n, NULL, values, lengths, formats,
                        expected_format);
    return PQresultStatus(*out) == PGRES_TUPLES_OK ? STATUS_OK
                                                   : failed(pg, *out, err);
}

static enum status copy_open(struct intake *in, PGconn *pg, const char *sql,
                             struct error *err)
{
    DB_RESULT *result = PQexec(pg, sql);

    buf_reset(&in->out);
    copy_header(&in->out);
    return PQresultStatus(result) == PGRES_COPY_IN ? STATUS_OK
                                                   : failed(pg, result, err);
}

/* False: the connection is gone; copy_close will say so. */
static bool copy_send(struct intake *in, PGconn *pg, size_t least)
{
    if (in->out.len < least)
        return true;
    bool sent = PQputCopyData(pg, in->out.data, (int)in->out.len) == 1;
    buf_reset(&in->out);
    return sent;
}

static enum status copy_close(struct intake *in, PGconn *pg, struct error *err)
{
    copy_trailer(&in->out);
    copy_send(in, pg, 0);
    PQputCopyEnd(pg, NULL);
    DB_RESULT *result = PQgetResult(pg);
    enum status st = PQresultStatus(result) == PGRES_COMMAND_OK
                         ? STATUS_OK
                         : failed(pg, result, err);

    /* libpq is ready again once it has said that there is no more. */
    for (PGresult *more; (more = PQgetResult(pg)) != NULL;)
        PQclear(more);
    return st;
}

static enum status forget_known(struct intake *in, PGconn *pg,
                                const struct copy_uuid *keys, size_t n,
                                struct error *err)
{
    buf_reset(&in->out);
    copy_value_uuids(&in->out, keys, n);
    const struct param params[] = {
        {(const char *)in->campaign.bytes, sizeof in->campaign},
        {in->out.data, in->out.len},
    };
    DB_RESULT *known = NULL;
    enum status st = ask(pg, SQL_INTAKE_KNOWN, 2, params, BINARY, &known, err);

    if (st != STATUS_OK)
        return st;
    size_t rows = (size_t)PQntuples(known);
    struct copy_uuid *found = memory_new(rows + 1, sizeof *found);
    for (size_t i = 0; i < rows; i++)
        memcpy(&found[i], PQgetvalue(known, (int)i, 0), sizeof *found);
    presort_drop(in->slice, found, rows);
    free(found);
    return STATUS_OK;
}

/* Sorted, so that neighbours go into the same page of the index. */
static enum status write_audience(struct intake *in, PGconn *pg,
                                  struct error *err)
{
    size_t n;
    const struct copy_uuid *keys = presort_keys(in->slice, &n);
    enum status st = copy_open(in, pg, SQL_INTAKE_COPY_AUDIENCE, err);

    if (st != STATUS_OK)
        return st;
    for (size_t i = 0; i < n && copy_send(in, pg, PIECE_BYTES); i++) {
        copy_row(&in->out, 2);
        copy_uuid(&in->out, &in->campaign);
        copy_uuid(&in->out, &keys[i]);
    }
    return copy_close(in, pg, err);
}

static enum status fold(struct intake *in, PGconn *pg, struct error *err)
{
    size_t n;
    const struct copy_uuid *keys = presort_fold(in->slice, &n);
    enum status st = forget_known(in, pg, keys, n, err);

    if (st != STATUS_OK)
        return st;
    presort_keys(in->slice, &n);
    in->accepted += (int64_t)n;
    in->duplicates += (int64_t)(presort_count(in->slice) - n);
    return write_audience(in, pg, err);
}

static enum status name_sites(struct intake *in, PGconn *pg, struct error *err)
{
    size_t n = presort_domains(in->slice);
    const char **domains = memory_new(n + 1, sizeof *domains);
    DB_RESULT *sites = NULL;

    for (size_t i = 0; i < n; i++)
        domains[i] = presort_domain(in->slice, i);
    buf_reset(&in->out);
    copy_value_texts(&in->out, domains, n);
    free((void *)domains);
    const struct param param = {in->out.data, in->out.len};
    enum status st = ask(pg, SQL_INTAKE_SITES, 1, &param, 0, &sites, err);
    for (int i = 0; st == STATUS_OK && i < PQntuples(sites); i++)
        presort_site(in->slice, PQgetvalue(sites, i, 0),
                     PQgetvalue(sites, i, 1));
    return st;
}

static int id_order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Ids ascend, even where the sequence starts over: mail is sent in their
 * order. */
static enum status take_ids(struct intake *in, PGconn *pg, size_t n,
                            struct error *err)
{
    uint32_t count = htobe32((uint32_t)n);
    const struct param param = {(const char *)&count, sizeof count};
    DB_RESULT *numbers = NULL;
    enum status st =
        ask(pg, SQL_INTAKE_NUMBERS, 1, &param, BINARY, &numbers, err);

    if (st != STATUS_OK)
        return st;
    int64_t now_ms = clock_wall_us() / 1000;
    for (size_t i = 0; i < n; i++) {
        uint64_t number;

        memcpy(&number, PQgetvalue(numbers, (int)i, 0), sizeof number);
        in->ids[i] = mailid_batch(now_ms, (int64_t)be64toh(number));
    }
    qsort(in->ids, n, sizeof *in->ids, id_order);
    return STATUS_OK;
}

static enum status write_batches(struct intake *in, PGconn *pg,
                                 const struct presort_batch *batches, size_t n,
                                 struct error *err)
{
    enum status st = copy_open(in, pg, SQL_INTAKE_COPY_BATCH, err);

    if (st != STATUS_OK)
        return st;
    for (size_t i = 0; i < n && copy_send(in, pg, PIECE_BYTES); i++) {
        copy_row(&in->out, 9);
        copy_int64(&in->out, in->ids[i]);
        copy_int64(&in->out, in->project);
        copy_uuid(&in->out, &in->campaign);
        copy_int16(&in->out, BATCH_CAMPAIGN);
        copy_text(&in->out, batches[i].site);
        copy_int32(&in->out, (int32_t)batches[i].size);
        copy_text(&in->out, "draft");
        copy_timestamptz(&in->out, INT64_MAX); /* sending says when */
        copy_timestamptz(&in->out, INT64_MAX);
    }
    return copy_close(in, pg, err);
}

static void write_mail(struct buf *out, int64_t batch, size_t seq,
                       const struct presort_mail *mail)
{
    copy_row(out, 4);
    copy_int64(out, batch);
    copy_int32(out, (int32_t)seq);
    copy_bytes(out, mail->address, mail->address_len);
    if (mail->variables)
        copy_bytes(out, mail->variables, mail->variables_len);
    else
        copy_null(out);
}

static enum status write_mails(struct intake *in, PGconn *pg,
                               const struct presort_batch *batches, size_t n,
                               struct error *err)
{
    enum status st = copy_open(in, pg, SQL_INTAKE_COPY_MAIL, err);
    bool sent = true;

    if (st != STATUS_OK)
        return st;
    for (size_t i = 0; i < n && sent; i++) {
        for (size_t seq = 0; seq < batches[i].size && sent; seq++) {
            struct presort_mail mail =
                presort_mail(in->slice, batches[i].first + seq);

            write_mail(&in->out, in->ids[i], seq, &mail);
            sent = copy_send(in, pg, PIECE_BYTES);
        }
    }
    return copy_close(in, pg, err);
}

/* Each has its outcome when it is sent: the list may be another one then. */
static enum status count_suppressed(struct intake *in, PGconn *pg, size_t n,
                                    struct error *err)
{
    uint64_t project = htobe64((uint64_t)in->project), found;
    DB_RESULT *count = NULL;

    buf_reset(&in->out);
    copy_value_int64s(&in->out, in->ids, n);
    const struct param params[] = {
        {(const char *)&project, sizeof project},
        {in->out.data, in->out.len},
    };
    enum status st =
        ask(pg, SQL_INTAKE_SUPPRESSED, 2, params, BINARY, &count, err);

    if (st != STATUS_OK)
        return st;
    memcpy(&found, PQgetvalue(count, 0, 0), sizeof found);
    in->suppressed += (int64_t)be64toh(found);
    return STATUS_OK;
}

static enum status plan(struct intake *in, PGconn *pg, struct error *err)
{
    DB_RESULT *set = NULL;

    if (in->planned)
        return STATUS_OK;
    in->planned = true;
    return ask(pg, SQL_INTAKE_PLAN, 0, NULL, 0, &set, err);
}

static enum status write_slice(struct intake *in, PGconn *pg, struct error *err)
{
    const struct presort_batch *batches;
    size_t n;
    enum status st = plan(in, pg, err);

    if (st == STATUS_OK)
        st = fold(in, pg, err);
    if (st == STATUS_OK)
        st = name_sites(in, pg, err);
    if (st != STATUS_OK)
        return st;
    batches = presort_cut(in->slice, &n);
    st = take_ids(in, pg, n, err);
    if (st == STATUS_OK)
        st = write_batches(in, pg, batches, n, err);
    if (st == STATUS_OK)
        st = write_mails(in, pg, batches, n, err);
    if (st == STATUS_OK)
        st = count_suppressed(in, pg, n, err);
    return st;
}

enum status intake_write(struct intake *in, PGconn *pg, struct error *err)
{
    if (presort_count(in->slice) == 0)
        return STATUS_OK;
    if (!pg)
        return fail(err, STATUS_UNAVAILABLE, "not connected");
    enum status st = write_slice(in, pg, err);
    presort_reset(in->slice);
    return st;
}
