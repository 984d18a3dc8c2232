"""Expressions in JSONata and data, by a seed: what tests/interop/test_jsonata.py asks two evaluators.

An expression is drawn from a grammar that knows what each function takes, so that most of them have a value; one argument in a
few is of another kind, so that errors are compared too. Nothing here is endless: no function calls itself.
"""
import json
import random

DEPTH_MAX = 4           # of expressions within expressions
DATA_DEPTH_MAX = 4
WRONG_KIND = 0.06       # how often an operand is of any kind

NAMES = ["a", "b", "c", "d", "id", "n", "tags", "items", "`a b`", "x"]
WORDS = ["", "a", "b", "abc", "a,b,c", "Hello World", "  two  words ", "x1y22z333", "42", "-1.5", "1e3", "0x1F", "true", "null", "é",
         "Straße", "日本語", "😀!", "a😀b", "A-B_c", "foo bar foo", "2018-03-27T15:43:15.123Z", "2018-03-27", "$1", "a\tb\nc", "\"q\"", "%41b+c",
         "YWJj", "one", "twelve", "XIV", "abcabc", "A", "aa", "Z", "ÀÉ", "a.b", "\\", "/", "[a]", "1,234.5", "\u0130i", "\u00a0x\u00a0"]
NUMBERS = ["0", "1", "2", "3", "-1", "-2", "10", "0.5", "2.5", "-0.5", "1e3", "100", "1234567.891", "0.1", "1e21", "1e-7", "123456789012",
           "0.000001", "1.005", "-1234.5", "5e-324", "1e300", "9007199254740993", "1/3", "0.1+0.2", "4.5", "1000000"]
PATTERNS = ["/a/", "/b+/", "/[a-c]/", "/(a)(b)?/", "/\\s+/", "/\\d+/", "/(\\w+) (\\w+)/", "/^a/", "/c$/", "/A/i", "/^\\w/m", "/a|b/", "/,/", "/o/",
            "/(?:x)(\\d)/", "/[^a-z]/i", "/\\bfoo\\b/", "/(?<y>\\d)/", "/.(?=b)/", "/(?<=a)b/", "/\\u00e9/", "/(a)|(b)|(c)/", "/./", "/a*/",
            "/(.)\\1/", "/[\\d.]+/", "/\\./", "/(?!a)\\w/", "/\\W/", "/\\S+/", "/$/m", "/[\\s]/"]
NUMBER_PICTURES = ["#,##0.00", "0", "00.0", "#", "0%", "#0.0‰", "#,###", "0.###", "0.0e0", "00.000e00", "(0)", "0;(0)", "$#,##0.00", "#,##,##0",
                   "0.0.0", "x", "", "#.#", "0#", "###,###.#,#", "0,0,0", "-0", "0;0;0", "1", "a0b", "#0.##;neg #0.##", "0.00%", "0,.0", "#.e0"]
INTEGER_PICTURES = ["0", "000", "#,##0", "I", "i", "A", "a", "w", "W", "Ww", "w;o", "W;o", "1;o", "#,###", "#.###.##0", "٠", "Ww;o", "0;c", "##,##0;o", "x"]
DATE_PICTURES = ["[Y0001]-[M01]-[D01]", "[H01]:[m01]:[s01].[f001]", "[D1o] [MNn] [Y]", "[FNn], [D]/[M]/[Y,2-2]", "[h]:[m] [P]", "[Z]", "[z]",
                 "[Z0101]", "[Y]-[X]-[W]-[x]-[w]", "[dwo] day", "[YI]", "[Dwo] of [MNn] [Yw]", "[F]", "[F0]", "[FNn,3-3]", "[MN,*-3]", "[[x]] [Y]",
                 "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01][Z]", "[M01]/[D01]/[Y0001] [h#1]:[m01] [P]", "[C]", "[E]", "[Y", "[q]", "[YN]", "[f0001]",
                 "[Y9,999,*]", "[D#1]", "[s]", "[MA]", "[Ma]", "[P,1-1]", "[PN]", "[Y,4]", "[H]", "[ZN]", "[Z01:01t]", "[d]", "[d001]"]
