// Pipelines: which there are, and one that is put together.
import { html, useEffect, useState } from "ui";
import { post, query, useAnswer } from "./api.js";
import { Deed } from "./deed.js";
import { Keep, title } from "./keep.js";
import { asOverrides, Parameters } from "./parameters.js";
import { Action, Fault, go, number, shown, Wait, when } from "./parts.js";
import { Servers } from "./servers.js";

export function Pipelines() {
  const told = useAnswer("/api/pipelines", "jobs");
  return html`<div><h1 tabindex="-1">Pipelines</h1><p>A pipeline is one model, or several that work together. Choose its models, try it, serve it.</p>
    <${Servers} />
    <${Wait} told=${told} what="pipelines">${({ pipelines }) => html`
      ${pipelines.some((one) => one.isSaved) ? html`<section><h2>Your own</h2><${Cards} list=${pipelines.filter((one) => one.isSaved)} /></section>` : null}
      ${pipelines.some((one) => one.isFrozen) ? html`<section><h2>Frozen</h2><${Cards} list=${pipelines.filter((one) => one.isFrozen)} /></section>` : null}
      <section><h2>Put one together</h2><${Cards} list=${pipelines.filter((one) => !one.isSaved && !one.isFrozen)} /></section>`}<//></div>`;
}

function Cards({ list }) {
  return html`<div class="cards">${list.map((one) => html`<a class="card pick" key=${one.source} href="#/pipeline?${query({ source: one.source })}">
    <h3>${shown(title(one.source))}</h3>
    ${one.fault ? html`<${Fault} error=${one.fault} />` : html`<p>${shown((one.sentence || "").split(". ")[0])}</p>
      <p class="note">${one.parts.filter((part) => !part.isOptional).map((part) => part.key).join(" + ") || one.parts.map((part) => part.key).join(", ")}</p>`}</a>`)}</div>`;
}

export function Pipeline({ given }) {
  const told = useAnswer("/api/pipelines", "jobs");
  return html`<div><h1 tabindex="-1">${shown(title(given.source || ""))}</h1><${Wait} told=${told} what="the pipeline">${({ pipelines }) => {
    const one = pipelines.find((each) => each.source === given.source);
    if (!one || one.fault) return html`<${Fault} error=${one?.fault || "There is no such pipeline."} />`;
    return html`<${Setup} key=${one.source} one=${one} given=${given} />`;
  }}<//></div>`;
}

