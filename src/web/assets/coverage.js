/* The page of a coverage: the whole, a map of nested bars, the gaps. Numbers are those of -o json. */

const COVERAGE_CLASSES = {
	mirrored: "as a rule wants, and packets can flow",
	shadowed: "mirrored, but somebody else's lower session takes all packets",
	dead: "a session is there, and no packet can flow",
	missing: "a rule wants a session, and it has none",
	excluded: "left out by the configuration, or it receives mirrored traffic",
	ineligible: "it cannot be mirrored",
	unmatched: "no rule takes it",
	foreign: "no rule takes it, and others mirror it",
};
const COVERAGE_WANTED = ["mirrored", "shadowed", "dead", "missing"];
const COVERAGE_LEVELS = [["account", "Account"], ["region", "Region"], ["vpc", "VPC"], ["subnet", "Subnet"]];
/* Places of one level that are drawn at once; the rest on request. */
const COVERAGE_SHOWN_MAX = 200;

function coverageNode(name) {
	return {name, children: new Map(), interfaces: 0, classes: {}, reasons: {}};
}

function coverageAdd(node, group) {
	node.interfaces += group.interfaces;
	for (const [name, count] of Object.entries(group.classes))
		node.classes[name] = (node.classes[name] || 0) + count;
	for (const [name, reasons] of Object.entries(group.reasons))
		for (const [reason, count] of Object.entries(reasons)) {
			node.reasons[name] = node.reasons[name] || {};
			node.reasons[name][reason] = (node.reasons[name][reason] || 0) + count;
		}
}

/* The groups as a tree: every node has the sums of those below it. */
function coverageTree(groups) {
	const root = coverageNode("");
	for (const group of groups) {
		let node = root;
		coverageAdd(node, group);
		for (const [key] of COVERAGE_LEVELS) {
			const name = group.by[key];
			if (!node.children.has(name))
				node.children.set(name, coverageNode(name));
			node = node.children.get(name);
			coverageAdd(node, group);
		}
	}
	return root;
}

function coverageShare(counted) {
	const wanted = COVERAGE_WANTED.reduce((sum, name) => sum + (counted.classes[name] || 0), 0);
	if (wanted === 0)
		return "nothing wanted";
	/* Cut, and not rounded up: 99.96 % is not all. */
	return (Math.floor(1000 * (counted.classes.mirrored || 0) / wanted) / 10).toFixed(1) + " %";
}

/* "12 no-session, 3 drifted" */
function coverageReasons(counted, name) {
	return Object.entries(counted.reasons[name] || {}).sort((a, b) => b[1] - a[1])
		.map(([reason, count]) => `${number(count)} ${reason}`).join(", ");
}

function coverageWords(counted) {
	return Object.keys(COVERAGE_CLASSES).filter(name => counted.classes[name] > 0).map(name => {
		const reasons = coverageReasons(counted, name);
		return `${number(counted.classes[name])} ${name}${reasons ? ` (${reasons})` : ""}`;
	});
}

/* As long as its share of the largest one beside it. */
function coverageBar(counted, largest) {
	const bar = el("div", {class: "bar", role: "img", "aria-label": coverageWords(counted).join("; ")});
	for (const name of Object.keys(COVERAGE_CLASSES)) {
		const count = counted.classes[name] || 0;
		if (count === 0)
			continue;
		const reasons = coverageReasons(counted, name);
		const piece = el("span", {class: "class-" + name,
			title: `${name}: ${number(count)} of ${number(counted.interfaces)}, ${share(count, counted.interfaces)}${reasons ? "\n" + reasons : ""}`});
		piece.style.flexGrow = count;
		bar.append(piece);
	}
	bar.style.width = Math.max(4, 100 * counted.interfaces / largest) + "%";
	return bar;
}

