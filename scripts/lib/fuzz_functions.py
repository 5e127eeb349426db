"""The functions and aggregates that scripts/fuzz-spark writes into queries, with the types that they take.

A line is  NAME ARGUMENT... > RESULT.  Types are letters:
    s STRING   b BOOLEAN   y TINYINT   h SMALLINT   i INT   l BIGINT   f FLOAT   d DOUBLE   m DECIMAL(p,s)
    D DATE   T TIMESTAMP   x BINARY   A ARRAY<INT>   S ARRAY<STRING>   R STRUCT<...>   Z ARRAY<STRUCT<...>>
and for arguments only
    n  any number      o  any whole number     e  any simple type; all `e` of a line are one type
    ?  any type        k  a small whole number: a literal mostly     'P a literal of the pool P below
    q  a whole number that is never large: Spark's JVM ends when a text of 2 GiB is asked for
An argument in [] may be left out, one with * stands there one to three times. A result `=` is the type of `e`, `n` or `o`.
`~` before the name: the last digits of the result may differ between mathematical libraries, so that it is not used
where they would show (text, hashes, comparisons, keys).
"""

STRING = """
ascii s > i
base64 x > s
bit_length s > i
bit_length x > i
btrim s ['chars] > s
char k > s
char_length s > i
character_length s > i
chr k > s
concat s s [s] > s
concat_ws 'sep s* > s
concat_ws 'sep S s > s
contains s s > b
decode x 'charset > s
elt k s s > s
encode s 'charset > x
endswith s s > b
find_in_set s s > i
format_number n 'digit > s
format_string 'format1s s > s
format_string 'format1i o > s
format_string 'format2 s o > s
initcap s > s
instr s s > i
lcase s > s
left s k > s
len s > i
length s > i
length x > i
levenshtein s s > i
locate s s [k] > i
lower s > s
lpad s q [s] > s
ltrim s > s
ltrim 'chars s > s
luhn_check s > b
mask s > s
octet_length s > i
overlay s s k [k] > s
position s s > i
printf 'format2 s o > s
repeat s q > s
replace s s [s] > s
reverse s > s
right s k > s
rpad s q [s] > s
rtrim s > s
soundex s > s
space q > s
split_part s 'sep 'part > s
startswith s s > b
substr s k [k] > s
substring s k [k] > s
substring x k [k] > x
substring_index s 'sep k > s
to_binary s 'binaryformat > x
try_to_binary s 'binaryformat > x
translate s s s > s
trim s > s
trim 'chars s > s
ucase s > s
unbase64 'base64 > x
upper s > s
"""

REGEXP = """
regexp s 'regex > b
regexp_count s 'regex > i
regexp_extract s 'regexgroup ['group] > s
regexp_extract_all s 'regexgroup ['group] > S
regexp_instr s 'regex > i
regexp_like s 'regex > b
regexp_replace s 'regexgroup 'replacement > s
regexp_replace s 'regexgroup 'replacement 'part1 > s
regexp_substr s 'regex > s
rlike s 'regex > b
split s 'regexsplit ['limit] > S
like s 'like > b
ilike s 'like > b
"""

MATH = """
abs n > =
~acos d > d
~acosh d > d
~asin d > d
~asinh d > d
~atan d > d
~atan2 d d > d
~atanh d > d
bin l > s
bround d 'digit > d
bround o 'negdigit > =
~cbrt d > d
ceil d > l
ceil m > m
ceiling o > l
conv 'digits 'base 'base2 > s
~cos d > d
~cosh d > d
~cot d > d
~csc d > d
~degrees d > d
div i l > l
e > d
~exp d > d
~expm1 d > d
factorial k > l
floor d > l
floor m > m
hex l > s
hex s > s
hex x > s
~hypot d d > d
~ln d > d
~log d > d
~log d d > d
~log10 d > d
~log1p d > d
~log2 d > d
mod n n > d
negative n > =
pi > d
pmod o o > l
pmod d d > d
positive n > =
~pow d k > d
~power d k > d
~radians d > d
rint d > d
round d ['digit] > d
round m 'digit > m
round o 'negdigit > =
~sec d > d
sign d > d
signum d > d
~sin d > d
~sinh d > d
sqrt d > d
~tan d > d
~tanh d > d
try_add o o > l
try_add D k > D
try_divide n n > d
try_multiply o o > l
try_subtract o o > l
unhex 'hex > x
width_bucket d d d 'buckets > l
"""