function Setup({ one, given }) {
  const exports = useAnswer("/api/models", "runs");
  const registry = useAnswer("/api/registry", "jobs");
  const jobs = useAnswer("/api/jobs", "jobs");
  const [models, setModels] = useState(Object.fromEntries(one.parts.filter((part) => given[part.key]).map((part) => [part.key, given[part.key]])));
  const [values, setValues] = useState({});
  const [follows, setFollows] = useState(false);
  const choices = Object.fromEntries(one.parts.map((part) => [part.key, choicesOf(part, exports.value, registry.value)]));
  // Where nothing else can be meant, the newest of one's own is.
  useEffect(() => setModels((before) => Object.fromEntries(one.parts
    .map((part) => [part.key, before[part.key] ?? (needed(part) ? choices[part.key][0]?.value : undefined)])
    .filter(([, model]) => model))), [exports.value, registry.value]);
  const missing = one.parts.filter((part) => needed(part) && !models[part.key]);
  const hasAlias = Object.values(models).some((model) => model.includes("@"));
  const overrides = ["mode=serve", `pipeline=${one.source}`, ...Object.entries(models).map(([part, model]) => `models.${part}=${model}`),
    ...asOverrides(values), ...(hasAlias && follows ? ["serve.follow=true"] : []), "serve.port=0"];
  const kept = one.parameters.filter((parameter) => parameter.isKept);
  const choose = (part, model) => setModels((before) => {
    const { [part]: _, ...others } = before;
    return model ? { ...others, [part]: model } : others;
  });
  const removed = async () => { await post("/api/pipelines/remove", { source: one.source }); go("/pipelines"); };
  return html`<div><p>${shown((one.sentence || "").split(". ")[0])}. <a href="#/pipelines">Another one</a></p>
    <section><h2>Models</h2>${one.parts.map((part) => html`<${PartChoice} key=${part.key} part=${part} list=${choices[part.key]}
      value=${models[part.key] || ""} choose=${choose} isReading=${!exports.value || !(registry.value || registry.error)} />`)}
      ${registry.error ? html`<${Fault} error=${registry.error} />` : null}</section>
    ${kept.length ? html`<section><h2>Parameters</h2><p class="note">Left empty, each is the model's own. They can be tried live once it is served.</p>
      <${Parameters} list=${kept} values=${values} change=${(name, value) => setValues((before) => ({ ...before, [name]: value }))} /></section>` : null}
    <section><h2>Try and serve</h2>${one.endpoint ? html`
      ${hasAlias ? html`<p><label><input type="checkbox" checked=${follows} onChange=${(event) => setFollows(event.target.checked)} /> Take over new versions of the aliases while it serves</label></p>` : null}
      ${missing.length ? html`<p class="note">${missing.map((part) => part.key).join(", ")}: choose a model first. <a href="#/train">Train one</a>, or export a run.</p>` : null}
      <${Deed} kind="main" overrides=${overrides} title="Serve ${title(one.source)}" about=${{ serve: one.source }} disabled=${missing.length > 0}
        began=${(job) => go(`/server?${query({ job: job.id })}`)}>Serve and try<//>` : html`<p>Its file declares no endpoint, so it can't be served.</p>`}</section>
    ${one.isFrozen ? null : html`<section><h2>Keep it</h2>${missing.length ? html`<p class="note">With all its models chosen it can be saved and frozen.</p>`
      : html`<${Keep} pipeline=${one} models=${models} values=${values} jobs=${jobs.value?.jobs || []} />`}
      ${one.isSaved ? html`<p><${Action} work=${removed}>Delete this file<//></p>` : null}</section>`}</div>`;
}

const needed = (part) => !part.isOptional && !part.published && !part.given;

function choicesOf(part, exports, registry) {
  const own = (exports?.exports || []).filter((one) => one.room === part.module).flatMap((one) => [
    { value: one.folder, text: `${one.name}${one.value === null ? "" : `, ${one.monitor.replace("val/", "")} ${number(one.value)}`}, ${when(one.at)}` },
    ...(one.isInt8 ? [{ value: `${one.folder}/export_int8`, text: `${one.name}, in int8` }] : []),
  ]);
  const registered = (registry?.models || []).filter((one) => part.registered.includes(one.name)
    || one.versions.some((version) => version.module === part.module)).flatMap((one) => [
    ...Object.entries(one.aliases).map(([alias, version]) => ({ value: `models:/${one.name}@${alias}`, text: `${one.name}@${alias}, now version ${version}` })),
    ...one.versions.map((version) => ({ value: `models:/${one.name}/${version.version}`, text: `${one.name} version ${version.version}` })),
  ]);
  return [...registered, ...own];
}

function PartChoice({ part, list, value, choose, isReading }) {
  const id = `part-${part.key}`;
  const none = part.given ? `as in the file: ${part.given}` : part.published && !part.isOptional
    ? `${part.published.name}, published` : part.isOptional ? "left out" : list.length ? "choose …" : isReading ? "reading …" : `no model of ${part.module} is here yet`;
  const isKnown = !value || list.some((one) => one.value === value);
  return html`<div class="field ${value ? "changed" : ""}"><label for=${id}>${part.key}</label>
    <select id=${id} value=${value} onChange=${(event) => choose(part.key, event.target.value)}>
      <option value="">${shown(none)}</option>${isKnown ? null : html`<option value=${value}>${shown(value)}</option>`}
      ${list.map((one) => html`<option key=${one.value} value=${one.value}>${shown(one.text)}</option>`)}</select>
    <p class="note">Takes a model of ${part.module}.${part.published && !value ? ` ${part.published.name} is ${part.published.megabytes} MB, ${part.published.licence}; fetched when it is first used.` : ""}</p></div>`;
}
