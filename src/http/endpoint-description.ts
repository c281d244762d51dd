import type { z } from '@hono/zod-openapi'
import type { ErrorCode } from '../domain/errors.ts'
import type { Scope } from '../domain/platform/scope.ts'

/** The body of a response: a schema, or a form other than JSON. */
export type ResponseBody = z.ZodType | 'nothing' | 'zip' | 'tar' | 'text' | 'html' | 'lines' | 'events'

type Method = 'get' | 'post' | 'put' | 'delete' | 'patch' | 'head' | 'options'

export interface EndpointDescription<P extends string = string> {
  method: Method
  /** In Hono's syntax: `/v1/runtimes/:id`. */
  path: P
  tag: string
  /** What it does, in one line. */
  summary: string
  /** What a caller must know beyond the summary. */
  description?: string
  /** Set when no token is needed; with patterns, only where the path's parameters match them. */
  public?: true | Record<string, RegExp>
  /** Scopes of which a token needs one; absent: `read` for GET, `deploy` for changes. */
  scope?: Scope | readonly Scope[]
  /**
   * What a token of one function may do here. `path`: the parameter `id` must name that function; `checked`: the service checks;
   * `free`: no restriction. Absent: it is refused.
   */
  onlyFunction?: 'path' | 'checked' | 'free'
  query?: z.ZodObject
  /** JSON body, or one schema per media type. */
  body?: z.ZodType | Record<string, z.ZodType>
  answers: Record<number, ResponseBody>
  /** Error codes specific to this route; 401 and 500 apply to all. */
  refusals?: ErrorCode[]
}
