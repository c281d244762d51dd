/** The initial content of a new function. Each runs as it is. */

export interface FunctionTemplate {
  name: string
  language: 'javascript' | 'python' | 'ruby' | 'shell'
  file: string
  /** Absent: the runtime's default. */
  signature?: 'http'
  text: string
  /** Absent: a single function with one file. */
  example?: Example
}

/** An example that `taibai init` offers as well. */
export interface Example {
  name: string
  /** Files in addition to the one that is shown. */
  files: Record<string, string>
  /** Requests that create the functions; the one with the example's name is the requested function. */
  functions: { name: string; query: Record<string, string>; jobs: object[]; webhooks: object[] }[]
}

/** Inserted by the console's build. */
declare const taibaiExamples: FunctionTemplate[]
const examples = typeof taibaiExamples === 'undefined' ? [] : taibaiExamples

const lines = (...all: string[]): string => `${all.join('\n')}\n`

export const functionTemplates: FunctionTemplate[] = [
  {
    name: 'An event: JSON in, JSON out',
    language: 'javascript',
    file: 'main.mjs',
    text: lines(
      'export const main = async (event, context) => {',
      "  console.log('called', context.executionId)",
      "  return { hello: event?.name ?? 'you' }",
      '}',
    ),
  },
  {
    name: 'A small HTTP API',
    language: 'javascript',
    file: 'main.mjs',
    signature: 'http',
    text: lines(
      'const greetings = new Map()',
      '',
      'export const main = {',
      '  async fetch(request) {',
      "    const name = new URL(request.url).searchParams.get('name') ?? 'you'",
      "    if (request.method === 'PUT') greetings.set(name, await request.text())",
      "    return Response.json({ name, greeting: greetings.get(name) ?? 'hello' })",
      '  },',
      '}',
    ),
  },
  {
    name: 'A streaming response',
    language: 'javascript',
    file: 'main.mjs',
    signature: 'http',
    text: lines(
      "import { setTimeout } from 'node:timers/promises'",
      '',
      'async function* words() {',
      "  for (const word of ['one', 'two', 'three']) {",
      '    yield new TextEncoder().encode(word + "\\n")',
      '    await setTimeout(200)',
      '  }',
      '}',
      '',
      'export const main = {',
      "  fetch: () => new Response(ReadableStream.from(words()), { headers: { 'Content-Type': 'text/plain' } }),",
      '}',
    ),
  },
  {
    name: 'A webhook receiver',
    language: 'javascript',
    file: 'main.mjs',
    text: lines(
      '// Let its webhook check the signature of the sender: then what comes here is genuine.',
      'export const main = async (event, context) => {',
      "  const kind = context.request?.headers['x-github-event'] ?? 'unknown'",
      "  console.log('got', kind, JSON.stringify(event))",
      '  return { kind }',
      '}',
    ),
  },
  {
    name: 'An event: JSON in, JSON out',
    language: 'python',
    file: 'main.py',
    text: lines(
      'def main(event, context):',
      '    print("called")',
      '    return {"hello": (event or {}).get("name", "you")}',
    ),
  },
  {
    name: 'A small HTTP API',
    language: 'python',
    file: 'main.py',
    signature: 'http',
    text: lines(
      'import json',
      'from urllib.parse import parse_qs',
      '',
      '',
      'def main(environ, start_response):',
      '    name = parse_qs(environ["QUERY_STRING"]).get("name", ["you"])[0]',
      '    start_response("200 OK", [("Content-Type", "application/json")])',
      '    return [json.dumps({"hello": name}).encode()]',
    ),
  },
  {
    name: 'A job that cleans up',
    language: 'python',
    file: 'main.py',
    text: lines(
      'from pathlib import Path',
      'from time import time',
      '',
      '',
      'def main(event, context):',
      '    oldest = time() - 86_400',
      '    old = [path for path in Path("/tmp").glob("*.cache") if path.stat().st_mtime < oldest]',
      '    for path in old:',
      '        path.unlink()',
      '    print(f"removed {len(old)} files")',
      '    return {"removed": len(old)}',
    ),
  },
  {
    name: 'An event: JSON in, JSON out',
    language: 'ruby',
    file: 'main.rb',
    text: lines(
      'def main(event, context)',
      '  puts "called as #{context.execution_id}"',
      "  { hello: event.is_a?(Hash) && event['name'] || 'you' }",
      'end',
    ),
  },
  {
    name: 'A small HTTP API',
    language: 'ruby',
    file: 'main.rb',
    signature: 'http',
    text: lines(
      '# A Rack application.',
      'def main(env)',
      "  [200, { 'content-type' => 'text/plain' }, [\"hello from #{env['PATH_INFO']}\\n\"]]",
      'end',
    ),
  },
  {
    name: 'A script: event in, response out',
    language: 'shell',
    file: 'main.sh',
    text: lines(
      '#!/bin/bash',
      'set -euo pipefail',
      'echo "called as $FN_EXECUTION_ID" >&2',
      'bytes=$(wc -c)',
      'echo "{\\"bytes\\": $bytes}"',
    ),
  },
]

/** Templates of a runtime, by its first language; none for other languages. */
export const templatesOf = (language: string | undefined): FunctionTemplate[] =>
  [...functionTemplates, ...examples].filter((template) => template.language === language)
