// Requests to this studio, and word of what changed there.
import { useEffect, useState } from "ui";

export async function get(path) { return answer(await fetch(path)); }

// A question that is too long for an address.
export async function ask(path, body) {
  return answer(await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  }));
}

export async function post(path, body = {}) {
  const told = await ask(path, body);
  // What this page changed itself it need not be told of.
  posted += 1;
  tell();
  return told;
}

async function answer(response) {
  const told = await response.json().catch(() => ({ error: `The studio answered ${response.status}` }));
  if (!response.ok) throw new Error(told.error || `The studio answered ${response.status}`);
  return told;
}

export const query = (values) => new URLSearchParams(values).toString();

// One stream for the whole page: a browser opens six connections to a server at most.
const listeners = new Set();
let versions = {}, isHere = true, posted = 0;

export function listen() {
  const source = new EventSource("/api/changes");
  source.onmessage = (event) => { versions = JSON.parse(event.data); isHere = true; tell(); };
  source.onerror = () => { isHere = false; tell(); };
}

function tell() { for (const one of listeners) one({ ...versions }, isHere, posted); }

// The number of changes of some topics so far, and whether the studio can be reached.
export function useVersions(...topics) {
  const [now, set] = useState({ versions, isHere, posted });
  useEffect(() => {
    const hear = (found, here, own) => set({ versions: found, isHere: here, posted: own });
    listeners.add(hear);
    return () => listeners.delete(hear);
  }, []);
  // What follows no topic, the line of images at the desk for example, stays as it was when it was asked for.
  const stamp = topics.length ? [now.posted, ...topics.map((topic) => now.versions[topic] ?? 0)].join(".") : "";
  return { stamp, isHere: now.isHere };
}

// What a path answers, asked again whenever one of the topics changed; what was there stays until the answer is.
export function useAnswer(path, ...topics) {
  const { stamp } = useVersions(...topics);
  const [told, set] = useState({});
  useEffect(() => {
    if (!path) return undefined;
    let isWanted = true;
    get(path).then((value) => isWanted && set({ path, value }), (error) => isWanted && set({ path, error }));
    return () => { isWanted = false; };
  }, [path, stamp]);
  return told.path === path ? told : {};
}
