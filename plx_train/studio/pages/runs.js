// Runs: the line of jobs, the history, and one run as it goes.
import { html, useState } from "ui";
import { post, query, useAnswer } from "./api.js";
import { Action, Command, Drawing, duration, Empty, go, Log, number, shown, Status, Wait, when } from "./parts.js";

export function Runs() {
  const jobs = useAnswer("/api/jobs", "jobs");
  const runs = useAnswer("/api/runs", "runs");
  return html`<h1 tabindex="-1">Runs</h1>
    <${Wait} told=${jobs} what="jobs">${({ jobs: all }) => html`<${Queue} jobs=${all} />`}<//>
    <section><h2>History</h2><${Wait} told=${runs} what="runs">${({ runs: all }) => html`<${History} runs=${all} />`}<//></section>`;
}

function Queue({ jobs }) {
  const going = jobs.filter((job) => job.state === "running" || job.state === "queued");
  const failed = jobs.filter((job) => job.state === "failed" || job.state === "lost").slice(0, 3);
  if (!going.length && !failed.length) return null;
  const waiting = going.filter((job) => job.state === "queued");
  return html`<section><h2>Now</h2><ul class="jobs">${[...going, ...failed].map((job) => html`<li key=${job.id} class="card">
    <${Status} state=${job.state} /> <b>${shown(job.title)}</b>
    <span class="soft">${when(job.began || job.made)}</span>
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
  if (!runs.length) return html`<${Empty} title="Nothing was trained yet"><p><a href="#/train">Train something.</a></p><//>`;
  const words = sought.toLowerCase();
  const found = runs.filter((run) => `${run.name} ${run.module} ${run.dataset} ${run.status}`.toLowerCase().includes(words));
  return html`<div class="field"><label for="seek-runs">Search ${runs.length} runs</label>
    <input id="seek-runs" type="search" value=${sought} onInput=${(event) => set(event.target.value)} /></div>
    <div class="scroll"><table><thead><tr><th>run</th><th>state</th><th>module</th><th class="num">metric</th><th class="num">time</th>
      <th>ended</th></tr></thead><tbody>
    ${found.slice(0, most).map((run) => html`<tr key=${run.name}><td><a href="#/run?${query({ name: run.name })}">${shown(run.name)}</a></td>
      <td><${Status} state=${run.status} /></td><td>${shown(run.mode === "train" ? run.module : `${run.mode} ${run.module}`)}</td>
      <td class="num">${run.value === null ? "–" : html`${number(run.value)} <span class="soft">${shown(run.monitor.replace("val/", ""))}</span>`}</td>
      <td class="num">${duration(run.seconds)}</td><td>${when(run.at)}</td></tr>`)}
    </tbody></table></div>
    ${found.length > most ? html`<button onClick=${() => more(most + 200)}>${found.length - most} more</button>` : null}`;
}

export function Run({ given }) {
  const { value: all } = useAnswer("/api/jobs", "jobs");
  const mine = (all?.jobs || []).filter((job) => job.id === given.job || (given.name && job.output === `outputs/${given.name}`));
  const job = mine[0];
  const told = useAnswer(given.name ? `/api/run?${query({ name: given.name })}` : null, "runs");
  const charts = useAnswer(given.name && told.value ? `/api/run/charts?${query({ name: given.name })}` : null, "runs");
  const run = told.value;
  return html`<h1 tabindex="-1">${shown(job?.title || given.name || "Job")}</h1>
    ${run ? html`<${Summary} run=${run} />` : job ? html`<p><${Status} state=${job.state} /></p>` : html`<${Wait} told=${told} what="the run" />`}
    ${job ? html`<${JobBar} job=${job} />` : null}
    ${charts.value?.charts.length ? html`<section><h2>Curves</h2><div class="charts">
      ${charts.value.charts.map((svg, place) => html`<${Drawing} key=${place} svg=${svg} />`)}</div></section>` : null}
    ${run?.overlays.length ? html`<section><h2>Worst samples</h2><div class="gallery">${run.overlays.slice(0, 24).map((picture) => html`
      <figure key=${picture}><img loading="lazy" alt=${picture} src="/api/run/overlay?${query({ name: run.name, picture })}" />
      <figcaption>${shown(picture)}</figcaption></figure>`)}</div></section>` : null}
    ${job ? html`<${JobLog} job=${job} />` : null}`;
}

function Summary({ run }) {
  const value = run.metrics?.[run.monitor];
  return html`<p><${Status} state=${run.status} /> ${run.reason ? shown(run.reason) : null}</p>
    ${value !== undefined ? html`<ul class="tiles"><li><b>${number(value)}</b>${shown(run.monitor)}</li>
      ${run.metrics[run.monitor.replace("val/", "before/")] !== undefined ? html`<li><b>${number(run.metrics[run.monitor.replace("val/", "before/")])}</b>before</li>` : null}
      <li><b>${duration(run.seconds)}</b>in all</li>
      ${run.parity ? html`<li class=${run.parity.ok ? "good" : "bad"}><b>${run.parity.ok ? "equal" : "differs"}</b>export</li>` : null}</ul>` : null}
    ${(run.notes || []).map((note) => html`<p key=${note} class="note">${shown(note)}</p>`)}
    ${run.hasReport ? html`<p><a href="/api/run/report?${query({ name: run.name })}" target="_blank" rel="noopener">The whole report</a></p>` : null}`;
}

function JobBar({ job }) {
  const resume = async () => {
    const again = await post(`/api/jobs/${job.id}/resume`);
    go(`/run?${query({ name: again.output.replace(/^outputs\//, ""), job: again.id })}`);
  };
  const isOver = !["queued", "running"].includes(job.state);
  return html`<div class="actions">
    ${isOver ? null : html`<${Action} work=${() => post(`/api/jobs/${job.id}/stop`)}>Stop and keep<//>`}
    ${isOver && job.state !== "done" && job.output ? html`<${Action} kind="main" work=${resume}>Go on<//>` : null}
    </div><${Command} text=${job.command} />`;
}

function JobLog({ job }) {
  const told = useAnswer(`/api/jobs/${job.id}`, "jobs", "runs");
  return html`<section><h2>Log</h2><${Log} text=${told.value?.log || ""} /></section>`;
}
