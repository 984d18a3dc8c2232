// Opens pages in Chromium, as a person's browser would, and prints what it saw as one JSON document.
// usage: node pages.cjs CHROMIUM SCREENSHOT-DIRECTORY < [{"name", "url", "wait"?, "steps"?, "width"?, "dark"?}]
const fs = require("node:fs");
const path = require("node:path");
const puppeteer = require("puppeteer-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

async function look(browser, wanted, directory) {
	const page = await browser.newPage();
	const seen = {name: wanted.name, console: [], requests: [], failed: []};
	await page.setBypassCSP(true); // for axe alone: violations of the policy are looked for without it
	await page.setViewport({width: wanted.width || 1440, height: 900});
	await page.emulateMediaFeatures([{name: "prefers-color-scheme", value: wanted.dark ? "dark" : "light"}]);
	page.on("console", message => { if (["error", "warning"].includes(message.type())) seen.console.push(message.text()); });
	page.on("pageerror", error => seen.console.push(String(error)));
	page.on("request", request => seen.requests.push(request.url()));
	page.on("requestfailed", request => seen.failed.push(`${request.url()}: ${request.failure()?.errorText}`));
	await page.goto(wanted.url, {waitUntil: "domcontentloaded"});
	await page.waitForFunction("document.body && document.body.dataset.ready", {timeout: 60000});
	for (const step of wanted.steps || []) {
		if (step.type)
			await page.type(step.on, step.type);
		else if (step.choose)
			await page.select(step.on, step.choose);
		else if (step.press)
			await page.keyboard.press(step.press);
		else if (step.focus)
			await page.evaluate(selector => document.querySelector(selector).focus(), step.focus);
		else if (step.click)
			await page.click(step.click);
		await new Promise(resolve => setTimeout(resolve, step.pause || 500));
	}
	if (wanted.until)
		await page.waitForFunction(wanted.until, {timeout: 60000});
	seen.text = await page.evaluate("document.body.innerText");
	seen.values = {};
	for (const [name, expression] of Object.entries(wanted.values || {}))
		seen.values[name] = await page.evaluate(expression);
	seen.scripts = await page.evaluate("document.scripts.length");
	seen.wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1");
	await page.screenshot({path: path.join(directory, wanted.name + ".png"), fullPage: true});
	await page.evaluate(axe);
	const found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})");
	seen.violations = found.violations.map(one => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" | ")}`);
	await page.close();
	return seen;
}

async function main() {
	const wanted = JSON.parse(fs.readFileSync(0, "utf8"));
	const browser = await puppeteer.launch({executablePath: process.argv[2], headless: true,
		args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]});
	const seen = [];
	try {
		for (const one of wanted)
			seen.push(await look(browser, one, process.argv[3]));
	} finally {
		await browser.close();
	}
	console.log(JSON.stringify(seen));
}

main().catch(error => { console.error(error); process.exit(1); });
