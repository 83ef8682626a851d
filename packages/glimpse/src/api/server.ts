import type { OutgoingHttpHeaders, Server } from 'node:http'
import type { OpenBlob } from '@glimpse/stores'
import Fastify, { type FastifyHttpOptions, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { ServiceError } from '../domain/errors.ts'
import type { Parts } from '../usecases/parts.ts'
import { bodyReader, checkBodyHeaders, jsonLimit } from './body-intake.ts'
import { baseUrlOf, contextOf, requestIdOf } from './caller.ts'
import { renderProblem } from './error-page.ts'
import { problemHeaders, problemOf } from './problem.ts'
import type { Answer, Route } from './route.ts'
import { routes } from './routes.ts'
import { negotiate, versionPaths, viewVersions } from './versions.ts'

/** Builds the HTTP server of the API; it does not listen yet. */
export function buildServer(parts: Parts): FastifyInstance {
  const app = Fastify(optionsFor(parts))
  app.decorate(underWay, new Set<Promise<Answer>>())
  app.removeAllContentTypeParsers()
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-openstack-request-id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => finish(parts, request, reply))
  app.setErrorHandler((error, request, reply) => sendProblem(parts, error, request, reply))
  app.setNotFoundHandler((request) => refuseUnknown(request, app.supportedMethods))
  addVersions(app, parts)
  addRoutes(app, parts, 'text')
  addRoutes(app, parts, 'data')
  addRefusals(app)
  return app
}

/**
 * A request may take as long as it needs, since an upload is one; Node would end it after 5 minutes. Its headers may
 * not.
 */
function optionsFor(parts: Parts): FastifyHttpOptions<Server> {
  const { limits, stores } = parts.config
  return {
    bodyLimit: jsonLimit,
    exposeHeadRoutes: false,
    genReqId: ({ headers }) => requestIdOf(headers, limits.requestIdLength),
    requestIdHeader: false,
    requestTimeout: 0,
    rewriteUrl: ({ url = '/', headers }) => negotiate(url, headers, stores.multi),
    routerOptions: { maxParamLength: 16_384 },
    frameworkErrors: (error, request, reply) => {
      reply.header('x-openstack-request-id', request.id)
      sendProblem(parts, error, request, reply)
    },
    // A larger mark would have chunks joined before they are read, at the price of a copy and of twice the memory.
    http: { highWaterMark: 65_536, headersTimeout: 60_000 },
  }
}

/** Whatever the method and the body, who does not name a version is told which there are. */
function addVersions(app: FastifyInstance, { config }: Parts): void {
  const listVersions = (url: string, status: number): void => {
    app.all(url, {
      onRequest: async (request, reply) => {
        const body = viewVersions(config.stores.multi, baseUrlOf(config, request))
        return reply.code(status).type('application/json').send(JSON.stringify(body))
      },
      handler: () => undefined,
    })
  }
  listVersions(versionPaths.choices, 300)
  listVersions(versionPaths.list, 200)
  app.get('/v2', (request, reply) => reply.redirect(`${baseUrlOf(config, request)}/v2/`, 302))
}

/** Routes that take data get the request itself, unread; the others text, whatever its media type, up to the limit. */
function addRoutes(app: FastifyInstance, parts: Parts, kind: 'text' | 'data'): void {
  app.register(async (scope) => {
    if (kind === 'data') scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    else scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => done(null, text))
    for (const route of routes) if ((route.takes.kind === 'data') === (kind === 'data')) addRoute(scope, parts, route)
  })
}

const underWay = 'operationsUnderWay'

/** Counts an operation until it has ended: a client that leaves does not end it. */
async function watch(app: FastifyInstance, operation: () => Promise<Answer> | Answer): Promise<Answer> {
  const operations = app.getDecorator<Set<Promise<Answer>>>(underWay)
  const answer = Promise.resolve().then(operation)
  operations.add(answer)
  try {
    return await answer
  } finally {
    operations.delete(answer)
  }
}

