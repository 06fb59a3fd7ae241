// @ts-check
/* The panel: title, totals, card, legend, sliders, tables, sources. It is built anew when the language changes. */

const panel = /** @type {any} */ (document.getElementById('gs-panel'));
/** Parts of the panel that change on their own. @type {Object<string, any>} */
const part = {};

/** Build the whole panel. */
function buildPanel() {
  document.documentElement.lang = language().tag;
  panel.setAttribute('aria-label', word('panel'));
  document.getElementById('gs-map')?.setAttribute('aria-label', word('map_label'));
  part.skip?.remove();
  // The address holds the permalink: the link goes there without writing into it.
  part.skip = el('a', { class: 'gs-skip', href: '#gs-tables', onclick: (event) => {
    event.preventDefault();
    document.getElementById('gs-tables')?.focus();
  } }, word('skip_to_tables'));
  document.body.prepend(part.skip);
  part.card ??= /** @type {HTMLElement} */ (document.getElementById('gs-card'));
  part.legend = el('section', { id: 'gs-legend' });
  panel.replaceChildren(
    ...[header(), part.legend, colourSection(), unitSection(), yearSection(), areaSection(), tableSection(), unknownSection(), surveySection(), notesSection()].filter(Boolean),
  );
  for (const write of onMap) write();
  fillLegend();
  fillCard();
  fillTables();
  fillUnits();
}

function header() {
  return el('header', {},
    say(DATA.kicker) ? el('p', { class: 'gs-kicker' }, isolated(say(DATA.kicker))) : null,
    el('h1', {}, isolated(say(DATA.title))),
    el('p', { class: 'gs-sub' }, isolated(say(DATA.subtitle))),
    el('ul', { class: 'gs-totals' }, DATA.totals.map((t) => el('li', {}, el('b', {}, figure(t.value, 0)), el('span', {}, say(t.label))))),
    el('div', { class: 'gs-buttons' },
      button('reset', wholeMap), button('png', async () => { save(await exportPng(), 'map.png'); announce(word('exported')); }),
      button('print', () => { preparePrint(); print(); }), button('csv', () => save(new Blob([sitesCsv()], { type: 'text/csv' }), 'sites.csv')),
      el('button', { type: 'button', id: 'gs-language', lang: DATA.languages[nextLanguage()].tag, onclick: changeLanguage }, DATA.languages[nextLanguage()].name)),
  );
}

/** @param {string} key @param {() => void} action */
function button(key, action) {
  return el('button', { type: 'button', id: `gs-${key}`, onclick: action }, word(key));
}

/** The language after the present one, in the order of the page. */
function nextLanguage() {
  const codes = Object.keys(DATA.languages);
  return codes[(codes.indexOf(state.lang) + 1) % codes.length];
}

function changeLanguage() {
  state.lang = nextLanguage();
  document.title = say(DATA.title);
  buildPanel();
  showPictures();
  sheets.repaint();
  announce(say(DATA.title));
  writeHash();
  /** @type {any} */ (document.getElementById('gs-language')).focus();
}

/** Say something to those who hear the page. @param {string} text */
function announce(text) {
  /** @type {any} */ (document.getElementById('gs-live')).textContent = text;
}

/* ---- choices ---- */

/** A list to choose from; options are pairs of value and text, or ready nodes. @param {string} id @param {string} text @param {any[]} options @param {string} value @param {(value: string) => void} action */
function chooser(id, text, options, value, action) {
  const select_ = el('select', { id, onchange: (event) => action(event.target.value) },
    options.map((o) => (o instanceof Node ? o : el('option', { value: o[0], selected: o[0] === value }, o[1]))));
  return el('div', { class: 'gs-choice' }, el('label', { for: id }, text), select_);
}

/** Whether an indicator is offered for colours: chosen, or with a value at half of the sites. @param {any} indicator */
function covers(indicator) {
  return indicator.column === state.indicator || 2 * sites.column(indicator.column).filter((v) => v !== null).length >= sites.n;
}

