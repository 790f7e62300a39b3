// Puts a training together: a card, the options that matter first, the command that it is.
import { html, useEffect, useMemo, useState } from "ui";
import { ask, post, useAnswer } from "./api.js";
import { Action, Command, duration, Fault, go, number, shown, Wait } from "./parts.js";

export function Train({ given }) {
  const told = useAnswer("/api/modules");
  return html`<div><h1 tabindex="-1">Train</h1>
    <${Wait} told=${told} what="what can be trained">${({ modules }) => given.module
      ? html`<${Setup} key=${JSON.stringify(given)} one=${modules.find((each) => each.name === given.module)} given=${given} />`
      : html`<${Cards} modules=${modules} />`}<//></div>`;
}

function Cards({ modules }) {
  return html`<p>What is to be learned?</p><div class="cards">${modules.map((one) => html`
    <a class="card pick" key=${one.name} href="#/train?module=${one.name}">
      <h3>${one.name}</h3><p>${shown(one.sentence)}</p>
      ${one.reached ? html`<p class="note">${shown(one.reached)}</p>` : null}</a>`)}</div>`;
}

function Setup({ one, given }) {
  const form = useAnswer(`/api/form?module=${encodeURIComponent(one?.name || "")}`);
  const [values, set] = useState({ "trainer.max_time": given.time || "10m",
    ...Object.fromEntries(Object.entries(given).filter(([key]) => key.startsWith("dataset."))) });
  const [root, setRoot] = useState(given.root || "");
  const [isWatched, setWatched] = useState({});
  const isSweep = Object.entries(values).some(([key, value]) => varies(form.value, key, value));
  const overrides = useMemo(() => [
    ...(isSweep ? ["-m"] : []), `module=${one?.name}`, ...(root ? [`dataset.root=${root}`] : []),
    ...(given.corrections ? [`dataset.corrections=${given.corrections}`] : []),
    ...Object.entries(values).filter(([, value]) => value !== "").map(([key, value]) => `${key}=${value}`),
  ], [root, values, isSweep]);
  useEffect(() => {
    let isWanted = true;
    const asked = setTimeout(() => ask("/api/command", { overrides }).then(
      (answer) => isWanted && setWatched(answer), (error) => isWanted && setWatched({ error: error.message })), 150);
    return () => { isWanted = false; clearTimeout(asked); };
  }, [overrides]);
  const begin = async () => {
    const on = root ? root.split("/").filter(Boolean).pop() : one.dataset || "pages";
    const job = await post("/api/jobs", { overrides, title: `${isSweep ? "Sweep" : "Train"} ${one.name} on ${on}` });
    go(`/run?name=${encodeURIComponent(job.output.replace(/^outputs\//, ""))}`);
  };
  if (!one) return html`<${Fault} error="There is no such module." />`;
  const change = (key, value) => set({ ...values, [key]: value });
  return html`<div><p class="over">${one.name}</p><p>${shown(one.sentence)} <a href="#/train">Another one</a></p>
    <div class="field"><label for="root"><span class="words">Folder of the data</span> dataset.root</label>
      <input id="root" value=${root} placeholder=${`the embedded ${one.dataset || "pages"}`} spellcheck="false"
        onInput=${(event) => setRoot(event.target.value)} />
      <p class="note">In whatever format: it is found, checked, and told.
        ${given.corrections ? html` Labels as they are mended in ${shown(given.corrections)}.` : null}</p></div>
    <${Wait} told=${form} what="the options">${({ first, rest, last }) => html`
      ${last ? html`<p class="note">The last one here took ${duration(last.seconds)}
        ${last.value === null ? null : ` and reached ${shown(last.monitor.replace("val/", ""))} ${number(last.value)}`}.</p>` : null}
      ${first.map((field) => html`<${Field} key=${field.key} field=${field} value=${values[field.key]} change=${change} />`)}
      <${Rest} fields=${rest} values=${values} change=${change} />`}<//>
    <div class="bottom"><${Fault} error=${isWatched.error} />
      ${values["dataset.pool"] ? html`<p class="note">Labels alone are learned first, then the unlabelled images in two rounds;
        the time is shared out, and the better one is kept.</p>` : null}
      ${isSweep ? html`<p class="note">Several values: one run for each, compared in a report.</p>` : null}
      <${Action} kind="main" work=${begin} disabled=${Boolean(isWatched.error)}>${isSweep ? "Sweep" : "Train"}<//>
      ${isWatched.command ? html`<${Command} text=${isWatched.command} />` : null}</div></div>`;
}

// Whether a value is several: 1e-4,3e-4 or interval(1e-5, 1e-3).
function varies(form, key, value) {
  const field = [...(form?.first || []), ...(form?.rest || [])].find((one) => one.key === key);
  return /^(interval|choice|range)\(/.test(value) || (Boolean(field) && !field.isList && /^[^[{'"]*,/.test(value));
}

function Rest({ fields, values, change }) {
  const [sought, set] = useState("");
  const changed = fields.filter((field) => values[field.key]);
  const found = sought ? fields.filter((field) => `${field.key} ${field.sentence}`.toLowerCase().includes(sought.toLowerCase()))
    : fields;
  return html`<details><summary>All ${fields.length} other options${changed.length ? `, ${changed.length} changed` : ""}</summary>
    <div class="field"><label for="seek">Search</label>
      <input id="seek" type="search" value=${sought} onInput=${(event) => set(event.target.value)} /></div>
    ${found.map((field) => html`<${Field} key=${field.key} field=${field} value=${values[field.key]} change=${change} />`)}
    ${found.length ? null : html`<p class="soft">No option has these words.</p>`}</details>`;
}

export function Field({ field, value = "", change }) {
  const id = `option-${field.key}`;
  const say = (event) => change(field.key, event.target.value);
  const choices = field.choices || (field.type === "bool" ? ["true", "false"] : null);
  return html`<div class="field ${value !== "" && value !== field.default ? "changed" : ""}"><label for=${id}>${field.title ? html`<span class="words">${field.title}</span> ` : null}${field.key}</label>
    ${choices ? html`<select id=${id} value=${value} onChange=${say}>
        <option value="">${field.default || "null"} (as the recipe has it)</option>
        ${choices.filter((each) => each !== field.default).map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
      </select>`
    : html`<input id=${id} value=${value} placeholder=${field.default || "null"} spellcheck="false" onInput=${say} />`}
    <p class="note">${shown(field.sentence.replaceAll("`", ""))} ${choices ? null : html`<span class="takes">Takes ${shown(field.takes)}.</span>`}</p></div>`;
}
