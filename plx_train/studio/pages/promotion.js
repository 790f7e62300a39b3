// The way of a model to an alias: what is asked, and each gate with what was found.
import { html, useState } from "ui";
import { query, useAnswer } from "./api.js";
import { Deed } from "./deed.js";
import { Fault, shown, Wait, when } from "./parts.js";

// Where a model runs: by the recipe that made it, for models of one room may be for several pipelines.
export const placeOf = (model) => model.places.find((one) => one.registered === model.recipe)
  || model.places.find((one) => one.registered === model.room) || model.places[0];

export function Promotion({ model, jobs }) {
  const registry = useAnswer("/api/registry", "jobs");
  const own = placeOf(model);
  const [name, setName] = useState(own?.registered || model.room);
  const [alias, setAlias] = useState("champion");
  const [reason, setReason] = useState("");
  const [isForced, force] = useState(false);
  const place = model.places.find((one) => one.registered === name);
  const names = [...new Set([...model.places.map((one) => one.registered),
    ...(registry.value?.models || []).filter((one) => one.versions.some((version) => version.module === model.room)).map((one) => one.name)])];
  const overrides = ["mode=promote", `run=${model.run.folder}`, `registered=${name}`, `alias=${alias}`,
    ...(place || !own ? [] : [`pipeline=${own.pipeline}`, `part=${own.part}`]),
    ...(isForced ? ["force=true"] : []), ...(reason ? [`reason=${JSON.stringify(reason)}`] : [])];
  const about = { model: model.run.name, deed: "promote" };
  const last = jobs.find((job) => job.about.model === about.model && job.about.deed === "promote");
  return html`<section><h2>Promotion</h2>
    <p class="note">It becomes a version, four gates are judged, and the alias moves if all of them hold. What names the alias, a pipeline or a server, has the model then.</p>
    <div class="field plain"><label for="promote-name">Registered as</label><input id="promote-name" list="promote-names" value=${name} spellcheck="false" onInput=${(event) => setName(event.target.value)} />
      <datalist id="promote-names">${names.map((one) => html`<option key=${one} value=${one}></option>`)}</datalist>
      <p class="note">${place ? `Runs as ${place.part} of ${place.pipeline}.` : own ? `A name of your own: judged as ${own.part} of ${own.pipeline}.` : "No pipeline is known that it runs in."}</p></div>
    <div class="field plain"><label for="promote-alias">Alias</label><input id="promote-alias" value=${alias} spellcheck="false" onInput=${(event) => setAlias(event.target.value)} /></div>
    <details><summary>Whatever the gates say</summary>
      <p><label><input type="checkbox" checked=${isForced} onChange=${(event) => force(event.target.checked)} /> Move the alias although a gate fails</label></p>
      <div class="field plain"><label for="promote-reason">Reason</label><input id="promote-reason" value=${reason} onInput=${(event) => setReason(event.target.value)} />
        <p class="note">Kept in the ledger; forcing needs one.</p></div></details>
    <${Deed} kind="main" overrides=${overrides} title="Promote ${model.run.name} to ${name}@${alias}" about=${about} jobs=${jobs}>Promote to ${name}@${alias}<//>
    ${last && registry.value ? html`<${Verdict} entry=${entryOf(registry.value.ledger, last)} isOver=${last.ended} />` : null}
    ${registry.error ? html`<${Fault} error=${registry.error} />` : null}</section>`;
}

// What a command wrote into the ledger while it ran.
const entryOf = (ledger, job) => ledger.find((entry) => job.began && entry.when >= job.began - 1 && entry.when <= (job.ended || Infinity) + 1);

export const OUTCOMES = { promoted: "finished", "rolled back": "finished", forced: "stopped", refused: "failed", interrupted: "failed" };

function Verdict({ entry, isOver }) {
  if (!entry) return isOver ? html`<p class="note">No gate was judged: its log says why.</p>` : null;
  return html`<div class="card"><p><span class="status ${OUTCOMES[entry.outcome] || "waiting"}">${shown(entry.outcome)}</span>
    ${" "}<a href="#/registered?${query({ name: entry.model })}">${shown(entry.model)}</a> version ${entry.target}${entry.outcome === "unchanged" ? " has the alias already, so nothing was judged" : ""}</p>
    <${Gates} gates=${entry.gates} /></div>`;
}

export function Gates({ gates }) {
  return gates.length ? html`<ul class="verdicts">${gates.map((gate) => html`<li key=${gate.name}><b>${shown(gate.name)}</b>
    <span class="status ${gate.ok ? "finished" : "failed"}">${gate.ok ? "holds" : "fails"}</span><span>${shown(gate.detail)}</span></li>`)}</ul>` : null;
}

