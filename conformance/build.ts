/** A spec becomes a flow of the plain layer. Source: `flow-oracle/README.md`, "Spec". */
import {
  type AnyRetry,
  alwaysRevert,
  alwaysRevertAll,
  atom,
  controller,
  type Decider,
  type FlowNode,
  forEach,
  graph,
  type JsonValue,
  type Link,
  linear,
  type PlainNode,
  parameterizedForEach,
  type RetryNode,
  task,
  times,
  unordered,
} from '@glimpse/taskflow'
import type { CallLog } from './calls.ts'
import type { DeciderSpec, FlowSpec, LinkSpec, RetrySpec } from './spec.ts'
import { atomOf, type Pace } from './tasks.ts'
import { fnv1a, renderNamed } from './values.ts'

/** @throws TaskFlowError where TaskFlow's constructors, `add` and `link` raise. */
export function buildFlow(spec: FlowSpec, calls: CallLog, pace: Pace): FlowNode {
  const { name, pattern, links = [] } = spec
  const retry = spec.retry ? controllerOf(spec.retry, calls) : null
  const children = spec.children.map((child) =>
    child.kind === 'flow' ? buildFlow(child, calls, pace) : atomOf(child, calls, pace),
  )
  if (pattern === 'linear') return linear(name, children, { retry })
  if (pattern === 'unordered') return unordered(name, children, { retry })
  return graph(name, children, { retry, links: links.map((link) => linkOf(link, children)) })
}

function linkOf({ from, to, decider, depth }: LinkSpec, children: readonly PlainNode[]): Link {
  const stranger = atom(task({ name: 'stranger', execute: () => null }))
  return {
    from: children[from] ?? stranger,
    to: children[to] ?? stranger,
    ...(decider && { decider: deciderOf(decider) }),
    ...(depth && { depth }),
  }
}

function deciderOf(spec: DeciderSpec): Decider {
  if (spec.op === 'const') return () => spec.value
  if (spec.op === 'has') return (history) => Object.hasOwn(history, spec.atom)
  return (history) => fnv1a(spec.salt + renderNamed(history as Record<string, JsonValue>)) % 2 === 0
}

function controllerOf(spec: RetrySpec, calls: CallLog): RetryNode {
  const { name, provides } = spec
  const rebind = spec.strategy === 'parameterized_for_each' ? { values: spec.values_from } : {}
  return controller(counted(retryOf(spec), name, calls), { name, rebind, ...(provides && { provides }) })
}

function retryOf(spec: RetrySpec): AnyRetry {
  const options = { revertAll: spec.revert_all ?? false }
  switch (spec.strategy) {
    case 'always_revert':
      return alwaysRevert()
    case 'always_revert_all':
      return alwaysRevertAll()
    case 'times':
      return times(spec.attempts, options)
    case 'for_each':
      return forEach(spec.values, options)
    case 'parameterized_for_each':
      return parameterizedForEach<JsonValue>(options)
  }
  throw new Error(`there is no such strategy: ${JSON.stringify(spec satisfies never)}`)
}

/** The same retry, whose calls are counted. */
function counted(inner: AnyRetry, name: string, calls: CallLog): AnyRetry {
  return {
    ...inner,
    execute: (args, context) => {
      calls.execute(name)
      return inner.execute(args, context)
    },
    revert: (args, context) => {
      calls.revert(name)
      return inner.revert?.(args, context)
    },
  }
}
