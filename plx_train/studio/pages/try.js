// A served pipeline asked about a file, again whenever a parameter changes.
import { html, useEffect, useRef, useState } from "ui";
import { query } from "./api.js";
import { Found } from "./found.js";
import { Parameters, asFields } from "./parameters.js";
import { Action, Fault, shown } from "./parts.js";

const PAUSE = 250;

async function ask(job, file, fields) {
  const response = await fetch(`/api/servers/${job}/try?${query({ fields: JSON.stringify(fields) })}`, {
    method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file,
  });
  const told = await response.json().catch(() => ({ error: `The studio answered ${response.status}` }));
  if (!response.ok) throw new Error(told.error);
  return told.result;
}

export function TryOut({ server, isReady, values, change }) {
  const { endpoint, parameters } = server.pipeline;
  const [file, setFile] = useState(null);
  const [told, setTold] = useState({});
  const [isOver, setOver] = useState(false);
  const turn = useRef(0);
  const isTable = endpoint.field === "csv";
  const take = (blob) => blob && setFile({ blob, name: blob.name || "the example", url: URL.createObjectURL(blob) });
  useEffect(() => () => file && URL.revokeObjectURL(file.url), [file]);
  useEffect(() => {
    const paste = (event) => take(event.clipboardData.files[0]);
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  }, []);
  useEffect(() => {
    if (!file || !isReady) return undefined;
    const mine = ++turn.current;
    setTold((before) => ({ ...before, isBusy: true, error: null }));
    const waiting = setTimeout(async () => {
      const began = performance.now();
      const draws = isTable || endpoint.field === "file" || (endpoint.answer !== "categories" && !(await isShown(file.blob)));
      try {
        const result = await ask(server.job.id, file.blob, { ...asFields(parameters, values), visualize: draws });
        if (mine === turn.current) setTold({ result, file, seconds: (performance.now() - began) / 1000 });
      } catch (error) {
        if (mine === turn.current) setTold({ error });
      }
    }, PAUSE);
    return () => clearTimeout(waiting);
  }, [file, isReady, JSON.stringify(values)]);
  const example = async () => {
    const response = await fetch(`/api/servers/${server.job.id}/sample`);
    if (!response.ok) throw new Error((await response.json()).error);
    const name = (server.sample || "").split("/").pop();
    take(new File([await response.blob()], name, { type: isTable ? "text/csv" : `image/${name.endsWith("png") ? "png" : "jpeg"}` }));
  };
  const drop = (event) => { event.preventDefault(); setOver(false); take(event.dataTransfer.files[0]); };
  return html`<div><div class="handed ${isOver ? "over" : ""}" onDragOver=${(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave=${() => setOver(false)} onDrop=${drop}>
      <label class="choose">Choose ${isTable ? "a table" : "a picture"}<input type="file"
        accept=${isTable ? ".csv,text/csv" : endpoint.field === "file" ? "image/*,application/pdf" : "image/*"}
        onChange=${(event) => { take(event.target.files[0]); event.target.value = ""; }} /></label>
      <span class="soft">or drop it here${isTable ? "" : ", or paste it"}.</span>
      ${server.sample ? html`<${Action} work=${example} disabled=${!isReady}>Try an example<//>` : null}</div>
    ${parameters.length ? html`<details open><summary>Parameters, tried at once</summary>
      <div class="tuning"><${Parameters} list=${parameters} values=${values} change=${change} prefix="live-" /></div></details>` : null}
    <p class="note" role="status">${told.isBusy ? "Asking …" : told.result ? `${shown(told.file.name)}, ${told.seconds.toFixed(2)} s.` : ""}</p>
    <${Fault} error=${told.error} />
    ${told.result ? html`<div class=${told.isBusy ? "older" : ""}><${Found} endpoint=${endpoint} result=${told.result} file=${told.file} /></div>` : null}</div>`;
}

const isShown = (blob) => createImageBitmap(blob).then(() => true, () => false);
