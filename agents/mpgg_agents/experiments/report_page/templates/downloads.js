// Downloads of what the page shows; their numbers are those that it was made of, not the rounded ones.
(() => {
  const field = (value) => {
    const text = value === null ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const csv = (rows) => rows.map((row) => `${row.map(field).join(",")}\r\n`);

  // Heads such as SD stand behind that of their mean.
  function headsOf(table) {
    return table.columns.map(({ name }, at) => (name === "SD" ? `${table.columns[at - 1].name} SD` : name));
  }

  function* boardRows() {
    const names = content.board.quantities.map(({ name }) => name);
    const terms = [...new Set(content.board.lattices.flatMap((lattice) => Object.keys(lattice.terms)))];
    const before = ["cell", "phase", "seed", `first ${content.board.time}`, `last ${content.board.time}`];
    yield [...before, "row", "column", ...terms, ...names];
    for (let number = 0; number < decodedScenes.count; number += 1) {
      const scene = decodedScenes.get(number);
      for (let k = 0; k < scene.seeds.length; k += 1) {
        for (let frame = 0; frame < scene.starts.length; frame += 1) {
          for (let place = 0; place < scene.places; place += 1) yield boardRow(scene, k, frame, place, terms);
        }
      }
    }
  }

  function boardRow(scene, k, frame, place, terms) {
    const columns = scene.lattice.shape[1];
    return [
      ...[scene.cell, scene.phase, scene.seeds[k], scene.starts[frame], scene.ends[frame] - 1],
      ...[Math.floor(place / columns), place % columns],
      ...terms.map((name) => scene.lattice.terms[name]?.[place] ?? null),
      ...content.board.quantities.map((quantity) => amountOf(scene, quantity, k, frame, place)),
    ];
  }

  // Numbers of a scene by quantity, [replica][frame][place].
  function plainScene(number) {
    const { layers, places, lattice, ...scene } = decodedScenes.get(number);
    const shaped = (value) =>
      scene.seeds.map((_, k) =>
        scene.starts.map((_, frame) => Array.from({ length: places }, (_, place) => value(k, frame, place))),
      );
    const amounts = content.board.quantities.map((quantity) => [
      quantity.name,
      shaped((k, frame, place) => amountOf(decodedScenes.get(number), quantity, k, frame, place)),
    ]);
    return { ...scene, ...lattice, numbers: Object.fromEntries(amounts) };
  }

  function plainPage() {
    const scenes = Array.from({ length: decodedScenes.count }, (_, number) => plainScene(number));
    const board = content.board === null ? null : { time: content.board.time, scenes };
    return JSON.stringify({ ...content, board });
  }

  const makers = {
    table: ({ number }) => {
      const table = content.tables[Number(number)];
      return [`${table.name}.csv`, "text/csv", csv([headsOf(table), ...table.rows])];
    },
    board: () => ["board.csv", "text/csv", csv([...boardRows()])],
    page: () => ["page.json", "application/json", [plainPage()]],
  };

  function download(event) {
    const [name, type, parts] = makers[event.target.dataset.download](event.target.dataset);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(parts, { type: `${type};charset=utf-8` }));
    link.download = `${content.name}-${name}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000); // not at once: the browser may still be reading
  }

  for (const button of document.querySelectorAll("[data-download]")) button.addEventListener("click", download);

  // A figure's bytes stand in the page once, in its image.
  for (const image of document.querySelectorAll("figure img")) {
    const link = image.parentElement.querySelector("a.save");
    link.href = image.src;
    link.download = `${content.name}-${image.dataset.file}`;
    link.hidden = false;
  }
})();
