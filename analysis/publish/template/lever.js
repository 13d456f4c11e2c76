// What the target would take, moved by hand: the same arithmetic as `what_if` of the summary, from the same numbers.
(() => {
  const digits = value => Number(value.toPrecision(3)).toLocaleString('en-GB', {maximumFractionDigits: 9})
  const filled = (words, parts) => words.replace(/{(\w+)}/g, (_, name) => parts[name])
  const money = (value, symbol, words) => {
    const size = Math.abs(value), [scale, word] = words.scales.find(([scale]) => size >= scale * 0.9995)
    return filled(words.money, {symbol, size: digits(size / (scale || 1)), scale: word})
  }

  for (const place of document.querySelectorAll('.lever')) {
    const {given, words} = JSON.parse(place.dataset.lever), months = given.months
    // The estimate and the target to whole per cent, as in the table.
    const told = value => [given.expected, given.needed].includes(value) ? Math.round(100 * value) : 100 * value
    const percent = value => `${digits(told(value))}%`.replace('-', '−')
    const asked = new URLSearchParams(location.search)
    const state = {growth: given.expected, ban: months.length}
    const outcome = document.createElement('p')
    outcome.className = 'outcome'
    outcome.setAttribute('role', 'status')
    const tell = () => {
      let year = given.soFar
      months.forEach((_, n) => {
        const times = (1 + state.growth) ** (n + 1)
        year += given.rest * times + (n < state.ban ? given.us * times : 0)
      })
      const gap = given.target - year, close = Math.abs(gap) < given.target / 2000
      const parts = {year: given.year, amount: money(year, given.symbol, words), gap: money(gap, given.symbol, words)}
      outcome.textContent = filled(close ? words.met : gap > 0 ? words.short : words.more, parts)
    }
    const slider = (name, label, values, said) => {
      const input = document.createElement('input'), shown = document.createElement('output'), box = document.createElement('div')
      const title = document.createElement('label')
      Object.assign(input, {type: 'range', min: 0, max: values.length - 1, step: 1, id: `what-if-${name}`})
      title.htmlFor = shown.htmlFor = input.id
      title.textContent = label
      const wanted = asked.has(name) ? Number(asked.get(name)) : state[name]
      const nearest = values.reduce((best, v, n) => Math.abs(v - wanted) < Math.abs(values[best] - wanted) ? n : best, 0)
      const set = () => {
        state[name] = values[input.value]
        shown.textContent = said(state[name])
        input.setAttribute('aria-valuetext', shown.textContent)
      }
      input.value = nearest
      set()
      input.addEventListener('input', () => {
        set()
        tell()
        asked.set(name, state[name])
        try { history.replaceState(null, '', `?${asked}${location.hash}`) } catch { /* a page in a mail has no address */ }
      })
      box.append(title, ' ', shown, input)
      place.append(box)
    }
    // Steps of half a point, with the estimate and the target exactly among them.
    const steps = new Set([given.expected, given.needed])
    const least = Math.min(0, given.expected, given.needed) - 0.05, most = Math.max(given.expected, given.needed) + 0.05
    for (let n = Math.ceil(least * 200); n <= most * 200; n++) steps.add(n / 200)
    slider('growth', words.growth, [...steps].sort((a, b) => a - b), percent)
    slider('ban', words.ban, [...months.keys(), months.length], n => n < months.length ? months[n] : words.never)
    place.append(outcome)
    tell()
    place.hidden = false
  }
})();