TIME = """
add_months D k > D
convert_timezone 'zone 'zone T > T
date_add D k > D
date_diff D D > i
date_format T 'datepattern > s
date_format D 'datepattern > s
date_from_unix_date k > D
date_part 'part_of_time T > i
date_sub D k > D
date_trunc 'unit T > T
dateadd D k > D
datediff D D > i
datepart 'part_of_time T > i
day D > i
dayofmonth T > i
dayofweek D > i
dayofyear D > i
from_unixtime l ['datepattern] > s
from_utc_timestamp T 'zone > T
hour T > i
last_day D > D
make_date 'year k k > D
make_timestamp 'year k k k k 'second > T
make_timestamp_ltz 'year k k k k 'second > T
minute T > i
month D > i
~months_between T T [b] > d
next_day D 'weekday > D
quarter D > i
second T > i
timestamp_micros l > T
timestamp_millis k > T
timestamp_seconds k > T
timestampadd 'timeunit k T > T
timestampdiff 'timeunit T T > l
to_date s > D
to_date s 'parsepattern > D
to_timestamp s > T
to_timestamp s 'parsepattern > T
to_timestamp_ltz s > T
to_unix_timestamp T > l
to_utc_timestamp T 'zone > T
trunc D 'unit > D
try_to_timestamp s > T
unix_date D > i
unix_micros T > l
unix_millis T > l
unix_seconds T > l
unix_timestamp T > l
unix_timestamp s 'parsepattern > l
weekday D > i
weekofyear D > i
year D > i
"""

CONDITIONAL = """
coalesce e e [e] > =
equal_null e e > b
greatest e e [e] > =
if b e e > =
ifnull e e > =
isnan d > b
isnotnull ? > b
isnull ? > b
least e e [e] > =
nanvl d d > d
nullif e e > =
nvl e e > =
nvl2 ? e e > =
"""

HASH = """
crc32 s > l
crc32 x > l
hash ? ?* > i
md5 s > s
sha s > s
sha1 x > s
sha2 s 'bits > s
xxhash64 ? ?* > l
"""

JSON = """
from_json 'jsonrow 'jsonschema > R
get_json_object 'jsontext 'jsonpath > s
get_json_object s 'jsonpath > s
json_array_length 'jsontext > i
json_object_keys 'jsontext > S
to_json R > s
"""

URL = """
parse_url 'url 'urlpart > s
parse_url 'url 'urlquery 'urlkey > s
url_decode 'urltext > s
url_encode s > s
"""

BITWISE = """
bit_count o > i
bit_count b > i
bit_get l 'bit > y
bitmap_bit_position l > l
bitmap_bucket_number l > l
bitmap_count x > l
getbit l 'bit > y
shiftleft i k > i
shiftleft l k > l
shiftright i k > i
shiftright l k > l
shiftrightunsigned i k > i
shiftrightunsigned l k > l
"""

COLLECTION = """
array i i [i] > A
array s s > S
array_append A i > A
array_compact A > A
array_contains A i > b
array_contains S s > b
array_distinct A > A
array_distinct S > S
array_except A A > A
array_insert A 'index i > A
array_intersect A A > A
array_join S 'sep ['sep] > s
array_max A > i
array_max S > s
array_min A > i
array_position A i > l
array_prepend A i > A
array_remove A i > A
array_remove S s > S
array_repeat i 'small > A
array_size A > i
array_sort A > A
array_union A A > A
arrays_overlap A A > b
arrays_zip A S > Z
flatten 'nested > A
cardinality A > i
element_at A 'index > i
element_at S 'index > s
get A k > i
named_struct 'name ? 'name2 ? > R
reverse A > A
sequence 'small 'small2 > A
size A > i
size S > i
slice A 'index 'small > A
sort_array A [b] > A
sort_array S [b] > S
struct ? ? > R
try_element_at A 'index > i
"""

