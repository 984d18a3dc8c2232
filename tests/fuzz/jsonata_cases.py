"""Expressions in JSONata by system: what tests/interop/test_jsonata.py asks two evaluators beside the drawn ones of jsonata_pairs.

Each function with every kind of value in each of its places, with too few arguments and with too many; each operator between
every two kinds of values; every beginning of an expression and each without one of its tokens; pictures with numbers and times.
"""
import itertools
import json
import re

VALUES = ["nothing", "null", "true", "false", "0", "-1", "1.5", "''", "'a'", "'12'", "[]", "[1]", "['a']", "[1,'a']", "[[1]]", "[null]", "{}", "{'a':1}",
          "[{'a':1},{'a':2}]", "function($x){$x}", "$sum", "/a/", "a", "items", "items.id", "1/0"]

# Of each function arguments that it takes, as many as it has.
FUNCTIONS = {
    "abs": ["-2"], "append": ["[1]", "2"], "assert": ["true", "'no'"], "average": ["[1,2]"], "base64decode": ["'YQ=='"], "base64encode": ["'a'"],
    "boolean": ["1"], "ceil": ["1.2"], "contains": ["'abc'", "'b'"], "count": ["[1,2]"], "decodeUrl": ["'%41'"], "decodeUrlComponent": ["'%41'"],
    "distinct": ["[1,1]"], "each": ["{'a':1}", "function($v,$k){$k}"], "encodeUrl": ["'a b'"], "encodeUrlComponent": ["'a/b'"], "error": ["'no'"],
    "exists": ["1"], "filter": ["[1,2]", "function($v){$v>1}"], "floor": ["1.2"], "formatBase": ["255", "16"], "formatInteger": ["12", "'w'"],
    "formatNumber": ["12.5", "'#0.00'", "{'decimal-separator':','}"], "fromMillis": ["0", "'[Y]'", "'+0100'"], "join": ["['a','b']", "','"],
    "keys": ["{'a':1}"], "length": ["'abc'"], "lookup": ["{'a':1}", "'a'"], "lowercase": ["'A'"], "map": ["[1,2]", "function($v){$v+1}"],
    "match": ["'abab'", "/a(b)/", "1"], "max": ["[1,2]"], "merge": ["[{'a':1},{'b':2}]"], "min": ["[1,2]"], "not": ["true"], "number": ["'12'"],
    "pad": ["'a'", "3", "'-'"], "parseInteger": ["'12'", "'0'"], "power": ["2", "3"], "reduce": ["[1,2]", "function($a,$b){$a+$b}", "3"],
    "replace": ["'abab'", "/a(b)/", "'$1'", "1"], "reverse": ["[1,2]"], "round": ["1.25", "1"], "shuffle": ["[1]"], "sift": ["{'a':1}", "function($v){$v>0}"],
    "single": ["[1,2]", "function($v){$v=1}"], "sort": ["[2,1]", "function($a,$b){$a<$b}"], "split": ["'a,b'", "','", "1"], "spread": ["{'a':1,'b':2}"],
    "sqrt": ["4"], "string": ["[1]", "true"], "substring": ["'abcd'", "1", "2"], "substringAfter": ["'a-b'", "'-'"], "substringBefore": ["'a-b'", "'-'"],
    "sum": ["[1,2]"], "toMillis": ["'2018'", "'[Y]'"], "trim": ["' a '"], "type": ["1"], "uppercase": ["'a'"], "zip": ["[1]", "[2]", "[3]"],
}

OPERATORS = ["+", "-", "*", "/", "%", "&", "=", "!=", "<", "<=", ">", ">=", "and", "or", "in", "??", "?:", "~>", "..", ".", ":="]

