/** The look of the page, in light and dark. */
import { Html } from './html.ts'

export const style: Html = new Html(`
:root {
  --page: #fbfaf8; --card: #ffffff; --ink: #1d2125; --soft: #5c646d; --line: #e3e0da; --code: #f3f1ec;
  --accent: #0b5f4c; --get: #1c5fa8; --post: #0b6b4f; --good: #0b6b4f; --bad: #a13a14; --broken: #8a1f3d;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1b1f23; --ink: #e6e4df; --soft: #9aa3ac; --line: #2d3338; --code: #22272c;
    --accent: #6fd0b3; --get: #7db4ee; --post: #6fd0b3; --good: #6fd0b3; --bad: #f0a27c; --broken: #ee8fa8;
  }
}
* { box-sizing: border-box }
html { scroll-behavior: smooth; scroll-padding-top: 1.5rem }
body {
  margin: 0; display: grid; grid-template-columns: 17rem minmax(0, 1fr); background: var(--page); color: var(--ink);
  font: 16px/1.6 ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif;
}
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: 3px }
code, pre { font: 0.86em/1.55 ui-monospace, 'SF Mono', Menlo, Consolas, monospace }
:not(pre) > code { background: var(--code); padding: 0.1em 0.35em; border-radius: 4px }
nav {
  position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.75rem 1.25rem; border-right: 1px solid var(--line);
}
nav .home { font-size: 1.25rem; font-weight: 650; color: var(--ink); text-decoration: none }
nav small { font-weight: 400; color: var(--soft) }
nav h2 { margin: 1.6rem 0 0.4rem; font-size: 0.75rem; letter-spacing: 0.06em; text-transform: uppercase; color: var(--soft) }
nav ul { list-style: none; margin: 0; padding: 0 }
nav li a { display: block; padding: 0.2rem 0.4rem; margin-left: -0.4rem; border-radius: 6px; color: var(--ink); text-decoration: none; font-size: 0.92rem }
nav li a:hover { background: var(--code) }
nav .machine { margin-top: 2rem; font-size: 0.9rem }
main { width: 100%; max-width: 58rem; padding: 2.25rem clamp(1.25rem, 4vw, 3.5rem) 6rem }
h1 { margin: 0 0 0.5rem; font-size: 2.4rem; line-height: 1.15; letter-spacing: -0.02em }
header p { max-width: 46rem }
section > h2 { margin: 4rem 0 0; font-size: 1.6rem; letter-spacing: -0.01em }
.lead { margin: 0.1rem 0 1.5rem; color: var(--soft) }
article { margin: 1.25rem 0; padding: 1.4rem 1.6rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px }
article h3 { margin: 0; font-size: 1.2rem }
article h4 { margin: 1.5rem 0 0.5rem; font-size: 0.8rem; letter-spacing: 0.05em; text-transform: uppercase; color: var(--soft) }
.endpoint { margin: 0.3rem 0 0.75rem }
.open { margin-left: 0.5rem; font-size: 0.85rem; color: var(--soft) }
.method { display: inline-block; min-width: 2.6rem; font: 700 0.72rem/1.4 ui-monospace, Menlo, Consolas, monospace; color: var(--get) }
.method.post { color: var(--post) }
pre { margin: 0; padding: 0.9rem 1rem; overflow-x: auto; background: var(--code); border-radius: 8px }
figure { margin: 0.75rem 0 }
figcaption { margin-bottom: 0.3rem; font-size: 0.88rem; color: var(--soft) }
.wide { overflow-x: auto }
table { width: 100%; border-collapse: collapse; font-size: 0.93rem }
td { padding: 0.55rem 1rem 0.55rem 0; vertical-align: top; border-top: 1px solid var(--line) }
tr:first-child td { border-top: 0 }
td:first-child { white-space: nowrap }
td b { color: var(--bad) }
.limit { display: inline-block; padding: 0 0.4rem; border: 1px solid var(--line); border-radius: 5px; color: var(--soft); font: 0.8rem/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere }
details { border-top: 1px solid var(--line) }
summary { padding: 0.55rem 0; cursor: pointer }
details[open] { padding-bottom: 0.75rem }
details p { margin: 0.2rem 0 0.5rem }
.headers { font-size: 0.9rem }
.status { display: inline-block; min-width: 2.8rem; font: 700 0.9rem/1.4 ui-monospace, Menlo, Consolas, monospace; color: var(--good) }
.status.s4 { color: var(--bad) }
.status.s5, .status.sd { color: var(--broken) }
@media (max-width: 56rem) {
  body { grid-template-columns: minmax(0, 1fr) }
  nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line) }
}
@media print { nav { display: none } body { display: block } details > * { display: block } }
`)
