/** The ways in which an image is imported. */
export const methods = ['glance-direct', 'web-download', 'import'] as const
export type Method = (typeof methods)[number]

/** What the service is set up as. */
export interface Setup {
  readonly engine: 'serial' | 'parallel'
  readonly stores: readonly string[]
}

/** The name under which kills of a flow are counted: what it does in which stores. */
export function flowOf(method: Method, { stores }: Setup): string {
  return method === 'import' ? method : `${method} to ${stores.join(' and ')}`
}

/** Each transition of a flow that goes well, in order as far as there is one. */
export function transitionsOf(method: Method, { stores }: Setup): string[] {
  const begin = {
    'glance-direct': ['mark-importing', 'open-staged'],
    'web-download': ['mark-importing', 'download'],
    import: ['create-image', 'mark-importing', 'download'],
  }[method]
  const fill = method === 'import' ? ['import-to-store'] : stores.map((store) => `import-to-${store}`)
  return [...begin, ...fill, 'activate', 'unstage'].flatMap((step) => [`${step} RUNNING`, `${step} SUCCESS`])
}
