#include "bounce/category.h"
#include "base/bug.h"

ENUM_DEFINE(bounce_reach, BOUNCE_REACH_TABLE);
ENUM_DEFINE(bounce_follow, BOUNCE_FOLLOW_TABLE);

static const struct category_row rows[CATEGORIES] = {
#define X_(member, name, hard, reach, follow, meaning)                         \
    {name, hard, reach, follow, meaning},
    CATEGORY_TABLE(X_)
#undef X_
};

const struct category_row *category_row(enum bounce_category category)
{
    if ((unsigned)category >= CATEGORIES)
        BUG("no such category");
    return &rows[category];
}

const char *category_text(enum bounce_category category)
{
    return category_row(category)->name;
}
