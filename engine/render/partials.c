#include "render/partials.h"
#include "render/html_text.h"

void partials_init(struct partials *p, json_t *sources)
{
    *p = (struct partials){
        .sources = json_is_object(sources) ? json_incref(sources) : NULL};
}

void partials_fini(struct partials *p)
{
    json_decref(p->sources);
    json_decref(p->texts);
    *p = (struct partials){0};
}

static bool find(const json_t *sources, const char *name, size_t len,
                 const char **source, size_t *source_len)
{
    const json_t *text = json_object_getn(sources, name, len);

    *source = json_string_value(text);
    *source_len = json_string_length(text);
    return *source != NULL;
}

static bool find_source(void *context, const char *name, size_t len,
                        const char **source, size_t *source_len)
{
    const struct partials *p = context;

    return find(p->sources, name, len, source, source_len);
}

static bool find_text(void *context, const char *name, size_t len,
                      const char **source, size_t *source_len)
{
    const struct partials *p = context;

    return find(p->texts, name, len, source, source_len);
}

/* All at once: renders, which threads may share, then change nothing. */
static json_t *texts_of(json_t *sources)
{
    json_t *texts = json_object(), *source;
    const char *name;
    struct buf text = {0};

    json_object_foreach(sources, name, source)
    {
        buf_reset(&text);
        /* What has no text shows nothing. */
        if (!html_text(&text, json_string_value(source),
                       json_string_length(source), true))
            buf_add(&text, "", 0);
        json_object_set_new(texts, name, json_stringn(text.data, text.len));
    }
    buf_fini(&text);
    return texts;
}

void partials_use(struct partials *p, bool as_text,
                  struct template_options *options)
{
    if (!p->sources)
        return;
    if (as_text && !p->texts)
        p->texts = texts_of(p->sources);
    options->partial = as_text ? find_text : find_source;
    options->partial_context = p;
}