ZONES = ["+0000", "-0500", "+0530", "+1200"]
INSTANTS = ["0", "1522165395123", "1e12", "-1", "951782400000", "1230768000000", "1609459200000", "1609372800000", "-2208988800000", "1709164800000"]
STAMPS = [("2018-03-27", "[Y0001]-[M01]-[D01]"), ("27th March 2018", "[D1o] [MNn] [Y]"), ("13:45", "[H01]:[m01]"), ("1:45 pm", "[h]:[m] [P]"),
          ("2018-03-27T15:43:15.123+05:00", "[Y]-[M]-[D]T[H]:[m]:[s].[f001][Z]"), ("Tuesday, 27 March 2018", "[FNn], [D] [MNn] [Y]"),
          ("MMXVIII", "[YI]"), ("2018-86", "[Y]-[d]"), ("twenty-seventh of March", "[Dwo] of [MNn]"), ("x", "[Y]"), ("12/31/99", "[M]/[D]/[Y,2-2]")]


class Pairs:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.variables = []

    def pick(self, choices):
        return self.random.choice(choices)

    def chance(self, share):
        return self.random.random() < share

    # --- data ---

    def datum(self, depth=0):
        kind = self.random.randrange(10)
        if depth >= DATA_DEPTH_MAX or kind < 4:
            return self.pick([0, 1, 2, 3, -1, 2.5, 10, True, False, None, "a", "b", "x", "abc", "é😀", "", "1", 1e20, 12.34])
        if kind < 7:
            return {name.strip("`"): self.datum(depth + 1) for name in self.random.sample(NAMES, self.random.randrange(5))}
        if kind == 7:   # rows of one shape, as data mostly are
            keys = [name.strip("`") for name in self.random.sample(NAMES, 3)]
            return [{key: self.pick([1, 2, 3, "a", "b"]) if key == keys[0] else self.datum(depth + 2) for key in keys if not self.chance(0.1)}
                    for _ in range(self.random.randrange(5))]
        return [self.datum(depth + 1) for _ in range(self.random.randrange(4))]

    def data(self):
        return {name.strip("`"): self.datum(1) for name in self.random.sample(NAMES, 6)} if self.chance(0.8) else self.datum()

    # --- expressions of a kind ---

    def any(self, depth):
        return self.pick([self.number, self.string, self.boolean, self.array, self.object, self.path, self.path, self.higher, self.flow])(depth + 1)

    def of(self, kind, depth):
        if depth >= DEPTH_MAX:
            return self.leaf(kind)
        return self.any(depth) if self.chance(WRONG_KIND) else kind(depth + 1)

    def leaf(self, kind):
        if kind == self.number:
            return self.pick(NUMBERS[:14])
        if kind == self.string:
            return self.text()
        if kind == self.boolean:
            return self.pick(["true", "false"])
        if kind == self.array:
            return self.pick(["[]", "[1,2,3]", "['a','b']", "[[1],[2]]", "[{'a':1},{'a':2}]", "[3,1,2]", "items", "tags"])
        if kind == self.object:
            return self.pick(["{}", "{'a':1}", "{'a':1,'b':'x'}", "$", "x"])
        return self.pick([*NAMES, "$", "null", "nothing", "1", "'a'", "[]", "{}"])

    def text(self, word=None):
        return json.dumps(self.pick(WORDS) if word is None else word, ensure_ascii=self.chance(0.1))

    def variable(self):
        return "$" + self.pick(self.variables) if self.variables else self.pick(["$", "$nothing"])

    def call(self, name, *arguments):
        if self.chance(0.1) and arguments:
            return f"{arguments[0]} ~> ${name}({', '.join(arguments[1:])})"
        return f"${name}({', '.join(arguments)})"

    def optional(self, share, text):
        return [text()] if self.chance(share) else []

    def number(self, depth):
        n, s, a = (lambda kind: lambda: self.of(kind, depth))(self.number), lambda: self.of(self.string, depth), lambda: self.of(self.array, depth)
        which = self.random.randrange(24)
        if which < 4:
            return self.pick(NUMBERS)
        if which < 9:
            return f"({n()} {self.pick('+-*/%')} {n()})"
        if which == 9:
            return f"-{n()}"
        if which < 12:
            return self.call(self.pick(["abs", "floor", "ceil", "sqrt"]), n())
        if which < 14:
            return self.call("round", n(), *self.optional(0.6, lambda: self.pick(["0", "1", "2", "-1", "-2"])))
        if which == 14:
            return self.call("power", n(), self.pick(["0", "1", "2", "3", "-1", "0.5"]))
        if which < 18:
            return self.call(self.pick(["sum", "max", "min", "average", "count", "count"]), self.pick([a, lambda: self.numbers(depth), lambda: self.path(depth)])())
        if which == 18:
            return self.call("number", self.pick([s, n, lambda: self.of(self.boolean, depth), lambda: self.any(depth)])())
        if which == 19:
            return self.call("length", s())
        if which == 20:
            word, picture = self.pick([("twelve", "w"), ("XIV", "I"), ("1,200", "#,##0"), ("ab", "a"), ("one thousand and two", "w"), ("007", "000"), ("third", "w;o"), ("21st", "1;o")])
            return self.call("parseInteger", self.text(word), self.text(picture))
        if which == 21:
            stamp, picture = self.pick(STAMPS)
            return self.call("toMillis", self.text(stamp), *self.optional(0.8, lambda: self.text(picture)))
        if which == 22:
            return self.call("toMillis", self.text(self.pick(["2018-03-27", "2018", "2018-03", "2018-03-27T15:43:15.123Z", "2018-03-27T15:43:15+05:30", "2018-03-27T15:43", "x"])))
        return self.variable()

    def numbers(self, depth):
        return "[" + ", ".join(self.of(self.number, depth) for _ in range(self.random.randrange(4))) + "]"

    def string(self, depth):
        s, n = lambda: self.of(self.string, depth), lambda: self.of(self.number, depth)
        small = lambda: self.pick(["0", "1", "2", "3", "-1", "-2", "5", "8", "1.5"])
        either = lambda: self.pick([self.text, lambda: self.pick(PATTERNS)])()
        calls = [
            lambda: self.text(), lambda: self.text(), lambda: f"({s()} & {self.any(depth) if depth < DEPTH_MAX else s()})",
            lambda: self.call(self.pick(["uppercase", "lowercase", "trim"]), s()),
            lambda: self.call("string", self.any(depth) if depth < DEPTH_MAX else n(), *self.optional(0.2, lambda: self.pick(["true", "false"]))),
            lambda: self.call("substring", s(), small(), *self.optional(0.6, small)),
            lambda: self.call(self.pick(["substringBefore", "substringAfter"]), s(), s()),
            lambda: self.call("pad", s(), small(), *self.optional(0.5, s)),
            lambda: self.call("replace", s(), either(), self.pick([s, lambda: self.text(self.pick(["$0", "[$1]", "$2$1", "$$", "$10", "$12", "$a"])), lambda: "function($m){$m.match & '!'}",
                                                                    lambda: "function($m){$string($m.groups)}"])(), *self.optional(0.3, small)),
            lambda: self.call("join", self.pick(["['a','b','c']", "tags", f"[{s()}, {s()}]", s()]), *self.optional(0.7, s)),
            lambda: self.call(self.pick(["base64encode", "base64decode", "encodeUrl", "encodeUrlComponent", "decodeUrl", "decodeUrlComponent"]), s()),
            lambda: self.call("formatNumber", n(), self.text(self.pick(NUMBER_PICTURES)), *self.optional(0.1, lambda: self.pick([
                '{"decimal-separator": ","}', '{"grouping-separator": ".", "decimal-separator": ","}', '{"minus-sign": "~"}', '{"zero-digit": "\\u0660"}', '{"exponent-separator": "E"}', '{"percent": "pct"}', '{"digit": "?"}']))),
            lambda: self.call("formatBase", n(), *self.optional(0.8, lambda: self.pick(["2", "8", "16", "36", "1", "37", "10.7"]))),
            lambda: self.call("formatInteger", n(), self.text(self.pick(INTEGER_PICTURES))),
            lambda: self.call("fromMillis", self.pick(INSTANTS), *self.optional(0.9, lambda: self.text(self.pick(DATE_PICTURES)) + (", " + self.text(self.pick(ZONES)) if self.chance(0.4) else ""))),
            lambda: self.call("type", self.any(depth) if depth < DEPTH_MAX else s()),
            lambda: self.variable(),
        ]
        return self.pick(calls)()

    def boolean(self, depth):
        n, s, b = lambda: self.of(self.number, depth), lambda: self.of(self.string, depth), lambda: self.of(self.boolean, depth)
        any_one = lambda: self.any(depth) if depth < DEPTH_MAX else self.leaf(self.path)
        calls = [
            lambda: self.pick(["true", "false"]), lambda: f"({n()} {self.pick(['<', '<=', '>', '>=', '=', '!='])} {n()})",
            lambda: f"({s()} {self.pick(['<', '<=', '>', '>=', '=', '!='])} {s()})", lambda: f"({any_one()} {self.pick(['=', '!=', '=', '!=', '<', 'in'])} {any_one()})",
            lambda: f"({b()} {self.pick(['and', 'or'])} {b()})", lambda: f"({any_one()} {self.pick(['and', 'or'])} {any_one()})",
            lambda: f"({any_one()} in {self.of(self.array, depth)})", lambda: self.call(self.pick(["not", "boolean", "exists"]), any_one()),
            lambda: self.call("contains", s(), self.pick([s, lambda: self.pick(PATTERNS)])()),
        ]
        return self.pick(calls)()

    def array(self, depth):
        a, n, s, any_one = lambda: self.of(self.array, depth), lambda: self.of(self.number, depth), lambda: self.of(self.string, depth), lambda: self.any(depth) if depth < DEPTH_MAX else self.leaf(self.path)
        calls = [
            lambda: "[" + ", ".join(any_one() for _ in range(self.random.randrange(4))) + "]", lambda: self.numbers(depth),
            lambda: f"[{self.pick(['1', '0', '-2', '3'])}..{self.pick(['3', '5', '0', '2', '2.5'])}]", lambda: f"[{s()}, {self.pick('123')}..4]",
            lambda: self.call(self.pick(["reverse", "distinct", "sort", "spread", "keys", "distinct"]), self.pick([a, any_one, lambda: self.numbers(depth), lambda: self.path(depth)])()),
            lambda: self.call("append", any_one(), any_one()), lambda: self.call("zip", *[a() for _ in range(self.random.randrange(1, 4))]),
            lambda: self.call("split", s(), self.pick([self.text, lambda: self.pick(PATTERNS), lambda: '" "'])(), *self.optional(0.3, lambda: self.pick(["0", "1", "2", "9", "-1"]))),
            lambda: self.call("match", s(), self.pick(PATTERNS), *self.optional(0.2, lambda: self.pick(["0", "1", "2"]))),
            lambda: self.call("keys", self.of(self.object, depth)), lambda: self.call("sort", a(), self.pick(["function($l,$r){$l>$r}", "function($l,$r){$l<$r}", "function($l,$r){$l.a>$r.a}"])),
            lambda: f"{a()}[{self.pick(['0', '-1', '1', '[0,1]', '$>1', '1..2', self.of(self.boolean, depth)])}]", lambda: f"{self.path(depth)}[]", lambda: self.variable(),
        ]
        return self.pick(calls)()

    def object(self, depth):
        any_one = lambda: self.any(depth) if depth < DEPTH_MAX else self.leaf(self.path)
        calls = [
            lambda: "{" + ", ".join(f"{self.text(self.pick(['a', 'b', 'c', 'n']))}: {any_one()}" for _ in range(self.random.randrange(4))) + "}",
            lambda: f"{{{self.of(self.string, depth)}: {any_one()}}}", lambda: self.call("merge", f"[{self.of(self.object, depth)}, {self.of(self.object, depth)}]"),
            lambda: f"({self.path(depth)}){{{self.pick(['$string($)', 'a', 'id', '$type($)', 'b'])}: {self.pick(['$', '$count($)', 'a', '$sum(n)'])}}}",
            lambda: self.call("sift", self.of(self.object, depth), self.pick(["function($v){$v}", "function($v,$k){$k='a'}", "function($v){$type($v)='number'}"])),
            lambda: self.call("each", self.of(self.object, depth), self.pick(["function($v,$k){$k & ':' & $v}", "function($v){$v}", "$string"])),
            lambda: self.call("lookup", self.of(self.object, depth), self.text(self.pick(["a", "b", "n"]))),
            lambda: f"{self.of(self.object, depth)} ~> |{self.pick(['$', 'a', '**', 'b[0]', 'items', '*'])}|{self.pick(['{}', '{%sz%s: 1}' % (chr(39), chr(39)), '{%sa%s: b}' % (chr(39), chr(39))])}{self.pick(['', ', %sb%s' % (chr(39), chr(39)), ', [%sa%s,%sb%s]' % ((chr(39),) * 4)])}|",
            lambda: self.variable(),
        ]
        return self.pick(calls)()

    def step(self, depth):
        name = self.pick([*NAMES, *NAMES, "*", "**", "$", "%"]) if self.chance(0.9) else self.pick(["(a)", "(a;b)", "[a,b]", "[$]", "{'k':$}", "$string()", "$keys()", "(b ?? c)", "($)", "$$"])
        if self.chance(0.3):
            name += "[" + self.pick(["0", "-1", "1", "", "a", "b=1", "n>1", "$ > 1", "[0,2]", "$type($)='string'", "id in [1,2]", "$exists(a)", "%.a", "0.5", "true", "-2", "*"]) + "]"
        if self.chance(0.06):
            name += self.pick(["@$v", "#$i", "@$w#$j", "#$i[$i<2]", "@$v[$v.a=a]"])
        if self.chance(0.06):
            name += self.pick(["^(a)", "^(>n)", "^(<id, >b)", "^($)", "^(>$)", "^($string($))"])
        if self.chance(0.04):
            name += self.pick(["{$type($): $}", "{a: b}", "{$string(a): $count($)}", "{'k': n}"])
        return name

    def path(self, depth):
        steps = [self.step(depth) for _ in range(self.random.randrange(1, 4))]
        if self.chance(0.1):
            steps.append(self.pick(["{'v': $v, 'i': $i}", "($v)", "$i", "[$v, $]", "{'p': %}", "%.a", "$w", "$j"]))
        if self.chance(0.08):
            steps.insert(0, self.of(self.array if self.chance(0.5) else self.object, depth))
        return ".".join(steps)

    def function(self, parameters, bodies):
        used = parameters[:self.random.randrange(1, len(parameters) + 1)]
        return f"function({', '.join('$' + name for name in used)}){{{self.pick(bodies)}}}"

    def higher(self, depth):
        a = self.pick([self.array, self.path])
        body = ["$v", "$v & ''", "$v = $v", "[$v]", "$i", "$v.a", "{'k': $v}", "$count($l)", "$type($v)", "$v > 1", "$boolean($v)", "$i > 0"]
        named = ["$string", "$boolean", "$count", "$type", "$uppercase", "$sum", "$not", "$exists", "$keys", "$length"]
        which = self.random.randrange(8)
        if which < 3:
            return self.call("map", self.of(a, depth), self.pick([lambda: self.function(["v", "i", "l"], body), lambda: self.pick(named)])())
        if which < 5:
            return self.call(self.pick(["filter", "filter", "single"]), self.of(a, depth), self.pick([lambda: self.function(["v", "i", "l"], body), lambda: self.pick(named)])())
        if which < 7:
            return self.call("reduce", self.pick([lambda: self.of(a, depth), lambda: self.numbers(depth)])(), self.pick([
                "function($p,$c){$p+$c}", "function($p,$c){$p & $c}", "function($p,$c,$i){$p + $i}", "$append", "function($p){$p}", "function($p,$c){$c}"]), *self.optional(0.5, lambda: self.pick(["0", "''", "[]", "nothing"])))
        return self.pick(["(function($x){$x})", "($substring(?, 0, 2))", "($string ~> $length)", "(function($x,$y){[$x,$y]})(?, 1)", "(function($n)<n:n>{$n})", "(function($s)<s-:s>{$s})", "(λ($a)<a<n>>{$a})"]) + f"({self.of(self.pick([self.string, self.number, self.array]), depth)})"

    def flow(self, depth):
        any_one = lambda: self.any(depth) if depth < DEPTH_MAX else self.leaf(self.path)
        which = self.random.randrange(8)
        if which < 2:
            return f"({self.of(self.boolean, depth)} ? {any_one()}{' : ' + any_one() if self.chance(0.8) else ''})"
        if which == 2:
            return f"({any_one()} {self.pick(['??', '?:'])} {any_one()})"
        if which < 6:
            name = self.pick(["p", "q", "r"])
            value = any_one()
            self.variables.append(name)
            text = f"(${name} := {value}; {any_one()})"
            self.variables.pop()
            return text
        if which == 6:
            return f"{self.of(self.pick([self.path, self.array]), depth)}^({self.pick(['', '<', '>'])}{self.pick(['$', 'a', 'n', '$string($)', 'id'])})"
        return self.pick([f"$error({self.of(self.string, depth)})", f"$assert({self.of(self.boolean, depth)}, 'no')", f"$parseInteger({any_one()}, '0')"])

    def pair(self, number):
        data = self.data()
        return {"id": number, "expr": self.any(0), "data": data}


def pairs(seed, count):
    """Yields count questions as `tmflow eval --batch` takes them; those of one seed are always the same."""
    maker = Pairs(seed)
    for number in range(count):
        yield maker.pair(number)