function colourSection() {
  const { indicators } = DATA.sites;
  if (!indicators.length) return null;
  const legend = el('div', { id: 'gs-indicator' });
  const show = () => {
    const indicator = chosenIndicator();
    legend.replaceChildren(...(indicator ? indicatorLegend(indicator).filter(Boolean) : []));
  };
  const shown = (i) => el('option', { value: i.column, selected: i.column === state.indicator }, `${indicatorName(i)}${i.unit ? ` (${unitWords(i.unit)})` : ''}`);
  const options = [el('option', { value: '' }, word('colour_none')),
    ...[['main_indicators', true], ['other_indicators', false]].map(([key, main]) => el('optgroup', { label: word(/** @type {string} */ (key)) }, indicators.filter((i) => i.main === main && (main || covers(i))).map(shown)))];
  const section = el('section', { id: 'gs-colours' }, chooser('gs-colour', word('colour_by'), options, state.indicator, (value) => {
    state.indicator = value;
    const indicator = chosenIndicator();
    show();
    fillCard();
    fillTable('site');
    sheets.repaint();
    writeHash();
    announce(indicator ? indicatorSummary(indicator) : word('colour_none'));
  }), legend);
  show();
  return section;
}

/** All years that flows, sites and parcels name; none where not even one of these layers is half dated. */
function allYears() {
  const layers = [flows, sites].filter((t) => t.has('year')).map((t) => Array.from(t.numbers('year')));
  for (const element of DATA.elements) layers.push((element.parts || []).flatMap((p) => (p.years ? Array.from(readNumbers(p.years)) : [])));
  const dated = layers.map((years) => years.filter((y) => !Number.isNaN(y)));
  if (!dated.some((years, k) => years.length && 2 * years.length >= layers[k].length)) return [];
  return [...new Set(dated.flat())].sort((a, b) => a - b);
}

function yearSection() {
  const years = allYears();
  if (years.length < 2) return null;
  const last = years[years.length - 1];
  const now = Math.min(state.year, last);
  const output = el('output', { for: 'gs-year' }, now);
  const input = el('input', { type: 'range', id: 'gs-year', min: years[0], max: last, step: 1, value: now, 'aria-label': word('years') });
  const show = () => {
    state.year = Number(input.value) >= last ? Infinity : Number(input.value);
    output.replaceChildren(input.value);
    sheets.repaint();
  };
  input.addEventListener('input', show);
  input.addEventListener('change', writeHash);
  let timer = 0;
  const play = el('button', { type: 'button', id: 'gs-play', 'aria-label': word('play') }, '▶');
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.replaceChildren('▶');
    play.setAttribute('aria-label', word('play'));
  };
  play.addEventListener('click', () => {
    if (timer) {
      stop();
      return;
    }
    if (Number(input.value) >= last) input.value = String(years[0]);
    play.replaceChildren('❚❚');
    play.setAttribute('aria-label', word('pause'));
    show();
    timer = setInterval(() => {
      if (!input.isConnected || Number(input.value) >= last) stop();
      else {
        input.value = String(Number(input.value) + 1);
        show();
      }
    }, 600);
  });
  const undated = (table) => table.column('year').filter((y) => y === null).length;
  return el('section', { id: 'gs-year-section' }, el('h2', {}, word('years')), el('div', { class: 'gs-row' }, play, input, output),
    undated(sites) + undated(flows) ? el('p', { class: 'gs-note' }, word('undated', { n: undated(sites), m: undated(flows) })) : null);
}

