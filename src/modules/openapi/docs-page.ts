import { errorTable } from '../../errors.js'
import { docsStyle } from './docs-style.js'
import type { OpenapiDocument } from './openapi.service.js'
import type { Media, Operation } from './operation.js'
import { notes, shape } from './shape.js'

interface Entry {
  method: string
  path: string
  operation: Operation
}

/** The document as a page to read: plain HTML, which needs neither scripts nor anything from elsewhere. */
export function docsPage({ info, paths }: OpenapiDocument): string {
  const groups = groupedByTag(paths)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${html(info.title)} API</title>
<style>${docsStyle}</style>
<main>
<h1>${html(info.title)} <small>${html(info.version)}</small></h1>
<p>${html(info.description)}.</p>
<p>A success is <code>{ "success": true, "data": … }</code>, with <code>meta</code> for a list. A failure is a
<a href="#errors">problem</a>. Send the access token of a sign-in as <code>Authorization: Bearer …</code>.
For machines there is <a href="/openapi.json">openapi.json</a>.</p>
<nav>${[...groups.keys()].map(tag => `<a href="#${anchor(tag)}">${html(tag)}</a>`).join('\n')}
<a href="#errors">Errors</a></nav>
${[...groups].map(([tag, entries]) => section(tag, entries)).join('\n')}
${errors()}
</main>
</html>
`
}

function groupedByTag(paths: OpenapiDocument['paths']): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>()
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const [tag = ''] = operation.tags
      groups.set(tag, [...(groups.get(tag) ?? []), { method, path, operation }])
    }
  }
  return groups
}

function section(tag: string, entries: Entry[]): string {
  return `<h2 id="${anchor(tag)}">${html(tag)}</h2>\n${entries.map(entry).join('\n')}`
}

function entry({ method, path, operation }: Entry): string {
  const { operationId, summary, requestBody, responses } = operation
  const id = operationId === undefined ? '' : ` id="${html(operationId)}"`
  return `<details${id}>
<summary><b class="${method}">${method}</b> <code>${html(path)}</code> <span>${html(summary)}</span></summary>
<div class="body">
<p>${operation.security.length === 0 ? 'Open to everybody.' : `Needs a user, by ${credentials(operation)}.`}</p>
${parameters(operation)}
${requestBody ? `<h3>Body</h3>${media(requestBody)}` : ''}
${Object.entries(responses).map(response).join('\n')}
</div>
</details>`
}

function credentials({ security }: Operation): string {
  return security.flatMap(way => Object.keys(way)).join(' or ')
}

function parameters({ parameters }: Operation): string {
  const rows = parameters.flatMap(parameter => {
    if ('$ref' in parameter) return []
    const { name, required, schema } = parameter
    const about = [required ? 'required' : '', notes(schema)].filter(Boolean).join(', ')
    return `<tr><td><code>${html(name)}</code><td>${parameter.in}<td><code>${html(shape(schema))}</code><td>${html(about)}`
  })
  return rows.length === 0 ? '' : `<h3>Parameters</h3><table>${rows.join('\n')}</table>`
}

function response([status, answer]: [string, Operation['responses'][string]]): string {
  if ('$ref' in answer) return ''
  const title = `<h3>${html(status)} ${html(answer.description)}</h3>`
  return answer.content ? title + media({ content: answer.content }) : title
}

function media({ content }: Media): string {
  return Object.entries(content)
    .map(([type, { schema }]) => `<p>${html(type)}</p><pre>${html(shape(schema))}</pre>`)
    .join('\n')
}

function errors(): string {
  const rows = Object.entries(errorTable).map(
    ([code, [status, text]]) => `<tr><td>${status}<td><code>${html(code)}</code><td>${html(text)}`,
  )
  return `<h2 id="errors">Errors</h2>
<p>Every failure is <code>application/problem+json</code> with one of these codes; a chat event that fails is answered
with the same.</p>
<table>${rows.join('\n')}</table>`
}

function anchor(tag: string): string {
  return tag.toLowerCase().replaceAll(' ', '-')
}

function html(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, character => entities[character] ?? character)
}
