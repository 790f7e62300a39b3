// A pipeline that is served: its health, a file to try it with, and programs that ask it.
import { html, useEffect, useRef, useState } from "ui";
import { post, query, useAnswer } from "./api.js";
import { Going, usePolled } from "./deed.js";
import { Action, Command, Fault, Log, shown, shownLines, Status, Wait } from "./parts.js";
import { Keep } from "./keep.js";
import { TryOut } from "./try.js";

const EVERY = 2000;

export function Servers() {
  const told = useAnswer("/api/servers", "jobs");
  const all = told.value?.servers || [];
  const going = all.filter((one) => one.state === "running" || one.state === "queued");
  const others = all.filter((one) => !going.includes(one)).slice(0, 3);
  if (!going.length && !others.length) return null;
  return html`<section><h2>Served</h2><ul class="jobs">${[...going, ...others].map((one) => html`<li class="card" key=${one.id}>
    <${Status} state=${one.state} /><b><a href="#/server?${query({ job: one.id })}">${shown(one.title)}</a></b>
    ${one.state === "running" ? html`<${Beat} job=${one.id} />` : null}
    ${going.includes(one) ? html`<${Action} kind="small" label="Stop: ${one.title}" work=${() => post(`/api/jobs/${one.id}/stop`)}>Stop<//>`
      : html`<${Action} kind="small" label="Serve again: ${one.title}" work=${() => again(one)}>Serve again<//>`}</li>`)}</ul></section>`;
}

const again = async (job) => {
  const made = await post("/api/jobs", { overrides: job.overrides, title: job.title, about: job.about });
  location.hash = `/server?${query({ job: made.id })}`;
};

// How a server is, and how many requests a second it answered since the last look.
function useBeat(job) {
  const told = usePolled(job ? `/api/servers/${job}/state` : null, EVERY);
  const before = useRef(null), [rate, setRate] = useState(null);
  useEffect(() => {
    if (!told.value) return;
    const now = { at: performance.now(), count: told.value.answered + told.value.refused };
    if (before.current) setRate(Math.max(0, now.count - before.current.count) / ((now.at - before.current.at) / 1000));
    before.current = now;
  }, [told.value]);
  return { state: told.value, rate };
}

function Beat({ job }) {
  const { state, rate } = useBeat(job);
  return state ? html`<span class="soft">${shown(state.said)}${rate === null ? "" : `, ${rate.toFixed(1)} requests/s`}</span>` : null;
}

export const Server = ({ given }) => html`<${Whole} key=${given.job} given=${given} />`;

function Whole({ given }) {
  const jobs = useAnswer("/api/jobs", "jobs");
  const { state, rate } = useBeat(given.job);
  const isReady = state?.is_healthy === true;
  const told = useAnswer(`/api/servers/${given.job}?${query({ ready: isReady })}`, "jobs");
  const [values, set] = useState({});
  const kept = useRef(null);
  if (told.value) kept.current = told.value;
  const server = told.value || kept.current;
  const job = (jobs.value?.jobs || []).find((one) => one.id === given.job) || server?.job;
  if (!server) return html`<div><h1 tabindex="-1">Served pipeline</h1><${Wait} told=${told} what="the server" /></div>`;
  const isOver = !["queued", "running"].includes(job.state);
  return html`<div><h1 tabindex="-1">${shown(job.title)}</h1>
    <ul class="tiles"><li class=${isOver ? "" : isReady ? "good" : state?.is_healthy === false ? "bad" : "warn"}>
        <b>${isOver ? "stopped" : isReady ? "healthy" : state?.is_healthy === false ? "not well" : job.state === "queued" ? "waits" : "loading"}</b>${
          isOver ? "nothing listens" : isReady ? "it answers" : shown(state?.said || "waiting for its turn")}</li>
      ${isReady ? html`<li><b>${rate === null ? "–" : rate.toFixed(1)}</b>requests a second</li>
        <li><b>${state.answered}</b>answered</li>${state.refused ? html`<li class="warn"><b>${state.refused}</b>refused</li>` : null}` : null}</ul>
    ${server.address && isReady ? html`<p>It listens at <code>${server.address}${server.pipeline.endpoint.path}</code>, on this machine alone,
      with <a href=${server.address} target="_blank" rel="noopener">a page of its own</a>.</p>` : null}
    <ul class="facts">${Object.entries(server.models).map(([part, model]) => html`<li key=${part}>${part} <b>${shown(model)}</b></li>`)}</ul>
    <div class="actions">${isOver ? html`<${Action} kind="main" work=${() => again(job)}>Serve again<//>`
      : html`<${Action} work=${() => post(`/api/jobs/${job.id}/stop`)}>Stop<//>`}</div>
    <${Command} text=${job.command} />
    ${isOver ? html`<${Ended} job=${job} />` : html`
      <section><h2>Try it</h2><${TryOut} server=${server} isReady=${isReady} values=${values}
        change=${(name, value) => set((before) => ({ ...before, [name]: value }))} /></section>
      ${server.pipeline.isFrozen ? null : html`<section><h2>Keep it</h2><${Keep} pipeline=${server.pipeline} models=${server.models}
        values=${values} jobs=${jobs.value?.jobs || []} /></section>`}
      ${server.snippets ? html`<section><h2>Ask it from a program</h2>
        <p class="note">These run as they are, on this machine, while it is served.</p>
        ${Object.entries(server.snippets).map(([language, text]) => html`<${Command} key=${language} title=${language} text=${text} spell=${shownLines} />`)}</section>` : null}`}
    <${Said} job=${job.id} /></div>`;
}

function Ended({ job }) {
  return job.state === "done" || job.state === "stopped" ? html`<p>It was stopped. Serving it again gives it another address.</p>`
    : html`<${Going} job=${job} />`;
}

function Said({ job }) {
  const [isOpen, set] = useState(false);
  const told = usePolled(isOpen ? `/api/jobs/${job}` : null, EVERY);
  return html`<details onToggle=${(event) => set(event.target.open)}><summary>What it says</summary>
    ${told.error ? html`<${Fault} error=${told.error} />` : html`<${Log} text=${told.value?.log || ""} />`}</details>`;
}
