#include "mail/outcome.h"

ENUM_DEFINE(verdict, VERDICT_TABLE);
ENUM_DEFINE(reach, REACH_TABLE);
