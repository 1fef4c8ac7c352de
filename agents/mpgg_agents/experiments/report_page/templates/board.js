// The grid over time. A scene has numbers of every replica k, frame f and place m, at (k F + f) M + m.
const decodedScenes = (() => {
  const types = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, u8: BigUint64Array, f4: Float32Array };

  function numbers(layer) {
    const letters = atob(layer.base64);
    const bytes = new Uint8Array(letters.length);
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = letters.charCodeAt(at);
    const values = new types[layer.type](bytes.buffer);
    return layer.type === "u8" ? Float64Array.from(values, Number) : values;
  }

  function decoded(scene) {
    const layers = Object.fromEntries(Object.entries(scene.layers).map(([name, layer]) => [name, numbers(layer)]));
    const lattice = content.board.lattices[scene.lattice];
    return { ...scene, layers, lattice, places: lattice.shape[0] * lattice.shape[1] };
  }

  const scenes = content.board === null ? [] : content.board.scenes;
  const done = new Map(); // each when it is first looked at
  return {
    count: scenes.length,
    get(number) {
      if (!done.has(number)) done.set(number, decoded(scenes[number]));
      return done.get(number);
    },
  };
})();

// A quantity at one frame and place, of one replica or, for null, of all together; null where it is not defined.
function amountOf(scene, quantity, replica, frame, place) {
  const replicas = replica === null ? scene.seeds.map((_, k) => k) : [replica];
  const total = (name) =>
    replicas.reduce((sum, k) => sum + scene.layers[name][(k * scene.starts.length + frame) * scene.places + place], 0);
  const times = replicas.length * scene.pooled * (scene.ends[frame] - scene.starts[frame]);
  const below = quantity.per === null ? times : total(quantity.per);
  return below > 0 ? total(quantity.over) / below : null;
}

(() => {
  if (decodedScenes.count === 0) return;
  const { scenes, quantities, time: timeName } = content.board;
  const [play, time, now, places, highestText] = ["play", "time", "now", "places", "highest"].map((id) =>
    document.getElementById(id),
  );
  const choices = Object.fromEntries(
    [...document.querySelectorAll("[data-choice]")].map((label) => [label.dataset.choice, label.querySelector("select")]),
  );
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const WHOLE_PLAY = 15000; // milliseconds
  let [cells, timer, highest] = [[], null, 1];

  function offer(name, labels) {
    const select = choices[name];
    const before = select.selectedOptions[0]?.textContent;
    select.replaceChildren(...labels.map((label, number) => new Option(label, String(number))));
    select.value = String(Math.max(0, labels.indexOf(before)));
    select.closest("label").hidden = labels.length < 2;
  }

  const labelsOf = (name, among) => [...new Set(among.map((scene) => scene[name]))];
  const chosen = (name) => choices[name].selectedOptions[0].textContent;
  const ofCell = () => scenes.filter((scene) => scene.cell === chosen("cell"));
  const scene = () => decodedScenes.get(scenes.indexOf(ofCell().find((one) => one.phase === chosen("phase"))));
  const quantity = () => quantities[Number(choices.quantity.value)];
  const everySeed = (one) => (one.seeds.length > 1 ? [`mean over ${one.seeds.length} seeds`, ...one.seeds] : one.seeds);

  function replica() {
    const number = Number(choices.seed.value);
    return scene().seeds.length > 1 ? (number === 0 ? null : number - 1) : 0;
  }

  function element(name, style, text) {
    const made = document.createElement(name);
    made.className = style;
    made.textContent = text;
    return made;
  }

  function newPlace(lattice, number) {
    const cell = document.createElement("td");
    const terms = Object.entries(lattice.terms).map(([name, values]) =>
      element("span", "term", `${name} ${Number(values[number].toPrecision(3))}`),
    );
    const mark = lattice.marks[number] === undefined ? [] : [element("span", "term", lattice.marks[number])];
    cell.append(element("span", "amount", ""), ...terms, ...mark);
    return cell;
  }

  function layOut() {
    const { lattice } = scene();
    const [rows, columns] = lattice.shape;
    places.style.setProperty("--columns", columns);
    cells = Array.from({ length: rows * columns }, (_, number) => newPlace(lattice, number));
    const body = document.createElement("tbody");
    for (let row = 0; row < rows; row += 1) {
      const line = body.insertRow(lattice.upward ? 0 : -1);
      line.append(...cells.slice(row * columns, (row + 1) * columns));
    }
    places.replaceChildren(body);
  }

  // The scale of colours is that of the whole scene, so that frames can be compared.
  function scaleColours() {
    const [one, what, k] = [scene(), quantity(), replica()];
    highest = what.highest ?? 0;
    for (let frame = 0; what.highest === null && frame < one.starts.length; frame += 1) {
      for (let place = 0; place < one.places; place += 1) {
        highest = Math.max(highest, amountOf(one, what, k, frame, place) ?? 0);
      }
    }
    highestText.textContent = `${highest.toFixed(what.digits)} ${what.name}`;
  }

  function timesText(one, frame) {
    const [first, last] = [one.starts[frame], one.ends[frame] - 1].map((number) => number.toLocaleString("en"));
    return first === last ? `${timeName} ${first}` : `${timeName}s ${first} to ${last}`;
  }

  function draw() {
    const [one, what, k, frame] = [scene(), quantity(), replica(), Number(time.value)];
    const crossover = Number(getComputedStyle(places).getPropertyValue("--crossover"));
    cells.forEach((cell, place) => {
      const amount = amountOf(one, what, k, frame, place);
      const level = amount === null || highest === 0 ? 0 : amount / highest;
      cell.firstChild.textContent = amount === null ? "\u2013" : amount.toFixed(what.digits);
      cell.style.setProperty("--level", level);
      cell.classList.toggle("strong", level > crossover);
    });
    const cell = one.cell === "" ? "" : `${one.cell}, `;
    now.textContent = `${cell}${one.phase}, ${chosen("seed")}, ${timesText(one, frame)}: ${what.name}`;
    time.setAttribute("aria-valuetext", timesText(one, frame));
  }

  function renew() {
    offer("phase", labelsOf("phase", ofCell()));
    offer("seed", everySeed(scene()));
    time.max = scene().starts.length - 1; // the browser keeps the value within
    play.disabled = time.max === "0";
    layOut();
    scaleColours();
    draw();
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  }

  function step() {
    time.value = Number(time.value) + 1;
    draw();
    if (time.value === time.max) stop();
  }

  function start() {
    if (time.value === time.max) time.value = 0;
    draw();
    const pause = Math.min(800, Math.max(60, WHOLE_PLAY / (Number(time.max) + 1)));
    timer = setInterval(step, calm.matches ? Math.max(500, pause) : pause);
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
  }

  const turn = () => (timer === null ? start() : stop());
  play.addEventListener("click", turn);
  time.addEventListener("input", draw);
  time.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    play.click(); // which does nothing where there is one frame
  });
  for (const name of ["cell", "phase"]) {
    choices[name].addEventListener("change", () => {
      stop();
      renew();
    });
  }
  for (const name of ["seed", "quantity"]) {
    choices[name].addEventListener("change", () => {
      scaleColours();
      draw();
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw); // letters cross over elsewhere
  offer("cell", labelsOf("cell", scenes));
  offer("quantity", quantities.map(({ name }) => name));
  renew();
})();
