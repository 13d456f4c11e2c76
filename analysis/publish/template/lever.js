// The live lever: the same arithmetic as analysis/what_if.py, in Vega's expressions, from the same few numbers.
(() => {
  const PATH = 'given.rest * pow(1 + growth, datum.n) + (datum.n <= ban ? given.us * pow(1 + growth, datum.n) : 0) + ramp * given.europe[datum.n - 1]'
  const WIDTH = 440, HEIGHT = 220

  // Three digits that count, as the rest of the page prints its numbers.
  const digits = value => Number(value.toPrecision(3)).toLocaleString('en-GB', {maximumFractionDigits: 9})
  const money = (value, symbol) => {
    const size = Math.abs(value)
    const [scale, word] = [[1e12, ' tn'], [1e9, ' bn'], [1e6, ' mn']].find(([scale]) => size >= scale * 0.9995) || [1, '']
    return `${value < 0 ? '−' : ''}${symbol}${digits(size / scale)}${word}`
  }
  const percent = value => `${digits(100 * value)}%`.replace('-', '−')

  const spec = given => ({
    width: WIDTH, height: HEIGHT, padding: {left: 4, right: 4, top: 6, bottom: 4}, autosize: 'none',
    signals: [
      {name: 'given', value: given},
      {name: 'growth', value: given.growth.start},
      {name: 'ban', value: given.months.length},
      {name: 'ramp', value: given.ramp ? given.ramp.start : 0},
    ],
    data: [
      {
        name: 'months',
        transform: [
          {type: 'sequence', start: 1, stop: given.months.length + 1, as: 'n'},
          {type: 'formula', as: 'gmv', expr: PATH},
          {type: 'formula', as: 'name', expr: 'given.months[datum.n - 1]'},
          {type: 'window', ops: ['sum'], fields: ['gmv'], as: ['sum'], frame: [null, 0]},
          {type: 'formula', as: 'total', expr: 'given.soFar + datum.sum'},
        ],
      },
      {name: 'year', source: 'months', transform: [{type: 'filter', expr: 'datum.n === length(given.months)'}]},
    ],
    scales: [
      {name: 'x', type: 'linear', domain: [0, given.months.length], range: [30, WIDTH - 110]},
      {name: 'y', type: 'linear', domain: [0, {signal: "1.02 * max(given.target, data('year')[0].total)"}], range: [HEIGHT - 24, 20]},
    ],
    marks: [
      {type: 'rule', encode: {update: {
        x: {value: 0}, x2: {value: WIDTH - 110}, y: {scale: 'y', value: 0}, stroke: {value: '#858585'}, opacity: {value: 0.6}}}},
      {type: 'rule', encode: {update: {
        x: {value: 0}, x2: {value: WIDTH - 110}, y: {scale: 'y', value: given.target}, stroke: {value: '#d0601a'}, strokeWidth: {value: 2}}}},
      {type: 'text', encode: {update: {
        x: {value: 0}, y: {scale: 'y', value: given.target, offset: -6}, text: {value: `target ${money(given.target, given.symbol)}`},
        fill: {value: 'currentColor'}, fontSize: {value: 12}}}},
      {type: 'rule', encode: {update: {
        x: {scale: 'x', value: 0}, x2: {scale: 'x', value: 1}, y: {scale: 'y', value: given.soFar}, y2: {scale: 'y', signal: "data('months')[0].total"},
        stroke: {value: '#2f7fbf'}, strokeWidth: {value: 2.5}}}},
      {type: 'line', from: {data: 'months'}, encode: {update: {
        x: {scale: 'x', field: 'n'}, y: {scale: 'y', field: 'total'}, stroke: {value: '#2f7fbf'}, strokeWidth: {value: 2.5}}}},
      {type: 'symbol', from: {data: 'year'}, encode: {update: {
        x: {scale: 'x', field: 'n'}, y: {scale: 'y', field: 'total'}, fill: {value: '#2f7fbf'}, size: {value: 70}}}},
      {type: 'symbol', encode: {update: {
        x: {scale: 'x', value: 0}, y: {scale: 'y', value: given.soFar}, fill: {value: '#2f7fbf'}, size: {value: 50}}}},
      {type: 'text', encode: {update: {
        x: {scale: 'x', value: 0}, y: {scale: 'y', value: given.soFar, offset: 18}, text: {value: money(given.soFar, given.symbol)},
        fill: {value: 'currentColor'}, fontSize: {value: 12}}}},
      {type: 'text', name: 'end', from: {data: 'year'}, encode: {update: {
        x: {scale: 'x', field: 'n', offset: 9}, y: {scale: 'y', field: 'total'}, text: {signal: 'shown'},
        baseline: {value: 'middle'}, fill: {value: 'currentColor'}, fontSize: {value: 13}, fontWeight: {value: 'bold'}}}},
      {type: 'text', from: {data: 'months'}, encode: {update: {
        x: {scale: 'x', field: 'n'}, y: {value: HEIGHT - 8}, text: {signal: 'slice(datum.name, 0, 3)'}, align: {value: 'center'},
        fill: {value: 'currentColor'}, fontSize: {value: 12}}}},
    ],
  })

  const slider = (knobs, words, from, to, step, start, said, moved) => {
    const label = document.createElement('label'), value = document.createElement('output'), input = document.createElement('input')
    Object.assign(input, {type: 'range', min: from, max: to, step: step})
    input.value = start
    const tell = () => {
      value.textContent = said(Number(input.value))
      input.setAttribute('aria-valuetext', value.textContent)
    }
    input.addEventListener('input', () => { tell(); moved(Number(input.value)) })
    label.append(`${words}: `, value, input)
    knobs.append(label)
    tell()
  }

  for (const place of document.querySelectorAll('.lever')) {
    const given = JSON.parse(place.dataset.lever)
    const knobs = document.createElement('div'), outcome = document.createElement('p'), chart = document.createElement('div')
    knobs.className = 'knobs'
    outcome.className = 'outcome'
    outcome.setAttribute('role', 'status')
    chart.setAttribute('aria-hidden', 'true')
    place.append(knobs, outcome, chart)
    const described = spec(given)
    described.config = {text: {font: 'Liberation Sans, Arial, sans-serif'}, aria: false}
    described.signals.push({name: 'shown', value: ''})
    const view = new vega.View(vega.parse(described, described.config, {ast: true}), {expr: vega.expressionInterpreter, renderer: 'svg'})
    view.initialize(chart)
    view.run()
    const draw = () => {
      view.run()
      const year = view.data('year')[0].total, gap = given.target - year
      view.signal('shown', money(year, given.symbol)).run()
      outcome.textContent = `${given.year} would bring ${money(year, given.symbol)}, ` + (
        gap > 0 ? `${money(gap, given.symbol)} short of the target.` : `${money(-gap, given.symbol)} more than the target.`)
    }
    const move = name => value => { view.signal(name, value); draw() }
    const {growth, ramp, months} = given
    slider(knobs, 'Growth a month', growth.least, growth.most, growth.step, growth.start, percent, move('growth'))
    slider(knobs, 'No US sales from', 0, months.length, 1, months.length, n => n < months.length ? months[n] : 'never', move('ban'))
    if (ramp) slider(knobs, 'New European sites', ramp.least, ramp.most, ramp.step, ramp.start, n => `${digits(n)}× earlier launches`, move('ramp'))
    draw()
    const svg = chart.querySelector('svg')
    svg.setAttribute('viewBox', `0 0 ${svg.getAttribute('width')} ${svg.getAttribute('height')}`)
    place.hidden = false
    place.closest('figure').classList.add('live')
  }
})()
