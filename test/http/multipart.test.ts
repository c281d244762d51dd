import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseMultipart } from '../../src/http/connection/multipart.ts'

const type = 'multipart/form-data; boundary=b'
const parse = (body: string, contentType = type) =>
  parseMultipart(Buffer.from(body, 'latin1'), contentType).map(({ name, body }) => [name, body.toString('latin1')])

const part = (name: string, content: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`

describe('a multipart form', () => {
  test.each<[string, string, string[][]]>([
    [
      'has parts',
      `${part('a', '1')}${part('b', '2')}--b--\r\n`,
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    ['may have none', '--b--\r\n', []],
    ['may end without a line end', `${part('a', '1')}--b--`, [['a', '1']]],
    ['may have a preamble and an epilogue', `hello\r\n${part('a', '1')}--b--\r\nbye`, [['a', '1']]],
    ['may hold an empty value', `${part('a', '')}--b--`, [['a', '']]],
    [
      'may hold line ends and what looks like a boundary',
      `${part('a', '\r\n--c\r\n--\r\n b')}--b--`,
      [['a', '\r\n--c\r\n--\r\n b']],
    ],
    [
      'may have more headers, in any case and order',
      '--b\r\nX: name="no"\r\ncontent-DISPOSITION: form-data; filename="x.zip"; name=a\r\nContent-Type: x/y\r\n\r\n1\r\n--b--',
      [['a', '1']],
    ],
    [
      'may have white space behind a boundary',
      '--b \t\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--',
      [['a', '1']],
    ],
  ])('%s', (_name, body, parts) => {
    expect(parse(body)).toEqual(parts)
  })

  test('may quote its boundary', () => {
    expect(parse(`${part('a', '1')}--b--`, 'multipart/form-data; charset=utf-8; boundary="b"')).toEqual([['a', '1']])
  })

  test.each([
    ['no boundary in the type', `${part('a', '1')}--b--`, 'multipart/form-data'],
    ['no boundary in the body', 'hello', type],
    ['nothing in it', '', type],
    ['no last boundary', part('a', '1'), type],
    ['a part without headers', '--b\r\n--b--', type],
    ['a part without a name', '--b\r\nContent-Type: x/y\r\n\r\n1\r\n--b--', type],
    ['too many parts', `${part('a', '1').repeat(101)}--b--`, type],
  ])('is refused with %s', (_name, body, contentType) => {
    expect(() => parse(body, contentType)).toThrow('multipart')
  })

  test('returns its parts unchanged, whatever bytes they contain', async () => {
    const fields = fc.array(fc.tuple(fc.stringMatching(/^[\w ]{1,9}$/), fc.uint8Array({ maxLength: 200 })), {
      maxLength: 9,
    })
    await fc.assert(
      fc.asyncProperty(fields, async (values) => {
        const form = new FormData()
        for (const [name, bytes] of values) form.append(name, new Blob([new Uint8Array(bytes)]), 'x')
        const sent = new Response(form)
        const contentType = sent.headers.get('Content-Type') as string
        const parts = parseMultipart(Buffer.from(await sent.arrayBuffer()), contentType)
        expect(parts).toEqual(values.map(([name, bytes]) => ({ name, isFile: true, body: Buffer.from(bytes) })))
      }),
      { numRuns: 200 },
    )
  })

  test('with malformed content is refused or parsed, without other effects', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('--b', '\r\n', '--', 'name="a"', 'Content-Disposition: ', ';', 'x')),
        (words) => {
          try {
            parse(words.join(''))
          } catch (error) {
            expect((error as Error).message).toContain('multipart')
          }
        },
      ),
      { numRuns: 2000 },
    )
  })
})
