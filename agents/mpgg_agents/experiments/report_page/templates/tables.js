"use strict";
// What the page shows, as Python wrote it; the other scripts read it too.
const content = JSON.parse(document.getElementById("content").textContent);

// Tables are sorted by a click on the head of a column; a second click turns the order round.
(() => {
  const words = new Intl.Collator("en", { numeric: true });
  const infinities = { inf: Infinity, "-inf": -Infinity };

  function compared(one, other) {
    const [left, right] = [infinities[one] ?? one, infinities[other] ?? other];
    if (typeof left === "number" && typeof right === "number") return left - right || 0;
    if (typeof left === "number" || typeof right === "number") return typeof left === "number" ? -1 : 1;
    return words.compare(String(left), String(right));
  }

  // What is not known comes last in either order; equal values stay in the order of the page.
  function sortedOrder(values, descending) {
    const order = values.map((_, row) => row);
    const unknown = (row) => values[row] === null;
    return order.sort((a, b) => {
      if (unknown(a) || unknown(b)) return unknown(a) - unknown(b) || a - b;
      return (descending ? -1 : 1) * compared(values[a], values[b]) || a - b;
    });
  }

  function sortBy(table, rows, column) {
    const heads = [...table.tHead.rows[0].cells];
    const descending = heads[column].getAttribute("aria-sort") === "ascending";
    const values = content.tables[Number(table.dataset.table)].rows.map((row) => row[column]);
    heads.forEach((head, at) => {
      head.setAttribute("aria-sort", at !== column ? "none" : descending ? "descending" : "ascending");
    });
    table.tBodies[0].append(...sortedOrder(values, descending).map((row) => rows[row]));
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    const rows = [...table.tBodies[0].rows];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => sortBy(table, rows, column));
    });
  }
})();
