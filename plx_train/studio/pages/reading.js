// How a dataset is read and divided: options of its own, which checks and trainings are given.
import { html, useState } from "ui";
import { post, useAnswer } from "./api.js";
import { Action, shown, Wait } from "./parts.js";
import { Field } from "./train.js";

export function Reading({ one, path }) {
  const said = Object.entries(one.options);
  const [isOpen, open] = useState(false);
  return html`<details class="reading" onToggle=${(event) => open(event.target.open)}><summary>How it is read and divided${said.length
      ? `: ${shown(said.map(([key, value]) => `${key}=${value}`).join(" "))}` : ""}</summary>
    ${isOpen ? html`<${Form} one=${one} path=${path} />` : null}</details>`;
}

function Form({ one, path }) {
  const told = useAnswer(`${path}/reading`);
  const [values, set] = useState(one.options);
  const keep = async () => { await post(`${path}/reading`, { options: values }); await post(`${path}/check`); };
  return html`<${Wait} told=${told} what="the options">${({ fields }) => html`
    ${fields.map((field) => html`<${Field} key=${field.key} field=${field} value=${values[field.key]}
      change=${(key, value) => set({ ...values, [key]: value })} />`)}
    <p><${Action} kind="main" work=${keep}>Read it so, and check<//></p>`}<//>`;
}