function areaSection() {
  const areas = elementOf('areas');
  if (!areas) return null;
  const legend = el('div');
  const options = /** @type {[string, any][]} */ ([['', word('none')], ...areas.items.map((i) => [i.name, say(i.label)])]);
  const show = () => {
    const chosen = areas.items.filter((i) => i.name === state.area || i.name === state.compare);
    // The legend shows the colours as they are seen: over the ground, at the chosen opacity.
    const seen = (classes) => classes.map((c) => ({ ...c, colour: mixed(c.colour, GROUND, state.opacity) }));
    legend.replaceChildren(...chosen.flatMap((i) => [chosen.length > 1 ? el('p', { class: 'gs-note' }, say(i.label)) : '', classLegend(seen(i.classes), i.ramp)]));
    for (const control of more) control.hidden = !state.area;
  };
  const change = () => {
    show();
    showPictures();
    writeHash();
  };
  const opacity = el('input', { type: 'range', id: 'gs-opacity', min: 0, max: 100, value: 100 * state.opacity, 'aria-label': word('opacity'), oninput: (event) => {
    state.opacity = Number(event.target.value) / 100;
    show();
    showPictures();
  }, onchange: writeHash });
  const more = [el('div', { class: 'gs-row' }, el('label', { for: 'gs-opacity' }, word('opacity')), opacity),
    ...(areas.items.length > 1 ? [chooser('gs-compare', word('compare'), options, state.compare, (value) => { state.compare = value; change(); })] : [])];
  const section = el('section', { id: 'gs-areas' },
    chooser('gs-area', word('area_layer'), options, state.area, (value) => { state.area = value; change(); }), legend, more);
  show();
  return section;
}

/* ---- card ---- */

function fillCard() {
  const { selected } = state;
  part.card.hidden = !selected;
  part.card.setAttribute('aria-label', word('card'));
  if (!selected) {
    part.card.replaceChildren();
    return;
  }
  const table = selected.kind === 'site' ? sites : origins;
  const { row } = selected;
  const name = rowName(table, row);
  const local = [table.value('name_local', row), table.value('name', row)].find((text) => text && text !== name);
  part.card.replaceChildren(
    el('div', { class: 'gs-cardhead' }, el('h2', { tabindex: -1 }, isolated(name)), el('button', { type: 'button', id: 'gs-close', 'aria-label': word('close'), onclick: () => select(null) }, '×')),
    local ? el('p', { class: 'gs-sub' }, isolated(local)) : '',
    selected.kind === 'site' ? siteList(row) : '',
    el('dl', {}, selected.kind === 'site' ? siteFacts(row) : originFacts(row)),
    waySection() ?? '',
    ...(selected.kind === 'site' ? [slopeChart(row), distanceChart(row), landChart(row), capitalsChart(sites.value('id', row), word('chart_capitals')), otherIndicators(row)] : []).filter(Boolean),
    ...[['why', ['why', state.lang].join('_')], ['source', 'source']].filter(([, k]) => table.value(k, row))
      .map(([head, k]) => el('p', { class: 'gs-note' }, `${word(head)}${word('colon')}`, isolated(table.value(k, row)))),
  );
}

/** @param {any} term @param {any} value */
function fact(term, value) {
  return el('div', {}, el('dt', {}, term), el('dd', {}, value));
}

/** Text of a row, in the reader's language where the data have it. @param {any} table @param {string} key @param {number} row */
function unitName(table, key, row) {
  return (language().local_names && table.value(`${key}_local`, row)) || table.value(key, row);
}

/** @param {number} row */
function siteFacts(row) {
  const facts = [];
  for (const line of DATA.card) {
    const value = line.level ? unitName(sites, line.column, row) : sites.value(line.column, row);
    if (value === null) continue;
    facts.push(fact(say(line.label), cardValue(line, value, row)));
  }
  const mean = meanKm.site[row];
  if (mean !== null && !DATA.sites.indicators.some((i) => !i.key.startsWith('own:'))) facts.push(fact(word('mean_km'), [figure(mean), measured('site', row)]));
  facts.push(...indicatorFacts(DATA.sites.indicators.filter((i) => i.main), row));
  return facts;
}

/** A number and its unit on one line. @param {string} number @param {string} [unit] */
function withUnit(number, unit) {
  return unit ? `${number}\u00a0${unitWords(unit)}` : number;
}

/** Indicators of a site, one row per name with a line per metric. @param {any[]} indicators @param {number} row */
function indicatorFacts(indicators, row) {
  /** @type {Map<string, any[]>} */
  const groups = new Map();
  for (const i of indicators) {
    const given = i.unless && sites.value(i.unless, row) !== null;
    if (sites.value(i.column, row) === null || given) continue;
    const name = say(i.name);
    groups.set(name, [...(groups.get(name) || []), i]);
  }
  return [...groups].map(([name, group]) => fact(isolated(name), group.map((i) => el('div', {}, indicatorLine(i, row)))));
}

