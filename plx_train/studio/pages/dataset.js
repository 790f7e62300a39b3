// One dataset: what is to be learned from it, what its check found, and what to do next.
import { html, useState } from "ui";
import { get, post, query, useAnswer } from "./api.js";
import { Browse } from "./browse.js";
import { Findings } from "./findings.js";
import { Action, Command, go, Log, number, shown, Status, Wait, when } from "./parts.js";
import { Suspects } from "./suspects.js";
import { Field } from "./train.js";
import { Sending, useSending } from "./upload.js";

export function DataSet({ name }) {
  const path = `/api/data/${encodeURIComponent(name)}`;
  const told = useAnswer(path, "data", "jobs");
  const [kept, keep] = useState(null);
  if (told.value && told.value !== kept) keep(told.value);
  const one = told.value || kept;
  const isComing = useSending(name)?.isGoing;
  return html`<div><p class="over"><a href="#/data">Data</a>${one?.module ? ` for ${one.module}` : ""}</p>
    <h1 tabindex="-1">${shown(name)}</h1>
    ${one ? html`<p class="note">${shown(one.folder)}${one.source ? `, a mended copy of ${shown(one.source)}` : ""}</p>
      ${one.is_taken_in ? html`<${Sending} name=${name} isNew=${!one.module} />` : null}${one.module ? html`<${Known} one=${one} path=${path} />`
      : isComing ? null : html`<${Purpose} path=${path} />`}` : html`<${Wait} told=${told} what="the dataset">${() => null}<//>`}</div>`;
}

function Purpose({ path }) {
  const told = useAnswer(`${path}/fitting`);
  const choose = async (module) => { await post(`${path}/module`, { module }); await post(`${path}/check`); };
  const cards = (modules) => html`<div class="cards">${modules.map((one) => html`<article class="card" key=${one.name}>
    <h3>${one.name}</h3><p>${shown(one.sentence)}</p>${one.words ? html`<p class="note">Seen: ${shown(one.words)}</p>` : null}
    <${Action} work=${() => choose(one.name)} kind=${one.fits ? "main" : ""} label="Learn ${one.name}">This<//></article>`)}</div>`;
  return html`<h2>What is to be learned from it?</h2><${Wait} told=${told} what="the folder">${({ modules }) => html`
    ${cards(modules.filter((one) => one.fits))}
    <details open=${!modules.some((one) => one.fits)}><summary>Something else</summary>
      ${cards(modules.filter((one) => !one.fits))}</details>`}<//>`;
}