CONVERSION = """
bigint s > l
bigint n > l
binary s > x
boolean s > b
boolean n > b
date s > D
date T > D
decimal n > m
double s > d
double n > d
float n > f
int s > i
int n > i
smallint n > h
string e > s
timestamp s > T
timestamp D > T
tinyint n > y
typeof ? > s
"""

GROUPS = {"string": STRING, "regexp": REGEXP, "math": MATH, "time": TIME, "conditional": CONDITIONAL, "hash": HASH,
          "json": JSON, "url": URL, "bitwise": BITWISE, "collection": COLLECTION, "conversion": CONVERSION}

# Aggregates: as above; `w` is a number whose sum stays exact enough, `c` an expression that is a condition.
AGGREGATES = """
any b > b
any_value e > =
approx_count_distinct e ['rsd] > l
array_agg i > A
avg w > d
bit_and o > =
bit_or o > =
bit_xor o > =
bool_and b > b
bool_or b > b
collect_list i > A
collect_list s > S
collect_set b > B
~corr w w > d
count * > l
count ? > l
count ? ? > l
count_if b > l
~covar_pop w w > d
~covar_samp w w > d
every b > b
first e [b0] > =
first_value e > =
~kurtosis w > d
last e [b0] > =
last_value e > =
max e > =
max_by e e > =
mean w > d
median w > d
min e > =
min_by e e > =
percentile w 'fraction > d
percentile_approx w 'fraction ['accuracy] > v
approx_percentile w 'fraction > v
~regr_avgx w w > d
~regr_avgy w w > d
regr_count w w > l
~regr_intercept w w > d
~regr_r2 w w > d
~regr_slope w w > d
~regr_sxx w w > d
~regr_sxy w w > d
~regr_syy w w > d
~skewness w > d
some b > b
~std w > d
~stddev w > d
~stddev_pop w > d
~stddev_samp w > d
sum w > W
try_avg w > d
try_sum w > W
~var_pop w > d
~var_samp w > d
~variance w > d
"""

