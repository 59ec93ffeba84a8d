/** The document as a page for people: one file without scripts, fonts or anything else to fetch. */
import type { MediaType, Method, OpenApi, Operation, Parameter, Ref, Response, Schema } from '../openapi/openapi.ts'
import { curl } from './curl.ts'
import { type Html, html, inline, prose } from './html.ts'
import { type Field, fieldsOf, refsOf } from './schema-fields.ts'
import { style } from './style.ts'

interface Endpoint {
  readonly method: Method
  readonly path: string
  readonly operation: Operation
}

export function docsPage(document: OpenApi): string {
  const { title, version, description } = document.info
  const endpoints = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): Endpoint => ({ method: method as Method, path, operation })),
  )
  const groups = document.tags.map((tag) => ({
    ...tag,
    endpoints: endpoints.filter(({ operation }) => operation.tags.includes(tag.name)),
  }))
  const schemas = Object.entries(document.components.schemas)

  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} ${version}</title>
<style>${style}</style>
</head>
<body>
<nav aria-label="Contents">
<a class="home" href="#top">${title} <small>${version}</small></a>
${groups.map(
  (group) =>
    html`<h2>${group.name}</h2><ul>${group.endpoints.map(
      ({ method, operation }) =>
        html`<li><a href="#${operation.operationId}">${badge(method)} ${operation.summary}</a></li>`,
    )}</ul>`,
)}
<h2>Schemas</h2><ul>${schemas.map(([name]) => html`<li><a href="#schema-${name}">${name}</a></li>`)}</ul>
<p class="machine"><a href="/openapi.json">openapi.json</a></p>
</nav>
<main id="top">
<header><h1>${title}</h1>${prose(description)}</header>
${groups.map(
  (group) => html`<section><h2>${group.name}</h2><p class="lead">${group.description}</p>
${group.endpoints.map((endpoint) => article(document, endpoint))}</section>`,
)}
<section><h2>Schemas</h2>${schemas.map(
    ([name, schema]) =>
      html`<article id="schema-${name}"><h3>${name}</h3>${prose(schema.description ?? '')}${fieldTable(schema)}</article>`,
  )}</section>
</main>
</body>
</html>
`.text
}

function article(document: OpenApi, endpoint: Endpoint): Html {
  const { method, path, operation } = endpoint
  const parameters = (operation.parameters ?? []).map((parameter) => resolved(document, parameter))
  const body = operation.requestBody?.content['application/json']
  return html`<article id="${operation.operationId}">
<h3>${operation.summary}</h3>
<p class="endpoint">${badge(method)} <code>${path}</code>${operation.security && html` <span class="open">no key needed</span>`}</p>
${prose(operation.description)}
${parameters.length > 0 ? parameterTable(parameters) : undefined}
${body && html`<h4>Body</h4><p>${schemaLink(body)}</p>${exampleBlocks(body)}`}
<h4>Try it</h4><pre><code>${curl(endpoint, parameters)}</code></pre>
<h4>Answers</h4>${Object.entries(operation.responses)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([status, response]) => answer(status, response))}
</article>`
}

function answer(status: string, response: Response): Html {
  const media = Object.values(response.content)[0]
  const names = Object.keys(response.headers ?? {})
  return html`<details${status.startsWith('2') ? html` open` : undefined}>
<summary><span class="status s${status.charAt(0)}">${status === 'default' ? 'else' : status}</span> ${inline(response.description)}</summary>
<p>${media && schemaLink(media)}</p>
${names.length > 0 ? html`<p class="headers">${names.map((name) => html`<code>${name}</code> `)}</p>` : undefined}
${media && exampleBlocks(media)}
</details>`
}

function exampleBlocks({ examples = {} }: MediaType): Html {
  const blocks = Object.values(examples).map(
    ({ summary, value }) =>
      html`<figure><figcaption>${summary}</figcaption><pre><code>${JSON.stringify(value, null, 2)}</code></pre></figure>`,
  )
  return html`${blocks}`
}

function parameterTable(parameters: readonly Parameter[]): Html {
  const rows = parameters.map(
    ({ name, in: place, required = false, description, schema }) =>
      html`<tr><td><code>${name}</code>${required ? html` <b title="required">*</b>` : undefined}</td>
<td>${place}</td><td>${inline(description)} ${limits(fieldsOf({ properties: { [name]: schema } })[0])}</td></tr>`,
  )
  return html`<h4>Parameters</h4><div class="wide"><table><tbody>${rows}</tbody></table></div>`
}

function fieldTable(schema: Schema): Html {
  const rows = fieldsOf(schema).map(
    (
      field,
    ) => html`<tr><td><code>${field.name}</code>${field.required ? html` <b title="required">*</b>` : undefined}</td>
<td>${typeCell(field)}</td><td>${inline(field.description)} ${limits(field)}</td></tr>`,
  )
  return html`<div class="wide"><table><tbody>${rows}</tbody></table></div>`
}

function typeCell({ type, refs }: Field): Html {
  return html`${type} ${refs.map((name) => html`<a href="#schema-${name}">${name}</a> `)}`
}

function limits(field: Field | undefined): Html {
  return html`${(field?.limits ?? []).map((limit) => html`<span class="limit">${limit}</span> `)}`
}

function schemaLink({ schema }: MediaType): Html {
  const links = refsOf(schema).map((name, at) => html`${at > 0 ? ' or ' : ''}<a href="#schema-${name}">${name}</a>`)
  return html`${links}`
}

function badge(method: Method): Html {
  return html`<span class="method ${method}">${method.toUpperCase()}</span>`
}

function resolved(document: OpenApi, parameter: Parameter | Ref): Parameter {
  if (!('$ref' in parameter)) return parameter
  const found = document.components.parameters[parameter.$ref.split('/').at(-1) ?? '']
  if (found === undefined) throw new Error(`The document refers to ${parameter.$ref}, which it does not have.`)
  return found
}
