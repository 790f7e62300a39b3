// What a pipeline's requests may set, as a form made from what its file declares.
import { html } from "ui";
import { shown } from "./parts.js";

// Values by the parameter's name; what is not there is the pipeline's own.
export function Parameters({ list, values, change, prefix = "" }) {
  return list.map((one) => html`<${Parameter} key=${one.name} one=${one} value=${values[one.name]} change=${change} prefix=${prefix} />`);
}

function Parameter({ one, value, change, prefix }) {
  const id = `parameter-${prefix}${one.name}`;
  const own = one.value === null || one.value === undefined ? (one.types[0] === "boolean" ? "as it is" : "the model's own") : String(one.value);
  const say = (text) => change(one.name, text === "" ? undefined : read(one, text));
  const choices = one.choices.length ? one.choices : one.types[0] === "boolean" ? ["true", "false"] : null;
  const given = value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  return html`<div class="field ${value === undefined ? "" : "changed"}"><label for=${id}>${one.name}</label>
    ${choices ? html`<select id=${id} value=${given} onChange=${(event) => say(event.target.value)}>
        <option value="">${shown(own)}</option>${choices.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select>`
    : html`<span class="slid"><input id=${id} value=${given} placeholder=${own} inputmode=${isNumber(one) ? "decimal" : "text"}
        onInput=${(event) => say(event.target.value)} />
      ${isSlid(one) ? html`<input type="range" aria-label="${one.name}, slid" min=${one.limits.minimum ?? one.limits.exclusiveMinimum}
        max=${one.limits.maximum} step=${one.types.includes("integer") ? 1 : (one.limits.maximum / 100)}
        value=${typeof value === "number" ? value : typeof one.value === "number" ? one.value : one.limits.maximum / 2}
        onInput=${(event) => say(event.target.value)} />` : null}</span>`}</div>`;
}

const isNumber = (one) => one.types.includes("number") || one.types.includes("integer");
const isSlid = (one) => isNumber(one) && one.limits.maximum !== undefined && one.limits.maximum <= 4000
  && (one.limits.minimum ?? one.limits.exclusiveMinimum) !== undefined;

function read(one, text) {
  if (one.types[0] === "boolean") return text === "true";
  if (isNumber(one) && text.trim() !== "" && Number.isFinite(Number(text))) return Number(text);
  try { return JSON.parse(text); } catch { return text; }
}

// As a command line has them, and as requests do.
export const asOverrides = (values) => Object.entries(values).filter(([, value]) => value !== undefined)
  .map(([name, value]) => `pipeline.${name}=${typeof value === "object" ? JSON.stringify(value) : value}`);
export const asFields = (list, values) => Object.fromEntries(list.filter((one) => values[one.name] !== undefined)
  .map((one) => [one.request, values[one.name]]));
