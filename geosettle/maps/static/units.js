// @ts-check
/* Administrative units: their table, their areas coloured by a number, and flows from unit to unit. See maps/unit_data.py. */

const units = makeTable(DATA.units ?? { n: 0, columns: {} });
const unitFlows = makeTable(DATA.units?.flows ?? { n: 0, columns: {} });
const pairOrigin = unitFlows.rows('origin');
const pairSite = unitFlows.rows('site');
const unitXY = DATA.units ? positions(DATA.units) : new Float64Array(0);
/** From how many flows on they are first shown from unit to unit. */
const MANY_FLOWS = 100;

/** Name of a unit; one that no source names is called so. @param {number} row */
function unitRowName(row) {
  return (language().local_names && units.value('local', row)) || units.value('name', row) || word('unit_unknown');
}

/** Whether anything is known of a unit. @param {number} row */
function unitHasData(row) {
  return units.value('sites', row) !== null;
}

/** Rows of the level that is shown. @returns {number[]} */
function unitRows() {
  const level = units.column('level');
  return Array.from(rowNumbers(units.n)).filter((row) => level[row] === state.level && unitHasData(row));
}

/** What moves are counted in: households where the table weighs by them. */
const COUNTED = DATA.units?.by ?? 'moves';

/** How many came to a unit, left it or stayed in it. @param {'in' | 'out' | 'within'} way @param {number} row */
function unitMoves(way, row) {
  return units.value(`${COUNTED}_${way}`, row);
}

/** Columns of the table of units. */
function unitColumns() {
  const count = (key) => ({ key, head: word(`units_${key}`), of: (row) => unitMoves(key, row) });
  const km = (row) => units.value('distance_median_km', row);
  const columns = [{ key: 'name', head: say(unitLevel().label), of: unitRowName },
    ...['households', 'persons'].filter((k) => units.has(k)).slice(0, 1).map((k) => ({ key: k, head: word(k), of: (row) => units.value(k, row) }))];
  if (units.has('moves')) columns.push(...['in', 'out', 'within'].map(count));
  if (units.has('distance_median_km')) columns.push({ key: 'km', head: word('units_km'), of: km, cell: (row) => [figure(km(row)), rangeOf('distance_median_low_km', 'distance_median_high_km', row), movesCovered(row)] });
  return columns;
}

/** @param {string} low @param {string} high @param {number} row */
function rangeOf(low, high, row) {
  const text = interval(units.value(low, row), units.value(high, row));
  return text ? el('small', {}, text) : '';
}

/** Over how many moves a distance is, where not over all. @param {number} row */
function movesCovered(row) {
  const [n, of] = [units.value('distance_n', row), units.value('distance_of', row)];
  return of && n < of ? el('small', {}, word('k_of_n', { k: n, n: of })) : '';
}

/** @returns {any} */
function unitLevel() {
  return DATA.units.levels.find((l) => l.level === state.level);
}

/** The choices for units and their table. */
function unitSection() {
  if (!DATA.units) return null;
  part.unit = el('div');
  part.unitlegend = el('div', { id: 'gs-unit-legend' });
  const { levels, measures } = DATA.units;
  const changed = () => {
    fillUnits();
    fillLegend();
    sheets.repaint();
    writeHash();
  };
  const level = levels.length < 2 ? null : chooser('gs-level', word('col_level_name'), levels.map((l) => [l.level, say(l.label)]), state.level, (value) => {
    state.level = value;
    state.unit = -1;
    lists.unit.most = PAGE_ROWS;
    changed();
  });
  const colour = !elementOf('units') ? null : chooser('gs-unit-colour', word('units_by'), [['', word('none')], ...measures.map((m) => [m.column, measureName(m)])], state.fill, (value) => {
    state.fill = value;
    changed();
    announce(value ? measureName(chosenMeasure()) : word('none'));
  });
  return el('section', { id: 'gs-units' }, el('h2', {}, word('h_units')), level, colour, part.unitlegend, part.unit,
    units.has('moves') ? el('p', { class: 'gs-note' }, word(COUNTED === 'households' ? 'units_households' : 'units_moves')) : null);
}

/** @param {any} m */
function measureName(m) {
  return `${say(m.label)}${m.unit ? ` (${unitWords(m.unit)})` : ''}`;
}

