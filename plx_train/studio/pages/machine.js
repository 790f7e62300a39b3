// The machine: what it has, what is wrong with it, its settings, and what happened. Screens have one element at their
// root: where a fragment's child comes late, this renderer puts it in the wrong place.
import { html, useState } from "ui";
import { post, useAnswer } from "./api.js";
import { Deed, usePolled } from "./deed.js";
import { Action, Command, Fault, shown, Wait, when } from "./parts.js";

const EVERY = 5000;
const giga = (mega) => `${(mega / 1024).toFixed(mega < 10240 ? 1 : 0)} GB`;

export function Machine() {
  const told = usePolled("/api/machine", EVERY);
  return html`<div><h1 tabindex="-1">Machine</h1>
    <${Wait} told=${told} what="the machine">${(machine) => html`<${Has} machine=${machine} /><${Settings} key=${`${machine.slots} ${machine.setStore}`} machine=${machine} />`}<//>
    <${Doctor} />
    ${told.value ? html`<${Places} machine=${told.value} />` : null}
    <${Happened} /></div>`;
}

function Has({ machine }) {
  const { memory, disk } = machine;
  return html`<ul class="tiles"><li><b>${machine.cores}</b>core${machine.cores === 1 ? "" : "s"}, load ${machine.load.toFixed(1)}</li>
      ${memory ? html`<li class=${memory.free < 2048 ? "warn" : ""}><b>${giga(memory.free)}</b>of ${giga(memory.total)} memory free</li>` : null}
      <li class=${disk.free < 5120 ? "warn" : ""}><b>${giga(disk.free)}</b>of ${giga(disk.total)} disk free</li>
      ${machine.cards.map((card) => html`<li key=${card.name}><b>${giga(card.memory)}</b>${shown(card.name)}</li>`)}</ul>
    <p class="note">${shown(machine.processor)}${machine.cards.length ? "" : ", no graphics card that can be used"}.</p>`;
}

function Settings({ machine }) {
  const [slots, setSlots] = useState(String(machine.slots));
  const [store, setStore] = useState(machine.setStore);
  const number = Number(slots), isFine = Number.isInteger(number) && number >= 1 && number <= 16;
  const isChanged = number !== machine.slots || store.trim() !== machine.setStore;
  return html`<section><h2>Settings</h2><div class="field plain"><label for="slots">Trainings at once</label>
    <input id="slots" type="number" min="1" max="16" value=${slots} onInput=${(event) => setSlots(event.target.value)} />
    <p class="note">Others wait in line. More than one is slower for each, unless there are several cards.</p></div>
    <div class="field plain"><label for="store">MLflow's store</label>
    <input id="store" value=${store} placeholder="beside the runs" spellcheck="false" onInput=${(event) => setStore(event.target.value)} />
    <p class="note">An address as in <code>http://mlflow:5000</code>, for records and registered models; every command is then given it as <code>tracking.uri=</code>.</p></div>
    <div class="actions"><${Action} disabled=${!isFine || !isChanged} work=${() => post("/api/settings", { slots: number, store })}>Set<//></div></section>`;
}

const KINDS = { ok: "finished", warn: "stopped", fail: "failed" };

function Doctor() {
  const jobs = useAnswer("/api/jobs", "jobs");
  const told = useAnswer("/api/doctor", "jobs");
  const checks = told.value?.report?.checks || [];
  const order = ["fail", "warn", "ok"];
  const sorted = [...checks].sort((one, other) => order.indexOf(one.status) - order.indexOf(other.status));
  return html`<section><h2>Examination</h2>
    <${Deed} overrides=${["mode=doctor", "doctor.json=true"]} title="Examine this machine" about=${{ about: "doctor" }}
      jobs=${jobs.value?.jobs || []}>Examine this machine<//>
    <${Fault} error=${told.error} />
    ${sorted.length ? html`<div class="scroll"><table><tbody>${sorted.map((check) => html`<tr key=${check.name}>
      <td><span class="status ${KINDS[check.status] || "waiting"}">${shown(check.status)}</span></td><td class="nowrap">${shown(check.name)}</td>
      <td>${shown(check.detail)}${check.hint ? html`<br /><b>${shown(check.hint)}</b>` : null}</td></tr>`)}</tbody></table></div>` : null}</section>`;
}

function Places({ machine }) {
  return html`<section><h2>Where things lie</h2><table><tbody>
      ${Object.entries(machine.places).map(([name, place]) => html`<tr key=${name}><td>${name}</td><td class="value">${shown(place)}</td></tr>`)}
      <tr><td>records of runs</td><td class="value">${shown(machine.store)}</td></tr></tbody></table>
    ${machine.storeAddress ? html`<p><a href=${machine.storeAddress} target="_blank" rel="noopener">MLflow's pages</a></p>`
      : machine.storeCommand ? html`<${Command} title="MLflow's own pages of all runs, at http://127.0.0.1:5000" text=${machine.storeCommand} />`
      : html`<p class="note">Nothing was recorded in MLflow yet.</p>`}
    <h3>Versions</h3><p class="note">${Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`).join(", ")}</p></section>`;
}

function Happened() {
  const events = useAnswer("/api/events", "jobs");
  const [most, more] = useState(30);
  return html`<section><h2>What happened</h2><${Wait} told=${events} what="events">${({ events: all }) => html`<table><tbody>
      ${all.slice(0, most).map((one, place) => html`<tr key=${place}><td class="nowrap">${when(one.at)}</td><td>${shown(one.text)}</td></tr>`)}
    </tbody></table>${all.length > most ? html`<button onClick=${() => more(most + 200)}>${all.length - most} more</button>` : null}
    ${all.length ? null : html`<p class="soft">Nothing yet.</p>`}`}<//></section>`;
}