function coverageBranch(node, level, largest) {
	const [, noun] = COVERAGE_LEVELS[level];
	const name = node.name === null ? "not known" : node.name;
	const branch = el("details", {class: "place", open: level < 2},
		el("summary", {title: coverageWords(node).join("\n")},
			el("span", {class: "place-name"}, el("span", {class: "soft"}, noun + " "), el("span", {class: "id text"}, name)),
			el("span", {class: "place-share number"}, coverageShare(node)),
			el("span", {class: "place-count number soft"}, number(node.interfaces)),
			coverageBar(node, largest)),
		el("ul", {class: "place-words"}, coverageWords(node).map(words => el("li", {}, words))));
	/* What is closed is drawn when it is opened: ten thousand subnets would take their time. */
	const fill = () => {
		if (node.children.size > 0 && branch.open && !branch.dataset.drawn) {
			branch.dataset.drawn = "yes";
			branch.append(coverageBranches(node, level + 1));
		}
	};
	branch.addEventListener("toggle", fill);
	fill();
	return branch;
}

/* The ones with most left to do first. */
function coverageBranches(node, level) {
	const gap = child => (child.classes.missing || 0) + (child.classes.dead || 0) + (child.classes.shadowed || 0);
	const children = [...node.children.values()].sort((a, b) => gap(b) - gap(a) || b.interfaces - a.interfaces);
	const largest = Math.max(...children.map(child => child.interfaces));
	const list = el("div", {class: "places"});
	let shown = 0;
	const more = el("button", {type: "button"});
	const draw = () => {
		more.remove();
		list.append(...children.slice(shown, shown + COVERAGE_SHOWN_MAX).map(child => coverageBranch(child, level, largest)));
		shown += COVERAGE_SHOWN_MAX;
		if (shown < children.length) {
			more.textContent = `Show more of ${number(children.length - shown)}`;
			list.append(more);
		}
	};
	more.addEventListener("click", draw);
	draw();
	return list;
}

function coverageHead(page) {
	const facts = [["interfaces", page.interfaces], ["instances without an interface, not counted", page.instancesWithoutInterface]];
	return el("header", {}, el("h1", {}, "Coverage"),
		el("p", {class: "headline"}, page.coverage === null ? "No rule wants any interface to be mirrored"
			: `${coverageShare(page)} of the interfaces that rules want are mirrored`),
		el("ul", {class: "facts"}, facts.map(([name, count]) => el("li", {}, el("b", {}, number(count)), " " + name)),
			el("li", {}, "read ", el("b", {}, moment(new Date(page.readMs).toISOString())))));
}

function coverageClasses(page) {
	const names = Object.keys(COVERAGE_CLASSES).filter(name => page.classes[name] > 0);
	return section("classes", "Classes", page.interfaces > 0 ? coverageBar(page, page.interfaces) : "There are no interfaces.",
		table("interfaces by class", [
			{title: "Class", cell: name => el("span", {}, el("span", {class: "swatch class-" + name}), name)},
			{title: "Interfaces", number: true, cell: name => number(page.classes[name])},
			{title: "Meaning", cell: name => COVERAGE_CLASSES[name]},
			{title: "Reasons", cell: name => coverageReasons(page, name)},
		], names));
}

function coverageGaps(page) {
	if (page.gaps.length === 0)
		return null;
	return section("gaps", "What to do", table("gaps and what to do about them", [
		{title: "Class", cell: gap => el("span", {}, el("span", {class: "swatch class-" + gap.class}), gap.class)},
		{title: "Reason", cell: gap => gap.reason},
		{title: "Interfaces", number: true, cell: gap => number(gap.interfaces)},
		{title: "What to do", cell: gap => gap.remedy},
	], page.gaps, "scroll cards"));
}

function coverageFailed(page) {
	if (page.failed.length === 0)
		return null;
	return section("failed", "Not read, and not counted", table("accounts and regions that could not be read", [
		{title: "Account", cell: failed => failed.account || ""},
		{title: "Region", cell: failed => failed.region || ""},
		{title: "Error", cell: failed => failed.error},
		{title: "Cause", cell: failed => failed.cause},
	], page.failed, "scroll cards"));
}

function coveragePage() {
	const page = data("coverage");
	const tree = coverageTree(page.groups);
	document.querySelector("main").replaceChildren(...[coverageHead(page), coverageClasses(page), coverageGaps(page), coverageFailed(page),
		tree.children.size > 0 ? section("map", "Where", el("p", {class: "soft"},
			"Account, region, VPC and subnet; what has most left to do stands first. Open a place for its reasons."), coverageBranches(tree, 0)) : null,
	].filter(Boolean));
	document.body.dataset.ready = "yes";
}

coveragePage();
