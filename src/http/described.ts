import type { z } from '@hono/zod-openapi'
import type { ErrorCode } from '../domain/errors.ts'
import type { Scope } from '../domain/scope.ts'

/** What an answer holds: a schema, or one of the forms that are not JSON. */
export type AnswerBody = z.ZodType | 'nothing' | 'zip' | 'tar' | 'text' | 'html' | 'lines' | 'events'

type Method = 'get' | 'post' | 'put' | 'delete' | 'patch' | 'head' | 'options'

export interface Described<P extends string = string> {
  method: Method
  /** As Hono writes it: `/v1/runtimes/:id`. */
  path: P
  tag: string
  /** One line: what it does. */
  summary: string
  /** What a caller must know beyond that. */
  description?: string
  /** Nobody needs a token; with patterns, only where the parameters of the path are spelled so. */
  public?: true | Record<string, RegExp>
  /** Of which a token must have one; absent: `read` for GET, `deploy` for what changes something. */
  scope?: Scope | readonly Scope[]
  /**
   * What is asked of a token of one function. `path`: the parameter `id` must name that one; `checked`: the service looks;
   * `free`: nothing. Absent: it has no business here.
   */
  onlyFunction?: 'path' | 'checked' | 'free'
  query?: z.ZodObject
  /** JSON body, or one schema for each media type. */
  body?: z.ZodType | Record<string, z.ZodType>
  answers: Record<number, AnswerBody>
  /** Codes of the errors that this route is known for; 401 and 500 go without saying. */
  refusals?: ErrorCode[]
}
