/* What is shown of a run, on its page and in the live view. */

const ROW_FIELDS = {
	account: ["account", 120], region: ["region", 120],
	instanceId: ["instance", 200], name: ["name", 180], outcome: ["outcome", 110], reason: ["reason", 140],
	rule: ["rule", 140], networkInterfaceId: ["interface", 220], sessionId: ["session", 220], targetId: ["target", 220],
	vpcId: ["VPC", 220], subnetId: ["subnet", 240], availabilityZone: ["zone", 110], instanceType: ["type", 120],
	operation: ["operation", 240], error: ["error", 220], cause: ["cause", 420], requestId: ["request", 300],
};

function reportHead(page) {
	const run = page.run;
	const failed = (run.summary.failed || 0);
	const all = Object.values(run.summary).reduce((sum, count) => sum + count, 0);
	const ended = run.stopTime ? Date.parse(run.stopTime) - Date.parse(run.startTime) : undefined;
	const facts = [
		["workflow", page.workflow], ["region", page.region], ["started", moment(run.startTime)], ["ended", moment(run.stopTime)],
		["took", duration(ended)], ["configuration", page.configName], ["redrives", page.redrives || ""],
	].filter(([, value]) => value);
	return el("header", {},
		el("h1", {}, run.dryRun ? "dry run " : "run ", el("span", {class: "id"}, run.runId)),
		el("p", {class: "headline " + (failed > 0 ? "bad" : tone(run.status))},
			run.status + (failed > 0 ? `, ${number(failed)} of ${number(all)} failed` : "")),
		el("ul", {class: "facts"}, facts.map(([name, value]) => el("li", {}, name + " ", el("b", {class: "text"}, value)))),
		run.error ? el("p", {class: "bad text"}, [run.error, run.cause].filter(Boolean).join(": ")) : null);
}

function reportOutcomes(page) {
	const counts = Object.entries(page.run.summary).map(([name, count]) => ({name, count}));
	const all = counts.reduce((sum, part) => sum + part.count, 0);
	if (all === 0)
		return null;
	const reasons = name => page.reasons.filter(row => row.outcome === name)
		.map(row => `${number(row.count)} ${row.reason}${row.detail ? (name === "failed" ? " of " : " ") + row.detail : ""}`).join(", ");
	return section("outcomes", "Outcomes", stackedBar(counts), table("outcomes and reasons", [
		{title: "outcome", cell: row => el("span", {class: tone(row.name)}, el("span", {class: "swatch", "aria-hidden": "true"}), row.name)},
		{title: "count", number: true, cell: row => number(row.count)},
		{title: "share", number: true, cell: row => share(row.count, all)},
		{title: "reasons", cell: row => reasons(row.name)},
	], counts));
}

function reportFailures(page) {
	if (page.failures.length === 0)
		return null;
	return section("failures", "Failures", table("failures by error, rule and operation", [
		{title: "count", number: true, cell: row => number(row.count)},
		{title: "error", class: "fixed", cell: row => row.error || ""},
		{title: "operation", class: "fixed", cell: row => row.operation || ""},
		{title: "rule", class: "fixed", cell: row => row.rule || ""},
		{title: "for example", cell: row => row.cause || ""},
		{title: "requests", cell: row => (row.requestIds || []).map(id => el("span", {class: "id request"}, id))},
	], page.failures, "scroll cards"));
}