/** @param {any} indicator @param {number} row */
function indicatorLine(indicator, row) {
  const digits = digitsOf(indicator);
  const between = interval(sites.value(`${indicator.column}_low`, row), sites.value(`${indicator.column}_high`, row), digits);
  const short = indicator.unit.length < 12 && !['share', 'ratio'].includes(indicator.unit) ? indicator.unit : '';
  const c = changeAt(indicator, row);
  return [indicator.how ? el('small', {}, `${say(indicator.how)} `) : '', ownText(indicator, row) ?? withUnit(figure(sites.value(indicator.column, row), digits), short), between ? el('small', {}, ` ${between}`) : '', covered(indicator, row),
    c ? el('div', { class: `gs-way gs-${c.way}` }, el('span', { 'aria-hidden': 'true' }, WAY_SIGNS[c.way]), '\u00a0', withUnit(signed(c.change, digits), short), el('small', {}, ` ${wayWord(indicator, c.way)}`)) : ''];
}

/** A text of the user's own column; null where the column holds numbers. @param {any} indicator @param {number} row */
function ownText(indicator, row) {
  const value = sites.value(indicator.column, row);
  return typeof value === 'string' ? isolated(value) : null;
}

/** How many of the moves a mean rests on, where it does not rest on all. @param {any} indicator @param {number} row */
function covered(indicator, row) {
  const [n, of] = ['_n', '_of'].map((end) => sites.value(`${indicator.column}${end}`, row));
  return n === null || of === null ? '' : el('small', {}, ` (${word('k_of_n_moves', { k: n, n: of })})`);
}

/** @type {Object<string, string>} */
const WAY_SIGNS = { up: '▲', down: '▼', same: '=', unsure: '▬' };

/** Indicators that are not shown at once. @param {number} row */
function otherIndicators(row) {
  const others = DATA.sites.indicators.filter((i) => !i.main);
  const facts = indicatorFacts(others, row);
  return facts.length ? el('details', {}, el('summary', {}, word('all_indicators', { n: facts.length })), el('dl', {}, facts)) : null;
}

/** @param {any} line @param {any} value @param {number} row */
function cardValue(line, value, row) {
  if (line.unit === '±km') return word('plus_minus_km', { u: figure(value) });
  if (line.level === 1 && (sites.value('admin_probability', row) ?? 1) < 0.995) {
    return [isolated(value), el('small', {}, ` (${word('probability', { p: figure(sites.value('admin_probability', row), 2) })})`)];
  }
  if (typeof value === 'string') return isolated(value);
  if (line.unit === 'year') return String(value);
  const between = line.low ? interval(sites.value(line.low, row), sites.value(line.high, row)) : '';
  const number = line.unit === 'ha' ? landFigure(value, row) : figure(value, line.unit === '' ? 0 : undefined);
  return [withUnit(number, line.unit), between ? el('small', {}, ` ${between}`) : ''];
}

/** @param {number} row */
function originFacts(row) {
  const facts = [];
  for (const line of DATA.card.filter((each) => each.level)) {
    if (origins.value(line.column, row) !== null) facts.push(fact(say(line.label), isolated(unitName(origins, line.column, row))));
  }
  if (origins.value('uncertainty_km', row)) facts.push(fact(word('uncertainty_km'), word('plus_minus_km', { u: figure(origins.value('uncertainty_km', row)) })));
  for (const i of flowsOf.origin[row]) {
    const km = flows.value('geodesic_km', i);
    const between = interval(flows.value('geodesic_low_km', i), flows.value('geodesic_high_km', i));
    const site = flows.value('site', i);
    facts.push(fact(word('origin_to'), [el('button', { type: 'button', class: 'gs-link', onclick: () => select({ kind: 'site', row: site }, true) }, isolated(rowName(sites, site))),
      km === null ? ` (${word('not_located')})` : `, ${withUnit(figure(km), 'km')}`, between ? el('small', {}, ` ${between}`) : '']));
    for (const [key, unit] of FLOW_FACTS) {
      if (flows.value(key, i) !== null) facts.push(fact(word(key), withUnit(figure(flows.value(key, i)), unit)));
    }
  }
  return facts;
}