/** Choices for units from the address. */
function readUnitHash() {
  const level = hashValue('level');
  if (DATA.units?.levels.some((l) => l.level === level)) state.level = level ?? '';
  const fill_ = hashValue('units');
  if (elementOf('units') && DATA.units?.measures.some((m) => m.column === fill_)) state.fill = fill_ ?? '';
  if (hashValue('flows') === 'single') state.flows = 'single';
  const name = hashValue('unit');
  if (name) state.unit = unitRows().find((row) => units.value('name', row) === name) ?? -1;
}

/** Table and legend of the level that is shown. */
function fillUnits() {
  if (!DATA.units) return;
  fillTable('unit');
  const m = chosenMeasure();
  part.unitlegend.replaceChildren(...(m ? unitLegend(m) : []));
}

/** The number that areas are coloured by, or null. */
function chosenMeasure() {
  return (elementOf('units') && DATA.units?.measures.find((m) => m.column === state.fill)) || null;
}

/** Classes of a measure at the level that is shown: the highest value, the label and the colour of each. @param {any} m */
function unitClasses(m) {
  const rows = unitRows().filter((row) => units.value(m.column, row) !== null);
  const { tops, labels } = equalClasses(rows.map((row) => units.value(m.column, row)), STYLE.units.length, m.unit === 'km' ? undefined : 0);
  const last = STYLE.units.length - 1;
  const colours = tops.map((_, k) => STYLE.units[tops.length < 2 ? last - 1 : Math.round((k * last) / (tops.length - 1))]);
  return { tops, labels, colours };
}

/** Names of units of the level that have no number. @param {any} m @returns {string[]} */
function unitsWithout(m) {
  const rows = new Set(elementOf('units').shapes);
  return [...rows].filter((row) => row !== null && units.value(m.column, row) === null).map(unitRowName);
}

/** @param {any} m */
function unitLegend(m) {
  readUnits(elementOf('units'));
  const { labels, colours } = unitClasses(m);
  const lacking = unitsWithout(m);
  const few = lacking.slice(0, LISTED).join(word('list_comma'));
  return [classLegend(labels.map((text, k) => ({ colour: colours[k], label: text })), false),
    lacking.length ? el('div', { class: 'gs-row' }, symbol((ctx) => boxOrLine(ctx, NO_UNIT)), el('span', {}, `${word('no_data')}${word('colon')}`, isolated(lacking.length > LISTED ? `${few}${word('list_comma')}${word('and_more', { n: lacking.length - LISTED })}` : few))) : '',
    el('p', { class: 'gs-note' }, word('units_classes'))];
}

/** How a unit without data is drawn. */
const NO_UNIT = { fill: '#8A949B', hatch: true, width: 0.5, opacity: 0.8 };

/** Read outlines, and the row of each at the level that is shown. @param {any} element */
function readUnits(element) {
  featuresOf(element.parts[0]);
  if (element.read === state.level) return;
  element.read = state.level;
  element.shapes = own(element.rows, state.level) ? readColumn(element.rows[state.level]) : [];
}

/** Outlines of a unit. @param {number} row @returns {any[]} */
function shapesOf(row) {
  const element = elementOf('units');
  if (!element) return [];
  readUnits(element);
  return element.parts[0].features.filter((f) => element.shapes[f.row] === row);
}

/** @param {Sheet} sheet @param {any} element */
function drawUnits(sheet, element) {
  const { ctx } = sheet;
  const m = chosenMeasure();
  readUnits(element);
  if (m) {
    const { tops, colours } = unitClasses(m);
    for (const feature of element.parts[0].features) {
      const row = element.shapes[feature.row];
      if (row === null || row === undefined || !inView(sheet, feature.box)) continue;
      const value = units.value(m.column, row);
      ctx.beginPath();
      trace(sheet, feature, true);
      ctx.globalAlpha = value === null ? NO_UNIT.opacity : 1;
      ctx.fillStyle = value === null ? parcelFill(ctx, NO_UNIT, NO_UNIT.fill) : colours[tops.findIndex((top) => value <= top)];
      ctx.fill('evenodd');
      // A seam between the parts of a unit would look like a border.
      ctx.strokeStyle = ctx.fillStyle;
      ctx.lineWidth = 0.7;
      ctx.stroke();
    }
  }
}

