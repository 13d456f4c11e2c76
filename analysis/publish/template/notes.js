// Shows the note of a number beside it; without scripts the number's link leads to the note.
(() => {
  const box = document.getElementById('why')
  let shown = null, leaving = 0
  const paragraph = (words, ...more) => {
    const p = document.createElement('p')
    p.append(words, ...more)
    return p
  }
  const show = number => {
    clearTimeout(leaving)
    if (shown === number) return
    hide()
    shown = number
    const address = number.getAttribute('href'), note = document.querySelector(address)
    const linked = (from, kind) => [...from.querySelectorAll(`a[href^="#${kind}-"]`)].map(a => document.querySelector(a.getAttribute('href')))
    const figures = [note, ...linked(note, 'note')].flatMap(one => linked(one, 'figure'))
    const all = document.createElement('a'), close = document.createElement('button')
    Object.assign(all, {href: address, textContent: box.dataset.all})
    Object.assign(close, {type: 'button', textContent: box.dataset.close, onclick: hide})
    box.replaceChildren(paragraph(note.textContent.trim()), ...figures.map(f => paragraph(f.textContent.trim())), paragraph(all, ' ', close))
    box.hidden = false
    // On the half of the screen where the number is not.
    box.classList.toggle('above', number.getBoundingClientRect().top > innerHeight / 2)
    box.scrollTop = 0
    number.setAttribute('aria-describedby', 'why')
  }
  const hide = () => {
    clearTimeout(leaving)
    if (shown) shown.removeAttribute('aria-describedby')
    shown = null
    box.hidden = true
  }
  const number = event => event.target.closest && event.target.closest('a.quantity')
  const inside = event => box.contains(event.target)
  document.addEventListener('mouseover', event => {
    if (number(event)) show(number(event))
    else if (inside(event)) clearTimeout(leaving)
    else if (shown && document.activeElement !== shown) { clearTimeout(leaving); leaving = setTimeout(hide, 400) }
  })
  document.addEventListener('focusin', event => number(event) ? show(number(event)) : inside(event) || hide())
  document.addEventListener('click', event => {
    if (number(event)) { event.preventDefault(); show(number(event)) }
    else if (!inside(event)) hide()
    else if (event.target.tagName === 'A') hide()
  })
  document.addEventListener('keydown', event => event.key === 'Escape' && hide())
  const open = () => document.querySelector(':target')?.closest('details')?.setAttribute('open', '')
  addEventListener('hashchange', open)
  open()
  addEventListener('beforeprint', () => document.querySelectorAll('#notes > details, #making > details').forEach(d => { d.open = true }))
})();
