// What a model reaches on other data, beside what its training reached.
import { html, useState } from "ui";
import { query, useAnswer } from "./api.js";
import { Deed } from "./deed.js";
import { number, shown } from "./parts.js";

export const metric = (name) => (name || "").replace(/^val\//, "");

export function Evaluation({ model, jobs }) {
  const [root, set] = useState("");
  const known = useAnswer("/api/data", "data").value?.datasets || [];
  const { run, evaluations } = model;
  const own = Object.entries(run.metrics || {}).filter(([name]) => name.startsWith("val/")).map(([name]) => name);
  const names = [...new Set([run.monitor, ...own.filter((name) => !name.endsWith("_official"))])].filter((name) => name && run.metrics?.[name] !== undefined);
  return html`<section><h2>What it reaches</h2>
    <div class="scroll"><table><thead><tr><th>on</th>${names.map((name) => html`<th class="num" key=${name}>${shown(metric(name))}</th>`)}</tr></thead><tbody>
      <tr><td>its own validation data</td>${names.map((name) => html`<td class="num" key=${name}>${number(run.metrics[name])}</td>`)}</tr>
      ${evaluations.map((one) => html`<tr key=${one.job}><td><a href="#/run?${query({ job: one.job })}">${shown(one.data || "its own data, again")}</a></td>
        ${names.map((name) => html`<td class="num" key=${name}>${number(one.metrics[name])}${change(one.metrics[name], run.metrics[name])}</td>`)}</tr>`)}
    </tbody></table></div>
    ${evaluations.filter((one) => one.overlays.length).map((one) => html`<details key=${one.job}><summary>Worst samples of ${shown(one.data || "its own data")}</summary>
      <div class="gallery">${one.overlays.slice(0, 12).map((picture) => html`<figure key=${picture}><img loading="lazy" alt=${picture}
        src="/api/run/overlay?${query({ name: one.run, picture })}" /><figcaption>${shown(picture)}</figcaption></figure>`)}</div></details>`)}
    <div class="field plain"><label for="evaluate-root">Folder of other data</label>
      <input id="evaluate-root" list="evaluate-roots" value=${root} placeholder="its own data" spellcheck="false" onInput=${(event) => set(event.target.value)} />
      <datalist id="evaluate-roots">${known.filter((one) => one.root).map((one) => html`<option key=${one.name} value=${one.root}>${shown(one.name)}</option>`)}</datalist>
      <p class="note">In whatever format; its validation split is what counts.</p></div>
    <${Deed} overrides=${["mode=evaluate", `run=${run.folder}`, ...(root ? [`dataset.root=${root}`] : [])]}
      title="Evaluate ${run.name}${root ? ` on ${root.split("/").filter(Boolean).pop()}` : ""}" about=${{ model: run.name, deed: "evaluate" }} jobs=${jobs}>Evaluate<//></section>`;
}

function change(value, before) {
  if (typeof value !== "number" || typeof before !== "number") return null;
  if (value === before) return html` <span class="soft">equal</span>`;
  return html` <span class="soft">${value > before ? "+" : "−"}${number(Math.abs(value - before))}</span>`;
}
