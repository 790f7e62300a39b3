// Runs beside each other.
import { html } from "ui";
import { query, useAnswer } from "./api.js";
import { Drawing, duration, number, shown, Status, Wait } from "./parts.js";

export function Compare({ names }) {
  const told = useAnswer(`/api/compare?${new URLSearchParams(names.map((name) => ["names", name]))}`, "runs");
  return html`<div><h1 tabindex="-1">${names.length} runs</h1>
    <${Wait} told=${told} what="the runs">${(found) => html`<${Table} ...${found} />
      <section><h2>Curves</h2><div class="charts">${found.charts.map((svg, place) => html`<${Drawing} key=${place} svg=${svg} />`)}</div></section>
      <${Samples} ...${found} />`}<//></div>`;
}

function Table({ runs, metrics, differences }) {
  const best = (metric) => Math.max(...runs.map((run) => run.metrics?.[metric] ?? -Infinity));
  return html`<div class="scroll"><table class="compared"><thead><tr><th></th>${runs.map((run) => html`<th key=${run.name}>
      <a href="#/run?${query({ name: run.name })}">${shown(run.name)}</a></th>`)}</tr></thead><tbody>
    <tr><th>state</th>${runs.map((run) => html`<td key=${run.name}><${Status} state=${run.status} /></td>`)}</tr>
    <tr><th>time</th>${runs.map((run) => html`<td key=${run.name}>${duration(run.seconds)}</td>`)}</tr>
    ${metrics.filter((metric) => metric.startsWith("val/") && !metric.endsWith("_official")).map((metric) => html`<tr key=${metric}><th>${shown(metric)}</th>
      ${runs.map((run) => html`<td key=${run.name}>${run.metrics?.[metric] === best(metric) && metric === run.monitor
        ? html`<b>${number(run.metrics[metric])}</b>` : number(run.metrics?.[metric])}</td>`)}</tr>`)}
    <tr class="head"><th colspan=${runs.length + 1}>${differences.length ? "What differs" : "No option differs."}</th></tr>
    ${differences.map((one) => html`<tr key=${one.key}><th>${shown(one.key)}</th>
      ${one.values.map((value, place) => html`<td key=${place} class="value">${shown(value)}</td>`)}</tr>`)}
  </tbody></table></div>`;
}

function Samples({ runs, samples }) {
  const shared = samples.filter((one) => Object.keys(one.pictures).length > 1);
  if (!shared.length) return null;
  return html`<section><h2>The same samples</h2><div class="scroll"><table class="compared"><thead><tr><th></th>
    ${runs.map((run) => html`<th key=${run.name}>${shown(run.name)}</th>`)}</tr></thead><tbody>
    ${shared.map((one) => html`<tr key=${one.sample}><th>${shown(one.sample)}</th>${runs.map((run) => html`<td key=${run.name}>
      ${one.pictures[run.name] ? html`<img class="sample" loading="lazy" alt=${`${one.sample} in ${run.name}`}
        src="/api/run/overlay?${query({ name: run.name, picture: one.pictures[run.name] })}" />` : html`<span class="soft">not among the worst</span>`}</td>`)}</tr>`)}
  </tbody></table></div></section>`;
}
