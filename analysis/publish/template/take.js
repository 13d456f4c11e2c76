// A chart to take along, with its title and its source in it: SVG as drawn, PNG at twice the size.
(() => {
  const lines = (text, width) => text.trim().split(/\s+/).reduce((all, word) => {
    if ((all[all.length - 1] + word).length < width) all[all.length - 1] += `${word} `
    else all.push(`${word} `)
    return all
  }, [''])
  const drawing = figure => {
    const svg = figure.querySelector('.chart svg').cloneNode(true)
    const [, , width, height] = svg.getAttribute('viewBox').split(' ').map(Number)
    const below = figure.querySelector('.source')
    let y = 8
    const block = (text, size, style) => lines(text, width * 1.8 / size).map(line => {
      y += size * 1.35
      return `<text x="8" y="${y}" font-size="${size}" fill="#1b1b1b" ${style}>${line.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</text>`
    }).join('')
    const plain = node => [...node.childNodes].map(n => n.nodeName === 'SUP' ? '' : n.childNodes.length ? plain(n) : n.textContent).join('')
    const head = block(plain(figure.querySelector('h3,h4')), 14, 'font-weight="bold"') + block(plain(figure.querySelector('figcaption p')), 11, '')
    Object.entries({x: 8, y: y + 8, width, height, overflow: 'visible'}).forEach(([name, value]) => svg.setAttribute(name, value))
    y += height + 12
    const foot = below ? block(plain(below), 9, 'font-style="italic"') : ''
    const [w, h] = [width + 16, Math.ceil(y + 12)]
    return {w, h, text: `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}"`
      + ` font-family="Liberation Sans, Arial, sans-serif"><rect width="100%" height="100%" fill="#fff"/>${head}`
      + `${new XMLSerializer().serializeToString(svg)}${foot}</svg>`}
  }
  const save = (address, name) => Object.assign(document.createElement('a'), {href: address, download: name}).click()
  const address = text => `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`
  const kinds = {
    svg: figure => save(address(drawing(figure).text), `${figure.id}.svg`),
    png: figure => {
      const {w, h, text} = drawing(figure), picture = new Image()
      picture.onload = () => {
        const canvas = Object.assign(document.createElement('canvas'), {width: 2 * w, height: 2 * h})
        canvas.getContext('2d').drawImage(picture, 0, 0, 2 * w, 2 * h)
        save(canvas.toDataURL(), `${figure.id}.png`)
      }
      picture.src = address(text)
    }
  }
  for (const place of document.querySelectorAll('figure .take')) for (const [kind, give] of Object.entries(kinds)) {
    const button = Object.assign(document.createElement('button'), {type: 'button', textContent: kind.toUpperCase()})
    button.onclick = () => give(place.closest('figure'))
    place.append(' ', button)
  }
})();