# Their beginnings, and what is left without one token, are asked for as well.
SYNTAX = [
    "a.b[c = 'x'].{'k': d, `e f`: [1..3]}", "$f := function($x, $y)<n-s?:n>{$x + 1}; $f(1, ?)", "(a; b)[0]^(<c, >d).e", "a@$v.b#$i[$v.x = y].($i)", "a{b: $sum(c)}[]",
    "$ ~> |a.b|{'c': 1}, ['d']|", "/a[b\\/]c/im ~> $match", "a ? b : c ?? d ?: e", "-$.a.%.b", "'\\u00e9\\n' & \"x\"", "/* c */ [1, -2e3, null]", "a.**.*.`b`", "$map([1], λ($v){$v})",
    "not and or in true", "x != 1 <= 2 >= 3 ~> $f",
]
FAULTS = [
    "'a", "\"a", "'\\x'", "'\\u12'", "'\\u12G4'", "1e999", "-1e999", "1.e3", "01", ".5", "1.", "`a", "/* a", "/", "//", "/a", "/(/", "/a/g", "/[/]/", "/a\\//", "/*/", "!", "a!b", "~", "a ~ b", "^", "a^b",
    "a^(", "a^(b", "a^()", "@", "a@", "a@b", "a@1", "a#", "a#b", "a[0]@$v", "a^(b)@$v", "(a)[0]@$v", "%", "%.a", "a.%", "a.%.%", "a.%.%.b", "[%]", "{'a': %}", "$f(%)", "(%)", "a[%]", "a[%.b]", "a.b[%.c]",
    "a.b[%.%.c]", "a^(%.b)", "a.b^(%.b)", "a{b: %.c}", "1.%", "'a'.%", "$.%", "$$.%", "$x.%", "a.$x.%", "*.%", "**.%", "a.**.%", "a.*.%", "[a].%", "{'b': a}.%", "(a).%", "(a; b).%", "().%", "$f().%", "a.$f().%",
    "function($x){%}", "|a|{'b': %}|", "a ~> %", "% ~> $f", "a ?? %", "% ?? a", "% ?: a", "a ? % : b", "% ? a : b", "$x := %", "-%", "% + 1", "1 + %", "% and true", "a.(b + %.c)", "a.(%.c + b)", "a.[%.c]", "a.{'b': %.c}",
    "a.(b.%.%)", "a.(b.%.%.c)", "1.a", "a.1", "a.true", "null.a", "a.null", "a.'b'", "'a'.b", "1[0].a", "(1).a", "a[1].2", "a{b}", "a{b:}", "a{b:c", "a{b:c}{d:e}", "a{b:c}[0]", "(a){b:c}[0]", "[a]{b:c}[0]", "a[0]{b:c}[0]",
    "a{b:c}.d", "a{}", "{a}", "{1:2}", "{'a':1,}", "{,}", "[,]", "[1,]", "[1", "[1..", "[..2]", "1..2", "(1..2)", "(", ")", "]", "}", "()", "(;)", "(1;)", "(1;;2)", "a,b", "a;b", "a b", "a 1", "1 a", "'a' 'b'",
    "$f(", "$f(,)", "$f(1", "$f(1,", "$f(1,)", "$f(1 2)", "$f(?)", "f(?)", "nothing()", "nothing(?)", "sum(1)", "sum(?)", "a.sum(1)", "a.b(1)", "1(2)", "'a'(1)", "$sum(1)(2)", "(1)(2)", "(1)(?)", "$x(1)", "$x(?)", "$x.y(1)", "$x.y(?)",
    "function", "function(", "function(a){1}", "function(1){1}", "function($a", "function($a)", "function($a){", "function($a)<n>{$a}", "function($a)<n<n>>{$a}", "function($a)<(n<n>)>{$a}", "function($a)<n{$a}", "function($a)<{$a}",
    "function($a)<a<n>:s>{$a}", "function($a)<q>{$a}", "(function($a)<n>{$a})('x')", "(function($a)<s->{$a})()", "1.(function($a)<s->{$a})()", "(function($a)<a<n>>{$a})(['x'])", "(function($a,$b)<nn>{$a})(1)", "(function($a)<n>{$a})(1,2)",
    ":=", "a := 1", "1 := 1", "$x :=", "$x := $y", "$x := $x := 1", "$ := 1", "$x + 1 := 2", "|", "|a", "|a|", "|a|b", "|a|b,", "|a|b,c", "|a|b|", "$ ~> |a|1|", "$ ~> |a|{}, 1|", "1 ~> |a|{}|", "'a' ~> |a|{}|", "null ~> |a|{}|",
    "a ~>", "~> a", "1 ~> 2", "1 ~> $sum", "1 ~> $nothing", "1 ~> $nothing()", "$sum ~> 1", "?", "a ?", "a ? b :", "a ? : b", "? a", "a ??", "?? a", "a ?:", "?: a", "a ?? ?: b", "and", "or", "in", "a and", "and a", "a in", "in in in",
    "and and and", "or or or", "true", "false", "null", "$", "$$", "$$$", "$a$b", "a$b", "a-b", "a- b", "--1", "-'a'", "-null", "-[]", "-nothing", "- -a", "*", "**", "***", "****", "* * *", "** ** **", "a.*", "*.a", "a * b", "a*b", "% % %",
    "a[", "a[]", "a[][]", "a[][0]", "a[0][]", "a[]b", "a.[]", "a.[][0]", "[][0]", "[]", "[][]", "a[0", "a[0]]", "a[b", "\u00e9", "a\u00e9b", "$\u00e9", "\u65e5\u672c", "\U0001F600", "'\U0001F600' 1", "'\U0001F600' + 1", "\t\n\v\r 1 \t", "\f1", "\u00a01", "1\u00a0", "a\u00a0b",
    "", " ", "/* */", "1 /* */", "/**/1", "/* /* */ */", "1/**/+/**/2", "a/* b */.c", "'/* */'", "/\\//", "a / b", "a/b", "a /b/ c", "1 / 2 / 3", "(a)/2", "[1]/2", "a[0]/2", "{}/2", "\"a\"/2", "$x/2", "*/2", "%/2", "**/2",
    "$match('aa', /a*/)", "$match('b', /a*/)", "$replace('b', /a*/, 'x')", "$split('b', /a*/)", "$replace('a', '', 'b')", "$replace('a', 'a', 'b', -1)", "$split('a', 'b', -1)", "$match('a', /b/, -1)", "$contains('a', function($x){1})",
    "$match('a', function($x){1})", "$match('a', function($x){{'match':'a','start':0,'end':1,'groups':[],'next':function(){nothing}}})", "$sqrt(-1)", "$power(0, -1)", "$power(-8, 1/3)", "$power(10, 1000)", "$formatBase(1, 1)", "$formatBase(1, 37)", "$number('x')", "$number('')",
    "$number(' 1')", "$number('1e3')", "$number('0x1f')", "$number('0b11')", "$number('0o17')", "$number('1_0')", "$number('+1')", "$number('.5')", "$number('5.')", "$number('-0')", "$number(true)", "$number(null)", "$number([])", "$number([1])", "$number({})", "$number('Infinity')", "$number('1e999')",
    "$reduce([1], function($a){1})", "$reduce([1,2], $sum)", "$single([1,2])", "$single([])", "$single([1])", "$single(1)", "$single([1,1], function($v){$v=1})", "$sort([1,'a'])", "$sort(['b',1])", "$sort([true])", "$sort([{}])", "$sort([null,1])", "[1,'a']^($)", "[true,false]^($)", "[1,nothing]^($)",
    "{'a':1,'a':2}", "{'a':1,'b':2,'a':3}", "[1,2].{'a':$,'b':$,'a':$}", "items{id: 1, id: 2}", "{nothing: 1}", "{'a': nothing}", "{1: 2}", "{null: 1}", "{'_jsonata_lambda': 1}", "[1..10000001]", "[0..9999999][0]", "[1.5..2]", "[1..2.5]", "['a'..2]", "[1..'a']", "[1..nothing]", "[nothing..1]", "[3..1]",
    "1/0", "0/0", "1/0 + 1", "-(1/0)", "1/0 & ''", "$string(1/0)", "$string(0/0)", "[1/0]", "{'a': 1/0}", "1/0 = 1/0", "1/0 < 1", "1 % 0", "$floor(1/0)", "$abs(0/0)", "$max([1/0])", "$sum([1/0])", "1e308 * 10", "1e308 * 10 + 1", "$toMillis('x')", "$toMillis('')", "$toMillis('2018-13-01')", "$toMillis('2018-02-30')",
    "$toMillis('12', '[M]')", "$toMillis('2018 12', '[Y] [d')", "$toMillis('2018 12', '[Y] [H]')", "$fromMillis(0, '[')", "$fromMillis(0, '[q]')", "$fromMillis(0, '[YN]')", "$fromMillis(0, '[Z00000]')", "$fromMillis(0, '[Y]', 'x')", "$fromMillis(0, '[Z]', '+1')", "$fromMillis(1e20)", "$fromMillis(-1e15)", "$fromMillis(0.5)",
    "$decodeUrl('%')", "$decodeUrl('%E0%A4')", "$decodeUrlComponent('%zz')", "$encodeUrl('\\ud800')", "$encodeUrlComponent('\\ud800')", "$error()", "$error('x')", "$error(1)", "$assert(false)", "$assert(false, 'x')", "$assert(1)", "$assert('x')", "$assert(true, 1)", "$formatInteger(1, '')", "$formatInteger(1, '0A')", "$formatInteger(1, '0\u0661')",
    "$parseInteger('x', 'w')", "$parseInteger('', '0')", "$formatNumber(1, '0;0;0')", "$formatNumber(1, '0.0.0')", "$formatNumber(1, '0%%')", "$formatNumber(1, '0\u2030\u2030')", "$formatNumber(1, '0%\u2030')", "$formatNumber(1, '')", "$formatNumber(1, '-')", "$formatNumber(1, '0a0')", "$formatNumber(1, '0,.0')", "$formatNumber(1, '0,')",
    "$formatNumber(1, '0,,0')", "$formatNumber(1, '0#')", "$formatNumber(1, '0.#0')", "$formatNumber(1, '0e0%')", "$formatNumber(1, '0e')", "$formatNumber(1, '0ea')", "$map([1], 1)", "$map([1], nothing)", "$filter([1], 'a')", "$each({'a':1})", "$sift({'a':1})", "{'a':1}.$each($string)", "$lookup([{'a':1},{'a':2}], 'a')", "$spread([{'a':1},{'b':2}])",
    "($f := function($n){$n > 0 ? $f($n - 1) : 'end'}; $f(1000))", "($f := function($n){$n > 0 ? 1 + $f($n - 1) : 0}; $f(50))", "($x := 1; ($x := 2); $x)", "($f := function(){$x}; $x := 1; $f())", "($f := function($a,$b){[$a,$b]}; $f(1))", "($f := function($a){$a}; $f(1,2))", "($f := $substring(?, ?, 1); $f('abc', 1))", "($f := $uppercase ~> $length; $f('abc'))",
    "($f := function($a,$b,$c){$a & $b & $c}(?, 'x', ?); $f('1', '2'))", "$map([1,2], function($v,$i,$a){$a})", "$map(['a'], $uppercase)", "$filter([1,2,3], function($v,$i){$i=1})", "$reduce([1,2,3], function($a,$v,$i,$l){$a+$i})", "$sift({'a':1,'b':2}, function($v,$k,$o){$k='a'})", "$each({'a':1,'b':2}, function($v,$k,$o){$k})",
]

