/* The page of one run, from its data: #run, a JSON document, and #rows, its outcomes as compressed columns (web/report/rows.h). */

/* The columns as arrays. A block is its columns one after the other; see web/report/rows.h. */
async function reportColumns(page) {
	const element = document.getElementById("rows");
	const columns = page.columns.map(column => ({...column, values: []}));
	const raw = Uint8Array.from(atob(element.textContent), letter => letter.charCodeAt(0));
	const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate"));
	const text = await new Response(stream).text();
	const plain = value => value.includes("\\") ? value.replace(/\\(.)/g, (_, letter) => letter === "n" ? "\n" : letter) : value;
	for (const block of text.split("\x1e"))
		block.split("\x1d").forEach((part, k) => {
			if (part === "")
				return;
			const column = columns[k];
			for (const value of part.slice(0, -1).split("\n"))
				column.values.push(value === "" ? "" : value.startsWith("\\=") ? plain(value.slice(2)) : column.prefix + plain(value));
		});
	return columns.map(column => ({...column, title: (ROW_FIELDS[column.key] || [column.key])[0],
		width: (ROW_FIELDS[column.key] || [0, 160])[1], tone: column.key === "outcome"}));
}

async function reportItems(page) {
	if (page.rows === 0)
		return null;
	const columns = await reportColumns(page);
	const order = Object.keys(ROW_FIELDS);
	columns.sort((a, b) => order.indexOf(a.key) - order.indexOf(b.key));
	const rows = new Rows(columns, "what became of each instance");
	return section("items", "Instances", rows.withTools(["outcome", "reason", "rule", "account", "region"]));
}

async function reportPage() {
	const page = data("run");
	const main = document.querySelector("main");
	main.replaceChildren(...[reportHead(page), reportParts(page), reportOutcomes(page), reportFailures(page),
		page.graph ? section("graph", "Workflow", graphView(page.graph)) : null,
		reportTimeline(page), reportCalls(page)].filter(Boolean));
	const items = await reportItems(page);
	if (items)
		main.append(items);
	const files = reportFiles(page);
	if (files)
		main.append(files);
	document.body.dataset.ready = "yes";
}

reportPage();
