// One model: what it reaches, in which forms it can be had, how quick it is here, and its way to the registry.
import { html } from "ui";
import { query, useAnswer } from "./api.js";
import { Deed } from "./deed.js";
import { Evaluation } from "./evaluation.js";
import { duration, number, shown, Wait } from "./parts.js";
import { placeOf, Promotion } from "./promotion.js";

const MEGA = 1 << 20;

export const Model = ({ given }) => html`<${Whole} key=${given.name} given=${given} />`;

function Whole({ given }) {
  const told = useAnswer(`/api/model?${query({ name: given.name || "" })}`, "jobs", "runs");
  const jobs = useAnswer("/api/jobs", "jobs");
  return html`<div><h1 tabindex="-1">${shown(given.name || "Model")}</h1><${Wait} told=${told} what="the model">${(model) => html`
    <${Head} model=${model} />
    <${Promotion} model=${model} jobs=${jobs.value?.jobs || []} />
    <${Evaluation} model=${model} jobs=${jobs.value?.jobs || []} />
    <${Engines} model=${model} jobs=${jobs.value?.jobs || []} />
    <${Forms} model=${model} jobs=${jobs.value?.jobs || []} />`}<//></div>`;
}

const megabytes = (files) => `${(files.reduce((sum, file) => sum + file.bytes, 0) / MEGA).toFixed(1)} MB`;

function Head({ model }) {
  const { run } = model;
  const value = run.metrics?.[run.monitor];
  const place = placeOf(model);
  return html`<p class="over">${shown(model.modelName || model.room)}</p><ul class="tiles">
    ${value === undefined ? null : html`<li><b>${number(value)}</b>${shown(run.monitor)}</li>`}
    <li><b>${megabytes(model.files)}</b>exported</li>
    ${run.seconds ? html`<li><b>${duration(run.seconds)}</b>of training</li>` : null}
    ${run.parity ? html`<li class=${run.parity.ok ? "good" : "bad"}><b>${run.parity.ok ? "proven" : "not equal"}</b>export</li>` : null}</ul>
    ${run.parity?.sentence ? html`<p class="note">${shown(run.parity.sentence)}</p>` : null}
    <div class="actions">${place ? html`<a class="button main" href="#/pipeline?${query({ source: place.pipeline, [place.part]: run.export.replace(/\/export$/, "") })}">Try and serve it</a>` : null}
      <a class="button" href="/api/model/files?${query({ name: run.name })}" download>Download the export</a>
      ${run.record ? html`<a class="button" href=${run.record} target="_blank" rel="noopener">Its record in MLflow</a>` : null}
      <a class="button" href="#/run?${query({ name: run.name })}">Its training</a></div>`;
}

const SHOWN = { native: "Paddle", paddle: "Paddle, oneDNN", onnx: "ONNX Runtime", openvino: "OpenVINO" };
const engine = (name) => { const [first, kind] = name.split(" "); return (SHOWN[first] || first) + (kind ? ", int8" : ""); };

function Engines({ model, jobs }) {
  const figures = model.engines?.figures || [];
  const ways = [...new Map(figures.map((one) => [`${one.threads}×${one.callers}`, one])).values()];
  return html`<section><h2>How quick it is here</h2>
    <p class="note">Every engine that is installed, on samples of the run's own data. The quickest that agrees is what <code>engine=auto</code> takes from then on.</p>
    ${ways.map((way) => html`<${Bars} key=${`${way.threads}×${way.callers}`} title=${called(way)} rows=${figures
      .filter((one) => one.threads === way.threads && one.callers === way.callers)
      .map((one) => ({ name: engine(one.engine), value: one.median_ms, note: one.agrees ? "" : "differs too much" }))} />`)}
    <${Deed} overrides=${["mode=benchmark", `run=${folder(model)}`]} title="Measure engines: ${model.run.name}"
      about=${{ model: model.run.name, deed: "benchmark" }} jobs=${jobs}>${figures.length ? "Measure again" : "Measure the engines"}<//></section>`;
}

