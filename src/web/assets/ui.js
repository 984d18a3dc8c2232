/* The live view: #/ lists runs, #/run/ID shows one, #/compare/A/B what differs between two. It reads again when the store has changed. */

const ui = {main: document.querySelector("main"), again: null, shown: null, waiting: 0};

async function api(path, parameters) {
	const url = new URL(path, location.href);
	for (const [key, value] of Object.entries(parameters || {}))
		if (value !== "" && value !== undefined && value !== null)
			url.searchParams.set(key, value);
	const reply = await fetch(url);
	const document_ = await reply.json().catch(() => ({error: "HTTP " + reply.status}));
	if (!reply.ok)
		throw new Error([document_.error, document_.cause].filter(Boolean).join(": "));
	return document_;
}

function uiFault(error) {
	return el("p", {class: "bad text", role: "alert"}, String(error.message || error));
}

function uiSummary(summary) {
	const parts = Object.entries(summary || {}).map(([name, count]) => `${number(count)} ${name}`);
	return parts.join(", ");
}

function uiTook(run) {
	const end = run.stopTime ? Date.parse(run.stopTime) : run.status === "RUNNING" ? Date.now() : NaN;
	return duration(end - Date.parse(run.startTime));
}

/* --- runs --- */

const RUN_STATES = ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "INTERRUPTED", "KILLED", "PLANNED"];

const RUN_COLUMNS = [
	{title: "run", class: "", cell: run => el("a", {href: "#/run/" + run.runId, class: "id"}, run.runId)},
	{title: "status", class: "", cell: run => el("span", {class: run.summary.failed > 0 ? "bad" : tone(run.status)}, run.status)},
	{title: "workflow", cell: run => run.workflow || ""},
	{title: "region", class: "fixed", cell: run => run.parts ? `${run.parts} parts` : run.region || ""},
	{title: "started", class: "fixed", cell: run => moment(run.startTime)},
	{title: "took", number: true, cell: uiTook},
	{title: "outcomes", cell: run => el("span", {}, run.error ? el("span", {class: "bad"}, run.error + " ") : null, uiSummary(run.summary))},
];

/* A filter keeps its place and the focus: only the list below is read again. */
async function uiRuns() {
	const filters = ui.filters = ui.filters || {status: "", workflow: ""};
	const place = el("div");
	const load = async () => {
		const list = uiPaged("runs", RUN_COLUMNS, before => api("/api/runs", {...filters, before}), "runs", {more: "older runs", frame: "scroll cards"});
		await list.loaded;
		place.replaceChildren(...list.elements);
	};
	const status = el("select", {onchange: event => { filters.status = event.target.value; load(); }},
		el("option", {value: ""}, "all"), RUN_STATES.map(name => el("option", {value: name, selected: filters.status === name}, name)));
	const workflow = el("input", {type: "search", value: filters.workflow, onchange: event => { filters.workflow = event.target.value; load(); }});
	await load();
	return [el("h1", {}, "tmflow runs"), el("div", {class: "tools"}, el("label", {}, "status", status), el("label", {}, "workflow", workflow)), place];
}

/* --- lists that are read by the page --- */

/*
 * columns: as of tableFrame. read(cursor): a promise of {[key]: rows, next?}. Returns: {elements, loaded}, the second a promise of the first page.
 * A page also ends after a number of rows that were looked at: what is rare may be on a later one, and is looked for until it is found.
 */
function uiPaged(caption, columns, read, key, {more: label = "more", frame = "scroll"} = {}) {
	const body = el("tbody", {role: "rowgroup"});
	const more = el("button", {type: "button"}, label);
	const said = el("p", {class: "soft", role: "status"});
	const elements = [tableFrame(caption, columns, body, frame), said, more];
	let next;
	let count = 0;
	let busy = false; // a second click must not ask for the same page
	let seen = false; // once it has stood on the page, its going ends the reading
	const load = async () => {
		if (busy)
			return;
		busy = true;
		try {
			for (let found = 0; found === 0;) {
				const page = await read(next);
				found = page[key].length;
				count += found;
				body.append(...page[key].map(row => tableCells(columns, row)));
				next = page.next;
				more.hidden = !next;
				said.textContent = count === 0 && !next ? "none" : `${number(count)} shown${next ? ", there are more" : ""}`;
				if (!next || seen && !said.isConnected)
					break;
				seen = said.isConnected;
			}
		} catch (error) {
			said.textContent = error.message;
		}
		busy = false;
	};
	more.addEventListener("click", load);
	return {elements, loaded: load()};
}

