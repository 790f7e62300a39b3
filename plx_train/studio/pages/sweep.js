// A sweep: its trials as they go, the best first.
import { html } from "ui";
import { query, useAnswer } from "./api.js";
import { Command, number, shown, Status, Wait } from "./parts.js";
import { JobBar, JobLog } from "./run.js";

const STATES = { complete: "FINISHED", pruned: "KILLED", failed: "FAILED", running: "RUNNING", waiting: "queued" };

export function Sweep({ name, job }) {
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
