"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.querySelectorAll("th button").forEach((button, index) => {
    button.addEventListener("click", () => {
      const head = button.parentElement;
      const up = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("th").forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[index].dataset.key;
      const numeric = head.classList.contains("num");
      const rows = [...body.rows].sort((a, b) => {
        const [one, other] = [key(a), key(b)];
        // What has no value stays below, whichever way.
        if (one === "" || other === "") return (one === "") - (other === "");
        const order = numeric ? Number(one) - Number(other) : one.localeCompare(other);
        return up ? order : -order;
      });
      body.append(...rows);
    });
  });
}
for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", () => {
    // Works in a file that was opened from disk, where the clipboard's own interface may not.
    getSelection().selectAllChildren(button.previousElementSibling);
    const done = document.execCommand("copy");
    button.textContent = done ? "copied" : "press Ctrl+C";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
}
