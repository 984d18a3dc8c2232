/* What every page uses: elements, numbers, tables. Text from outside only ever becomes a text node. */

/* An element with attributes and children; any other child becomes text. */
function el(name, attributes, ...children) {
	const element = document.createElement(name);
	fill(element, attributes, children);
	return element;
}

function svg(name, attributes, ...children) {
	const element = document.createElementNS("http://www.w3.org/2000/svg", name);
	fill(element, attributes, children);
	return element;
}

function fill(element, attributes, children) {
	for (const [key, value] of Object.entries(attributes || {})) {
		if (value === undefined || value === null || value === false)
			continue;
		if (key.startsWith("on"))
			element.addEventListener(key.slice(2), value);
		else
			element.setAttribute(key, value === true ? "" : value);
	}
	for (const child of children.flat())
		if (child !== undefined && child !== null)
			element.append(child);
}

function number(value) {
	return Number(value || 0).toLocaleString("en-US");
}

function share(part, whole) {
	return whole > 0 ? (100 * part / whole).toFixed(part === whole ? 0 : 1) + " %" : "";
}

function duration(ms) {
	if (ms === undefined || ms === null || Number.isNaN(ms))
		return "";
	if (ms < 60000)
		return (ms / 1000).toFixed(ms < 10000 ? 1 : 0) + " s";
	const minutes = Math.floor(ms / 60000);
	if (minutes < 60)
		return minutes + " min " + Math.round(ms % 60000 / 1000) + " s";
	return Math.floor(minutes / 60) + " h " + minutes % 60 + " min";
}

function moment(text) {
	return text ? text.replace("T", " ").replace(/\.\d+Z$/, " UTC") : "";
}

/* Which colour an outcome, a class or a status has. */
const TONES = {
	created: "good", removed: "good", mirrored: "good", SUCCEEDED: "good",
	present: "same", updated: "same", RUNNING: "same",
	conflict: "warn", shadowed: "warn", unwanted: "warn", INTERRUPTED: "warn", KILLED: "warn", dead: "warn",
	failed: "bad", missing: "bad", FAILED: "bad", TIMED_OUT: "bad",
	"foreign-account": "dark", foreign: "dark", gone: "dark",
	unmatched: "none",
};

function tone(name) {
	return TONES[name] || "idle";
}

/* [{name, count}] as one bar of shares, and what a screen reader says of it. */
function stackedBar(parts) {
	const whole = parts.reduce((sum, part) => sum + part.count, 0);
	const words = parts.map(part => `${number(part.count)} ${part.name}`).join(", ");
	const bar = el("div", {class: "bar", role: "img", "aria-label": words});
	for (const part of parts) {
		const piece = el("span", {class: tone(part.name), title: `${part.name}: ${number(part.count)}, ${share(part.count, whole)}`});
		piece.style.flexGrow = part.count;
		bar.append(piece);
	}
	return bar;
}

/* A row of a table. Roles are said, since a table that is drawn as cards would lose its own. */
function tableRow(columns, cell) {
	return el("tr", {role: "row"}, columns.map(cell));
}

function tableCells(columns, row) {
	return tableRow(columns, column => el("td", {role: "cell", class: column.number ? "number" : column.class ?? "text", "data-title": column.title}, column.cell(row)));
}

/* columns: [{title, number?, class?, cell(row)}]. frame: "scroll", and "cards" where a narrow window shows each row as a card. */
function tableFrame(caption, columns, body, frame) {
	const head = tableRow(columns, column => el("th", {scope: "col", role: "columnheader", class: column.number && "number"}, column.title));
	return el("div", {class: frame, tabindex: "0", role: "region", "aria-label": caption},
		el("table", {role: "table"}, el("thead", {role: "rowgroup"}, head), body));
}

/* A short table. */
function table(caption, columns, rows, frame = "scroll") {
	return tableFrame(caption, columns, el("tbody", {role: "rowgroup"}, rows.map(row => tableCells(columns, row))), frame);
}

function section(id, title, ...children) {
	return el("section", {id, "aria-labelledby": id + "-title"}, el("h2", {id: id + "-title"}, title), ...children);
}

function data(id) {
	const element = document.getElementById(id);
	return element ? JSON.parse(element.textContent) : undefined;
}
