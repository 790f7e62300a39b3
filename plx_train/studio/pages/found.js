// What a served pipeline found in a file, drawn over it and listed.
import { html, useEffect, useState } from "ui";
import { shown } from "./parts.js";

const COLOURS = 6;
const MOST_ROWS = 200;

// Pages of pictures with what stands in them, or a table: one shape for all kinds of answers.
function understood(endpoint, result, file) {
  const own = { src: file.url, items: [] };
  if (endpoint.answer === "pages") {
    const sizes = result.dataInfo?.pages || [result.dataInfo || {}];
    return { pages: (result[endpoint.key] || []).map((page, number) => pageOf(page, sizes[number] || {})) };
  }
  if (endpoint.answer === "table" || endpoint.answer === "label") {
    const series = result.series || (result.label !== undefined ? [result] : []);
    const items = series.map((one) => ({ text: one.group ? `${one.group}: ${one.label}` : one.label, score: one.score }));
    const found = result.csv ? null : items;
    return { pages: result.image || found ? [{ src: result.image ? jpeg(result.image) : null, items: found }] : [], table: result.csv ? rowsOf(result.csv) : null };
  }
  if (endpoint.answer === "categories") {
    return { pages: [{ ...own, items: result.categories.map((one) => ({ text: one.name, score: one.score })) }] };
  }
  const things = Object.values(result).find(Array.isArray) || [];
  const items = things.map((one, number) => ({
    text: one.categoryName ?? `${number + 1}: ${(one.attributes || []).map((each) => each.label).join(", ") || "no attribute"}`,
    label: one.categoryName ?? String(number + 1), score: one.score, colour: (one.categoryId ?? number) % COLOURS,
    points: result.image ? null : corners(one.bbox),
  }));
  return { pages: [{ src: result.image ? jpeg(result.image) : file.url, items }] };
}

function pageOf(page, size) {
  const found = page.prunedResult || {};
  if (page.outputImage) {
    return { src: `data:image/png;base64,${page.outputImage}`, items: [{ text: `turned by ${Math.max(found.angle ?? 0, 0)}°` }] };
  }
  const items = (found.rec_texts || []).map((text, number) => ({
    text, score: found.rec_scores?.[number], points: found.rec_polys?.[number], colour: 0,
  }));
  return { src: page.inputImage ? jpeg(page.inputImage) : null, size, angle: Math.max(found.doc_preprocessor_res?.angle ?? 0, 0), items };
}

const jpeg = (content) => `data:image/jpeg;base64,${content}`;

function corners(box) {
  if (Array.isArray(box[0])) return box;
  const [left, top, right, bottom] = box;
  return [[left, top], [right, top], [right, bottom], [left, bottom]];
}

function rowsOf(content) {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(bytes).trim().split("\n").map((row) => row.split(","));
}

export function Found({ endpoint, result, file }) {
  const { pages, table } = understood(endpoint, result, file);
  return html`<div class="found">${pages.map((page, number) => html`<${Page} key=${number} page=${page} name=${file.name} />`)}
    ${table ? html`<${Table} rows=${table} />` : null}
    ${result.dataInfo?.notice ? html`<p class="note">${shown(result.dataInfo.notice)}</p>` : null}</div>`;
}

function Page({ page, name }) {
  const [hot, mark] = useState(-1);
  return html`<div class="found-page ${page.items ? "" : "alone"}">
    ${page.src ? html`<${Picture} page=${page} hot=${hot} mark=${mark} name=${name} />` : null}
    ${page.items ? html`<ol class="found-list" aria-label="Found">${page.items.map((item, number) => html`
      <li key=${number} class=${number === hot ? "hot" : ""} tabindex=${item.points ? 0 : null}
        onMouseEnter=${() => mark(number)} onMouseLeave=${() => mark(-1)} onFocus=${() => mark(number)} onBlur=${() => mark(-1)}>
        ${item.points && page.items.some((one) => one.colour) ? html`<i class="swatch b${item.colour}"></i>` : null}
        <span class="text">${shown(item.text)}</span>
        ${typeof item.score === "number" ? html`<span class="track" aria-hidden="true"><i style=${{ width: `${100 * Math.min(1, Math.max(0, item.score))}%` }}></i></span>
          <span class="score">${item.score.toFixed(3)}</span>` : null}</li>`)}
      ${page.items.length ? null : html`<li class="soft">Nothing was found.</li>`}</ol>` : null}</div>`;
}

// The size comes from the file itself; boxes are in the pixels that the server saw.
function Picture({ page, hot, mark, name }) {
  const [size, set] = useState(null);
  useEffect(() => {
    let isWanted = true;
    const image = new Image();
    image.onload = () => isWanted && set([image.naturalWidth, image.naturalHeight]);
    image.onerror = () => isWanted && set([]);
    image.src = page.src;
    return () => { isWanted = false; };
  }, [page.src]);
  if (!size) return html`<div class="found-picture soft">…</div>`;
  if (!size.length) return html`<div class="found-picture soft">The browser can't show this file.</div>`;
  const [width, height] = page.size?.width ? [page.size.width, page.size.height] : size;
  const isTurned = (page.angle || 0) % 180 !== 0;
  const [wide, high] = isTurned ? [height, width] : [width, height];
  const turn = `translate(${wide / 2} ${high / 2}) rotate(${-(page.angle || 0)}) translate(${-width / 2} ${-height / 2})`;
  const letter = Math.max(wide, high) / 70;
  // Small pictures are shown larger, but as they are.
  return html`<svg class="found-picture ${wide < 200 ? "coarse" : ""}" viewBox="0 0 ${wide} ${high}" role="img" aria-label=${`What was found in ${shown(name)}`}>
    <image href=${page.src} width=${width} height=${height} transform=${turn} />
    ${(page.items || []).map((item, number) => item.points ? html`<g key=${number} class="s${item.colour}"
      onMouseEnter=${() => mark(number)} onMouseLeave=${() => mark(-1)}>
      <polygon class=${number === hot ? "thing hot" : "thing"} points=${item.points.map((point) => point.join(",")).join(" ")} />
      ${item.label ? html`<text class="thing-label" x=${item.points[0][0] + letter / 4}
        y=${item.points[0][1] > letter * 1.2 ? item.points[0][1] - letter / 4 : item.points[0][1] + letter}
        style=${{ fontSize: `${letter}px` }}>${shown(item.label)}</text>` : null}</g>` : null)}</svg>`;
}

function Table({ rows }) {
  const [head, ...body] = rows;
  return html`<div class="scroll found-table" tabindex="0" aria-label="Table of what was found"><table><thead><tr>${head.map((cell) => html`<th class="num">${shown(cell)}</th>`)}</tr></thead>
    <tbody>${body.slice(0, MOST_ROWS).map((row, number) => html`<tr key=${number}>${row.map((cell) => html`<td class="num">${
      cell !== "" && cell.includes(".") && Number.isFinite(Number(cell)) ? Number(cell).toPrecision(6) : shown(cell)}</td>`)}</tr>`)}</tbody></table></div>
    <p class="note">${body.length} rows${body.length > MOST_ROWS ? `, the first ${MOST_ROWS} of them shown` : ""}.</p>`;
}
