// Models: those that are registered, and the exports of runs.
import { html, useState } from "ui";
import { query, useAnswer } from "./api.js";
import { Empty, number, shown, Wait, when } from "./parts.js";
import { metric } from "./evaluation.js";

export function Models() {
  const exports = useAnswer("/api/models", "runs");
  const registry = useAnswer("/api/registry", "jobs");
  return html`<div><h1 tabindex="-1">Models</h1>
    <section><h2>Registered</h2><p class="note">A version never changes; an alias says which one is in use.</p>
      <${Wait} told=${registry} what="the registry, which takes some seconds at first">${(told) => html`<${Registered} told=${told} />`}<//></section>
    <section><h2>Exports of runs</h2><${Wait} told=${exports} what="exports">${({ exports: all }) => html`<${Exports} all=${all} />`}<//></section></div>`;
}

function Registered({ told }) {
  if (!told.models.length) {
    return html`<${Empty} title="Nothing is registered yet"><p>${told.hasStore ? "Choose an export below and promote it."
      : `There is no registry: ${shown(told.why)}. Exports can be tried, served and frozen all the same.`}</p><//>`;
  }
  return html`<div class="cards">${told.models.map((model) => html`<a class="card pick" key=${model.name} href="#/registered?${query({ name: model.name })}">
    <h3>${shown(model.name)}</h3>
    ${Object.entries(model.aliases).map(([alias, version]) => html`<p key=${alias}><span class="status finished">${shown(alias)}</span> version ${version}${reached(model, version)}</p>`)}
    <p class="note">${model.versions.length} version${model.versions.length === 1 ? "" : "s"}</p></a>`)}</div>`;
}

function reached(model, version) {
  const found = model.versions.find((one) => one.version === version);
  return found?.metric ? `, ${shown(found.metric)} ${number(Number(found.value))}` : "";
}

function Exports({ all }) {
  const [sought, set] = useState("");
  const [most, more] = useState(100);
  if (!all.length) return html`<${Empty} title="No run has an export yet"><p>Every run that ends well has one. <a href="#/train">Train something.</a></p><//>`;
  const found = all.filter((one) => `${one.name} ${one.room} ${one.recipe} ${one.dataset}`.toLowerCase().includes(sought.toLowerCase()));
  return html`<div class="field plain"><label for="seek-models">Search ${all.length} exports</label>
    <input id="seek-models" type="search" value=${sought} onInput=${(event) => set(event.target.value)} /></div>
    <div class="scroll"><table><thead><tr><th>run</th><th>module</th><th>data</th><th class="num">metric</th><th>made</th></tr></thead><tbody>
    ${found.slice(0, most).map((one) => html`<tr key=${one.name}><td><a href="#/model?${query({ name: one.name })}">${shown(one.name)}</a></td>
      <td>${shown(one.recipe || one.room)}</td><td>${shown(one.dataset.split("/").pop())}</td>
      <td class="num">${one.value === null ? "–" : html`${number(one.value)} <span class="soft">${shown(metric(one.monitor))}</span>`}</td>
      <td class="nowrap">${when(one.at)}</td></tr>`)}</tbody></table></div>
    ${found.length > most ? html`<button onClick=${() => more(most + 200)}>${found.length - most} more</button>` : null}`;
}
