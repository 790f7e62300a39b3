// One run as it goes, or as it ended, or a sweep: its trials, the best first.
import { html } from "ui";
import { post, query, useAnswer } from "./api.js";
import { Action, Command, Drawing, duration, go, Log, number, Progress, shown, Status, Wait } from "./parts.js";

export function Run({ given }) {
  const { value: all } = useAnswer("/api/jobs", "jobs", "runs");
  const mine = (all?.jobs || []).filter((job) => job.id === given.job || (given.name && job.output === `outputs/${given.name}`));
  const job = mine[0];
  const told = useAnswer(given.name ? `/api/run?${query({ name: given.name })}` : null, "runs");
  const charts = useAnswer(told.value && told.value.status !== "BEGINNING" ? `/api/run/charts?${query({ name: given.name })}` : null, "runs");
  const run = told.value;
  if (run?.isSweep) return html`<${Sweep} name=${given.name} job=${job} />`;
  return html`<div><h1 tabindex="-1">${shown(job?.title || given.name || "Job")}</h1>
    ${run ? html`<${Summary} run=${run} />` : job ? html`<p><${Status} state=${job.state} /></p>` : html`<${Wait} told=${told} what="the run" />`}
    ${job ? html`<${JobBar} job=${job} />` : null}
    ${charts.value?.charts.length ? html`<section><h2>Curves</h2><div class="charts">
      ${charts.value.charts.map((svg, place) => html`<${Drawing} key=${place} svg=${svg} />`)}</div></section>` : null}
    ${run?.overlays.length ? html`<section><h2>Worst samples</h2><div class="gallery">${run.overlays.slice(0, 24).map((picture) => html`
      <figure key=${picture}><img loading="lazy" alt=${picture} src="/api/run/overlay?${query({ name: run.name, picture })}" />
      <figcaption>${shown(picture)}</figcaption></figure>`)}</div></section>` : null}
    ${job ? html`<${JobLog} job=${job} />` : null}</div>`;
}

function Summary({ run }) {
  const value = run.metrics?.[run.monitor];
  return html`<p><${Status} state=${run.status} /> ${run.reason ? shown(run.reason) : null}</p>
    ${value !== undefined ? html`<ul class="tiles"><li><b>${number(value)}</b>${shown(run.monitor)}</li>
      ${run.metrics[run.monitor.replace("val/", "before/")] !== undefined ? html`<li><b>${number(run.metrics[run.monitor.replace("val/", "before/")])}</b>before</li>` : null}
      <li><b>${duration(run.seconds)}</b>in all</li>
      ${run.parity ? html`<li class=${run.parity.ok ? "good" : "bad"}><b>${run.parity.ok ? "equal" : "differs"}</b>export</li>` : null}</ul>` : null}
    ${(run.notes || []).map((note) => html`<p key=${note} class="note">${shown(note)}</p>`)}
    ${run.hasReport ? html`<p><a href="/api/run/report?${query({ name: run.name })}" target="_blank" rel="noopener">The whole report</a></p>` : null}
    ${run.record ? html`<p><a href=${run.record} target="_blank" rel="noopener">Its record in MLflow</a></p>` : null}
    ${run.export && run.status === "FINISHED" ? html`<p><a class="button main" href="#/model?${query({ name: run.name })}">Use this model</a></p>` : null}`;
}

function JobBar({ job }) {
  const resume = async () => {
    const again = await post(`/api/jobs/${job.id}/resume`);
    go(`/run?${query({ name: again.output.replace(/^outputs\//, ""), job: again.id })}`);
  };
  const isOver = !["queued", "running"].includes(job.state);
  return html`<${Progress} job=${job} /><div class="actions">
    ${isOver ? null : html`<${Action} work=${() => post(`/api/jobs/${job.id}/stop`)}>Stop and keep<//>`}
    ${isOver && job.state !== "done" && job.output ? html`<${Action} kind="main" work=${resume}>Go on<//>` : null}
    </div><${Command} text=${job.command} />`;
}

function JobLog({ job }) {
  const told = useAnswer(`/api/jobs/${job.id}`, "jobs", "runs");
  return html`<section><h2>Log</h2><${Log} text=${told.value?.log || ""} /></section>`;
}

const STATES = { complete: "FINISHED", pruned: "KILLED", failed: "FAILED", running: "RUNNING", waiting: "queued" };

function Sweep({ name, job }) {
  const told = useAnswer(`/api/sweep?${query({ name })}`, "runs", "jobs");
  return html`<div><h1 tabindex="-1">${shown(job?.title || name)}</h1>
    ${job ? html`<${JobBar} job=${job} />` : null}
    <${Wait} told=${told} what="the sweep">${(sweep) => html`
      <p>${shown(sweep.verdict)}</p>
      <p>${Object.entries(sweep.states).map(([state, count]) => `${count} ${state}`).join(", ")}.
        <a href="/api/sweep/report?${query({ name })}" target="_blank" rel="noopener">The whole report</a></p>
      <${Trials} sweep=${sweep} />
      ${job ? null : html`<${Command} text=${sweep.command} />`}`}<//>
    ${job ? html`<${JobLog} job=${job} />` : null}</div>`;
}

function Trials({ sweep }) {
  return html`<div class="scroll"><table><thead><tr><th class="num">trial</th><th>state</th>
    ${sweep.objectives.map((one) => html`<th key=${one} class="num">${shown(one)}</th>`)}
    ${sweep.keys.map((key) => html`<th key=${key}>${shown(key)}</th>`)}<th>runs</th></tr></thead><tbody>
    ${sweep.trials.map((trial) => html`<tr key=${trial.number}><td class="num">${trial.number}</td>
      <td><${Status} state=${STATES[trial.state]} /> ${trial.reason ? html`<span class="soft">${shown(trial.reason)}</span>` : null}</td>
      ${sweep.objectives.map((one, place) => html`<td key=${one} class="num">${number(trial.values?.[place])}</td>`)}
      ${sweep.keys.map((key) => html`<td key=${key}>${shown(trial.params[key])}</td>`)}
      <td>${trial.runs.filter(Boolean).map((run, place) => html`<a key=${run} href="#/run?${query({ name: run })}">${place + 1}</a> `)}</td></tr>`)}
  </tbody></table></div>`;
}