/**
 * Stops taking requests, and waits for those that run; after the grace, in milliseconds, their connections are cut.
 * Resolves when every operation has ended, that is, has undone what it could not finish.
 */
export async function closeServer(app: FastifyInstance, grace: number): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), grace)
  await app.close()
  clearTimeout(cut)
  await Promise.allSettled(app.getDecorator<Set<Promise<Answer>>>(underWay))
}

function addRoute(scope: FastifyInstance, parts: Parts, { method, path, takes, handle }: Route): void {
  const readBody = bodyReader(takes, parts.config)
  scope.route({
    method,
    url: path,
    onRequest: async (request) => checkBodyHeaders(request, takes),
    handler: async (request, reply) => {
      const answer = await watch(scope, () =>
        handle({
          parts,
          context: contextOf(request),
          params: request.params as Readonly<Record<string, string>>,
          query: new URLSearchParams(/\?(.*)$/s.exec(request.url)?.[1]),
          headers: request.headers,
          body: readBody(request),
          data: request.raw,
          baseUrl: baseUrlOf(parts.config, request),
        }),
      )
      return answer.data ? sendData(parts, reply, answer, answer.data) : sendAnswer(reply, answer)
    },
  })
}

function sendAnswer(reply: FastifyReply, { status, headers = {}, body }: Answer): FastifyReply {
  reply.code(status).headers(headers)
  if (body === undefined) return reply.send()
  return reply.type('application/json').send(Buffer.from(JSON.stringify(body)))
}

/** Sends data past fastify, whose streams are half as fast. What breaks off midway can only be told by breaking off. */
async function sendData({ log }: Parts, reply: FastifyReply, { status, headers }: Answer, data: OpenBlob) {
  const { raw, request } = reply.hijack()
  raw.writeHead(status, { ...reply.getHeaders(), ...headers } as OutgoingHttpHeaders)
  try {
    await data.send(raw)
    raw.end()
  } catch (error) {
    const left = error instanceof Error && 'code' in error && departures.has(error.code)
    if (!left) log.error({ err: error, requestId: request.id }, 'a download broke off')
    raw.destroy()
  }
}

/** What a connection says when the client left, which is its right; a store's errors have other codes. */
const departures: ReadonlySet<unknown> = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE', 'ECANCELED'])

function sendProblem({ log }: Parts, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(error, request)
  if (problem.status >= 500) log.error({ err: error, requestId: request.id }, 'a request failed')
  const { contentType, body } = renderProblem(problem, request.headers.accept)
  void reply.code(problem.status).headers(problemHeaders(error)).type(contentType).send(Buffer.from(body))
}

/** What comes after an answer. A body that was refused midway is read to its end, for the sake of the connection. */
function finish(
  { log }: Parts,
  { id, method, raw, url }: FastifyRequest,
  { statusCode, elapsedTime }: FastifyReply,
): void {
  if (!raw.complete) raw.resume()
  const path = url.replace(/\?.*$/s, '')
  log.info({ requestId: id, method, path, status: statusCode, ms: Math.round(elapsedTime) }, 'answered')
}

/** A known path with another method says which methods it knows. */
function addRefusals(app: FastifyInstance): void {
  for (const path of new Set(routes.map(({ path }) => path))) {
    const known = routes.filter((route) => route.path === path).map(({ method }) => method as string)
    app.route({
      method: app.supportedMethods.filter((method) => !known.includes(method)),
      url: path,
      onRequest: async ({ method }) => {
        const reason = `The method ${method} is not allowed for this resource.`
        throw new ServiceError('method-not-allowed', { reason, allow: known.join(', ') })
      },
      handler: () => undefined,
    })
  }
}

function refuseUnknown({ method }: FastifyRequest, supported: readonly string[]): never {
  if (supported.includes(method)) throw new ServiceError('not-found', { reason: 'The resource could not be found.' })
  throw new ServiceError('not-implemented', {
    reason: `The request method ${method} is not implemented for this server.`,
  })
}
