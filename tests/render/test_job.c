#include "render/job.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* What came back from one server for its 8bit bodies goes to no other with
 * them: else it might be asked for without end. */
static void made_in_vain_once(void **state)
{
    struct batch *b = batch_new();
    struct parcel parcel = {.batch = b};
    struct mail mail = {.parcel = &parcel};
    struct jobs jobs = {0};
    struct job *job;

    (void)state;
    job = jobs_take(&jobs, &mail, false);
    assert_false(job->eight_bit);
    jobs_put(&jobs, job);
    job = jobs_take(&jobs, &mail, true);
    assert_true(job->eight_bit);
    jobs_put(&jobs, job);
    mail.seven_bit = true;
    job = jobs_take(&jobs, &mail, true);
    assert_false(job->eight_bit);
    jobs_put(&jobs, job);
    jobs_fini(&jobs);
    batch_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_in_vain_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