/** What lies on top of all symbols: the outline of the unit that is selected, and flows between units. @param {Sheet} sheet */
function drawUnitMarks(sheet) {
  sheet.ctx.save();
  if (state.unit >= 0) drawUnitOutline(sheet);
  if (flowsByUnit() && !state.hidden.has('flows')) drawPairs(sheet, state.selected !== null);
  sheet.ctx.restore();
}

/** A line around the unit that is selected, none inside it. @param {Sheet} sheet */
function drawUnitOutline(sheet) {
  const layer = document.createElement('canvas');
  const dense = sheet.ctx.getTransform().a;
  const pen = sizeCanvas(layer, { x: sheet.width, y: sheet.height });
  pen.setTransform(dense, 0, 0, dense, 0, 0);
  const around = { ...sheet, ctx: pen };
  pen.strokeStyle = CHOSEN;
  pen.lineJoin = 'round';
  for (const [width, rule] of /** @type {[number, GlobalCompositeOperation][]} */ ([[7, 'source-over'], [1, 'destination-out']])) {
    pen.globalCompositeOperation = rule;
    pen.lineWidth = width;
    for (const feature of shapesOf(state.unit)) {
      pen.beginPath();
      trace(around, feature, true);
      if (rule !== 'source-over') pen.fill('evenodd');
      pen.stroke();
    }
  }
  sheet.ctx.drawImage(layer, 0, 0, sheet.width, sheet.height);
}

/** Unit of the level that is shown at a place in Web Mercator, -1: none. @param {number} x @param {number} y */
function unitAt(x, y) {
  const element = elementOf('units');
  if (!element) return -1;
  readUnits(element);
  const found = element.parts[0].features.find((f) => x >= f.box[0] && x <= f.box[2] && y >= f.box[1] && y <= f.box[3] && isInside(f.rings, x, y));
  return found ? element.shapes[found.row] ?? -1 : -1;
}

/** @param {Float64Array[]} rings @param {number} x @param {number} y */
function isInside(rings, x, y) {
  let inside = false;
  for (const xy of rings) {
    for (let i = 0, j = xy.length - 2; i < xy.length; j = i, i += 2) {
      if (xy[i + 1] > y !== xy[j + 1] > y && x < ((xy[j] - xy[i]) * (y - xy[i + 1])) / (xy[j + 1] - xy[i + 1]) + xy[i]) inside = !inside;
    }
  }
  return inside;
}

/** Select a unit, or none if it is selected already, and zoom to it if asked. @param {number} row @param {boolean} [zoom] */
function selectUnit(row, zoom) {
  state.unit = state.unit === row ? -1 : row;
  markRows();
  const shapes = state.unit < 0 ? [] : shapesOf(row);
  if (zoom && shapes.length) {
    endZoom();
    const box = [0, 1, 2, 3].map((k) => (k < 2 ? Math.min : Math.max)(...shapes.map((f) => f.box[k])));
    const [west, north] = toLonLat(box[0], box[1]);
    const [east, south] = toLonLat(box[2], box[3]);
    if (narrow()) scrollTo({ top: 0 });
    map.fitBounds([[south, west], [north, east]], { animate: false, padding: [30, 30] });
  }
  sheets.repaint();
  writeHash();
  announce(state.unit < 0 ? word('selected_none') : unitRowName(row));
}

/** What the tip says of a unit. @param {number} row */
function unitTip(row) {
  const m = chosenMeasure();
  const value = units.value(m.column, row);
  return [el('b', {}, isolated(unitRowName(row))),
    el('div', {}, `${say(m.label)}${word('colon')}${value === null ? word('no_data') : withUnit(figure(value, m.unit === 'km' ? undefined : 0), m.unit)}`),
    m.low ? rangeOf(m.low, m.high, row) : null];
}

/* ---- flows from unit to unit ---- */

/** Whether flows can be, and are, drawn from unit to unit. */
function flowsByUnit() {
  return state.flows === 'units' && unitFlows.n > 0 && flows.n > MANY_FLOWS && !passing().site;
}

/** Rows of the flows between units of the level that is shown, those of most last, and the most of them. */
function pairRows() {
  const level = units.column('level');
  const rows = Array.from(rowNumbers(unitFlows.n)).filter((i) => level[pairOrigin[i]] === state.level);
  return { rows, most: Math.max(1, ...rows.map((i) => unitFlows.value(COUNTED, i) ?? 0)) };
}

