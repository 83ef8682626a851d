import type { AtomEvent, FlowEvent, Listener, Logger, ProgressEvent } from '../src/index.ts'

/** Hears everything, and keeps it in the order in which it came. */
export class Trace implements Listener {
  readonly flows: FlowEvent[] = []
  readonly atoms: AtomEvent[] = []
  readonly progress: ProgressEvent[] = []
  /** `flow PENDING>RUNNING`, `a PENDING>RUNNING`, `a 0.5`. */
  readonly lines: string[] = []

  onFlow(event: FlowEvent): void {
    this.flows.push(event)
    this.lines.push(`flow ${event.oldState}>${event.state}`)
  }

  onAtom(event: AtomEvent): void {
    this.atoms.push(event)
    this.lines.push(`${event.atom} ${event.oldState}>${event.state}`)
  }

  onProgress(event: ProgressEvent): void {
    this.progress.push(event)
    this.lines.push(`${event.atom} ${event.fraction}`)
  }
}

/** Keeps what is logged: `warn: message`. */
export class LogBook implements Logger {
  readonly lines: string[] = []
  readonly fields: object[] = []

  debug(fields: object, message: string): void {
    this.#keep('debug', fields, message)
  }

  info(fields: object, message: string): void {
    this.#keep('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.#keep('warn', fields, message)
  }

  error(fields: object, message: string): void {
    this.#keep('error', fields, message)
  }

  #keep(level: string, fields: object, message: string): void {
    this.lines.push(`${level}: ${message}`)
    this.fields.push(fields)
  }
}