/* Samples are {at, seconds, ...counts since the one before}; gap: another process began there. */
function reportChart(samples, series, label) {
	const width = 1000;
	const height = 150;
	const left = 60;
	const begin = samples[0].at - samples[0].seconds * 1000;
	const end = Math.max(samples[samples.length - 1].at, begin + 1000);
	const rates = samples.map(sample => series.map(one => sample.seconds > 0 ? one.value(sample) / sample.seconds : 0));
	const most = Math.max(1e-9, ...rates.flat());
	const x = at => left + (at - begin) / (end - begin) * (width - left - 10);
	const y = rate => height - 24 - rate / most * (height - 44);
	const lines = series.map((one, k) => {
		let path = "";
		samples.forEach((sample, i) => {
			const from = x(sample.at - sample.seconds * 1000);
			path += `${i === 0 || sample.gap ? "M" : "L"}${from.toFixed(1)} ${y(rates[i][k]).toFixed(1)}L${x(sample.at).toFixed(1)} ${y(rates[i][k]).toFixed(1)}`;
		});
		return svg("path", {class: one.tone, d: path, fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-dasharray": one.dashed ? "6 4" : null},
			svg("title", {}, one.name));
	});
	const ticks = [0, 0.25, 0.5, 0.75, 1].map(part => svg("text", {class: "soft", x: left + part * (width - left - 10),
		y: height - 6, "font-size": 11, "text-anchor": part === 1 ? "end" : "middle"}, duration(part * (end - begin))));
	return el("figure", {class: "chart"},
		svg("svg", {viewBox: `0 0 ${width} ${height}`, width: "100%", role: "img", "aria-label": label},
			svg("text", {class: "soft", x: 8, y: 22, "font-size": 11}, most.toFixed(most < 10 ? 1 : 0) + "/s"),
			svg("path", {class: "edge", d: `M${left} ${height - 24}H${width - 10}M${left} 20V${height - 24}`}), lines, ticks),
		el("figcaption", {class: "facts"}, series.map(one => el("span", {class: one.tone}, el("span", {class: "swatch", "aria-hidden": "true"}), one.name))));
}

function reportTimeline(page) {
	const samples = page.timeline;
	if (samples.length < 2)
		return null;
	const resumes = samples.filter(sample => sample.gap).length;
	return section("timeline", "Timeline",
		resumes > 0 ? el("p", {class: "soft"}, `${resumes} time(s) another process went on; nothing was done in between`) : null,
		reportChart(samples, [
			{name: "created a second", tone: "good", value: sample => sample.created || 0},
			{name: "failed a second", tone: "bad", value: sample => sample.failed || 0},
			{name: "pages a second", tone: "dark", dashed: true, value: sample => sample.pages || 0},
		], "instances over time"),
		reportChart(samples, [
			{name: "requests a second", tone: "same", value: sample => sample.requests || 0},
			{name: "throttled a second", tone: "warn", value: sample => sample.throttled || 0},
			{name: "retries a second", tone: "bad", dashed: true, value: sample => sample.retries || 0},
		], "requests over time"));
}

function reportCalls(page) {
	const rows = Object.entries(page.calls).map(([operation, counts]) => ({operation, ...counts}));
	if (rows.length === 0)
		return null;
	rows.sort((a, b) => (b.requests || 0) - (a.requests || 0));
	const count = (title, key) => ({title, number: true, cell: row => number(row[key])});
	return section("calls", "Calls to AWS", table("calls by operation", [
		{title: "operation", cell: row => row.operation}, count("requests", "requests"), count("retries", "retries"),
		count("throttled", "throttled"), count("failed", "failed"),
		{title: "replies", cell: row => Object.entries(row.replies || {}).map(([reply, n]) => `${reply}: ${number(n)}`).join(", ")},
	], rows));
}

function reportParts(page) {
	if (page.parts.length === 0)
		return null;
	const regions = [...new Set(page.parts.map(part => part.region))].sort();
	const accounts = [...new Set(page.parts.map(part => part.account))].sort();
	const cell = (account, region) => {
		const part = page.parts.find(one => one.account === account && one.region === region);
		if (!part)
			return "";
		const counts = Object.entries(part.summary || {}).map(([name, count]) => `${number(count)} ${name}`).join(", ");
		return el("span", {}, el("b", {class: part.summary?.failed > 0 ? "bad" : tone(part.status)}, part.status), " ", counts,
			part.error ? el("span", {class: "bad text"}, " " + [part.error, part.cause].filter(Boolean).join(": ")) : null);
	};
	return section("parts", "Accounts and regions", table("accounts and regions", [
		{title: "account", cell: account => el("b", {}, account || "own account")},
		...regions.map(region => ({title: region, cell: account => cell(account, region)})),
	], accounts));
}

function reportFiles(page) {
	if (page.files.length === 0)
		return null;
	return section("files", "As they were when the run began", page.files.map(file => el("details", {},
		el("summary", {}, `${file.title} ${file.name || ""}`), el("pre", {tabindex: "0", class: "text"}, file.text))));
}
