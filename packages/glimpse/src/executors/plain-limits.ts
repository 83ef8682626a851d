import type { AtomNode, FlowNode, RetryNode } from '@glimpse/taskflow'

/**
 * Refuses what `plain` would do otherwise than an engine does, before anything is begun. Flows that are written in the
 * typed layer, with tasks that have neither hooks nor a time limit, have none of it.
 *
 * @throws Error, saying what it is.
 */
export function checkPlain(flow: FlowNode): void {
  const lack = lackIn(flow, new Set())
  if (lack === null) return
  throw new Error(`task_executor = plain cannot run flow '${flow.name}': ${lack}; use task_executor = taskflow`)
}

function lackIn(flow: FlowNode, provided: Set<string>): string | null {
  if (flow.target !== null) return `'${flow.name}' is a graph of which only a part runs`
  const link = flow.edges.find((edge) => edge.decider && edge.depth !== 'PART')
  if (link) return `a decider of '${flow.name}' has depth ${link.depth}, not PART`
  if (flow.retry) {
    const lack = wiringLack(flow.retry, provided)
    if (lack !== null) return lack
  }
  for (const child of flow.children) {
    const lack = child.kind === 'flow' ? lackIn(child, provided) : (taskLack(child) ?? wiringLack(child, provided))
    if (lack !== null) return lack
  }
  return null
}

function taskLack({ name, task }: AtomNode): string | null {
  if (task.timeout !== null || task.revertTimeout !== null) return `task '${name}' has a time limit`
  const hook = task.preExecute ?? task.postExecute ?? task.preRevert ?? task.postRevert
  return hook ? `task '${name}' has a hook` : null
}

function wiringLack({ name, needs, provides }: AtomNode | RetryNode, provided: Set<string>): string | null {
  const optional = needs.find((need) => need.optional)
  if (optional) return `'${optional.argument}' of '${name}' is optional`
  const twice = provides.find(({ symbol }) => provided.has(symbol))
  if (twice) return `'${twice.symbol}' is provided twice, the second time by '${name}'`
  for (const { symbol } of provides) provided.add(symbol)
  return null
}