/* ---- tables ---- */

const PAGE_ROWS = 100;

/** The tables: what they list, sort by, and how far they are unrolled. @type {Object<string, any>} */
const lists = {
  site: { table: sites, id: 'gs-sites', caption: 'sites_caption', sort: 'households', down: true, most: PAGE_ROWS },
  origin: { table: origins, id: 'gs-origins', caption: 'origins_caption', sort: 'households', down: true, most: PAGE_ROWS },
  unit: { table: units, id: 'gs-unit-table', caption: 'units_caption', sort: units.has('households') ? 'households' : 'persons', down: true, most: PAGE_ROWS },
};

/** Columns of a table: key, heading, value of a row. @param {string} kind */
function listColumns(kind) {
  if (kind === 'unit') return unitColumns();
  const shared = { key: 'name', head: word(kind), of: (row) => rowName(lists[kind].table, row) };
  if (kind === 'site') {
    const indicator = chosenIndicator();
    if (indicator) return [shared, ...indicatorColumns(indicator)];
    return [shared, countColumn(),
      { key: 'n', head: word('n_origins'), of: (row) => flowsOf.site[row].length || null },
      kmColumn('site', 'mean_km')].filter((c) => origins.n || (c.key !== 'n' && c.key !== 'km'));
  }
  return [shared, { key: 'to', head: word('to_site'), of: destinations },
    { key: 'households', head: countWord('flows'), of: (row) => originHouseholds[row] || null },
    kmColumn('origin', flowsOf.origin.some((f) => f.length > 1) ? 'mean_km' : 'distance_km')];
}

/** Mean distance of a row, and over how many of its moves where not over all. @param {'site' | 'origin'} kind @param {string} head */
function kmColumn(kind, head) {
  return { key: 'km', head: word(head), of: (row) => meanKm[kind][row], cell: (row) => [figure(meanKm[kind][row]), measured(kind, row)] };
}

/** @param {'site' | 'origin'} kind @param {number} row */
function measured(kind, row) {
  const all = flowsOf[kind][row];
  const n = all.filter((i) => flows.value('geodesic_km', i) !== null).length;
  return n && n < all.length ? el('small', {}, ` ${word('k_of_n', { k: n, n: all.length })}`) : '';
}

/** Where the households of an origin went, most of them first. @param {number} row @returns {string | null} */
function destinations(row) {
  /** @type {Map<number, number>} */
  const to = new Map();
  for (const i of flowsOf.origin[row]) to.set(flowSite[i], (to.get(flowSite[i]) ?? 0) + (flowHouseholds[i] || 0));
  const names = [...to].sort((a, b) => b[1] - a[1]).map(([site]) => `\u2068${rowName(sites, site)}\u2069`);
  return names.length === 0 ? null : [...names.slice(0, 3), ...(names.length > 3 ? [word('and_more', { n: names.length - 3 })] : [])].join(', ');
}

/** What the size of a site counts. */
function countColumn() {
  return { key: 'households', head: countWord('sites'), of: (row) => sites.value(sizedBy('sites'), row) };
}

/** Columns of the table while the sites are coloured by an indicator. @param {any} indicator */
function indicatorColumns(indicator) {
  const unit = indicator.unit.length < 8 && indicator.unit ? `, ${unitWords(indicator.unit)}` : '';
  const digits = digitsOf(indicator);
  const columns = [countColumn(),
    { key: 'value', head: `${word('value')}${unit}`, of: (row) => sites.value(indicator.column, row), cell: (row) => [ownText(indicator, row) ?? figure(sites.value(indicator.column, row), digits), covered(indicator, row)] }];
  if (!indicator.change) return columns;
  return [...columns, { key: 'change', head: `${word('change')}${unit}`, of: (row) => changeAt(indicator, row)?.change ?? null, cell: (row) => {
    const c = changeAt(indicator, row);
    if (!c) return '—';
    const between = interval(c.low, c.high, digits);
    return [el('span', { class: `gs-way gs-${c.way}`, 'aria-hidden': 'true' }, `${WAY_SIGNS[c.way]} `), signed(c.change, digits), el('small', {}, `${between ? ` (${between})` : ''} ${wayWord(indicator, c.way)}`)];
  } }];
}