function Known({ one, path }) {
  const { value } = useAnswer("/api/jobs", "jobs");
  const [isChoosing, choose] = useState(false);
  const mine = (value?.jobs || []).filter((job) => job.about.dataset === one.name);
  const going = mine.filter((job) => job.state === "running" || job.state === "queued");
  const last = mine.filter((job) => job.state !== "queued").sort((a, b) => b.made - a.made)[0];
  const isLost = last && !going.length && last.state !== "done";
  // Asked at the click: the page may not have heard of the last mend yet.
  const train = async () => {
    const now = await get(path);
    go(`/train?${query({ module: now.module, ...(now.root ? { root: now.root } : {}), ...(now.corrections ? { corrections: now.corrections } : {}), ...now.options })}`);
  };
  const check = one.check, isBare = Boolean(one.counts.all) && one.counts.unlabelled === one.counts.all;
  return html`${going.map((job) => html`<p key=${job.id} role="status"><${Status} state=${job.state} /> ${shown(job.title)} …</p>`)}
    ${isLost ? html`<${LastLog} job=${last} />` : null}
    ${check ? html`<${Tiles} one=${one} check=${check} />` : null}
    <div class="actions">
      <${Action} kind=${one.isNewer || !check ? "main" : ""} disabled=${going.some((job) => job.about.what === "check")}
        work=${() => post(`${path}/check`)}>${check ? "Check again" : "Check"}<//>
      ${one.kind ? html`<a class="button ${isBare ? "main" : ""}" href="#/label?${query({ name: one.name })}">Label</a>` : null}
      ${one.kind && check?.fingerprint ? html`<${Action} disabled=${going.some((job) => job.about.what === "audit")}
        work=${() => post(`${path}/audit`)}>Look for wrong labels<//>` : null}
      ${check && !isBare ? html`<${Action} kind=${check.ok && !one.isNewer ? "main" : ""} work=${train}>Train on this<//>` : null}
      <button onClick=${() => choose(!isChoosing)} aria-expanded=${isChoosing}>Learn something else</button></div>
    ${one.kind ? html`<${AskModel} one=${one} path=${path} going=${going} />` : null}
    ${isChoosing ? html`<${Purpose} path=${path} />` : null}
    ${one.isNewer ? html`<p class="callout">Labels were changed since this check. <b>Check again</b> to see what is left.</p>` : null}
    ${isBare ? html`<p class="callout">Nobody said yet what these ${one.counts.all} images show: <b>label</b> some of them, then check again.</p>` : null}
    <${Classes} one=${one} path=${path} />
    ${check && !isBare ? html`<${Findings} name=${one.name} path=${path} kind=${one.kind} classes=${one.classes} />` : null}
    ${one.kind ? html`<${Suspects} name=${one.name} path=${path} counts=${one.counts} isAudited=${one.isAudited} />` : null}
    ${one.kind ? html`<${Browse} name=${one.name} path=${path} counts=${one.counts} classes=${one.classes} codes=${Object.keys(check?.codes || {})} />` : null}
    <section><h2>Reading</h2><${Reading} key=${JSON.stringify(one.options)} one=${one} path=${path} /></section>
    ${one.tables.map((table) => html`<${Table} key=${table.name} table=${table} />`)}
    ${check ? html`<${Statistics} told=${check.statistics} />` : null}
    <${Versions} versions=${one.versions} />
    <${Command} text=${one.command} title="The check from a terminal" />
    <p class="actions">${one.is_forgotten ? html`<${Action} work=${() => post(`${path}/forget`, { is_forgotten: false })}>Take it back into the list<//>`
      : html`<${Action} work=${async () => { await post(`${path}/forget`, { is_forgotten: true }); go("/data"); }}>Forget this dataset<//>`}
      <span class="note">It leaves the lists; no file is touched, and it can be taken back.</span></p>`;
}

function AskModel({ one, path, going }) {
  const { value } = useAnswer("/api/runs", "runs");
  const [run, set] = useState("");
  const runs = (value?.runs || []).filter((each) => each.module === one.module && each.mode === "train" && each.status === "FINISHED");
  const hasPublished = one.kind === "texts" || one.kind === "text";
  if (!one.counts.unlabelled) return null;
  const by = run || (hasPublished ? "" : runs[0]?.name || "");
  const isGoing = (what) => going.some((job) => job.about.what === what);
  const next = html`<${Action} kind="small" disabled=${isGoing("suggest")} work=${() => post(`${path}/suggest`, { run })}>What to label next?<//>`;
  if (!runs.length && !hasPublished) return html`<div class="filters">${next}</div>`;
  return html`<div class="filters">${next}<label>Have the unlabelled ones pre-labelled by <select value=${by} onChange=${(event) => set(event.target.value)}>
      ${hasPublished ? html`<option value="">the published weights</option>` : null}
      ${runs.slice(0, 50).map((each) => html`<option key=${each.name} value=${each.name}>${shown(each.name)}</option>`)}</select></label>
    <${Action} kind="small" disabled=${isGoing("predict")} work=${() => post(`${path}/predict`, { run: by })}>Ask it<//></div>`;
}

function LastLog({ job }) {
  const told = useAnswer(`/api/jobs/${job.id}`);
  return html`<section><h2>${shown(job.title)}: <${Status} state=${job.state} /></h2><${Log} text=${told.value?.log || ""} /></section>`;
}

function Tiles({ one, check }) {
  const rest = one.counts;
  return html`<ul class="tiles">
    ${rest.all ? html`<li><b>${rest.all}</b>images</li>` : null}
    ${one.classes.length ? html`<li><b>${one.classes.filter((each) => each.count).length}</b>classes</li>` : null}
    ${rest.all && rest.unlabelled === rest.all ? null : html`<li class=${check.num_errors ? "bad" : "good"}><b>${check.num_errors}</b>${check.num_errors === 1 ? "error" : "errors"}</li>
    <li><b>${check.num_warnings}</b>${check.num_warnings === 1 ? "warning" : "warnings"}</li>`}
    ${rest.unlabelled ? html`<li><b>${rest.unlabelled}</b>unlabelled</li>` : null}
    ${rest.corrected ? html`<li><b>${rest.corrected}</b>corrected</li>` : null}
    ${one.isAudited ? html`<li class=${rest.suspects ? "bad" : "good"}><b>${rest.suspects}</b>suspect labels</li>` : null}</ul>
    <p class="note">${[check.format && "Read as " + check.format, shown(check.division || "")].filter(Boolean).join(": ")}${check.format || check.division ? "." : ""}
      ${check.fingerprint ? html` Fingerprint <code>${check.fingerprint.slice(0, 12)}</code>` : null}</p>`;
}

