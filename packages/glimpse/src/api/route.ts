import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { OpenBlob } from '@glimpse/stores'
import type { TSchema } from 'typebox'
import type { Config } from '../config/config.ts'
import type { RequestContext } from '../domain/context.ts'
import type { Parts } from '../usecases/parts.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A request, as a handler sees it: of HTTP only what an operation can need. */
export interface Call {
  readonly parts: Parts
  readonly context: RequestContext
  /** Parts of the path by the names that the route gives them. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** On routes that take JSON: the body, checked against the route's schema. */
  readonly body: unknown
  /** On routes that take data: the bytes, unread. */
  readonly data: Readable
  /** Where clients reach the service, for links that must be absolute: `http://host:9292`. */
  readonly baseUrl: string
}

/** What goes back: an object as JSON, data as it is, or neither. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body?: object
  readonly data?: OpenBlob
}

export type Handler = (call: Call) => Promise<Answer> | Answer

/** A schema with the name that error texts give it. */
export interface NamedSchema {
  readonly name: string
  readonly schema: TSchema
}

/** What a route does with a request body: refuse any, read JSON of any media type, or pass bytes on as they come. */
export type Intake =
  | { readonly kind: 'none' }
  | { readonly kind: 'data' }
  | {
      readonly kind: 'json'
      readonly schema: (config: Config) => NamedSchema
      /** What is refused before the schema is asked, because it has a status or a text of its own. */
      readonly precheck?: (body: object, config: Config) => void
      /** The only media types that are taken. */
      readonly mediaTypes?: readonly string[]
    }

/** One row of the table of routes. */
export interface Route {
  readonly method: Method
  /** With `:name` for what varies. */
  readonly path: string
  /** Glance's name of the policy rule that decides who may; null: everybody. */
  readonly policy: string | null
  readonly takes: Intake
  readonly handle: Handler
}
