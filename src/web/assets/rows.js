/* A table of very many rows: only those in sight are elements. Columns are arrays of text, one entry a row. */

const ROW_HEIGHT = 30;
const ROWS_BEYOND = 8; /* above and below what is in sight */

class Rows {
	/* columns: [{key, title, width, values, tone?, hidden?}], all of one length. */
	constructor(columns, label) {
		this.columns = columns.filter(column => !column.hidden && column.values.some(value => value !== ""));
		this.count = columns.length > 0 ? columns[0].values.length : 0;
		this.order = null;
		this.sorted = {column: null, up: true};
		this.filters = new Map();
		this.search = "";
		this.texts = null;
		this.element = el("div", {class: "rows", tabindex: "0", role: "table", "aria-label": label});
		this.space = el("div", {class: "space", role: "presentation"});
		this.body = el("div", {role: "rowgroup"});
		this.head = el("div", {class: "head", role: "row", "aria-rowindex": "1"});
		this.element.append(el("div", {role: "rowgroup"}, this.head), this.body, this.space);
		this.element.addEventListener("scroll", () => this.draw(), {passive: true});
		this.said = el("p", {class: "soft", role: "status"});
		this.drawHead();
		this.apply();
		new ResizeObserver(() => this.draw()).observe(this.element);
	}

	drawHead() {
		this.head.replaceChildren(...this.columns.map(column => {
			const is = this.sorted.column === column;
			const mark = is ? (this.sorted.up ? " \u25b2" : " \u25bc") : "";
			const cell = el("div", {class: "cell", role: "columnheader", "aria-sort": is ? (this.sorted.up ? "ascending" : "descending") : "none"},
				el("button", {type: "button", onclick: () => this.sortBy(column)}, column.title + mark));
			cell.style.width = column.width + "px";
			return cell;
		}));
	}

	sortBy(column) {
		this.sorted = {column, up: this.sorted.column === column ? !this.sorted.up : true};
		const at = this.columns.indexOf(column);
		this.drawHead();
		this.apply();
		this.head.children[at].firstChild.focus({preventScroll: true});
	}

	filter(column, value) {
		if (value === "")
			this.filters.delete(column);
		else
			this.filters.set(column, value);
		this.apply();
	}

	find(text) {
		this.search = text.trim().toLowerCase();
		this.apply();
	}

	/* Made when it is first searched. */
	text(row) {
		if (this.texts === null)
			this.texts = Array.from({length: this.count}, (_, i) => this.columns.map(column => column.values[i]).join("\n").toLowerCase());
		return this.texts[row];
	}

	apply() {
		const kept = [];
		for (let row = 0; row < this.count; row++) {
			let keep = true;
			for (const [column, value] of this.filters)
				keep = keep && column.values[row] === value;
			if (keep && (this.search === "" || this.text(row).includes(this.search)))
				kept.push(row);
		}
		if (this.sorted.column !== null) {
			const values = this.sorted.column.values;
			const sign = this.sorted.up ? 1 : -1;
			kept.sort((a, b) => values[a] < values[b] ? -sign : values[a] > values[b] ? sign : a - b);
		}
		this.order = kept;
		this.space.style.height = kept.length * ROW_HEIGHT + "px";
		this.element.setAttribute("aria-rowcount", kept.length + 1);
		this.element.scrollTop = 0;
		this.said.textContent = kept.length === this.count ? `${number(this.count)} rows` : `${number(kept.length)} of ${number(this.count)} rows`;
		this.draw();
	}

	draw() {
		const top = this.element.scrollTop;
		const first = Math.max(0, Math.floor(top / ROW_HEIGHT) - ROWS_BEYOND);
		const last = Math.min(this.order.length, Math.ceil((top + this.element.clientHeight) / ROW_HEIGHT) + ROWS_BEYOND);
		const rows = [];
		for (let at = first; at < last; at++)
			rows.push(this.drawRow(at));
		this.body.replaceChildren(...rows);
	}

	drawRow(at) {
		const index = this.order[at];
		const row = el("div", {class: "row", role: "row", "aria-rowindex": at + 2}, this.columns.map(column => {
			const value = column.values[index];
			const cell = el("div", {class: "cell " + (column.tone ? tone(value) : ""), role: "cell", title: value.length > 20 ? value : null}, value);
			cell.style.width = column.width + "px";
			return cell;
		}));
		row.style.top = (at + 1) * ROW_HEIGHT + "px";
		return row;
	}

	/* The search field, one choice a named column, and the table. */
	withTools(keys) {
		let waiting = 0;
		const search = el("input", {type: "search", oninput: event => {
			clearTimeout(waiting);
			waiting = setTimeout(() => this.find(event.target.value), 120);
		}});
		const tools = el("div", {class: "tools"}, el("label", {}, "search", search));
		for (const key of keys) {
			const column = this.columns.find(candidate => candidate.key === key);
			if (!column)
				continue;
			const values = [...new Set(column.values)].filter(value => value !== "").sort();
			tools.append(el("label", {}, column.title, el("select", {onchange: event => this.filter(column, event.target.value)},
				el("option", {value: ""}, "all"), values.slice(0, 500).map(value => el("option", {value}, value)))));
		}
		return [tools, this.said, this.element];
	}
}