NUMBERS = ["0", "1", "-1", "0.5", "-0.5", "1.5", "2.5", "10", "99.995", "1234.5678", "-1234.5678", "1234567.891", "0.0001234", "1e10", "123456789012", "1000", "1000000", "999999"]
NUMBER_PICTURES = ["0", "#", "00", "#0", "0.0", "#.#", "0.##", "#,##0", "#,##0.00", "#,###", "##,##,##0", "0.000,0", "0%", "#0.0%", "0\u2030", "0e0", "00.0e00", "0.0#e0", "#.00e0", "(0)", "0;(0)", "#0;-#0", "$0.00", "0 kg", "a0b", "-0", "#,##0.##;neg", "000,000", "#.##0", "0.#", ".00", "#.", "0."]
INTEGERS = ["0", "1", "-1", "2", "9", "10", "11", "12", "20", "21", "26", "27", "52", "99", "100", "101", "110", "111", "112", "113", "123", "199", "999", "1000", "1001", "1999", "2018", "3999", "10000", "12345", "100000", "1000000", "1234567", "1000000000", "1e12", "1e15", "1.5", "-12.7"]
INTEGER_PICTURES = ["0", "00", "000", "#0", "###0", "#,##0", "#,###", "0,000", "#.##0", "#,##,##0", "#:000:000", "w", "W", "Ww", "w;o", "W;o", "Ww;o", "1;o", "0;c", "0;o(-en)", "I", "i", "A", "a", "A;o", "\u0660", "\u0660\u0661", "#\u0661", "\uff10", "#,##0;o", "x", "*", "0x", ""]
WORDS = ["0", "1", "12", "007", "1,234", "1.234", "-5", "one", "twelve", "twenty-one", "one hundred and five", "one thousand, two hundred and thirty-four", "two million", "First", "twenty-first", "hundredth", "1st", "22nd", "103rd", "I", "iv", "MCMXCIV", "A", "zz", "aa", "\u0661\u0662", "x", ""]
INSTANTS = ["0", "1", "-1", "1522165395123", "951782400000", "1230768000000", "1609459199999", "-62135596800000", "253402300799999", "1e12", "1709164800000", "1704067199999"]
DATE_PICTURES = [
    "[Y]", "[Y0001]", "[Y,2]", "[Y,2-2]", "[Y,*-4]", "[Y9]", "[YI]", "[Yi]", "[Yw]", "[YWw]", "[Y1o]", "[M]", "[M01]", "[M1]", "[MN]", "[Mn]", "[MNn]", "[MNn,3-3]", "[MNn,*-4]", "[MI]", "[Mw]", "[MA]", "[Ma]", "[D]", "[D01]", "[D1o]", "[Dw]", "[Dwo]", "[DWwo]", "[d]", "[d001]", "[do]", "[F]", "[F1]", "[F0]",
    "[FN]", "[Fn]", "[FNn]", "[FNn,3-3]", "[FNn,2-2]", "[W]", "[W01]", "[w]", "[X]", "[X0001]", "[x]", "[xNn]", "[xN,3-3]", "[H]", "[H01]", "[h]", "[h01]", "[h#1]", "[P]", "[Pn]", "[PN]", "[P,1-1]", "[m]", "[m1]", "[m01]", "[s]", "[s01]", "[f]", "[f1]", "[f01]", "[f001]", "[f0001]", "[Z]", "[Z0]", "[Z01]",
    "[Z0101]", "[Z01:01]", "[Z01:01t]", "[z]", "[z0]", "[z01:01]", "[C]", "[E]", "[EN]", "[[", "]]", "[[Y]]", "[Y]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]", "[FNn], [D1o] [MNn] [Y] [h]:[m01] [PN]", "[ Y ]", "[Y 0001]", "[Y\n0001]", "[D#1]", "[Y1,3]", "[Y,1-3]", "[Y,x]", "[Q]", "[]", "[Y", "Y]", "",
]
ZONES = ["", "'+0000'", "'-0500'", "'+0530'", "'+1400'", "'0100'", "'Z'", "''", "'+01:00'"]
STAMPS = ["2018", "2018-03", "2018-03-27", "2018-03-27T15:43", "2018-03-27T15:43:15", "2018-03-27T15:43:15.1", "2018-03-27T15:43:15.123456", "2018-03-27T15:43:15Z", "2018-03-27T15:43:15+0530", "2018-03-27T15:43:15+05:30", "2018-03-27 15:43:15", "20180327", "+002018-03-27", "2018-3-27", " 2018", "2018-03-27T", "2018-03-27T15", "2018-12-31T24:00:00Z", "0000-01-01", "x"]
PARSED = [
    ("27th March 2018", "[D1o] [MNn] [Y]"), ("27 mar 2018", "[D] [MNn,3-3] [Y]"), ("27 MARCH 2018", "[D] [MN] [Y]"), ("Tuesday 27 March 2018", "[FNn] [D] [MNn] [Y]"), ("2018-086", "[Y]-[d001]"), ("18-3-27", "[Y,2-2]-[M]-[D]"), ("3:45 pm", "[h]:[m01] [P]"), ("12:00 am", "[h]:[m01] [P]"), ("12:00 pm", "[h]:[m01] [P]"),
    ("15:43:15.123", "[H]:[m]:[s].[f001]"), ("2018-03-27 15:43 +0100", "[Y]-[M]-[D] [H]:[m] [Z0101]"), ("2018-03-27 15:43 +01:00", "[Y]-[M]-[D] [H]:[m] [Z01:01]"), ("2018-03-27 15:43 GMT+1", "[Y]-[M]-[D] [H]:[m] [z]"), ("MMXVIII", "[YI]"), ("two thousand and eighteen", "[Yw]"), ("twenty-seventh of March two thousand eighteen", "[Dwo] of [MNn] [Yw]"),
    ("2018-W13-2", "[X]-W[W]-[F1]"), ("2018-13", "[Y]-[W]"), ("2018", "[X]"), ("March", "[MNn]"), ("15", "[H]"), ("2018-03-27", "[Y]-[M]-[D]T"), ("2018-03-27", "[Y]-[M]"), ("2018/03/27", "[Y]-[M]-[D]"), ("", "[Y]"), ("2018", ""), ("20180327", "[Y0001][M01][D01]"), ("20180327154315", "[Y0001][M01][D01][H01][m01][s01]"), ("C", "[MA]"), ("a", "[Da]"), ("2018 3", "[Y] [q]"),
]

