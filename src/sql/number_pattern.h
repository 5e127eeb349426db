/* number_pattern.h: what java.text.DecimalFormat's plain patterns say: #,##0.00##. */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct number_pattern {
    int whole_min; /* digits before the point at least */
    int group;     /* digits between commas; 0: no commas */
    bool grouped;
    int fraction_min, fraction_max;
};

/* ERR_UNSUPPORTED for anything but #, 0, a point and commas. */
int number_pattern_parse(struct str text, struct number_pattern *out) MUST_CHECK;