export const folder = (model) => model.run.folder;
const called = (way) => `${way.threads} thread${way.threads === 1 ? "" : "s"}${way.callers > 1 ? `, ${way.callers} calls at once` : ""}, milliseconds a sample`;

function Bars({ title, rows }) {
  const most = Math.max(...rows.map((row) => row.value)), least = Math.min(...rows.map((row) => row.value));
  return html`<h3>${title}</h3><table class="speeds"><tbody>${rows.map((row) => html`<tr key=${row.name}><td>${shown(row.name)}
    ${row.note ? html` <span class="level-warning">${row.note}</span>` : null}${row.value === least && rows.length > 1 ? html` <span class="soft">quickest</span>` : null}</td>
    <td class="num">${row.value.toFixed(2)}</td><td><span class="track" aria-hidden="true"><i style=${{ width: `${100 * row.value / most}%` }}></i></span></td></tr>`)}</tbody></table>`;
}

function Forms({ model, jobs }) {
  const name = model.run.name, onnx = model.exports.find((one) => one.files.some((file) => file.name.endsWith(".onnx")));
  return html`<section><h2>Other forms</h2>
    <h3>ONNX</h3><p class="note">The same graph for ONNX Runtime and others, proven equal to the network like the export itself.</p>
    ${onnx ? html`<p>Made: <code>${shown(onnx.folder)}</code>, ${megabytes(onnx.files)}. <a href="/api/model/files?${query({ name: inOutputs(onnx.folder) })}" download>Download</a></p>` : null}
    <${Deed} overrides=${["mode=export", `run=${folder(model)}`, "onnx=true"]} title="Export with ONNX: ${name}"
      about=${{ model: name, deed: "onnx" }} jobs=${jobs}>Export with ONNX<//>
    <h3>int8</h3><p class="note">A quarter of the size, calibrated on training samples; what it loses is measured by the evaluator of training.</p>
    ${model.int8 ? html`<${Int8} told=${model.int8} model=${model} />` : null}
    <${Deed} overrides=${["mode=quantize", `run=${folder(model)}`]} title="Quantise: ${name}"
      about=${{ model: name, deed: "quantize" }} jobs=${jobs}>${model.int8 ? "Quantise again" : "Quantise"}<//></section>`;
}

const inOutputs = (path) => path.replace(/^outputs\//, "").replace(/\/export$/, "");

function Int8({ told, model }) {
  const speeds = Object.entries(told.milliseconds || {}).map(([key, value]) => {
    const [name, ...way] = key.split(", ");
    return { name, way: way.join(", "), value };
  });
  return html`<ul class="tiles"><li class=${told.is_bearable ? "good" : "bad"}><b>${number(told.lost)}</b>${shown(told.monitor)} lost, ${number(told.tolerance)} may be</li>
    <li><b>${number(told.fp32)}</b>as exported</li>
    ${Object.entries(told.int8 || {}).map(([name, value]) => html`<li key=${name}><b>${number(value)}</b>int8 by ${engine(name)}</li>`)}
    <li><b>${megabytes(told.files)}</b>instead of ${megabytes(model.files)}</li></ul>
    ${told.is_bearable ? null : html`<p class="callout">It loses more than it may: try more <code>quantize.samples</code>, or keep the export.</p>`}
    ${[...new Set(speeds.map((one) => one.way))].map((way) => html`<${Bars} key=${way} title="${way}, milliseconds a sample"
      rows=${speeds.filter((one) => one.way === way).map((one) => ({ name: engine(one.name), value: one.value }))} />`)}
    <p><a href="/api/model/files?${query({ name: model.run.name, form: "int8" })}" download>Download the int8 export</a>. It can be served, not promoted: promotion asks for the proof that it equals what was trained.</p>`;
}