/** Control points of a flow between units in pixels, null where a unit has no area. @param {any} sheet @param {number} i */
function bendPair(sheet, i) {
  const [a, b] = [pairOrigin[i], pairSite[i]].map((row) => [unitXY[2 * row] * sheet.scale + sheet.dx, unitXY[2 * row + 1] * sheet.scale + sheet.dy]);
  if (Number.isNaN(a[0] + b[0])) return null;
  return [...a, (a[0] + b[0]) / 2 - (b[1] - a[1]) * BEND, (a[1] + b[1]) / 2 + (b[0] - a[0]) * BEND, ...b];
}

/** @param {number | null} count @param {number} most */
function pairWidth(count, most) {
  return Math.max(LEAST_FLOW, (1.4 * MOST_FLOW * (count ?? 0)) / most);
}

/** @param {Sheet} sheet @param {boolean} faded */
function drawPairs(sheet, faded) {
  const { ctx } = sheet;
  const { rows, most } = pairRows();
  ctx.fillStyle = FLOW;
  ctx.strokeStyle = '#FFFFFF';
  ctx.lineWidth = 0.8;
  ctx.globalAlpha = faded ? STYLE.flowOpacity.others : 0.75;
  for (const i of rows) {
    const p = bendPair(sheet, i);
    const width = pairWidth(unitFlows.value(COUNTED, i), most);
    if (!p) continue;
    ctx.beginPath();
    traceFlow(ctx, p, width);
    ctx.fill();
    if (!faded && width > 2.5) ctx.stroke(); // what is on top is seen whole
  }
}

/** Origin, destination, count and width of the flows between units, in their order of drawing. @returns {any[][]} */
function flowsOfUnits() {
  const { rows, most } = pairRows();
  return rows.map((i) => [...[pairOrigin[i], pairSite[i]].map(unitRowName), unitFlows.value(COUNTED, i), pairWidth(unitFlows.value(COUNTED, i), most)]);
}

/** The flow between units under a place, -1: none. @param {any} sheet relative to the place */
function pairUnder(sheet) {
  const { rows, most } = pairRows();
  return rows.reverse().find((i) => {
    const p = bendPair(sheet, i);
    return p !== null && nearCurve(p, Math.max(5, pairWidth(unitFlows.value(COUNTED, i), most) / 2)) < Infinity;
  }) ?? -1;
}

/** @param {number} i */
function pairTip(i) {
  const km = unitFlows.value('distance_median_km', i);
  const between = interval(unitFlows.value('distance_median_low_km', i), unitFlows.value('distance_median_high_km', i));
  return [el('b', {}, isolated(unitRowName(pairOrigin[i])), ' → ', isolated(unitRowName(pairSite[i]))),
    ...['households', 'moves'].filter((k) => unitFlows.value(k, i) !== null).map((k) => el('div', {}, `${word(k === 'moves' ? 'col_moves' : k)}${word('colon')}${figure(unitFlows.value(k, i), 0)}`)),
    km === null ? null : el('div', {}, `${word('col_distance_median_km')}${word('colon')}${withUnit(figure(km), 'km')}${between ? ` (${between})` : ''}`)];
}

/** The choice between single flows and those from unit to unit; only where there are many. */
function flowChoice() {
  if (!unitFlows.n || flows.n <= MANY_FLOWS) return '';
  return chooser('gs-flows', word('flows_as'), [['units', word('flows_units')], ['single', word('flows_single')]], state.flows, (value) => {
    state.flows = value;
    fillLegend();
    sheets.repaint();
    writeHash();
  });
}

/** What the legend says of the flows. @param {any} element */
function flowLabel(element) {
  if (!flowsByUnit()) return say(element.label);
  const { rows } = pairRows();
  const within = unitRows().reduce((sum, row) => sum + (unitMoves('within', row) ?? 0), 0);
  const text = word(COUNTED === 'households' ? 'flows_pairs_households' : 'flows_pairs_moves', { n: rows.length, m: within, level: say(unitLevel().label).toLocaleLowerCase() });
  const lost = rows.filter((i) => bendPair({ scale: 1, dx: 0, dy: 0 }, i) === null).length;
  return lost ? `${text}${word('list_gap')}${word('flows_lost', { n: lost })}` : text;
}