POOLS = {
    "chars": ["'ab'", "' '", "'é'", "'xyz '"], "sep": ["','", "'-'", "' '", "''", "'ab'"],
    "charset": ["'UTF-8'", "'US-ASCII'", "'ISO-8859-1'", "'UTF-16BE'", "'UTF-16LE'"],
    "digit": ["0", "1", "2", "3"], "negdigit": ["-1", "0", "-2"], "part": ["1", "2", "-1", "3"],
    "format1s": ["'<%s>'", "'%10s|'", "'%-6s|'", "'%S'"], "format1i": ["'%d'", "'%05d'", "'%,d'", "'%x'", "'%+d'"],
    "format2": ["'%s=%d'", "'%2$d %1$s'", "'%s %08d%%'"], "binaryformat": ["'utf-8'"],
    "base64": ["'aGVsbG8='", "'4pyT'", "''", "'AAEC/w=='"],
    "regex": ["'^[a-c]'", "'[0-9]+'", "'(a|b)c?'", "'\\\\s'", "'é'", "'.'", "'B$'", "'^$'", "'\\\\w{2,}'", "'(?i)A'"],
    "regexgroup": ["'(a)(b)?'", "'([a-z]+)'", "'(\\\\d)(.)?'", "'^(.)'"], "group": ["0", "1"],
    "replacement": ["'<$1>'", "''", "'$0$0'", "'\\\\$'"], "part1": ["1", "2"],
    "regexsplit": ["','", "'[ ,]'", "'a'", "''", "'[0-9]'"], "limit": ["-1", "2", "0", "1"],
    "like": ["'%a%'", "'_b%'", "'a\\\\%'", "''", "'%'", "'%é_'", "'abc'"],
    "digits": ["'100'", "'-ff'", "'zz'", "'0'", "'12x'"], "base": ["10", "16", "2", "36"], "base2": ["16", "2", "-10", "10"],
    "hex": ["'4869'", "'ABC'", "'zz'", "''"], "buckets": ["1", "5", "10"],
    "zone": ["'UTC'", "'Asia/Tokyo'", "'America/New_York'", "'+05:30'", "'Europe/Berlin'"],
    "datepattern": ["'yyyy-MM-dd'", "'HH:mm:ss'", "'yyyy/M/d H:m'", "'EEE, d MMM yyyy'", "'DDD'", "'hh:mm a'", "'SSS'", "'yy-MM'"],
    "parsepattern": ["'yyyy-MM-dd'", "'yyyy-MM-dd HH:mm:ss'", "'dd/MM/yyyy'"],
    "part_of_time": ["'YEAR'", "'month'", "'DAY'", "'HOUR'", "'minute'", "'DOW'", "'WEEK'", "'QUARTER'"],
    "unit": ["'YEAR'", "'quarter'", "'MONTH'", "'week'", "'mm'", "'yyyy'"], "weekday": ["'MON'", "'Sunday'", "'fr'", "'xx'"],
    "year": ["2024", "1999", "1", "1582"], "second": ["0", "59", "12.5", "60"],
    "bits": ["0", "224", "256", "384", "512"], "bit": ["0", "1", "31", "62"],
    "jsontext": ["'{\"a\":1,\"b\":{\"c\":[1,2,{\"d\":\"x\"}]}}'", "'[1,2,3]'", "'{bad'", "'[]'", "'{\"a\":\"é\\\\n\"}'", "'{\"a\":null}'", "'[{\"a\":1.50},{\"a\":true}]'"],
    "jsonpath": ["'$.a'", "'$.b.c[1]'", "'$'", "'$[0]'", "'$.b.c[*]'", "'$[*].a'", "'$.b.c[2].d'", "'a'"],
    "url": ["'http://user@example.com:80/p/a?x=1&y=2#f'", "'https://h/'", "'not a url'", "'ftp://a.b/c;d?q'"],
    "urlpart": ["'HOST'", "'PATH'", "'QUERY'", "'REF'", "'PROTOCOL'", "'FILE'", "'AUTHORITY'", "'USERINFO'", "'NOPE'"],
    "urlquery": ["'QUERY'"], "urlkey": ["'x'", "'y'", "'z'"], "urltext": ["'a%20b+c'", "'%C3%A9'", "'plain'"],
    "index": ["1", "2", "-1", "3"], "small": ["1", "2", "3"], "small2": ["1", "4", "5"], "name": ["'p'", "'q'"], "name2": ["'r'", "'p q'"],
    "jsonrow": ["'{\"a\": 1, \"b\": \"x\"}'", "'{\"a\": \"no\"}'", "'{bad'", "s1", "'{}'", "to_json(st1)"], "jsonschema": ["'a INT, b STRING'", "'a STRING'", "'a DOUBLE, n STRUCT<q: INT>'"],
    "nested": ["array(ar1, array(9, NULL))", "array(array(1), ar1, array())", "array(ar1, NULL)"], "timeunit": ["HOUR", "MONTH", "DAY", "SECOND", "QUARTER", "WEEK", "MINUTE", "YEAR"],
    "rsd": ["0.05", "0.1", "0.02"], "fraction": ["0.5", "0.0", "1.0", "0.25", "0.9"], "accuracy": ["100", "10000"],
}

# Their results are no column's type; fuzz_query.py adds them to times.
OF_INTERVALS = ["make_dt_interval", "make_interval", "make_ym_interval"]

# Functions that queries cannot be made of at random, each with its reason.
LEFT_OUT = {
    "current_date": "another value in each run", "current_timestamp": "another value in each run", "now": "another value in each run",
    "curdate": "another value in each run", "current_timezone": "one value", "localtimestamp": "another value in each run",
    "mode": "of values that are as frequent Spark takes any", "window": "in GROUP BY", "session_window": "in GROUP BY", "extract": "an operator here",
    "when": "the parser's name of CASE",
}


def signatures():
    """[(group, name, [argument, ...], result, inexact)] of all scalar functions, and the same of aggregates."""
    def read(group, text):
        for line in text.strip().split("\n"):
            inexact, line = line.startswith("~"), line.lstrip("~")
            left, result = line.split(" > ")
            name, *arguments = left.split(" ")
            yield group, name, arguments, result, inexact
    scalars = [row for group, text in GROUPS.items() for row in read(group, text)]
    return scalars, list(read("aggregate", AGGREGATES))
