import type { Listener } from './listener.ts'
import { Narrator } from './narrator.ts'

/**
 * Where and what a {@link printingListener} prints.
 *
 * @example
 * const options: PrintingOptions = { write: (line) => console.log(line.trimEnd()), progress: true }
 */
export interface PrintingOptions {
  /** Is given one line at a time, with its end. Default: writes to the standard output. */
  readonly write?: (line: string) => unknown
  /** Whether progress is printed too. Default false. */
  readonly progress?: boolean
}

/**
 * Prints a line for people on everything that happens: the id of the run, and a sentence.
 *
 * Source: TaskFlow's `PrintingListener`.
 *
 * @example
 * const work = task({ name: 'work', execute: () => 1 })
 * await run(flow('f', (f) => f.add(work, {})), {}, { id: 'r', listeners: [printingListener()] })
 * console.log('over') // over
 */
export function printingListener(options: PrintingOptions = {}): Listener {
  const { write = (line: string) => process.stdout.write(line), progress = false } = options
  const narrator = new Narrator()
  const print = (flow: string, sentence: string): void => void write(`${flow} ${sentence}\n`)
  return {
    onFlow: (event) => print(event.flow, narrator.flow(event)),
    onAtom: (event) => print(event.flow, narrator.atom(event)),
    onProgress: (event) => {
      if (progress) print(event.flow, narrator.progress(event))
    },
  }
}
