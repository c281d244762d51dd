import { pageStyle } from './page-style.ts'

/** The OpenAPI document as one HTML page, without scripts and external resources. */
export function openApiPage(document: { info: { title: string; description?: string }; paths?: object }): string {
  const { title, description = '' } = document.info
  const operations = operationsOf((document.paths ?? {}) as Paths)
  const tags = [...new Set(operations.map((operation) => operation.tag))]
  const sections = tags.map((tag) =>
    section(
      tag,
      operations.filter((operation) => operation.tag === tag),
    ),
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)} API</title><style>${pageStyle}</style>
<h1>${escaped(title)} API</h1><p>${escaped(description)} For programs: <a href="../openapi.json">openapi.json</a>.</p>
${sections.join('\n')}</html>`
}

type Schema = {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  description?: string
  items?: Schema
  properties?: Record<string, Schema>
}
type Content = Record<string, { schema?: Schema }>
interface Operation {
  tags?: string[]
  summary?: string
  description?: string
  parameters?: { name: string; in: string; description?: string }[]
  requestBody?: { content: Content }
  responses: Record<string, { description: string; content?: Content }>
}
type Paths = Record<string, Record<string, Operation>>

interface Listed {
  tag: string
  verb: string
  path: string
  operation: Operation
}

function operationsOf(paths: Paths): Listed[] {
  return Object.entries(paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => ({ tag: operation.tags?.[0] ?? '', verb, path, operation })),
  )
}

const section = (tag: string, operations: Listed[]): string =>
  `<h2>${escaped(tag)}</h2>${operations.map(entry).join('\n')}`

function entry({ verb, path, operation }: Listed): string {
  const title = `<code><b>${verb.toUpperCase()}</b> ${escaped(path)}</code> ${escaped(operation.summary ?? '')}`
  const parts = [
    paragraph(operation.description),
    parameters(operation.parameters ?? []),
    ...Object.entries(operation.requestBody?.content ?? {}).map(([type, { schema }]) => body(type, schema)),
    answers(operation.responses),
  ]
  return `<details><summary>${title}</summary>${parts.join('')}</details>`
}

const parameters = (list: { name: string; in: string; description?: string }[]): string =>
  table(list.map((one) => [`<code>${escaped(one.name)}</code>`, one.in, escaped(one.description ?? '')]))

const body = (type: string, schema: Schema = {}): string =>
  `<p>Body: <code>${escaped(type)}</code></p>${table(
    Object.entries(schema.properties ?? {}).map(([name, field]) => [
      `<code>${escaped(name)}</code>`,
      escaped(kind(field)),
      escaped(field.description ?? ''),
    ]),
  )}`

const answers = (responses: Operation['responses']): string =>
  table(
    Object.entries(responses).map(([status, { description, content = {} }]) => [
      `<b>${status}</b>`,
      escaped(description),
      Object.entries(content)
        .map(([type, { schema }]) => escaped(`${type} ${kind(schema)}`))
        .join('<br>'),
    ]),
  )

function kind(schema: Schema = {}): string {
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1) as string
  if (schema.enum !== undefined) return schema.enum.map(String).join(' | ')
  if (schema.items !== undefined) return `list of ${kind(schema.items)}`
  return [schema.type ?? ''].flat().join(' or ')
}

const paragraph = (text: string | undefined): string => (text === undefined ? '' : `<p>${escaped(text)}</p>`)

const table = (rows: string[][]): string =>
  rows.length === 0
    ? ''
    : `<table>${rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('')}</table>`

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