function Classes({ one, path }) {
  const [names, set] = useState({});
  if (!one.classes.length) return null;
  const most = Math.max(...one.classes.map((each) => each.count), 1);
  const odd = one.classes.filter((each) => each.near);
  const call = (name, into) => post(`${path}/rename`, { name, into });
  return html`<section><h2>Classes</h2>
    ${odd.map((each) => html`<p class="callout" key=${each.name}>Is <b>${shown(each.name)}</b> (${each.count}) a misspelt <b>${shown(each.near)}</b>?
      <${Action} kind="small" work=${() => call(each.name, each.near)} label="Call ${each.name} ${each.near} everywhere">Call it ${shown(each.near)} everywhere<//></p>`)}
    <details open=${one.classes.length <= 12}><summary>${one.classes.filter((each) => each.count).length} classes</summary><table class="classes"><tbody>
    ${one.classes.map((each) => html`<tr key=${each.name}><td>${shown(each.name)}</td><td class="num">${each.count}</td>
      <td><span class="track"><i style=${{ width: `${(100 * each.count) / most}%` }}></i></span></td>
      <td class="rename"><input aria-label="Another name for ${each.name}" value=${names[each.name] || ""} placeholder="another name"
          onInput=${(event) => set({ ...names, [each.name]: event.target.value })} />
        <${Action} kind="small" disabled=${!names[each.name] || !each.count} label="Rename ${each.name}"
          work=${async () => { await call(each.name, names[each.name]); set({}); }}>Rename<//></td></tr>`)}
    </tbody></table></details></section>`;
}

function Statistics({ told }) {
  const splits = Object.keys(told || {});
  const rows = [...new Set(splits.flatMap((split) => Object.keys(told[split])))];
  if (!rows.length) return null;
  const said = (value) => value && typeof value === "object"
    ? Object.entries(value).slice(0, 12).map(([key, each]) => `${key} ${typeof each === "number" ? number(each) : JSON.stringify(each)}`).join(", ")
    : typeof value === "number" ? number(value) : String(value ?? "–");
  return html`<section><h2>In figures</h2><div class="scroll"><table><thead><tr><th></th>${splits.map((split) => html`<th key=${split}>${split}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row}><td>${shown(row.replaceAll("_", " "))}</td>
      ${splits.map((split) => html`<td key=${split}>${shown(said(told[split][row]))}</td>`)}</tr>`)}</tbody></table></div></section>`;
}

function Table({ table }) {
  return html`<section><h2>${shown(table.name)}</h2><div class="scroll"><table>
    <thead>${table.head.map((row, place) => html`<tr key=${place}>${row.map((cell, at) => html`<th key=${at}>${shown(cell)}</th>`)}</tr>`)}</thead>
    <tbody>${table.rows.map((row, place) => html`<tr key=${place}>${row.map((cell, at) => html`<td class="nowrap" key=${at}>${shown(cell)}</td>`)}</tr>`)}</tbody>
  </table></div></section>`;
}

function Versions({ versions }) {
  if (versions.length < 2) return null;
  return html`<section><h2>Versions</h2><div class="scroll"><table><thead><tr><th>checked</th><th>fingerprint</th><th class="num">errors</th><th class="num">warnings</th><th>division</th></tr></thead>
    <tbody>${versions.map((each) => html`<tr key=${each.at}><td class="nowrap">${when(each.at)}</td><td><code>${(each.fingerprint || "none").slice(0, 12)}</code></td>
      <td class="num">${each.num_errors}</td><td class="num">${each.num_warnings}</td><td>${shown(each.division || "–")}</td></tr>`)}</tbody></table></div></section>`;
}

// How it is read and divided: options of its own, which checks and trainings are given.
function Reading({ one, path }) {
  const said = Object.entries(one.options);
  const [isOpen, open] = useState(false);
  return html`<details class="reading" onToggle=${(event) => open(event.target.open)}><summary>How it is read and divided${said.length
      ? `: ${shown(said.map(([key, value]) => `${key}=${value}`).join(" "))}` : ""}</summary>
    ${isOpen ? html`<${ReadingForm} one=${one} path=${path} />` : null}</details>`;
}

function ReadingForm({ one, path }) {
  const told = useAnswer(`${path}/reading`);
  const [values, set] = useState(one.options);
  const keep = async () => { await post(`${path}/reading`, { options: values }); await post(`${path}/check`); };
  return html`<${Wait} told=${told} what="the options">${({ fields }) => html`
    ${fields.map((field) => html`<${Field} key=${field.key} field=${field} value=${values[field.key]}
      change=${(key, value) => set({ ...values, [key]: value })} />`)}
    <p><${Action} kind="main" work=${keep}>Read it so, and check<//></p>`}<//>`;
}