// One registered model: versions, every attempt, and the way back.
export function RegisteredModel({ given }) {
  const registry = useAnswer("/api/registry", "jobs");
  const jobs = useAnswer("/api/jobs", "jobs");
  return html`<div><h1 tabindex="-1">${shown(given.name || "")}</h1><${Wait} told=${registry} what="the registry">${(told) => {
    const model = told.models.find((one) => one.name === given.name);
    if (!model) return html`<${Fault} error="No model of this name is registered." />`;
    const attempts = told.ledger.filter((entry) => entry.model === model.name);
    return html`<${Versions} model=${model} jobs=${jobs.value?.jobs || []} />
      ${Object.keys(model.aliases).map((alias) => html`<${Back} key=${alias} model=${model} alias=${alias} jobs=${jobs.value?.jobs || []} />`)}
      <section><h2>History</h2>${attempts.map((entry) => html`<${Attempt} key=${entry.run_id} entry=${entry} />`)}
      ${attempts.length ? null : html`<p class="soft">No attempt is on record.</p>`}</section>`;
  }}<//></div>`;
}

function Versions({ model, jobs }) {
  const measured = [...new Set(model.versions.map((one) => one.metric).filter(Boolean))];
  const inUse = Object.keys(model.aliases)[0];
  return html`${model.place && inUse ? html`<div class="actions"><a class="button main" href="#/pipeline?${query({
      source: model.place.pipeline, [model.place.part]: `models:/${model.name}@${inUse}` })}">Try and serve ${inUse}</a></div>` : null}
    <section><h2>Versions</h2><div class="scroll"><table><thead><tr><th>version</th><th>alias</th><th class="num">${shown(measured.join(", ") || "metric")}</th><th>data</th><th>module</th><th></th><th></th></tr></thead><tbody>
    ${model.versions.map((one) => html`<tr key=${one.version}><td>${one.version}</td>
      <td>${one.aliases.map((alias) => html`<span key=${alias} class="status finished">${shown(alias)}</span> `)}</td>
      <td class="num">${one.value ? Number(one.value).toPrecision(4) : "–"}</td><td><code>${shown((one.dataset_fingerprint || "").slice(0, 12))}</code></td>
      <td>${shown(one.module || "")}${one.weights ? `, of ${shown(one.weights)}` : ""}</td>
      <td>${model.place ? html`<a href="#/pipeline?${query({ source: model.place.pipeline, [model.place.part]: `models:/${model.name}/${one.version}` })}"
        aria-label="Try version ${one.version}">Try</a>` : null}</td>
      <td>${one.aliases.length ? null : html`<details><summary>Delete</summary><${Deed} overrides=${["mode=promote", `delete=${one.version}`, `registered=${model.name}`]}
        title="Delete version ${one.version} of ${model.name}" about=${{ registered: model.name, deed: `delete ${one.version}` }} jobs=${jobs}>Delete version ${one.version}<//></details>`}</td></tr>`)}
  </tbody></table></div></section>`;
}

function Back({ model, alias, jobs }) {
  const mine = jobs.some((job) => job.about.registered === model.name && job.about.deed === `rollback ${alias}`);
  if (!model.before[alias] && !mine) return null;
  return html`<section><h2>Back</h2><p class="note">${shown(alias)} is version ${model.aliases[alias]}. ${model.before[alias] ? `Going back leads to version ${model.before[alias]}.` : "No version is known before it."}</p>
    <${Deed} overrides=${["mode=promote", "rollback=true", `registered=${model.name}`, `alias=${alias}`]} title="Back: ${model.name}@${alias}"
      about=${{ registered: model.name, deed: `rollback ${alias}` }} jobs=${jobs} disabled=${!model.before[alias]}>Go back${model.before[alias] ? ` to version ${model.before[alias]}` : ""}<//></section>`;
}

function Attempt({ entry }) {
  return html`<details class="attempt"><summary><span class="status ${OUTCOMES[entry.outcome] || "waiting"}">${shown(entry.outcome)}</span>
    ${" "}${shown(entry.alias || entry.action)}${entry.former ? ` ${entry.former} →` : ""} version ${entry.target}, ${when(entry.when)}, ${shown(entry.who)}</summary>
    ${entry.reason ? html`<p>${shown(entry.reason)}</p>` : null}<${Gates} gates=${entry.gates} />
    ${entry.gates.length || entry.reason ? null : html`<p class="soft">Nothing more is on record.</p>`}</details>`;
}