/* --- one run --- */

const OUTCOMES = ["created", "present", "updated", "unmatched", "excluded", "ineligible", "conflict", "shadowed", "unwanted", "removed", "gone", "foreign-account", "failed"];

function uiOutcomes(id) {
	const place = el("div");
	const wanted = ui.wanted = ui.wanted || {outcome: "", search: ""};
	const columns = [
		["instance", "instanceId"], ["name", "name"], ["outcome", "outcome"], ["reason", "reason"], ["rule", "rule"],
		["interface", "networkInterfaceId"], ["session", "sessionId"], ["target", "targetId"], ["subnet", "subnetId"], ["type", "instanceType"],
		["error", "error"], ["cause", "cause"], ["request", "requestId"],
	].map(([title, key]) => ({title, cell: row => key === "outcome" ? el("span", {class: tone(row[key])}, row[key]) : row[key] || ""}));
	const load = () => place.replaceChildren(...uiPaged("outcomes of the instances", columns,
		after => api(`/api/runs/${id}/outcomes`, {...wanted, after}), "outcomes", {frame: "scroll list"}).elements);
	load();
	return section("items", "Instances", el("div", {class: "tools"},
		el("label", {}, "search", el("input", {type: "search", value: wanted.search, onchange: event => { wanted.search = event.target.value; load(); }})),
		el("label", {}, "outcome", el("select", {onchange: event => { wanted.outcome = event.target.value; load(); }},
			el("option", {value: ""}, "all"), OUTCOMES.map(name => el("option", {value: name, selected: wanted.outcome === name}, name))))), place);
}

function uiEventDetails(event) {
	return Object.entries(event).filter(([, value]) => value && typeof value === "object").map(([, value]) => JSON.stringify(value, null, 1)).join("\n");
}

function uiHistory(id) {
	const place = el("div");
	const title = el("p", {class: "soft", role: "status"}, "choose a state in the graph to see its input and output, or");
	const load = state => {
		title.textContent = state ? `events of ${state}` : "all events";
		place.replaceChildren(...uiPaged("events", [
			{title: "id", cell: event => event.id},
			{title: "time", cell: event => event.timestamp},
			{title: "event", cell: event => event.type},
			{title: "details", cell: event => el("details", {}, el("summary", {}, (event.stateEnteredEventDetails || event.stateExitedEventDetails || {}).name || "details"), el("pre", {tabindex: "0"}, uiEventDetails(event)))},
		], after => api(`/api/runs/${id}/history`, {state, after, limit: 100}), "events", {frame: "scroll list"}).elements);
	};
	return {load, element: section("history", "History", title,
		el("p", {}, el("button", {type: "button", onclick: () => load("")}, "show all events")), place)};
}

const PAGE_ROWS_MAX = 100000; /* UI_PAGE_ROWS_MAX of web/ui/ui_answer.h */

function uiSaved(run) {
	const rows = Object.values(run.summary).reduce((sum, count) => sum + count, 0);
	if (rows > PAGE_ROWS_MAX)
		return el("span", {class: "soft"}, "as a page: ", el("code", {class: "text"}, `tmflow show ${run.runId} -o html --output-file run.html`));
	return el("a", {href: `/api/runs/${run.runId}/report.html`, download: run.runId + ".html"}, "save as a page");
}

/* Of the same workflow: what a run is compared with most often is the one before. */
async function uiEarlier(page) {
	const found = await api("/api/runs", {workflow: page.workflow, limit: 200});
	return found.runs.filter(run => run.startTime < page.run.startTime && !run.parts);
}