function tableSection() {
  const filter = el('input', { type: 'search', id: 'gs-filter', value: state.filter, autocomplete: 'off', oninput: (event) => {
    state.filter = event.target.value;
    for (const list of Object.values(lists)) list.most = PAGE_ROWS;
    fillTables();
    fillUnits();
    fillCard();
    sheets.repaint();
    writeHash();
  } });
  part.site = el('div');
  part.origin = el('div');
  return el('section', { id: 'gs-tables', tabindex: -1, 'aria-label': word('tables') },
    el('div', { class: 'gs-choice' }, el('label', { for: 'gs-filter' }, word('filter')), filter),
    el('h2', {}, word('h_sites')), part.site, ...(origins.n ? [el('h2', {}, word('h_origins')), part.origin] : []));
}

function fillTables() {
  fillTable('site');
  fillTable('origin');
}

/** @param {string} text */
function folded(text) {
  return String(text).normalize('NFKC').toLocaleLowerCase();
}

/** Rows of a table that the filter lets through. @param {string} kind @returns {number[]} */
function filtered(kind) {
  const { table } = lists[kind];
  const wanted = folded(state.filter.trim());
  const all = kind === 'unit' ? unitRows() : Array.from(rowNumbers(table.n));
  if (!wanted) return all;
  const keys = ['id', 'name', 'name_local', 'local', 'parent', ...DATA.searched].filter((k) => table.has(k)).map((k) => table.column(k));
  const found = all.filter((row) => keys.some((column) => column[row] !== null && folded(column[row]).includes(wanted)));
  return kind === 'unit' && !found.length ? all : found; // who looks for a site still sees the units
}

/** @type {Object<string, Intl.Collator>} */
const collators = {}; // made when first asked for: the browser takes longer for one than for a table

/** @param {any} a @param {any} b */
function order(a, b) {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return typeof a === 'number' ? a - b : (collators[state.lang] ??= new Intl.Collator(state.lang, { numeric: true })).compare(a, b);
}

/** @param {string} kind */
function fillTable(kind) {
  const list = lists[kind];
  const columns = listColumns(kind);
  const by = columns.find((c) => c.key === list.sort) || columns[0];
  const all = filtered(kind);
  const value = new Array(list.table.n);
  for (const row of all) value[row] = by.of(row);
  const rows = contenders(all, value, list.down, list.most);
  // Missing values come last whichever way one sorts.
  rows.sort((a, b) => (value[a] === null || value[b] === null || !list.down ? order(value[a], value[b]) : order(value[b], value[a])));
  const heads = columns.map((c) => el('th', { scope: 'col', 'aria-sort': c.key === list.sort ? (list.down ? 'descending' : 'ascending') : 'none' },
    el('button', { type: 'button', 'data-sort': `${kind}:${c.key}`, onclick: () => sortBy(kind, c.key) }, c.head)));
  const body = rows.slice(0, list.most).map((row) => tableRow(kind, row, columns));
  const focus = document.activeElement?.getAttribute?.('data-sort');
  part[kind].replaceChildren(
    el('table', { id: list.id }, el('caption', { class: 'gs-hidden' }, word(list.caption)), el('thead', {}, el('tr', {}, heads)), el('tbody', {}, body)),
    el('p', { class: 'gs-note', role: 'status' }, word('shown_of', { n: figure(Math.min(list.most, all.length), 0), m: figure(kind === 'unit' ? unitRows().length : list.table.n, 0) })),
  );
  if (all.length > list.most) {
    part[kind].append(el('button', { type: 'button', onclick: () => { list.most += 5 * PAGE_ROWS; fillTable(kind); } }, word('show_more')));
  }
  if (focus) /** @type {any} */ ([...part[kind].querySelectorAll('[data-sort]')].find((b) => b.getAttribute('data-sort') === focus))?.focus();
}

