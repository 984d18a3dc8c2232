/* A workflow as a drawing: {start, states: [{name, kind, about, mark, entered, next: [{to, label, kind}], scopes: [graph]}]}. */

const BOX = {width: 210, height: 46, between: 34, apart: 30, pad: 16, head: 40};

const MARK_TONES = {done: "good", caught: "warn", failed: "bad", aborted: "warn", running: "same", untouched: "idle"};

/* Rows of a scope: each state one row below the lowest that leads to it; edges back to an earlier one do not count. */
function graphRows(scope) {
	const byName = new Map(scope.states.map(state => [state.name, state]));
	const row = new Map();
	const open = new Set();
	const visit = (name, depth) => {
		const state = byName.get(name);
		if (!state || open.has(name) || (row.get(name) ?? -1) >= depth)
			return;
		row.set(name, depth);
		open.add(name);
		for (const edge of state.next)
			if (edge.to)
				visit(edge.to, depth + 1);
		open.delete(name);
	};
	visit(scope.start, 0);
	const rows = [];
	for (const state of scope.states) {
		const at = row.get(state.name) ?? 0;
		(rows[at] = rows[at] || []).push(state);
	}
	return rows.filter(Boolean);
}

/* Sizes and places of a scope's states, from the innermost outwards. */
function graphLayout(scope) {
	const boxes = new Map();
	const rows = graphRows(scope);
	let y = 0;
	let width = 0;
	const heights = [];
	for (const states of rows) {
		let x = 0;
		let height = 0;
		for (const state of states) {
			const inner = (state.scopes || []).map(graphLayout);
			const wide = inner.reduce((sum, part) => sum + part.width + BOX.pad, BOX.pad);
			const tall = inner.reduce((most, part) => Math.max(most, part.height), 0);
			const box = {state, inner, x, y, width: Math.max(BOX.width, inner.length ? wide : 0),
				height: inner.length ? BOX.head + tall + BOX.pad : BOX.height};
			boxes.set(state.name, box);
			x += box.width + BOX.apart;
			height = Math.max(height, box.height);
		}
		width = Math.max(width, x - BOX.apart);
		heights.push({states, wide: x - BOX.apart});
		y += height + BOX.between;
	}
	for (const {states, wide} of heights)
		for (const state of states)
			boxes.get(state.name).x += (width - wide) / 2;
	return {scope, boxes, width, height: Math.max(0, y - BOX.between)};
}

function graphShort(text, chars) {
	const letters = [...text];
	return letters.length > chars ? letters.slice(0, chars - 1).join("") + "\u2026" : text;
}

function graphEdge(from, to, edge) {
	const x1 = from.x + from.width / 2;
	const x2 = to.x + to.width / 2;
	const down = to.y > from.y;
	const y1 = down ? from.y + from.height : from.y + from.height / 2;
	const y2 = down ? to.y - 5 : to.y + to.height / 2;
	const side = Math.max(from.x + from.width, to.x + to.width) + 22;
	const bend = Math.max(16, (y2 - y1) / 2);
	const path = down ? `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`
		: `M${from.x + from.width} ${y1}C${side} ${y1} ${side} ${y2} ${to.x + to.width + 5} ${y2}`;
	const parts = [svg("path", {class: "edge " + (edge.kind === "catch" ? "warn" : ""), d: path, "marker-end": "url(#arrow)"},
		edge.label ? svg("title", {}, edge.label) : null)];
	if (edge.label && down && edge.kind === "choice")
		parts.push(svg("text", {class: "soft", x: (x1 + x2) / 2 + 6, y: (y1 + y2) / 2 + 4, "font-size": 11}, graphShort(edge.label, 26)));
	return parts;
}

function graphBox(box, onchoose) {
	const {state} = box;
	const title = graphShort(state.name, 26);
	const about = graphShort(state.about || state.kind, 32);
	const words = [title, about, state.entered ? number(state.entered) + " times" : "", state.mark].filter(Boolean).join(", ");
	/* A button's name is what stands in it; a picture has none but this. */
	const group = svg("g", {role: onchoose ? "button" : "img", "aria-label": onchoose ? null : words, tabindex: onchoose ? "0" : null,
		onclick: onchoose && (event => { event.stopPropagation(); onchoose(state); }),
		onkeydown: onchoose && (event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); onchoose(state); } })},
		svg("title", {}, `${state.name}, ${state.kind}${state.about ? ": " + state.about : ""}${state.mark ? ", " + state.mark : ""}`),
		svg("rect", {class: "box " + (MARK_TONES[state.mark] || ""), x: box.x, y: box.y, width: box.width, height: box.height, rx: 7}),
		svg("text", {x: box.x + 12, y: box.y + 19, "font-weight": 600}, title),
		svg("text", {class: "soft", x: box.x + 12, y: box.y + 35, "font-size": 11}, about));
	if (state.entered)
		group.append(svg("text", {class: "soft", x: box.x + box.width - 10, y: box.y + 19, "text-anchor": "end", "font-size": 11}, number(state.entered)));
	return group;
}

function graphParts(layout, x, y, onchoose) {
	const group = svg("g", {transform: `translate(${x} ${y})`});
	const lines = svg("g", {"aria-hidden": "true"});
	group.append(lines);
	for (const box of layout.boxes.values()) {
		group.append(graphBox(box, onchoose));
		let at = box.x + BOX.pad;
		for (const inner of box.inner) {
			group.append(graphParts(inner, at, box.y + BOX.head, onchoose));
			at += inner.width + BOX.pad;
		}
		for (const edge of box.state.next)
			if (edge.to && layout.boxes.has(edge.to))
				lines.append(...graphEdge(box, layout.boxes.get(edge.to), edge));
	}
	return group;
}

/* One stop of the tabulator for all states; the arrows go from one to the next. */
function graphKeys(frame) {
	const states = [...frame.querySelectorAll("g[role=button]")];
	const steps = {ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: -states.length, End: states.length};
	states.slice(1).forEach(state => state.setAttribute("tabindex", "-1"));
	frame.addEventListener("keydown", event => {
		const at = states.indexOf(event.target);
		if (at < 0 || !(event.key in steps))
			return;
		const to = states[Math.min(states.length - 1, Math.max(0, at + steps[event.key]))];
		event.preventDefault();
		states[at].setAttribute("tabindex", "-1");
		to.setAttribute("tabindex", "0");
		to.focus();
	});
	return frame;
}

/* The drawing in a frame that scrolls. onchoose(state): called for a click or Enter on a state. */
function graphView(graph, onchoose) {
	const layout = graphLayout(graph);
	const width = layout.width + 80;
	const height = layout.height + 32;
	const frame = el("div", {class: "graph", tabindex: "0", role: "region", "aria-label": onchoose ? "workflow graph: arrows go from state to state" : "workflow graph"},
		svg("svg", {width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "states of the workflow"},
			svg("defs", {}, svg("marker", {id: "arrow", viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto"},
				svg("path", {class: "arrow", d: "M0 0L8 4L0 8z"}))),
			graphParts(layout, 16, 16, onchoose)));
	return graphKeys(frame);
}