DATA = {"a": [{"b": 1, "c": {"d": "x"}}, {"b": [2, 3], "c": {"d": "y"}}], "items": [{"id": "x", "n": 2}, {"id": "y", "n": 1}, {"id": "x", "n": 3}], "x": {"y": 1}, "e": [], "s": "text"}


def _calls():
    for name, good in FUNCTIONS.items():
        for count in range(len(good) + 1):
            yield f"${name}({', '.join(good[:count])})"
            yield f"{good[0]} ~> ${name}({', '.join(good[1:count])})"
            yield f"'abc'.${name}({', '.join(good[:count])})"
            yield f"${name}({', '.join(['?'] * (count > 0) + good[1:count])})({good[0]})"
        yield f"${name}({', '.join([*good, '1'])})"
        yield f"{good[0]}.${name}()"
        yield f"$map([{good[0]}], ${name})"
        yield f"{name}({', '.join(good)})"
        for place, value in itertools.product(range(len(good)), VALUES):
            yield f"${name}({', '.join([*good[:place], value, *good[place + 1:]])})"
        for value in VALUES:
            yield f"({value}).${name}()"
            yield f"{value} ~> ${name}"


def _operations():
    for operator, left, right in itertools.product(OPERATORS, VALUES, VALUES):
        text = f"({left}) {operator} ({right})" if operator != ":=" else f"$x := {right}"
        yield f"[{left}{operator}{right}]" if operator == ".." else text
    for value in VALUES:
        yield from (f"-({value})", f"({value}) ? 1 : 2", f"({value})[0]", f"[0,1][{value}]", f"items[{value}]", f"({value}){{'k': $}}", f"{{'k': {value}}}", f"{{{value}: 1}}", f"[{value}]", f"[{value}, {value}]",
                    f"({value})^($)", f"items^({value})", f"({value}).a", f"a.({value})", f"({value}).*", f"({value}).**", f"({value})[]", f"({value}) ~> |$|{{'z': 1}}|", f"$ ~> |x|{value}|", f"$ ~> |x|{{}}, {value}|", f"({value})#$i.$i", f"({value})@$v.$v", f"$string({value}, true)")


