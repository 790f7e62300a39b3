// A pipeline with its models and parameters, kept: as a file, or frozen into a folder with all its models.
import { html, useState } from "ui";
import { post, query } from "./api.js";
import { Deed } from "./deed.js";
import { Action, shown } from "./parts.js";

export function Keep({ pipeline, models, values, jobs }) {
  const [name, setName] = useState(pipeline.isSaved ? title(pipeline.source) : "");
  const [saved, setSaved] = useState("");
  const kept = Object.fromEntries(pipeline.parameters.filter((one) => one.isKept && values[one.name] !== undefined)
    .map((one) => [one.name, values[one.name]]));
  const left = pipeline.parameters.filter((one) => !one.isKept && values[one.name] !== undefined).map((one) => one.name);
  const isOwn = pipeline.isSaved && name === title(pipeline.source);
  const save = async () => setSaved((await post("/api/pipelines", {
    name, source: pipeline.source, models, parameters: kept, replaces: isOwn })).source);
  const folder = `frozen/${(name || pipeline.name).replace(/[^\w.-]/g, "_")}`;
  const overrides = ["mode=export_pipeline", `pipeline=${saved || pipeline.source}`,
    ...(saved ? [] : Object.entries(models).map(([part, model]) => `models.${part}=${model}`)), `output=${folder}`];
  return html`<div><div class="field plain"><label for="keep-name">Name</label>
      <input id="keep-name" value=${name} placeholder=${pipeline.name} spellcheck="false" onInput=${(event) => setName(event.target.value)} />
      <p class="note">Saved as a file in PaddleX's schema, which every command takes as <code>pipeline=</code>.
        ${left.length ? ` ${left.join(", ")} can be said by requests alone, and is not in the file.` : ""}</p></div>
    <div class="actions"><${Action} work=${save} disabled=${!name.trim()}>${isOwn ? "Replace the file" : "Save as a file"}<//>
      ${saved ? html`<span role="status">Saved: <a href="#/pipeline?${query({ source: saved })}"><code>${shown(saved)}</code></a></span>` : null}</div>
    <h3>Frozen</h3><p class="note">One folder with the models in it, to carry to another machine: it runs there and in PaddleX, without a registry.</p>
    <${Deed} overrides=${overrides} title="Freeze ${name || pipeline.name}" about=${{ freeze: folder }} jobs=${jobs}
      done=${html`<p class="note">It lies in <code>${folder}</code> of the studio's folder, and <a href="#/pipeline?${query({ source: folder })}">can be tried from there</a>.</p>`}>Freeze into ${folder}<//></div>`;
}

export const title = (source) => source.split("/").pop().replace(/\.yaml$/, "");
