// Runs: the line of jobs, and the history.
import { html, useState } from "ui";
import { post, query, useAnswer } from "./api.js";
import { Action, counted, duration, Empty, go, number, Progress, shown, Status, Wait, when } from "./parts.js";

export function Runs() {
  const jobs = useAnswer("/api/jobs", "jobs", "runs");
  const runs = useAnswer("/api/runs", "runs");
  return html`<div><h1 tabindex="-1">Runs</h1>
    <${Wait} told=${jobs} what="jobs">${({ jobs: all }) => html`<${Queue} jobs=${all} />`}<//>
    <section><h2>History</h2><${Wait} told=${runs} what="runs">${({ runs: all }) => html`<${History} runs=${all} />`}<//></section></div>`;
}

function Queue({ jobs }) {
  const going = jobs.filter((job) => job.state === "running" || job.state === "queued");
  // What was gone on with since is told by its later job.
  const isOver = (job) => !jobs.some((other) => job.output && other.output === job.output && other.made > job.made);
  const failed = jobs.filter((job) => (job.state === "failed" || job.state === "lost") && isOver(job)).slice(0, 3);
  if (!going.length && !failed.length) return null;
  const waiting = going.filter((job) => job.state === "queued");
  return html`<section><h2>Now</h2><ul class="jobs">${[...going, ...failed].map((job) => html`<li key=${job.id} class="card">
    <${Status} state=${job.state} /> <b>${shown(job.title)}</b>
    <span class="soft">${when(job.began || job.made)}</span> <${Progress} job=${job} />
    ${job.state === "queued" && waiting[0] !== job ? html`<${Action} kind="small" label="Next: ${job.title}"
      work=${() => post(`/api/jobs/${job.id}/move`, { place: 0 })}>Next<//>` : null}
    ${job.state === "running" || job.state === "queued" ? html`<${Action} kind="small" label="Stop: ${job.title}"
      work=${() => post(`/api/jobs/${job.id}/stop`)}>Stop<//>` : null}
    <a href="#/run?${query({ job: job.id, ...(job.output ? { name: job.output.replace(/^outputs\//, "") } : {}) })}">Look</a>
  </li>`)}</ul></section>`;
}

function History({ runs }) {
  const [sought, set] = useState("");
  const [most, more] = useState(100);
  const [chosen, choose] = useState([]);
  const turn = (name) => choose((now) => now.includes(name) ? now.filter((one) => one !== name) : [...now, name]);
  if (!runs.length) return html`<${Empty} title="Nothing was trained yet"><p><a href="#/train">Train something.</a></p><//>`;
  const words = sought.toLowerCase();
  const found = runs.filter((run) => `${run.name} ${run.module} ${run.dataset} ${run.status}`.toLowerCase().includes(words));
  return html`<div class="field plain"><label for="seek-runs">Search ${counted(runs.length, "run")}</label>
    <input id="seek-runs" type="search" value=${sought} onInput=${(event) => set(event.target.value)} /></div>
    <p class="actions"><button disabled=${chosen.length < 2} onClick=${() => go(`/compare?${new URLSearchParams(chosen.map((one) => ["names", one]))}`)}
      >Compare ${chosen.length > 1 ? chosen.length : ""}</button></p>
    <div class="scroll"><table class="runs"><thead><tr><th><span class="unseen">compare</span></th><th>run</th><th>state</th><th>module</th><th class="num">metric</th><th class="num">time</th>
      <th>ended</th></tr></thead><tbody>
    ${found.slice(0, most).map((run) => html`<tr key=${run.name}>
      <td>${run.is_sweep ? null : html`<input type="checkbox" aria-label="Compare ${shown(run.name)}" checked=${chosen.includes(run.name)} onChange=${() => turn(run.name)} />`}</td><td><a href="#/run?${query({ name: run.name })}">${shown(run.name)}</a></td>
      <td><${Status} state=${run.status} /></td><td>${shown(run.mode === "train" ? run.module : `${run.mode} ${run.module}`)}</td>
      <td class="num">${run.value === null ? "–" : html`${number(run.value)} <span class="soft">${shown(run.monitor.replace("val/", ""))}</span>`}</td>
      <td class="num">${duration(run.seconds)}</td><td>${when(run.at)}</td></tr>`)}
    </tbody></table></div>
    ${found.length > most ? html`<button onClick=${() => more(most + 200)}>${found.length - most} more</button>` : null}`;
}
