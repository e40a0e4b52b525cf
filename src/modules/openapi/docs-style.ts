/** The look of the documentation page, light or dark as the reader's system is. */
export const docsStyle = `
:root {
  color-scheme: light dark;
  --ink: #1c2024; --soft: #60646c; --line: #e0e1e6; --paper: #fff; --well: #f6f7f9; --accent: #3358d4;
  --get: #1a7f4b; --post: #3358d4; --put: #8a5a00; --patch: #8a5a00; --delete: #c2292e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #edeef0; --soft: #a1a6b0; --line: #2e3135; --paper: #111113; --well: #1a1b1e; --accent: #9eb1ff;
    --get: #6fd6a0; --post: #9eb1ff; --put: #f0c36d; --patch: #f0c36d; --delete: #ff9592;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 56rem; margin: 0 auto; padding: 2.5rem 1.25rem 6rem }
h1 { font-size: 2rem; margin: 0 }
h1 small { font-size: 1rem; font-weight: 400; color: var(--soft) }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .6rem; scroll-margin-top: 1rem }
h3 { font-size: .8rem; margin: 1.1rem 0 .35rem; color: var(--soft); text-transform: uppercase; letter-spacing: .05em }
p { margin: .6rem 0 }
a { color: var(--accent) }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1rem; margin: 1.5rem 0 0; padding: .9rem 0; border-block: 1px solid var(--line) }
details { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; overflow: hidden }
summary { display: flex; flex-wrap: wrap; gap: .2rem .8rem; padding: .55rem .8rem; cursor: pointer; align-items: baseline }
summary::-webkit-details-marker { display: none }
summary:hover, details[open] > summary { background: var(--well) }
summary:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px }
summary b { width: 4rem; font: 600 .8rem ui-monospace, monospace; text-transform: uppercase }
summary span { margin-left: auto; color: var(--soft); font-size: .9rem }
.get { color: var(--get) } .post { color: var(--post) } .put { color: var(--put) }
.patch { color: var(--patch) } .delete { color: var(--delete) }
.body { padding: .2rem 1rem 1rem; border-top: 1px solid var(--line) }
code, pre { font: .86rem/1.5 ui-monospace, monospace }
pre { margin: 0; padding: .8rem 1rem; background: var(--well); border-radius: 6px; overflow-x: auto }
table { width: 100%; border-collapse: collapse; font-size: .92rem }
td { padding: .35rem .8rem .35rem 0; border-top: 1px solid var(--line); vertical-align: top }
td:last-child { color: var(--soft) }
`
