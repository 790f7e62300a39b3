// Data: what is known, what can be brought, and the way to one dataset.
import { html, useState } from "ui";
import { post, query, useAnswer } from "./api.js";
import { DataSet } from "./dataset.js";
import { Action, counted, Empty, go, shown, Wait, when } from "./parts.js";
import { BringFiles } from "./upload.js";

export function Data({ given }) {
  return given.name ? html`<${DataSet} name=${given.name} key=${given.name} />` : html`<${Shelf} />`;
}

const open = (one) => go(`/data?${query({ name: one.name })}`);

function Shelf() {
  const told = useAnswer("/api/data", "data", "jobs");
  return html`<div><h1 tabindex="-1">Data</h1>
    <${Bring} />
    <${Wait} told=${told} what="datasets">${({ datasets, embedded, forgotten }) => html`
      <section><h2>Known here</h2>${datasets.length ? html`<div class="cards">
        ${datasets.map((one) => html`<${Card} key=${one.name} one=${one} />`)}</div>`
        : html`<${Empty} title="No data yet"><p>Choose a folder above, or try it with what is here already.</p><//>`}
        ${forgotten.length ? html`<details><summary>${forgotten.length} forgotten</summary><ul class="plain-list">${forgotten.map((one) => html`<li key=${one.name}>
          ${shown(one.name)} <span class="soft">${shown(one.root || "")}</span>${" "}
          <${Action} kind="small" work=${() => post(`/api/data/${encodeURIComponent(one.name)}/forget`, { is_forgotten: false })} label="Take ${one.name} back">Take it back<//></li>`)}</ul></details>` : null}</section>
      <section><h2>Try it with</h2><div class="cards">${embedded.map((one) => html`<article class="card" key=${one.name}>
        <h3>${one.dataset || "pages"}</h3><p>for ${one.name}: ${shown(one.sentence)}</p>
        <${Action} work=${async () => { const made = await post("/api/data", { embedded: one.name });
          await post(`/api/data/${made.name}/check`); open(made); }} label="Look at ${one.dataset || "pages"}">Look at it<//>
      </article>`)}</div></section>`}<//></div>`;
}

function Card({ one }) {
  const found = one.version;
  return html`<a class="card pick" href="#/data?${query({ name: one.name })}"><h3>${shown(one.name)}</h3>
    <p class="note">${one.module ? shown(one.module) : "nobody said yet what for"}</p>
    <p>${found ? html`<span class="status ${found.num_errors ? "failed" : "finished"}">${found.num_errors ? counted(found.num_errors, "error") : "no error"}</span>
      ${` ${counted(found.num_warnings, "warning")}`}` : html`<span class="soft">not checked</span>`}</p>
    <p class="note">${found ? `${shown(found.division || "")} ${when(found.at)}` : shown(one.root || "")}</p></a>`;
}

function Bring() {
  const [path, set] = useState("");
  const [isOpen, look] = useState(false);
  const add = async () => open(await post("/api/data", { root: path }));
  return html`<section class="bring"><h2>Bring data</h2>
    <div class="row"><label for="folder">A folder of this machine</label>
      <input id="folder" value=${path} spellcheck="false" placeholder="/home/me/pictures" onInput=${(event) => set(event.target.value)}
        onKeyDown=${(event) => { if (event.key === "Enter" && path) add().catch(() => look(true)); }} />
      <button onClick=${() => look(!isOpen)} aria-expanded=${isOpen}>Browse</button>
      <${Action} kind="main" work=${add} disabled=${!path}>Add<//></div>
    <p class="note">In whatever format. Nothing in it is ever changed.</p>
    ${isOpen ? html`<${Picker} path=${path} set=${set} />` : null}<${BringFiles} /></section>`;
}

function Picker({ path, set }) {
  const told = useAnswer(`/api/folders?${query({ path })}`);
  const [kept, keep] = useState(null);
  if (told.value && told.value !== kept) keep(told.value);
  const here = told.value || kept;
  const step = (name) => set(`${here.path === "/" ? "" : here.path}/${name}`);
  if (!here) return html`<${Wait} told=${told} what="folders">${() => null}<//>`;
  return html`<div class="picker card"><p><b>${shown(here.path)}</b> <span class="soft">${here.images} images, ${here.tables} tables in it</span></p>
    ${told.error ? html`<p class="note">${shown(told.error.message)}</p>` : null}
    <ul>${here.above ? html`<li><button class="small" onClick=${() => set(here.above)}>one up</button></li>` : null}
      ${here.folders.map((name) => html`<li key=${name}><button class="small" onClick=${() => step(name)}>${shown(name)}</button></li>`)}
      ${here.more ? html`<li class="soft">${here.more} more</li>` : null}</ul></div>`;
}
