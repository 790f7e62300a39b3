// Commands as buttons: what each is, what is wrong with it, and how the last of its kind went.
import { html, useEffect, useState } from "ui";
import { ask, get, post, query, useAnswer } from "./api.js";
import { Action, Command, Fault, shown, Status, when } from "./parts.js";

// The command that options make, and what is wrong with it.
export function useCommand(overrides) {
  const [told, set] = useState({});
  const text = JSON.stringify(overrides);
  useEffect(() => {
    let isWanted = true;
    const asked = setTimeout(() => ask("/api/command", { overrides }).then(
      (answer) => isWanted && set(answer), (error) => isWanted && set({ error: error.message })), 150);
    return () => { isWanted = false; clearTimeout(asked); };
  }, [text]);
  return told;
}

// `about` is what its jobs are found by again; `began` is told the job; `done` is shown once one is.
export function Deed({ overrides, title, about, kind = "", disabled = false, jobs = [], began, children, done }) {
  const told = useCommand(overrides);
  const mine = jobs.filter((job) => Object.entries(about || {}).every(([key, value]) => job.about[key] === value));
  const isGoing = mine.some((job) => job.state === "queued" || job.state === "running");
  const work = async () => {
    const job = await post("/api/jobs", { overrides, title, about });
    began?.(job);
  };
  return html`<div class="deed"><${Fault} error=${disabled ? null : told.error} />
    <div class="actions"><${Action} kind=${kind} work=${work} disabled=${disabled || isGoing || Boolean(told.error)}>${children}<//></div>
    ${told.command && !disabled ? html`<${Command} text=${told.command} />` : null}
    ${mine[0] ? html`<${Going} job=${mine[0]} />` : null}
    ${mine[0]?.state === "done" ? done : null}</div>`;
}

// How a job is, and why it failed, in its own words.
export function Going({ job }) {
  const isBad = job.state === "failed" || job.state === "lost";
  const told = useAnswer(isBad ? `/api/jobs/${job.id}` : null, "jobs");
  const isOpen = job.state === "queued" || job.state === "running";
  return html`<div class="went" role="status"><${Status} state=${job.state} />
    <span>${shown(job.title)}</span><span class="soft">${when(job.ended || job.began || job.made)}</span>
    ${isOpen ? html`<${Action} kind="small" label="Stop: ${job.title}" work=${() => post(`/api/jobs/${job.id}/stop`)}>Stop<//>` : null}
    <a href="#/run?${query({ job: job.id })}">Log</a>
    ${isBad ? html`<${Fault} error=${reason(told.value?.log) || (told.value ? "It ended without a word: look at its log." : "")} />` : null}</div>`;
}

export function reason(log) {
  const said = (log || "").split("\n").filter((line) => /^(error|Error): /.test(line));
  return said.length ? said[said.length - 1].replace(/^error: /i, "") : "";
}

// Asked again and again while the page is seen; what was there stays until the answer is.
export function usePolled(path, milliseconds) {
  const [told, set] = useState({});
  useEffect(() => {
    if (!path) return undefined;
    let isWanted = true, waiting;
    const look = async () => {
      if (!document.hidden) {
        try { const value = await get(path); if (isWanted) set({ path, value }); }
        catch (error) { if (isWanted) set({ path, error }); }
      }
      if (isWanted) waiting = setTimeout(look, milliseconds);
    };
    look();
    return () => { isWanted = false; clearTimeout(waiting); };
  }, [path]);
  return told.path === path ? told : {};
}
