// The program of a worker thread. It imports nothing but files of this package and Node's own modules, by relative
// paths, so that it starts from `src` by type stripping and from `dist` alike.
import { parentPort, receiveMessageOnPort } from 'node:worker_threads'
import { TaskFlowError } from '../../errors.ts'
import { Failure } from '../../failure.ts'
import { assertStorable } from '../../json.ts'
import type { AnyTask } from '../../task.ts'
import type { Answer, CallRequest, ThreadRequest } from './messages.ts'
import { type Line, ThreadContext } from './thread-context.ts'

const port = parentPort
if (port === null) throw new Error('this is the program of the worker threads of a ThreadPool, and is started by one')

/** The call that is under way. */
let current: { readonly call: number; readonly context: ThreadContext } | null = null

const line: Line = {
  post: (message) => port.postMessage(message, []),
  take: () => {
    for (let taken = receiveMessageOnPort(port); taken; taken = receiveMessageOnPort(port)) {
      receive(taken.message as ThreadRequest)
    }
  },
}

function receive(request: ThreadRequest): void {
  if (request.kind === 'call') void make(request)
  else if (request.call !== current?.call) return
  else if (request.kind === 'abort') current.context.abort(request.reason)
  else current.context.heard()
}

async function make(request: CallRequest): Promise<void> {
  const context = new ThreadContext(request, line)
  current = { call: request.call, context }
  const answer = await answerTo(request, context)
  current = null
  try {
    context.end()
    line.post(answer)
  } catch (error) {
    line.post(uncloned(request, error))
  }
}

async function answerTo(request: CallRequest, context: ThreadContext): Promise<Answer> {
  const { call, outcome, task: name } = request
  try {
    const task = await findTask(request)
    const value = await (outcome ? revert(task, request, context) : task.execute(request.args as never, context))
    if (value instanceof Failure) return { kind: 'failure', call, failure: value.toJSON() }
    // Cloning would make plain data of instances of classes, and hide from the engine that they cannot be stored.
    if (!outcome) assertStorable(value, `task '${name}'`, 'result', Number.POSITIVE_INFINITY)
    return { kind: 'value', call, value }
  } catch (error) {
    return thrown(request, error)
  }
}

function revert(task: AnyTask, { outcome, args, module }: CallRequest, context: ThreadContext): unknown {
  if (!task.revert) throw wrong(`task '${task.name}' of module ${module} has no revert`)
  if (outcome?.ok === false) {
    return task.revert(args as never, { ok: false, failure: Failure.fromStored(outcome.failure) }, context)
  }
  return task.revert(args as never, { ok: true, result: outcome?.result }, context)
}

/** What a revert gives is a courtesy: a revert that did its work does not fail by it. */
function uncloned(request: CallRequest, error: unknown): Answer {
  const { call, task, outcome } = request
  if (outcome) return { kind: 'value', call, value: undefined }
  const why = error instanceof Error ? error.message : String(error)
  const message = `task '${task}': its result cannot leave the worker thread: ${why} Give plain data.`
  return thrown(request, new TaskFlowError('not-json', message, { cause: error }))
}

function thrown({ call, atom }: CallRequest, error: unknown): Answer {
  return { kind: 'thrown', call, failure: Failure.from(error, atom).toJSON() }
}

async function findTask({ task: name, module }: CallRequest): Promise<AnyTask> {
  const tasks = Object.entries(await load(name, module)).filter((entry): entry is [string, AnyTask] => isTask(entry[1]))
  const named = tasks.filter(([, task]) => task.name === name)
  const [found, ...others] = new Set(named.map(([, task]) => task))
  if (found && others.length === 0) return found
  if (found) {
    const places = named.map(([key]) => key).join(', ')
    throw wrong(`module ${module} exports several tasks named '${name}', as ${places}; one is allowed`)
  }
  const names = new Set(tasks.map(([, task]) => `'${task.name}'`))
  throw wrong(
    `module ${module} exports no task named '${name}'; it exports ${[...names].join(', ') || 'no task at all'}`,
  )
}

async function load(name: string, module: string): Promise<object> {
  try {
    return (await import(module)) as object
  } catch (cause) {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    throw wrong(`the module of task '${name}', ${module}, cannot be loaded: ${why}`, { cause })
  }
}

function isTask(value: unknown): value is AnyTask {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'execute' in value &&
    typeof value.execute === 'function'
  )
}

function wrong(message: string, options?: ErrorOptions): TaskFlowError {
  return new TaskFlowError('invalid-flow', message, options)
}

port.on('message', receive)
port.on('messageerror', (error) => {
  throw error
})
