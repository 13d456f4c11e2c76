// Shows the note of a number under the page; without scripts the number's link leads to the note.
(() => {
  const box = document.getElementById('why')
  let shown = null
  const show = number => {
    shown = number
    const note = document.querySelector(number.getAttribute('href'))
    const lines = [note, ...[...note.querySelectorAll('a[href^="#figure-"]')].map(a => document.querySelector(a.getAttribute('href')))]
    box.replaceChildren(...lines.map(line => {
      const told = document.createElement('p')
      told.textContent = line.textContent
      return told
    }))
    box.hidden = false
    number.setAttribute('aria-describedby', 'why')
  }
  const hide = () => {
    if (shown) shown.removeAttribute('aria-describedby')
    shown = null
    box.hidden = true
  }
  const number = event => event.target.closest && event.target.closest('a.quantity')
  for (const [starts, ends] of [['mouseover', 'mouseout'], ['focusin', 'focusout']]) {
    document.addEventListener(starts, event => number(event) && show(number(event)))
    document.addEventListener(ends, event => number(event) && hide())
  }
  // On a phone a row becomes a block whose cells name their columns; the long tables to look things up in do so here.
  for (const table of document.querySelectorAll('.table details table')) {
    const names = [...table.querySelectorAll('th')].map(head => head.textContent)
    for (const row of table.tBodies[0].rows) [...row.cells].forEach((cell, n) => { cell.dataset.column = names[n] })
  }
  document.addEventListener('keydown', event => event.key === 'Escape' && hide())
})()