def _syntax():
    for text in SYNTAX:
        for end in range(len(text) + 1):
            yield text[:end]
        places = [(found.start(), found.end()) for found in re.finditer(r"\w+|\S", text)]
        for start, end in places:
            yield text[:start] + text[end:]
            yield text[:start] + text[start:end] + " " + text[start:]
        for start, end in places:
            for other in (")", "]", "}", "1", "'s'", "a", "?", "%", "@", "#", "^", "~>", ",", ";", ":", "|", "/"):
                yield text[:start] + other + text[end:]
    yield from FAULTS


def _quoted(text):
    return json.dumps(text, ensure_ascii=False)


def _pictures():
    for number, picture in itertools.product(NUMBERS, NUMBER_PICTURES):
        yield f"$formatNumber({number}, {_quoted(picture)})"
    for number, picture in itertools.product(INTEGERS, INTEGER_PICTURES):
        yield f"$formatInteger({number}, {_quoted(picture)})"
    for word, picture in itertools.product(WORDS, INTEGER_PICTURES):
        yield f"$parseInteger({_quoted(word)}, {_quoted(picture)})"
    for instant, picture in itertools.product(INSTANTS, DATE_PICTURES):
        yield f"$fromMillis({instant}, {_quoted(picture)})"
    for picture, zone in itertools.product(DATE_PICTURES, ZONES):
        yield f"$fromMillis(1522165395123, {_quoted(picture)}{', ' + zone if zone else ''})"
    for stamp in STAMPS:
        yield f"$toMillis({_quoted(stamp)})"
    for (stamp, picture), more in itertools.product(PARSED, ("", " ", "x")):
        yield f"$toMillis({_quoted(stamp + more)}, {_quoted(picture)})"
    for instant, picture in itertools.product(INSTANTS, DATE_PICTURES):
        yield f"$toMillis($fromMillis({instant}, {_quoted(picture)}), {_quoted(picture)})"


def cases():
    """Yields all questions as `tmflow eval --batch` takes them."""
    for number, expr in enumerate(dict.fromkeys(itertools.chain(_calls(), _operations(), _syntax(), _pictures()))):
        yield {"id": number, "expr": expr, "data": DATA}
