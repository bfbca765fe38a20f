// SPDX-License-Identifier: MIT
// ajv's half of tools/bench/validate; asked and answering like bench_validate.c:
//   node peer_ajv.js AJV_FOLDER DIR|FILE.schema.json EVENTS.ndjson …
// Measures: `parse` (JSON.parse), `validate` (parsed before), `both`. A contract
// is judged as ours is: the type picks the validator, formats do not decide.
"use strict";
const fs = require("fs");
const path = require("path");
const readline = require("readline");

const [ajvFolder, ...args] = process.argv.slice(2);
const Ajv = require(path.join(ajvFolder, "dist", "2020")).default;
const ROUND_NS = 20e6;

function newAjv() {
	return new Ajv({ strict: false, validateFormats: false });
}

function readJson(file) {
	return JSON.parse(fs.readFileSync(file, "utf8"));
}

function contractValidator(folder) {
	const ajv = newAjv();
	for (const name of fs.readdirSync(folder))
		if (name.endsWith(".schema.json"))
			ajv.addSchema(readJson(path.join(folder, name)),
				`file:///${name}`);
	const endpoints = readJson(path.join(folder, "contract.json")).endpoints;
	const messages = Object.values(endpoints)[0].server.messages;
	const byType = new Map();
	for (const [type, reference] of Object.entries(messages))
		byType.set(type, ajv.getSchema(`file:///${reference}`));
	return (event) => {
		const validator = byType.get(event.type);
		return validator !== undefined && validator(event);
	};
}

function openPair(what, file) {
	const lines = fs.readFileSync(file, "utf8").split("\n").filter((l) => l);
	const isSchema = what.endsWith(".schema.json");
	return {
		lines,
		parsed: lines.map((line) => JSON.parse(line)),
		isValid: isSchema ? newAjv().compile(readJson(what))
			: contractValidator(what),
	};
}

const measures = {
	parse(pair) {
		let held = 0;
		for (const line of pair.lines)
			held += JSON.parse(line) !== undefined;
		return held;
	},
	validate(pair) {
		let held = 0;
		for (const event of pair.parsed)
			held += pair.isValid(event);
		return held;
	},
	both(pair) {
		let held = 0;
		for (const line of pair.lines)
			held += pair.isValid(JSON.parse(line));
		return held;
	},
};

// Of this process, as bench_validate.c counts, too.
function nowNs() {
	const used = process.cpuUsage();
	return (used.user + used.system) * 1000;
}

function timeRound(pair, run) {
	const start = nowNs();
	let took = 0;
	let passes = 0;
	for (let step = 1; took < ROUND_NS; step *= 2) {
		for (let i = 0; i < step; i++)
			if (run(pair) !== pair.lines.length)
				throw new Error("an event was not judged as expected");
		passes += step;
		took = nowNs() - start;
	}
	return took / passes / pair.lines.length;
}

const pairs = [];
for (let i = 0; i + 1 < args.length; i += 2)
	pairs.push(openPair(args[i], args[i + 1]));
for (const pair of pairs) // the compiler's warm-up is not what is measured
	for (let i = 0; i < 20; i++)
		for (const run of Object.values(measures))
			timeRound(pair, run);
readline.createInterface({ input: process.stdin }).on("line", (line) => {
	const [measure, pair] = line.split(" ");
	console.log(timeRound(pairs[Number(pair)], measures[measure]).toFixed(2));
});