/** @param {string} kind @param {string} key */
function sortBy(kind, key) {
  const list = lists[kind];
  list.down = list.sort === key ? !list.down : key !== 'name' && key !== 'to';
  list.sort = key;
  fillTable(kind);
}

/** @param {string} kind @param {number} row @param {any[]} columns */
function tableRow(kind, row, columns) {
  const { table } = lists[kind];
  const chosen = isChosen(kind, row);
  const cells = columns.slice(1).map((c) => {
    const v = c.of(row);
    if (c.cell) return el('td', {}, c.cell(row));
    return el('td', {}, typeof v === 'string' ? isolated(v) : figure(v, c.key === 'km' ? undefined : 0));
  });
  const open = el('button', { type: 'button', class: 'gs-link', 'data-row': `${kind}:${row}`, 'aria-pressed': String(chosen), onclick: () => (kind === 'unit' ? selectUnit(row, true) : select({ kind, row }, true)) }, isolated(columns[0].of(row)));
  const lost = kind === 'unit' ? el('small', {}, word('units_sites', { n: units.value('sites', row) })) : table.value('lon', row) === null ? el('small', {}, ` (${word('not_located')})`) : '';
  return el('tr', { class: chosen ? 'gs-chosen' : null }, el('th', { scope: 'row' }, open, lost), cells);
}

/** @param {string} kind @param {number} row */
function isChosen(kind, row) {
  return kind === 'unit' ? state.unit === row : state.selected?.kind === kind && state.selected.row === row;
}

/** Mark the chosen row without building the table anew. */
function markRows() {
  for (const open of panel.querySelectorAll('[data-row]')) {
    const [kind, row] = open.getAttribute('data-row').split(':');
    const chosen = isChosen(kind, Number(row));
    open.setAttribute('aria-pressed', String(Boolean(chosen)));
    open.closest('tr').className = chosen ? 'gs-chosen' : '';
  }
}

/** Sites and origins that no source places. */
function unknownSection() {
  const groups = /** @type {[string, any][]} */ ([['unknown_sites', sites], ['unknown_origins', origins]]).map(([key, table]) => {
    const rows = [];
    const lon = table.numbers('lon');
    for (let i = 0; i < table.n; i++) if (Number.isNaN(lon[i])) rows.push(i);
    if (!rows.length) return null;
    return el('details', { open: rows.length <= 6 }, el('summary', {}, `${word(key)} (${figure(rows.length, 0)})`),
      el('ul', {}, rows.slice(0, 300).map((i) => el('li', {}, isolated(rowName(table, i))))));
  }).filter(Boolean);
  return groups.length ? el('section', { id: 'gs-unknown' }, groups, el('p', { class: 'gs-note' }, word('unknown_note'))) : null;
}

/** Capitals of groups that are no site of the map, such as the households of a survey. */
function surveySection() {
  const known = new Set(sites.column('id'));
  const charts = Object.keys(DATA.charts.capitals).filter((id) => !known.has(id)).map((id) => capitalsChart(id, word('survey', { group: id })));
  return charts.length ? el('section', { id: 'gs-survey' }, charts) : null;
}

function notesSection() {
  const { notes, rounding, basemap } = DATA;
  const caveats = [...notes.caveats, ...(rounding ? [rounding] : [])].map(say);
  if (basemap) caveats.push(word('online', { name: basemap.name, credit: basemap.credit }));
  return el('footer', {},
    el('div', { class: 'gs-caveats' }, el('h2', {}, word('notes')), el('ul', {}, caveats.map((c) => el('li', {}, isolated(c))))),
    notes.sources.length ? [el('h2', {}, word('sources')), el('ul', { class: 'gs-note' }, notes.sources.map((s) => el('li', {}, isolated(say(s)))))] : [],
    el('p', { class: 'gs-note' }, [notes.date && word('as_of', { date: notes.date }), say(notes.colophon)].filter(Boolean).join(word('full_stop'))));
}