async function uiRun(id) {
	const page = {reasons: [], failures: [], ...await api("/api/runs/" + id)};
	const history = uiHistory(page.run.runId);
	const why = el("div");
	api(`/api/runs/${page.run.runId}/why`).then(reasons => {
		Object.assign(page, reasons);
		why.replaceChildren(...[reportOutcomes(page), reportFailures(page)].filter(Boolean));
	}).catch(error => why.replaceChildren(uiFault(error)));
	const other = el("input", {type: "text", list: "earlier-runs"});
	const earlier = el("datalist", {id: "earlier-runs"});
	uiEarlier(page).then(runs => {
		earlier.append(...runs.map(run => el("option", {value: run.runId}, `${run.status}, ${moment(run.startTime)}`)));
		other.value ||= runs[0]?.runId || "";
	}).catch(() => {}); // an id can be typed
	const shownWhy = reportOutcomes(page);
	if (shownWhy)
		why.append(shownWhy);
	return [
		el("nav", {"aria-label": "tmflow"}, el("a", {href: "#/"}, "all runs"), " \u00b7 ",
			uiSaved(page.run)),
		reportHead(page), reportParts(page), why,
		page.graph ? section("graph", "Workflow", graphView(page.graph, state => {
			history.load(state.name);
			history.element.scrollIntoView({block: "nearest"});
		})) : null,
		history.element, reportTimeline(page), reportCalls(page), page.parts.length === 0 ? uiOutcomes(page.run.runId) : null,
		section("compare", "Compare", el("div", {class: "tools"}, el("label", {}, "with the earlier run", other), earlier,
			el("button", {type: "button", onclick: () => { location.hash = `#/compare/${other.value.trim()}/${page.run.runId}`; }}, "compare"))),
		reportFiles(page),
	].filter(Boolean);
}

/* --- two runs --- */

async function uiCompare(a, b) {
	const side = row => row ? el("span", {class: tone(row.outcome)}, [row.outcome, row.reason, row.rule, row.targetId, row.error].filter(Boolean).join(" ")) : el("span", {class: "soft"}, "not there");
	return [
		el("nav", {"aria-label": "tmflow"}, el("a", {href: "#/"}, "all runs")),
		el("h1", {}, "what changed from ", el("a", {href: "#/run/" + a, class: "id"}, a), " to ", el("a", {href: "#/run/" + b, class: "id"}, b)),
		...uiPaged("changes", [
			{title: "instance", cell: row => row.instanceId},
			{title: "interface", cell: row => row.networkInterfaceId || ""},
			{title: "before", cell: row => side(row.before)},
			{title: "after", cell: row => side(row.after)},
		], after => api("/api/compare", {a, b, after}), "changes", {frame: "scroll list cards"}).elements,
	];
}

/* --- showing --- */

async function uiShow() {
	const [, view, ...rest] = location.hash.split("/");
	const at = location.hash;
	let children;
	try {
		if (view === "run")
			children = await uiRun(decodeURIComponent(rest[0]));
		else if (view === "compare")
			children = await uiCompare(decodeURIComponent(rest[0]), decodeURIComponent(rest[1]));
		else
			children = await uiRuns();
	} catch (error) {
		children = [el("nav", {"aria-label": "tmflow"}, el("a", {href: "#/"}, "all runs")), el("h1", {}, "tmflow"), uiFault(error)];
	}
	if (at !== location.hash)
		return;
	const top = document.documentElement.scrollTop;
	const same = ui.shown === at;
	const came = ui.shown !== null && !same;
	ui.main.replaceChildren(...children);
	ui.shown = at;
	/* Who came by a link goes on from the title, by keyboard and in a screen reader. */
	const title = ui.main.querySelector("h1");
	if (came && title) {
		title.setAttribute("tabindex", "-1");
		title.focus({preventScroll: true});
	}
	document.title = view === "run" ? "tmflow run " + rest[0] : "tmflow";
	document.documentElement.scrollTop = same ? top : 0;
	document.body.dataset.ready = at || "#/";
}

/* At most once in two seconds, and not under the reader's hands. */
function uiChanged() {
	if (ui.waiting || ui.main.contains(document.activeElement) && document.activeElement.matches("input, select, button, summary, pre, .scroll, .graph"))
		return;
	if (location.hash.startsWith("#/compare"))
		return;
	ui.waiting = setTimeout(() => { ui.waiting = 0; uiShow(); }, 2000);
}

addEventListener("hashchange", uiShow);
new EventSource("/api/events").addEventListener("change", uiChanged);
uiShow();
