// Files from the browser: one request each, three at a time; what came whole is not sent again.
import { html, useEffect, useState } from "ui";
import { get, post, query } from "./api.js";
import { go, shown } from "./parts.js";

const AT_ONCE = 3, TRIES = 4;
const sendings = {}, hearers = new Set();
const tell = () => { for (const one of hearers) one({}); };

export function useSending(name) {
  const set = useState({})[1];
  useEffect(() => { hearers.add(set); return () => hearers.delete(set); }, []);
  return sendings[name];
}

// Sends files to a dataset; goes on while other screens are looked at.
export async function send(name, files) {
  const state = sendings[name] = { all: files.length, done: 0, faults: [], isGoing: true };
  tell();
  try {
    const there = (await get(`/api/data/${encodeURIComponent(name)}/files`)).files;
    const left = files.filter(({ path, file }) => there[path] !== file.size);
    state.done = files.length - left.length;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let next = left.shift(); next; next = left.shift()) {
        await put(name, next).catch((error) => state.faults.push(error.message));
        state.done += 1;
        tell();
      }
    }));
  } catch (error) { state.faults.push(error.message); }
  state.isGoing = false;
  tell();
}

async function put(name, { path, file }, tries = 1) {
  try {
    const answer = await fetch(`/api/data/${encodeURIComponent(name)}/files?${query({ path })}`, {
      method: "PUT", headers: { "Content-Type": "application/octet-stream" }, body: file,
    });
    if (answer.ok) return;
    const told = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(told.error || `${path}: the studio answered ${answer.status}`), { isSaid: answer.status < 500 });
  } catch (error) {
    if (error.isSaid || tries === TRIES) throw error.isSaid ? error : new Error(`${path}: ${error.message}`);
    await new Promise((done) => setTimeout(done, 700 * 2 ** tries));
    await put(name, { path, file }, tries + 1);
  }
}

async function entries(entry, above = "") {
  const path = above ? `${above}/${entry.name}` : entry.name;
  if (entry.isFile) return [{ path, file: await new Promise((done, fail) => entry.file(done, fail)) }];
  const reader = entry.createReader(), found = [];
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) break;
    for (const one of some) found.push(...await entries(one, path));
  }
  return found;
}

const listed = (files) => [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

// What can be sent, below one folder; hidden files and archives stay behind.
function sorted(given) {
  const kept = given.filter(({ path }) => !path.split("/").some((part) => part.startsWith(".")));
  const files = kept.filter(({ path }) => !/\.(zip|tar|gz|tgz|7z|rar)$/i.test(path));
  const tops = new Set(files.map(({ path }) => path.includes("/") ? path.split("/")[0] : ""));
  const top = tops.size === 1 ? [...tops][0] : "";
  return { top, archives: kept.length - files.length,
    files: top ? files.map(({ path, file }) => ({ path: path.slice(top.length + 1), file })) : files };
}

// A place to drop files at, or to choose them.
export function Drop({ title, take }) {
  const [said, say] = useState("");
  const [isOver, over] = useState(false);
  const given = async (found) => {
    const all = sorted(await found);
    say(all.archives ? "Archives are not read: unpack them, and choose the folder." : "");
    if (all.files.length) await take(all);
  };
  const dropped = (event) => {
    event.preventDefault();
    over(false);
    const found = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    given(Promise.all(found.map((entry) => entries(entry))).then((lists) => lists.flat())).catch((error) => say(error.message));
  };
  const chosen = (event) => given(listed(event.target.files)).catch((error) => say(error.message));
  return html`<div class="drop ${isOver ? "over" : ""}" onDragOver=${(event) => { event.preventDefault(); over(true); }}
      onDragLeave=${() => over(false)} onDrop=${dropped}><p>${title}</p>
    <p><label class="button">A folder<input class="hidden" id="choose-folder" type="file" webkitdirectory multiple onChange=${chosen} /></label>
      <label class="button">Files<input class="hidden" id="choose-files" type="file" multiple onChange=${chosen} /></label></p>
    ${said ? html`<p class="note" role="status">${said}</p>` : null}</div>`;
}

export function BringFiles() {
  const take = async ({ top, files }) => {
    const made = await post("/api/uploads", { name: top || "dropped" });
    send(made.name, files);
    go(`/data?${query({ name: made.name })}`);
  };
  return html`<${Drop} title="Or drop a folder or files here: they are copied into the studio, one by one." take=${take} />`;
}

export function Sending({ name, isNew }) {
  const state = useSending(name);
  const here = state && html`<p role="status">${state.done} of ${state.all} files ${state.isGoing ? "are here …" : "are here."}
    <span class="track wide"><i style=${{ width: `${(100 * state.done) / (state.all || 1)}%` }}></i></span></p>
    ${state.faults.length ? html`<div class="fault" role="alert">${state.faults.length} did not come: ${state.faults.slice(0, 5).map((each, place) =>
      html`<div key=${place}>${shown(each)}</div>`)}</div>` : null}`;
  return html`${here || null}${state?.isGoing ? null : html`<details open=${isNew && !state}><summary>Bring more files</summary>
    <${Drop} title="Drop the folder again: what is here already is not sent twice." take=${({ files }) => { send(name, files); }} /></details>`}`;
}
